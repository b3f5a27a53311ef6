"""Code a large number of transcripts with a study's model into a folder of Parquet files."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annotations.errors import Problem, StateError
from service.documents import document
from service.house import House
from service.workflows.modelling import folder_of, model_in_use

# They load torch, which nobody should wait for who only asks for help.
if TYPE_CHECKING:
    from training.extend import CodedShard, Feed
    from training.parts_folder import PartsFolder

ENGINES = ("local", "ray")


@dataclass(frozen=True, kw_only=True, slots=True)
class Advance:
    """How far a run is: `share` of the input (0 to 1) is done, `before` of it by earlier runs.

    `transcripts` and `words` were coded by this one, in `seconds`.
    """

    share: float
    before: float
    transcripts: int
    words: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Extended:
    """What the folder holds. `coded` transcripts are of this run, the others of earlier ones.

    `words` are those of segments, `open_codes` those that the model may suggest; codings of the
    others are marked as not suggested. `problems` are the transcripts that could not be read.
    """

    study: str
    folder: Path
    model_version: str
    transcripts: int
    coded: int
    words: int
    codings: int
    open_codes: tuple[str, ...]
    shards: int
    seconds: float
    problems: tuple[Problem, ...]


def extend(
    house: House,
    study: str,
    paths: Sequence[Path],
    out: Path,
    *,
    engine: str = "local",
    workers: int | None = None,
    address: str | None = None,
    interviewers: Sequence[str] = (),
    shard_words: int | None = None,
    progress: Callable[[Advance], None] = lambda _advance: None,
) -> Extended:
    """Code the transcripts of files and folders; what `out` has of the same run stays.

    A run that is gone on with keeps its model, though the study may have another one by now.
    What cannot be read is told at the end, and the rest is coded. Raises StateError where the
    study has no model, where `out` holds another run or one that is still going on, or where
    nothing could be read.
    """
    if engine not in ENGINES:
        raise StateError(f"{engine!r} is no engine; choose {' or '.join(ENGINES)}.")
    if address is not None and engine != "ray":
        raise StateError("--address names a Ray cluster; give --engine ray with it.")
    from models.report import read_report
    from training.extend import SHARD_WORDS, Feed
    from training.parts_folder import PartsFolder, model_of_run

    in_use = model_in_use(house, study).version
    version = _model_to_go_on_with(house, study, model_of_run(out)) or in_use
    model = folder_of(house, version)

    words = shard_words or SHARD_WORDS
    about = {
        "model": version,
        "interviewers": sorted(set(interviewers)),
        "words of a shard": words,
    }
    begun = time.monotonic()
    with PartsFolder(out, about) as parts:
        feed = Feed(
            paths=tuple(path.absolute() for path in paths),
            interviewing=tuple(interviewers),
            shard_words=words,
            done=parts.done,
        )
        run = _Run(parts, progress, begun)
        run.take(_coded(engine, feed, model, workers, address))
        counted = parts.counted()
        if counted.transcripts == 0:
            parts.abandon()
            raise StateError(
                "No transcript could be read:\n" + "\n".join(map(str, run.problems[:20]))
            )
        found = Extended(
            study=study,
            folder=out,
            model_version=version,
            transcripts=counted.transcripts,
            coded=run.coded,
            words=counted.words,
            codings=counted.codings,
            open_codes=tuple(one.code for one in read_report(model).codes if one.gate == "open"),
            shards=counted.shards,
            seconds=time.monotonic() - begun,
            problems=tuple(run.problems),
        )
        parts.end(document(found))
    return found


def _model_to_go_on_with(house: House, study: str, begun: str | None) -> str | None:
    """The model that a run was begun with, if it is one of the study's."""
    with house.database.reading() as work:
        known = {record.version for record in work.models.list(study)}
    return begun if begun in known else None


def _coded(
    engine: str, feed: "Feed", model: Path, workers: int | None, address: str | None
) -> "Iterator[CodedShard]":
    if engine == "ray":
        from training.extend_ray import code_on_ray

        return code_on_ray(feed, model, workers, address)
    from training.extend import code_here

    return code_here(feed, model, workers)


class _Run:
    """Takes in coded shards as they come, in whatever order."""

    def __init__(
        self, parts: "PartsFolder", progress: Callable[[Advance], None], begun: float
    ) -> None:
        self._parts, self._progress, self._begun = parts, progress, begun
        self._share = self._before = 0.0
        self._words = 0
        self._seen: set[int] = set()
        self.coded = 0
        self.problems: list[Problem] = []

    def take(self, shards: "Iterator[CodedShard]") -> None:
        """Write each shard that is new; StateError where the input is not what it was."""
        done = self._parts.done
        for shard in shards:
            self.problems += shard.problems
            self._share += shard.share
            self._seen.add(shard.number)
            if shard.number in done:
                if shard.digest != done[shard.number]:
                    raise self._parts.changed()
                self._before += shard.share
            elif shard.names:
                self._parts.add(shard)
                self.coded += shard.names
                self._words += shard.words
            self._progress(
                Advance(
                    share=min(1.0, self._share),
                    before=self._before,
                    transcripts=self.coded,
                    words=self._words,
                    seconds=time.monotonic() - self._begun,
                )
            )
        if done.keys() - self._seen:
            raise self._parts.changed()
