"""Word, OpenDocument and PDF transcripts, made here or by real programs."""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import docx as writer
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from annotations.formats import docx, odt, pdf
from annotations.formats.documents import Document
from annotations.study import Material

Put = Callable[[str, str | bytes], Path]
Read = Callable[..., Material]
Refusal = Callable[..., str]
MakePdf = Callable[[Sequence[Sequence[str]]], bytes]
TWO = [("Anna", "We waited."), ("Ben", "So did we.")]
TWICE = [*TWO, ("Anna", "Oh."), ("Ben", "Yes.")]


def said(document: Document) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in document.spoken.turns]


def saved(document: "writer.document.Document", tmp_path: Path) -> Path:
    path = tmp_path / "interview.docx"
    document.save(str(path))
    return path


def test_bold_labels_with_and_without_a_colon(tmp_path: Path) -> None:
    for colon in (":", ""):
        document = writer.Document()
        for speaker, words in TWICE:
            paragraph = document.add_paragraph()
            paragraph.add_run(speaker[:2]).bold = True
            paragraph.add_run(speaker[2:] + colon).bold = True
            paragraph.add_run(f" {words}")
            document.add_paragraph()
        assert said(docx.read(saved(document, tmp_path))) == TWICE


def test_a_bold_label_above_the_words_and_soft_breaks(tmp_path: Path) -> None:
    document = writer.Document()
    for speaker, words in TWICE:
        document.add_paragraph().add_run(speaker).bold = True
        document.add_paragraph(words)
    assert said(docx.read(saved(document, tmp_path))) == TWICE
    document = writer.Document()
    document.add_paragraph("Anna: We\twaited.\nBen:\u00a0So did we.")
    assert said(docx.read(saved(document, tmp_path))) == TWO


@pytest.mark.parametrize(
    "rows",
    [
        [("Time", "Speaker", "Text"), ("0:01", "Anna", "We waited."),
         ("0:09", "Ben:", "So did we.")],
        [("1", "Anna", "We waited."), ("2", "Ben", "So did we."), ("3", "Anna", "Oh."),
         ("4", "Ben", "Yes.")],
        [("Anna: We waited.", ""), ("Ben: So did we.", "")],
    ],
)  # fmt: skip
def test_tables_with_a_column_of_speakers(tmp_path: Path, rows: Sequence[Sequence[str]]) -> None:
    document = writer.Document()
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    found = said(docx.read(saved(document, tmp_path)))
    assert found == (TWICE if len(rows) == 4 else TWO)


def test_what_is_no_speech_is_listed(tmp_path: Path) -> None:
    document = writer.Document()
    document.add_heading("Interview 7")
    for speaker, words in TWO:
        document.add_paragraph(f"{speaker}: {words}")
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.add_comment(document.paragraphs[1].runs, text="Is this right?", author="cm")
    document.paragraphs[2]._p.append(
        parse_xml(
            f"<w:r {nsdecls('w')} xmlns:v='urn:schemas-microsoft-com:vml'><w:pict><v:shape>"
            "<v:textbox><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
            "</v:textbox></v:shape></w:pict></w:r>"
        )
    )
    found = docx.read(saved(document, tmp_path))
    assert said(found) == TWO
    assert found.left_out == (
        "1 heading ('Interview 7')",
        "1 text box (the first begins 'In a box')",
        "1 comment (the first begins 'Is this right?')",
        "1 header (the first begins 'Confidential')",
    )


def test_words_in_links_controls_and_tracked_insertions_are_read(tmp_path: Path) -> None:
    document = writer.Document()
    paragraph = document.add_paragraph("Anna: We ")
    for wrapped in (
        "<w:ins {}><w:r><w:t xml:space='preserve'>really </w:t></w:r></w:ins>",
        "<w:del {}><w:r><w:delText>never</w:delText></w:r></w:del>",
        "<w:hyperlink {}><w:r><w:t>wai</w:t></w:r></w:hyperlink>",
        "<w:sdt {}><w:sdtContent><w:r><w:t>ted.</w:t></w:r></w:sdtContent></w:sdt>",
    ):
        paragraph._p.append(parse_xml(wrapped.format(nsdecls("w"))))
    document.add_paragraph("Ben: So did we.")
    found = docx.read(saved(document, tmp_path))
    assert said(found) == [("Anna", "We really waited."), TWO[1]]
    assert found.left_out == ("1 tracked deletion (the first begins 'never')",)


