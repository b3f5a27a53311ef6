"""The codebook: a tree of codes, each known by its path."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

SEPARATOR = " > "

MOST_LEVELS = 200
LONGEST_PATH = 2_000
"""Characters."""

_MARK = SEPARATOR.strip()
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A named concept. `path` joins the names from the top of the tree with ` > `.

    `color` is `#RRGGBB` or `#RGB` as other tools show the code, empty where none was given.
    """

    path: str
    definition: str = ""
    include: str = ""
    exclude: str = ""
    examples: tuple[str, ...] = ()
    color: str = ""

    @property
    def name(self) -> str:
        """The last level of the path."""
        return self.path.rsplit(SEPARATOR, 1)[-1]

    @property
    def parent(self) -> str | None:
        """The path one level up, None at the top."""
        return self.path.rsplit(SEPARATOR, 1)[0] if SEPARATOR in self.path else None

    @property
    def level(self) -> int:
        """1 at the top of the tree."""
        return self.path.count(SEPARATOR) + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Codebook:
    """The codes of a study, parents before children, siblings in the order given.

    `declared` says that somebody gave the codebook; a code outside it is then an error.
    A codebook that was only gathered from codings grows with them.
    """

    codes: tuple[Code, ...] = ()
    declared: bool = False

    @classmethod
    def of(cls, codes: Iterable[Code], *, declared: bool) -> "Codebook":
        """Order the codes as a tree, adding the parents that no one listed."""
        given: dict[str, Code] = {}
        for code in codes:
            for path in ancestors(code.path):
                given.setdefault(path, Code(path=path))
            given[code.path] = code
        children: dict[str | None, list[Code]] = {}
        for code in given.values():
            children.setdefault(code.parent, []).append(code)

        def walk(parent: str | None) -> Iterator[Code]:
            for code in children.get(parent, []):
                yield code
                yield from walk(code.path)

        return cls(codes=tuple(walk(None)), declared=declared)

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths in tree order."""
        return tuple(code.path for code in self.codes)

    def code(self, path: str) -> Code | None:
        """The code with this path, or None."""
        return next((code for code in self.codes if code.path == path), None)

    def is_leaf(self, path: str) -> bool:
        """Whether no code lies below this one."""
        return not any(code.parent == path for code in self.codes)


def normal_path(text: str) -> str:
    """A path with its levels trimmed and joined by ` > `; empty for blank text.

    A `>` inside a word, as in `Before>after`, is a part of a name.
    """
    return SEPARATOR.join(
        " ".join(words) for between, words in groupby(text.split(), key=_MARK.__eq__) if not between
    )


def known_path(text: str, known: Container[str]) -> str:
    """The path that text stands for; one that is `known` also without spaces: `Work>Money`."""
    path, loose = normal_path(text), normal_path(text.replace(_MARK, SEPARATOR))
    return loose if path not in known and loose in known else path


def as_level(name: str) -> str:
    """A name as one level of a path: what would part levels becomes `›`."""
    return " ".join("›" if word == _MARK else word for word in name.split())


def unfit(path: str) -> str:
    """Why a path can be no code's, empty where it can: what makes a tree takes memory by it."""
    if len(path) > LONGEST_PATH:
        return f"has {len(path):,} characters, more than {LONGEST_PATH:,}"
    if path.count(SEPARATOR) >= MOST_LEVELS:
        return f"has more than {MOST_LEVELS} levels"
    return no_text(path)


def no_text(text: str) -> str:
    """Why characters can be stored nowhere, empty where they can."""
    return "holds half a character (a lone surrogate) or a NUL" if _NO_TEXT.search(text) else ""


def ancestors(path: str) -> list[str]:
    """The paths above a path, the top first."""
    levels = path.split(SEPARATOR)
    return [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]
