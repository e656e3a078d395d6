"""Who speaks: the instance on EC2, by its metadata service (IMDSv2), else an id made from the machine's own.

Of the metadata service only a session token, the instance identity document and, where the instance exposes them, its
tags are asked for; never version 1, never credentials. It is asked once, at the start, before anything is captured.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import re
import uuid
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from probe import __version__
from probe.model import rfc3339

IMDS: Final = "169.254.169.254"
TIMEOUT: Final = 1.0  # seconds for each answer: the service is on the same host, and a start must not hang on it
TTL: Final = "60"  # seconds that the token holds: a handful of questions
MAX_ANSWER: Final = 65_536  # bytes; the document has some 500
MAX_TAGS: Final = 50  # as many as an instance can have
_APPLICATION: Final = uuid.UUID("9c1f33a4-52a1-4f0e-9a1e-6d1d5d7f3c56")
"""Ours alone: the machine's id itself identifies it everywhere and must not be sent (machine-id(5))."""
_DMI: Final = Path("/sys/class/dmi/id/sys_vendor")
_MACHINE_ID: Final = Path("/etc/machine-id")
_FIT: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Identity(Struct, frozen=True, kw_only=True):
    """For the state record and for those who publish."""

    id: str
    site: str
    source: str
    """configuration, ec2, machine_id or random"""
    ec2: dict[str, Any] = {}
    """account, region, instance, zone, type, image, tags; as far as the service told."""
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    """Of this run of the agent."""
    version: str = __version__
    problem: str | None = None
    """Why the metadata service did not answer, where it should have."""

    def state(self, time: int, *, online: bool, interfaces: list[str], policies: list[str]) -> bytes:
        """The state record: that this agent began, or ended in good order."""
        who = {"id": self.id, "site": self.site, "version": self.version, "source": self.source}
        record = {"type": "state", "time": rfc3339(time), "online": online, "probe": who, "boot_id": self.boot_id}
        record |= {"interfaces": interfaces, "policies": policies}
        return msgspec.json.encode(record | {"ec2": self.ec2} if self.ec2 else record)


def identify(wanted: str | None, site: str, ec2: str, *, host: str = IMDS, port: int = 80) -> Identity:
    """`wanted`: the id of the configuration; `ec2`: yes, no, or auto, which asks where the hardware is Amazon's."""
    told: dict[str, Any] = {}
    problem = None
    if ec2 == "yes" or (ec2 == "auto" and on_ec2()):
        try:
            told = ask(host, port)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"{error or type(error).__name__}; in a container the instance's hop limit must be 2"
    if wanted is not None:
        return Identity(id=wanted, site=site, source="configuration", ec2=told, problem=problem)
    instance = told.get("instance")
    if isinstance(instance, str) and _FIT.fullmatch(instance):
        return Identity(id=instance, site=site, source="ec2", ec2=told)
    machine = machine_id()
    if machine is not None:
        return Identity(id=machine, site=site, source="machine_id", ec2=told, problem=problem)
    return Identity(id=uuid.uuid4().hex, site=site, source="random", ec2=told, problem=problem)


def on_ec2(vendor: Path = _DMI) -> bool:
    """Whether the hardware says so: nothing is sent anywhere to find out."""
    try:
        return vendor.read_text().strip() == "Amazon EC2"
    except OSError:
        return False


def machine_id(path: Path = _MACHINE_ID) -> str | None:
    """As sd_id128_get_machine_app_specific(3) makes it; None if the machine has no id."""
    with contextlib.suppress(OSError, ValueError):
        machine = uuid.UUID(path.read_text().strip())
        digest = hmac.new(machine.bytes, _APPLICATION.bytes, hashlib.sha256).digest()
        return uuid.UUID(bytes=digest[:16], version=4).hex
    return None


def ask(host: str = IMDS, port: int = 80) -> dict[str, Any]:
    """What the metadata service tells. Raises OSError, HTTPException and ValueError."""
    token = _request(host, port, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": TTL})
    if token is None:
        raise ValueError("the metadata service gives no token")
    held = {"X-aws-ec2-metadata-token": token}
    document = _request(host, port, "GET", "/latest/dynamic/instance-identity/document", held)
    if document is None:
        raise ValueError("the metadata service has no identity document")
    given = json.loads(document)
    names = {
        "account": "accountId",
        "region": "region",
        "instance": "instanceId",
        "zone": "availabilityZone",
        "type": "instanceType",
        "image": "imageId",
    }
    told: dict[str, Any] = {name: given[key] for name, key in names.items() if isinstance(given.get(key), str)}
    keys = _request(host, port, "GET", "/latest/meta-data/tags/instance", held)
    tags = {}
    for key in (keys or "").splitlines()[:MAX_TAGS]:
        if (value := _request(host, port, "GET", f"/latest/meta-data/tags/instance/{key}", held)) is not None:
            tags[key] = value
    return {**told, "tags": tags} if tags else told


def _request(host: str, port: int, method: str, path: str, headers: dict[str, str]) -> str | None:
    """The answer's text; None where there is no such thing, as tags that are not exposed."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(MAX_ANSWER)
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"the metadata service answers {method} {path} with {answer.status}")
        return body.decode("utf-8", errors="replace")
    finally:
        connection.close()