def test_a_real_interview(shared_data: Path, read: Read) -> None:
    formats = shared_data / "formats"
    material = read(formats / "interview_kelly.docx", formats / "interview_facesheet.xlsx")
    (transcript,) = material.transcripts
    assert Counter(turn.speaker for turn in transcript.turns) == {"Researcher 1": 75, "Kelly": 67}
    paragraphs = [
        " ".join(one.text.split())
        for one in writer.Document(str(formats / "interview_kelly.docx")).paragraphs[1:]
    ]
    assert [f"{turn.speaker}: {' '.join(turn.text.split())}" for turn in transcript.turns] == [
        one.replace(":…", ": …") for one in paragraphs if one
    ]
    assert transcript.attributes["InterviewDate"] == "2023-03-29"
    assert transcript.attributes["InterviewLength_HH-MM-SS"] == "00:45:05"
    assert transcript.attributes["Field"] == "Healthcare"
    assert len(transcript.attributes) == 19
    assert any("14 rows that match no transcript" in str(one) for one in material.refused)


ODT = """<office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0">
<office:automatic-styles><style:style style:name="T1" style:family="text">
<style:text-properties fo:font-weight="bold"/></style:style></office:automatic-styles>
<office:body><office:text>{}</office:text></office:body></office:document-content>"""


def odt_file(put: Put, body: str) -> Path:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        out.writestr("content.xml", ODT.format(body))
    return put("interview.odt", raw.getvalue())


def test_open_document_text(put: Put) -> None:
    label = '<text:p><text:span text:style-name="T1">{}</text:span><text:s/>{}</text:p><text:p/>'
    body = "".join(label.format(speaker, words) for speaker, words in TWICE)
    note = '<text:note text:note-class="footnote"><text:note-body><text:p>A note.</text:p></text:note-body></text:note>'  # noqa: E501 (one element)
    found = odt.read(
        odt_file(put, f"<text:h>Interview 7</text:h>{body.replace('waited', f'wai{note}ted')}")
    )
    assert said(found) == TWICE
    assert found.left_out == (
        "1 heading ('Interview 7')",
        "1 footnote (the first begins 'A note.')",
    )


def test_open_document_tables_breaks_and_tabs(put: Put) -> None:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{cell.format(one)}{cell.format(other)}</table:table-row>"
        for one, other in [("Speaker", "Text"), *TWO]
    )
    assert said(odt.read(odt_file(put, f"<table:table>{rows}</table:table>"))) == TWO
    body = "<text:p>Anna:<text:tab/>We waited.<text:line-break/>Ben: So did we.</text:p>"
    assert said(odt.read(odt_file(put, body))) == TWO


def test_a_pdf_loses_what_heads_and_foots_its_pages(put: Put, make_pdf: MakePdf) -> None:
    pages = [
        ["Study 7", "Anna: We", "waited.", "1"],
        ["Study 7", "Ben: So did we.", "2"],
        ["Study 7", "Anna: Oh.", "Ben: Yes.", "3"],
    ]
    found = pdf.read(put("a.pdf", make_pdf(pages)))
    assert said(found) == TWICE
    assert found.left_out == ("6 lines repeated at the edge of pages (the first begins 'Study 7')",)


def test_a_scan_is_refused(put: Put, refusal: Refusal, make_pdf: MakePdf) -> None:
    assert "1 page without text, so it is a scan" in refusal(put("a.pdf", make_pdf([[]])))
    assert "damaged or no PDF" in refusal(put("a.pdf", b"%PDF-1.4 and then nothing"))


@pytest.mark.parametrize(
    ("name", "entry", "around", "inner"),
    [
        (
            "a.docx",
            "word/document.xml",
            '<w:document xmlns:w="w"><w:body>{}</w:body></w:document>',
            ("w:sdt", "w:p"),
        ),
        (
            "a.docx",
            "word/document.xml",
            '<w:document xmlns:w="w"><w:body><w:p>{}</w:p></w:body></w:document>',
            ("w:ins", "w:t"),
        ),
        (
            "a.odt",
            "content.xml",
            '<o:document xmlns:o="o"><o:body><o:text>{}</o:text></o:body></o:document>',
            ("o:section", "o:p"),
        ),
        (
            "a.odt",
            "content.xml",
            '<o:document xmlns:o="o"><o:body><o:text><o:p>{}</o:p></o:text></o:body></o:document>',
            ("o:span", "o:s"),
        ),
    ],
    ids=["sections", "insertions", "odt sections", "odt spans"],
)
def test_a_document_nested_beyond_any_is_refused_by_name(
    put: Put, refusal: Refusal, name: str, entry: str, around: str, inner: tuple[str, str]
) -> None:
    tag, leaf = inner
    deep = f"<{tag}>" * 5000 + f"<{leaf}/>" + f"</{tag}>" * 5000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr(entry, around.format(deep))
    told = refusal(put(name, packed.getvalue()))
    assert name in told
    assert "more than 200 elements inside each other" in told
