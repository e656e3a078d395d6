"""How one message gets to one end. Blocking; called in a thread. Raises EndError with one line and no secret."""

import hashlib
import hmac
import http.client
import json
import smtplib
import socket
from collections.abc import Mapping
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from collector.alerts.matching import one_line, subject, text
from collector.alerts.settings import Email, End, EventBridge, Sns, Syslog, Webhook
from collector.times import rfc3339
from probe import __version__
from probe.publish.end import context
from probe.publish.settings import SettingsError, secret

if TYPE_CHECKING:
    import ssl

TIMEOUT: Final = 15.0  # seconds
MAX_ANSWER: Final = 64 * 1024  # bytes that are read
MAX_EVENT: Final = 250_000  # bytes; SNS and EventBridge take 256 kB with what is around it
_PRIORITIES: Final = {"critical": 2, "high": 3, "medium": 4, "low": 5, "info": 6}

Told = Mapping[str, Any]


class EndError(Exception):
    """The message was not taken; it is tried again."""


def send(end: End, told: Told, now: float) -> None:
    """Returns once the end has it. Raises EndError."""
    try:
        match end:
            case Webhook():
                _webhook(end, told)
            case Email():
                _email(end, told)
            case Syslog():
                _syslog(end, told, now)
            case Sns():
                _sns(end, told)
            case EventBridge():
                _eventbridge(end, told)
    except (OSError, http.client.HTTPException, smtplib.SMTPException, SettingsError) as error:
        raise EndError(_why(error)) from None


def _why(error: Exception) -> str:
    words = getattr(error, "strerror", None) or getattr(error, "smtp_error", None) or str(error)
    return one_line(words.decode(errors="replace") if isinstance(words, bytes) else str(words)) or type(error).__name__


def _webhook(end: Webhook, told: Told) -> None:
    body, url = json.dumps(told).encode(), urlsplit(end.url)
    headers = {"Content-Type": "application/json", "User-Agent": f"transitproof/{__version__}"}
    headers["Idempotency-Key"] = told["id"]
    if end.secret is not None:
        signed = hmac.new(secret(end.secret).encode(), body, hashlib.sha256).hexdigest()
        headers["Transitproof-Signature"] = f"sha256={signed}"
    if end.authorization is not None:
        headers["Authorization"] = secret(end.authorization)
    connection = (
        http.client.HTTPSConnection(url.hostname or "", url.port, timeout=TIMEOUT, context=context(end))
        if url.scheme == "https"
        else http.client.HTTPConnection(url.hostname or "", url.port, timeout=TIMEOUT)
    )
    try:
        connection.request("POST", (url.path or "/") + (f"?{url.query}" if url.query else ""), body, headers)
        answer = connection.getresponse()
        answer.read(MAX_ANSWER)
    finally:
        connection.close()
    if not 200 <= answer.status < 300:  # redirects too: the address in the configuration is the one that is meant
        raise EndError(f"the server answers {answer.status} ({http.client.responses.get(answer.status, '?').lower()})")


def _email(end: Email, told: Told) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject(told), end.sender, ", ".join(end.to)
    mail["Message-ID"] = f"<{told['id']}@transitproof>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text(told))
    tls = context(end)
    if end.implicit:
        server: smtplib.SMTP = smtplib.SMTP_SSL(end.host, end.port, timeout=TIMEOUT, context=tls)
    else:
        server = smtplib.SMTP(end.host, end.port, timeout=TIMEOUT)
    with server:
        if not end.implicit:
            server.starttls(context=tls)  # refused: SMTPNotSupportedError, and nothing is sent
        if end.user is not None and end.password is not None:
            server.login(end.user, secret(end.password))
        server.send_message(mail)


def _syslog(end: Syslog, told: Told, now: float) -> None:
    """A message for each finding, so that what reads logs can count them."""
    with socket.create_connection((end.host, end.port), TIMEOUT) as plain:
        tls: ssl.SSLContext | None = None if end.plain else context(end)
        stream = plain if tls is None else tls.wrap_socket(plain, server_hostname=end.host)
        with stream:
            host = socket.gethostname()
            for row in told["findings"]:
                priority = end.facility * 8 + _PRIORITIES.get(row["severity"], 6)
                record = json.dumps({"id": told["id"], "rule": told["rule"], **row})  # ASCII: no line ends from packets
                line = f"<{priority}>1 {rfc3339(now)} {host} transitproof - alert - {record}".encode()
                stream.sendall(b"%d " % len(line) + line)


def _sns(end: Sns, told: Told) -> None:
    fifo = end.topic.endswith(".fifo")
    once = {"MessageDeduplicationId": told["id"], "MessageGroupId": told["rule"][:128]} if fifo else {}
    title = one_line(subject(told)).encode("ascii", "replace").decode()[:100]
    _aws("sns", end.region, "publish", TopicArn=end.topic, Subject=title, Message=_event(told), **once)


def _eventbridge(end: EventBridge, told: Told) -> None:
    entry = {"Source": end.source, "DetailType": "Transitproof alert", "Detail": _event(told), "EventBusName": end.bus}
    answer = _aws("events", end.region, "put_events", Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise EndError(f"EventBridge says {one_line(str(answer['Entries'][0].get('ErrorCode', 'no')))}")


def _event(told: Told) -> str:
    """With as many findings as there is room for."""
    rows = list(told["findings"])
    while rows and len(made := json.dumps({**told, "findings": rows})) > MAX_EVENT:
        del rows[len(rows) * 3 // 4 :]
    return made if rows else json.dumps({**told, "findings": []})


def _aws(service: str, region: str | None, action: str, **arguments: Any) -> Any:  # noqa: ANN401
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise EndError("boto3 is not installed: pip install 'transitproof[aws]'") from None
    settings = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"max_attempts": 2})
    try:
        return getattr(boto3.client(service, region_name=region, config=settings), action)(**arguments)
    except (BotoCoreError, ClientError) as error:
        raise EndError(one_line(str(error))) from None
