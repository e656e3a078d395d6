"""Power cuts, modelled: every write of a real run of the spool, and any part of those not yet synced lost.

strace shows what the process asks of the kernel: writes, syncs, truncations. A disk keeps for certain what was written
before the last sync of a file, and of the rest whatever it likes, in pieces of a sector, in any order. So for moments
of chance such disks are made, and the spool is opened on each: what was acknowledged before the cut must be there,
unless an end had it already; what is there must be whole; nothing may be taken for damaged.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from probe.publish.spool import Spool

from .broker import needed

SECTOR: Final = 512
CUTS: Final = 3000 if os.environ.get("TRANSITPROOF_FAULTS") == "full" else 120
ROOT = Path(__file__).parents[2]
CALLS: Final = "openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,fallocate"
CUT, GROWN = -1, -2  # in the place of an offset: a length was set
_CALL: Final = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (\d+)")
_FILE: Final = re.compile(r"^\d+<([^>]*)>")


@dataclass
class Disk:
    """Files as they are after a crash."""

    synced: dict[str, bytearray] = field(default_factory=dict)
    loose: dict[str, list[tuple[int, bytes | int]]] = field(default_factory=lambda: defaultdict(list))
    """Per file: (offset, bytes) written, or (CUT or GROWN, length), since its last sync."""

    def apply(self, offset: int, what: bytes | int, into: bytearray) -> None:
        if isinstance(what, int):
            if offset == CUT:
                del into[what:]
            into.extend(bytes(max(0, what - len(into))))
            return
        into.extend(bytes(max(0, offset + len(what) - len(into))))
        into[offset : offset + len(what)] = what

    def sync(self, name: str) -> None:
        into = self.synced.setdefault(name, bytearray())
        for offset, what in self.loose.pop(name, []):
            self.apply(offset, what, into)

    def after_a_cut(self, chance: random.Random) -> dict[str, bytes]:
        """Of what was not synced each write is there, gone, or there in part."""
        files = {}
        kept = chance.random()
        for name in {*self.synced, *self.loose}:
            into = bytearray(self.synced.get(name, b""))
            for offset, what in self.loose.get(name, []):
                if isinstance(what, int):
                    if chance.random() < kept:
                        self.apply(offset, what, into)
                    continue
                for begin in range(0, len(what), SECTOR):
                    if chance.random() < kept:
                        self.apply(offset + begin, what[begin : begin + SECTOR], into)
            files[name] = bytes(into)
        return files


@dataclass
class Event:
    call: str
    name: str
    offset: int = 0
    data: bytes | int = b""


def _bytes(quoted: str) -> bytes:
    return bytes.fromhex(quoted.replace("\\x", ""))


def _parsed(trace: str, folder: Path) -> list[Event]:
    calls = (found.groups() for line in trace.splitlines() if (found := _CALL.match(line)))
    events = (_event(call, arguments, folder) for call, arguments, _ in calls)
    return [event for event in events if event is not None]


def _event(call: str, arguments: str, folder: Path) -> Event | None:
    file = _FILE.match(arguments)
    path = Path(_bytes(file[1]).decode()) if file else Path()
    quoted = re.search(r'"((?:\\x[0-9a-f]{2})*)"', arguments)
    data = _bytes(quoted[1]) if quoted else b""
    if call == "write" and arguments.startswith("1<"):
        return Event("told", "", data=data)
    if call in ("unlink", "unlinkat"):
        name = Path(data.decode())
        return Event("unlink", name.name) if name.parent == folder else None
    if path.parent != folder:
        return None
    numbers = [int(word) for word in re.findall(r", (\d+)", arguments)]
    match call:
        case "pwrite64":
            return Event("write", path.name, numbers[-1], data)
        case "fsync" | "fdatasync":
            return Event("sync", path.name)
        case "ftruncate":
            return Event("set", path.name, CUT, numbers[-1])
        case "fallocate":
            return Event("set", path.name, GROWN, numbers[-1] + numbers[-2])
        case "write":
            raise AssertionError(f"a write without an offset: {arguments[:100]}")
    return None


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    folder = tmp_path_factory.mktemp("traced")
    trace = folder.parent / "trace.txt"
    command = [needed("strace", "strace"), "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    command += [sys.executable, str(Path(__file__).with_name("traced.py")), str(folder / "mqtt.db")]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=100)
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.strip().splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    found = _parsed(trace.read_text(), folder)
    shutil.rmtree(folder)
    return found


def test_the_trace_shows_what_the_model_is_about(events: list[Event]) -> None:
    calls = {(event.call, event.name.rpartition(".")[2]) for event in events}
    assert {("write", "db-wal"), ("sync", "db-wal"), ("write", "db"), ("sync", "db")} <= calls
    assert sum(event.call == "told" for event in events) > 80


def test_no_power_cut_loses_what_was_acknowledged(events: list[Event], tmp_path: Path) -> None:
    chance = random.Random(25639)
    moments = sorted(chance.sample(range(len(events)), min(CUTS, len(events))))
    disk, acknowledged, sent, lost_something = Disk(), 0, set[int](), 0
    for index, event in enumerate(events):
        if moments and index == moments[0]:
            moments.pop(0)
            folder = tmp_path / str(index)
            folder.mkdir()
            for name, content in disk.after_a_cut(chance).items():
                (folder / name).write_bytes(content)
            there = _opened(folder / "mqtt.db")
            missing = set(range(acknowledged)) - there - sent
            assert not missing, f"cut before call {index}: {len(missing)} acknowledged reports are gone"
            lost_something += bool(disk.loose)
            shutil.rmtree(folder)
        match event.call:
            case "write":
                disk.loose[event.name].append((event.offset, event.data))
            case "set":
                disk.loose[event.name].append((event.offset, event.data))
            case "sync":
                disk.sync(event.name)
            case "unlink":  # at once: the worst for a journal
                disk.synced.pop(event.name, None)
                disk.loose.pop(event.name, None)
            case _:
                words = bytes(event.data).split() if isinstance(event.data, bytes) else []
                if words and words[0] == b"acknowledged":
                    acknowledged = int(words[1])
                elif words and words[0] == b"sent":
                    sent |= set(range(int(words[1]), int(words[2])))
    assert acknowledged > 2000
    assert lost_something > CUTS // 5, "the model had something to lose"


def _opened(path: Path) -> set[int]:
    said: list[str] = []
    spool = Spool(str(path), size=1 << 20, say=said.append)
    there = set()
    while (stored := spool.next()) is not None:
        there |= {int(item.split(b'"n":')[1].split(b",")[0]) for item in stored.items()}
        spool.sent(stored)
    assert spool.drops() == {}
    assert said == []
    spool.close()
    return there


def test_the_model_can_fail(events: list[Event], tmp_path: Path) -> None:
    """The same with syncs left out: then a cut does lose something, or the model would prove nothing."""
    chance = random.Random(1)
    disk, acknowledged, failures = Disk(), 0, 0
    for index, event in enumerate(events):
        if event.call in ("write", "set"):
            disk.loose[event.name].append((event.offset, event.data))
        elif event.call == "told" and bytes(event.data).startswith(b"acknowledged"):  # type: ignore[arg-type]
            acknowledged = int(bytes(event.data).split()[1])  # type: ignore[arg-type]
            if acknowledged > 500:
                break
            folder = tmp_path / str(index)
            folder.mkdir()
            for name, content in disk.after_a_cut(chance).items():
                (folder / name).write_bytes(content)
            try:
                failures += not set(range(acknowledged)) <= _opened(folder / "mqtt.db")
            except AssertionError:
                failures += 1
    assert failures
