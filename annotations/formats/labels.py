"""What a speaker's label and a time stamp look like."""

import re
import unicodedata

_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,:]\d{1,3})?"
TIME = (
    rf"(?:[\[({{<#]\s*{_CLOCK}(?:\s*(?:-->|->|to|[-–—])\s*{_CLOCK})?(?:-\d{{1,2}})?\s*[\])}}>#]"
    rf"|{_CLOCK}(?:\s*(?:-->|->|[-–—])\s*{_CLOCK})?(?![\d:])"
    r"|[\[(]\s*(?:\d{1,2}h\s*)?\d{1,3}m(?:in)?\s*\d{1,2}s\s*[\])])"
)
"""A regular expression for [00:12:03], (1:02), 00:12:03.5, #00:01:02-3#, 0:01 - 0:09, (2m 5s)."""

LONGEST_LABEL = 60
"""Characters that a label stays below."""

_LONGEST_TIME = 60
_MOST_WORDS = 5
_BRACKETED_TIMES = re.compile(rf"\s*(?:{TIME})\s*", re.DOTALL)
_LAST_TIME = re.compile(rf"\s*(?:[\[(#<]\s*{_CLOCK}(?:-\d{{1,2}})?\s*[\])#>])\s*$")
_NOT_IN_NAMES = re.compile(r"[,;!?…\"“”=|\\]|\w{5}\.\s+[a-z]|\.\.|https?$", re.ASCII)
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_SPACE = re.compile(r"[^\S ]")
_IN_BRACKETS = re.compile(r"\s*[\[(][^\[\]()]*[\])]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PARTICLES = _words(
    "van der den de del della di da do dos du la le las los von zu zum zur ter ten al el bin ibn "
    "ben af av y e und and & of"
)
_NO_NAMES = _words(
    "yes yeah yep no nope so well look listen and but or because then now also still okay ok right "
    "however therefore thus hence anyway actually basically firstly secondly thirdly finally first "
    "second third next last remember imagine important example examples note notes nb ps re fwd "
    "edit update warning summary conclusion result results reason reasons problem point thing "
    "things fact date time duration length location place venue title subject topic project file "
    "filename audio recording recorded transcribed transcription transcript transcriber language "
    "keywords page version email phone address url source reference references http https "
    "setting background session study i.e e.g mine that's it's here there this that these those "
    "what why how when where which who it we they he she"
)
_ONLY_OFTEN = _words("question answer")
_OPENINGS = _words(
    "the a an my your our their his her its this that these those it's that's what's there's "
    "here's here there if when what which how why because but and so or as in on at for to from "
    "with i'm i've we're you're is are was were do did not"
)


def plain(text: str) -> str:
    """Text with every kind of space as one that separates words, and nothing invisible."""
    # Soft hyphens, zero-width spaces and byte order marks join nothing and show nothing.
    return _SPACE.sub(" ", _INVISIBLE.sub("", text))


def without_time(words: str) -> str:
    """Words without a time stamp before or a bracketed one after them."""
    match = _BRACKETED_TIMES.match(words)
    if match is not None and (match.end() == len(words) or not words.lstrip()[:1].isdigit()):
        words = words[match.end() :]
    # Only the end is looked at: a search through long runs of spaces would take forever.
    return words[:-_LONGEST_TIME] + _LAST_TIME.sub("", words[-_LONGEST_TIME:])


def could_speak(label: str, times: int, *, alone: bool = False) -> bool:
    """Whether a label that begins this many turns is a speaker's.

    It has up to five words that each begin with a capital, a digit, or are written without
    case, small words of names aside (`Ludwig van Beethoven`), and none is a word that speech
    or a file's heading puts before a colon (`Look:`, `Date:`). One word, with or without a
    number, may begin in lower case where it occurs twice (`int:`). What stands `alone` on its
    line, without a colon, is a name only where it ends in no full stop.
    """
    named = _IN_BRACKETS.sub("", label).strip() or label.strip("[]() ")
    words = named.split()
    if not words or len(words) > _MOST_WORDS or _NOT_IN_NAMES.search(named):
        return False
    if not any(character.isalnum() for character in named) or named.isdigit():
        return False
    first = words[0].casefold().replace("’", "'").strip("'‘’")
    if len(words) == 1 and (first in _NO_NAMES or (times < 2 and first in _ONLY_OFTEN)):
        return False
    if len(words) > 1 and first in _OPENINGS and not (len(first) == 1 and words[1].isdigit()):
        return False
    if alone and named[-1] in ".!?…:;,":
        return False
    if times > 1 and not alone and (len(words) == 1 or (len(words) == 2 and words[1].isdecimal())):
        return True
    return not any(_is_lower(word) for word in words if word not in _PARTICLES) and not _is_lower(
        words[0]
    )


def _is_lower(word: str) -> bool:
    """Whether a word begins in lower case; d'Arc and al-Sayed do not."""
    start = word.lstrip("[('‘’\"")
    parts = re.split(r"['’-]", start)
    if len(parts) > 1 and len(parts[0]) <= 2:
        start = parts[1]
    return bool(start) and unicodedata.category(start[0]) == "Ll"
