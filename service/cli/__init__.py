"""The command line: each command parses, calls one workflow and presents its result."""

import sys

from annotations.errors import SecondCoderError
from service.cli.commands import app
from service.cli.present import fail


def main() -> None:
    """Run the command line: exit 0 done, 1 a problem to mend, 2 usage."""
    try:
        app()
    except SecondCoderError as error:
        fail(str(error))
        sys.exit(1)
