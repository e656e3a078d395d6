"""The command line: exit codes, messages, forms of output."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from probe import __version__, cli
from probe.report import Damage, Outcome, Problem

HTTP = {"facts": {"class": "plaintext", "protocol": "http"}}
DNS = {"facts": {"class": "plaintext", "protocol": "dns"}}


@pytest.fixture
def run(core: None, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[int, str, str]]:  # noqa: ARG001
    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        sys.stdout.flush()
        out, error = capfdbinary.readouterr()
        return code, out.decode(), error.decode()

    return call


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["repaly", "x"], "unknown command repaly; did you mean replay?; see: transitproof --help"),
        (
            ["zzz"],
            (
                "unknown command zzz; choose from replay, diff, cert, run, check-config, config, collect, gateway, "
                "publish, interfaces, policies, explain; see: transitproof --help"
            ),
        ),
        (["replay", "x", "--polcy", "y"], "unknown option --polcy; did you mean --policy?; see: transitproof --help"),
        (
            ["replay", "x", "--format", "tabel"],
            "unknown --format tabel; did you mean table?; see: transitproof replay --help",
        ),
        (
            ["replay", "x", "--fail-on", "hihg"],
            "unknown --fail-on hihg; did you mean high?; see: transitproof replay --help",
        ),
        (["replay"], "missing: FILE; see: transitproof replay --help"),
        (
            ["replay", "x", "--at", "soon"],
            "--at: 'soon' is no time; write capture, now, 2026-11-23 or 2026-11-23T10:00:00Z",
        ),
        (
            ["replay", "x", "--policy", "rfc9235"],
            "policy rfc9235: unknown; did you mean rfc9325? (a file's name ends in .toml)",
        ),
        (
            ["replay", "x", "--trust", "/nonexistent"],
            "/nonexistent: no such file or directory; --trust wants a readable PEM file of certificates",
        ),
        (
            ["explain", "certificate.chian"],
            "certificate.chian: no such check; did you mean certificate.chain? see: transitproof explain",
        ),
        (["policies", "rfc1"], "policy rfc1: unknown; did you mean"),
        (["replay", "x", "--protect", "10.0.0.0/8,b"], "--protect: 'b' does not appear to be an IPv4 or IPv6 network;"),
        (["replay", "x", "--protect", "0.0.0.0/0"], "--protect: 0.0.0.0/0 is everything; name the networks"),
        (["replay", "x", "--gateway", "/nonexistent"], "/nonexistent: no such file or directory"),
        (["gateway", "--every", "30"], "--every: '30' is no duration"),
    ],
)
def test_mistakes_are_answered_in_one_line(run: Callable[..., Any], arguments: list[str], message: str) -> None:
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith(f"transitproof: {message}")
    assert error.count("\n") == 1


def test_without_arguments_help_is_shown(run: Callable[..., Any]) -> None:
    code, out, error = run()
    assert (code, out) == (2, "")
    assert "exit codes:" in error


@pytest.mark.parametrize("arguments", [["--help"], ["replay", "--help"], ["policies", "-h"], ["explain", "-h"]])
def test_help(run: Callable[..., Any], arguments: list[str]) -> None:
    code, out, error = run(*arguments)
    assert (code, error) == (0, "")
    assert out.startswith("usage: transitproof")


def test_version(run: Callable[..., Any]) -> None:
    assert run("--version") == (0, f"transitproof {__version__}\n", "")


def test_json_lines_where_there_is_no_terminal(run: Callable[..., Any], capture: Callable[..., str]) -> None:
    code, out, error = run("replay", capture(HTTP))
    assert (code, error) == (0, "")
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["flow", "finding", "summary"]


def test_table_on_request(run: Callable[..., Any], capture: Callable[..., str]) -> None:
    code, out, _ = run("replay", "--format", "table", capture(HTTP))
    assert code == 0
    assert "HTTP in the clear" in out
    assert "\x1b[" not in out
    assert "\x1b[" in run("replay", "--format", "table", "--color", "always", capture(HTTP))[1]


@pytest.mark.parametrize(("least", "code"), [("medium", 1), ("high", 0), ("info", 1)])
def test_fail_on(run: Callable[..., Any], capture: Callable[..., str], least: str, code: int) -> None:
    assert run("replay", capture(HTTP), "--fail-on", least)[0] == code


def test_passes_do_not_fail(run: Callable[..., Any], capture: Callable[..., str]) -> None:
    code, out, _ = run("replay", capture(DNS), "--passes", "--fail-on", "info")
    assert code == 0
    assert '"status":"pass"' in out


def test_damage_is_3_and_missing_is_2(run: Callable[..., Any], capture: Callable[..., str], tmp_path: Path) -> None:
    damaged = capture(HTTP, file="d.pcap", damage=[[9, "short block"]])
    code, _, error = run("replay", damaged, "--fail-on", "info")
    assert (code, error) == (
        3,
        f"transitproof: {damaged}: damaged at byte 9: short block; what could be read is reported\n",
    )
    missing = str(tmp_path / "none.pcap")
    code, out, error = run("replay", damaged, missing)
    assert code == 2
    assert '"type":"finding"' in out
    assert f"transitproof: {missing}: no such file or directory; check the path\n" in error
    assert run("replay", damaged, missing, "-q")[2] == ""


def test_precedence_of_exit_codes() -> None:
    outcome = Outcome(files=[], by_severity={"high": 1})
    assert cli.exit_code(outcome, None) == 0
    assert cli.exit_code(outcome, "high") == 1
    outcome.damaged = [Damage("x", 0, "w")]
    assert cli.exit_code(outcome, "high") == 3
    outcome.problems = [Problem("y", "w")]
    assert cli.exit_code(outcome, "high") == 2
    outcome.interrupted = True
    assert cli.exit_code(outcome, "high") == 130


def test_a_missing_core_is_named(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        message = "No module named 'probe._parsers'"
        raise ImportError(message)

    monkeypatch.setattr(sys.modules["probe.engine"], "load_core", missing)
    code, _, error = run("replay", "x")
    assert code == 2
    assert error.startswith("transitproof: the packet-parsing core is not installed")


def test_policies_and_explain(run: Callable[..., Any]) -> None:
    code, out, _ = run("policies")
    assert code == 0
    assert "rfc8247" in out
    assert "BCP195-VERSION" in run("policies", "rfc9325")[1]
    assert run("explain", "certificate.chain")[1].startswith(
        "certificate.chain: whether the server's certificate would be accepted"
    )
    assert "BCP195-DH-SIZE" in run("explain", "tls.group")[1]
    assert run("explain")[1].splitlines()[0] == "certificate.chain"


_PROGRAM = """
import sys
sys.path[:0] = [{unit!r}]
import fake_core, probe.cli
sys.modules["probe.replay"].load_core = lambda: fake_core
{before}
sys.exit(probe.cli.main(sys.argv[1:]))
"""


def _program(before: str = "") -> list[str]:
    return [sys.executable, "-c", _PROGRAM.format(unit=str(Path(__file__).parent), before=before)]


def test_a_reader_that_goes_away_is_no_error(capture: Callable[..., str]) -> None:
    path = capture(*({"facts": HTTP["facts"], "endpoint": f"10.0.{n // 250}.{n % 250}:80/tcp"} for n in range(2000)))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*_program(), "replay", path], stdout=write, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_standard_input(capture: Callable[..., str]) -> None:
    with Path(capture(HTTP)).open("rb") as file:
        done = subprocess.run([*_program(), "replay", "-"], stdin=file, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0
    assert b'"frames":["-#7"]' in done.stdout


def test_ctrl_c_reports_what_was_read(capture: Callable[..., str]) -> None:
    paths = [capture(HTTP, file="a"), capture(HTTP, file="b")]
    interrupt = "fake_core.Core.finish = lambda core, flows: __import__('os').kill(__import__('os').getpid(), 2)"
    done = subprocess.run([*_program(interrupt), "replay", *paths], capture_output=True, timeout=60, check=False)
    assert done.returncode == 130
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["flow", "finding", "summary"]
    assert done.stderr == b"transitproof: interrupted: only what was read until then is reported\n"


def test_small_captures_do_not_pay_for_certificates(capture: Callable[..., str]) -> None:
    loaded = "{name.split('.')[0] for name in sys.modules}"
    heavy = f"sorted({loaded} & {{'cryptography', 'OpenSSL'}})"
    watch = f"import atexit; atexit.register(lambda: print({heavy}, file=sys.stderr))"
    done = subprocess.run([*_program(watch), "replay", capture(HTTP)], capture_output=True, timeout=60, check=False)
    assert done.stderr == b"[]\n"


def test_a_revocation_list_that_cannot_be_read(run: Callable[..., Any]) -> None:
    code, _, said = run("replay", "x.pcap", "--crl", "/no/such.crl")
    assert (code, said.count("--crl wants a readable file")) == (2, 1)
