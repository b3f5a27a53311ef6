"""A large number of transcripts is coded: the same whoever does the work, and after any death."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.codebook import Codebook
from annotations.errors import StateError
from annotations.formats.reading import read_paths
from service.house import House, open_house
from service.settings import read_settings
from service.workflows.bulk import Advance, Extended, extend
from service.workflows.modelling import folder_of, model_in_use, use_model
from service.workflows.training import train_study
from training.options import TrainOptions

pytestmark = pytest.mark.once("it reads the database for the model's version alone")

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "middle_managers"
WORDS = 1500


@pytest.fixture(scope="module")
def house(
    on_database: Callable[..., AbstractContextManager[str | None]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """A house in which `managers` is trained."""
    home = tmp_path_factory.mktemp("extending") / "home"
    with on_database(home, trained=True):
        house = open_house(read_settings(home=home))
        yield house
        house.database.close()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight transcripts in Parquet, and three files of which one cannot be read."""
    folder = tmp_path_factory.mktemp("corpus") / "in"
    folder.mkdir()
    material = read_paths([SAMPLE / "transcripts.csv"], known={}, codebook=Codebook(), coder=None)
    rows = [
        {
            "transcript": f"New {item.name}",
            "turn": turn.index,
            "speaker": turn.speaker,
            "text": turn.text,
            "trust": "Acute",
        }
        for item in material.transcripts[:8]
        for turn in item.turns
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "all.parquet")
    (folder / "one.txt").write_text("P: We are two nurses short on every shift.\n")
    (folder / "silent.txt").write_text("P: Mhm.\n")
    (folder / "broken.docx").write_bytes(b"PK nothing")
    return folder


@pytest.fixture(scope="module")
def undisturbed(house: House, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Extended:
    """What one process makes of the corpus."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    return extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)


def parts(folder: Path) -> dict[str, bytes]:
    """The Parquet files by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_each_transcript_is_coded_once_as_the_model_itself_codes_it(
    house: House, corpus: Path, undisturbed: Extended
) -> None:
    from models.suggester import Suggester

    assert (undisturbed.transcripts, undisturbed.coded) == (10, 10)
    assert [problem.file for problem in undisturbed.problems] == [str(corpus / "broken.docx")]
    told = pq.read_table(undisturbed.folder / "transcripts").to_pylist()
    assert len({row["transcript"] for row in told}) == len(told) == 10
    assert {row["transcript"]: dict(row["attributes"]) for row in told}["New W1-01 Acute clinical"]
    table = pq.read_table(undisturbed.folder / "codings")
    assert table.num_rows == undisturbed.codings > 0
    model = folder_of(house, model_in_use(house, "managers").version)
    material = read_paths([corpus / "one.txt"], known={}, codebook=Codebook(), coder=None)
    own = [
        (one.transcript, one.turn, one.start, one.end, code)
        for one in Suggester.load(model).decisions(material.transcripts)
        for code in one.codes
    ]
    assert own == [
        (row["transcript"], row["turn"], row["start"], row["end"], row["code"])
        for row in table.to_pylist()
        if row["transcript"] == "one"
    ]


def test_two_processes_make_the_same_and_one_that_is_killed_changes_nothing(
    house: House, corpus: Path, undisturbed: Extended, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(_advance: Advance) -> None:
        import multiprocessing

        children = multiprocessing.active_children()
        if not killed and children and children[0].pid is not None:
            killed.append(children[0].pid)
            os.kill(children[0].pid, signal.SIGKILL)

    found = extend(
        house,
        "managers",
        [corpus],
        tmp_path / "out",
        workers=2,
        shard_words=WORDS,
        progress=kill_one,
    )
    assert killed
    assert found.transcripts == 10
    assert parts(tmp_path / "out") == parts(undisturbed.folder)


def test_a_run_that_was_killed_goes_on_where_it_was(
    house: House, corpus: Path, undisturbed: Extended, tmp_path: Path, eventually: Callable
) -> None:
    out = tmp_path / "out"
    script = (
        "import sys; from pathlib import Path; from service.house import open_house;"
        "from service.settings import read_settings;"
        "from service.workflows.bulk import extend;"
        "extend(open_house(read_settings(home=Path(sys.argv[1]))), 'managers',"
        " [Path(sys.argv[2])], Path(sys.argv[3]), workers=1, shard_words=int(sys.argv[4]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(house.home), str(corpus), str(out), str(WORDS)]
    )
    eventually(lambda: list(out.glob("codings/part-*")), "nothing was coded")
    with pytest.raises(StateError, match="Another run is writing"):
        extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)
    process.kill()
    process.wait()
    # As if it had died between a shard's two files, and in the middle of a third.
    last = max(parts(out), default="")
    assert last
    (out / "transcripts" / "part-00000.parquet").unlink(missing_ok=True)
    (out / "codings" / ".draft-half").write_bytes(b"PAR1")
    before = len(list(out.glob("transcripts/part-*")))
    found = extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)
    assert found.transcripts == 10
    assert found.coded <= 10
    assert before == 0 or found.coded < 10
    assert parts(out) == parts(undisturbed.folder)
    assert not list(out.rglob(".draft-*"))
    again = extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)
    assert (again.transcripts, again.coded) == (10, 0)


