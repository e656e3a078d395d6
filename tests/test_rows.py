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
        from scapy.contrib import bfd, gtp, hicp, ltp, mqtt, mqttsn, psp, roce, sebek, stamp, tzsp, vqp
        from scapy.contrib.automotive import doip, someip
        from scapy.contrib.automotive.bmw import hsfz
        from scapy.contrib.scada import pcom
        from scapy.layers import inet, l2, mobileip
        from scapy.utils import wrpcap
    return SimpleNamespace(
        bfd=bfd,
        hsfz=hsfz,
        ltp=ltp,
        psp=psp,
        sebek=sebek,
        someip=someip,
        stamp=stamp,
        gtp=gtp,
        hicp=hicp,
        mqtt=mqtt,
        pcom=pcom,
        tzsp=tzsp,
        mqttsn=mqttsn,
        roce=roce,
        doip=doip,
        inet=inet,
        l2=l2,
        vqp=vqp,
        mobileip=mobileip,
        write=wrpcap,
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
        ("gtp", 2152): scapy.gtp.GTP_U_Header() / scapy.gtp.GTPEchoRequest(),
        ("hicp", 3250): scapy.hicp.HICPModuleScan(),
        ("bfd", 3784): scapy.bfd.BFD(),
        ("hsfz", 6811): scapy.hsfz.HSFZ(control=1, source=0xF4, target=0x10) / b"\x3e\0",
        ("ltp", 1113): scapy.ltp.LTP(
            flags=3,
            SessionOriginator=300,
            SessionNumber=7,
            CheckpointSerialNo=1,
            ReportSerialNo=0,
            DATA_ClientServiceID=1,
            DATA_PayloadOffset=0,
            DATA_PayloadLength=6,
        )
        / b"bundle",
        ("psp", 1000): scapy.psp.PSP(nexthdr=4, spi=7, iv=b"\1\2\3\4\5\6\7\x08")
        / bytes(n * 167 & 0xFF for n in range(64)),
        ("sebek", 1101): scapy.sebek.SebekHead(version=3) / bytes(40),
        ("stamp", 862): scapy.stamp.STAMPSessionSenderTestUnauthenticated(ts=1_700_000_000),
    }
    frames = [
        scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
        / scapy.inet.UDP(sport=40000, dport=port)
        / message
        for (_, port), message in messages.items()
    ]
    path = tmp_path / "rows.pcap"
    scapy.write(str(path), frames)
    found = {(flow.get("protocol"), flow["dst_port"]) for flow in probe.replay(path) if flow["type"] == "flow"}
    assert found == set(messages)


def test_a_stream_that_is_joined_in_its_middle_is_told_by_its_messages(scapy: SimpleNamespace, tmp_path: Path) -> None:
    """Behind the greetings, some in fewer bytes than a record of TLS has in its header, on their port or another."""
    mqtt, ends = scapy.mqtt, scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
    messages = {
        ("mqtt", 1883, 1): mqtt.MQTT() / mqtt.MQTTPublish(topic="room/1", value=b"21.5"),
        ("mqtt", 1883, 2): mqtt.MQTT(type=12),
        ("mqtt", 1883, 3): mqtt.MQTT(QOS=1) / mqtt.MQTTSubscribe(msgid=1, topics=[mqtt.MQTTTopicQOS(topic="room/#")]),
        ("pcom", 20256, 4): scapy.pcom.PCOMRequest() / scapy.pcom.PCOMAsciiRequest(unitId=b"00", command=b"ID"),
        ("telnet", 23, 5): b"\xff\xfd\x03",
        ("someip", 30490, 7): scapy.someip.SOMEIP(srv_id=0x1234, sub_id=1, session_id=1) / b"abcd",
        ("hsfz", 6801, 8): scapy.hsfz.HSFZ(source=0xF4, target=0x10) / b"\x3e\0",
        ("netbios", 139, 6): b"\x82\0\0\0",
    }
    frames = [
        scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / ends
        / scapy.inet.TCP(sport=40000 + number, dport=port + other, flags="PA", seq=9)
        / message
        for (_, port, number), message in messages.items()
        for other in (0, 50)
    ]
    path = tmp_path / "middle.pcap"
    scapy.write(str(path), frames)
    found = {
        (flow["src_port"] - 40000, flow["dst_port"]): flow.get("protocol")
        for flow in probe.replay(path)
        if flow["type"] == "flow"
    }
    for protocol, port, number in messages:
        assert found[number, port] == protocol
        assert found[number, port + 50] == (protocol if protocol in ("pcom", "someip") else None)


