"""`transitproof publish`, and `replay --format ocsf`, as a user calls them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from captures import PCAPS

from .broker import account, running, until
from .probes import tables
from .toml import write

ROOT = Path(__file__).parents[2]
SECRETS = (b"example-password", b"example-token", b"correct horse")


def _run(*arguments: str, given: bytes = b"", cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "probe", *arguments]
    return subprocess.run(command, input=given, cwd=cwd, check=False, capture_output=True, timeout=60)


def _replayed(name: str, *options: str) -> bytes:
    done = _run("replay", "--format", "jsonl", *options, str(PCAPS / name))
    assert done.returncode == 0
    return done.stdout


def test_a_replay_to_a_broker(tmp_path: Path) -> None:
    """Findings, certificates and the summary arrive as they were written, in valid envelopes; no secret does."""
    lines = _replayed("showcase.pcapng")
    with running(tmp_path) as (broker, receiver):
        config = write(tmp_path / "publish.toml", tables(broker, tmp_path / "spool"))
        done = _run("publish", "--config", str(config), given=lines)
        assert done.returncode == 0, done.stderr
        wanted = [record for record in map(json.loads, lines.splitlines()) if record["type"] != "flow"]
        until(lambda: len(receiver.reports()) == len(wanted), "all arrive")
        assert sorted(map(json.dumps, receiver.reports())) == sorted(map(json.dumps, wanted))
        for topic, payload in receiver.messages():
            kind = topic.rpartition("/")[2]
            schema: dict[str, Any] = json.loads((ROOT / "probe" / "schemas" / f"{kind}.json").read_text())
            jsonschema.Draft202012Validator(schema).validate(payload)
        everything = receiver.path.read_bytes() + done.stderr
        for secret in SECRETS:
            assert secret not in everything
        assert f"mqtt: {len(wanted)} sent, 0 waiting" in done.stderr.decode()


def test_without_a_broker_it_waits_in_the_spool(tmp_path: Path) -> None:
    """And goes out with the next call, whatever that has to send itself."""
    lines = _replayed("http_basic.pcap")
    with running(tmp_path) as (broker, receiver):
        config = write(tmp_path / "publish.toml", tables(broker, tmp_path / "spool"))
        broker.kill()
        done = _run("publish", "--config", str(config), "--wait", "0.5", given=lines)
        assert done.returncode == 1
        assert b"0 sent" in done.stderr
        broker.start()
        done = _run("publish", "--config", str(config))
        assert done.returncode == 0, done.stderr
        until(receiver.reports, "it arrives")
        assert {one["type"] for one in account([m for t, m in receiver.messages() if "items" in m and "seq" in m])} >= {
            "finding",
            "summary",
        }


def test_signed_and_redacted(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from probe.publish.signing import thumbprint, verify

    (tmp_path / "site.key").touch(0o600)
    (tmp_path / "site.key").write_bytes(b"a key that is for tests only")
    key = tmp_path / "probe.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    public = load_pem_private_key(key.read_bytes(), None).public_key()
    with running(tmp_path) as (broker, receiver):
        wanted = tables(broker, tmp_path / "spool")
        wanted["publish"] = {
            "signing_key": str(key),
            "redact": ["names", "addresses"],
            "redact_key": str(tmp_path / "site.key"),
        }
        config = write(tmp_path / "publish.toml", wanted)
        done = _run("publish", "--config", str(config), given=_replayed("showcase.pcapng"))
        assert done.returncode == 0, done.stderr
        until(lambda: any(topic.endswith("summary") for topic, _ in receiver.messages()), "it arrives")
        keys = {thumbprint(public): public}  # type: ignore[arg-type, dict-item]
        payloads = [
            line.partition(b" ")[2].rstrip(b"\n") for line in receiver.path.read_bytes().splitlines(keepends=True)
        ]
        assert {verify(payload, keys) for payload in payloads} == set(keys)  # type: ignore[arg-type]
        everything = b"".join(payloads)
        assert b"example.test" not in everything
        assert b"192.0.2." not in everything
        assert b"name-" in everything


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no end is named"),
        (
            '[mqtt]\nhost = "x"\nhots = 1\n',
            "publish.toml:3: hots: object contains unknown field `hots`; did you mean host?",
        ),
        ('[mqtt]\nhost = "192.0.2.1"\nplain = true\n', "under TLS only"),
        ('[mqtt]\nhost = "x"\nca = "/nowhere"\n', "/nowhere: no such file or directory; a PEM file is wanted"),
        ('[publish]\nsigning_key = "/nowhere"\n[stdout]\n', "no such file"),
    ],
)
def test_a_configuration_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "publish.toml"
    path.write_text(f'{text}[spool]\ndirectory = "{tmp_path}/spool"\n')
    done = _run("publish", "--config", str(path))
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_lines_that_are_no_records(tmp_path: Path) -> None:
    path = tmp_path / "publish.toml"
    path.write_text(f'[stdout]\n[spool]\ndirectory = "{tmp_path}/spool"\n')
    assert _run("publish", "--config", str(path), "--check").returncode == 0
    done = _run(
        "publish", "--config", str(path), given=b'{"type":"finding","n":1}\nnothing\n{"n":2}\n{"type":"other"}\n'
    )
    assert done.returncode == 3
    assert [json.loads(line)["n"] for line in done.stdout.splitlines()] == [1]
    assert b"line 2 is no record" in done.stderr


def test_ocsf_from_a_replay() -> None:
    """The same bytes each time, an event for each flow and finding, and no progress in between."""
    lines = _replayed("showcase.pcapng")
    done = _run("replay", "--format", "ocsf", str(PCAPS / "showcase.pcapng"))
    assert done.returncode == 0
    assert done.stdout == _run("replay", "--format", "ocsf", str(PCAPS / "showcase.pcapng")).stdout
    wanted = [
        record for record in map(json.loads, lines.splitlines()) if record["type"] in ("flow", "tunnel", "finding")
    ]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == len(wanted)
    assert {event["class_uid"] for event in events} >= {4001, 2003, 2004}
