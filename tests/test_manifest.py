"""Every capture of the manifest through the real core: what the programs were told must be found, and nothing else.

How the keys of manifest.toml are read here:

- of a file: `packets` must be counted; `damaged` says that the summary names damage, without it there must be none.
- `[[file.flow]]`: the flow records, in order of their first packets, one for one. Identity: `transport`, addresses,
  ports, `tunnel`.
- facts (`class`, `protocol`, `starttls`, `tls`, `ike`, `esp`, `quic`, `credentials`, `http`): must be in the record; of
  a table only the named members are compared; a number where the record has a list is its length.
- `absent`: dotted members that the record must not have.
- `findings`: exactly these checks (and the named part of `observed`) must fail or warn on the flow; one entry covers
  several findings of one check. Without the key, nothing is said about the flow's findings.
- `clean`: checks that must not fail or warn; for `certificate.chain` the chain must be judged ok, not merely unseen.
- `unseen_by_tshark` is for tests/pcaps/make alone.
"""

from typing import Any, Final

import pytest
from captures import FILES, NAMES, flows, of_type, records, summary

FILE_KEYS: Final = {"name", "holds", "made_with", "link_type", "packets", "trust", "damaged", "flow"}
IDENTITY: Final = ("transport", "src_ip", "dst_ip", "src_port", "dst_port", "tunnel")
FACTS: Final = ("class", "protocol", "starttls", "via", "tls", "ike", "esp", "ah", "quic", "credentials", "http")
OTHERS: Final = {"findings", "clean", "absent", "unseen_by_tshark"}
NOTED: Final = ("fail", "warn")

# What is not yet as the manifest wants it: (capture, name of the test) -> reason. Strict: whoever mends it says so.
KNOWN: Final[dict[tuple[str, str], str]] = {}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each capture in turn."""
    capture = str(request.param)
    test = request.node.originalname
    if reason := KNOWN.get((capture, test)):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return capture


def _expected(name: str) -> list[dict[str, Any]]:
    return list(FILES[name].get("flow", []))


def _pairs(name: str) -> tuple[list[tuple[dict[str, Any], dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """(expected, record) of one identity in order, and what is left over on either side."""
    left, pairs, missing = flows(name), [], []
    for expected in _expected(name):
        identity = {key: expected[key] for key in IDENTITY if key in expected}
        identity.setdefault("tunnel", None)
        found = next((flow for flow in left if all(flow.get(key) == value for key, value in identity.items())), None)
        if found is None:
            missing.append(expected)
        else:
            left.remove(found)
            pairs.append((expected, found))
    return pairs, missing, left


def _differences(path: str, expected: Any, found: Any) -> list[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line for key, value in expected.items() for line in _differences(f"{path}.{key}", value, found.get(key))
        ]
    if isinstance(found, list) and isinstance(expected, int):
        found = len(found)
    if path == "ike.notifies" and isinstance(found, list):  # those that matter, among many that say what is supported
        return [f"{path} lacks {one}" for one in expected if one not in found]
    return [] if type(expected) is type(found) and expected == found else [f"{path} is {found!r}, not {expected!r}"]


def _has(record: dict[str, Any], path: str) -> bool:
    area, _, key = path.partition(".")
    return area in record and (not key or key in record[area])


def _on(name: str, flow: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings whose evidence names the flow."""
    return [record for record in of_type(name, "finding") if flow["community_id"] in record["evidence"]["flows"]]


def _is_of(finding: dict[str, Any], expected: dict[str, Any]) -> bool:
    observed = {key: value for key, value in expected.items() if key != "check"}
    return finding["check"] == expected["check"] and observed.items() <= finding["observed"].items()


def test_the_keys_are_known(name: str) -> None:
    """A new key needs a meaning here before it can be relied upon."""
    assert set(FILES[name]) <= FILE_KEYS
    for expected in _expected(name):
        assert set(expected) <= {*IDENTITY, *FACTS, *OTHERS}


def test_every_flow_and_no_other(name: str) -> None:
    _, missing, left = _pairs(name)
    assert not missing
    assert not left


def test_the_facts_of_each_flow(name: str) -> None:
    lines = []
    for expected, found in _pairs(name)[0]:
        for area in FACTS:
            if area in expected:
                lines += _differences(area, expected[area], found.get(area))
        lines += [f"{path} is there" for path in expected.get("absent", []) if _has(found, path)]
    assert not lines


def test_the_findings_of_each_flow(name: str) -> None:
    lines = []
    for expected, flow in _pairs(name)[0]:
        if "findings" not in expected:
            continue
        wanted = expected["findings"]
        found = [finding for finding in _on(name, flow) if finding["status"] in NOTED]
        lines += [f"missing {one}" for one in wanted if not any(_is_of(finding, one) for finding in found)]
        lines += [
            f"not expected: {finding['status']} {finding['check']} {finding['observed']}"
            for finding in found
            if not any(_is_of(finding, one) for one in wanted)
        ]
    assert not lines


def test_what_must_be_clean_is(name: str) -> None:
    for expected, flow in _pairs(name)[0]:
        findings = _on(name, flow)
        for check in expected.get("clean", []):
            assert [f["title"] for f in findings if f["check"] == check and f["status"] in NOTED] == []
        if "certificate.chain" in expected.get("clean", []):
            chain = [finding for finding in findings if finding["check"] == "certificate.chain"]
            assert [(finding["status"], finding["observed"]["reason"]) for finding in chain] == [("pass", "ok")]


def test_no_finding_without_a_flow(name: str) -> None:
    seen = {flow["community_id"] for flow in flows(name)}
    for finding in of_type(name, "finding"):
        assert finding["evidence"]["flows"]
        assert set(finding["evidence"]["flows"]) <= seen


def test_frames_of_evidence_are_in_the_capture(name: str) -> None:
    source = name.rpartition("/")[2]
    known = {f"{source}#{number}" for number in range(1, FILES[name]["packets"] + 1)}
    for finding in of_type(name, "finding"):
        assert finding["evidence"]["frames"]
        assert set(finding["evidence"]["frames"]) <= known


def test_certificates_are_given_once_and_all(name: str) -> None:
    given = [record["sha256"] for record in of_type(name, "certificate")]
    named = [
        sha256
        for flow in flows(name)
        for key in ("certificates", "client_certificates")
        for sha256 in flow.get("tls", {}).get(key, [])
    ]
    assert len(given) == len(set(given))
    assert set(given) == set(named)


def test_the_summary_adds_up(name: str) -> None:
    last = summary(name)
    assert records(name)[-1]["type"] == "summary"
    assert last["packets"] == FILES[name]["packets"]
    assert last["flows"] == len(flows(name))
    assert bool(last["damaged"]) == FILES[name].get("damaged", False)
    assert not last["malformed"]
    assert not last["limits"]
    assert not last["drops"]
    for kind, totals in last["by_class"].items():
        mine = [flow for flow in flows(name) if flow["class"] == kind]
        assert totals["flows"] == len(mine)
        assert totals["packets"] == sum(sum(flow["packets"]) for flow in mine)
        assert totals["bytes"] == sum(sum(flow["bytes"]) for flow in mine)
