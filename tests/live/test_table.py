"""Every session of the table is captured from real programs and judged: what must be said is said, and nothing else."""

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

import probe

from .table.case import Case
from .table.chains import CHAINS
from .table.papers import Papers
from .table.programs import GNUTLS, LIBRARIES, SERVERS
from .table.sessions import CLIENTS, ENDS, GROUPS, RESUMED, STAPLES, SUITES, VERSIONS
from .wire import SERVER, Wire, laid, needs_root, run, until

CASES: Final = (
    *VERSIONS,
    *SUITES,
    *GROUPS,
    *CLIENTS,
    *STAPLES,
    *ENDS,
    *RESUMED,
    *CHAINS,
    *GNUTLS,
    *SERVERS,
    *LIBRARIES,
)
PORTS: Final = {case.name: 20001 + index for index, case in enumerate(CASES)}
_PROGRAMS: Final = ("openssl", "tcpdump", "gnutls-serv", "gnutls-cli", "nginx", "haproxy", "stunnel", "curl")
_MISSING: Final = [program for program in _PROGRAMS if shutil.which(program) is None]
# Debian's configuration of OpenSSL forbids what many rows are about.
_ENVIRONMENT: Final = os.environ | {"OPENSSL_CONF": "/dev/null"}

pytestmark = [
    needs_root,
    pytest.mark.skipif(bool(_MISSING), reason=f"Debian packages missing for {', '.join(_MISSING)}"),
]

SPEAKERS: Final = Path(__file__).parents[1] / "pcaps" / "make" / "speakers"
Records = list[dict[str, Any]]


def _play(wire: Wire, case: Case) -> None:
    """Start the server, let the client have its session."""
    port = PORTS[case.name]
    places = {
        "at": SERVER,
        "port": str(port),
        "papers": str(wire.folder),
        "python": sys.executable,
        "speak": str(SPEAKERS),
    }
    config = case.config
    for place, text in places.items():
        config = config.replace(f"<{place}>", text)
    places["config"] = str(wire.folder / f"{case.name}.conf")
    Path(places["config"]).write_text(config)
    told = wire.folder / f"{case.name}.log"
    with told.open("wb") as log:
        server = wire.start(
            wire.server,
            *case.command(case.serve, **places),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_ENVIRONMENT,
        )
        until(lambda: wire.listens(port, udp=case.udp) or server.poll() is not None, f"{case.name}: a server on {port}")
        assert server.poll() is None, f"{case.name}: {told.read_text()}"
        command = ["ip", "netns", "exec", wire.client, "timeout", "10", *case.command(case.call, **places)]
        subprocess.run(command, input=b"ping\n", stdout=log, stderr=log, env=_ENVIRONMENT, timeout=20, check=False)


@pytest.fixture(scope="module")
def records() -> Iterator[dict[int, Records]]:
    """Flows and findings of each server's port, of one capture of all sessions."""
    with laid() as wire:
        papers = Papers(wire.folder, SERVER)
        run("openssl", "dhparam", "-out", str(papers.folder / "dh1024.pem"), "1024")
        capture = wire.folder / "table.pcap"
        tcpdump = wire.tcpdump(capture)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda case: _play(wire, case), CASES))
        wire.recorded(tcpdump)
        by_port: dict[int, Records] = defaultdict(list)
        for record in probe.replay(capture, trust=[papers.folder / "root.pem"]):
            if record["type"] == "flow":
                by_port[record["dst_port"]].append(record)
            elif record["type"] == "finding":
                by_port[int(record["endpoint"].rsplit(":", 1)[1].split("/")[0])].append(record)
        yield by_port


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 60
    assert len(PORTS) == len(CASES)


def _said(finding: dict[str, Any]) -> str:
    observed = finding["observed"]
    what = finding.get("rule") or observed.get("reason") or observed.get(finding["check"])
    return finding["check"] + (f"/{what}" if what else "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_row(case: Case, records: dict[int, Records]) -> None:
    mine = records[PORTS[case.name]]
    flows = [record for record in mine if record["type"] == "flow"]
    assert len(flows) == case.calls
    flow = flows[-1]
    facts = flow.get("tls", {})
    wanted = {"class": "tls", "protocol": "dtls" if case.udp else "tls", **case.flow}
    assert {key: flow.get(key) for key in wanted} == wanted
    assert {key: facts.get(key) for key in case.facts} == case.facts
    assert sorted(_said(record) for record in mine if record["type"] == "finding") == sorted(case.findings)
