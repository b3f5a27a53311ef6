"""What became of a code that somebody still calls by its old name."""

from collections.abc import Iterator

from annotations.codebook import SEPARATOR, normal_path
from annotations.codebook_versions.differences import Change, diff
from annotations.codebook_versions.history import CodebookHistory, VersionedCode


def what_became(history: CodebookHistory, code: str) -> str | None:
    """In words, of a code given by a path that it had once, or by the name alone.

    Such as `Robots was renamed Automation in version 2; Automation was retired in version 4`.
    None where no code was called so, or one still is.
    """
    wanted = normal_path(code)
    newest_first = [(one, v.number) for v in reversed(history.versions) for one in v.live]
    found = next(
        ((one, at) for one, at in newest_first if one.path == wanted),
        next(((one, at) for one, at in newest_first if _name(one.path) == wanted), None),
    )
    if found is None:
        return None
    return "; ".join(dict.fromkeys(_steps(history, *found))) or None


def _steps(history: CodebookHistory, code: VersionedCode, number: int) -> Iterator[str]:
    """What happened to a code, and to what came of it, after a version in which it is live."""
    for later in history.between(number, history.current.number):
        if any(one.id == code.id and one.path == code.path for one in later.live):
            continue
        changes = {
            one.kind: one
            for one in diff(history, later.number - 1, later.number)
            if one.before == code.path
        }
        kind = next((kind for kind in _DONE if kind in changes), None)
        if kind is None:
            return
        change = changes[kind]
        into = _into(change)
        verb = f"{_DONE[kind]} {' and '.join(into)}" if into else _DONE[kind]
        yield f"{code.path} was {verb} in version {later.number}"
        for one in later.live:
            if one.path in into:
                yield from _steps(history, one, later.number)
        return


_DONE = {
    "merged": "merged into",
    "split": "split into",
    "retired": "retired",
    "renamed": "renamed",
    "moved": "moved to",
}
"""What was done with a code, the first that holds where there are several."""


def _into(change: Change) -> tuple[str, ...]:
    if change.kind == "retired":
        return ()
    return change.into or ((change.after,) if change.after else ())


def _name(path: str) -> str:
    return path.rsplit(SEPARATOR, 1)[-1]
