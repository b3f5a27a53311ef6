"""Codings made under one version of a codebook, read under another."""

from collections.abc import Iterable
from dataclasses import dataclass

from annotations.codebook_versions.history import CodebookHistory, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What a coding says under a version: each field holds numbers of codes.

    `codes` apply, exactly. Among `options` somebody has to choose, because the code was split.
    `retired` ones apply no more and stay in the record. `later` is where the version has
    nothing for it, since its code is younger.
    """

    codes: tuple[int, ...] = ()
    options: tuple[int, ...] = ()
    retired: tuple[int, ...] = ()
    later: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Codes that somebody chose for one coding under a version; none of them is a choice too.

    `assisted`: the model's proposal was in sight.
    """

    version: int
    codes: tuple[int, ...]
    assisted: bool = False


class CodebookMap:
    """Reads codings under one version of a codebook."""

    def __init__(self, history: CodebookHistory, to: int) -> None:
        self._history, self.to = history, history.version(to)
        self._known: dict[tuple[int, int], Fate] = {}

    def read(self, code: int, version: int, choices: Iterable[Choice] = ()) -> Fate:
        """The fate of a coding with `code`, made under `version`.

        The newest choice that is not younger than the version read under takes the place of
        the code.
        """
        made = [one for one in choices if one.version <= self.to.number]
        if not made:
            return self._of(code, version)
        newest = max(made, key=lambda one: one.version)
        fates = [self._of(one, newest.version) for one in newest.codes]
        return Fate(
            codes=_joined(one.codes for one in fates),
            options=_joined(one.options for one in fates),
            retired=_joined(one.retired for one in fates),
            later=_joined(one.later for one in fates),
        )

    def _of(self, code: int, version: int) -> Fate:
        key = (code, version)
        if key not in self._known:
            forward = version <= self.to.number
            self._known[key] = self._on(code, version) if forward else self._back(code, version)
        return self._known[key]

    def _on(self, code: int, version: int) -> Fate:
        found = {code: None}
        for later in self._history.between(version, self.to.number):
            for passage in later.passages:
                if passage.code in found:
                    del found[passage.code]
                    found |= dict.fromkeys(passage.into)
        states = {one: self._state(one) for one in found}
        live = tuple(one for one, state in states.items() if state is State.LIVE)
        if not live:
            return Fate(retired=tuple(found))
        return Fate(codes=live) if len(found) == 1 else Fate(options=live)

    def _back(self, code: int, version: int) -> Fate:
        number = code
        for later in reversed(list(self._history.between(self.to.number, version))):
            if number in self._history.version(later.number - 1).by_id:
                continue
            sources = [
                passage.code for passage in reversed(later.passages) if number in passage.into
            ]
            # A part of one split code was that code; what came of several cannot be told apart.
            if len(sources) != 1:
                return Fate(later=(code,))
            number = sources[0]
        state = self._state(number)
        if state is State.LIVE:
            return Fate(codes=(number,))
        return Fate(retired=(number,)) if state is State.RETIRED else Fate(later=(code,))

    def _state(self, code: int) -> State:
        found = self.to.by_id.get(code)
        return State.GONE if found is None else found.state


def mapping(history: CodebookHistory, start: int, end: int) -> dict[int, Fate]:
    """The fate under version `end` of codings with each code that was live under `start`."""
    read = CodebookMap(history, end)
    return {one.id: read.read(one.id, start) for one in history.version(start).live}


def _joined(parts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
