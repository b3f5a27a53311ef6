import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from annotations.errors import StateError
from service import sign_of_life
from service.sign_of_life import SignOfLife, check_workers


def test_a_worker_lives_as_long_as_all_of_its_parts_do(tmp_path: Path) -> None:
    with SignOfLife(tmp_path, "here:1:a", ("quick", "slow")) as life:
        check_workers(tmp_path, "here", 1)
        threading.Event().wait(1.1)
        life.sign("quick")()
        with pytest.raises(StateError, match="no sign of life for 1 second"):
            check_workers(tmp_path, "here", 1)
        life.sign("slow")()
        check_workers(tmp_path, "here", 1)
    life.sign("slow")()
    with pytest.raises(StateError, match="No worker"):
        check_workers(tmp_path, "here", 1)


def test_what_dead_workers_and_other_machines_left_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    dead, elsewhere = tmp_path / "workers" / "here:1:a", tmp_path / "workers" / "there:1:a"
    dead.touch()
    elsewhere.touch()
    with pytest.raises(StateError, match="second-coder worker"):
        check_workers(tmp_path, "here", 60)
    with SignOfLife(tmp_path, "here:1:b", ("quick",)):
        check_workers(tmp_path, "here", 60)
        assert not dead.exists()
    assert elsewhere.exists()


def test_a_worker_that_ends_while_it_is_looked_at_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held: Callable[[Path], bool] = sign_of_life._is_held

    def ends(file: Path) -> bool:
        held = is_held(file)
        if file.name.endswith(":ends"):
            file.unlink()
        return held

    monkeypatch.setattr(sign_of_life, "_is_held", ends)
    with SignOfLife(tmp_path, "here:1:ends", ("quick",)):
        with pytest.raises(StateError, match="No worker"):
            check_workers(tmp_path, "here", 60)
        with SignOfLife(tmp_path, "here:1:stays", ("quick",)):
            check_workers(tmp_path, "here", 60)
