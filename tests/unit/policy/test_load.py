"""Policy files: what is said about broken and unknown ones."""

from pathlib import Path

import pytest

from probe.policy.load import PolicyError, load, parse, shipped

HEAD = 'title = "T"\nissuer = "I"\nversion = "1"\nurl = "https://example.org"\n'
RULE = """
[[rule]]
id = "A"
fact = "tls.version"
not_in = ["SSLv3"]
level = "must_not"
clause = "1"
title = "t"
remediation = "r"
"""


def _refused(text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        parse("p", text.encode(), "p.toml")
    return str(caught.value)


def test_both_shipped_policies_are_judged_by_default() -> None:
    assert shipped() == ["aws-site-to-site-vpn", "bsi-tr-02102-3", "rfc8247", "rfc9206", "rfc9325"]
    assert [policy.id for policy in load()] == ["rfc9325", "rfc8247"]


def test_a_policy_of_ones_own_is_named_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text(HEAD + RULE)
    [policy] = load([str(path)])
    assert policy.id == "house"
    [verdict] = policy.judge({"tls.version": "SSLv3"})
    assert (verdict.policy, verdict.rule, verdict.status, verdict.severity) == ("house", "A", "fail", "high")


def test_unknown_policy_names_the_nearest() -> None:
    with pytest.raises(PolicyError, match=r"^policy rfc9235: unknown; did you mean rfc9325\?"):
        load(["rfc9235"])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file or directory; --policy wants"):
        load([str(tmp_path / "x.toml")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = \n", "p.toml:1: file: Invalid value"),
        (HEAD, "p.toml:1: rule: object missing required field `rule`"),
        (HEAD + RULE + "colour = 3\n", "p.toml:14: colour: object contains unknown field `colour`"),
        (HEAD + RULE.replace('"1"', "1"), "p.toml:11: clause: expected `str`, got `int`"),
        (HEAD + RULE + RULE.replace("must_not", "shall"), "p.toml:19: level: invalid enum value 'shall'"),
        (
            HEAD + RULE.replace("tls.version", "tls.versoin"),
            "p.toml:8: rule A: fact: tls.versoin is no fact that can be observed; did you mean tls.version?",
        ),
        (
            HEAD + RULE + 'when = { "tls.siute" = "x" }\n',
            "p.toml:14: rule A: when: tls.siute is no fact that can be observed; did you mean tls.suite?",
        ),
        (
            HEAD + RULE + "min = 3\n",
            "p.toml:7: rule A: id: needs exactly one of in, not_in, equals, min, max, present,",
        ),
        (HEAD + RULE + RULE, "p.toml:16: rule A: id: used twice"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text: str, message: str) -> None:
    assert _refused(text).startswith(message)


def test_not_utf8() -> None:
    with pytest.raises(PolicyError, match=r"^p\.toml:2: file: not UTF-8"):
        parse("p", b"# x\n# \xff\n", "p.toml")
