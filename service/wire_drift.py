"""The drift report on the wire: its models follow from the report's own dataclasses."""

from annotations.reliability.drift.outcome import DriftReport
from annotations.reliability.estimate import Estimate
from service.wire_agreement import model_of
from service.wire_reports import EstimateOut

DriftOut = model_of(DriftReport, {Estimate: EstimateOut})
"""The whole report."""
