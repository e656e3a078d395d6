"""Encrypted Client Hello to its end: a real client (libcurl with BoringSSL), a server that takes the hidden hello, and
what is said of it with and without their keys."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import trustme
from captures import roots
from hello_server import PUBLIC_NAME, SERVER, EchServer, Flights
from sessions import write

from probe.engine import Engine
from probe.replay import Replay

HIDDEN: Final = "hidden.example"
_CLIENT: Final = """
import sys
from curl_cffi import Curl, CurlError, CurlOpt
port, root, ech = sys.argv[1:]
curl = Curl()
curl.setopt(CurlOpt.URL, f"https://hidden.example:{port}/".encode())
curl.setopt(CurlOpt.RESOLVE, [f"hidden.example:{port}:127.0.0.1"])
curl.setopt(CurlOpt.CAINFO, root.encode())
curl.setopt(CurlOpt.TIMEOUT, 20)
curl.setopt(CurlOpt.ECH, ech.encode())
try:
    curl.perform()
except CurlError as error:  # the server says nothing after its handshake
    print(error.code)
"""


class Spoken(NamedTuple):
    """A session, who served it, and what the client wrote into its key log."""

    server: EchServer
    flights: Flights
    keys: str
    folder: Path
    code: int
    """libcurl's."""


def _speak(folder: Path, *, accepts: bool = True, ech: str | None = None, name: str = HIDDEN) -> Spoken:
    """`ech`: another option than the server's own configuration; `name`: whom the server's certificate is for."""
    authority = trustme.CA()
    leaf = authority.issue_cert(name, key_type=trustme.KeyType.ECDSA)
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "chain.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    log = folder / "client.keys"
    with EchServer(folder / "chain.pem", folder / "key.pem", accepts=accepts) as server:
        option = ech or "ecl:" + base64.b64encode(server.config_list).decode()
        done = subprocess.run(
            [sys.executable, "-c", _CLIENT, str(server.port), str(folder / "root.pem"), option],
            env={**os.environ, "SSLKEYLOGFILE": str(log)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return Spoken(server, server.flights, log.read_text() if log.exists() else "", folder, int(done.stdout or 0))


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    spoken = _speak(tmp_path_factory.mktemp("accepted"))
    assert spoken.server.finished
    return spoken


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    spoken = _speak(tmp_path_factory.mktemp("refused"), accepts=False, name=PUBLIC_NAME)
    assert spoken.code != 0
    return spoken


def _records(spoken: Spoken, keys: str | None, flights: Flights | None = None) -> list[dict[str, Any]]:
    capture, log = spoken.folder / "x.pcap", spoken.folder / "given.keys"
    write(capture, [flights or spoken.flights])
    log.write_text(keys or "")
    store = roots((str(spoken.folder / "root.pem"),))
    run = Replay([str(capture)], Engine((), store, passes=True), key_logs=[] if keys is None else [str(log)])
    return [json.loads(line) for chunk in run.chunks() for line in chunk.splitlines()]


def _tls(records: list[dict[str, Any]]) -> dict[str, Any]:
    (flow,) = (record for record in records if record["type"] == "flow")
    tls: dict[str, Any] = flow["tls"]
    return tls


def _said(records: list[dict[str, Any]], check: str) -> list[tuple[str | None, str, str | None]]:
    """What it says, its evidence and its name, of each finding."""
    return [
        (one["observed"].get("reason", one["status"]), one["evidence"]["class"], one.get("name"))
        for one in records
        if one["type"] == "finding" and one["check"] == check
    ]


@pytest.mark.parametrize("whose", ["inner", "outer"])
def test_what_the_keys_of_a_hidden_hello_open(accepted: Spoken, whose: str) -> None:
    """Clients log under the random of the hidden hello; under that of the outer one it is the same session."""
    server = accepted.server
    assert server.inner is not None
    assert server.outer is not None
    assert server.inner.random.hex() in accepted.keys
    assert server.outer.random.hex() not in accepted.keys
    keys = accepted.keys if whose == "inner" else server.key_log(server.outer.random)
    records = _records(accepted, keys)
    tls = _tls(records)
    shown = {key: tls.get(key) for key in ("sni", "ech", "ech_evidence", "ech_accepted", "decrypted", "proven")}
    assert shown == {
        "sni": PUBLIC_NAME,
        "ech": "real",
        "ech_evidence": "decrypted",
        "ech_accepted": True,
        "decrypted": True,
        "proven": None,
    }
    names = [record["sans"] for record in records if record["type"] == "certificate"]
    assert [f"dns:{HIDDEN}"] in names
    # It is not for the name that was seen, and need not be.
    assert _said(records, "certificate.chain") == [("ok", "decrypted", None)]
    assert _said(records, "tls.keys") == [("pass", "decrypted", None)]
    assert (records[-1]["keys"]["decrypted"], records[-1]["keys"]["unfit"]) == (1, 0)


OTHERS: Final = "".join(
    f"{side}_HANDSHAKE_TRAFFIC_SECRET {n:064x} {n + 1:064x}\n" for n in range(50) for side in ("CLIENT", "SERVER")
)


@pytest.mark.parametrize("keys", [None, "", OTHERS], ids=["none", "empty", "of-others"])
def test_without_its_keys_it_may_be_anything(accepted: Spoken, keys: str | None) -> None:
    records = _records(accepted, keys)
    tls = _tls(records)
    assert (tls["ech"], tls["ech_evidence"]) == ("offered", "observed")
    assert not tls.keys() & {"ech_accepted", "certificates", "decrypted"}
    assert _said(records, "tls.keys") == []
    assert _said(records, "certificate.chain") == [("not_observable", "not_observable", PUBLIC_NAME)]


def test_a_hello_that_was_not_taken(refused: Spoken) -> None:
    """The server in front answers for itself, and the client says so and goes."""
    records = _records(refused, refused.keys)
    tls = _tls(records)
    assert (tls["ech"], tls["ech_accepted"], tls["proven"]) == ("offered", False, True)
    assert _said(records, "certificate.chain") == [("ok", "decrypted", PUBLIC_NAME)]


def test_grease_is_not_taken(tmp_path: Path) -> None:
    spoken = _speak(tmp_path, accepts=False, ech="grease")
    assert spoken.server.finished
    tls = _tls(_records(spoken, spoken.keys))
    assert (tls["ech_offered"], tls["ech_accepted"], tls["proven"]) == (True, False, True)


def test_a_signature_is_held_against_nothing_before_the_finished_is_read(accepted: Spoken) -> None:
    """Only the Finished shows whether the hello that was seen is the one that was signed."""
    cut = list(accepted.flights)
    at = max(n for n, (sender, _) in enumerate(cut) if sender == SERVER)
    server = accepted.server
    assert server.outer is not None
    finished = 5 + 4 + 32 + 17  # the last record of the flight
    cut[at:] = [(SERVER, cut[at][1][:-finished])]
    tls = _tls(_records(accepted, server.key_log(server.outer.random), cut))
    assert "proven" not in tls
    assert "ech_accepted" not in tls


def test_keys_that_do_not_open_it_are_unfit_as_ever(accepted: Spoken) -> None:
    server = accepted.server
    assert server.outer is not None
    label = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
    records = _records(accepted, f"{label} {server.outer.random.hex()} {'ab' * 32}\n")
    assert "ech_accepted" not in _tls(records)
    assert [said for said, *_ in _said(records, "tls.keys")] == ["warn"]
