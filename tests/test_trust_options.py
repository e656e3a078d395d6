"""Options about trust on the command line: what they change in a report."""

import json
from pathlib import Path

from test_command import PCAPS, ROOT, replay, run


def _reasons(*arguments: object) -> list[tuple[str, str | None, str | None]]:
    done = run("replay", "--format", "jsonl", "--passes", *arguments)
    assert done.returncode == 0, done.stderr
    found = [record for record in map(json.loads, done.stdout.splitlines()) if record["type"] == "finding"]
    seen = [one["observed"] for one in found if one["check"] == "certificate.chain"]
    return [(one["reason"], one.get("store"), one.get("detail")) for one in seen]


def test_a_store_has_the_name_that_it_is_given() -> None:
    capture = PCAPS / "tls12_ecdhe_rsa.pcap"
    assert _reasons("--trust", f"corp={ROOT}", capture) == [("ok", "corp", None)]
    assert _reasons("--trust", ROOT, capture) == [("ok", "private", None)]


def test_a_listed_key_is_weak(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# none\n")
    capture = PCAPS / "cert_weak_key.pcap"
    assert ("weak_key", "private", "RSA 1024 bits") in _reasons(
        "--trust", ROOT, "--weak-keys", tmp_path / "list", capture
    )


def test_an_unusable_list_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# none\nxyz\n")
    done = replay("--weak-keys", tmp_path / "list", PCAPS / "tls13.pcap")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"line 2 has no 20 hex digits; --weak-keys wants a list" in done.stderr
