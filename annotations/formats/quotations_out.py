"""Quotations as text, as a Word document, and as CSV for a spreadsheet."""

import io
import re
from collections.abc import Mapping

from annotations.formats.csv_out import csv_text, for_spreadsheet
from annotations.numerals import many
from annotations.quotations import Quotation, Quotations

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_COLUMNS = (
    *("grouped", "code", "transcript", "turn", "start", "end", "speaker", "quotation"),
    *("before_speaker", "before", "memos"),
)


def as_text(found: Quotations) -> str:
    """A heading a group, and each quotation with the turn before and where it comes from."""
    lines = [_title(found), ""]
    if found.definition:
        lines += [found.definition, ""]
    for group in found.groups:
        lines += [f"{group.name} ({len(group.quotations)})", ""]
        for one in group.quotations:
            if one.before is not None:
                lines.append(f"    {_spoken(one.before.speaker, one.before.text)}")
            lines += [f"  {_spoken(one.speaker, _quoted(one))}", f"    {_source(one)}"]
            lines += [*(f"    {memo}" for memo in _memos(one)), ""]
    return "\n".join(lines).rstrip() + "\n"


def as_word(found: Quotations) -> bytes:
    """A Word document with a heading a group, made from python-docx's plain template."""
    from docx import Document

    document = Document()
    document.add_heading(_clean(_title(found)), level=1)
    if found.definition:
        document.add_paragraph(_clean(found.definition))
    for group in found.groups:
        document.add_heading(_clean(f"{group.name} ({len(group.quotations)})"), level=2)
        for one in group.quotations:
            if one.before is not None:
                before = document.add_paragraph()
                before.add_run(_clean(_spoken(one.before.speaker, one.before.text))).italic = True
            quote = document.add_paragraph(style="Quote")
            if one.speaker:
                quote.add_run(_clean(f"{one.speaker}: ")).bold = True
            quote.add_run(_clean(_quoted(one))).italic = False
            document.add_paragraph(_clean(_source(one)))
            for memo in _memos(one):
                document.add_paragraph(_clean(memo))
    sink = io.BytesIO()
    document.save(sink)
    return sink.getvalue()


def as_csv(found: Quotations) -> str:
    """A row a quotation. Cells that a spreadsheet would take for formulas get an apostrophe."""
    names = list(
        dict.fromkeys(
            name for group in found.groups for one in group.quotations for name in one.attributes
        )
    )
    return csv_text(
        (*_COLUMNS, *(for_spreadsheet(_apart(name)) for name in names)),
        (
            tuple(
                for_spreadsheet(value) if isinstance(value, str) else value
                for value in (
                    *(group.name, " | ".join(one.codes), one.transcript, one.turn, one.start),
                    *(one.end, one.speaker, one.text),
                    *(
                        (one.before.speaker, one.before.text)
                        if one.before is not None
                        else ("", "")
                    ),
                    " | ".join(f"{memo.coder}: {memo.text}" for memo in one.memos),
                    *(one.attributes.get(name, "") for name in names),
                )
            )
            for group in found.groups
            for one in group.quotations
        ),
    )


def _apart(name: str) -> str:
    """An attribute's column, which has another name than ours."""
    return f"attribute {name}" if name in _COLUMNS else name


def _title(found: Quotations) -> str:
    return f"{found.code}: {many(found.number, 'quotation')}, coded by {found.coded_by}"


def _quoted(one: Quotation) -> str:
    """The words; dots where the turn goes on before or after them."""
    return one.text if one.whole else f"… {one.text.strip()} …"


def _spoken(speaker: str, text: str) -> str:
    return f"{speaker}: {text}" if speaker else text


def _source(one: Quotation) -> str:
    attributes = _listed(one.attributes)
    codes = "; ".join(one.codes)
    return f"[{one.transcript}, turn {one.turn}{attributes}; {codes}]"


def _memos(one: Quotation) -> list[str]:
    """What coders noted on it, a line each."""
    return [f"Memo by {memo.coder}: {' '.join(memo.text.split())}" for memo in one.memos]


def _listed(attributes: Mapping[str, str]) -> str:
    return "".join(f"; {name} {value}" for name, value in attributes.items())


def _clean(text: str) -> str:
    """Text without the characters that XML, and so Word, cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)
