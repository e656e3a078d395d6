"""The audit pack holds what it says, its signature tells changes, and nothing in it runs."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fleet import NOW, finding, message
from test_web import EVIL, Running, filled  # noqa: F401 - a fixture

from collector.export import evidence, pack, verify
from collector.export.evidence import Period
from collector.fleet import exposure, sums
from collector.store.store import Store
from collector.times import rfc3339
from collector.web.access import Access
from probe.publish.signing import Signer

DAY = 86_400.0
PERIOD = Period(NOW - 30 * DAY, NOW + DAY)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def made(store: Store, key: Ed25519PrivateKey | None, period: Period = PERIOD) -> bytes:
    with store.reading() as connection:
        found = evidence.collect(connection, period, NOW + 60)
    return pack.make(found, None if key is None else Signer(key))


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_it_holds_what_was_seen(filled: Store, key: Ed25519PrivateKey) -> None:  # noqa: F811
    data = made(filled, key)
    assert data == made(filled, key), "the same evidence gives the same bytes"
    found = files(data)
    manifest = json.loads(found["manifest.json"])
    assert manifest["files"] == {
        name: hashlib.sha256(text).hexdigest() for name, text in found.items() if name != "manifest.json"
    }
    assert manifest["inputs"][0] | {"last_seen": ""} == {
        "site": "s1", "probe": "p1", "boot_id": "b1", "low": 2, "high": 2, "given_up": 0, "last_seen": ""}  # fmt: skip
    assert manifest["coverage"]["lost_reports"] == 3
    shipped = Path(sys.modules["probe"].__file__ or "").parent / "policies" / "rfc9325.toml"
    assert manifest["policies"]["rfc9325"] == hashlib.sha256(shipped.read_bytes()).hexdigest()
    certificates = table(found["pci-dss-4.2.1.1-certificates.csv"])
    assert len(certificates) == len(EVIL)
    assert certificates[0]["state"] == "valid"
    protocols = table(found["pci-dss-12.3.3-protocols.csv"])
    assert {row["version"] for row in protocols} == {"TLSv1.0"}
    assert len(protocols) == len(EVIL)
    assert len(table(found["findings.csv"])) == len(EVIL)
    events = [json.loads(line) for line in found["findings.ocsf.jsonl"].splitlines()]
    assert {event["class_uid"] for event in events} == {2003}
    assert {event["metadata"]["log_name"] for event in events} == {"s1/p1"}


def test_nothing_in_it_runs(filled: Store, key: Ed25519PrivateKey) -> None:  # noqa: F811
    found = files(made(filled, key))
    report = found["report.html"].decode()
    assert "<script>alert" not in report
    assert "<img" not in report
    assert "\u202e" not in report
    assert "{{7*7}}" in report
    for name, data in found.items():
        if name.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(data.decode())) for cell in row]
            assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")], name


def test_the_bill_of_cryptography_is_cyclonedx(filled: Store) -> None:  # noqa: F811
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    bill = files(made(filled, None))["cbom.cdx.json"].decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    kinds = [one["cryptoProperties"]["assetType"] for one in json.loads(bill)["components"]]
    assert kinds.count("certificate") == len(EVIL)
    assert "protocol" in kinds


def test_only_the_period_is_in_it(filled: Store) -> None:  # noqa: F811
    found = files(made(filled, None, Period(NOW - 90 * DAY, NOW - 60 * DAY)))
    assert table(found["findings.csv"]) == []
    assert table(found["pci-dss-4.2.1.1-certificates.csv"]) == []
    assert "None was reported in this period" in found["report.html"].decode()
    assert "not signed" in found["report.html"].decode()


def test_changes_are_told(filled: Store, key: Ed25519PrivateKey, tmp_path: Path) -> None:  # noqa: F811
    data = made(filled, key)
    public = tmp_path / "key.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def said(name: str, changed: dict[str, bytes]) -> tuple[int, str]:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as out:
            for each, content in (files(data) | changed).items():
                out.writestr(each, content)
        done = subprocess.run(
            [sys.executable, "-m", "collector.export.verify", str(path), str(public)],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    assert said("whole.zip", {}) == (0, "as it was signed")
    assert said("changed.zip", {"findings.csv": b"nothing wrong\n"}) == (1, "findings.csv: changed")
    assert said("more.zip", {"more.txt": b"x"}) == (1, "more.txt: not in the manifest")
    manifest = files(data)["manifest.json"].replace(b"transitproof.audit/1", b"transitproof.audit/2")
    code, why = said("manifest.zip", {"manifest.json": manifest})
    assert code == 1
    assert why.startswith("manifest.json: ")
    other = Ed25519PrivateKey.generate().public_key()
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert verify.faults(opened, other) == ["manifest.json: signed with a key that is not known"]
    assert verify.main([str(tmp_path / "none.zip"), str(public)]) == verify.UNREADABLE


def test_over_the_api(filled: Store) -> None:  # noqa: F811
    broken = finding("broken")
    del broken["evidence"]
    filled.write([message(finding("ok2", by="x"), broken, seq=3)], NOW)
    with Running(filled, Access(None)) as running, httpx.Client(base_url=running.url, timeout=30) as client:
        answer = client.get("/api/v1/audit-pack?days=7")
        assert answer.headers["content-type"] == "application/zip"
        assert (
            answer.headers["content-disposition"]
            == 'attachment; filename="transitproof-audit-2026-11-12-2026-11-18.zip"'
        )
        assert json.loads(files(answer.content)["manifest.json"])["period"]["from"] == "2026-11-12T00:00:00.000000Z"
        events = [json.loads(line) for line in client.get("/api/v1/findings.ocsf.jsonl").text.splitlines()]
        assert "ok2" in {event["finding_info"]["uid"] for event in events}
        assert {event["status_id"] for event in events} == {1}
        for wrong in ("days=0", "days=801", "until=yesterday", "until=2026-02-30"):
            assert client.get(f"/api/v1/audit-pack?{wrong}").status_code == 422, wrong


def test_the_key_of_the_configuration_is_looked_at(tmp_path: Path) -> None:
    from collector import main

    said: list[str] = []
    config, wrong = tmp_path / "c.toml", tmp_path / "wrong.pem"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/c.db"\n[export]\nsigning_key = "{wrong}"\n')
    wrong.write_bytes(b"nothing")
    assert main.run(str(config), said.append) == main.USAGE
    assert "openssl genpkey" in said[0]
    assert Signer(Ed25519PrivateKey.generate()).kid
    good = tmp_path / "good.pem"
    good.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert Signer.load(str(good)).kid


def test_protected_bytes_over_time_and_quantum_exposure(store: Store) -> None:
    def carried(day: int, kind: str, size: int) -> dict[str, object]:
        pair = {"endpoint": "10.0.0.1:443/tcp", "peer": "10.0.0.9", "class": kind, "flows": 1, "bytes": [size, 0]}
        told = {"start": f"2026-11-{day}T10:00:00Z", "end": f"2026-11-{day}T10:01:00Z", "pairs": [pair]}
        return told | {"by_class": {kind: {"flows": 1, "bytes": size}}}

    exposed = finding("q", check="pq.exposure", bytes=500, name="=1+1")
    store.write([message(carried(16, "plaintext", 300), carried(17, "tls", 900), kind="rollup", seq=0)], NOW)
    store.write([message(exposed, seq=1)], NOW)
    for part in (sums, exposure):
        part.reckon(store, NOW)
    found = files(made(store, None))
    days = [row for row in table(found["protected-bytes.csv"]) if row["by"] == "site"]
    assert [(row["key"], row["day"], row["protected_share"]) for row in days] == [
        ("s1", "2026-11-16", "0.0"),
        ("s1", "2026-11-17", "1.0"),
    ]
    assert [(row["bytes"], row["tls"], row["plaintext"]) for row in days] == [("300", "0", "300"), ("900", "900", "0")]
    assert {row["by"] for row in table(found["protected-bytes.csv"])} == {"site", "host", "service"}
    assert [(row["by"], row["bytes"]) for row in table(found["quantum-exposure.csv"])] == [
        ("host", "500"),
        ("service", "500"),
        ("site", "500"),
    ]
    told = json.loads(found["manifest.json"])["protection"]
    assert (told["protected_share"], told["quantum_exposed_bytes"]) == (0.75, 500)
    report = found["report.html"].decode()
    assert "75.0 %" in report
    assert "Quantum exposure" in report
    before = files(made(store, None, Period(NOW - 90 * DAY, NOW - 60 * DAY)))
    assert table(before["protected-bytes.csv"]) == []
    assert "Nothing was added up for this period." in before["report.html"].decode()


def test_what_was_told_once_is_in_the_inventory_while_it_is_used(store: Store) -> None:
    change = {"endpoint": "10.0.0.1:443/tcp", "name": "a.example", "certificate": "aa", "after": {"class": "tls"}}
    pair = {"endpoint": "10.0.0.1:443/tcp", "peer": "10.0.0.9", "class": "tls", "flows": 1, "bytes": [1, 1]}
    then, later = NOW - 100 * DAY, NOW - 60
    store.write([
        message({"sha256": "aa", "last_seen": rfc3339(then)}, kind="certificate", seq=0),
        message({"start": rfc3339(then), "end": rfc3339(then), "changes": [change]}, kind="rollup", seq=1),
    ], then)  # fmt: skip
    assert table(files(made(store, None))["pci-dss-4.2.1.1-certificates.csv"]) == []
    used = {"start": rfc3339(later), "end": rfc3339(later), "pairs": [pair]}
    store.write([message(used, kind="rollup", seq=2)], NOW)
    found = files(made(store, None))
    (row,) = table(found["pci-dss-4.2.1.1-certificates.csv"])
    assert (row["sha256"], row["endpoints"]) == ("aa", "10.0.0.1:443/tcp")
    assert [row["endpoint"] for row in table(found["pci-dss-12.3.3-protocols.csv"])] == ["10.0.0.1:443/tcp"]
    replaced = change | {"certificate": "bb", "after": {"class": "plaintext"}}
    between = rfc3339(NOW - 50 * DAY)
    store.write([message({"start": between, "end": between, "changes": [replaced]}, kind="rollup", seq=3)], NOW)
    assert table(files(made(store, None))["pci-dss-4.2.1.1-certificates.csv"]) == [], "another one was there by then"


def test_what_does_not_fit_is_said(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for bound in ("MOST", "MOST_POSTURES"):
        monkeypatch.setattr(evidence, bound, 1)
    found = files(made(filled, None))
    left_out = json.loads(found["manifest.json"])["left_out"]
    assert left_out["postures"] == len(EVIL) - 1
    assert left_out["certificates"] == len(EVIL) - 1
    assert f"{len(EVIL) - 1} postures of the period are not in this pack" in found["report.html"].decode()
