"""SQLite's write-ahead log, switched on for a file that several processes may open at once."""

import sqlite3
import time

_PAUSE_SECONDS = 0.02


def keep_a_log(connection: sqlite3.Connection, *, wait_seconds: float) -> None:
    """Let readers and a writer of the file work side by side from now on.

    While another process switches the same new file, SQLite refuses at once, whatever timeout
    the connection has: so this waits itself. Raises sqlite3.OperationalError after
    `wait_seconds`.
    """
    until = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return
