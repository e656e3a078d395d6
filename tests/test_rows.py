"""Rows of the table of protocols against messages that scapy's independent layers write, on their registered ports."""

import logging
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import probe


@pytest.fixture(scope="module")
def scapy() -> SimpleNamespace:
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy.contrib import mqttsn, roce, vqp
        from scapy.contrib.automotive import doip
        from scapy.layers import inet, l2, mobileip
        from scapy.utils import wrpcap
    return SimpleNamespace(
        mqttsn=mqttsn, roce=roce, doip=doip, inet=inet, l2=l2, vqp=vqp, mobileip=mobileip, write=wrpcap
    )


def test_messages_of_scapys_layers_are_recognised(scapy: SimpleNamespace, tmp_path: Path) -> None:
    sn, doip = scapy.mqttsn, scapy.doip
    messages = {
        ("mqttsn", 1884): sn.MQTTSN() / sn.MQTTSNConnect(client_id="sensor"),
        ("mqttsn", 10000): sn.MQTTSN() / sn.MQTTSNRegister(topic_name="room/1"),
        ("roce", 4791): scapy.roce.BTH(opcode=scapy.roce.opcode("RC", "SEND_ONLY")[0], dqpn=17),
        ("doip", 13400): doip.DoIP(payload_type=1),
        ("vqp", 1589): scapy.vqp.VQP(type=1, unknown=6) / scapy.vqp.VQPEntry(datatype=0x0C02, len=5, data=b"Fa0/1"),
        ("mobileip", 434): scapy.mobileip.MobileIP(type=1)
        / scapy.mobileip.MobileIPRRQ(homeaddr="192.0.2.7", haaddr="192.0.2.8", coaddr="192.0.2.9")
        / (b"\x20\x14" + bytes(20)),
    }
    frames = [
        scapy.l2.Ether()
        / scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
        / scapy.inet.UDP(sport=40000, dport=port)
        / message
        for (_, port), message in messages.items()
    ]
    path = tmp_path / "rows.pcap"
    scapy.write(str(path), frames)
    found = {(flow.get("protocol"), flow["dst_port"]) for flow in probe.replay(path) if flow["type"] == "flow"}
    assert found == set(messages)
