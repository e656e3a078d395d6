//! The table: one row a protocol, strong tests before the ones that share their first bytes.
//!
//! To add a protocol: its name in `protocol.rs`, a test function in its family's file, a row here. `first` lists the
//! ranges of first bytes that the test can accept; from them the masks below are made when this is compiled, so that a
//! payload meets only the rows it can match. `ports` are the registered ones: they confirm a weak match and nothing else.

use super::look::{Look, NO};
use super::masks::{datagram_masks, port_masks, stream_masks};
use super::{
    Datagram, automation, chat, databases, directory, dns, files, games, industrial, mail, management, measuring,
    media, messaging, naming, peers, remote, routing, sealed, stores, tunnels, voice, web,
};
use crate::Protocol::{self as P};

/// Ranges of first bytes, both ends included.
pub(super) type First = &'static [(u8, u8)];

pub(super) struct Side {
    pub(super) first: First,
    test: fn(&[u8]) -> Look,
}

impl Side {
    /// Nothing said yet answers nothing.
    #[inline]
    pub(super) fn look(&self, bytes: &[u8]) -> Look {
        if bytes.is_empty() { None } else { (self.test)(bytes) }
    }
}

pub(super) struct StreamRow {
    pub(super) protocol: P,
    pub(super) ports: &'static [u16],
    pub(super) client: Side,
    pub(super) server: Side,
}

pub(super) struct DatagramRow {
    pub(super) protocol: P,
    pub(super) ports: &'static [u16],
    pub(super) first: First,
    /// The test is never more than weak: without the port it need not run.
    pub(super) ported: bool,
    pub(super) test: fn(&Datagram) -> Look,
}

const ANY: First = &[(0, 255)];
const UPPER: First = &[(b'A', b'Z')];
const LETTERS: First = &[(b'A', b'Z'), (b'a', b'z')];
const WORDS: First = &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')];
const ZERO: First = &[(0, 0)];

const EAQ_PORTS: &[u16] =
    &[6000, 6001, 6002, 6003, 6004, 6005, 6006, 6007, 6008, 6009, 6010, 6011, 6012, 6013, 6014, 6015, 6016, 6017];

/// A side whose bytes tell nothing of their own.
const SILENT: Side = Side { first: &[], test: |_| NO };

const fn side(first: First, test: fn(&[u8]) -> Look) -> Side {
    Side { first, test }
}

const fn tcp(protocol: P, ports: &'static [u16], client: Side, server: Side) -> StreamRow {
    StreamRow { protocol, ports, client, server }
}

/// Both sides write the same format.
const fn same(protocol: P, ports: &'static [u16], first: First, test: fn(&[u8]) -> Look) -> StreamRow {
    StreamRow { protocol, ports, client: side(first, test), server: side(first, test) }
}

const fn udp(protocol: P, ports: &'static [u16], first: First, test: fn(&Datagram) -> Look) -> DatagramRow {
    DatagramRow { protocol, ports, first, ported: false, test }
}

/// A format too loose to be claimed without its port.
const fn ported(protocol: P, ports: &'static [u16], first: First, test: fn(&Datagram) -> Look) -> DatagramRow {
    DatagramRow { protocol, ports, first, ported: true, test }
}

