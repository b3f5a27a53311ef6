"""What an import has gathered so far, and everything that was wrong with it.

The formats put in what they read; each rule that does not depend on the format is checked
here, once. Nothing leaves unless nothing was wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from annotations.codebook import Code, Codebook, ancestors, unfit
from annotations.codings import Coding, Reading
from annotations.errors import InputError, Problem
from annotations.memos import Memo, NamedSet
from annotations.numerals import many
from annotations.study import Material
from annotations.transcripts import Transcript

MOST_PROBLEMS = 20
"""Problems that an error names; the rest are counted."""

_MOST_HINTS = 100
_LONGEST_MESSAGE = 2_000
_LONGEST_NAME = 200
_SHOWN = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something was read: a file and, where it has lines, the line from 1."""

    file: str
    line: int | None = None


class Intake:
    """Gathers transcripts, codes, codings and readings, and the problems with them.

    `known` are the study's transcripts, which the input may refer to and repeat. Put in all
    transcripts and codes before the codings that refer to them. `former` are names that codes
    had once, with what became of each.
    """

    def __init__(
        self,
        *,
        known: Mapping[str, Transcript],
        codebook: Codebook,
        coder: str | None,
        former: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.coder = coder
        self._known = known
        self._codebook = codebook
        self._former = former
        self._problems: list[Problem] = []
        self._refused: list[Problem] = []
        self._notes: list[Problem] = []
        self._transcripts: dict[str, tuple[Transcript, str]] = {}
        self._broken: set[str] = set()
        self._unsure = False
        self._codes: dict[str, tuple[Code, Place]] = {}
        self._gathered: dict[str, Code] = {}
        self._codings: dict[tuple[str, int, int, int, str, str], Coding] = {}
        self._readings: dict[tuple[str, int, str], Reading] = {}
        self._unlisted: dict[str, tuple[Place, int]] = {}
        self._memos: dict[Memo, None] = {}
        self._sets: dict[NamedSet, None] = {}

    def known(self, name: str) -> Transcript | None:
        """The transcript of this name in the input so far or in the study, or None."""
        found = self._transcripts.get(name)
        return self._known.get(name) if found is None else found[0]

    def problem(self, place: Place, message: str) -> None:
        """Note something that makes the whole input refused."""
        if len(message) > _LONGEST_MESSAGE:
            half = _LONGEST_MESSAGE // 2
            message = f"{message[:half]} … {message[-half:]}"
        self._problems.append(Problem(file=place.file, line=place.line, message=message))

    def fits(self, path: str, place: Place) -> bool:
        """Whether a path can be a code's; where it cannot, that is noted as a problem."""
        wrong = unfit(path)
        if wrong:
            shown = path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…"
            self.problem(place, f"the code {shown!r} {wrong}; mend it")
        return not wrong

    def problems(self, problems: Iterable[Problem]) -> None:
        """Note problems that were found elsewhere."""
        self._problems.extend(problems)

    def refuse(self, place: Place, message: str) -> None:
        """Note something that is left out while the rest is kept."""
        self._refused.append(Problem(file=place.file, line=place.line, message=message))

    def note(self, place: Place, message: str) -> None:
        """Note how something was understood, where somebody should look whether it is right."""
        self._notes.append(Problem(file=place.file, line=place.line, message=message))

    @property
    def names(self) -> tuple[str, ...]:
        """The transcripts of the input and of the study."""
        return tuple(dict.fromkeys([*self._transcripts, *self._known]))

    def lost_transcript(self, name: str | None) -> None:
        """Say that a transcript (None: any) was in a part that could not be read.

        References to it are then not reported as unknown: that would bury the cause.
        """
        if name is None:
            self._unsure = True
        else:
            self._broken.add(name)

    def add_transcript(self, transcript: Transcript, place: Place) -> Transcript | None:
        """Put in a transcript; the same words again change nothing, others are a problem."""
        name = transcript.name
        if name in self._transcripts:
            earlier, where = self._transcripts[name]
        elif name in self._known:
            earlier, where = self._known[name], "the study"
        else:
            self._transcripts[name] = (transcript, place.file)
            return transcript
        difference = _difference(earlier, transcript)
        if difference is not None:
            self.problem(
                place,
                f"transcript {name!r} has other words than in {where} ({difference}); "
                "give it another name, or leave it out",
            )
            self.lost_transcript(name)
            return None
        self._transcripts.setdefault(name, (earlier, place.file))
        return earlier

    def add_attributes(self, name: str, attributes: Mapping[str, str], place: Place) -> None:
        """Put attributes to a transcript of the input or the study; the later value wins."""
        transcript = self._find(name, place)
        if transcript is not None:
            file = self._transcripts.get(name, (transcript, place.file))[1]
            merged = replace(transcript, attributes={**transcript.attributes, **attributes})
            self._transcripts[name] = (merged, file)

    def add_code(self, code: Code, place: Place) -> None:
        """Put in a code of a declared codebook."""
        if not self.fits(code.path, place):
            return
        if code.path in self._codes:
            earlier, first = self._codes[code.path]
            if earlier == code and first.file != place.file:
                return
            self.problem(
                place,
                f"code {code.path!r} is listed twice, first in line {first.line} of {first.file}; "
                "remove one",
            )
        elif code.path in self._former:
            self.refuse(place, f"the code {code.path!r} {self._former[code.path]}")
        else:
            self._codes[code.path] = (code, place)

    def gather_code(self, code: Code, place: Place) -> bool:
        """Put in a code that is known without a codebook having been declared; whether it fits."""
        fits = self.fits(code.path, place)
        if fits:
            self._gathered.setdefault(code.path, code)
        return fits

    @property
    def listed(self) -> frozenset[str] | None:
        """The codes that codings may use; None where no codebook was declared."""
        if not self._codes and not self._codebook.declared:
            return None
        before = self._codebook.paths if self._codebook.declared else ()
        paths = [*before, *self._codes]
        return frozenset(paths).union(self._former, *(ancestors(path) for path in paths))

    def find_turn(self, name: str, turn: int, place: Place) -> int | None:
        """Number of characters of a turn, or None after noting that there is no such turn."""
        transcript = self._find(name, place)
        if transcript is None:
            return None
        if turn >= len(transcript.turns):
            count = len(transcript.turns)
            self.problem(
                place,
                f"turn {turn} is not in transcript {name!r}, which has "
                f"{many(count, 'turn')}, counted from 0",
            )
            return None
        return len(transcript.turns[turn].text)

    def add_reading(self, reading: Reading) -> None:
        """Note that a coder read a turn; assisted once is assisted."""
        key = (reading.transcript, reading.turn, reading.coder)
        earlier = self._readings.get(key)
        if earlier is None or (reading.assisted and not earlier.assisted):
            self._readings[key] = reading

    def add_coding(self, coding: Coding, place: Place, listed: frozenset[str] | None) -> bool:
        """Put in a coding whose span was checked; the same one again changes nothing.

        `listed` is `self.listed`, asked for once by whoever puts in many. Whether it was new.
        """
        if not self.fits(coding.code, place):
            return True
        if listed is not None and coding.code not in listed:
            first, count = self._unlisted.get(coding.code, (place, 0))
            self._unlisted[coding.code] = (first, count + 1)
            return True
        key = (coding.transcript, coding.turn, coding.start, coding.end, coding.code, coding.coder)
        return self._codings.setdefault(key, coding) is coding

    def add_memo(self, memo: Memo) -> None:
        """Put in a memo; the same one again changes nothing."""
        self._memos.setdefault(memo)

    def add_set(self, one: NamedSet) -> None:
        """Put in a set; the same one again changes nothing."""
        self._sets.setdefault(one)

    def material(self) -> Material:
        """Everything put in, or an InputError with every problem noted."""
        self._note_unlisted()
        if self._problems:
            raise InputError(*_first(self._problems))
        return Material(
            transcripts=tuple(transcript for transcript, _ in self._transcripts.values()),
            codings=tuple(self._codings.values()),
            readings=tuple(self._readings.values()),
            codebook=self._grown_codebook(),
            refused=tuple(self._refused),
            notes=tuple(self._notes),
            files={name: file for name, (_, file) in self._transcripts.items()},
            memos=tuple(self._memos),
            sets=tuple(self._sets),
        )

    def _find(self, name: str, place: Place) -> Transcript | None:
        transcript = self.known(name)
        if transcript is None and not self._unsure and name not in self._broken:
            near = self._nearest(name, [*self._transcripts, *self._known])
            self.problem(
                place,
                f"transcript {name!r} is neither in this input nor in the study{near}; "
                "import it first or together with this file",
            )
            self.lost_transcript(name)
        return None if name in self._broken else transcript

    def _nearest(self, name: str, names: Sequence[str]) -> str:
        """A hint, where it costs little: long names and hundreds of problems have none."""
        if len(name) > _LONGEST_NAME or len(self._problems) > _MOST_HINTS:
            return ""
        near = get_close_matches(name, names, n=1)
        return f" (did you mean {near[0]!r}?)" if near else ""

    def _note_unlisted(self) -> None:
        listed = sorted(self.listed or ())
        for code, (first, count) in self._unlisted.items():
            more = "" if count == 1 else f" ({many(count, 'coding')}, this is the first)"
            self.problem(
                first,
                f"code {code!r} is not in the codebook{more}{self._nearest(code, listed)}; "
                "correct it, or add it to the codebook",
            )

    def _grown_codebook(self) -> Codebook:
        """The study's codebook after this import: listed codes first, then the others."""
        declared = self._codebook.declared or bool(self._codes)
        codes = [code for code, _ in self._codes.values()]
        codes += [code for code in self._codebook.codes if code.path not in self._codes]
        there = {code.path for code in codes}
        codes += [code for path, code in self._gathered.items() if path not in there]
        if not declared:
            there.update(self._gathered)
            there |= self._former.keys()
            used = dict.fromkeys(coding.code for coding in self._codings.values())
            codes += [Code(path=path) for path in used if path not in there]
        return Codebook.of(codes, declared=declared)


def _difference(earlier: Transcript, later: Transcript) -> str | None:
    """Where two transcripts part; a speaker that one of them does not name is no difference."""
    if len(earlier.turns) != len(later.turns):
        return f"{many(len(earlier.turns), 'turn')} there, {len(later.turns)} here"
    for old, new in zip(earlier.turns, later.turns, strict=True):
        if old.text != new.text:
            return f"turn {old.index} differs"
        if old.speaker != new.speaker and old.speaker and new.speaker:
            return f"the speaker of turn {old.index} differs"
    return None


def _first(problems: Sequence[Problem]) -> list[Problem]:
    """The first problems, in the order of the files and lines, and a count of the rest."""
    place = {problem.file: rank for rank, problem in reversed(list(enumerate(problems)))}
    ordered = sorted(problems, key=lambda problem: (place[problem.file], problem.line or 0))
    if len(ordered) <= MOST_PROBLEMS:
        return ordered
    more = many(len(ordered) - MOST_PROBLEMS, "more problem")
    rest = f"and {more}; mend these first and import again"
    return [*ordered[:MOST_PROBLEMS], Problem(file="in all", line=None, message=rest)]
