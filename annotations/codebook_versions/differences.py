"""What differs between two versions of a codebook, code by code."""

from collections.abc import Mapping
from dataclasses import dataclass

from annotations.codebook_versions.history import CodebookHistory, State, VersionedCode
from annotations.codebook_versions.operations import DESCRIPTIVE
from annotations.codebook_versions.reading import CodebookMap, Fate


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """How one code differs; `before` and `after` are its paths, None where it is not there.

    `kind` is added, removed, renamed, moved, redefined, merged, split, retired or restored.
    `into` are the paths that its codings have now; `fields` what was redefined.
    """

    kind: str
    before: str | None
    after: str | None
    into: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def diff(history: CodebookHistory, start: int, end: int) -> tuple[Change, ...]:
    """The changes from one version to another, either way round, in the order of the tree."""
    old, new = history.version(start), history.version(end)
    read = CodebookMap(history, end)
    changes: list[Change] = []
    for one in new.codes:
        before = old.by_id.get(one.id)
        if one.state is State.LIVE and (before is None or before.state is State.GONE):
            changes.append(Change(kind="added", before=None, after=one.path))
        elif before is not None and before.state is not State.GONE:
            changes += _changes(before, one, read.read(one.id, start), new.by_id)
    changes += [
        Change(kind="removed", before=one.path, after=None)
        for one in old.live
        if one.id not in new.by_id
    ]
    return tuple(changes)


def _changes(
    before: VersionedCode, after: VersionedCode, fate: Fate, codes: Mapping[int, VersionedCode]
) -> list[Change]:
    found: list[Change] = []
    into = fate.codes or fate.options or fate.retired
    if into != (after.id,):
        kind = "split" if fate.options or len(into) > 1 else "merged"
        where = None if after.state is State.GONE else after.path
        paths = tuple(codes[one].path for one in into)
        found.append(Change(kind=kind, before=before.path, after=where, into=paths))
        if after.state is State.GONE:
            return found

    def changed(kind: str, fields: tuple[str, ...] = ()) -> Change:
        return Change(kind=kind, before=before.path, after=after.path, fields=fields)

    if before.code.name != after.code.name:
        found.append(changed("renamed"))
    if before.code.parent != after.code.parent:
        found.append(changed("moved"))
    if before.state is not after.state:
        found.append(changed("retired" if after.state is State.RETIRED else "restored"))
    fields = tuple(
        name for name in DESCRIPTIVE if getattr(before.code, name) != getattr(after.code, name)
    )
    if fields:
        found.append(changed("redefined", fields))
    return found