pub(super) const STREAMS: &[StreamRow] = &[
    same(P::Ssh, &[22], &[(b'S', b'S')], remote::ssh),
    tcp(P::Rtsp, &[554, 8554], side(UPPER, web::rtsp_request), side(&[(b'R', b'R')], web::rtsp_response)),
    same(P::Sip, &[5060], UPPER, web::sip),
    tcp(P::Http, &[80, 8080], side(UPPER, web::request), side(&[(b'H', b'I')], web::response)),
    tcp(P::Http, &[80, 8080], side(&[(b'P', b'P')], web::http2_preface), side(ZERO, web::http2_settings)),
    tcp(P::Smtp, &[25, 587, 2525], side(LETTERS, mail::smtp_client), side(&[(b'2', b'5')], mail::smtp_server)),
    tcp(P::Ftp, &[21], side(LETTERS, files::ftp_client), side(&[(b'1', b'5')], files::ftp_server)),
    tcp(P::Imap, &[143], side(WORDS, mail::imap_client), side(&[(b'*', b'*')], mail::imap_server)),
    tcp(
        P::Redis,
        &[6379],
        side(&[(b'$', b':'), (b'A', b'Z'), (b'a', b'z')], databases::redis_client),
        side(&[(b'$', b':')], databases::redis_server),
    ),
    tcp(P::Pop3, &[110], side(LETTERS, mail::pop3_client), side(&[(b'+', b'-')], mail::pop3_server)),
    tcp(P::Nntp, &[119], side(LETTERS, mail::nntp_client), side(&[(b'2', b'2')], mail::nntp_server)),
    tcp(P::Sieve, &[4190], side(LETTERS, mail::sieve_client), side(&[(b'"', b'"')], mail::sieve_server)),
    same(P::Telnet, &[23], &[(255, 255)], remote::telnet),
    tcp(P::Mysql, &[3306], side(ANY, databases::mysql_client), side(ANY, databases::mysql_server)),
    tcp(
        P::Postgresql,
        &[5432],
        side(ZERO, databases::postgresql_client),
        side(&[(b'E', b'R')], databases::postgresql_server),
    ),
    same(P::Tds, &[1433], &[(1, 0x12)], databases::tds),
    same(P::Mongodb, &[27017], ANY, databases::mongodb),
    tcp(
        P::Memcached,
        &[11211],
        side(&[(0x80, 0x80), (b'a', b'z')], databases::memcached_client),
        side(&[(0x81, 0x81), (b'A', b'Z')], databases::memcached_server),
    ),
    tcp(
        P::Cassandra,
        &[9042],
        side(&[(1, 5)], databases::cassandra_client),
        side(&[(0x81, 0x85)], databases::cassandra_server),
    ),
    same(P::Elasticsearch, &[9300], &[(b'E', b'E')], databases::elasticsearch),
    same(P::Cassandra, &[7000], &[(0xca, 0xca)], databases::cassandra_internode),
    tcp(P::Zookeeper, &[2181], side(&[(0, 0), (b'a', b'z')], databases::zookeeper), SILENT),
    tcp(P::Kafka, &[9092], side(ZERO, databases::kafka_client), side(ZERO, databases::kafka_server)),
    tcp(P::Mqtt, &[1883], side(&[(0x10, 0x10)], messaging::mqtt_client), side(&[(0x20, 0x20)], messaging::mqtt_server)),
    same(P::Amqp, &[5672], &[(b'A', b'A')], messaging::amqp),
    tcp(P::Nats, &[4222], side(UPPER, messaging::nats_client), side(&[(b'I', b'I')], messaging::nats_server)),
    tcp(P::Stomp, &[61613], side(UPPER, messaging::stomp_client), side(UPPER, messaging::stomp_server)),
    same(P::Openwire, &[61616], ZERO, messaging::openwire),
    same(P::Smb3, &[445], ZERO, files::smb_transform),
    same(P::Smb, &[445, 139], ZERO, files::smb),
    same(P::Netbios, &[139, 445], &[(0x81, 0x85)], files::netbios_session),
    same(P::Rpc, &[111, 2049], &[(0x80, 0x80)], files::rpc_stream),
    tcp(P::Git, &[9418], side(&[(b'0', b'0')], files::git_client), side(&[(b'0', b'0')], files::git_server)),
    same(P::Rsync, &[873], &[(b'@', b'@')], files::rsync),
    same(P::Afp, &[548], &[(0, 1)], files::afp),
    same(P::Oracle, &[1521], &[(0, 0x10)], files::oracle_tns),
    same(P::Drda, &[50000, 446], &[(0, 0x10)], files::drda),
    same(P::Lustre, &[988], &[(0, 0), (0xac, 0xac)], files::lnet),
    same(P::Vnc, &[5900], &[(b'R', b'R')], remote::vnc),
    tcp(P::X11, &[6000], side(&[(b'B', b'B'), (b'l', b'l')], remote::x11_client), side(&[(0, 2)], remote::x11_server)),
    tcp(P::Rdp, &[3389], side(&[(3, 3)], remote::rdp_client), side(&[(3, 3)], remote::rdp_server)),
    same(P::Dcerpc, &[135], &[(5, 5)], remote::dcerpc),
    tcp(P::Rlogin, &[513], side(ZERO, remote::rlogin), SILENT),
    tcp(P::Rsh, &[514], side(&[(b'0', b'9')], remote::rsh), SILENT),
    tcp(P::Rmi, &[1099], side(&[(b'J', b'J')], remote::java_rmi), SILENT),
    same(P::Ldap, &[389, 3268], &[(0x30, 0x30)], directory::ldap),
    same(P::Kerberos, &[88], ZERO, directory::kerberos_stream),
    same(P::Snmp, &[161], &[(0x30, 0x30)], management::snmp_stream),
    same(P::Dns, &[53], ANY, dns::stream),
    tcp(P::Syslog, &[514, 601], side(&[(b'0', b'<')], management::syslog_stream), SILENT),
    same(P::Tacacs, &[49], &[(0xc0, 0xc1)], management::tacacs),
    same(P::Zabbix, &[10050, 10051], &[(b'Z', b'Z')], management::zabbix),
    same(P::OpenVpn, &[1194], &[(0, 4)], tunnels::openvpn_stream),
    tcp(P::Socks, &[1080], side(&[(4, 5)], tunnels::socks_client), side(&[(0, 0), (5, 5)], tunnels::socks_server)),
    tcp(P::Irc, &[6667], side(LETTERS, chat::irc_client), side(&[(b':', b':'), (b'E', b'P')], chat::irc_server)),
    same(P::Xmpp, &[5222, 5269], &[(b'<', b'<')], chat::xmpp),
    tcp(P::Munin, &[4949], SILENT, side(&[(b'#', b'#')], chat::munin_server)),
    tcp(P::Checkmk, &[6556], SILENT, side(&[(b'<', b'<')], chat::checkmk_server)),
    same(P::Hl7, &[2575], &[(0x0b, 0x0b)], chat::hl7),
    same(P::Thrift, &[9090], &[(0, 0), (0x80, 0x80)], chat::thrift),
    same(P::Giop, &[2809], &[(b'G', b'G')], chat::giop),
    same(P::Pptp, &[1723], ZERO, chat::pptp),
    tcp(
        P::Whois,
        &[],
        side(&[(b'!', b'~')], remote::whois_client),
        side(&[(b' ', b'~'), (b'\r', b'\r')], remote::whois_server),
    ),
    same(P::Bittorrent, &[6881], &[(0x13, 0x13)], peers::bittorrent),
    same(P::Gnutella, &[6346], &[(b'G', b'G')], peers::gnutella),
    same(P::Edonkey, &[4662], &[(0xc5, 0xc5), (0xe3, 0xe3)], peers::edonkey),
    same(P::Bitcoin, &[8333], ANY, peers::bitcoin),
    same(P::JsonRpc, &[], &[(b'{', b'{')], peers::json_rpc),
    same(P::Bgp, &[179], &[(255, 255)], routing::bgp),
    same(P::Ldp, &[646], ZERO, routing::ldp),
    same(P::Diameter, &[3868], &[(1, 1)], routing::diameter),
    same(P::Rpkirtr, &[323], &[(0, 2)], routing::rpki_rtr),
    same(P::Slp, &[427], &[(1, 2)], naming::slp_message),
    same(P::Stun, &[3478], &[(0, 7)], voice::stun_stream),
    same(P::H323, &[1720], &[(3, 3)], voice::h323),
    same(P::Skinny, &[2000], ANY, voice::skinny),
    same(P::Bfcp, &[], &[(0x20, 0x38)], voice::bfcp),
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
    same(P::Doip, &[13400], &[(1, 4)], industrial::doip),
    same(P::Hislip, &[4880], &[(b'H', b'H')], industrial::hislip),
    same(P::Openflow, &[6653, 6633], &[(1, 6)], routing::openflow),
    same(P::Lisp, &[4342], ZERO, routing::lisp_reliable),
    same(P::Trdp, &[17225], ANY, automation::trdp),
    same(P::Knxip, &[3671], &[(6, 6)], automation::knx_ip),
    tcp(P::Atg, &[10001], side(&[(1, 1)], automation::tank_gauge), SILENT),
    same(P::Tcpcl, &[4556], &[(b'd', b'd')], measuring::tcpcl),
    same(P::Netperfmeter, &[9000], &[(4, 4)], measuring::netperfmeter),
    tcp(
        P::Ookla,
        &[8080],
        side(&[(b'H', b'H')], measuring::ookla_client),
        side(&[(b'H', b'H')], measuring::ookla_server),
    ),
    same(P::Monero, &[18080], &[(1, 1)], peers::monero),
    same(P::Rlpx, &[30303], &[(0, 8)], sealed::rlpx),
    same(P::Weave, &[11095], ANY, sealed::weave),
    same(P::CurveZmq, &[], &[(255, 255)], sealed::curve_zmq),
    same(P::Zmtp, &[], &[(255, 255)], messaging::zmtp),
    tcp(P::Rtmp, &[1935], side(&[(3, 3)], media::rtmp_client), side(&[(3, 3)], media::rtmp_server)),
    tcp(P::Ntrip, &[2101], SILENT, side(UPPER, media::ntrip_server)),
    tcp(P::Bolt, &[7687], side(&[(0x60, 0x60)], stores::bolt), SILENT),
    tcp(P::Clickhouse, &[9000], side(ZERO, stores::clickhouse_client), SILENT),
    tcp(P::Tarantool, &[3301], SILENT, side(&[(b'T', b'T')], stores::tarantool_server)),
    tcp(P::Hadoop, &[8020], side(&[(b'h', b'h')], stores::hadoop_client), SILENT),
    same(P::Oscar, &[5190], &[(0x2a, 0x2a)], games::oscar),
    tcp(P::Nbd, &[10809], SILENT, side(&[(b'N', b'N')], stores::nbd_server)),
    same(P::Ninep, &[564], ANY, stores::nine_p),
    tcp(P::Iscsi, &[3260], side(&[(3, 3), (0x43, 0x43)], stores::iscsi_client), SILENT),
    same(P::Ceph, &[6789], &[(b'c', b'c')], stores::ceph_server),
    same(P::Gearman, &[4730], ZERO, stores::gearman),
    tcp(P::Fastcgi, &[9000], side(&[(1, 1)], stores::fastcgi_client), SILENT),
    tcp(P::Ajp, &[8009], side(&[(0x12, 0x12)], stores::ajp_client), side(&[(b'A', b'A')], stores::ajp_server)),
    same(P::Dicom, &[104, 11112], &[(1, 2)], stores::dicom),
    tcp(P::Svn, &[3690], SILENT, side(&[(b'(', b'(')], stores::svn_server)),
    tcp(P::Cvs, &[2401], side(&[(b'B', b'B')], stores::cvs_client), SILENT),
    tcp(P::Pjl, &[9100], side(&[(0x1b, 0x1b)], stores::pjl_client), SILENT),
    tcp(P::Smpp, &[2775], side(ZERO, stores::smpp_client), side(ZERO, stores::smpp_server)),
    same(P::Fix, &[], &[(b'8', b'8')], stores::fix),
    same(P::Cosem, &[4059], ZERO, stores::cosem),
    same(P::Slmp, &[5006, 5007], &[(0x50, 0x50), (0xd0, 0xd0)], stores::slmp),
    tcp(P::Lumberjack, &[5044], side(&[(b'1', b'2')], stores::lumberjack_client), SILENT),
    tcp(P::Relp, &[2514, 20514], side(&[(b'1', b'1')], stores::relp_client), SILENT),
    same(P::Msrp, &[2855], &[(b'M', b'M')], games::msrp),
];

