//! Desks of all times, grids.
//!
//! Tests: `desktops`, `grids`, `operators`, `remote`.

use super::{ANY, DatagramRow, SILENT, StreamRow, WORDS, ZERO, ported, same, side, tcp, udp};
use crate::Protocol::{self as P};
use crate::app::{desktops, grids, operators, remote};

pub const STREAMS: &[StreamRow] = &[
    tcp(
        P::Gopher,
        &[70],
        side(&[(b'\r', b'\r'), (b' ', b'~')], desktops::gopher_client),
        side(&[(b'+', b'i'), (b's', b's')], desktops::gopher_server),
    ),
    tcp(P::Daytime, &[13], SILENT, side(WORDS, desktops::daytime)),
    tcp(P::Rexec, &[512], side(&[(b'0', b'9')], remote::rsh), SILENT),
    tcp(P::Beep, &[10288], side(&[(b'R', b'R')], desktops::beep_client), side(&[(b'R', b'R')], desktops::beep_server)),
    tcp(P::Dbus, &[], side(ZERO, desktops::dbus), SILENT),
    same(P::Bzr, &[4155], &[(b'b', b'b')], desktops::bazaar),
    same(P::Synergy, &[24800], ZERO, desktops::synergy),
    tcp(P::Rpcap, &[2002, 2003], side(ZERO, desktops::rpcap), SILENT),
    same(P::Mmsp, &[1755], &[(1, 1)], desktops::media_server),
    same(P::Wins, &[42], ZERO, desktops::wins),
    same(P::Ptpip, &[15740], &[(0x1e, 0xff)], desktops::picture_transfer),
    tcp(P::Routeros, &[8728], side(&[(6, 6)], desktops::router_os), SILENT),
    same(P::Jxta, &[9701], &[(b'J', b'J')], desktops::jxta),
    same(P::Warcraft, &[6112], &[(0xf7, 0xf7)], desktops::warcraft),
    same(P::Ice, &[4061], &[(b'I', b'I')], grids::ice),
    same(P::Mpa, &[], &[(b'M', b'M')], grids::mpa),
    same(P::Ctdb, &[4379], ANY, grids::ctdb),
    same(P::Pvfs, &[3334], &[(0xbf, 0xbf)], grids::pvfs),
    tcp(P::Rserve, &[6311], SILENT, side(&[(b'R', b'R')], grids::rserve_server)),
    tcp(P::Hana, &[30015], side(&[(255, 255)], grids::hana_client), SILENT),
    tcp(P::Firebird, &[3050], side(ZERO, grids::firebird_client), SILENT),
    same(P::Ocp1, &[65000], &[(0x3b, 0x3b)], grids::ocp1_stream),
    same(P::Nano, &[7075], &[(b'R', b'R')], grids::nano),
    tcp(P::Finger, &[79], side(WORDS, operators::finger_client), side(WORDS, operators::finger_server)),
];

pub const DATAGRAMS: &[DatagramRow] = &[
    ported(P::Daytime, &[13], WORDS, desktops::daytime_datagram),
    ported(P::Pnrp, &[3540], ZERO, desktops::pnrp),
    udp(P::RdpSecurity, &[3389], &[(255, 255)], desktops::rdp_over_udp),
    udp(P::Zephyr, &[2102, 2103, 2104], &[(b'Z', b'Z')], desktops::zephyr),
    ported(P::Mactelnet, &[20561], &[(1, 1)], desktops::mac_telnet),
    ported(P::Dplay, &[47624, 2300, 2350], ANY, desktops::direct_play),
    udp(P::Teamspeak, &[9987], &[(b'T', b'T')], desktops::team_speak),
    ported(P::Warcraft, &[6112], &[(0xf7, 0xf7)], desktops::warcraft_datagram),
    udp(P::Ice, &[4061], &[(b'I', b'I')], grids::ice_datagram),
    udp(P::Tribes, &[45564], &[(b'T', b'T')], grids::tribes),
    udp(P::Ocp1, &[65000], &[(0x3b, 0x3b)], grids::ocp1_datagram),
    udp(P::Hiqnet, &[3804], &[(2, 2)], grids::hiqnet),
    udp(P::Dcp, &[], &[(b'A', b'A')], grids::distribution),
    udp(P::Aeron, &[], &[(0x1c, 0x1c), (0x24, 0x24), (0x28, 0x28)], grids::aeron),
    udp(P::Udt, &[], &[(0x80, 0x80)], grids::udt),
    ported(P::Nano, &[7075], &[(b'R', b'R')], grids::nano_datagram),
    udp(P::Ardrone, &[5556], &[(b'A', b'A')], grids::drone),
];
