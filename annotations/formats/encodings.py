"""Text in whatever encoding a program left it in."""

from dataclasses import dataclass

from charset_normalizer import from_bytes

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LOOKED_AT = 2**16
_MOST_CONTROLS = 0.01
_AS_GOOD = 0.02
_WESTERN = frozenset(
    "‘’‚“”„‹›–—…•†‡™€£©®°·«»¿¡´½¼àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœšžŒŠŽÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝ\xa0"
)
_TYPOGRAPHY = frozenset("‘’‚“”„‹›–—…•£«»\xa0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A text without byte order mark, and its encoding; `certain` where nothing was guessed."""

    text: str
    encoding: str
    certain: bool


def decode(raw: bytes) -> Decoded | None:
    """The text of bytes: UTF-8, then by mark, then the likeliest; None where it is no text."""
    try:
        utf8 = _text(raw.decode("utf-8-sig"), "utf-8", certain=True)
    except UnicodeDecodeError:
        utf8 = None
    if utf8 is not None:
        return utf8
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _attempt(raw, encoding, certain=True)
    for guess in (_without_mark,) if b"\0" in raw else (_latin, _guess):
        likely = guess(raw)
        if likely is not None and (found := _attempt(raw, likely, certain=False)) is not None:
            return found
    return None


def _without_mark(raw: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of a Latin text is NUL."""
    start = raw[:_LOOKED_AT]
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) / 5:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _latin(raw: bytes) -> str | None:
    """Windows-1252, by far the commonest, where it gives what western languages write.

    Single letters say little: in a language of another script or alphabet the same bytes would
    be letters too. So they must be few, and stand among plain ones.
    """
    start = raw[:_LOOKED_AT]
    try:
        high = [c for c in start.decode("cp1252") if c > "\x7f"]
    except UnicodeDecodeError:
        return None
    letters = sum(byte < 0x80 and chr(byte).isalpha() for byte in start)
    foreign = [c for c in high if c not in _TYPOGRAPHY]
    return "cp1252" if set(high) <= _WESTERN and len(foreign) <= 0.1 * letters else None


def _guess(raw: bytes) -> str | None:
    matches = from_bytes(raw[: 4 * _LOOKED_AT])
    best = matches.best()
    if best is None:
        return None
    # Old Macintosh and DOS pages pass for the Windows page of the same letters.
    usual = (
        one.encoding
        for one in matches
        if one.encoding.startswith("cp125") and one.chaos <= best.chaos + _AS_GOOD
    )
    old = best.encoding.startswith(("mac", "cp4", "cp7", "cp8", "iso8859", "koi8"))
    return next(usual, best.encoding) if old else best.encoding


def _attempt(raw: bytes, encoding: str, *, certain: bool) -> Decoded | None:
    try:
        return _text(raw.decode(encoding), encoding, certain=certain)
    except (UnicodeDecodeError, LookupError):
        return None


def _text(text: str, encoding: str, *, certain: bool) -> Decoded | None:
    controls = sum(c < " " and c not in "\t\n\r\f\v\x1c\x1d\x1e\x1f" for c in text)
    if "\0" in text or controls > _MOST_CONTROLS * len(text):
        return None
    return Decoded(text=text.removeprefix("\ufeff"), encoding=encoding, certain=certain)
