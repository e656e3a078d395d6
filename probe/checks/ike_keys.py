"""ike.keys: keys that were given for an IKE SA and do not open it

Meaning: a table of keys (Wireshark's ikev2_decryption_table, strongSwan's save-keys plug-in) names this IKE SA by its
SPIs, but no message opens with the keys there (`unfit`). Where they fit, the flow's record says under
`ike.decrypted` who the peers are, how they proved it, and which child SAs they agreed on.

Evidence: the integrity check value of every encrypted message, made anew with the keys (decrypted).

Why it matters: what was agreed on under encryption stays unknown, and a table that is wrong here may be wrong
elsewhere. It says nothing against the tunnel.

How to fix: write the table in the same run of the gateway as the capture; a rekey of the IKE SA needs a line of its
own.

Reference: RFC 7296 section 3.14.
"""

from typing import Final

from probe.checks.given_keys import verdicts
from probe.model import Facts, Verdict

CHECK: Final = "ike.keys"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where keys were given."""
    return verdicts(facts, CHECK, "IKE SA", "IKE read with the keys given")
