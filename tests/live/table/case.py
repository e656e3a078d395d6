"""What a row of the table is, and how its two programs are told."""

import shlex
from dataclasses import dataclass, field
from typing import Any, Final

from .papers import ALONE, NAME

# Not observable in TLS 1.3 without keys: said of each such session, never silence.
HIDDEN: Final = "certificate.chain/not_observable"
LEGACY: Final = "-cipher ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@dataclass(frozen=True)
class Case:
    """A server, a client, the facts that their session must be reported with, and the findings, all of them.

    `serve` and `call` are command lines with `{port}`, `{at}` (the server's address), `{papers}` (a folder), `{name}`,
    `{speak}` (a folder of small speakers), `{python}`, and
    `{config}`, the file that holds `config` with the same places filled in (`<port>` there, for braces mean much in such files).
    `calls` is the number of flows, the last of which has the facts. A finding is `check/reason` or `check/rule`; a fact that
    is None must be absent.
    """

    name: str
    serve: str
    call: str
    facts: dict[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    flow: dict[str, Any] = field(default_factory=dict)
    config: str = ""
    calls: int = 1
    udp: bool = False

    def command(self, line: str, **places: object) -> list[str]:
        return shlex.split(line.format(name=NAME, **places))


def served(paper: str = "good", options: str = "") -> str:
    """`openssl s_server` with this chain; it answers each line reversed."""
    chain = "" if paper in ALONE else f"-cert_chain {{papers}}/{paper}.above.pem"
    return f"openssl s_server -accept {{at}}:{{port}} -cert {{papers}}/{paper}.pem -key {{papers}}/{paper}.key {chain} {options}"


def called(options: str = "", name: str = "-servername {name}") -> str:
    return f"openssl s_client -connect {{at}}:{{port}} {name} -CAfile {{papers}}/root.pem {options}"


def openssl(
    name: str,
    facts: dict[str, Any],
    *findings: str,
    paper: str = "good",
    server: str = "",
    client: str = "",
    **more: Any,
) -> Case:
    """OpenSSL's programs at both ends."""
    return Case(name, served(paper, server), called(client), facts, findings, **more)


def tls13(**more: Any) -> dict[str, Any]:
    return {"version": "TLSv1.3", "suite": "TLS_AES_256_GCM_SHA384", "group": "x25519", "established": True, **more}


def tls12(suite: str = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", **more: Any) -> dict[str, Any]:
    return {"version": "TLSv1.2", "suite": suite, "group": "x25519", "established": True, **more}
