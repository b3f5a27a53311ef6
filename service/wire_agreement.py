"""Reports on the wire: their models follow from the reports' own dataclasses."""

import inspect
from dataclasses import fields, is_dataclass
from functools import reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, create_model

from annotations.reliability.estimate import Estimate
from annotations.reliability.prevalence.report import PrevalenceReport
from annotations.reliability.report import ReliabilityReport
from service.wire_reports import EstimateOut


def model_of(kind: Any, known: dict[type, type[BaseModel]]) -> type[BaseModel]:
    """The model of a dataclass as `service.documents.document` writes it; `known` grows."""
    if kind not in known:
        members: dict[str, Any] = {
            item.name: (_type_of(item.type, known), ...) for item in fields(kind)
        }
        known[kind] = create_model(f"{kind.__name__}Out", __doc__=inspect.getdoc(kind), **members)
    return known[kind]


def _type_of(kind: Any, known: dict[type, type[BaseModel]]) -> Any:
    """NaN is written as null, a tuple as a list."""
    if is_dataclass(kind) and isinstance(kind, type):
        return model_of(kind, known)
    if kind is float:
        return float | None
    parts = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return reduce(or_, (_type_of(part, known) for part in parts))
    if get_origin(kind) is tuple:
        return GenericAlias(list, (_type_of(parts[0], known),))
    return kind


AgreementOut = model_of(ReliabilityReport, {Estimate: EstimateOut})
"""The whole report."""

PrevalenceOut = model_of(PrevalenceReport, {Estimate: EstimateOut})
"""The report on prevalence."""