def test_a_part_that_was_lost_is_coded_again_and_the_model_of_the_run_is_kept(
    house: House, corpus: Path, undisturbed: Extended, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed.folder, out)
    (out / "codings" / "part-00001.parquet").unlink()
    other = TrainOptions(tier="fast", seed=99)
    train_study(house, "managers", options=other)
    try:
        assert model_in_use(house, "managers").version != undisturbed.model_version
        found = extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)
    finally:
        use_model(house, "managers", undisturbed.model_version)
    assert found.model_version == undisturbed.model_version
    assert found.coded > 0
    assert parts(out) == parts(undisturbed.folder)
    damaged = out / "codings" / "part-00001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:40])
    with pytest.raises(StateError, match="is damaged"):
        extend(house, "managers", [corpus], out, workers=1, shard_words=WORDS)


def test_a_folder_holds_one_run_and_says_so(
    house: House, corpus: Path, undisturbed: Extended, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed.folder, out)

    def again(*paths: Path, **options: object) -> Extended:
        return extend(house, "managers", paths, out, **{"shard_words": WORDS, **options})

    with pytest.raises(StateError, match="words of a shard was"):
        again(corpus, shard_words=7)
    with pytest.raises(StateError, match="other transcripts than these"):
        again(corpus / "one.txt", workers=1)
    with pytest.raises(StateError, match="'gpu' is no engine"):
        again(corpus, engine="gpu")
    with pytest.raises(StateError, match="holds other files"):
        extend(house, "managers", [corpus], corpus)
    with pytest.raises(StateError, match="No transcript could be read"):
        extend(house, "managers", [corpus / "broken.docx"], tmp_path / "none", workers=1)
    assert not (tmp_path / "none").exists()
    assert parts(out) == parts(undisturbed.folder)


# Ray warns of settings of its own, and leaves sockets to be closed by the end of the process.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ray_makes_the_same_though_one_of_its_workers_is_killed(
    house: House, corpus: Path, tmp_path: Path, eventually: Callable
) -> None:
    pytest.importorskip("ray")
    out, killed, begun = tmp_path / "out", [], time.time()
    # Long enough to be killed half-way: every transcript four times, by other names.
    rows = pq.read_table(corpus / "all.parquet").to_pylist()
    named = [{**row, "transcript": f"{at} {row['transcript']}"} for at in range(4) for row in rows]
    pq.write_table(pa.Table.from_pylist(named), tmp_path / "all.parquet")

    def kill() -> None:
        eventually(lambda: list(out.glob("codings/part-*")), "nothing was coded")
        # They are no children of ours: Ray starts them from a process of its own.
        for one in psutil.process_iter(["cmdline", "create_time"]):
            mine = one.info["create_time"] > begun
            named = (one.info["cmdline"] or [""])[0].startswith("ray::MapWorker")
            if not killed and mine and named:
                one.kill()
                killed.append(len(list(out.glob("codings/part-*"))))

    def coded(folder: Path, **how: Any) -> Extended:
        paths = [tmp_path / "all.parquet", corpus / "broken.docx"]
        return extend(house, "managers", paths, folder, shard_words=WORDS, **how)

    killer = Thread(target=kill)
    killer.start()
    found = coded(out, engine="ray", workers=2)
    killer.join()
    assert killed, "no worker was there to be killed"
    assert found.transcripts == 32
    assert [Path(str(one.file)).name for one in found.problems] == ["broken.docx"]
    assert 0 < killed[0] < len(list(out.glob("codings/part-*")))
    coded(tmp_path / "undisturbed", workers=1)
    assert parts(out) == parts(tmp_path / "undisturbed")
