"""Variables and cases of a REFI-QDA project as attributes of transcripts."""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from annotations.formats.intake import Intake, Place
from annotations.formats.refi.sources import Source
from annotations.formats.refi.xml_text import guid_of
from annotations.memos import Memo
from annotations.numerals import many

CASE = "case"
"""The attribute that names a transcript's case, where the case is called otherwise than it."""

_VALUES = (
    "TextValue",
    "BooleanValue",
    "IntegerValue",
    "FloatValue",
    "DateValue",
    "DateTimeValue",
)


def add_attributes(root: Element, sources: Sequence[Source], place: Place, intake: Intake) -> None:
    """Put in what variables say of sources, and of the cases that sources belong to.

    A source's own value counts before its case's. Where cases of one source differ, their
    values are joined by `; `.
    """
    variables = {
        guid_of(one.get("guid")): " ".join((one.get("name") or "").split())
        for one in root.iterfind("Variables/Variable")
    }
    names = {one.guid: one.name for one in sources}
    own = {one.name: _values(one.element, variables) for one in sources}
    cased: dict[str, dict[str, dict[str, None]]] = {}
    for case in root.iterfind("Cases/Case"):
        title = " ".join((case.get("name") or "").split())
        of_case = _values(case, variables)
        targets = [guid_of(one.get("targetGUID")) for one in case.iterfind("SourceRef")]
        members = [names[target] for target in targets if target in names]
        described = (case.findtext("Description") or "").strip()
        for member in members:
            told = cased.setdefault(member, {})
            if title and title != member:
                told.setdefault(CASE, {})[title] = None
            for variable, value in of_case.items():
                told.setdefault(variable, {})[value] = None
        about: list[str | None] = [*members] if members else [None]
        for target in about if described else ():
            intake.add_memo(Memo(title=f"Case {title}".strip(), text=described, transcript=target))
        _note_the_rest(case, title, members, of_case, place, intake)
    for name, values in own.items():
        joined = {key: "; ".join(told) for key, told in cased.get(name, {}).items()}
        attributes = {**joined, **values}
        if attributes:
            intake.add_attributes(name, attributes, place)


def _values(element: Element, variables: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in element.iterfind("VariableValue"):
        reference = one.find("VariableRef")
        name = variables.get(guid_of("" if reference is None else reference.get("targetGUID")))
        value = next((text for tag in _VALUES if (text := one.findtext(tag)) is not None), "")
        if name and value.strip():
            found[name] = value.strip()
    return found


def _note_the_rest(
    case: Element,
    title: str,
    members: Sequence[str],
    values: Iterable[str],
    place: Place,
    intake: Intake,
) -> None:
    for tag, what in (("CodeRef", "code"), ("SelectionRef", "passage")):
        count = len(case.findall(tag))
        if count:
            intake.refuse(
                place, f"case {title!r}: its {many(count, f'{what} is', f'{what}s are')} not read"
            )
    if values and not members:
        intake.refuse(place, f"case {title!r} has variables and no source with text")
