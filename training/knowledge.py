"""What the codebook says of each code, as texts to learn from before anybody has coded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from annotations.codebook import SEPARATOR, Code
from training.dataset import TrainingData

Floats32 = NDArray[np.float32]

_NO_LETTER = re.compile(r"[\W_]+")
_LEFT_OUT = re.compile(r"…|\.\.\.|\[[^\]]*\]|\([^)]*\)|(?:^|\n)\s*\w[\w .-]{0,20}:|[\r\n]+")
"""Where a quotation is shortened or explained, and the name of who says it."""

_IN_BRACKETS = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|[\"“”„«»]")

_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
"""Letters of Thai, Japanese and Chinese, which have no spaces: two of them are about a word."""

_QUOTED_WORDS = 4
"""A part of an example with so many words that is found in a coded segment quotes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Knowledge:
    """The codebook's texts; *shape:* `code_of` (texts,): the code that each is about.

    The first text of a code describes it; `defined` are the codes of which that is more than
    the name.
    """

    texts: tuple[str, ...]
    code_of: NDArray[np.int64]
    codes: int
    defined: frozenset[int]

    def description(self, code: int) -> str:
        """The text that describes a code."""
        return self.texts[int(np.flatnonzero(self.code_of == code)[0])]

    @property
    def targets(self) -> NDArray[np.float64]:
        """Each text as a segment that carries its code; *shape:* (texts, codes)."""
        targets = np.zeros((len(self.texts), self.codes))
        targets[np.arange(len(self.texts)), self.code_of] = 1
        return targets

    @property
    def of_more_than_a_name(self) -> NDArray[np.bool_]:
        """Whether the codebook says more of a code than its name; *shape:* (codes,)."""
        found = np.bincount(self.code_of, minlength=self.codes) > 1
        found[list(self.defined)] = True
        return found

    @property
    def weights(self) -> NDArray[np.float64]:
        """Each code's texts weigh 1 together; *shape:* (texts,)."""
        count = np.bincount(self.code_of, minlength=self.codes)
        return 1.0 / count[self.code_of]

    def directions(self, vectors: Mapping[str, Floats32]) -> Floats32:
        """Where each code lies from the middle of all codes; *shape:* (codes, dimension)."""
        rows = np.stack([vectors[text] for text in self.texts])
        sums = np.zeros((self.codes, rows.shape[1]), dtype=np.float32)
        np.add.at(sums, self.code_of, rows * self.weights[:, np.newaxis].astype(np.float32))
        return np.asarray(sums - sums.mean(axis=0))


def gather_knowledge(data: TrainingData) -> Knowledge:
    """Names, definitions, inclusion rules and examples of the codes, as texts.

    What quotes a coded segment is left out, an example whole, of the rest the sentence: the
    segment itself teaches the code, and its fold must not know it beforehand.
    """
    spoken = " ".join(segment.text for segment in data.segments)
    said = f"{_plain(spoken)} / {_plain(_IN_BRACKETS.sub(' ', spoken))}"
    texts: list[str] = []
    code_of: list[int] = []
    defined = set()
    for place, code in enumerate(data.book):
        rest = [_unquoted(text, said) for text in (code.definition, code.include)]
        own = [described(replace(code, definition=rest[0], include=rest[1]))]
        own += [one for one in code.examples if one.strip() and not _quoted(one, said)]
        if any(rest):
            defined.add(place)
        texts += own
        code_of += [place] * len(own)
    return Knowledge(
        texts=tuple(texts),
        code_of=np.array(code_of, dtype=np.int64),
        codes=len(data.codes),
        defined=frozenset(defined),
    )


def described(code: Code) -> str:
    """A code in a sentence or two: its place in the tree, its definition, what it includes."""
    place = ", ".join(code.path.replace("_", " ").split(SEPARATOR))
    rest = [text.strip() for text in (code.definition, code.include) if text.strip()]
    return ". ".join([place, *(text.rstrip(".") for text in rest)]) + "."


def _unquoted(text: str, said: str) -> str:
    return " ".join(one for one in _SENTENCE.split(text) if not _quoted(one, said)).strip()


def _quoted(text: str, said: str) -> bool:
    forms = (_LEFT_OUT.split(one) for one in (text, _IN_BRACKETS.sub(" ", text)))
    parts = [_plain(part) for part in (text, *chain.from_iterable(forms))]
    return any(_words(part) >= _QUOTED_WORDS and part in said for part in parts)


def _words(plain: str) -> float:
    return len(_UNSPACED.sub(" ", plain).split()) + len(_UNSPACED.findall(plain)) / 2


def _plain(text: str) -> str:
    return " ".join(_NO_LETTER.sub(" ", text.lower()).split())
