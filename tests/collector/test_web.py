"""Pages and API over a real server: names from attackers stay text, and nobody reads without a token."""

import csv
import io
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import uvicorn
from fleet import NOW, finding, message

from collector import queries
from collector.settings import SettingsError
from collector.store.store import Store
from collector.web import access
from collector.web.access import Access
from collector.web.app import make

VIEWER, OPERATOR = "viewer-token-of-24-characters", "operator-token-of-24-characters"
EVIL = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "=cmd|' /C calc'!A1", "+1", "-1", "@SUM(1)", "\u202eevil", "a\nb",
    "javascript:alert(1)", "../../etc/passwd",
]  # fmt: skip
PAGES = [
    "/",
    "/findings",
    "/findings?workflow=all",
    "/fleet",
    "/endpoints",
    "/certificates",
    "/tunnels",
    "/dns",
    "/standards",
    "/probes",
    "/exports",
    "/alerts",
    "/standards?as_of=2030-01-01",
]


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    yield from fill(tmp_path)


def fill(folder: Path) -> Iterator[Store]:
    """A store with names of attackers everywhere."""
    store = Store(f"sqlite:///{folder}/c.db")
    items = [
        finding(
            f"u{number}",
            title=evil,
            endpoint=evil,
            name=evil,
            policy=evil,
            observed={evil: evil},
            remediation=evil,
            check=kind,
        )
        for number, evil in enumerate(EVIL)
        for kind in (["tls.version", "dns.tunnel", "ike.encr"][number % 3],)
    ]
    certificates = [{"sha256": f"{number:064x}", "subject": evil, "issuer": evil, "spki_sha256": "k", "endpoint": evil,
                     "not_after": "2026-12-01T00:00:00Z", "sans": [evil], "key": {"algorithm": evil}} for number, evil in enumerate(EVIL)]  # fmt: skip
    rollup = {"start": "2026-11-18T00:00:00Z", "end": "2026-11-18T00:01:00Z", "by_class": {"tls": {"flows": 3, "bytes": 900}, "plaintext": {"flows": 1, "bytes": 100}},
              "pairs": [{"endpoint": EVIL[0], "class": "ipsec", "flows": 1, "bytes": [5, 0]},
                        *({"endpoint": evil, "peer": evil, "class": evil, "flows": 1, "bytes": [5, 0]} for evil in EVIL)],
              "changes": [{"endpoint": evil, "name": evil, "after": {"class": "tls", "protocol": evil, evil: evil, "tls.version": "TLSv1.0"}} for evil in EVIL]}  # fmt: skip
    store.write(
        [
            message(*items, seq=0),
            message(*certificates, kind="certificate", seq=1),
            message(rollup, kind="rollup", seq=2, drops={EVIL[0]: {"finding": 3}}),
            message({"x": 1}, kind=EVIL[0]),
        ],
        NOW,
    )
    yield store
    store.close()


class Running:
    """A server in a thread."""

    def __init__(self, store: Store, allowed: Access) -> None:
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        self.app = make(store, allowed, secure=False, now=lambda: NOW + 60)
        self.server = uvicorn.Server(uvicorn.Config(self.app, host="127.0.0.1", port=port, log_level="error"))
        self.thread = threading.Thread(target=self.server.run)
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture
def tokens(tmp_path: Path) -> Access:
    path = tmp_path / "tokens"
    path.write_text(f"# who may read\nviewer ann {VIEWER}\noperator bob {OPERATOR}\n")
    return Access(access.load(str(path)))


@pytest.fixture
def open_house(filled: Store) -> Iterator[httpx.Client]:
    with Running(filled, Access(None)) as running, httpx.Client(base_url=running.url) as client:
        yield client


