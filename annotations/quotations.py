"""The passages that carry a code, with who spoke, in what context, and for whom they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from annotations.codebook import SEPARATOR, Codebook, known_path
from annotations.codings import Coding
from annotations.counts import NOT_GIVEN, check_attributes, references_of
from annotations.errors import NotFound
from annotations.formats.pseudonyms import Pseudonyms
from annotations.numerals import any_of
from annotations.transcripts import Transcript, Turn
from annotations.work import Work

_LISTED = 8
_NEAREST = 3
_LONGEST_HINTED = 500
"""Characters beyond which looking for what is written alike takes long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The turn before a quotation's."""

    speaker: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """What a coder noted beside a coding."""

    coder: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotation:
    """A passage: its words, codes, speaker, transcript, what was noted on it, the turn before.

    `start` and `end` are code points of the turn as it is stored, before any pseudonym.
    `whole` says that the passage is all of the turn.
    """

    transcript: str
    turn: int
    start: int
    end: int
    speaker: str
    text: str
    whole: bool
    codes: tuple[str, ...]
    attributes: Mapping[str, str]
    before: Context | None
    memos: tuple[Remark, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The quotations from transcripts that share these attribute values."""

    name: str
    values: Mapping[str, str]
    quotations: tuple[Quotation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quotations:
    """The passages of a code and of those below it, grouped by attributes."""

    study: str
    code: str
    definition: str
    by: tuple[str, ...]
    coded_by: str
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def number(self) -> int:
        """How many quotations there are."""
        return sum(len(group.quotations) for group in self.groups)


def find_quotations(
    work: Work,
    code: str,
    *,
    study: str,
    codebook: Codebook,
    transcripts: Sequence[Transcript],
    by: Sequence[str],
    pseudonyms: Pseudonyms,
    in_text: bool,
) -> Quotations:
    """The passages that carry `code` (its path, or a name that only one code has).

    A passage that several codes below it share is one quotation with all of them. NotFound
    where there is no such code, StateError for an attribute that no transcript has.
    """
    path = find_code(codebook, code)
    check_attributes(transcripts, by)
    by = tuple(dict.fromkeys(by))
    by_name = {item.name: item for item in transcripts}
    passages: dict[tuple[str, int, int, int], list[str]] = {}
    wanted = [
        one for one in work.codings if one.code == path or one.code.startswith(path + SEPARATOR)
    ]
    for one in references_of(wanted):
        passages.setdefault((one.transcript, one.turn, one.start, one.end), []).append(one.code)
    noted: dict[tuple[str, int, str], list[Coding]] = {}
    for coding in wanted:
        if coding.memo:
            noted.setdefault((coding.transcript, coding.turn, coding.code), []).append(coding)
    order = {item.name: at for at, item in enumerate(transcripts)}
    groups: dict[tuple[str, ...], list[Quotation]] = {}
    speakers: list[str] = []
    for key in sorted(passages, key=lambda place: (order[place[0]], *place[1:])):
        item = by_name[key[0]]
        turn = item.turns[key[1]]
        before = item.turns[key[1] - 1] if key[1] else None
        speakers += [item.name, turn.speaker, before.speaker if before else ""]
        codes = passages[key]
        memos = _memos(key, [one for code in codes for one in noted.get((*key[:2], code), ())])
        groups.setdefault(tuple(item.attributes.get(n) or NOT_GIVEN for n in by), []).append(
            _quotation(item, turn, before, key, codes, memos, pseudonyms, in_text=in_text)
        )
    found = codebook.code(path)
    return Quotations(
        study=study,
        code=path,
        definition=found.definition if found is not None else "",
        by=by,
        coded_by=work.name,
        groups=tuple(
            Group(
                name=" × ".join(values) or "all",
                values=dict(zip(by, values, strict=True)),
                quotations=tuple(groups[values]),
            )
            for values in sorted(groups, key=lambda one: [(v == NOT_GIVEN, v) for v in one])
        ),
        notes=_notes(pseudonyms, speakers),
    )


def find_code(codebook: Codebook, code: str) -> str:
    """The path of a code, given by path or by a name that only one code has."""
    wanted = known_path(code, codebook.paths)
    if wanted in codebook.paths:
        return wanted
    named = [path for path in codebook.paths if path.rsplit(SEPARATOR, 1)[-1] == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise NotFound(f"{code!r} is the name of {len(named)} codes; choose {' or '.join(named)}")
    there = ", ".join(codebook.paths[:_LISTED]) or "none yet"
    more = len(codebook.paths) - _LISTED
    rest = f" and {more} more, which `codebook show` lists" if more > 0 else ""
    near = _nearest(codebook, wanted)
    raise NotFound(f"there is no code {code!r}{near}; the codes are {there}{rest}")


def _nearest(codebook: Codebook, wanted: str) -> str:
    """A hint at codes whose path or name is written much the same."""
    if len(wanted) > _LONGEST_HINTED:
        return ""
    written: dict[str, list[str]] = {}
    for path in codebook.paths:
        for form in (path.casefold(), path.rsplit(SEPARATOR, 1)[-1].casefold()):
            written.setdefault(form, []).append(path)
    near = [
        path
        for asked in (wanted, wanted.rsplit(SEPARATOR, 1)[-1])
        for form in get_close_matches(asked.casefold(), written, n=_NEAREST)
        for path in written[form]
    ]
    found = [repr(path) for path in dict.fromkeys(near)][:_NEAREST]
    return f" (did you mean {any_of(found) if len(found) > 1 else found[0]}?)" if found else ""


def _quotation(
    item: Transcript,
    turn: Turn,
    before: Turn | None,
    key: tuple[str, int, int, int],
    codes: Sequence[str],
    memos: Sequence[Remark],
    pseudonyms: Pseudonyms,
    *,
    in_text: bool,
) -> Quotation:
    def words(text: str) -> str:
        return pseudonyms.in_text(text) if in_text else text

    return Quotation(
        transcript=pseudonyms.name(item.name),
        turn=turn.index,
        start=key[2],
        end=key[3],
        speaker=pseudonyms.name(turn.speaker),
        text=words(turn.text[key[2] : key[3]]),
        whole=(key[2], key[3]) == (0, len(turn.text)),
        codes=tuple(sorted(codes)),
        attributes=dict(item.attributes),
        before=None
        if before is None
        else Context(speaker=pseudonyms.name(before.speaker), text=words(before.text)),
        memos=tuple(Remark(coder=one.coder, text=words(one.text)) for one in memos),
    )


def _memos(key: tuple[str, int, int, int], codings: Sequence[Coding]) -> list[Remark]:
    """What was noted on codings within a passage, each once."""
    inside = (one for one in codings if one.start < key[3] and key[2] < one.end)
    return list(dict.fromkeys(Remark(coder=one.coder, text=one.memo) for one in inside))


def _notes(pseudonyms: Pseudonyms, names: Sequence[str]) -> tuple[str, ...]:
    missing = pseudonyms.missing(names) if pseudonyms.of else ()
    if not missing:
        return ()
    return (
        f"no pseudonym for {', '.join(missing)}: they stand as they are. Add them to the file "
        "before you show the quotations to anybody.",
    )
