"""The model card: what a published model was made of and how far it may be trusted."""

from annotations.numerals import decimals, form, many
from annotations.reliability.estimate import Estimate
from models.parts import ModelParts
from models.report import TrainReport
from training.dataset import TrainingData
from training.evaluate import EVALUATED_POSITIVES, EVALUATED_TRANSCRIPTS


def model_card(data: TrainingData, parts: ModelParts, report: TrainReport) -> str:
    """Markdown; holds counts and figures, names of codes, and nothing that was said."""
    lines = [
        "# A model of a study's codes",
        "",
        "Suggests codes to coders. It does not replace them: a suggestion is to be read and "
        "decided on.",
        "",
        "## Data",
        f"- {many(report.transcripts, 'transcript')}, {many(report.segments, 'segment')}, "
        f"{many(len(data.coders), 'coder')}, {many(len(data.codes), 'code')}; SHA-256 "
        f"{data.digest}",
        *(
            ()
            if report.codebook_version is None
            else (f"- Codings are read under version {report.codebook_version} of the codebook.",)
        ),
        f"- {report.scored:,} of the segments {form(report.scored, 'was', 'were')} coded without "
        "suggestions in sight; only these give figures, thresholds and gates.",
        "- The label is the majority of the coders who read the segment, `adjudicated` above "
        "all. A tie counts half for each side in training, and is no majority in scoring.",
        f"- A segment is {_segment(parts)}.",
        "",
        "## Model",
        f"- Encoder {report.encoder}, checksum {parts.encoder_checksum}",
        f"- One-versus-rest logistic heads on {_views(parts)}, combined and calibrated on "
        "held-out folds.",
        f"- Tier {report.tier}: {report.tier_reason}.",
        *_choices(report),
        f"- The turns before a segment are {'read' if report.context else 'not read'}, as "
        "cross-validation chose.",
        "",
        "## Held-out figures",
        f"{report.folds} folds, grouped by transcript, seed {report.seed}. Calibration and "
        "threshold of a fold come from the other folds. Intervals: 95%, transcripts left out "
        "one by one.",
        f"Thresholds are chosen for {report.aim}.",
        "",
        f"Over the codes with at least {EVALUATED_POSITIVES} positive segments in "
        f"{EVALUATED_TRANSCRIPTS} transcripts (marked * below; all codes where none has):",
        "",
        "| figure | model | TF-IDF baseline |",
        "|---|---|---|",
        f"| Cohen's kappa | {_text(report.kappa)} | {_text(report.baseline.kappa)} |",
        f"| macro F1 | {_text(report.macro_f1)} | {_text(report.baseline.macro_f1)} |",
        f"| micro F1 | {_text(report.micro_f1)} | {_text(report.baseline.micro_f1)} |",
        "",
        f"Expected calibration error over the same codes, "
        f"{many(len(report.calibration.bins), 'bin')} of "
        f"equal mass: {_text(report.calibration.error)}. 0 is best; chance alone makes it "
        "positive.",
        "",
        "| code | segments | gate | kappa | precision | recall | F1 | calibration error "
        "| baseline's kappa |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {code.code.replace('|', '/')}{' *' if code.evaluated else ''} | {code.support} "
            f"| {code.gate} | {_text(code.kappa)} | {_text(code.precision)} "
            f"| {_text(code.recall)} | {_text(code.f1)} | {_text(code.calibration_error)} "
            f"| {_text(code.baseline_kappa)} |"
            for code in report.codes
        ),
        "",
        "## Limits",
        *_limits(report),
        "",
    ]
    return "\n".join(lines)


def _views(parts: ModelParts) -> str:
    views = ["the encoder's vectors", "TF-IDF of words and characters"]
    if parts.sentence_heads is not None:
        views.append("the vectors of single sentences")
    if parts.finetuned is not None:
        views.append("a fine-tuned encoder")
    return f"{many(len(views), 'view')} ({'; '.join(views)})"


def _choices(report: TrainReport) -> list[str]:
    return [
        f"- {one.name} {one.value}: {'taken' if one.taken else 'not taken'}; held-out log loss "
        f"lower by {decimals(one.gain, 4)} (standard error {decimals(one.error, 4)})"
        for one in report.choices
    ]


def _segment(parts: ModelParts) -> str:
    words = parts.segmentation.max_words
    return "a turn" if words is None else f"a turn, or sentences of about {words} words of one"


def _limits(report: TrainReport) -> list[str]:
    silent = [code for code in report.codes if code.gate == "closed"]
    behind = [code.code for code in report.codes if code.beats_baseline is False]
    lines = [
        "- The figures hold for transcripts like these. Other sites, topics or coders may differ.",
        "- Held-out agreement says how far the model follows these coders, and not whether they "
        "are right.",
        *(f"- {note}" for note in report.notes),
    ]
    if silent:
        lines.append("- Never suggested:")
        lines += [f"  - {code.code}: {code.reason}" for code in silent]
    if behind:
        lines.append(f"- No better than the TF-IDF baseline on: {', '.join(behind)}")
    return lines


def _text(estimate: Estimate) -> str:
    if not estimate.defined:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return decimals(estimate.value, 3)
    low, high = decimals(estimate.low, 3), decimals(estimate.high, 3)
    return f"{decimals(estimate.value, 3)} ({low} to {high})"
