"""Names of servers and domains that the workloads speak of; all of fixed shape, none of a real site."""

import random
from typing import Final

_WORDS = (
    "api mail cdn www static img login auth data sync edge node app web docs git ci db cache vpn portal shop news "
    "video map time update push metrics log store assets media files backup crm erp hr pay"
)
LABELS: Final = tuple(_WORDS.split())
SUFFIXES: Final = ("com", "net", "org", "io", "example", "co.uk", "de", "cloud")
SERVER_NAMES: Final = 100_000


def server_name(number: int) -> str:
    """Always of the same length, so that a recorded handshake can be given another name in place."""
    return f"h{number % SERVER_NAMES:05}.svc{number % 40:02}.bench.example"


def draw_server_name(rng: random.Random) -> str:
    """Any of SERVER_NAMES names."""
    return server_name(rng.randrange(SERVER_NAMES))


def draw_domain(rng: random.Random) -> str:
    """A host in some domain, such as `api1.cdn17.org`."""
    host = rng.choice(LABELS) + rng.choice(("", "1", "-eu", "-us"))
    return f"{host}.{rng.choice(LABELS)}{rng.randrange(900)}.{rng.choice(SUFFIXES)}"
