"""The models that are in memory: few, by version, loaded once however many ask."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from annotations.transcripts import Transcript
from service.house import House
from service.workflows.modelling import folder_of

if TYPE_CHECKING:
    from models.suggestions import SuggestionBatch


class Suggests(Protocol):
    """What a loaded model does."""

    def suggest(
        self, transcripts: Sequence[Transcript], *, all_codes: bool = False
    ) -> "SuggestionBatch":
        """Suggestions for transcripts."""


class LoadedModels:
    """Keeps the models that were used last.

    Loading and predicting take a lock of the version alone: who asks for another version, or
    for no model at all, does not wait. Both are slow: call from a thread that may wait.
    """

    def __init__(self, house: House, *, keep: int = 2) -> None:
        self._house, self._keep = house, keep
        self._held: OrderedDict[str, Suggests] = OrderedDict()
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._loads = 0

    def suggest(
        self, version: str, transcripts: Sequence[Transcript], *, all_codes: bool = False
    ) -> "SuggestionBatch":
        """Suggestions of one version; ArtifactError where its files are missing or damaged."""
        with self._guard:
            lock = self._locks.setdefault(version, threading.Lock())
        with lock:
            return self._model(version).suggest(transcripts, all_codes=all_codes)

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions in memory, the one used last at the end."""
        with self._guard:
            return tuple(self._held)

    @property
    def loads(self) -> int:
        """How many models were loaded since the start."""
        with self._guard:
            return self._loads

    def _model(self, version: str) -> Suggests:
        with self._guard:
            held = self._held.get(version)
            if held is not None:
                self._held.move_to_end(version)
                return held
        loaded = self._load(version)
        with self._guard:
            self._loads += 1
            self._held[version] = loaded
            while len(self._held) > self._keep:
                self._held.popitem(last=False)
        return loaded

    def _load(self, version: str) -> Suggests:
        folder = folder_of(self._house, version)
        from models.suggester import Suggester

        return Suggester.load(folder, encoder_cache=self._house.cache)
