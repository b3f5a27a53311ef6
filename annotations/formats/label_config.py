"""The label config of a Label Studio project: which controls hold codes, on which text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from annotations.codebook import SEPARATOR, Codebook, known_path, normal_path
from annotations.errors import InputError, Problem, StateError
from annotations.formats.archive import LimitedBuilder, TooMuch

SPAN_KINDS: Final = ("ParagraphLabels", "Labels")
"""Controls whose regions are parts of the text."""

WHOLE_KINDS: Final = ("Taxonomy", "Choices")
"""Controls that code the text as a whole."""

_OBJECTS = ("Paragraphs", "Text")
_OBJECTS_OF = {
    "ParagraphLabels": ("Paragraphs",),
    "Labels": ("Text",),
    "Taxonomy": _OBJECTS,
    "Choices": _OBJECTS,
}
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7E57C2", "#8D6E63")

KEPT_COLOUR: Final = "#9E9E9E"
"""The colour of labels that are there for old regions alone."""

# The codes stay in view beside the words. A region bears its code and score in the text. Turns
# have no times, which Label Studio would show as 00:00:00.
_TRANSCRIPT_MODE = """\
<View>
  <Style>
    .coding { display: flex; gap: 16px; align-items: flex-start; }
    .codes { flex: 0 0 272px; min-width: 0; display: flex; flex-direction: column;
             position: sticky; top: 0; max-height: calc(100vh - 170px); }
    .codes .list { overflow-y: auto; min-height: 120px; }
    .words { flex: 1 1 auto; min-width: 0; }
    .words [class^="time--"] { display: none; }
  </Style>
  <View className="coding">
    <View className="codes">
      <Filter name="filter" toName="code" minlength="0" placeholder="Find a code"/>
      <View className="list">
        <ParagraphLabels name="code" toName="transcript" choice="multiple" showInline="false">
LABELS
        </ParagraphLabels>
      </View>
      <View visibleWhen="region-selected">
        <TextArea name="memo" toName="transcript" perRegion="true" rows="2" editable="true"
                  placeholder="Memo on this region"/>
      </View>
    </View>
    <View className="words">
      <Paragraphs name="transcript" value="$turns" layout="dialogue" nameKey="speaker"
                  textKey="text" showLabels="true"/>
    </View>
  </View>
</View>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """A tag that holds codes. `labels` gives each code's levels as the tag writes them.

    `labels` is empty where the labels come with each task.
    """

    name: str
    kind: str
    labels: Mapping[str, tuple[str, ...]]

    def code_of(self, levels: Sequence[str]) -> str:
        """The code that a chosen label stands for; an unlisted label is its own path."""
        wanted = tuple(levels)
        for code, written in self.labels.items():
            if written == wanted:
                return code
        return normal_path(SEPARATOR.join(levels))


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelConfig:
    """The controls that hold codes and the one object tag that they all belong to.

    `text_name` is the object tag's name, `value` the key of the task data that it shows;
    `speaker_key` and `words_key` are the keys of a turn, where the object is Paragraphs.
    """

    controls: tuple[Control, ...]
    paragraphs: bool
    text_name: str
    value: str
    speaker_key: str = "author"
    words_key: str = "text"

    @classmethod
    def parse(cls, xml: str, codes: Iterable[str] = ()) -> "LabelConfig":
        """Read a label config; InputError says what it lacks.

        Labels are matched to `codes` by path, or by name where only one code has it. Where
        some controls list one of the codes, controls that list none are left out; the object
        is the one that most controls belong to.
        """
        root = tree_of(xml)
        paths = tuple(codes)
        objects = {
            name: tag for tag in root.iter() if (name := tag.get("name")) and tag.get("value")
        }
        found: dict[str, list[Control]] = {}
        for tag in root.iter():
            name, target = tag.get("name"), (tag.get("toName") or "").split(",")[0].strip()
            shown = objects.get(target)
            if name and shown is not None and shown.tag in _OBJECTS_OF.get(tag.tag, ()):
                control = Control(name=name, kind=tag.tag, labels=_labels(tag, paths))
                found.setdefault(target, []).append(control)
        known = set(paths)
        with_codes = {
            target: [control for control in controls if known.intersection(control.labels)]
            for target, controls in found.items()
        }
        chosen = {target: controls for target, controls in with_codes.items() if controls} or found
        if not chosen:
            raise _refused(
                "no control that can hold codes; expected ParagraphLabels on Paragraphs, Labels "
                "on Text, or Taxonomy or Choices on either, each with a name and a toName"
            )
        target = max(chosen, key=lambda name: len(chosen[name]))
        shown = objects[target]
        return cls(
            controls=tuple(chosen[target]),
            paragraphs=shown.tag == "Paragraphs",
            text_name=target,
            value=(shown.get("value") or "").lstrip("$"),
            speaker_key=shown.get("nameKey") or "author",
            words_key=shown.get("textKey") or "text",
        )

    def control_for(self, code: str) -> Control | None:
        """The control that can show a code, or None."""
        for control in self.controls:
            if code in control.labels:
                return control
        return next((control for control in self.controls if not control.labels), None)

    def missing(self, codes: Iterable[str]) -> tuple[str, ...]:
        """The codes that no control can show."""
        return tuple(code for code in codes if self.control_for(code) is None)


