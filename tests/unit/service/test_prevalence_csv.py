import csv
import io

import numpy as np
import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.drawing import Member
from annotations.reliability.methods import Versions
from annotations.reliability.prevalence.extent import frame_of
from annotations.reliability.prevalence.full_coding import FullCoding
from annotations.reliability.prevalence.report import Origin, PrevalenceReport, prevalence_of
from annotations.reliability.prevalence.sums import Population
from annotations.study import Study
from annotations.transcripts import Transcript, Turn
from service.prevalence_csv import prevalence_csv

GROUPS = {"A": "old", "B": "old", "C": "", "D": ""}


@pytest.fixture
def report() -> PrevalenceReport:
    """Four transcripts that people coded whole, two of them without the attribute."""
    transcripts = tuple(
        Transcript(
            name=name,
            turns=(Turn(index=0, speaker="P", text="one two"),),
            attributes={"group": group} if group else {},
        )
        for name, group in GROUPS.items()
    )
    coding = Coding(transcript="A", turn=0, start=0, end=7, code="x", coder="ana")
    study = Study(
        name="s",
        codebook=Codebook.of([Code(path="x")], declared=False),
        transcripts=transcripts,
        codings=(coding,),
        readings=tuple(Reading(transcript=name, turn=0, coder="ana") for name in GROUPS),
    )
    frame = frame_of(
        study,
        [Member(transcript=name, stratum=(), probability=1.0, drawn=True) for name in GROUPS],
        codes=("x",),
        model=FullCoding(
            coder="model:1", codings=(), segments=(), codes=(), chances=np.zeros((0, 0))
        ),
        unit="segments",
    )
    versions = Versions(software="1.0", model="1", codebook="c0de", data="da7a")
    return prevalence_of(
        "s",
        frame,
        by=("group",),
        unit="segments",
        of=Population.THESE,
        origin=Origin(seed=1, drawn_by=(), allocation="proportional", versions=versions),
    )


def test_a_value_that_is_not_given_is_told_from_all_transcripts(report: PrevalenceReport) -> None:
    rows = list(csv.DictReader(io.StringIO(prevalence_csv(report))))
    found = {one["group"]: one["value"] for one in rows if one["measure"] == "estimate"}
    assert found == {"": "0.25", "(not given)": "0.0", "old": "0.5"}
    (difference,) = [one for one in rows if one["measure"] == "difference"]
    assert (difference["group"], difference["versus group"]) == ("(not given)", "old")
