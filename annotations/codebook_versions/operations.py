"""The edits of a codebook, as values: what was done, by whom, when and why.

Codes are named by their path as it is at that point of the list.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from itertools import islice
from reprlib import Repr
from typing import Any, Final

from annotations.codebook import SEPARATOR, Code, no_text, normal_path, unfit
from annotations.errors import InputError, Problem
from annotations.formats.colors import color_of

DESCRIPTIVE: Final = tuple(item.name for item in fields(Code) if item.name != "path")
"""What a code says of itself beside its path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """Who made an edit, when and why. `at` is None before it is applied."""

    author: str = ""
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One edit of a codebook."""

    signed: Signature = field(default_factory=Signature)


@dataclass(frozen=True, kw_only=True, slots=True)
class Add(Operation):
    """A new code; parents that are missing come with it."""

    code: Code


@dataclass(frozen=True, kw_only=True, slots=True)
class Rename(Operation):
    """Another name at the same place; `to` is the last level alone."""

    code: str
    to: str

    @property
    def path(self) -> str:
        """The whole new path."""
        above, found, _ = self.code.rpartition(SEPARATOR)
        return f"{above}{found}{self.to}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Redefine(Operation):
    """Other words about the code: `changes` holds the new values by field."""

    code: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move(Operation):
    """Another place in the tree; `under` None is the top."""

    code: str
    under: str | None

    @property
    def path(self) -> str:
        """The whole new path."""
        name = self.code.rpartition(SEPARATOR)[-1]
        return name if self.under is None else f"{self.under}{SEPARATOR}{name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge(Operation):
    """Several codes become one: `into`, which may be one of them, another code, or a new one."""

    codes: tuple[str, ...]
    into: Code


@dataclass(frozen=True, kw_only=True, slots=True)
class Split(Operation):
    """One code becomes several, new or there already; each old coding needs a choice."""

    code: str
    into: tuple[Code, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Retire(Operation):
    """The code is applied no more; its codings stay in the record."""

    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore(Operation):
    """A retired code is applied again."""

    code: str


Edit = Add | Rename | Redefine | Move | Merge | Split | Retire | Restore

KINDS: Final[Mapping[str, type[Operation]]] = {
    kind.__name__.lower(): kind
    for kind in (Add, Rename, Redefine, Move, Merge, Split, Retire, Restore)
}
"""The word for each kind of edit."""

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "add": DESCRIPTIVE,
    "rename": ("to",),
    "redefine": DESCRIPTIVE,
    "move": ("under",),
    "merge": ("into",),
    "split": ("into",),
    "retire": (),
    "restore": (),
}
_SIGNED = ("author", "at", "reason")

_SHOWN = 60
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _SHOWN


def kind_of(operation: Operation) -> str:
    """The word for an operation's kind: add, rename, ..."""
    return type(operation).__name__.lower()


def signed(operation: Edit, *, author: str, at: datetime, reason: str) -> Edit:
    """The operation with whatever its signature lacks."""
    own = operation.signed
    return replace(
        operation,
        signed=Signature(author=own.author or author, at=own.at or at, reason=own.reason or reason),
    )


def plain(operation: Edit) -> dict[str, Any]:
    """The operation as it is written in a file: `{kind: code, ...}`."""
    kind = kind_of(operation)
    content: dict[str, Any]
    match operation:
        case Add():
            content = {kind: operation.code.path, **_description(operation.code)}
        case Rename():
            content = {kind: operation.code, "to": operation.to}
        case Redefine():
            content = {kind: operation.code, **_listed(operation.changes)}
        case Move():
            content = {kind: operation.code, "under": operation.under}
        case Merge():
            content = {kind: list(operation.codes), "into": _code(operation.into)}
        case Split():
            content = {kind: operation.code, "into": [_code(part) for part in operation.into]}
        case Retire() | Restore():
            content = {kind: operation.code}
    signature = operation.signed
    if signature.author:
        content["author"] = signature.author
    if signature.at:
        content["at"] = signature.at.isoformat()
    if signature.reason:
        content["reason"] = signature.reason
    return content


def read_operation(given: Any, place: str) -> Edit:
    """An operation from its plain form; InputError, naming `place`, where it is none.

    The record is read by this too: what a new edit may not say, `check_new` refuses.
    """
    if not isinstance(given, Mapping):
        raise _wrong(place, f"an operation is written like `retire: CODE`; this is {_shown(given)}")
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        found = " and ".join(kinds) if kinds else _named(given) or "nothing"
        raise _wrong(place, f"one of {', '.join(KINDS)} is expected in it; found {found}")
    (kind,) = kinds
    allowed = {kind, *_FIELDS[kind], *_SIGNED}
    if unknown := [name for name in given if name not in allowed]:
        raise _wrong(
            place, f"{kind} has no {_named(unknown)}; it takes {', '.join(sorted(allowed))}"
        )
    signature = _signature(given, place)
    rest = {name: given[name] for name in _FIELDS[kind] if name in given}
    if kind == "merge":
        paths = given[kind]
        if not isinstance(paths, list) or not paths:
            raise _wrong(place, "merge takes a list of codes, like `merge: [CODE, CODE]`")
        return Merge(
            codes=tuple(_path(one, place) for one in paths),
            into=_read_code(rest.get("into"), place),
            signed=signature,
        )
    code = _path(given[kind], place)
    if kind == "add":
        return Add(code=_described(code, rest, place), signed=signature)
    if kind == "rename":
        return Rename(code=code, to=_path(rest.get("to"), place), signed=signature)
    if kind == "redefine":
        if not rest:
            raise _wrong(place, f"redefine takes at least one of {', '.join(DESCRIPTIVE)}")
        new = _described(code, rest, place)
        return Redefine(
            code=code, changes={name: getattr(new, name) for name in rest}, signed=signature
        )
    if kind == "move":
        if "under" not in rest:
            raise _wrong(place, "move takes `under: CODE`, or `under: null` for the top")
        under = rest["under"]
        return Move(
            code=code, under=None if under is None else _path(under, place), signed=signature
        )
    if kind == "split":
        parts = rest.get("into")
        if not isinstance(parts, list):
            raise _wrong(place, "split takes `into: [CODE, CODE]`")
        return Split(
            code=code, into=tuple(_read_code(one, place) for one in parts), signed=signature
        )
    return (
        Retire(code=code, signed=signature)
        if kind == "retire"
        else Restore(code=code, signed=signature)
    )


