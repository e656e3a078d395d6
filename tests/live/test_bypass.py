"""Long flows are counted in the kernel, and nothing in the reports shows it but that they cost less."""

from collections.abc import Iterator

import pytest

from .test_live import FLOOD, compared, serve
from .wire import INTERFACE, SERVER, Agent, Wire, bypass_permitted, laid, needs_root

pytestmark = needs_root

DOWNLOAD = """
import ssl, sys, time, urllib.request as u
context = ssl._create_unverified_context()
for url in sys.argv[1:]:
    with u.urlopen(url, context=context) as answer:
        while answer.read(1 << 20):
            time.sleep(0.01)
"""
"""Several looks long: with workers, flows are handed over between two of them."""
BULK = 64 << 20  # bytes of a download


@pytest.fixture
def wire() -> Iterator[Wire]:
    with laid() as wire:
        yield wire


def _agent(wire: Wire, *, bypass: bool, workers: int = 1, rights: str = "-all,+net_raw,+bpf") -> Agent:
    path = wire.folder / f"{bypass}-{workers}.toml"
    path.write_text(
        f'[capture]\ninterfaces = ["{INTERFACE}"]\nring = "128MiB"\nbypass = {str(bypass).lower()}\n'
        f"workers = {workers}\n"
        '[output]\nstdout = "records"\n[identity]\nid = "probe-1"\nec2 = "no"\n[health]\ninterval = "1s"\n'
    )
    path.chmod(0o644)
    agent = wire.agent("--config", str(path), rights=rights)
    agent.hears("READY=1")
    return agent


@pytest.mark.parametrize("workers", [1, 2])
def test_records_and_counts_are_the_same_with_and_without(wire: Wire, workers: int) -> None:
    if not bypass_permitted():
        pytest.skip("this kernel permits no bpf(2), not even to root")
    (wire.folder / "bulk").write_bytes(bytes(BULK))
    serve(wire)
    agents = [_agent(wire, bypass=True, workers=workers), _agent(wire, bypass=False)]
    assert agents[0].capabilities() == {"0" * 16}
    for _ in range(2):
        wire.talk("/usr/bin/python3", "-c", DOWNLOAD, f"https://{SERVER}:4433/bulk", f"http://{SERVER}:8080/bulk")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "20000", SERVER)
    with_it, without = (agent.stop() for agent in agents)
    ours, theirs = compared(with_it), compared(without)
    assert [text for text, _ in ours] == [text for text, _ in theirs]
    for (text, times), (_, others) in zip(ours, theirs, strict=True):
        # Each socket reads the clock for itself, and the kernel's packets have that of the filter.
        assert times == pytest.approx(others, abs=0.002), text
    for counter in ("packets", "bytes", "flows", "by_class", "findings", "drops", "malformed", "other"):
        assert with_it[-1][counter] == without[-1][counter], counter
    health = [record for record in with_it if record["type"] == "health"][-1]
    assert health["bypass"]["packets"] > 5000
    assert health["bypass"]["bytes"] > BULK, "of four downloads"
    assert health["interfaces"][0]["packets"] == with_it[-1]["packets"]
    assert [record for record in without if record["type"] == "health"][-1]["bypass"] is None


def test_without_the_right_every_packet_is_read_and_that_is_said(wire: Wire) -> None:
    agent = _agent(wire, bypass=True, rights="-all,+net_raw")
    assert "event=bypass_off" in agent.errors()
    wire.talk("/usr/bin/python3", "-c", FLOOD, "200", SERVER)
    records = agent.stop()
    assert records[-1]["packets"] >= 200
    assert [record for record in records if record["type"] == "health"][-1]["bypass"] is None
