"""The tunnels of a report, one row each: peers, IKE, ESP, bytes, age, verdict.

A row says as much of IKE and ESP as the width allows, all rows the same.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Final

from probe.model import Finding, Severity, severity_rank
from probe.output.terminal import Style, clean, counted, size
from probe.tunnels import Esp, Ike, Tunnel, Tunnels

MAX_ROWS: Final = 40  # a screenful; JSON Lines has them all
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
Pair = frozenset[str]
_HEAD: Final = ("tunnel", "IKE", "ESP", "bytes", "age", "verdict")


def rows(tunnels: Tunnels, findings: Iterable[Finding], style: Style, colors: dict[Severity, str]) -> Iterator[str]:
    """The section; nothing if there are no tunnels."""
    if not tunnels:
        return
    worst = _worst(findings)
    shown = sorted(tunnels.values(), key=lambda tunnel: -sum(tunnel.bytes))[:MAX_ROWS]
    for detail in (2, 1, 0):
        cells = [_HEAD, *(_cells(tunnel, worst, style, detail) for tunnel in shown)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
        if 2 + sum(widths) + 2 * (len(widths) - 1) <= style.width:
            break
    for number, row in enumerate(cells):
        *front, verdict = (
            cell.rjust(width) if column in (3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        text = "  " + "  ".join(front) + "  "
        if number == 0:
            yield style.paint(f"{text}{verdict}".rstrip(), "dim")
        else:
            severity = worst.get(frozenset(shown[number - 1].peers))
            yield text + style.paint(verdict.rstrip(), "green" if severity is None else colors[severity])
    if len(tunnels) > MAX_ROWS:
        yield f"  … {counted(len(tunnels) - MAX_ROWS, 'more tunnel')}; --format jsonl lists every one."


def _worst(findings: Iterable[Finding]) -> dict[Pair, Severity]:
    """The worst finding against each pair of peers."""
    worst: dict[Pair, Severity] = {}
    for finding in findings:
        peers, _, _ = finding.endpoint.rpartition("/")
        pair = frozenset(peers.split("<->"))
        if finding.status in ("warn", "fail") and "<->" in peers:
            known = worst.get(pair)
            if known is None or severity_rank(finding.severity) > severity_rank(known):
                worst[pair] = finding.severity
    return worst


def _cells(tunnel: Tunnel, worst: dict[Pair, Severity], style: Style, detail: int) -> tuple[str, ...]:
    between = style.sign(" ↔ ", " <-> ")
    severity = worst.get(frozenset(tunnel.peers))
    return (
        clean(between.join(tunnel.peers)),
        _ike(tunnel.ike, detail),
        _esp(tunnel, detail),
        size(sum(tunnel.bytes)),
        age(tunnel.start, tunnel.end),
        severity or style.sign("✔", "ok"),
    )


def _ike(ike: Ike | None, detail: int) -> str:
    """A dash if none was seen: the capture began later, or the keys are set by hand."""
    if ike is None:
        return "-"
    version = f"v{ike.version}" + (f" {ike.mode}" if ike.mode and detail else "")
    if ike.authentication:
        return f"{version} {ike.authentication}"
    encr, group = ike.chosen.get("encr"), ike.chosen.get("ke")
    if encr is None or detail == 0:
        return version
    bits = f"-{ike.chosen['key_length']}" if "key_length" in ike.chosen else ""
    name = f"{version} {str(encr).removeprefix('ENCR_')}{bits}"
    return clean(f"{name} {'+'.join([str(group), *ike.chosen.get('additional_ke', [])])}" if detail > 1 else name)


_CIPHERS: Final = {"aead_or_counter": "aead?", "cbc_128": "cbc?", "cbc_64": "cbc-64?"}


def _esp(tunnel: Tunnel, detail: int) -> str:
    """A dash if none was seen. The cipher is a guess, and has a question mark."""
    esp = tunnel.protected
    if esp is None:
        return "-"
    word = "AH" if tunnel.esp is None else "ESP" if not esp.null_encryption else "ESP-NULL"
    parts = [word]
    if detail and esp.inferred_cipher:
        parts.append(_CIPHERS.get(esp.inferred_cipher, esp.inferred_cipher))
    if _one_way(esp):
        parts.append("one way")
    if detail > 1 and esp.rekeys:
        parts.append(counted(esp.rekeys, "rekey"))
    return " ".join(parts)


def _one_way(esp: Esp) -> bool:
    return min(esp.packets) == 0


def age(start: str, end: str) -> str:
    """From the first to the last packet seen."""
    try:
        seconds = (dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()
    except ValueError:
        return "?"
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
