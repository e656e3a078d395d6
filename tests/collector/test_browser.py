"""The pages in a real browser: every one opens without a word on the console, passes axe, works by keyboard, on a phone and in the dark."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleet import NOW, finding, message
from test_web import EVIL, PAGES, Running

from collector.store.store import Store
from collector.web.access import Access

CHROMIUM = Path("/usr/bin/chromium")
ARTEFACTS = os.environ.get("TEST_ARTEFACTS")

playwright = pytest.importorskip("playwright.sync_api", reason="PyPI package playwright is not installed")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian package chromium is not installed")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Running]]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('browser')}/c.db")
    items = [finding(f"u{number}", title=f"Finding {number} {evil}", endpoint=f"10.0.0.{number}:443/tcp", name=evil, policy="rfc9325",
                     check=["tls.version", "dns.tunnel", "ike.encr"][number % 3], severity=["high", "low", "critical"][number % 3]) for number, evil in enumerate(EVIL)]  # fmt: skip
    certificates = [{"sha256": f"{number:064x}", "subject": f"CN={evil}", "issuer": "CN=x", "spki_sha256": "k", "not_after": f"2026-12-{number + 1:02d}T00:00:00Z"}
                    for number, evil in enumerate(EVIL)]  # fmt: skip
    rollups = [{"start": f"2026-11-{day:02d}T0{hour}:00:00Z", "end": f"2026-11-{day:02d}T0{hour}:01:00Z",
                "by_class": {"tls": {"flows": 3, "bytes": 9000 + 100 * hour}, "ipsec": {"flows": 1, "bytes": 700}, "plaintext": {"flows": 1, "bytes": 100 * day}}}
               for day in range(10, 19) for hour in range(6)]  # fmt: skip
    store.write(
        [
            message(*items, seq=0),
            message(*certificates, kind="certificate", seq=1),
            message(*rollups, kind="rollup", seq=2),
        ],
        NOW,
    )
    with Running(store, Access(None)) as running:
        yield store, running
    store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(params=["light", "dark", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, house: tuple[Store, Running]) -> Iterator[Any]:
    size = {"width": 390, "height": 844} if request.param == "phone" else {"width": 1280, "height": 900}
    context = browser.new_context(
        base_url=house[1].url, viewport=size, color_scheme="dark" if request.param == "dark" else "light"
    )
    page = context.new_page()
    page.look = request.param
    page.said = []
    page.on("console", lambda told: page.said.append(told.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: page.said.append(f"dialog {dialog.message}"))
    yield page
    context.close()


@pytest.mark.parametrize(
    "address", [*PAGES, "/findings/u0", "/endpoints/10.0.0.1:443%2Ftcp", f"/certificates/{0:064x}"]
)
def test_each_page(page: Any, address: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.goto(address)
    page.wait_for_load_state("load")
    assert page.locator("h1").count() == 1
    assert page.said == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page must not scroll sideways"
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    if ARTEFACTS:
        name = address.strip("/").replace("/", "_").replace("?", "_")[:30] or "overview"
        page.screenshot(path=f"{ARTEFACTS}/{name}-{page.look}.png", full_page=True)


def test_found_filtered_and_acknowledged_by_keyboard(page: Any) -> None:
    page.goto("/findings")
    before = page.locator("tbody tr").count()
    page.get_by_label("Check").fill("dns.tunnel")
    page.get_by_label("Check").press("Enter")
    page.wait_for_url("**check=dns.tunnel**")
    assert 0 < page.locator("tbody tr").count() < before
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/findings/u*")
    page.get_by_label("Note").fill("looked at")
    page.get_by_role("button", name="Acknowledge").focus()
    page.keyboard.press("Enter")
    page.get_by_text("acknowledged: looked at").wait_for()
    page.get_by_role("button", name="Open again").click()
    page.get_by_text("State").wait_for()
    assert page.said == []


def test_a_live_update_arrives(page: Any, house: tuple[Store, Running]) -> None:
    page.goto("/")
    page.wait_for_timeout(300)
    assert page.locator("#live").is_hidden()
    house[1].app.state.bell.ring()
    page.locator("#live").wait_for(state="visible", timeout=5000)
    assert page.said == []


def test_values_are_readable_on_hover(page: Any) -> None:
    page.goto("/")
    told = page.locator("svg.bar rect title").all_text_contents()
    assert any(text.startswith("TLS: ") and text.endswith("%") for text in told)
