"""Commands on what an edited codebook asks of people: choices after a split, proposed edits."""

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from annotations.codebook_versions.wording import in_words
from annotations.errors import SecondCoderError, command
from annotations.numerals import form, many
from service.cli.codebook_words import show_applied
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import progress, say, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from service.house import House
    from service.workflows.choosing import Worklist
    from service.workflows.part_proposals import ProposedPart

Author = Annotated[
    str | None,
    typer.Option(help="Who signs what the file does not sign (default: you).", show_default=False),
]


def worklist(
    context: typer.Context,
    study: Study,
    push: Annotated[
        bool, typer.Option("--push", help="Send the excerpts to their coders in Label Studio.")
    ] = False,
    text: Annotated[bool, typer.Option("--text", help="With the words of each excerpt.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """List the excerpts that need a choice because their code was split, or push them."""
    from service.workflows import choosing

    house = open_home(context, home)
    if push:
        with progress() as report_progress:
            pushed = choosing.push_worklist(house, study, progress=report_progress)
        if json:
            show_json(pushed)
            return
        show_line(
            f"{many(pushed.items, 'excerpt waits', 'excerpts wait')}; "
            f"{many(pushed.created, 'new task')}: {pushed.project_url}"
        )
        say(f"What coders choose there comes by: {command('label-studio', 'sync', study)}")
        return
    with progress() as report_progress:
        found = choosing.worklist(house, study, text=text, progress=report_progress)
    if json:
        show_json(found)
        return
    if not found.items:
        say(f"No excerpt of {study} needs a choice.")
        return
    show_table(
        f"Excerpts of {study} that need a choice: {len(found.items)}",
        ["transcript", "turn", "characters", "coded", "by", "choose", "model"],
        [
            (
                one.transcript,
                one.turn,
                f"{one.start} to {one.end}",
                one.code,
                one.coder,
                " or ".join(one.options),
                _proposed(one.proposed),
            )
            for one in found.items
        ],
    )
    for line in _about_proposals(study, found):
        say(line)
    for one in found.items:
        if one.text is not None:
            show_line(f"{one.transcript}, turn {one.turn}: {one.text}")


def _proposed(part: "ProposedPart | None") -> str:
    if part is None:
        return ""
    return f"{part.code} ({'likeness ' if part.basis == 'likeness' else ''}{part.score:.2f})"


def _about_proposals(study: str, found: "Worklist") -> list[str]:
    """Where the proposals come from, or why there are none."""
    lines = []
    known = [one.proposed for one in found.items if one.proposed is not None]
    if any(one.basis == "likeness" for one in known):
        lines.append(
            "The model has not learned these parts yet. It proposes by likeness: the cosine of an "
            "excerpt with what the codebook says of a part and with what was coded so. When some "
            f"excerpts are chosen, train again for probabilities: {command('train', study)}"
        )
    if len(found.items) > len(known) + found.withheld:
        lines.append(f"The study has no model to propose with: {command('train', study)}")
    if found.withheld:
        lines.append(
            f"No proposal stands beside {found.withheld} of them: "
            f"{form(found.withheld, 'its transcript is', 'their transcripts are')} in the blind "
            f"sample or {form(found.withheld, 'counts', 'count')} in a draw, so people choose "
            "there without the model."
        )
    return lines


def proposals(
    context: typer.Context,
    study: Study,
    everything: Annotated[bool, typer.Option("--all", help="Those decided on, too.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """List edits that somebody made to the labels in Label Studio."""
    from service.workflows.proposing import list_proposals

    found = list_proposals(open_home(context, home), study, everything=everything)
    if json:
        show_json(found)
        return
    if not found.proposals:
        say("No proposals were ever made." if everything else "No proposals are open.")
        return
    show_table(
        f"Edits of {study} found in Label Studio",
        ["number", "edit", "found", "state"],
        [(one.number, in_words(one.operation), one.found_at, one.state) for one in found.proposals],
    )


Numbers = Annotated[
    list[int], typer.Argument(help="Numbers that `proposals` lists.", show_default=False)
]


def accept(
    context: typer.Context,
    study: Study,
    numbers: Numbers,
    author: Author = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Take edits found in Label Studio into the codebook, as one version."""
    from service.workflows.proposing import decide_proposals

    house = open_home(context, home)
    result = decide_proposals(
        house, study, numbers, accept=True, author=author or getpass.getuser()
    )
    follow(house, study)
    if json:
        show_json({"applied": result})
    elif result is not None:
        show_applied(result)
    else:
        say("The codebook had them already.")


def decline(
    context: typer.Context,
    study: Study,
    numbers: Numbers,
    json: Json = False,
    home: Home = None,
) -> None:
    """Leave the codebook as it is, and give Label Studio its labels back."""
    from service.workflows.proposing import decide_proposals

    house = open_home(context, home)
    decide_proposals(house, study, numbers, accept=False, author=getpass.getuser())
    follow(house, study)
    if json:
        show_json({"declined": numbers})
    else:
        say("Declined. The labels in Label Studio are the codebook's again.")


def follow(house: "House", study: str) -> None:
    """Bring Label Studio up to date; where it cannot be reached, say how to go on."""
    from service.workflows.following import follow_if_connected

    try:
        with progress() as report_progress:
            followed = follow_if_connected(house, study, report_progress)
    except SecondCoderError as error:
        warn(
            f"The codebook is changed, and Label Studio does not have it yet: {error} "
            f"{command('label-studio', 'sync', study)} goes on with it."
        )
        return
    if followed is not None:
        say(
            f"Label Studio has codebook version {followed.version}: "
            f"{many(followed.annotations, 'annotation')} relabelled."
        )
