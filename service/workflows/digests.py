"""Digests by which a report says what it was computed from."""

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import version as installed_version
from typing import Any

from annotations.codebook import Codebook
from annotations.reliability.methods import Versions
from annotations.study import Study


def versions_of(study: Study, model: str | None) -> Versions:
    """What a report on the study says of its origin."""
    return Versions(
        software=installed_version("second-coder"),
        model=model,
        codebook=_codebook_version(study.codebook),
        data=digest_of(lines_of(study)),
    )


def _codebook_version(codebook: Codebook) -> str:
    return digest_of(
        [code.path, code.definition, code.include, code.exclude, *code.examples]
        for code in codebook.codes
    )


def lines_of(study: Study) -> Iterable[list[Any]]:
    """A study's content, in an order that does not depend on when it came in."""
    for item in sorted(study.transcripts, key=lambda item: item.name):
        yield [item.name, *((turn.speaker, turn.text, turn.interviewer) for turn in item.turns)]
    yield from sorted(
        [one.transcript, one.turn, one.start, one.end, one.code, one.coder]
        for one in study.human_codings
    )
    yield from sorted(
        [one.transcript, one.turn, one.coder, one.assisted] for one in study.human_readings
    )


def digest_of(*parts: Iterable[Any]) -> str:
    """Of lists of what JSON can hold: the same content, the same twelve characters."""
    found = hashlib.sha256()
    for part in parts:
        for line in part:
            found.update(json.dumps(line).encode() + b"\n")
        found.update(b"\n")
    return found.hexdigest()[:12]
