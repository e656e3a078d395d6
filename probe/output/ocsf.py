"""OCSF events (schema.ocsf.io) from the records of the contract. Pure; the same record gives the same event.

    flow      network_activity 4001, dns_activity 4003 (protocol dns), tunnel_activity 4014 (class ipsec)
    tunnel    tunnel_activity 4014
    finding   compliance_finding 2003 (a rule of a policy, certificates), detection_finding 2004 (everything else)

Certificates, rollups, health and the summary have no event: OCSF has no class for them. What a record has and the
schema has no attribute for (key exchange group, IKE proposals, how a thing is known) is in `unmapped.transitproof`.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from probe import __version__
from probe.values import is_address

Event = dict[str, Any]

VERSION: Final = "1.8.0"
NETWORK, DNS, TUNNEL, COMPLIANCE, DETECTION = 4001, 4003, 4014, 2003, 2004
OPEN_, CLOSE, RESET, FAIL, TRAFFIC, OTHER = 1, 2, 3, 4, 6, 99
SEVERITIES: Final = {"info": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
# "Warning" is what OCSF calls a check without a result because information is missing
STATUSES: Final = {"pass": (1, "Pass"), "warn": (2, "Warning"), "fail": (3, "Fail"), "not_observable": (2, "Warning")}
PROTOCOLS: Final = {"icmp": 1, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58, "sctp": 132}
_ENDPOINT: Final = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<other>[^:<>/\[\]]+))(?::(?P<port>\d+))?/\w+")
_ABOUT_POLICY: Final = ("certificate.", "pq.", "policy.")
# Members of a flow that have a place of their own
_PLACED: Final = {
    "type", "start", "end", "community_id", "src_ip", "src_port", "dst_ip", "dst_port", "src_mac", "dst_mac",
    "transport", "packets", "bytes", "protocol",
}  # fmt: skip
_PLACED_TLS: Final = {"version", "suite", "sni", "ja3", "ja3s", "ja4"}


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """JSON Lines of records into JSON Lines of events."""
    decode, encode = msgspec.json.Decoder().decode_lines, msgspec.json.Encoder().encode_lines
    for chunk in chunks:
        yield encode([made for made in map(event, decode(chunk)) if made is not None])


def event(record: Mapping[str, Any], *, probe: str | None = None) -> Event | None:
    """The event of a record; None if OCSF has none for it. `probe`: whose record it is."""
    if record.get("type") == "flow":
        made = _flow(record)
    elif record.get("type") == "tunnel":
        made = _tunnel(record)
    elif record.get("type") == "finding":
        made = _finding(record)
    else:
        return None
    if probe is not None:
        made["metadata"]["log_name"] = probe
    return made


def _base(class_uid: int, activity: int, time: int, severity: int) -> Event:
    product = {"name": "transitproof", "vendor_name": "transitproof", "version": __version__}
    return {
        "class_uid": class_uid,
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "severity_id": severity,
        "time": time,
        "metadata": {"version": VERSION, "product": product},
    }


def _flow(record: Mapping[str, Any]) -> Event:
    tunnel = record["class"] == "ipsec"
    tls = record.get("tls", {})
    made = _base(
        TUNNEL if tunnel else DNS if record.get("protocol") == "dns" else NETWORK,
        _activity(record, tls, tunnel=tunnel),
        _ms(record["end"]),
        SEVERITIES["info"],
    )
    made |= {"start_time": _ms(record["start"]), "end_time": _ms(record["end"])}
    made["duration"] = max(0, made["end_time"] - made["start_time"])
    made["src_endpoint"], made["dst_endpoint"] = _end(record, "src"), _end(record, "dst")
    made["connection_info"] = _connection(record)
    made["traffic"] = _traffic(record)
    if tunnel:
        if "protocol" in record:
            made["protocol_name"] = record["protocol"]
        made["tunnel_type_id"] = 0
        if spi := record.get("ike", {}).get("initiator_spi"):
            made["session"] = {"uid": spi, "is_vpn": True}
    elif "protocol" in record:
        made["app_protocol_name"] = record["protocol"]
    if "established" in tls:
        made["status_id"] = 1 if tls["established"] else 2
    if "alert" in tls:
        made["status_detail"] = f"{tls.get('alert_from', '')} alert {tls['alert']}".strip()
    if "version" in tls:
        made["tls"] = _tls(tls)
    if "ja4" in tls:
        made["ja4_fingerprint_list"] = [{"type_id": 1, "value": tls["ja4"]}]
    made["unmapped"] = {"transitproof": _rest(record, tls)}
    return made


def _tunnel(record: Mapping[str, Any]) -> Event:
    """What the flows of IKE, ESP and AH between two peers come to."""
    made = _base(TUNNEL, CLOSE, _ms(record["end"]), SEVERITIES["info"])
    made |= {"start_time": _ms(record["start"]), "end_time": _ms(record["end"])}
    made["duration"] = max(0, made["end_time"] - made["start_time"])
    made["src_endpoint"], made["dst_endpoint"] = map(_endpoint, record["peers"])
    made["traffic"] = _traffic(record)
    made["tunnel_type_id"] = 0
    rest = {name: value for name, value in record.items() if name not in _PLACED and name != "peers"}
    made["unmapped"] = {"transitproof": rest}
    return made


def _activity(record: Mapping[str, Any], tls: Mapping[str, Any], *, tunnel: bool) -> int:
    if tunnel:
        return OPEN_ if "chosen" in record.get("ike", {}) else OTHER
    if record.get("protocol") == "dns":
        return TRAFFIC
    if tls.get("established") is False:
        return FAIL
    return {"fin": CLOSE, "rst": RESET}.get(record.get("end_reason", ""), TRAFFIC)


def _connection(record: Mapping[str, Any]) -> Event:
    made: Event = {"direction_id": 0, "protocol_name": record["transport"]}
    if record["transport"] in PROTOCOLS:
        made["protocol_num"] = PROTOCOLS[record["transport"]]
    if is_address(record.get("src_ip", "")):
        made["protocol_ver_id"] = ipaddress.ip_address(record["src_ip"]).version
    if "community_id" in record:
        made["community_uid"] = record["community_id"]
    return made


def _traffic(record: Mapping[str, Any]) -> Event:
    """Out is what the initiator sent."""
    (packets_out, packets_in), (bytes_out, bytes_in) = record["packets"], record["bytes"]
    return {
        "packets": packets_out + packets_in,
        "packets_out": packets_out,
        "packets_in": packets_in,
        "bytes": bytes_out + bytes_in,
        "bytes_out": bytes_out,
        "bytes_in": bytes_in,
    }


def _tls(tls: Mapping[str, Any]) -> Event:
    made: Event = {"version": tls["version"].removeprefix("TLSv")}
    for ours, theirs in (("suite", "cipher"), ("sni", "sni")):
        if ours in tls:
            made[theirs] = tls[ours]
    for ours, theirs in (("ja3", "ja3_hash"), ("ja3s", "ja3s_hash")):
        if ours in tls:
            made[theirs] = {"algorithm_id": 1, "algorithm": "MD5", "value": tls[ours]}
    extensions = []
    if "alpn" in tls:
        extensions.append({"type_id": 16, "data": {"selected": tls["alpn"]}})
    if "group" in tls:
        extensions.append({"type_id": 51, "data": {"group": tls["group"]}})
    if extensions:
        made["tls_extension_list"] = extensions
    return made


def _rest(record: Mapping[str, Any], tls: Mapping[str, Any]) -> Event:
    rest = {name: value for name, value in record.items() if name not in _PLACED and name != "tls"}
    placed = _PLACED_TLS if "version" in tls else {"ja4"}
    if more := {name: value for name, value in tls.items() if name not in placed}:
        rest["tls"] = more
    return rest


def _finding(record: Mapping[str, Any]) -> Event:
    compliance = "policy" in record or record["check"].startswith(_ABOUT_POLICY)
    made = _base(COMPLIANCE if compliance else DETECTION, 1, _ms(record["last_seen"]), SEVERITIES[record["severity"]])
    made["metadata"]["uid"] = record["uid"]
    made |= {
        "status_id": 3 if "waived" in record else 1,
        "message": record["title"],
        "count": record["count"],
        "start_time": _ms(record["first_seen"]),
        "end_time": _ms(record["last_seen"]),
        "finding_info": _info(record),
        "resources": [_resource(record)],
        "evidences": [{"data": {**record["evidence"], "observed": record["observed"]}}],
    }
    if endpoint := _reached(record["endpoint"]):
        made["evidences"][0]["dst_endpoint"] = endpoint
    if "client" in record:
        made["evidences"][0]["src_endpoint"] = _endpoint(record["client"])
    if "domain" in record:
        made["evidences"][0]["query"] = {"hostname": record["domain"]}
    if "remediation" in record:
        made["remediation"] = {"desc": record["remediation"]}
    if compliance:
        made["compliance"] = _compliance(record)
    else:
        made["is_alert"] = record["status"] == "fail"
    if "score" in record:
        made["confidence_score"] = round(100 * record["score"])
    kept = ("status", "evidence", "first_alert", "bytes_estimated", "why", "waived", "baseline")
    rest = {name: record[name] for name in kept if name in record}
    rest["evidence"] = record["evidence"]["class"]
    made["unmapped"] = {"transitproof": rest}
    return made


def _info(record: Mapping[str, Any]) -> Event:
    rule = record.get("rule", record["check"])
    policy = record.get("policy")
    return {
        "uid": record["uid"],
        "title": record["title"],
        "types": [record["check"]],
        "first_seen_time": _ms(record["first_seen"]),
        "last_seen_time": _ms(record["last_seen"]),
        "analytic": {
            "type_id": 2 if record["evidence"]["class"] == "inferred" else 1,
            "name": rule,
            "uid": f"{policy}/{rule}" if policy else rule,
        },
    }


def _compliance(record: Mapping[str, Any]) -> Event:
    status_id, status = STATUSES[record["status"]]
    rule = record.get("rule", record["check"])
    control = f"{record['policy']} {record.get('clause', '')}".strip() if "policy" in record else record["check"]
    standards = [record["policy"]] if "policy" in record else []
    check = {"uid": rule, "name": record["check"], "status_id": status_id, "status": status}
    check |= {"severity_id": SEVERITIES[record["severity"]]} | ({"standards": standards} if standards else {})
    made: Event = {"control": control, "status_id": status_id, "status": status, "checks": [check]}
    if standards:
        made["standards"] = standards
    if record["status"] == "not_observable":
        made["status_detail"] = "not observable from here"
    return made


def _resource(record: Mapping[str, Any]) -> Event:
    made = {"uid": record["endpoint"], "name": record.get("name", record["endpoint"]), "role_id": 1}
    reached = _reached(record["endpoint"])
    if reached is not None and "ip" in reached:
        made["ip"] = reached["ip"]
    return made


def _reached(endpoint: str) -> Event | None:
    """`10.0.3.7:443/tcp` as an endpoint; those of IPsec are pairs, and none."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:
        return None
    return _endpoint(found["six"] or found["other"], None if found["port"] is None else int(found["port"]))


def _end(record: Mapping[str, Any], which: str) -> Event:
    """One end of a flow. Of EAP over a LAN, where there is no IP, it is a station."""
    if f"{which}_mac" in record:
        return {"mac": record[f"{which}_mac"]}
    return _endpoint(record[f"{which}_ip"], record.get(f"{which}_port"))


def _endpoint(address: str, port: int | None = None) -> Event:
    made: Event = {"ip": address} if is_address(address) else {"uid": address}  # a hash, where addresses are redacted
    if port is not None:
        made["port"] = port
    return made


def _ms(text: str) -> int:
    """Milliseconds since 1970, in integers: a float would round some."""
    since = dt.datetime.fromisoformat(text) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(milliseconds=1)
