"""The sink of the agent (probe.sink) that publishes: reports into a spool for each end, and a sender behind each.

`put` takes a report, `flush` puts on the disk what was taken. Acknowledged, and so never lost by a crash, is what was
put before a `flush` after which `counters()["pending"]` is 0: the only other case is a disk that takes nothing.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from probe.hash_key import read as read_key
from probe.publish.end import End, Say
from probe.publish.envelope import KINDS, Probe
from probe.publish.redact import Redactor
from probe.publish.sender import Sender
from probe.publish.settings import ENDS, File, Http, Mqtt, Settings, SettingsError, Syslog
from probe.publish.signing import Signer, SigningError
from probe.publish.spool import Spool
from probe.publish.writer import Writer

CLOSING: Final = 10.0  # seconds for what waits, at the end: a third of the unit's TimeoutStopSec
OCSF_GROWTH: Final = 3  # an event is at most so many times as long as its record
STATE: Final = "state"


class Outlet:
    """An end, the spool in front of it and the sender between."""

    def __init__(self, name: str, settings: Settings, writer: Writer, boot_id: str | None, say: Say) -> None:
        """Opens the spool. Raises SettingsError and SpoolError."""
        self.name = name
        section = getattr(settings, name)
        payload = int(getattr(section, "max_payload", 0)) or None
        growth = OCSF_GROWTH if name == "mqtt" and section.form == "ocsf" else 1
        path = Path(settings.spool.directory.resolve()) / f"{name}.db"
        limits = {} if payload is None else {"payload": payload // growth}
        self.spool = Spool(str(path), size=settings.spool.size, boot_id=boot_id, say=say, **limits)
        writer.drops = self.spool.drops
        self.end = _end(section, writer, self.spool.boot_id)
        self.sender = Sender(self.spool, self.end, say)


class Published:
    """All ends that the settings name."""

    def __init__(
        self,
        settings: Settings,
        say: Say,
        *,
        boot_id: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the spools. `boot_id`: of this start, in envelopes as in reports; each spool makes its own without.

        Raises SettingsError and SpoolError.
        """
        self._settings, self._clock = settings, clock
        self._redactor = _redactor(settings)
        self._kinds = frozenset(settings.publish.kinds)
        self._not_chosen: Counter[str] = Counter()
        signer = _signer(settings)
        probe = Probe(settings.probe, settings.identity.site)
        self.outlets: list[Outlet] = []
        try:
            for name in ENDS:
                section = getattr(settings, name)
                if section is not None:
                    writer = Writer(probe, section.form, signer=signer)
                    self.outlets.append(Outlet(name, settings, writer, boot_id, say))
        except BaseException:
            for outlet in self.outlets:
                outlet.spool.close()
            raise

    def start(self) -> None:
        """Begin to send: threads and sockets."""
        for outlet in self.outlets:
            outlet.sender.start()

    def put(self, kind: str, item: bytes) -> None:
        """Take a report. A state is shown and not kept; a kind that is not published is passed over."""
        if kind != STATE and kind not in self._kinds:
            self._not_chosen[kind] += 1
            return
        if self._redactor is not None:
            item = self._redactor.item(item)
        for outlet in self.outlets:
            if kind == STATE:
                outlet.end.state(item)
            else:
                outlet.spool.add(kind, item)

    def flush(self) -> None:
        """On the disk, if that takes it."""
        for outlet in self.outlets:
            outlet.spool.commit()

    def drain(self, seconds: float | None, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Wait until everything is at the ends. False if time ran out, a sender ended, or `stopped` says so."""
        until = None if seconds is None else self._clock() + seconds
        while any(outlet.spool.waiting() for outlet in self.outlets):
            if stopped() or not all(outlet.sender.alive() for outlet in self.outlets):
                return False
            if until is not None and self._clock() >= until:
                return False
            time.sleep(0.01)
        return True

    def close(self, seconds: float = CLOSING) -> None:
        """Hand over what an end takes within seconds; the rest stays in the spool for the next start."""
        self.flush()
        if all(outlet.sender.up for outlet in self.outlets):
            self.drain(seconds)
        for outlet in self.outlets:
            if outlet.sender.stop(seconds) and not outlet.spool.waiting():
                outlet.spool.forget()
            outlet.spool.close()

    def counters(self) -> dict[str, int]:
        """`mqtt_sent` and so on: what the spool of each end counts, and waiting (envelopes), up, reconnects."""
        counters: dict[str, int] = {}
        for outlet in self.outlets:
            each = outlet.spool.counters()
            each |= {"waiting": outlet.spool.waiting(), "up": int(outlet.sender.up)}
            each["reconnects"] = outlet.sender.reconnects
            counters |= {f"{outlet.name}_{name}": count for name, count in each.items()}
        return counters


def check(settings: Settings) -> None:
    """Read the keys and certificates that are named, and see whether a spool could be made. Raises SettingsError."""
    _redactor(settings)
    _signer(settings)
    sections = [section for name in ENDS if (section := getattr(settings, name)) is not None]
    for section in sections:
        _end(section, Writer(Probe(settings.probe, settings.identity.site), section.form), "")
    place = Path(settings.spool.directory.resolve())
    there = next(path for path in (place, *place.parents) if os.access(path, os.F_OK))
    if sections and not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise SettingsError(f"spool.directory: {there}: cannot be written to")


def kind_of(type_: str) -> str | None:
    """Where a record of this type belongs; None for one that is not published."""
    return type_ if type_ in KINDS or type_ == STATE else None


def _end(section: object, writer: Writer, boot_id: str) -> End:
    """Loaded when wanted: each end has libraries of its own."""
    match section:
        case Mqtt():
            from probe.publish.mqtt import MqttEnd

            return MqttEnd(section, writer, boot_id)
        case Http():
            from probe.publish.http import HttpEnd

            return HttpEnd(section, writer)
        case Syslog():
            from probe.publish.syslog import SyslogEnd

            return SyslogEnd(section, writer)
        case File():
            from probe.publish.file import FileEnd

            return FileEnd(section, writer)
    from probe.publish.file import StdoutEnd

    return StdoutEnd(writer)


def _redactor(settings: Settings) -> Redactor | None:
    publish = settings.publish
    if not publish.redact or publish.redact_key is None:
        return None
    try:
        return Redactor(read_key(publish.redact_key.resolve()), publish.redact)
    except ValueError as error:
        raise SettingsError(f"publish.redact_key: {error}") from None


def _signer(settings: Settings) -> Signer | None:
    if settings.publish.signing_key is None:
        return None
    try:
        return Signer.load(settings.publish.signing_key.resolve())
    except SigningError as error:
        raise SettingsError(f"publish.signing_key: {error}") from None
    except ValueError as error:
        raise SettingsError(str(error)) from None
