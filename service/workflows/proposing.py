"""Edits of the codebook that somebody made to the labels in Label Studio: accept or decline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from annotations.codebook import Code
from annotations.codebook_versions.history import CodebookHistory, CodebookVersion
from annotations.codebook_versions.operations import (
    Add,
    Edit,
    Merge,
    Move,
    Redefine,
    Rename,
    Retire,
    check_new,
    plain,
)
from annotations.errors import NotFound
from annotations.formats.codebook_yaml import OperationsFile
from service import queue
from service.house import House
from service.storage.records import Proposal
from service.workflows.codebooks import AppliedEdits, apply_edits


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalLine:
    """An edit found in Label Studio, as it would be written in a file."""

    number: int
    operation: dict[str, Any]
    state: str
    found_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposalsView:
    """Edits that were found in Label Studio's labels."""

    study: str
    proposals: tuple[ProposalLine, ...]


def list_proposals(house: House, study: str, *, everything: bool = False) -> ProposalsView:
    """Edits found in Label Studio that wait for a decision, or all of them."""
    with house.database.reading() as work:
        found = work.codebooks.proposals(study, None if everything else "open")
    return ProposalsView(
        study=study,
        proposals=tuple(
            ProposalLine(
                number=one.number,
                operation=plain(one.operation),
                state=one.state,
                found_at=one.found_at,
                decided_at=one.decided_at,
            )
            for one in found
        ),
    )


def decide_proposals(
    house: House,
    study: str,
    numbers: Sequence[int],
    *,
    accept: bool,
    author: str,
    follow: bool = False,
) -> AppliedEdits | None:
    """Accept proposals, which applies them as one version, or decline them (None).

    Either way Label Studio's labels are brought to the codebook, with `follow` by a job. Raises
    InputError where an edit that is accepted cannot be done.
    """
    if not numbers:
        raise NotFound(
            "No edit was chosen. Tick some on the page, or give the numbers that "
            "`codebook proposals` lists."
        )
    with house.database.reading() as work:
        history = work.codebooks.history(study)
        open_ = {
            one.number: _by_its_name_of_today(one, history)
            for one in work.codebooks.proposals(study)
        }
    # In the order in which they were found, which they may depend on.
    numbers = tuple(sorted(set(numbers)))
    edits = [open_[number] for number in numbers if number in open_]
    still = [edit for one in edits if (edit := _still(one, history.current)) is not None]
    if accept and still and len(edits) == len(numbers):
        for number in numbers:
            check_new(open_[number], f"proposal {number}")
        return apply_edits(
            house,
            study,
            OperationsFile(operations=tuple(still)),
            author=author,
            reason="edited in Label Studio",
            keep=True,
            follow=follow,
            accepting=numbers,
        )
    with house.database.unit_of_work() as work:
        work.codebooks.decide(study, numbers, "accepted" if accept else "declined")
        connected = work.label_studio.connection(study) is not None
        work.commit()
    if follow and connected:
        queue.enqueue(house, queue.FOLLOW, study)
    return None


def _by_its_name_of_today(found: Proposal, history: CodebookHistory) -> Edit:
    """A proposal whose code was renamed or moved since it was found."""
    edit = found.operation
    if not isinstance(edit, Rename | Move | Redefine | Retire) or history.current.named(edit.code):
        return edit
    bearer = history.bearer(edit.code, at=found.found_at)
    now = None if bearer is None else history.current.by_id.get(bearer.code)
    return edit if now is None else replace(edit, code=now.path)


def _still(edit: Edit, current: CodebookVersion) -> Edit | None:
    """What is left to do of a proposal, since a coder may have applied the new label by now."""
    if isinstance(edit, Add):
        return None if current.named(edit.code.path) is not None else edit
    if isinstance(edit, Rename | Move) and current.named(edit.path) is not None:
        return Merge(codes=(edit.code,), into=Code(path=edit.path))
    return edit
