"""A small fictional study that trains in seconds, the sample study, and models of both."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from annotations.codebook import Code, Codebook
from annotations.codings import Coding, Reading
from annotations.study import Study
from annotations.transcripts import Transcript, Turn
from models.report import TrainReport
from training.options import TrainOptions
from training.train import train

SAYINGS = {
    "Work > Staffing": [
        "We never have enough nurses on the night shift.",
        "Two nursing posts have been vacant since the spring and nobody applies.",
        "I spend my mornings ringing the agency for staff to cover the shift.",
        "Half the nurses are off sick and the rota has holes in it.",
        "Staff leave faster than we can hire new nurses.",
        "There was one nurse for thirty beds on the late shift.",
        "The rota is short of staff before the week has begun.",
        "We cover one vacant shift by opening another.",
        "Agency nurses fill the rota and never come back.",
        "I lost four experienced staff nurses in a year.",
        "On Sunday the whole shift was agency staff.",
        "We are six nurses down and the posts are frozen.",
    ],
    "Work > Money": [
        "The budget was cut by a tenth again.",
        "Finance wants every invoice signed twice before it is paid.",
        "There is no money in the budget for new beds.",
        "We overspent the budget in March and had to explain it.",
        "They gave us a grant, and the money runs out in June.",
        "Savings targets come down from finance every quarter.",
        "I can spend fifty pounds without asking finance.",
        "The budget covers the heating and little else.",
        "Money for training was the first of the savings.",
        "We pay for the van out of another budget.",
        "Finance found savings that had already been spent.",
        "It costs money to save money, and we have none.",
    ],
    "Learning": [
        "I learned it by doing it, not from a course.",
        "The leadership programme taught me to listen.",
        "I learned by watching an experienced sister and copying her.",
        "Nobody trains you for the first difficult conversation.",
        "I read about it on a course and try it in the morning.",
        "A mentor taught me how to read the figures.",
        "You learn it from your own mistakes, mostly.",
        "The training course was two days of slides.",
        "My mentor asked questions until I learned to ask them.",
        "What I know I was taught by the porters.",
        "The programme was good, but I learned more from doing the job.",
        "They taught us a model on the course that I still use.",
    ],
}
SMALL_TALK = [
    "Yes, of course.",
    "Let me think about that for a moment.",
    "It was raining when I came in.",
    "My office is on the second floor.",
    "Well, that is how it was.",
    "Thank you for the coffee.",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A model and where it is."""

    report: TrainReport
    store: Path
    study: Study

    @property
    def folder(self) -> Path:
        return self.store / self.report.model_version


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    yield
    if before is None:
        del os.environ["HF_HUB_OFFLINE"]
    else:
        os.environ["HF_HUB_OFFLINE"] = before


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture(scope="session")
def small_study() -> Callable[..., Study]:
    """Makes a study: each transcript asks and answers in turn, two coders mostly agree."""

    def make(
        transcripts: int = 6,
        *,
        codes: Sequence[str] = tuple(SAYINGS),
        declared: Sequence[str] = (),
        assisted: Sequence[int] = (),
        coders: Sequence[str] = ("asha", "ben"),
    ) -> Study:
        sayings = {code: cycle(SAYINGS[code]) for code in codes}
        talk = cycle(SMALL_TALK)
        made, codings, readings = [], [], []
        for number in range(transcripts):
            name = f"interview {number}"
            turns: list[Turn] = []

            def say(
                speaker: str, text: str, code: str | None = None, name: str = name,
                turns: list[Turn] = turns, number: int = number,
            ) -> None:  # fmt: skip
                at = len(turns)
                turns.append(Turn(index=at, speaker=speaker, text=text))
                for coder in coders:
                    readings.append(
                        Reading(transcript=name, turn=at, coder=coder, assisted=number in assisted)
                    )
                    slip = coder == "ben" and at == 3
                    if code is not None and not slip:
                        codings.append(
                            Coding(
                                transcript=name,
                                turn=at,
                                start=0,
                                end=len(text),
                                code=code,
                                coder=coder,
                            )
                        )

            for code in codes:
                say("Interviewer", next(talk))
                say("Manager", next(sayings[code]), code)
                say("Manager", next(talk))
                say("Manager", next(sayings[code]), code)
            made.append(Transcript(name=name, turns=tuple(turns)))
        paths = [*codes, *declared]
        return Study(
            name="small",
            codebook=Codebook.of([Code(path=path) for path in paths], declared=bool(declared)),
            transcripts=tuple(made),
            codings=tuple(codings),
            readings=tuple(readings),
        )

    return make


@pytest.fixture(scope="session")
def small_model(
    small_study: Callable[..., Study], cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    store = tmp_path_factory.mktemp("store")
    study = small_study()
    report = train(study, options=TrainOptions(), store=store, cache=cache)
    return Trained(report=report, store=store, study=study)
