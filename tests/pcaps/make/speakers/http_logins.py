"""An HTTP server with three ways to log in: `http_logins.py ADDRESS PORT USER PASSWORD TOKEN`.

/digest wants Digest (RFC 7616, MD5, one fixed nonce), /bearer a token (RFC 6750), /form a form; each says hello then.
"""

import hashlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs
from urllib.request import parse_http_list, parse_keqv_list

ADDRESS, PORT, USER, PASSWORD, TOKEN = sys.argv[1:]
REALM, NONCE = "intranet", "0123456789abcdef"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        if self.path == "/bearer":
            self._answer(200 if (scheme, rest) == ("Bearer", TOKEN) else 401, f'Bearer realm="{REALM}"')
            return
        known = False
        if scheme == "Digest":
            fields = parse_keqv_list(parse_http_list(rest))
            first, second = _md5(f"{USER}:{REALM}:{PASSWORD}"), _md5(f"GET:{self.path}")
            known = fields["response"] == _md5(f"{first}:{NONCE}:{fields['nc']}:{fields['cnonce']}:auth:{second}")
        self._answer(200 if known else 401, f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth"')

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(200 if parse_qs(body)["username"] == [USER] else 403)

    def _answer(self, status: int, challenge: str = "") -> None:
        content = b"hello\n" if status == 200 else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 401:
            self.send_header("WWW-Authenticate", challenge)
        self.end_headers()
        self.wfile.write(content)


HTTPServer((ADDRESS, int(PORT)), Handler).serve_forever()
