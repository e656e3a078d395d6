"""A CycloneDX 1.6 bill of the cryptography that was seen: certificates, and protocols with their suites. Pure."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.crypto import (
    CertificateProperties,
    CryptoAssetType,
    CryptoProperties,
    ProtocolProperties,
    ProtocolPropertiesCipherSuite,
    ProtocolPropertiesType,
)
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from collector.export.evidence import Evidence, record
from collector.export.inventories import suite
from probe import __version__

if TYPE_CHECKING:
    from collector.paging import Row

_TYPES: Final = {
    "tls": ProtocolPropertiesType.TLS,
    "dtls": ProtocolPropertiesType.DTLS,
    "quic": ProtocolPropertiesType.QUIC,
    "ike": ProtocolPropertiesType.IKE,
    "esp": ProtocolPropertiesType.IPSEC,
    "ah": ProtocolPropertiesType.IPSEC,
    "ssh": ProtocolPropertiesType.SSH,
}
_TURN: Final = 500  # components given to the library at a time
_LISTS: Final = frozenset(("components", "dependencies"))
"""Members of a document that name its components; that each depends on nothing need not be said."""
_SPACE: Final = uuid.UUID("7f8b4f0c-6f55-4a43-9a5e-2f5b9d3d1c10")  # so that the same content has the same serial number


def cbom(evidence: Evidence) -> Iterator[bytes]:
    """JSON, in pieces: what the library takes for a document grows with the square of its components."""
    known = [row["sha256"] for row in evidence.certificates]
    kinds = list(_protocols(evidence))
    serial = uuid.uuid5(_SPACE, f"{evidence.made} {known} {[str(one.bom_ref) for one in kinds]}")
    whole = _document(evidence, [], serial)
    yield msgspec.json.encode({name: value for name, value in whole.items() if name not in _LISTS}).removesuffix(b"}")
    components, between = chain(kinds, _certificates(evidence)), b',"components":[\n'
    while turn := list(islice(components, _TURN)):
        for one in _document(evidence, turn, serial)["components"]:
            yield between + msgspec.json.encode(one)
            between = b",\n"
    yield b"]}\n" if between == b",\n" else b"}\n"


def _document(evidence: Evidence, components: list[Component], serial: uuid.UUID) -> dict[str, Any]:
    made = dt.datetime.fromtimestamp(evidence.made, dt.UTC)
    tool = Component(type=ComponentType.APPLICATION, name="transitproof", version=__version__, bom_ref="transitproof")
    metadata = BomMetaData(timestamp=made, tools=ToolRepository(components=[tool]))
    bom = Bom(components=components, metadata=metadata, serial_number=serial)
    document: dict[str, Any] = msgspec.json.decode(JsonV1Dot6(bom).output_as_string())
    return document


def _certificates(evidence: Evidence) -> Iterator[Component]:
    for row in evidence.certificates:
        properties = CertificateProperties(
            subject_name=row["subject"] or None,
            issuer_name=row["issuer"] or None,
            not_valid_before=_time(row["not_before"]),
            not_valid_after=_time(row["not_after"]),
            certificate_format="X.509",
        )
        shown = record(row)
        key = shown.get("key")
        told = {
            "sha256": row["sha256"],
            "publicKeySha256": row["spki_sha256"],
            "signature": shown.get("signature"),
            "key": " ".join(map(str, key.values())) if isinstance(key, dict) else None,
        }
        yield _asset(
            f"certificate:{row['sha256']}",
            row["subject"] or row["sha256"],
            CryptoProperties(asset_type=CryptoAssetType.CERTIFICATE, certificate_properties=properties),
            row["endpoints"],
            told,
        )


def _protocols(evidence: Evidence) -> Iterator[Component]:
    """One for each protocol and version, with all suites that were negotiated and all places."""
    kinds: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for posture in evidence.postures:
        facts = posture["facts"]
        protocol = str(facts.get("protocol", ""))
        if facts.get("class") in {"tls", "ipsec", "encrypted"} and protocol:
            kinds[protocol, str(facts.get("tls.version", facts.get("ike.version", "")))].append(posture)
    for (protocol, version), postures in sorted(kinds.items()):
        suites = sorted({suite(posture["facts"]) for posture in postures} - {""})
        kind = _TYPES.get(protocol, ProtocolPropertiesType.OTHER)
        properties = ProtocolProperties(
            type=kind,
            version=version or None,
            cipher_suites=[ProtocolPropertiesCipherSuite(name=one) for one in suites],
        )
        groups = {str(posture["facts"].get("tls.group", posture["facts"].get("ike.ke", ""))) for posture in postures}
        yield _asset(
            f"protocol:{protocol}:{version}",
            f"{protocol} {version}".strip(),
            CryptoProperties(asset_type=CryptoAssetType.PROTOCOL, protocol_properties=properties),
            sorted({posture["endpoint"] for posture in postures}),
            {"keyExchange": ", ".join(sorted(groups - {""})) or None},
        )


def _asset(
    reference: str, name: str, properties: CryptoProperties, places: list[str], told: dict[str, Any]
) -> Component:
    evidence = ComponentEvidence(occurrences=[Occurrence(location=place) for place in places]) if places else None
    return Component(
        type=ComponentType.CRYPTOGRAPHIC_ASSET,
        name=name,
        bom_ref=reference,
        crypto_properties=properties,
        evidence=evidence,
        properties=[Property(name=f"transitproof:{what}", value=str(value)) for what, value in told.items() if value],
    )


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
