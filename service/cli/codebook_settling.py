"""Commands that ask whether a codebook is done: what it still changes, and what it lacks."""

from typing import TYPE_CHECKING, Annotated

import typer

from annotations.errors import command
from annotations.numerals import form, many
from service.cli.options import Home, Json, Study, open_home
from service.cli.present import say, show_json, show_line, show_table, warn

if TYPE_CHECKING:
    from annotations.reliability.saturation import Saturation
    from service.workflows.candidates import CandidateLine


def stability(context: typer.Context, study: Study, json: Json = False, home: Home = None) -> None:
    """Show what each version of the codebook changed, and whether transcripts bring new codes."""
    from service.workflows.codebook_stability import codebook_stability

    found = codebook_stability(open_home(context, home), study)
    if json:
        show_json(found)
        return
    show_table(
        f"What the versions of the codebook of {study} changed",
        ["version", "edits", "codes", "touched", "added", "codings", "read otherwise", "touched"],
        [
            (
                one.version,
                ", ".join(f"{number} {kind}" for kind, number in one.operations.items()),
                one.codes,
                one.touched,
                one.added,
                one.codings,
                one.reread,
                one.of_touched,
            )
            for one in found.versions
        ],
    )
    if found.saturation is None:
        say(f"Nobody has coded in {study} yet, so nothing can be said of saturation.")
        return
    show_table(
        "New codes as transcripts were coded",
        ["transcript", "new codes", "codes so far", "its codes", "pairs so far"],
        [
            (one.transcript, one.new_codes, one.codes, one.new_pairs, one.pairs)
            for one in found.transcripts
        ],
    )
    _show_saturation(found.saturation)
    for note in found.notes:
        warn(note)


def _show_saturation(found: "Saturation") -> None:
    show_table("Saturation", ["what", "figure"], [(_KNOWN, found.coverage)])
    if found.new_share == found.new_share:  # not NaN
        show_line(
            f"The last {many(found.run, 'transcript')} brought {found.new_share:.2f} of the codes "
            f"of the first {found.base}; " + since_when(found)
        )
    if found.fitted:
        show_line(
            f"The curve a·n/(b + n) tends to {found.asymptote:.1f} codes; "
            f"{found.codes[-1]} {form(found.codes[-1], 'was', 'were')} met in "
            f"{many(len(found.codes), 'transcript')}."
        )
    else:
        show_line("No curve a·n/(b + n) could be fitted to these transcripts.")


def since_when(found: "Saturation") -> str:
    """When the last transcripts brought few new codes for the first time, and whether it lasted."""
    if found.reached is None:
        return "it was never at most .05."
    first = f"it was at most .05 after {many(found.reached, 'transcript')}"
    if found.stayed is None:
        return f"{first} and rose again."
    if found.stayed == found.reached:
        return f"{first} and stayed so."
    return f"{first}, rose again, and stayed so from {many(found.stayed, 'transcript')} on."


_KNOWN = "chance that a code met in one more transcript is known (Good-Turing)"


def candidates(
    context: typer.Context,
    study: Study,
    top: Annotated[int, typer.Option(min=1, help="Groups to show.")] = 10,
    coded_too: Annotated[
        bool,
        typer.Option(
            "--coded-too", help="Also excerpts that people coded and that are low in every score."
        ),
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Group what no code fits, as candidates for new codes. It only proposes."""
    from service.workflows.candidates import find_candidates

    found = find_candidates(open_home(context, home), study, top=top, coded_too=coded_too)
    if json:
        show_json(found)
        return
    show_table(
        f"Excerpts of {study} that no code fits",
        ["segments", "left"],
        [(one.asked, one.left) for one in found.steps],
    )
    for one in found.candidates:
        _show_candidate(one)
    for note in found.notes:
        warn(note)
    if found.candidates:
        say(
            f"{many(found.found, 'group')}, {many(found.alone, 'excerpt')} in none. Nothing was "
            "added. What should be a code, write into a file (operations: - add: NAME), then: "
            f"{command('codebook', 'apply', study, 'edits.yaml')}"
        )


def _show_candidate(one: "CandidateLine") -> None:
    show_line("")
    words = f": {', '.join(one.words)}" if one.words else ""
    where = f"{many(one.segments, 'excerpt')} in {many(one.transcripts, 'transcript')}"
    show_line(f"{one.number}. {where}{words}")
    if one.retired:
        verb = form(one.retired, "was", "were")
        show_line(f"   {one.retired} of them {verb} coded, with codes that are retired now")
    if one.nearest is not None:
        near = one.nearest
        usual = "" if near.usual is None else f", half of its own excerpts up to {near.usual:.2f}"
        advice = "perhaps that code, broadened" if near.within else "no code is as near as its own"
        show_line(f"   nearest code {near.code} at {near.distance:.2f}{usual}: {advice}")
    for excerpt in one.excerpts:
        show_line(
            f"   {excerpt.transcript}, turn {excerpt.turn}, {excerpt.speaker}: {excerpt.text}"
        )
        for was in excerpt.retired:
            show_line(f"      was coded {was}")
