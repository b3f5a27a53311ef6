"""Fine-tuning through the command line, killed and asked for again."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.once("it is about training")

SAYINGS = {
    "Money": ["The budget was cut.", "Finance found savings.", "We overspent the budget."],
    "Staff": ["Nurses leave us.", "The rota is short.", "Agency nurses fill the rota."],
}


def _write_study(folder: Path) -> None:
    turns, codings = ["transcript,turn,speaker,text"], ["transcript,turn,start,end,code,coder"]
    for number in range(4):
        said = [(code, text) for code, texts in SAYINGS.items() for text in texts]
        for turn, (code, text) in enumerate(said):
            turns.append(f"t{number},{turn},P{number},{text}")
            codings.append(f"t{number},{turn},,,{code},asha")
    folder.mkdir()
    (folder / "transcripts.csv").write_text("\n".join(turns) + "\n")
    (folder / "codings.csv").write_text("\n".join(codings) + "\n")


def test_a_killed_training_of_the_best_tier_goes_on_and_publishes(
    home: Path, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    study = tmp_path / "study"
    _write_study(study)
    command = [str(Path(sys.executable).parent / "second-coder")]
    environment = {**os.environ, "SECOND_CODER_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    subprocess.run([*command, "import", "small", str(study)], env=environment, check=True)
    train = [*command, "train", "small", "--tier", "best", "--folds", "2", "--minutes", "0.05"]
    killed = subprocess.Popen(train, env=environment, stdout=subprocess.DEVNULL)
    kept = home / "checkpoints"
    eventually(lambda: [*kept.rglob("fold-0.safetensors")] or killed.poll() is not None)
    killed.kill()
    killed.wait()
    (first,) = kept.rglob("fold-0.safetensors")
    made = first.stat().st_mtime_ns
    again = subprocess.run(
        [*train, "--json"], env=environment, check=True, capture_output=True, text=True
    )
    assert not list(kept.iterdir())
    assert '"tier": "' in again.stdout
    assert made < (home / "models").stat().st_mtime_ns
