"""What Prometheus may know of the service: numbers by kind, no study, no text, no address."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from service.house import House
from service.models_loaded import LoadedModels

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The figures of one service process; those of the database are the same in all."""

    def __init__(self, house: House, models: LoadedModels) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "second_coder_request_seconds",
            "Time to answer, by the route's pattern, method and class of status.",
            ["route", "method", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._registry.register(_State(house, models))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note a request. `route` is a pattern, never an address: addresses name studies."""
        self._requests.labels(route, method, f"{status // 100}xx").observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _State:
    """Read from the database when somebody asks."""

    def __init__(self, house: House, models: LoadedModels) -> None:
        self._house, self._models = house, models

    def collect(self) -> Iterator[Metric]:
        """Jobs by kind and state, transcripts looked at, models loaded."""
        with self._house.database.reading() as work:
            jobs, looks = work.jobs.counts(), work.suggestions.counts()
        waiting = GaugeMetricFamily(
            "second_coder_jobs", "Jobs by kind and state.", labels=["kind", "state"]
        )
        for one in jobs:
            waiting.add_metric([one.kind, one.state], one.number)
        yield waiting
        suggested = GaugeMetricFamily(
            "second_coder_suggestions",
            "Suggestions kept, by whether coders see them.",
            labels=["shown"],
        )
        suggested.add_metric(["yes"], looks.shown)
        suggested.add_metric(["no"], looks.withheld)
        yield suggested
        loads = CounterMetricFamily(
            "second_coder_model_loads", "Models that this process read into memory."
        )
        loads.add_metric([], self._models.loads)
        yield loads

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: registering must not ask the database."""
        return iter(())
