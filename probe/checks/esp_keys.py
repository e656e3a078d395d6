"""esp.keys: keys that were given for an ESP association and do not open it

Meaning: a table of keys (Wireshark's esp_sa, strongSwan's save-keys plug-in) names an SPI of this tunnel, but no packet
opens with the keys there (`unfit`). Where they fit, the flows inside have records of their own, evidence decrypted;
they are not judged, since on this link they are protected.

Evidence: the integrity check value of every packet, made anew with the keys (decrypted).

Why it matters: what is inside stays unknown, and a table that is wrong here may be wrong elsewhere. It says nothing
against the tunnel.

How to fix: write the table in the same run of the gateway as the capture; a rekey needs a line of its own. The upper
half of extended sequence numbers is not sent: a capture that joins after 2^40 packets of an association, or misses
2^31 in a row beyond that, does not open.

Reference: RFC 4303 sections 2.8 and 3.4.4.
"""

from typing import Final

from probe.checks.given_keys import verdicts
from probe.model import Facts, Verdict

CHECK: Final = "esp.keys"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where keys were given."""
    return verdicts(facts, CHECK, "ESP association", "ESP read with the keys given")
