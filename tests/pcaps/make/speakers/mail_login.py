"""Log in to a mail server and list what is there: `mail_login.py imap|pop3 ADDRESS USER PASSWORD`.

curl prefers SASL whenever the server offers it; this client uses the commands LOGIN, and USER and PASS.
"""

import imaplib
import poplib
import sys


def main() -> None:
    kind, address, user, password = sys.argv[1:]
    if kind == "imap":
        with imaplib.IMAP4(address) as imap:
            print(imap.login(user, password), imap.list())
    else:
        pop3 = poplib.POP3(address)
        print(pop3.user(user), pop3.pass_(password), pop3.list(), pop3.quit())


main()