def test_names_from_packets_stay_text(open_house: httpx.Client) -> None:
    pages = [*PAGES, *(f"/findings/u{number}" for number in range(len(EVIL))), f"/certificates/{0:064x}"]
    for evil in EVIL:
        pages.append(
            "/endpoints/" + httpx.URL("/", params={"x": evil}).query.decode().removeprefix("x=").replace("+", "%20")
        )
    for page in pages:
        shown = open_house.get(page)
        if ".." not in page and "%0A" not in page:
            assert shown.status_code == 200, page
        assert "<script>alert" not in shown.text, page
        assert "<img" not in shown.text, page
        policy = shown.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    shown = open_house.get("/findings?workflow=all").text
    assert "{{7*7}}" in shown
    assert "\u202e" not in shown, "nobody turns our text around"
    assert "\ufffdevil" in shown


def test_tables_for_spreadsheets_are_defused(open_house: httpx.Client) -> None:
    for page in ("findings", "endpoints", "certificates"):
        answer = open_house.get(f"/api/v1/{page}?format=csv&limit=500")
        assert answer.headers["content-type"].startswith("text/csv")
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert any("cmd|" in cell for cell in cells)
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")]


def test_filters_and_pages(open_house: httpx.Client) -> None:
    first = open_house.get("/api/v1/findings?limit=4").json()
    second = open_house.get("/api/v1/findings", params={"limit": 500, "after": first["next"]}).json()
    assert first["total"] == second["total"] == len(EVIL)
    assert len({row["uid"] for row in first["items"] + second["items"]}) == len(EVIL)
    assert (first["more"], second["next"]) == (False, "")
    table = open_house.get("/api/v1/findings?limit=4&format=csv")
    assert f"after={first['next']}" in table.headers["link"]
    assert {row["check"] for row in open_house.get("/api/v1/findings?check=ike.encr").json()["items"]} == {"ike.encr"}
    assert open_house.get("/api/v1/findings?severity=critical").json()["total"] == 0
    assert open_house.get("/api/v1/findings", params={"text": "onerror"}).json()["total"] == 1
    for wrong in ("limit=501", "limit=-1", "offset=0", "after=x", "format=xml", "text=" + "x" * 300, "limit=٣"):
        assert open_house.get(f"/api/v1/findings?{wrong}").status_code == 422, wrong


def test_the_summary_says_what_was_missed(open_house: httpx.Client) -> None:
    summary = open_house.get("/api/v1/summary").json()
    assert summary["protected_share"] == pytest.approx(0.9)
    assert summary["coverage"]["probes"] == {"up": 1, "silent": 0, "gone": 0}
    assert summary["coverage"]["lost_reports"] == 3
    assert summary["coverage"]["kept_aside"] == 1
    assert summary["findings"]["high"] == len(EVIL)


def test_nobody_reads_without_a_token(filled: Store, tokens: Access) -> None:
    with Running(filled, tokens) as running, httpx.Client(base_url=running.url) as client:
        for page in [*PAGES, "/events", "/findings/u0"]:
            assert client.get(page).headers.get("location") == "/login", page
        for page in ("summary", "findings", "openapi.json", "certificates/x", "nothing"):
            assert client.get(f"/api/v1/{page}").status_code == 401
            assert client.get(f"/api/v1/{page}", headers={"Authorization": "Bearer wrong"}).status_code == 401
        bearer = {"Authorization": f"Bearer {VIEWER}"}
        assert client.get("/api/v1/summary", headers=bearer).status_code == 200
        assert client.get("/", headers=bearer).status_code == 303, "tokens of programs are no sessions"
        assert client.get("/static/style.css").status_code == 200
        assert client.get("/static/../app.py").status_code in (303, 404)


def _log_in(client: httpx.Client, token: str) -> httpx.Response:
    return client.post("/login", data={"token": token}, follow_redirects=True)


def _key(text: str) -> str:
    return text.split('name="form_key" value="')[1].split('"', maxsplit=1)[0]


