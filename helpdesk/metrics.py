"""Figures for Prometheus: what this process did, and how the house stands. No personal data, no unbounded labels.

Counters belong to the process that counts. Everything else is asked of the database when somebody scrapes, by
statements that read small partial indexes: the cost grows with what waits, never with what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.orm import Session

PROCESS = CollectorRegistry()
ProcessCollector(registry=PROCESS)
PlatformCollector(registry=PROCESS)
GCCollector(registry=PROCESS)

PASSES = Counter("helpdesk_worker_passes", "Passes of the worker in this process", registry=PROCESS)
LOOKS = Counter(
    "helpdesk_looks", "Tickets and outages looked at by this process because they were due", registry=PROCESS
)
SENDS = Counter("helpdesk_sends", "Deliveries this process took in hand", registry=PROCESS)


def count_pass(*, looks: int, sends: int) -> None:
    """One pass of the worker is over."""
    PASSES.inc()
    LOOKS.inc(looks)
    SENDS.inc(sends)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the house stands. Ages in seconds; None = nothing waits, or nobody ever worked."""

    deliveries: dict[str, int]  #: by state, of those that still need the worker
    oldest_delivery: float | None  #: how long the one that is due longest has waited
    oldest_look: float | None
    live_lag: float  #: age of the oldest writing transaction: live streams stand still below it
    heartbeat: float | None  #: since the last pass of whichever worker beat last
    workers: int  #: that beat within the last minute
    alarms: dict[str, int]  #: unconfirmed, by kind


STATES = ("pending", "sending", "uncertain")
#: rows with nothing left to do for the worker are not in the partial index, and not counted
DELIVERIES = text("""
    SELECT state, count(*) AS number, extract(epoch FROM helpdesk_now() - min(due_at)) AS age FROM delivery
    WHERE state IN ('pending', 'sending', 'uncertain') AND due_at IS NOT NULL GROUP BY state
""")
PULSE = text("""
    SELECT (SELECT extract(epoch FROM helpdesk_now() - min(due_at)) FROM due) AS look,
        (SELECT extract(epoch FROM clock_timestamp() - min(xact_start)) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()) AS lag,
        (SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) FROM heartbeat) AS heartbeat,
        (SELECT count(*) FROM heartbeat WHERE beat_at > clock_timestamp() - interval '1 minute') AS workers
""")
ALARMS = text("SELECT kind, count(*) AS number FROM alarm WHERE confirmed_at IS NULL GROUP BY kind ORDER BY kind")


def standing(session: Session) -> Standing:
    """Three statements."""
    waiting = session.execute(DELIVERIES).all()
    pulse = session.execute(PULSE).one()
    counts = {row.state: row.number for row in waiting}
    return Standing(
        deliveries={state: counts.get(state, 0) for state in STATES},
        oldest_delivery=_waited(max((row.age for row in waiting), default=None)),
        oldest_look=_waited(pulse.look),
        live_lag=_waited(pulse.lag) or 0.0,
        heartbeat=_waited(pulse.heartbeat),
        workers=pulse.workers,
        alarms={row.kind: row.number for row in session.execute(ALARMS)},
    )


def _waited(age: float | None) -> float | None:
    """What is due later has not waited yet."""
    return None if age is None else max(0.0, float(age))


def exposition(now: Standing | None) -> bytes:
    """Text for Prometheus. Without a standing, the database is away; that is a figure too."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(now))
    return generate_latest(PROCESS) + generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, now: Standing | None) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        yield _gauge("helpdesk_database_up", "Whether the database answered this scrape", float(self._now is not None))
        if self._now is not None:
            yield from _figures(self._now)


def _figures(now: Standing) -> Iterator[Metric]:
    yield _labelled("helpdesk_deliveries", "Deliveries that still need the worker", "state", now.deliveries)
    yield _labelled("helpdesk_alarms", "Alarms nobody has confirmed", "kind", now.alarms)
    yield _gauge(
        "helpdesk_oldest_delivery_seconds", "Longest wait of a delivery that is due", now.oldest_delivery or 0.0
    )
    yield _gauge("helpdesk_oldest_look_seconds", "Longest wait of a look that is due", now.oldest_look or 0.0)
    yield _gauge("helpdesk_live_lag_seconds", "Age of the oldest writing transaction", now.live_lag)
    yield _gauge("helpdesk_workers", "Workers that beat within the last minute", float(now.workers))
    if now.heartbeat is not None:
        yield _gauge("helpdesk_heartbeat_age_seconds", "Since the last pass of any worker", now.heartbeat)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
