"""Labels that follow the codebook: those of a project's config, and those of regions."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from annotations.codebook import SEPARATOR, Code, Codebook, normal_path
from annotations.codebook_versions.operations import Add, Edit, Move, Redefine, Rename, Retire
from annotations.errors import StateError
from annotations.formats.label_config import (
    KEPT_COLOUR,
    SPAN_KINDS,
    LabelConfig,
    label_config_for,
    labels_of_codebook,
    tree_of,
)
from annotations.formats.results import CODED_TYPES, Json


def relabelled_config(
    xml: str, codebook: Codebook, kept: Mapping[str, str], known: Sequence[str]
) -> str:
    """A project's config with the labels of a codebook, all else in it left as it is.

    A label that stays keeps what a person gave it (a hotkey, a colour); `kept` are labels that
    are there for old regions alone. `known` are the paths by which the control is found. A
    config whose codes are choices instead of labels is written anew.
    """
    if not codebook.codes:
        raise StateError("the codebook has no codes to label with; add one, or restore one")
    config = LabelConfig.parse(xml, known)
    names = {control.name for control in config.controls if control.kind in SPAN_KINDS}
    if len(names) != 1 or len(config.controls) != 1:
        return label_config_for(codebook, kept)
    root = tree_of(xml)
    control = next(tag for tag in root.iter() if tag.get("name") in names)
    wanted = labels_of_codebook(codebook, kept)
    if [(tag.get("value"), tag.get("hint") or "") for tag in control.iter("Label")] == [
        (label.value, label.hint) for label in wanted
    ]:
        return xml
    before = {normal_path(tag.get("value") or ""): tag for tag in control.iter("Label")}
    for child in list(control):
        control.remove(child)
    for label in wanted:
        old = before.get(label.value)
        attributes = {} if old is None else dict(old.attrib)
        attributes["value"] = label.value
        if old is None or label.value in kept or old.get("background") == KEPT_COLOUR:
            attributes["background"] = label.background
        attributes.pop("hint", None)
        if label.hint:
            attributes["hint"] = label.hint
        SubElement(control, "Label", attributes)
    indent(root)
    return tostring(root, encoding="unicode")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A label of a config: the path that it stands for, and its hint."""

    path: str
    hint: str


def edits_between(written: str, found: str, codebook: Codebook) -> tuple[Edit, ...]:
    """What somebody who changed the labels of a config may have meant, as edits.

    `written` is the config as it was, `found` as it is. Where all that is under a parent is under
    another of its place now, the parent was renamed; a label of the same name under another
    code was moved; labels in the place of as many others under the same parent were renamed, in
    their order. A changed hint is another definition; what is there in addition was added, what
    is missing retired. Labels that are no live codes are left alone.
    """
    before, after = _labels(written), _labels(found)
    old, new = [one.path for one in before], [one.path for one in after]
    live = {code.path: code for code in codebook.codes}
    gone = [path for path in old if path not in new and path in live]
    come = [one for one in after if one.path not in old and one.path not in live]
    edits: list[Edit] = [
        *_parents_renamed(gone, come, old, new),
        *_moved(gone, come, set(live) | set(codebook.paths)),
    ]
    for tag, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            continue
        left = [path for path in old[start:end] if path in gone]
        right = [one for one in after[first:last] if one in come]
        parents = {_parent(path) for path in (*left, *(one.path for one in right))}
        if len(left) == len(right) and len(parents) == 1:
            edits += [
                Rename(code=path, to=one.path.rsplit(SEPARATOR, 1)[-1])
                for path, one in zip(left, right, strict=True)
            ]
            continue
        edits += [Add(code=Code(path=one.path, definition=one.hint)) for one in right]
        edits += [Retire(code=path) for path in left]
    hints = {one.path: one.hint for one in after}
    redefined = [
        Redefine(code=one.path, changes={"definition": hint})
        for one in before
        if one.path in live
        and (hint := hints.get(now := path_after(one.path, edits), one.hint)) != one.hint
        and hint != live[one.path].definition
        # Who wrote a label anew, without a hint, did not ask for a code without a definition.
        and (hint or now == one.path)
    ]
    # They come first, by the paths that there are.
    return (*redefined, *edits)


