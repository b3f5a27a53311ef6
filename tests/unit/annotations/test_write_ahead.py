import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from annotations.write_ahead import keep_a_log


def test_a_file_that_another_holds_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with (
        closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other,
        closing(sqlite3.connect(file, timeout=0)) as mine,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            keep_a_log(mine, wait_seconds=0.1)
        release = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
        release.start()
        keep_a_log(mine, wait_seconds=30)
        release.join()
        assert mine.execute("PRAGMA journal_mode").fetchone() == ("wal",)
