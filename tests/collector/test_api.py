"""schemathesis against a real server: whatever the description allows is answered as it says, and nothing ends in a 500."""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from test_web import EVIL, VIEWER, Running, fill, filled  # noqa: F401 - a fixture

from collector.store.store import Store
from collector.web import access
from collector.web.access import Access


class Patient(Access):
    """Without a limit on requests: that has a test of its own."""

    def may_ask(self, client: str, now: float) -> bool:  # noqa: ARG002
        return True


BEARER = {"Authorization": f"Bearer {VIEWER}"}
EXAMPLES = int(os.environ.get("TRANSITPROOF_EXAMPLES", "6"))  # of each operation; CI is short
MODES = {"positive": GenerationMode.POSITIVE, "negative": GenerationMode.NEGATIVE}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "tokens").write_text(f"viewer ann {VIEWER}\n")
    for store in fill(folder):
        with Running(store, Patient(access.load(str(folder / "tokens")))) as running:
            yield running.url


@pytest.mark.parametrize("mode", MODES)
def test_it_answers_as_it_is_described(house: str, mode: str) -> None:
    description = schemathesis.openapi.from_url(f"{house}/api/v1/openapi.json", headers=BEARER)
    tried = set()
    for result in description.get_all_operations():
        operation = result.ok()
        if mode == "negative" and not (operation.query or operation.path_parameters):
            continue  # nothing that could be wrong

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=operation.as_strategy(generation_mode=MODES[mode]))
        def ask(case: Any) -> None:
            if mode == "positive" and case.query:
                case.query.pop("after", None)  # no schema tells a cursor from other text: test_web.py has real ones
            # An empty value for a parameter is taken as none, as browsers send empty fields of forms.
            lenient = [CHECKS.get_one("negative_data_rejection")] if mode == "negative" else []
            case.call_and_validate(headers=BEARER, excluded_checks=lenient)

        ask()
        tried.add(operation.path)
    assert {"/findings", "/audit-pack", "/endpoints", "/certificates/{sha256}"} <= tried


def test_a_flood_is_slowed_down(filled: Store) -> None:  # noqa: F811
    with Running(filled, Access(None)) as running, httpx.Client(base_url=running.url) as client:
        codes = [client.get("/healthz").status_code for _ in range(int(access.BURST) + 200)]
        refused = client.get("/healthz")
    assert codes[0] == 200
    assert 429 in codes
    assert refused.status_code == 200 or refused.headers["retry-after"] == "1"


def test_metrics_are_those_of_prometheus(filled: Store) -> None:  # noqa: F811
    from prometheus_client.parser import text_string_to_metric_families

    with Running(filled, Access(None)) as running:
        answer = httpx.get(f"{running.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    samples = {
        (one.labels.get("severity")): one.value for one in families["transitproof_collector_findings_open"].samples
    }
    assert samples["high"] == len(EVIL)
    assert families["transitproof_collector_kept_aside"].samples[0].value == 1
    assert {one.labels["class"]: one.value for one in families["transitproof_collector_last_day_bytes"].samples}[
        "tls"
    ] == 900
