"""Counters of an agent at two moments, a minute apart."""

from typing import Any

from probe.health import Counters, Interface

SECOND = 1_000_000_000


def counters(**changes: Any) -> Counters:
    totals = {
        "packets": 10,
        "bytes": 1000,
        "flows": 2,
        "by_class": {
            "tls": {"flows": 2, "packets": 9, "bytes": 900},
            "unknown": {"flows": 0, "packets": 0, "bytes": 0},
        },
        "malformed": {"truncated ip": 1},
        "limits": {},
        "other": {},
    }
    given: dict[str, Any] = {
        "time": 1_700_000_000 * SECOND,
        "elapsed": 10.0,
        "interfaces": (Interface("eth0", True, 12, 2, 1, 0),),
        "totals": totals,
        "limits": {"max_flows": 3},
        "open_flows": 5,
        "max_flows": 100,
        "memory": 50 << 20,
        "cpu": 1.0,
        "sink": {"put": 7},
        "events": {"reloads": 1},
    }
    return Counters(**given | changes)


BEFORE = counters()
LATER = counters(
    time=BEFORE.time + 60 * SECOND,
    elapsed=70.0,
    cpu=4.0,
    interfaces=(Interface("eth0", False, 1012, 5, 2, 0),),
    totals={**BEFORE.totals, "packets": 1010, "bytes": 61_000},
    limits={"max_flows": 3, "findings": 2},
)