def label_config_for(codebook: Codebook, kept: Mapping[str, str] = MappingProxyType({})) -> str:
    """The label config of transcript mode, with a label a code; a label's value is the path.

    Codes of one branch share a colour, and a definition is shown over its label. `kept` are
    labels of codes that may be applied no more, with what to say of each; they come last.
    """
    if not codebook.codes:
        raise StateError("the codebook has no codes to label with; import codings or a codebook")
    labels = "".join(
        f"          <Label value={quoteattr(one.value)} background={quoteattr(one.background)}"
        + (f" hint={quoteattr(one.hint)}" if one.hint else "")
        + "/>\n"
        for one in labels_of_codebook(codebook, kept)
    )
    return _TRANSCRIPT_MODE.replace("LABELS", labels.rstrip())


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A label as it is written: the code's path, a colour, and what is shown over it."""

    value: str
    background: str
    hint: str


def labels_of_codebook(codebook: Codebook, kept: Mapping[str, str]) -> tuple[Label, ...]:
    """The labels of a codebook, and after them those that are only kept."""
    branches = list(dict.fromkeys(path.split(SEPARATOR)[0] for path in codebook.paths))
    live = tuple(
        Label(
            value=code.path,
            background=_COLOURS[branches.index(code.path.split(SEPARATOR)[0]) % len(_COLOURS)],
            hint=code.definition,
        )
        for code in codebook.codes
    )
    there = set(codebook.paths)
    return live + tuple(
        Label(value=path, background=KEPT_COLOUR, hint=note)
        for path, note in kept.items()
        if path not in there
    )


def code_of_label(levels: Sequence[str], codes: Iterable[str]) -> str:
    """The code that a label stands for: the same path, else the only code of that name.

    A label that is neither stays its own path.
    """
    paths = tuple(codes)
    path = known_path(SEPARATOR.join(levels), paths)
    if path in paths or SEPARATOR in path:
        return path
    named = [code for code in paths if code.rsplit(SEPARATOR, 1)[-1] == path]
    return named[0] if len(named) == 1 else path


def tree_of(xml: str) -> Element:
    """A label config as a tree; InputError where it is no valid XML."""
    try:
        parser = DefusedXMLParser(target=LimitedBuilder())
        parser.feed(xml)
        root: Element = parser.close()
    except TooMuch as error:
        raise _refused(str(error)) from error
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise _refused(f"not valid XML ({error}); copy it again from the project") from error
    return root


def _refused(message: str) -> InputError:
    return InputError(Problem(file="label config", line=None, message=message))


def _labels(control: Element, codes: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    labels: dict[str, tuple[str, ...]] = {}
    # Nested Choices report the path only with allowNested, else the chosen name alone.
    flat = control.tag == "Choices" and control.get("allowNested") != "true"
    for levels in _written(control, ()):
        labels.setdefault(code_of_label(levels, codes), levels[-1:] if flat else levels)
    return labels


def _written(tag: Element, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The labels below a tag; choices may be nested, and layout tags may stand between."""
    for child in tag:
        value = (
            child.get("alias") or child.get("value") if child.tag in ("Label", "Choice") else None
        )
        levels = (*above, value) if value else above
        # A value that begins with $ stands for labels that come with each task.
        if value and not value.startswith("$"):
            yield levels
        yield from _written(child, levels)
