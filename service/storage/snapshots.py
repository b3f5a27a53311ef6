"""A study's rows as records, out of one database and into another.

What belongs to a study is found by following foreign keys from its row, so that a table which
is added later is part of every backup without anybody remembering it.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    MetaData,
    Table,
    insert,
    select,
)
from sqlalchemy.orm import Session

from service.storage import lookup
from service.storage.studies import Studies
from service.storage.tables import StudyRow

Record = dict[str, Any]
"""A row as JSON: names of columns to values, moments as ISO 8601."""

NOT_KEPT = frozenset({"jobs"})
"""Tables that say what a service is doing, and nothing about a study."""

_ROOT = "studies"
_CHUNK = 1000


class Snapshots:
    """Takes a study out as records, and puts one in.

    `metadata` describes the tables, where they are not those of this version of the program.
    """

    def __init__(self, session: Session, metadata: MetaData = StudyRow.metadata) -> None:
        self._session, self._metadata = session, metadata

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that hold a study, each after those that it refers to."""
        return tuple(table.name for table in tables_of(self._metadata))

    def records(self, study: str, table: str, *, with_secrets: bool = False) -> Iterator[Record]:
        """The study's rows in one table, in order of their keys. Raises NotFound.

        Secrets come out empty unless asked for.
        """
        source = self._metadata.tables[table]
        hidden = () if with_secrets else _marked(source, "secret")
        query = (
            select(source)
            .where(_belongs(source, lookup.study_id(self._session, study)))
            .order_by(*source.primary_key.columns)
            .execution_options(yield_per=_CHUNK)
        )
        for row in self._session.execute(query):
            record = {name: _as_json(value) for name, value in row._mapping.items()}
            yield record | dict.fromkeys(hidden, "")

    def restore(self, name: str, records: Callable[[str], Iterable[Record]]) -> dict[str, int]:
        """Put in a study under this name; the number of rows by table.

        `records` gives those of one table. Keys are made anew, so the study may stand beside
        others; a secret that is empty becomes one that nobody knows. Raises InputError where
        the name cannot be used or is taken.
        """
        Studies(self._session).check_new(name)
        keys: dict[str, dict[int, int]] = {}
        counts: dict[str, int] = {}
        for table in tables_of(self._metadata):
            counts[table.name] = 0
            keys[table.name] = {}
            rest = iter(records(table.name))
            while some := list(islice(rest, _CHUNK)):
                rows = [_as_row(table, record, keys) for record in some]
                counts[table.name] += len(rows)
                if table.name == _ROOT:
                    rows = [{**row, "name": name} for row in rows]
                if "id" in table.c:
                    new = self._session.scalars(
                        insert(table).returning(table.c.id, sort_by_parameter_order=True), rows
                    )
                    before = [record["id"] for record in some]
                    keys[table.name].update(zip(before, new, strict=True))
                else:
                    self._session.execute(insert(table), rows)
        return counts


def tables_of(metadata: MetaData) -> tuple[Table, ...]:
    """The tables whose rows belong to one study, each after those that it refers to."""
    inside = {_ROOT}
    found = []
    for table in metadata.sorted_tables:
        if table.name in NOT_KEPT:
            continue
        if table.name == _ROOT or any(_target(key).name in inside for key in table.foreign_keys):
            inside.add(table.name)
            found.append(table)
    # A key of a code in JSON is no foreign key, and wants the codes first all the same.
    return tuple(sorted(found, key=lambda table: bool(_marked(table, "code_keys"))))


def _target(key: ForeignKey) -> Table:
    table = key.column.table
    assert isinstance(table, Table)  # noqa: S101 - what a foreign key refers to is one
    return table


def _belongs(table: Table, study: int) -> ColumnElement[bool]:
    """That a row of the table is the study's: by the first parent that it must have."""
    if table.name == _ROOT:
        return table.c.id == study
    column = next(one for one in table.columns if one.foreign_keys and not one.nullable)
    parent = next(iter(column.foreign_keys)).column
    if parent.table.name == _ROOT:
        return column == study
    above = _target(next(iter(column.foreign_keys)))
    return column.in_(select(parent).where(_belongs(above, study)))


def _marked(table: Table, mark: str) -> tuple[str, ...]:
    """The columns that carry a mark; a table read from an older database knows of none itself."""
    known = StudyRow.metadata.tables.get(table.name, table)
    return tuple(
        column.name
        for column in table.columns
        if column.name in known.c and known.c[column.name].info.get(mark)
    )


def _with_keys(value: Any, keys: Mapping[int, int]) -> Any:
    """JSON in which every whole number is a key, with the keys of here."""
    if isinstance(value, dict):
        return {name: _with_keys(one, keys) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_keys(one, keys) for one in value]
    return keys[value] if isinstance(value, int) and not isinstance(value, bool) else value


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _as_row(
    table: Table, record: Mapping[str, Any], keys: Mapping[str, Mapping[int, int]]
) -> Record:
    """A record with the keys that its parents have here, and without one of its own."""
    row: Record = {}
    for name, value in record.items():
        if name == "id":
            continue
        column = table.columns[name]
        if value is None:
            row[name] = None
        elif column.foreign_keys:
            row[name] = keys[_target(next(iter(column.foreign_keys))).name][value]
        elif _is_moment(column):
            row[name] = datetime.fromisoformat(value)
        elif value == "" and name in _marked(table, "secret"):
            row[name] = secrets.token_urlsafe(32)
        elif name in _marked(table, "code_keys"):
            row[name] = _with_keys(value, keys["codes"])
        else:
            row[name] = value
    return row


def _is_moment(column: Column[Any]) -> bool:
    return isinstance(getattr(column.type, "impl_instance", column.type), DateTime)