def test_what_a_sniffer_hands_over_is_opened(scapy: SimpleNamespace, tmp_path: Path) -> None:
    ends = scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
    frame = (
        scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / ends
        / scapy.inet.UDP(sport=40000, dport=53)
        / bytes.fromhex("12340100000100000000000001610000010001")
    )
    handed = (
        scapy.tzsp.TZSP()
        / scapy.tzsp.TZSPTagRawRSSIByte()
        / scapy.tzsp.TZSPTagPadding()
        / scapy.tzsp.TZSPTagEnd()
        / frame
    )
    outer = (
        scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / scapy.inet.IP(src="198.51.100.1", dst="198.51.100.2")
        / scapy.inet.UDP(dport=37008)
        / handed
    )
    path = tmp_path / "handed.pcap"
    scapy.write(str(path), [outer])
    flow = next(flow for flow in probe.replay(path) if flow["type"] == "flow")
    assert (flow["protocol"], flow["dst_ip"], flow["tunnel"]) == ("dns", "192.0.2.2", ["tzsp"])


def test_what_begins_like_a_tunnel_and_can_be_read_is_none(scapy: SimpleNamespace, tmp_path: Path) -> None:
    """Bytes that can be read, behind the first bytes and in the sizes of protocols that encrypt."""
    prose = b"The quick brown fox jumps over the lazy dog, and nobody knows why it does so. " * 3
    counters = b"".join(number.to_bytes(4, "little") for number in range(40))
    mimics = [
        (51820, b"\1\0\0\0" + prose[:144]),
        (51821, b"\1\0\0\0" + counters[:144]),
        (51822, b"\2\0\0\0" + bytes(88)),
        (51823, b"\4\0\0\0" + (7).to_bytes(4, "little") + bytes(8) + prose[:32]),
        (1194, b"8ABCDEFGH" + bytes(5)),
        (9993, prose[:18] + b"\0" + prose[:8] + b"\1\x0b\1" + prose[:100]),
        (41641, "TS💬".encode() + prose[:90]),
        (443, b"r6fnvWj8" + prose[:80]),
        (4500, b"\0\0\1\0\0\0\0\1" + prose[:64]),
        (8443, b"\xc3\0\0\0\1\x08ABCDEFGH\0\0\x40\xe4" + prose[:228]),
        (8444, b"\xc3\0\0\0\1\x08ABCDEFGH\0\0\x44\xe4" + prose[:228]),
    ]
    frames = [
        scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
        / scapy.inet.UDP(sport=40000, dport=port)
        / bytes_
        for port, bytes_ in mimics
    ]
    path = tmp_path / "mimics.pcap"
    scapy.write(str(path), frames)
    flows = [flow for flow in probe.replay(path) if flow["type"] == "flow"]
    assert len(flows) == len(mimics)
    assert {flow["class"] for flow in flows} <= {"unknown", "plaintext"}, flows


@pytest.mark.parametrize("sealed", [True, False])
def test_smb_that_goes_on_under_encryption(scapy: SimpleNamespace, tmp_path: Path, sealed: bool) -> None:
    """MS-SMB2: NEGOTIATE and SESSION_SETUP in the clear, then CREATE, in a transform header or not."""

    def message(command: int) -> bytes:
        header = b"\xfeSMB\x40\0\0\0\0\0\0\0" + command.to_bytes(2, "little") + bytes(50)
        return len(header + bytes(24)).to_bytes(4, "big") + header + bytes(24)

    content = bytes(n * 167 & 0xFF for n in range(88))
    transform = b"\xfdSMB" + content[:32] + (88).to_bytes(4, "little") + b"\0\0\1\0" + bytes(8) + content
    last = len(transform).to_bytes(4, "big") + transform if sealed else message(5)
    ends = scapy.inet.IP(src="192.0.2.1", dst="192.0.2.2")
    frames, seq = [scapy.inet.TCP(sport=40000, dport=445, flags="S", seq=99)], 100
    for payload in (message(0), message(1), message(3), last):
        frames.append(scapy.inet.TCP(sport=40000, dport=445, flags="PA", seq=seq) / payload)
        seq += len(payload)
    path = tmp_path / "smb.pcap"
    scapy.write(
        str(path),
        [scapy.l2.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ends / segment for segment in frames],
    )
    flow = next(flow for flow in probe.replay(path) if flow["type"] == "flow")
    assert (flow["class"], flow["protocol"]) == ("encrypted" if sealed else "plaintext", "smb")
