//! Carriers and access: who may come in, what is paid for, what is counted.
//!
//! Tests: `messaging`, `operators`, `providers`, `routing`.

use super::{ANY, DatagramRow, LETTERS, SILENT, StreamRow, WORDS, ZERO, on_port, ported, same, side, tcp, udp};
use crate::Protocol::{self as P};
use crate::app::{messaging, operators, providers, routing};

pub const STREAMS: &[StreamRow] = &[
    tcp(P::Xot, &[1998], side(ZERO, operators::x25_call), side(ZERO, operators::x25_accepted)),
    same(P::Ucp, &[], &[(2, 2)], operators::ucp),
    same(P::Ymsg, &[5050], &[(b'Y', b'Y')], operators::yahoo),
    tcp(P::Msnp, &[1863], side(&[(b'V', b'V')], operators::microsoft), side(&[(b'V', b'V')], operators::microsoft)),
    tcp(P::Gadugadu, &[8074], SILENT, side(&[(1, 1)], operators::gadu_gadu)),
    same(P::Cops, &[3288, 2126], &[(0x10, 0x11)], providers::cops),
    same(P::Agentx, &[705], &[(1, 1)], providers::agentx),
    tcp(P::Smux, &[199], side(&[(0x60, 0x60)], providers::smux), SILENT),
    same(P::Dhcpfo, &[647, 847], &[(0, 8)], providers::dhcp_failover),
    same(P::Dhcpv6, &[547], &[(0, 0x10)], providers::bulk_leasequery),
    same(P::Omapi, &[7911], ZERO, providers::omapi),
    same(P::Ancp, &[6068], &[(0x88, 0x88)], providers::ancp),
    same(P::Dlsw, &[2065, 2067], &[(0x31, 0x31)], providers::dlsw),
    tcp(P::Twamp, &[861, 862], SILENT, side(ZERO, providers::twamp_server)),
    tcp(P::Cmpp, &[7890], side(ZERO, providers::cmpp_client), side(ZERO, providers::cmpp_server)),
    same(P::Ipaccess, &[3002, 3003, 3006, 4249, 4250, 5000], &[(0, 2)], providers::ip_access),
    tcp(P::Llrp, &[5084], SILENT, side(&[(4, 4), (8, 8)], providers::llrp_server)),
    same(P::Megaco, &[2944, 2945], &[(3, 3)], providers::megaco_stream),
    same(P::Stanag5066, &[5066], &[(0x90, 0x90)], providers::stanag5066),
    same(P::Netflow, &[4739], ZERO, routing::ipfix_stream),
    on_port(P::Coap, &[5683], &[(0x20, 0xdf)], messaging::coap_stream),
    same(P::Pcom, &[20256], ANY, providers::pcom),
];

pub const DATAGRAMS: &[DatagramRow] = &[
    ported(P::Lwapp, &[12222, 12223], ANY, operators::lwapp),
    ported(P::Hncp, &[8231], ZERO, operators::hncp),
    ported(P::Ahcp, &[5359], &[(43, 43)], operators::ahcp),
    udp(P::Vqp, &[1589], &[(1, 1)], operators::vqp),
    ported(P::Pana, &[716], ZERO, operators::pana),
    ported(P::Mobileip, &[434], &[(1, 3)], operators::mobile_ip),
    ported(P::Papi, &[8211], &[(0x49, 0x49)], operators::papi),
    udp(P::Rwho, &[513], &[(1, 1)], operators::rwho),
    udp(P::Cups, &[631], WORDS, operators::cups),
    ported(P::Amt, &[2268], &[(1, 6)], providers::amt),
    udp(P::Megaco, &[2945], &[(0x30, 0x30)], providers::h248_datagram),
    udp(P::L2tp, &[1701], &[(0xc8, 0xcb)], providers::l2tp_control),
    ported(P::Hicp, &[3250], LETTERS, providers::hicp),
    ported(P::Asterix, &[8600], ANY, providers::asterix),
];