def test_only_operators_change_and_only_from_our_pages(filled: Store, tokens: Access) -> None:
    with Running(filled, tokens) as running:
        with httpx.Client(base_url=running.url) as client:
            assert _log_in(client, "x" * 30).status_code == 401
            assert "Overview" in _log_in(client, VIEWER).text
            cookie = client.cookies.jar
            assert all("HttpOnly" in one._rest for one in cookie)
            page = client.get("/findings/u0")
            assert "Acknowledge" not in page.text
            assert (
                client.post(
                    "/findings/u0/workflow", data={"workflow": "resolved", "form_key": _key(page.text)}
                ).status_code
                == 403
            )
        with httpx.Client(base_url=running.url) as client:
            _log_in(client, OPERATOR)
            page = client.get("/findings/u0")
            assert client.post("/findings/u0/workflow", data={"workflow": "resolved"}).status_code == 403
            assert (
                client.post("/findings/u0/workflow", data={"workflow": "resolved", "form_key": "0" * 64}).status_code
                == 403
            )
            done = client.post(
                "/findings/u0/workflow",
                data={"workflow": "acknowledged", "note": "<b>known</b>", "form_key": _key(page.text)},
                follow_redirects=True,
            )
            assert "acknowledged" in done.text
            assert "<b>known" not in done.text
            for wrong in (
                {"workflow": "deleted"},
                {"workflow": "suppressed", "days": "0"},
                {"workflow": "suppressed", "days": "9999"},
            ):
                assert (
                    client.post("/findings/u0/workflow", data={**wrong, "form_key": _key(page.text)}).status_code == 422
                )
            client.post("/logout", data={"form_key": _key(page.text)})
            assert client.get("/").headers["location"] == "/login"
    with filled.reading() as connection:
        (row,) = queries.finding(connection, "u0")
        assert (row["workflow"], row["note"]) == ("acknowledged", "<b>known</b>")


def test_a_suppression_ends(filled: Store) -> None:
    from collector.store.tables import findings

    with filled.changing() as connection:
        connection.execute(findings.update().values(workflow="suppressed", until=NOW + 100))
    for late, count in ((99, 0), (100, len(EVIL))):
        assert filled.reopen(NOW + late) == count
        with filled.reading() as connection:
            assert queries.finding_page(connection, queries.FindingFilter(workflow="open")).total == count


def test_pages_hear_of_what_comes_in(filled: Store) -> None:
    with Running(filled, Access(None)) as running, httpx.Client(base_url=running.url, timeout=10) as client:
        with client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            threading.Timer(0.2, running.app.state.bell.ring).start()
            assert next(line for line in lines if line.startswith("event")) == "event: changed"


def test_too_much_is_refused(filled: Store) -> None:
    allowed = Access(None)
    assert not all(allowed.may_ask("a", 1.0) for _ in range(1000))
    assert allowed.may_ask("b", 1.0)
    assert allowed.may_ask("a", 100.0)
    with Running(filled, Access(None)) as running:
        assert httpx.post(f"{running.url}/login", content=b"x" * 100_000).status_code == 413


def test_an_empty_house_says_what_to_do(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/e.db")
    with Running(store, Access(None)) as running:
        for page in PAGES:
            assert 'class="empty"' in httpx.get(running.url + page).text, page
    store.close()


@pytest.mark.parametrize("line", ["viewer ann", "viewer ann short", f"root ann {VIEWER}", ""])
def test_a_file_of_tokens_that_is_wrong(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(line + "\n")
    with pytest.raises(SettingsError) as error:
        access.load(str(path))
    assert VIEWER not in str(error.value)


def test_the_description_names_every_address(open_house: httpx.Client) -> None:
    paths: dict[str, Any] = open_house.get("/api/v1/openapi.json").json()["paths"]
    for path in paths:
        filled_in = path.replace("{uid}", "u0").replace("{sha256}", f"{0:064x}")
        answer = open_house.get(f"/api/v1{filled_in}")
        assert answer.status_code == 200, path
        assert "probes" in answer.headers["transitproof-coverage"], "coverage is part of every answer"
