"""What is said of keys that were given for IKE and ESP: that they fit, or that they do not."""

from probe.model import Facts, Verdict


def verdicts(facts: Facts, check: str, what: str, fits: str) -> list[Verdict]:
    """`check` is the fact as well: fit, unfit, or absent where no keys were given."""
    keys = facts.get(check)
    if keys is None:
        return []
    unfit = keys == "unfit"
    return [
        Verdict(
            check=check,
            status="warn" if unfit else "pass",
            severity="low" if unfit else "info",
            title=f"Keys given for this {what} do not open it" if unfit else fits,
            observed={check: keys},
            key={check: keys},
            remediation="Write the table of keys in the same run of the gateway as the capture." if unfit else None,
            evidence="decrypted",
        )
    ]
