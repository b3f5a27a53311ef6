"""Label configs: which controls hold codes, and what their labels are called."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from annotations.codebook import Code, Codebook
from annotations.errors import InputError, StateError
from annotations.formats.label_config import LabelConfig, code_of_label, label_config_for

PARAGRAPHS = (
    '<View><Filter name="f" toName="code"/><ParagraphLabels name="code" toName="t">'
    '<Label value="Support"/><View><Label value="Networks &gt; Work" alias="Work"/></View>'
    '</ParagraphLabels><Paragraphs name="t" value="$turns" nameKey="who" textKey="said"/>'
    '<TextArea name="memo" toName="t" perRegion="true"/></View>'
)


def recorded_configs(shared_data: Path) -> list[str]:
    found = []
    with (shared_data / "label_studio_1.23.2_requests.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            body = json.loads(line)["b"] or {}
            found.append(body.get("schema") or body.get("label_config"))
    return [xml for xml in found if xml]


def test_the_recorded_configs_are_taxonomies_on_text(shared_data: Path) -> None:
    configs = [LabelConfig.parse(xml) for xml in recorded_configs(shared_data)]
    assert len(configs) == 7
    for config in configs:
        (control,) = config.controls
        assert (control.name, control.kind) == ("codes", "Taxonomy")
        assert (config.text_name, config.value, config.paragraphs) == ("text", "text", False)
    assert configs[0].controls[0].labels == {
        "Access": ("Access",),
        "Access > Cost": ("Access", "Cost"),
        "Access > Distance": ("Access", "Distance"),
        "Trust": ("Trust",),
    }
    assert "Access > Travel distance" in configs[-1].controls[0].labels


def test_paragraphs_say_where_speakers_and_words_are() -> None:
    config = LabelConfig.parse(PARAGRAPHS)
    assert config.paragraphs
    assert (config.text_name, config.value) == ("t", "turns")
    assert (config.speaker_key, config.words_key) == ("who", "said")
    assert [control.name for control in config.controls] == ["code"]


def test_an_alias_is_what_results_carry() -> None:
    (control,) = LabelConfig.parse(PARAGRAPHS).controls
    assert control.labels["Work"] == ("Work",)


def test_a_plain_label_stands_for_the_only_code_of_that_name() -> None:
    codes = ["Networks", "Networks > Support", "Networks > Work", "Home > Work"]
    (control,) = LabelConfig.parse(PARAGRAPHS, codes).controls
    assert control.labels == {"Networks > Support": ("Support",), "Work": ("Work",)}
    assert control.code_of(["Support"]) == "Networks > Support"
    assert control.code_of(["New"]) == "New"


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (["Trust"], "Trust"),
        (["Lost"], "Trust > Lost"),
        (["Trust", "Lost"], "Trust > Lost"),
        (["Trust>Lost"], "Trust > Lost"),
        (["Elsewhere", "Lost"], "Elsewhere > Lost"),
        (["Work"], "Work"),
    ],
)
def test_a_label_is_matched_to_a_code(levels: list[str], code: str) -> None:
    codes = ["Trust", "Trust > Lost", "A > Work", "B > Work"]
    assert code_of_label(levels, codes) == code


def test_choices_report_the_name_alone_unless_they_allow_nesting() -> None:
    def labels(attributes: str) -> dict[str, tuple[str, ...]]:
        xml = (
            f'<View><Text name="t" value="$text"/><Choices name="c" toName="t" {attributes}>'
            '<Choice value="Access"><Choice value="Cost"/></Choice></Choices></View>'
        )
        return dict(LabelConfig.parse(xml).controls[0].labels)

    assert labels('choice="multiple"')["Access > Cost"] == ("Cost",)
    assert labels('allowNested="true"')["Access > Cost"] == ("Access", "Cost")


def test_a_control_without_codes_is_left_out_where_another_has_them() -> None:
    xml = (
        '<View><Text name="t" value="$text"/><Choices name="quality" toName="t">'
        '<Choice value="Good"/></Choices><Labels name="code" toName="t"><Label value="Trust"/>'
        "</Labels></View>"
    )
    assert [c.name for c in LabelConfig.parse(xml, ["Trust"]).controls] == ["code"]
    assert [c.name for c in LabelConfig.parse(xml, ["Other"]).controls] == ["quality", "code"]


def test_each_code_finds_the_control_that_lists_it() -> None:
    xml = (
        '<View><Text name="t" value="$text"/><Labels name="a" toName="t"><Label value="Trust"/>'
        '</Labels><Labels name="b" toName="t"><Label value="Cost"/></Labels></View>'
    )
    config = LabelConfig.parse(xml)
    control = config.control_for("Cost")
    assert control is not None
    assert control.name == "b"
    assert config.missing(["Trust", "Beds", "Cost"]) == ("Beds",)


def test_labels_that_come_with_the_task_can_show_any_code() -> None:
    xml = '<View><Text name="t" value="$text"/><Labels name="a" toName="t" value="$labels"/></View>'
    assert LabelConfig.parse(xml).missing(["Beds"]) == ()


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "not valid XML"),
        ("<View>", "not valid XML"),
        ("<View/>", "no control that can hold codes"),
        ('<View><Text name="t" value="$t"/></View>', "no control that can hold codes"),
        (
            '<View><Audio name="a" value="$a"/><Labels name="l" toName="a"><Label value="x"/>'
            "</Labels></View>",
            "no control that can hold codes",
        ),
        (
            '<!DOCTYPE v [<!ENTITY e SYSTEM "file:///etc/passwd">]><View>&e;</View>',
            "not valid XML",
        ),
        ("<View>" * 5000 + "</View>" * 5000, "more than 200 elements inside each other"),
        ('<View a="\ud800"/>', "not valid XML"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(xml: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        LabelConfig.parse(xml)


def test_our_own_config_shows_every_code_in_transcript_mode() -> None:
    codebook = Codebook.of(
        [Code(path='Trust > "Lost" & <found', definition='Says "no"'), Code(path="Cost")],
        declared=True,
    )
    xml = label_config_for(codebook)
    config = LabelConfig.parse(xml, codebook.paths)
    assert config.missing(codebook.paths) == ()
    assert (config.paragraphs, config.value) == (True, "turns")
    assert (config.speaker_key, config.words_key) == ("speaker", "text")
    (control,) = config.controls
    assert (control.kind, control.name, config.text_name) == (
        "ParagraphLabels",
        "code",
        "transcript",
    )
    assert list(control.labels) == ["Trust", 'Trust > "Lost" & <found', "Cost"]
    root = ElementTree.fromstring(xml)
    tags = {tag.tag for tag in root.iter()}
    assert tags >= {"Filter", "ParagraphLabels", "Paragraphs", "TextArea"}
    assert root.findall(".//Label")[1].get("hint") == 'Says "no"'


def test_codes_of_a_branch_share_a_colour() -> None:
    codebook = Codebook.of([Code(path="A > x"), Code(path="B")], declared=True)
    root = ElementTree.fromstring(label_config_for(codebook))
    colours = [label.get("background") for label in root.findall(".//Label")]
    assert colours[0] == colours[1] != colours[2]


def test_a_codebook_without_codes_makes_no_config() -> None:
    with pytest.raises(StateError, match="no codes"):
        label_config_for(Codebook())
