"""The command line: each command parses, calls one workflow and presents its result."""

import os
import sys

from annotations.errors import SecondCoderError
from service.cli.commands import app
from service.cli.present import fail


def main() -> None:
    """Run the command line: exit 0 done, 1 a problem to mend, 2 usage."""
    # Interviews are in nearly every file that is written: they are their owner's alone.
    os.umask(0o077)
    try:
        app()
    except SecondCoderError as error:
        fail(str(error))
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder without permission: it may happen wherever a file is touched.
        place = f"{error.filename}: " if error.filename else ""
        fail(
            f"{place}{error.strerror or error}. Check the permissions and the free space there, "
            "and run the command again."
        )
        sys.exit(1)