def check_new(operation: Edit, place: str) -> None:
    """Raise InputError, naming `place`, where an edit says what could not be kept or shown.

    Not of stored ones: older versions took more, and a study has to open with what it holds.
    """
    paths, codes = _named_in(operation)
    for path in (*paths, *(code.path for code in codes)):
        if wrong := unfit(path):
            raise _wrong(place, f"the code {_shown(path)} {wrong}")
    texts = (text for code in codes for text in _texts(code))
    for text in (*texts, operation.signed.author, operation.signed.reason):
        if wrong := no_text(text):
            raise _wrong(place, f"{_shown(text)} {wrong}")
    for code in codes:
        if code.color and not color_of(code.color):
            raise _wrong(place, f"color is written as #RRGGBB; this is {_shown(code.color)}")


def code_from(content: Mapping[str, Any]) -> Code:
    """A code from the mapping of its fields, as JSON keeps it. Fields nobody knows are left.

    A colour that is none, which older versions took (`blue`), is left too.
    """
    known = {item.name for item in fields(Code)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
        if name in known
    }
    return Code(**{**values, "color": color_of(values.get("color"))})


def code_content(code: Code) -> dict[str, Any]:
    """All fields of a code, as JSON keeps them."""
    return _listed({item.name: getattr(code, item.name) for item in fields(Code)})


def _code(code: Code) -> str | dict[str, Any]:
    described = _description(code)
    return {"code": code.path, **described} if described else code.path


def _description(code: Code) -> dict[str, Any]:
    empty = Code(path=code.path)
    return _listed(
        {
            name: getattr(code, name)
            for name in DESCRIPTIVE
            if getattr(code, name) != getattr(empty, name)
        }
    )


def _listed(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in content.items()
    }


def _read_code(given: Any, place: str) -> Code:
    if isinstance(given, Mapping):
        rest = {name: value for name, value in given.items() if name != "code"}
        if unknown := [name for name in rest if name not in DESCRIPTIVE]:
            raise _wrong(place, f"a code has no {_named(unknown)}")
        return _described(_path(given.get("code"), place), rest, place)
    return Code(path=_path(given, place))


def _described(path: str, given: Mapping[str, Any], place: str) -> Code:
    empty = Code(path=path)
    values: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(getattr(empty, name), tuple):
            many = [value] if isinstance(value, str) else value
            if not isinstance(many, list) or not all(isinstance(one, str) for one in many):
                raise _wrong(place, f"{name} is a list of texts")
            values[name] = tuple(one.strip() for one in many)
        elif value is None or isinstance(value, str):
            values[name] = (value or "").strip()
        else:
            raise _wrong(place, f"{name} is a text; this is {_shown(value)}")
    return replace(empty, **values)


def _path(given: Any, place: str) -> str:
    path = normal_path(given) if isinstance(given, str) else ""
    if not path:
        raise _wrong(place, f"the name of a code is expected, not {_shown(given)}")
    return path


def _signature(given: Mapping[str, Any], place: str) -> Signature:
    at = given.get("at")
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    except ValueError:
        moment = at
    if moment is not None and not isinstance(moment, datetime):
        raise _wrong(place, f"`at` is a time like 2026-03-01T10:00:00+00:00, not {_shown(at)}")
    author, reason = given.get("author") or "", given.get("reason") or ""
    if not isinstance(author, str) or not isinstance(reason, str):
        raise _wrong(place, "author and reason are texts")
    return Signature(author=author.strip(), at=moment, reason=reason.strip())


def _named_in(operation: Edit) -> tuple[list[str], list[Code]]:
    """The paths that an operation names, and the codes that it describes."""
    match operation:
        case Add():
            return [], [operation.code]
        case Rename():
            return [operation.code, operation.to], []
        case Redefine():
            return [], [Code(path=operation.code, **operation.changes)]
        case Move():
            return [operation.code, *([] if operation.under is None else [operation.under])], []
        case Merge():
            return [*operation.codes], [operation.into]
        case Split():
            return [operation.code], [*operation.into]
        case Retire() | Restore():
            return [operation.code], []


def _texts(code: Code) -> Iterator[str]:
    for name in DESCRIPTIVE:
        value = getattr(code, name)
        yield from value if isinstance(value, tuple) else (value,)


def _named(names: Iterable[Any]) -> str:
    """Keys as a message names them: the first few, and how each begins."""
    return ", ".join(str(name)[:_SHOWN] for name in islice(names, 10))


def _shown(given: Any) -> str:
    """A value as a message shows it: how it begins, however large it is."""
    return _REPR.repr(given)


def _wrong(place: str, message: str) -> InputError:
    return InputError(Problem(file=place, line=None, message=message))
