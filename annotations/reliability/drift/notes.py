"""The report's first sentences, and what it leaves out or could not have seen."""

from collections.abc import Sequence

from annotations.errors import command
from annotations.numerals import form, many, p_words
from annotations.reliability.drift.control_chart import ControlChart
from annotations.reliability.drift.outcome import MEANING, USE, Finding, Question, WaveSize
from annotations.reliability.drift.ratios import Change
from annotations.reliability.drift.recoded import RecodedRound
from annotations.reliability.drift.texts import TextShift
from annotations.reliability.drift.waves import MIN_A_WAVE

_NAMED = 8
_MEANING_IS_HARD = (
    "A change of meaning is not always seen: where 30% of a code's passages had become another "
    "code's, the test found it in about 85 of 100 studies with 25 transcripts a wave and in 96 "
    "with 40. Smaller changes, and smaller waves, show less often: nothing found there does not "
    "mean that nothing moved."
)


def summary_of(
    study: str,
    questions: Sequence[Question],
    findings: Sequence[Finding],
    texts: Sequence[TextShift],
    charts: Sequence[ControlChart],
    sizes: Sequence[WaveSize],
    recoded: Sequence[RecodedRound],
) -> tuple[str, ...]:
    """What moved in one sentence each, what to do, and how much was tested."""
    tested = {one.name: len(_tested(one)) for one in questions if _tested(one)}
    said = [f"{one.words} {one.advice}" for one in findings]
    if tested and not findings:
        counts = ", ".join(f"{number} of {name}" for name, number in tested.items())
        said.append(
            "Nothing moved that these data can show: "
            f"{many(sum(tested.values()), 'comparison was', 'comparisons were')} "
            f"tested ({counts}) and none stands after correction."
        )
    if not tested:
        said.append(
            "Nothing could be tested; the figures are a description. "
            + (_held_constant(questions) or _too_few(sizes))
        )
    elif USE not in tested and (why := _held_constant(questions)):
        said.append(f"The use of codes could not be tested. {why}")
    said.extend(
        f"The texts of {text.after} are unlike those of {text.before} (p {p_words(text.p)}, on "
        f"{text.transcripts[0]} and {many(text.transcripts[1], 'transcript')}): a model that "
        "learned from the one deserves less trust on the other. Code some of these transcripts "
        "blind and train again."
        for text in texts
        if text.moved and text.p is not None
    )
    said.extend(
        f"{chart.coder} passes the control chart's limit at {chart.alarm}: from about there on "
        "they disagree with the others more than they used to. Look at what they coded there, and "
        f"have them code old excerpts again: "
        f"{command('recode-sample', study, '--coder', chart.coder, '--push')}."
        for chart in charts
        if chart.alarm is not None
    )
    said.extend(f"Coded again, blind: {' '.join(one.words)}" for one in recoded)
    return tuple(said)


def _tested(question: Question) -> list[Change]:
    return [
        change for pair in question.comparisons for change in pair.changes if change.p is not None
    ]


def _too_few(sizes: Sequence[WaveSize]) -> str:
    found = ", ".join(f"{many(one.transcripts, 'transcript')} in {one.name}" for one in sizes)
    there = f"There {form(sizes[0].transcripts if sizes else 0, 'is', 'are')}"
    if sum(one.transcripts >= MIN_A_WAVE for one in sizes) > 1:
        return (
            f"{there} {found}, and a test needs {MIN_A_WAVE} in each of two waves that have "
            "something to count."
        )
    return f"{there} {found}; a test needs {MIN_A_WAVE} in each of two waves."


def _held_constant(questions: Sequence[Question]) -> str | None:
    """That holding attributes constant left too little, where it did."""
    left = [
        (change.left_out, pair)
        for question in questions
        if question.name == USE
        for pair in question.comparisons
        for change in pair.changes
        if change.left_out
    ]
    if not left:
        return None
    number, pair = max(left, key=lambda one: one[0])
    return (
        f"With these attributes held constant, {many(number, 'transcript')} of {pair.before} and "
        f"{pair.after} {form(number, 'has', 'have')} no second one like it in its wave, and what "
        f"is left is fewer than {MIN_A_WAVE} a wave. Adjust for fewer attributes, or for none."
    )


def notes_of(
    questions: Sequence[Question],
    sizes: Sequence[WaveSize],
    *,
    assisted: int,
    without: Sequence[str],
    attribute: str,
    model: bool,
) -> tuple[str, ...]:
    """What was left out, what may confound, and what could not have been seen."""
    notes = []
    if assisted:
        notes.append(
            f"{many(assisted, 'reading of a turn was', 'readings of turns were')} made with "
            "suggestions in sight, and left out, since suggestions change what people code."
        )
    if without:
        named = ", ".join(without[:_NAMED])
        more = f" and {len(without) - _NAMED} more" if len(without) > _NAMED else ""
        notes.append(f"Without a value of {attribute}, and left out: {named}{more}.")
    if len({one.coders for one in sizes}) > 1:
        notes.append(
            "The waves were not coded by the same people ("
            + "; ".join(f"{one.name}: {', '.join(one.coders)}" for one in sizes)
            + "): a change of use may be a change of coders."
        )
    if not model:
        notes.append(
            "No model was trained, so that the meaning of codes and the model are not asked about."
        )
    for question in questions:
        for pair in question.comparisons:
            left = max((change.left_out for change in pair.changes), default=0)
            if left:
                notes.append(
                    f"{many(left, 'transcript')} of {pair.before} and {pair.after} "
                    f"{form(left, 'lies in a group', 'lie in groups')} with fewer than two "
                    f"transcripts in one of the waves; comparisons of {question.name} leave "
                    f"{form(left, 'it', 'them')} out."
                )
            if question.name == USE:
                notes.extend(_weak(pair.before, pair.after, pair.changes))
            if question.name == MEANING and any(one.p is not None for one in pair.changes):
                notes.append(_MEANING_IS_HARD)
    return tuple(dict.fromkeys(notes))


def _weak(before: str, after: str, changes: Sequence[Change]) -> list[str]:
    """Codes whose use could double, or vanish, and more likely than 1 in 10 not be seen."""
    weak = [
        change.subject
        for change in changes
        if change.detectable is not None
        and change.before.defined
        and change.detectable > max(change.before.value, change.after.value)
    ]
    if not weak:
        return []
    named = ", ".join(weak[:_NAMED]) + (
        f" and {len(weak) - _NAMED} more" if len(weak) > _NAMED else ""
    )
    return [
        f"From {before} to {after}, the power to see a use that doubles is below .90 for: {named}. "
        "Nothing found there does not mean that nothing moved."
    ]
