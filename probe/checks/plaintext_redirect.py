"""plaintext.redirect: HTTP that does nothing but send clients to HTTPS

Meaning: every answer of the flow redirects (301, 302, 307, 308) to an https address; no content was served. `info`
where the request gave nothing away; `low` where a login, a cookie or content had already been sent in the clear by
then. A flow that is answered by anything else is plaintext.protocol.

Evidence: `http.redirect_to_https` (every answer seen, observed), `http.hsts` where an answer carries
Strict-Transport-Security (browsers heed it over TLS only), `http.request_carries` for cookie and body.

Why it matters: this is how it should be, but the first request of a client stays readable, and whoever can change it
can keep the client on HTTP. What the request carried was seen by everybody on the path, redirect or not.

How to fix: send Strict-Transport-Security over HTTPS and have the name preloaded, so that browsers never ask over HTTP;
mark cookies Secure; correct links and clients that still use http.

Reference: RFC 6797 sections 7.2 and 8.1 (HSTS), RFC 9110 section 15.4 (redirection), RFC 6265 section 5.2.5 (Secure).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "plaintext.redirect"

_SHOWN: Final = ("protocol", "http.redirect_to_https", "http.hsts", "http.request_carries", "plaintext.credentials")
_WORDS: Final = {"cookie": "a cookie", "body": "content", "login": "a login"}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for HTTP whose answers all redirect."""
    if facts.get("class") != "plaintext" or not facts.get("http.redirect_to_https"):
        return []
    carried = facts.get("http.request_carries", [])
    sent = [*carried] if isinstance(carried, list) else [str(carried)]
    if "plaintext.credentials" in facts:
        sent.insert(0, "login")
    title = "HTTP that only redirects to HTTPS"
    if sent:
        what = " and ".join(_WORDS[word] for word in sent)
        title += f", after {what} {'was' if len(sent) == 1 else 'were'} sent in the clear"
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low" if sent else "info",
            title=title,
            observed={name: facts[name] for name in _SHOWN if name in facts},
            key={"sent": sent},
            remediation="Use https in links and clients, mark cookies Secure, and preload Strict-Transport-Security.",
        )
    ]
