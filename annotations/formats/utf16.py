"""Offsets in UTF-16 units, as JavaScript counts, to and from Unicode code points."""


def utf16_offset(text: str, code_points: int) -> int:
    """The UTF-16 units before a code point of a text."""
    return code_points + sum(character > "\uffff" for character in text[:code_points])


def code_point_offset(text: str, utf16_units: int, *, up: bool = False) -> int:
    """The code points before a UTF-16 offset; one inside a character goes down, or `up`.

    ValueError where the text is shorter than that.
    """
    if text.isascii() or max(text) <= "\uffff":
        if utf16_units > len(text):
            raise ValueError(utf16_units)
        return utf16_units
    units = 0
    for position, character in enumerate(text):
        if units >= utf16_units:
            return position
        units += 2 if character > "\uffff" else 1
        if units > utf16_units:
            return position + up
    if units < utf16_units:
        raise ValueError(utf16_units)
    return len(text)
