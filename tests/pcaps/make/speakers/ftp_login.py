"""FTP with AUTH TLS up to TLS 1.2: `ftp_login.py ADDRESS NAME USER PASSWORD ROOT`.

curl says AUTH SSL, an older word; this client says AUTH TLS (RFC 4217). No data connection is opened.
"""

import ftplib
import ssl
import sys


def main() -> None:
    address, name, user, password, root = sys.argv[1:]
    context = ssl.create_default_context(cafile=root)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = ftplib.FTP_TLS(context=context)
    client.connect(address)
    client.host = name  # what AUTH TLS sends as SNI and verifies
    client.auth()
    assert isinstance(client.sock, ssl.SSLSocket)
    print(client.sock.version(), client.sock.cipher(), client.login(user, password), client.voidcmd("TYPE I"))
    client.quit()


main()
