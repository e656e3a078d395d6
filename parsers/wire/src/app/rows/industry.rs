//! Plants, machines, buildings.
//!
//! Tests: `automation`, `devices`, `industrial`.

use super::{ANY, DatagramRow, SILENT, StreamRow, UPPER, ZERO, ported, same, side, tcp, udp};
use crate::Protocol::{self as P};
use crate::app::{automation, devices, industrial};

pub const STREAMS: &[StreamRow] = &[
    same(P::Iec104, &[2404], &[(0x68, 0x68)], industrial::iec104),
    same(P::Modbus, &[502], &[(0, 0x3f)], industrial::modbus),
    same(P::Dnp3, &[20000], &[(5, 5)], industrial::dnp3),
    same(P::S7, &[102], &[(3, 3)], industrial::s7),
    same(P::Mms, &[102], &[(3, 3)], industrial::mms),
    same(P::Opcua, &[4840], UPPER, industrial::opcua),
    same(P::Enip, &[44818], &[(4, 4), (0x63, 0x70)], industrial::ethernet_ip),
    same(P::Synchrophasor, &[4712], &[(0xaa, 0xaa)], industrial::synchrophasor_stream),
    same(P::Hartip, &[5094], &[(1, 1)], industrial::hart_ip),
    same(P::Fins, &[9600], &[(b'F', b'F')], industrial::fins),
    same(P::C1222, &[1153], &[(0x60, 0x60)], industrial::c1222),
    same(P::V2gtp, &[], &[(1, 1)], devices::vehicle_to_grid_stream),
    same(P::Doip, &[13400], &[(1, 4)], industrial::doip),
    same(P::Someip, &[30490, 30491], ANY, industrial::someip_stream),
    same(P::Hislip, &[4880], &[(b'H', b'H')], industrial::hislip),
    same(P::Trdp, &[17225], ANY, automation::trdp),
    same(P::Knxip, &[3671], &[(6, 6)], automation::knx_ip),
    tcp(P::Atg, &[10001], side(&[(1, 1)], automation::tank_gauge), SILENT),
];

pub const DATAGRAMS: &[DatagramRow] = &[
    udp(P::Bacnet, &[47808], &[(0x81, 0x82)], industrial::bacnet),
    udp(P::Dnp3, &[20000], &[(5, 5)], industrial::dnp3_datagram),
    ported(P::Enip, &[44818], &[(4, 4), (0x63, 0x70)], industrial::ethernet_ip_datagram),
    udp(P::Synchrophasor, &[4713], &[(0xaa, 0xaa)], industrial::synchrophasor_datagram),
    udp(P::Hartip, &[5094], &[(1, 1)], industrial::hart_ip_datagram),
    ported(P::Fins, &[9600], &[(0x80, 0xc1)], industrial::fins_datagram),
    ported(P::C1222, &[1153], &[(0x60, 0x60)], industrial::c1222_datagram),
    udp(P::Someip, &[30490], ANY, industrial::someip),
    udp(P::Rtps, &[7400], &[(b'R', b'R')], industrial::rtps),
    udp(P::Can, &[55000], &[(b'I', b'I')], industrial::can),
    ported(P::Egd, &[18246], &[(13, 13)], industrial::egd),
    udp(P::Tuya, &[6666, 6667], ZERO, automation::tuya),
    udp(P::Trdp, &[17224, 17225], ANY, automation::trdp_datagram),
    udp(P::Knxip, &[3671], &[(6, 6)], automation::knx_ip_datagram),
    ported(P::Ethersbus, &[5050], ZERO, automation::ether_s_bus),
];