def path_after(path: str, edits: Sequence[Edit]) -> str:
    """What a code is called after renames and moves, of itself or of what it is under."""
    for edit in edits:
        if isinstance(edit, Rename | Move) and f"{path}{SEPARATOR}".startswith(
            f"{edit.code}{SEPARATOR}"
        ):
            path = edit.path + path.removeprefix(edit.code)
    return path


def relabelled_result(
    result: Sequence[Json], labels_for: Callable[[Json, str], Sequence[str]]
) -> list[Json] | None:
    """Regions with other labels, None where all stay as they are.

    `labels_for` gives the codes in place of one code of one region. A region keeps its id, its
    place and everything else; one whose last code goes (an empty answer) is left out.
    """
    made: list[Json] = []
    changed = False
    for item in result:
        kind = str(item.get("type"))
        labels = item.get("value", {}).get(kind) if kind in CODED_TYPES else None
        if not isinstance(labels, list):
            made.append(item)
            continue
        new: dict[str, object] = {}
        for label in labels:
            levels = label if isinstance(label, list) else [label]
            path = normal_path(SEPARATOR.join(map(str, levels)))
            for code in labels_for(item, path):
                written = label if code == path else _as(code, label)
                new.setdefault(code, written)
        if list(new.values()) == labels:
            made.append(item)
            continue
        changed = True
        if new:
            other = copy.deepcopy(item)
            other["value"][kind] = list(new.values())
            made.append(other)
    return made if changed else None


def _as(code: str, label: object) -> object:
    return code.split(SEPARATOR) if isinstance(label, list) else code


def _labels(xml: str) -> list[_Written]:
    root: Element = tree_of(xml)
    return [
        _Written(path=path, hint=tag.get("hint") or "")
        for tag in root.iter()
        if tag.tag in ("Label", "Choice") and (path := normal_path(tag.get("value") or ""))
    ]


def _parents_renamed(
    gone: list[str], come: list[_Written], old: Sequence[str], new: Sequence[str]
) -> list[Edit]:
    """Renames of parents; the labels that they explain are taken out of both lists."""
    edits: list[Edit] = []
    for parent in dict.fromkeys(_parent(path) for path in gone):
        inside = f"{parent}{SEPARATOR}"
        below = [path for path in old if path.startswith(inside)]
        if not parent or not all(path in gone for path in below) or parent in new:
            continue
        for other in dict.fromkeys(_parent(one.path) for one in come):
            wanted = {other + path.removeprefix(parent) for path in (*below, *({parent} & {*gone}))}
            if (
                other != parent
                and _parent(other) == _parent(parent)
                and {path for path in new if path == other or path.startswith(other + SEPARATOR)}
                == wanted
            ):
                edits.append(Rename(code=parent, to=other.rsplit(SEPARATOR, 1)[-1]))
                gone[:] = [path for path in gone if path not in below and path != parent]
                come[:] = [one for one in come if one.path not in wanted]
                break
    return edits


def _moved(gone: list[str], come: list[_Written], known: set[str]) -> list[Edit]:
    """Moves under codes that are there; the labels that they explain are taken out likewise."""
    edits: list[Edit] = []
    for path in list(gone):
        name = path.rsplit(SEPARATOR, 1)[-1]
        same = [one for one in come if one.path.rsplit(SEPARATOR, 1)[-1] == name]
        rivals = [one for one in gone if one.rsplit(SEPARATOR, 1)[-1] == name]
        if len(same) == len(rivals) == 1 and (
            (under := _parent(same[0].path)) in known or not under
        ):
            edits.append(Move(code=path, under=under or None))
            gone.remove(path)
            come.remove(same[0])
    return edits


def _parent(path: str) -> str:
    return path.rsplit(SEPARATOR, 1)[0] if SEPARATOR in path else ""
