"""The collector's own state for Prometheus, at /metrics, with a token like the API."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector import queries
from collector.export.coverage import coverage
from collector.web import asking
from probe import __version__

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_OURS: Final = "transitproof_collector"


def gather(connection: Connection, now: float) -> dict[str, Any]:
    """What the store says."""
    return {
        "severity": queries.by_severity(connection),
        "classes": queries.protected(connection, now - queries.DAY, now),
        "coverage": coverage(connection, now),
    }


class Told(Collector):
    """One scrape: `found` as `gather` gives it, `counters` of this process."""

    def __init__(self, found: Mapping[str, Any], counters: Mapping[str, int]) -> None:
        self._found, self._counters = found, counters

    def collect(self) -> Iterator[Metric]:
        """The families."""
        found, covered = self._found, self._found["coverage"]
        yield _family(GaugeMetricFamily, "info", "Version of the collector.", "version", {__version__: 1})
        yield _family(GaugeMetricFamily, "findings_open", "Open findings.", "severity", found["severity"])
        for what in ("bytes", "flows"):
            rows = {name: row[what] for name, row in found["classes"].items()}
            yield _family(GaugeMetricFamily, f"last_day_{what}", f"{what.capitalize()} of 24 hours.", "class", rows)
        yield _family(GaugeMetricFamily, "probes", "Probes by how they are.", "state", covered["probes"])
        for name, told in (
            ("missed_envelopes", "Reports of probes that never came."),
            ("outstanding_envelopes", "Reports of probes that have not come yet."),
            ("lost_reports", "Reports that probes say they lost."),
            ("kept_aside", "Messages that were not understood, and are kept."),
        ):
            yield GaugeMetricFamily(f"{_OURS}_{name}", told, value=covered[name])
        yield _family(CounterMetricFamily, "events", "What this process did since its start.", "what", self._counters)


def _family(kind: Any, name: str, told: str, label: str, rows: Mapping[str, int]) -> Metric:  # noqa: ANN401
    made: Any = kind(f"{_OURS}_{name}", told, labels=[label])
    for value, count in rows.items():
        made.add_metric([value], count)
    family: Metric = made
    return family


async def _metrics(request: Request) -> Response:
    found = await asking.answer(request, gather, request.app.state.now())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told(found, request.app.state.counters()))
    return Response(generate_latest(registry), media_type=_TYPE)


ROUTES: Final = [Route("/metrics", _metrics)]
