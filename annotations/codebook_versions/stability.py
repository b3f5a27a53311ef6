"""How much each version of a codebook changed, so that one sees it settle."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from annotations.codebook_versions.differences import diff
from annotations.codebook_versions.history import CodebookHistory, CodebookVersion
from annotations.codebook_versions.operations import kind_of
from annotations.codebook_versions.reading import Choice, CodebookMap
from annotations.reliability.estimate import Estimate, Floats, Scale, jackknife, leave_one_out


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeCoding:
    """A coding as it was made, with the code's number, under a version of the codebook.

    `transcript` is any number that tells its transcript from others.
    """

    transcript: int
    code: int
    version: int
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChange:
    """What one version did to the codebook and to the codings that there were.

    `operations` are the edits by kind. `touched` of the `codes` that the version before had are
    not as they were: renamed, moved, redefined, merged, split, retired or restored; `added` are
    new. `codings` had been made before; of these `reread` is the share that the version reads
    otherwise: as another code, as none, or as a choice to be made. A coding of a code that was
    renamed or redefined is still one of that code: `of_touched` counts these too. Intervals
    leave out whole transcripts.
    """

    version: int
    at: datetime | None
    operations: dict[str, int]
    codes: int
    touched: int
    added: int
    codings: int
    reread: Estimate
    of_touched: Estimate


def stability(history: CodebookHistory, codings: Sequence[MadeCoding]) -> tuple[VersionChange, ...]:
    """Each version beside the one before it, the oldest first."""
    return tuple(
        _change(history, before, after, codings)
        for before, after in zip(history.versions, history.versions[1:], strict=False)
    )


def _change(
    history: CodebookHistory,
    before: CodebookVersion,
    after: CodebookVersion,
    codings: Sequence[MadeCoding],
) -> VersionChange:
    changes = diff(history, before.number, after.number)
    paths = {change.before for change in changes if change.before is not None}
    touched = {code.id for path in paths if (code := before.named(path)) is not None}
    older, newer = (CodebookMap(history, one.number) for one in (before, after))
    made = [one for one in codings if one.version < after.number]
    rows = {name: row for row, name in enumerate(dict.fromkeys(one.transcript for one in made))}
    # Codings, those read otherwise, and those of a code that was touched, by transcript.
    sums: Floats = np.zeros((len(rows), 3))
    for one in made:
        was = older.read(one.code, one.version, one.choices)
        now = newer.read(one.code, one.version, one.choices)
        sums[rows[one.transcript]] += (
            1,
            was != now,
            was != now or not touched.isdisjoint((*was.codes, *was.options, *was.retired)),
        )
    reread, of_touched = _shares(sums)
    return VersionChange(
        version=after.number,
        at=after.at,
        operations=dict(Counter(kind_of(one) for one in after.operations)),
        codes=len(before.live),
        touched=len(touched),
        added=sum(change.kind == "added" for change in changes),
        codings=len(made),
        reread=reread,
        of_touched=of_touched,
    )


def _shares(sums: Floats) -> tuple[Estimate, Estimate]:
    """The second and third column as shares of the first, *shape:* (transcripts, 3)."""
    if not len(sums):
        none = Estimate.undefined("nothing had been coded before this version")
        return none, none
    pairs = np.stack([sums[:, [1, 0]], sums[:, [2, 0]]], axis=1)

    def share(counts: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            found: Floats = counts[..., 0] / counts[..., 1]
        return found

    number = int(sums[:, 0].sum())
    used = np.ones((len(sums), 2), dtype=np.bool_)
    reread, of_touched = jackknife(
        leave_one_out(pairs, share, used=used), scale=Scale.LOGIT, n=[number, number]
    )
    return reread, of_touched