pub(super) const DATAGRAMS: &[DatagramRow] = &[
    udp(P::Netbios, &[137], ANY, naming::netbios_name),
    ported(P::Mdns, &[5353], ANY, dns::by_port),
    ported(P::Llmnr, &[5355], ANY, dns::by_port),
    udp(P::Dns, &[53], ANY, dns::unicast),
    udp(P::WireGuard, &[51820], &[(1, 4)], tunnels::wireguard),
    udp(P::OpenVpn, &[1194], &[(0x38, 0x38), (0x40, 0x40), (0x50, 0x50)], tunnels::openvpn),
    udp(P::SnmpPrivate, &[161, 162], &[(0x30, 0x30)], management::snmp_private),
    udp(P::Snmp, &[161, 162], &[(0x30, 0x30)], management::snmp),
    udp(P::Syslog, &[514], &[(b'<', b'<')], management::syslog),
    ported(P::Ntp, &[123], ANY, management::ntp),
    udp(P::Dhcp, &[67, 68], &[(1, 2)], management::dhcp),
    ported(P::Dhcpv6, &[546, 547], &[(1, 23)], management::dhcpv6),
    udp(P::Radius, &[1812, 1813, 1645, 1646, 3799, 1700], &[(1, 45)], management::radius),
    udp(P::Ssdp, &[1900], UPPER, web::ssdp),
    udp(P::Sip, &[5060], &[(b'\r', b'\r'), (b'A', b'Z')], web::sip_datagram),
    udp(P::Http, &[], UPPER, web::httpu),
    udp(P::Wsd, &[3702], &[(b'<', b'<')], web::ws_discovery),
    udp(P::Tftp, &[69], ZERO, files::tftp),
    udp(P::Rpc, &[111, 2049], ANY, files::rpc_datagram),
    ported(P::Rx, &[7000, 7001, 7002, 7003, 7005, 7021], ANY, files::rx),
    udp(P::Dcerpc, &[], &[(4, 4)], remote::dcerpc_datagram),
    udp(P::Memcached, &[11211], ANY, databases::memcached_datagram),
    ported(P::Coap, &[5683], &[(0x40, 0x78)], messaging::coap),
    udp(P::Ldap, &[389], &[(0x30, 0x30)], directory::cldap),
    udp(P::Kerberos, &[88, 4444], &[(0x61, 0x7e)], directory::kerberos),
    udp(P::DnsCrypt, &[443], &[(b'r', b'r')], tunnels::dnscrypt),
    udp(P::Tailscale, &[41641], &[(b'T', b'T')], tunnels::tailscale_disco),
    ported(P::ZeroTier, &[9993], ANY, tunnels::zerotier),
    ported(P::Warp, &[2408], &[(1, 2)], tunnels::warp),
    udp(P::Netbios, &[138], &[(0x10, 0x16)], naming::netbios_datagram),
    udp(P::Slp, &[427], &[(1, 2)], naming::slp),
    ported(P::NatPmp, &[5351, 5350], &[(0, 2)], naming::nat_pmp),
    ported(P::Bjnp, &[8610, 8611, 8612, 3289], UPPER, naming::bjnp),
    udp(P::Dropbox, &[17500], &[(b'{', b'{')], naming::dropbox),
    udp(P::Tivo, &[2190], LETTERS, naming::tivo),
    udp(P::Tplink, &[9999], &[(b'{' ^ 171, b'{' ^ 171)], naming::tplink),
    ported(P::Ubiquiti, &[10001], &[(1, 2)], naming::ubiquiti),
    ported(P::Timed, &[525], &[(1, 25)], naming::timed),
    udp(P::Lwres, &[921], ZERO, naming::lwres),
    udp(P::Wol, &[9, 7], &[(255, 255)], naming::wake_on_lan),
    udp(P::Stun, &[3478, 3479], &[(0, 0x3f)], voice::stun),
    ported(P::Stun, &[3478], &[(0x40, 0x4f)], voice::turn_channel),
    udp(P::Rtcp, &[5005], &[(0x80, 0xbf)], voice::rtcp),
    ported(P::Rtp, &[5004], &[(0x80, 0x80)], voice::rtp),
    udp(P::Mgcp, &[2427, 2727], WORDS, voice::mgcp),
    udp(P::Megaco, &[2944], &[(b'!', b'!'), (b'M', b'M'), (b'm', b'm')], voice::megaco),
    udp(P::H323, &[1718, 1719], &[(0, 0x2f)], voice::h225_ras),
    udp(P::Bacnet, &[47808], &[(0x81, 0x81)], industrial::bacnet),
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
    ported(P::Bfd, &[3784, 4784, 6784, 7784], &[(0x20, 0x3f)], routing::bfd),
    ported(P::Rip, &[520], &[(1, 2)], routing::rip),
    ported(P::Ldp, &[646], ZERO, routing::ldp_datagram),
    ported(P::Hsrp, &[1985, 2029], &[(0, 1)], routing::hsrp),
    ported(P::Olsr, &[698], ANY, routing::olsr),
    ported(P::Babel, &[6696], &[(42, 42)], routing::babel),
    ported(P::Lisp, &[4342], &[(0x10, 0x8f)], routing::lisp),
    ported(P::Mplsecho, &[3503], ZERO, routing::mpls_echo),
    ported(P::Gtp, &[2123, 3386], &[(0x0e, 0x0f), (0x2e, 0x5f)], routing::gtp_control),
    ported(P::Pfcp, &[8805], &[(0x20, 0x27)], routing::pfcp),
    ported(P::Netflow, &[2055, 4739, 9995, 9996], ZERO, routing::netflow),
    udp(P::Sflow, &[6343], ZERO, routing::sflow),
    ported(P::Ptp, &[319, 320], ANY, routing::ptp),
    udp(P::Bittorrent, &[6881], &[(b'd', b'd')], peers::bittorrent_dht),
    udp(P::Bittorrent, &[6771], &[(b'B', b'B')], peers::bittorrent_lsd),
    udp(P::Gnutella, &[6346], ANY, peers::gnutella_datagram),
    udp(P::Ethereum, &[30303], ANY, peers::ethereum_discovery),
    udp(P::Raknet, &[19132], &[(1, 0x1c), (0x78, 0x8d)], peers::raknet),
    udp(P::Collectd, &[25826], ZERO, chat::collectd),
    ported(P::Xdmcp, &[177], ZERO, chat::xdmcp),
    udp(P::Giop, &[], UPPER, chat::giop_datagram),
    udp(P::Syncthing, &[21027], &[(0x2e, 0x2e)], naming::syncthing),
    udp(P::Ssrp, &[1434], &[(2, 5)], naming::sql_browser),
    udp(P::Tuya, &[6666, 6667], ZERO, automation::tuya),
    udp(P::Trdp, &[17224, 17225], ANY, automation::trdp_datagram),
    udp(P::Knxip, &[3671], &[(6, 6)], automation::knx_ip_datagram),
    ported(P::Ethersbus, &[5050], ZERO, automation::ether_s_bus),
    udp(P::Thrift, &[6831], &[(0x82, 0x82)], chat::thrift_compact),
    ported(P::Capwap, &[5246, 5247], ZERO, routing::capwap),
    udp(P::Netperfmeter, &[9000], &[(4, 4)], measuring::netperfmeter_datagram),
    udp(P::Agora, &[8130], ZERO, sealed::agora),
    udp(P::Pia, &[], &[(0x32, 0x32)], sealed::pia),
    udp(P::Netcode, &[], ZERO, sealed::netcode),
    ported(P::Eaq, EAQ_PORTS, ZERO, measuring::eaq),
    udp(P::Roughtime, &[2002], &[(b'R', b'R')], measuring::roughtime),
    udp(P::Statsd, &[8125], &[(b'!', b'~')], measuring::statsd),
    udp(P::Quake, &[27960], &[(255, 255)], games::quake),
    udp(P::Source, &[27015], &[(255, 255)], games::source),
    udp(P::Steam, &[27036], &[(255, 255)], games::steam),
    ported(P::Gamespy, &[25565], &[(254, 254)], games::gamespy),
    udp(P::Mpegts, &[], &[(0x47, 0x47)], media::mpeg_ts),
    udp(P::Sap, &[9875], &[(0x20, 0x3f)], media::sap),
    ported(P::Iax2, &[4569], &[(0x80, 0xff)], media::iax2),
    udp(P::Hep, &[9060], &[(b'H', b'H')], media::hep),
    udp(P::Artnet, &[6454], &[(b'A', b'A')], media::artnet),
    udp(P::Sacn, &[5568], ZERO, media::e131),
    udp(P::Pathport, &[3792], &[(0xed, 0xed)], media::pathport),
    ported(P::Lifx, &[56700], ANY, media::lifx),
    udp(P::Rmcp, &[623], &[(6, 6)], management::rmcp),
    udp(P::Wccp, &[2048], ZERO, management::wccp),
    ported(P::Mndp, &[5678], ANY, management::mndp),
    ported(P::Ripng, &[521], &[(1, 2)], routing::ripng),
    udp(P::Cipio, &[2222], &[(2, 2)], industrial::cip_io),
    ported(P::Gvcp, &[3956], &[(0x42, 0x42)], industrial::gvcp),
    ported(P::Cnpip, &[1628, 1629], ANY, industrial::cnp_ip),
    udp(P::SealedCollectd, &[25826], &[(2, 2)], sealed::collectd),
];

/// For each first byte, the rows it can belong to: bit n is row n.
pub(super) static STREAM_CLIENT: [u128; 256] = stream_masks(true);
pub(super) static STREAM_SERVER: [u128; 256] = stream_masks(false);
pub(super) static DATAGRAM: [u128; 256] = datagram_masks();
/// For each low byte of a port, the rows that may run with it; those that need no port are in all.
pub(super) static DATAGRAM_PORT: [u128; 256] = port_masks();

const _: () = assert!(STREAMS.len() <= 128 && DATAGRAMS.len() <= 128, "a mask has one bit a row");
