"""What an import would do, as tables."""

from annotations.numerals import many
from service.cli.present import say, show_line, show_table, warn
from service.workflows.importing import Preview, TranscriptFound

_WIDTH = 90


def show_preview(found: Preview) -> None:
    """Show each transcript with its speakers and first turns, then what else is to be known."""
    for one in found.transcripts:
        _show(one)
    new = sum(one.is_new for one in found.transcripts)
    show_line(
        f"{found.study}: {many(len(found.transcripts), 'transcript')}, {new:,} of them new, "
        f"{many(found.readings, 'reading')} and {many(found.codings, 'coding')} read. Nothing was "
        "stored."
    )
    if found.units_changed is not None:
        warn(found.units_changed)
    for problem in found.refused:
        warn(f"Left out: {problem}")
    for problem in found.notes:
        warn(str(problem))
    if found.transcripts:
        say(
            "Is a speaker missing, or one that is none? Begin each turn in the file with the name "
            "and a colon ('Anna: '), spelt alike throughout, and put no colon after other words."
        )


def _show(one: TranscriptFound) -> None:
    state = "new" if one.is_new else "in the study already"
    show_table(
        f"{one.transcript} ({one.format}, {state}): {many(one.turns, 'turn')}, "
        f"{many(one.words, 'word')}",
        ["speaker", "turns", "words", ""],
        [
            (s.speaker or "(nobody)", s.turns, s.words, "interviewer" if s.interviewer else "")
            for s in one.speakers
        ],
    )
    for turn in one.first:
        text = turn.text if len(turn.text) <= _WIDTH else f"{turn.text[:_WIDTH].rstrip()} …"
        show_line(f"  {turn.speaker or '(nobody)'}: {text}")
    if one.attributes:
        show_line("  " + ", ".join(f"{name}: {text}" for name, text in one.attributes.items()))
