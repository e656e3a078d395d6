"""What `explain` says: checks, rules, findings of a report; and the pages in docs/findings."""

import json
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from probe.checks import explain
from probe.checks.fixes import PROGRAMS, Fix, every, fixes
from probe.output import pages
from probe.output.terminal import Style

ROOT = Path(__file__).parents[3]
STYLE = Style()


@pytest.mark.parametrize("name", pages.checks())
def test_every_check_says_what_it_means_how_it_is_known_and_how_to_fix_it(name: str) -> None:
    page = explain(name)
    assert page is not None
    assert page.startswith(f"{name}: ")
    for part in ("Meaning:", "Evidence:", "Why it matters:", "How to fix:", "Reference:"):
        assert f"\n{part}" in page, part


def test_a_rule_is_explained_with_its_check() -> None:
    text = pages.rule("NIST52-GROUP", STYLE)
    assert text is not None
    assert "nist-sp-800-52r2 3.4.2.2" in text
    assert "tls.group: the group of the key exchange" in text
    assert pages.rule("NIST52-GRUOP", STYLE) is None
    assert pages.nearest("NIST52-GRUOP") == " did you mean NIST52-GROUP?"
    assert pages.nearest("tls.gruop") == " did you mean tls.group?"


def test_a_finding_is_explained_with_its_flow_s_why(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    flow = {"type": "flow", "community_id": "1:a", "why": {"frame": "x#1", "reason": "content"}}
    issued = {"type": "certificate", "sha256": "ab", "issuer_service": "aws_private_ca"}
    finding = {
        "type": "finding",
        "uid": "abcdef",
        "check": "tls.version",
        "status": "fail",
        "severity": "high",
        "title": "TLS 1.0 negotiated",
        "endpoint": "10.0.0.1:443/tcp",
        "observed": {"tls.version": "TLSv1.0", "sha256": "ab"},
        "evidence": {"class": "observed", "flows": ["1:a"], "frames": ["x#7"]},
    }
    report.write_text("".join(json.dumps(record, separators=(",", ":")) + "\n" for record in (flow, issued, finding)))
    text = pages.finding("abc", report, STYLE)
    assert text is not None
    for part in (
        "TLS 1.0 negotiated",
        "observed, in x#7",
        "by AWS Private CA",
        '1:a: {"frame":"x#1"',
        "ssl_protocols TLSv1.2 TLSv1.3;",
    ):
        assert part in text
    assert pages.finding("abd", report, STYLE) is None


def test_the_documentation_is_up_to_date() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_findings.py"))["pages"]()
    there = {path.name: path.read_text() for path in (ROOT / "docs" / "findings").glob("*.md")}
    assert there == made, "run: .venv/bin/python scripts/make_findings.py"


def test_fixes_name_checks_and_programs_that_exist() -> None:
    for fix in every():
        assert fix.program in PROGRAMS
        assert set(fix.checks) <= set(pages.checks())
    for check in ("tls.version", "tls.suite", "tls.group", "certificate.chain"):
        assert {fix.program for fix in fixes(check)} == set(PROGRAMS)


def _of(program: str) -> list[Fix]:
    return [fix for fix in every() if fix.program == program]


def _certificate(folder: Path) -> Path:
    both = folder / "site.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subprocess.run(
        [*command, "-subj", "/CN=x", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True,
        capture_output=True,
    )
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.mark.skipif(not shutil.which("nginx"), reason="needs nginx (Debian: nginx-light)")
def test_nginx_takes_its_fixes(tmp_path: Path) -> None:
    _certificate(tmp_path)
    for fix in _of("nginx"):
        text = fix.text.replace("/etc/ssl/fullchain.pem", f"{tmp_path}/cert.pem")
        text = text.replace("/etc/ssl/private/key.pem", f"{tmp_path}/key.pem")
        conf = tmp_path / "nginx.conf"
        conf.write_text(f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{text}}}\n")
        done = subprocess.run(["nginx", "-t", "-c", conf], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("haproxy"), reason="needs haproxy (Debian: haproxy)")
def test_haproxy_takes_its_fixes(tmp_path: Path) -> None:
    site = _certificate(tmp_path)
    for fix in _of("haproxy"):
        front = "frontend" in fix.where
        text = fix.text.replace("/etc/ssl/site.pem", str(site))
        ports = "" if "bind" in fix.text else "bind :8080\n"
        own = f"{ports}{text}" if front else "bind :8080\n"
        conf = tmp_path / "haproxy.cfg"
        conf.write_text(
            f"global\n{'' if front else text}\ndefaults\nmode http\ntimeout connect 1s\ntimeout client 1s\n"
            f"timeout server 1s\nfrontend f\n{own}\ndefault_backend b\nbackend b\nserver s 127.0.0.1:1\n"
        )
        done = subprocess.run(["haproxy", "-c", "-f", conf], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.skipif(not shutil.which("apache2"), reason="needs apache2 (Debian: apache2)")
def test_apache_takes_its_fixes(tmp_path: Path) -> None:
    _certificate(tmp_path)
    modules = "/usr/lib/apache2/modules"
    loaded = "\n".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "alias", "socache_shmcb", "ssl")
    )
    for fix in _of("apache"):
        text = fix.text.replace("/etc/ssl/fullchain.pem", f"{tmp_path}/cert.pem")
        text = text.replace("/etc/ssl/private/key.pem", f"{tmp_path}/key.pem")
        conf = tmp_path / "apache.conf"
        conf.write_text(
            f"ServerRoot {tmp_path}\nServerName x\nListen 8443\nPidFile pid\nErrorLog error.log\n"
            f"DefaultRuntimeDir {tmp_path}\n{loaded}\n<VirtualHost *:8443>\n{text}</VirtualHost>\n"
        )
        done = subprocess.run(["apache2", "-t", "-f", conf], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_openssl_takes_its_fixes(tmp_path: Path) -> None:
    head = "openssl_conf = default_conf\n[default_conf]\nssl_conf = ssl_sect\n[ssl_sect]\nsystem_default = s\n[s]\n"
    for fix in _of("openssl"):
        if "openssl.cnf" not in fix.where:
            continue
        conf = tmp_path / "openssl.cnf"
        conf.write_text(fix.text if "openssl_conf" in fix.text else head + fix.text)
        done = subprocess.run(
            ["openssl", "ciphers", "-s", "-tls1_2"],
            env={"OPENSSL_CONF": str(conf), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "error" not in done.stderr.lower(), done.stderr
