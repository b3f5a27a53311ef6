"""Offsets in UTF-16 units, as JavaScript counts, to and from Unicode code points."""


def utf16_offset(text: str, code_points: int) -> int:
    """The UTF-16 units before a code point of a text."""
    return code_points + sum(character > "\uffff" for character in text[:code_points])


def code_point_offset(text: str, utf16_units: int, *, up: bool = False) -> int:
    """The code points before a UTF-16 offset; one inside a character goes down, or `up`.

    ValueError where the text is shorter than that.
    """
    units = text[:utf16_units].encode("utf-16-le", "surrogatepass")
    if 2 * utf16_units > len(units):
        raise ValueError(utf16_units)
    before = len(units[: 2 * utf16_units].decode("utf-16-le", "surrogatepass"))
    inside = before > 0 and utf16_offset(text, before) > utf16_units
    return before - 1 + up if inside else before
