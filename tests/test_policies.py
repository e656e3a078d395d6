"""Policies, marks and comparison on captures of real programs, through the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probe import cli

PCAPS = Path(__file__).parent / "pcaps"
TLS10, TLS13 = str(PCAPS / "tls10.pcap"), str(PCAPS / "tls13.pcap")
ROOT = str(PCAPS / "pki" / "root.pem")
WAIVER = '[[waiver]]\ncheck = "tls.*"\nowner = "net"\nreason = "old client"\nexpires = {expires}\n'

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        capfdbinary.readouterr()
        code = cli.main(arguments)
        out, error = capfdbinary.readouterr()
        return code, [json.loads(line) for line in out.splitlines() if line.startswith(b"{")], error.decode()

    return call


def _rules(records: list[dict[str, Any]]) -> set[str]:
    return {f"{record['policy']}/{record['rule']}" for record in records if "policy" in record}


def test_all_standards_judge_in_one_pass_and_disagree(run: Run) -> None:
    code, records, _ = run("replay", "--policy", "all", TLS13)
    assert code == 0
    assert _rules(records) == {
        "bsi-tr-02102-2/BSI-GROUP",
        "cnsa-1.0/CNSA1-GROUP",
        "cnsa-2.0/CNSA2-GROUP",
        "fips-140-3/FIPS-GROUP",
        "nist-sp-800-52r2/NIST52-GROUP",
        "pq-readiness/PQ-EXPOSED",
        "pq-readiness/PQ-OFFER",
    }
    [contradiction] = [record for record in records if record.get("check") == "policy.contradiction"]
    assert contradiction["observed"]["tls.group"] == "x25519"
    assert contradiction["observed"]["accepted_by"] == ["mozilla-intermediate", "mozilla-modern"]


@pytest.mark.parametrize(("as_of", "expected"), [("2030-12-31", set()), ("2036-01-01", {"nist-ir-8547/IR8547-GROUP"})])
def test_rules_of_another_day(run: Run, as_of: str, expected: set[str]) -> None:
    _, records, _ = run("replay", "--policy", "nist-ir-8547", "--as-of", as_of, TLS13)
    assert _rules(records) == expected
    assert records[-1]["as_of"] == as_of


def test_drift_from_an_expected_policy(run: Run) -> None:
    name = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert not any(rule.startswith(name) for rule in _rules(run("replay", "--expect", name, TLS13)[1]))
    assert {f"{name}/VERSION", f"{name}/SUITE"} <= _rules(run("replay", "--expect", name, TLS10)[1])


def test_waived_findings_are_marked_and_do_not_fail(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(WAIVER.format(expires="2999-12-31"))
    ordinary = ("replay", "--trust", ROOT, "--fail-on", "high", TLS10)
    assert run(*ordinary)[0] == 1
    code, records, _ = run(*ordinary, "--waivers", str(path))
    waived = [record for record in records if "waived" in record]
    assert (code, {record["check"].partition(".")[0] for record in waived}) == (0, {"tls"})
    assert records[-1]["marked"]["waived"] == len(waived)
    path.write_text(WAIVER.format(expires="2020-01-01"))
    code, records, error = run(*ordinary, "--waivers", str(path))
    assert (code, records[-1]["marked"]["waived"]) == (1, 0)
    assert "waiver of net (old client) expired on 2020-01-01: its findings count again" in error


def test_a_baseline_accepts_what_it_knows(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    _, records, _ = run("replay", TLS10)
    report.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))
    code, known, _ = run("replay", TLS10, "--baseline", str(report), "--fail-on", "info")
    assert (code, known[-1]["marked"]["open"]) == (0, {})
    code, more, _ = run("replay", TLS10, "--baseline", str(report), "--fail-on", "info", "--policy", "mozilla-modern")
    assert code == 1
    assert set(more[-1]["marked"]["open"]) == {"high"}


def test_diff_of_captures_and_reports(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    _, records, _ = run("replay", TLS13)
    report.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records))
    assert run("diff", str(report), TLS13, "--fail-on", "info")[:2] == (0, [])
    code, differences, _ = run("diff", str(report), TLS10, "--fail-on", "high")
    assert code == 1
    assert {record["change"] for record in differences} == {"new", "resolved"}
    assert run("diff", TLS10, TLS10, "--fail-on", "info")[0] == 0
    code, _, error = run("diff", TLS10, str(tmp_path / "none"))
    assert code == 2
    assert "no such file or directory" in error


def test_check_config_names_file_and_line(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "w.toml", tmp_path / "p.toml"
    good.write_text(WAIVER.format(expires="2999-12-31"))
    bad.write_text('title = "T"\nisuer = "I"\n')
    code, _, error = run("check-config", str(good), str(bad))
    assert code == 2
    assert f"{bad}:2: isuer: object contains unknown field `isuer`; did you mean issuer?" in error
    assert run("check-config", str(good))[0] == 0
