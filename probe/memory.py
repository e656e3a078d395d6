"""Between the state folder and those who remember: core (DNS) and reporter (everything else)."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from probe import journal
from probe.journal import Journal
from probe.state import DNS, NAME, Folder, Saved, encode

if TYPE_CHECKING:
    from probe._parsers import Core
    from probe.dns_options import DnsOptions


class Memory:
    """Of one run; without a folder nothing outlasts it."""

    def __init__(self, folder: Folder | None, core: "Core", journal: Journal) -> None:
        self._folder, self._core, self._journal = folder, core, journal
        self.events: Counter[str] = Counter()
        """`state_saved`, `state_unsaved`."""

    def restore(self, dns: "DnsOptions") -> Saved:
        """What the run before saved; what of it was damaged is set aside and said. Raises OSError."""
        saved, state = self._folder.load() if self._folder is not None else (Saved(), None)
        self.watch_dns(dns, state)
        for what in self._folder.aside if self._folder is not None else ():
            self._journal.say(journal.WARNING, "state_damaged", f"{what}; set aside as .damaged, begun anew")
        return saved

    def watch_dns(self, options: "DnsOptions", state: bytes | None) -> None:
        """Look at DNS as these options say, from what is known already."""
        asked: dict[str, Any] = {"bytes_a_day": options.bytes_a_day, "servers": bool(options.resolvers)}
        try:
            self._core.watch_dns(**asked, state=state)
        except ValueError as error:
            if self._folder is not None:
                self._folder.set_aside(DNS, str(error))
            self._core.watch_dns(**asked)

    def save(self, saved: Saved, how: Callable[[Callable[[], None]], None]) -> None:
        """Make the bytes here, let `how` have them written."""
        folder = self._folder
        if folder is None:
            return
        files = {NAME: encode(saved), DNS: self._core.dns_state()}

        def save() -> None:
            try:
                for name, data in files.items():
                    folder.save(name, data)
                self.events["state_saved"] += 1
            except OSError as error:
                self.events["state_unsaved"] += 1
                self._journal.say(journal.ERROR, "state_unsaved", f"{error}; what was saved before stays")

        how(save)
