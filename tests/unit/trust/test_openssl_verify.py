"""Every chain of made.py judged by `openssl verify` as well. Where the two differ stands here, with the reason."""

import re
import shutil
import subprocess
from pathlib import Path

import made
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from test_core_trust import Both

LAST_SECOND = "notAfter is part of the validity (RFC 5280 section 4.1.2.5); OpenSSL ends a second earlier"
WEAK = "OpenSSL looks at sizes of keys only where a security level is asked for"
ANY = "OpenSSL does not take anyExtendedKeyUsage for serverAuth; RFC 5280 section 4.2.1.12 lets it stand for all"
NARROW = "an authority limited to clients: `ok`, but outside the profile of the web PKI"
SIGNS = "a leaf that may sign certificates but not handshakes: `ok`, but outside the profile of the web PKI"
AUTHORITY = "an authority's certificate used by a server: `ok`, but outside the profile, and of no name"
DIFFERENT = {
    "weak rsa1024 at 1": WEAK,
    "weak rsa1024 at 2": WEAK,
    "ends now at 0": LAST_SECOND,
    "ends now at 1": LAST_SECOND,
    "ends now at 2": LAST_SECOND,
    "keyCertSign at 2": SIGNS,
    "client only at 0": NARROW,
    "client only at 1": NARROW,
    "any usage at 0": ANY,
    "any usage at 1": ANY,
    "any usage at 2": ANY,
    "root alone": AUTHORITY,
    "intermediate alone": AUTHORITY,
}
TIME = {"expired": 10, "not_yet_valid": 9}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl (Debian package openssl)")
def test_verdicts_are_those_of_openssl_verify(tmp_path: Path) -> None:
    different, count = set(), 0
    for chain in made.every():
        (tmp_path / "root.pem").write_bytes(chain.root.pem)
        second = int(chain.when.timestamp())
        judged = Both(str(tmp_path / "root.pem")).python(chain.sent, None, second)
        code = _openssl(tmp_path, chain.sent, second)
        count += 1
        if (code is None) is not (judged[0][0] == "ok"):
            different.add(chain.title)
        elif judged[0][0] in TIME:
            assert code == TIME[judged[0][0]], chain.title
    assert count > 200
    assert different == set(DIFFERENT)


def _openssl(folder: Path, sent: list[bytes], second: int) -> int | None:
    """The first error's number, None if the chain is accepted."""
    leaf, *others = (x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in sent)
    (folder / "leaf.pem").write_bytes(leaf)
    (folder / "others.pem").write_bytes(b"".join(others))
    command = ["openssl", "verify", "-partial_chain", "-purpose", "sslserver", "-CAfile", "root.pem"]
    command += ["-attime", str(second), *(("-untrusted", "others.pem") if others else ())]
    done = subprocess.run([*command, "leaf.pem"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    found = re.search(r"error (\d+) at", done.stdout + done.stderr)
    assert found is not None, done.stderr
    return int(found[1])
