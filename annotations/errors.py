"""The one hierarchy of errors that a user may meet.

The command line maps them to exit code 1 and the service to an HTTP status, each in one place.
A message says what was given, what was expected, and what to do next.
"""

import shlex
from dataclasses import dataclass


def command(*words: str) -> str:
    """A command to type, as a message names it: the shell takes each word as one."""
    return shlex.join(("second-coder", *words))


class SecondCoderError(Exception):
    """A problem in the input or the state that the user can mend."""


class NotFound(SecondCoderError):
    """Something was named that does not exist."""


class StateError(SecondCoderError):
    """The study is not in the state that the request needs."""


class NothingCoded(StateError):
    """Nothing is coded in the study that could be counted or compared yet."""


class SettingsError(SecondCoderError):
    """A setting is missing or wrong."""


class ArtifactError(SecondCoderError):
    """A model's files are missing, damaged or not what they claim to be."""


class ExternalError(SecondCoderError):
    """Another system (Label Studio, the database) refused or could not be reached."""


class DatabaseRefused(ExternalError):
    """The database refused or could not be reached; the message tells where it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong with one place in the input.

    `line` counts from 1 and is None where the file has no lines (JSON, or the file as a whole).
    """

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.message}"


class InputError(SecondCoderError):
    """The input was refused as a whole; nothing of it was kept."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("an InputError names at least one problem")
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
