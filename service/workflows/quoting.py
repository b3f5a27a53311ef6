"""Quotations of a code, as text, Word and CSV."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from annotations.errors import StateError
from annotations.formats.pseudonyms import Pseudonyms, read_pseudonyms
from annotations.formats.quotations_out import as_csv, as_text, as_word
from annotations.quotations import Quotations, find_quotations
from annotations.work import PEOPLE
from service.house import House
from service.workflows.codebooks import code_called
from service.workflows.counting import gather

__all__ = ["as_text", "quotes_of", "write_quotes"]


def quotes_of(
    house: House,
    study: str,
    code: str,
    *,
    by: Sequence[str] = (),
    coded_by: str = PEOPLE,
    pseudonyms: Path | None = None,
    in_text: bool = False,
) -> Quotations:
    """The passages that carry a code or one below it, grouped by attributes.

    Raises NotFound for a code, study or coder that is not there, StateError for an attribute
    that no transcript has, InputError for a file of pseudonyms that cannot be read.
    """
    if in_text and pseudonyms is None:
        raise StateError("--in-text puts pseudonyms into the words; name their file: --pseudonyms")
    names = read_pseudonyms(pseudonyms) if pseudonyms is not None else Pseudonyms()
    found = gather(house, study, coded_by, to_quote=True)
    with house.database.reading() as work:
        code = code_called(work, study, code)
    quotations = find_quotations(
        found.work,
        code,
        study=study,
        codebook=found.study.codebook,
        transcripts=found.study.transcripts,
        by=by,
        pseudonyms=names,
        in_text=in_text,
    )
    return replace(quotations, notes=(*quotations.notes, *found.about_codebook))


def write_quotes(path: Path, quotations: Quotations) -> None:
    """Write quotations as the end of the file's name says; StateError where it cannot be."""
    ends: dict[str, Callable[[Quotations], str | bytes]] = {
        ".docx": as_word,
        ".csv": as_csv,
        ".txt": as_text,
    }
    write = ends.get(path.suffix.lower())
    if write is None:
        raise StateError(f"{path.name} is no file of quotations; it ends in {', '.join(ends)}")
    content = write(quotations)
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise StateError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder that you may "
            "write to."
        ) from error
