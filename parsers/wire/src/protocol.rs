//! The names that records use for what a flow carries, and the class each belongs to.

/// What an observer can say of a flow's protection. Section 4 of the record contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    Unknown,
    Tls,
    Ipsec,
    Encrypted,
    Plaintext,
}

impl Class {
    pub const ALL: [Self; 5] = [Self::Tls, Self::Ipsec, Self::Encrypted, Self::Plaintext, Self::Unknown];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Tls => "tls",
            Self::Ipsec => "ipsec",
            Self::Encrypted => "encrypted",
            Self::Plaintext => "plaintext",
        }
    }
}

macro_rules! protocols {
    ($($variant:ident $name:literal $class:ident,)*) => {
        /// A protocol by its usual lower-case name; one row a protocol, grouped by class.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Protocol { $($variant,)* }

        impl Protocol {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The record's word. `Unknown` has none: a record of class unknown has no protocol.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }
        }
    };
}

protocols! {
    Unknown "" Unknown,
    Tls "tls" Tls, Dtls "dtls" Tls, Quic "quic" Tls,
    Ike "ike" Ipsec, Esp "esp" Ipsec, Ah "ah" Ipsec,
    Ssh "ssh" Encrypted, WireGuard "wireguard" Encrypted, OpenVpn "openvpn" Encrypted, GQuic "quic" Encrypted,
    Srtp "srtp" Encrypted, ZeroTier "zerotier" Encrypted, Macsec "macsec" Encrypted, DnsCrypt "dnscrypt" Encrypted,
    Warp "warp" Encrypted, Tailscale "tailscale" Encrypted, SnmpPrivate "snmp" Encrypted, Smb3 "smb" Encrypted,
    RdpSecurity "rdp" Encrypted, Rlpx "rlpx" Encrypted, Agora "agora" Encrypted, Weave "weave" Encrypted, Pia "pia" Encrypted,
    Netcode "netcode" Encrypted, CurveZmq "zmtp" Encrypted, SealedCollectd "collectd" Encrypted,
    SealedSrt "srt" Encrypted, Miio "miio" Encrypted, Nebula "nebula" Encrypted, Tinc "tinc" Encrypted, Mtproto "mtproto" Encrypted,
    Libp2p "libp2p" Encrypted, SealedNfs "nfs" Encrypted, SealedRpc "rpc" Encrypted, SealedOracle "oracle" Encrypted, SealedPostgresql "postgresql" Encrypted,
    Teamspeak "teamspeak" Encrypted, Mppe "mppe" Encrypted, Mosh "mosh" Encrypted, Psp "psp" Encrypted, SealedMle "mle" Encrypted,
    Http "http" Plaintext, Dns "dns" Plaintext, Mdns "mdns" Plaintext, Llmnr "llmnr" Plaintext,
    Ftp "ftp" Plaintext, Tftp "tftp" Plaintext, Smtp "smtp" Plaintext, Imap "imap" Plaintext, Pop3 "pop3" Plaintext,
    Nntp "nntp" Plaintext, Telnet "telnet" Plaintext, Ldap "ldap" Plaintext, Snmp "snmp" Plaintext,
    Syslog "syslog" Plaintext, Ntp "ntp" Plaintext, Dhcp "dhcp" Plaintext, Dhcpv6 "dhcpv6" Plaintext,
    Sip "sip" Plaintext, Rtp "rtp" Plaintext, Rtcp "rtcp" Plaintext, Rtsp "rtsp" Plaintext, Stun "stun" Plaintext,
    Mysql "mysql" Plaintext, Postgresql "postgresql" Plaintext, Tds "tds" Plaintext, Mongodb "mongodb" Plaintext,
    Redis "redis" Plaintext, Memcached "memcached" Plaintext, Cassandra "cassandra" Plaintext, Kafka "kafka" Plaintext,
    Amqp "amqp" Plaintext, Mqtt "mqtt" Plaintext, Nats "nats" Plaintext, Coap "coap" Plaintext,
    Nfs "nfs" Plaintext, Smb "smb" Plaintext, Netbios "netbios" Plaintext, Radius "radius" Plaintext, Eap "eap" Plaintext, Kerberos "kerberos" Plaintext,
    Vnc "vnc" Plaintext, X11 "x11" Plaintext, Rdp "rdp" Plaintext, Irc "irc" Plaintext, Xmpp "xmpp" Plaintext,
    Bgp "bgp" Plaintext, Ospf "ospf" Plaintext, Git "git" Plaintext, Rsync "rsync" Plaintext, Socks "socks" Plaintext, Ssdp "ssdp" Plaintext,
    Modbus "modbus" Plaintext, Dnp3 "dnp3" Plaintext, S7 "s7" Plaintext, Opcua "opcua" Plaintext, Bacnet "bacnet" Plaintext,
    Iec104 "iec104" Plaintext, Zabbix "zabbix" Plaintext, Netflow "netflow" Plaintext, Sflow "sflow" Plaintext,
    Sieve "sieve" Plaintext, Elasticsearch "elasticsearch" Plaintext, Zookeeper "zookeeper" Plaintext, Stomp "stomp" Plaintext,
    Openwire "openwire" Plaintext, Rpc "rpc" Plaintext, Afp "afp" Plaintext, Oracle "oracle" Plaintext, Drda "drda" Plaintext,
    Lustre "lustre" Plaintext, Dcerpc "dcerpc" Plaintext, Rlogin "rlogin" Plaintext, Rsh "rsh" Plaintext, Rmi "rmi" Plaintext, Rx "rx" Plaintext,
    Tacacs "tacacs" Plaintext, Wsd "wsd" Plaintext,
    Babel "babel" Plaintext, Bfcp "bfcp" Plaintext, Bfd "bfd" Plaintext, Bitcoin "bitcoin" Plaintext, Bittorrent "bittorrent" Plaintext,
    Bjnp "bjnp" Plaintext, C1222 "c1222" Plaintext, Can "can" Plaintext, Checkmk "checkmk" Plaintext, Collectd "collectd" Plaintext,
    Diameter "diameter" Plaintext, Doip "doip" Plaintext, Dropbox "dropbox" Plaintext, Edonkey "edonkey" Plaintext, Egd "egd" Plaintext,
    Enip "enip" Plaintext, Ethereum "ethereum" Plaintext, Fins "fins" Plaintext, Giop "giop" Plaintext, Gnutella "gnutella" Plaintext,
    Gtp "gtp" Plaintext, H323 "h323" Plaintext, Hartip "hartip" Plaintext, Hislip "hislip" Plaintext, Hl7 "hl7" Plaintext,
    Hsrp "hsrp" Plaintext, JsonRpc "jsonrpc" Plaintext, Ldp "ldp" Plaintext, Lisp "lisp" Plaintext, Lwres "lwres" Plaintext,
    Megaco "megaco" Plaintext, Mgcp "mgcp" Plaintext, Mms "mms" Plaintext, Mplsecho "mplsecho" Plaintext, Munin "munin" Plaintext,
    NatPmp "natpmp" Plaintext, Olsr "olsr" Plaintext, Openflow "openflow" Plaintext, Pfcp "pfcp" Plaintext, Pptp "pptp" Plaintext,
    Ptp "ptp" Plaintext, Raknet "raknet" Plaintext, Rip "rip" Plaintext, Rpkirtr "rpkirtr" Plaintext, Rtps "rtps" Plaintext,
    Skinny "skinny" Plaintext, Slp "slp" Plaintext, Someip "someip" Plaintext, Synchrophasor "synchrophasor" Plaintext, Thrift "thrift" Plaintext,
    Timed "timed" Plaintext, Tivo "tivo" Plaintext, Tplink "tplink" Plaintext, Ubiquiti "ubiquiti" Plaintext, Whois "whois" Plaintext, Wol "wol" Plaintext, Xdmcp "xdmcp" Plaintext,
    Atg "atg" Plaintext, Capwap "capwap" Plaintext, Ethersbus "ethersbus" Plaintext, Knxip "knxip" Plaintext,
    Monero "monero" Plaintext, Netperfmeter "netperfmeter" Plaintext, Ookla "ookla" Plaintext, Tcpcl "tcpcl" Plaintext,
    Ssrp "ssrp" Plaintext, Syncthing "syncthing" Plaintext, Trdp "trdp" Plaintext, Tuya "tuya" Plaintext,
    Zmtp "zmtp" Plaintext, Rtmp "rtmp" Plaintext, Ntrip "ntrip" Plaintext, Bolt "bolt" Plaintext,
    Clickhouse "clickhouse" Plaintext, Tarantool "tarantool" Plaintext, Hadoop "hadoop" Plaintext,
    Nbd "nbd" Plaintext, Ninep "9p" Plaintext, Iscsi "iscsi" Plaintext,
    Ceph "ceph" Plaintext, Gearman "gearman" Plaintext, Fastcgi "fastcgi" Plaintext, Ajp "ajp" Plaintext,
    Dicom "dicom" Plaintext, Svn "svn" Plaintext, Cvs "cvs" Plaintext, Pjl "pjl" Plaintext, Smpp "smpp" Plaintext,
    Fix "fix" Plaintext, Cosem "cosem" Plaintext, Slmp "slmp" Plaintext, Lumberjack "lumberjack" Plaintext,
    Relp "relp" Plaintext, Msrp "msrp" Plaintext, Oscar "oscar" Plaintext, Eaq "eaq" Plaintext,
    Roughtime "roughtime" Plaintext, Statsd "statsd" Plaintext, Quake "quake" Plaintext, Source "source" Plaintext,
    Steam "steam" Plaintext, Gamespy "gamespy" Plaintext, Mpegts "mpegts" Plaintext, Sap "sap" Plaintext,
    Iax2 "iax2" Plaintext, Hep "hep" Plaintext, Artnet "artnet" Plaintext, Sacn "sacn" Plaintext,
    Pathport "pathport" Plaintext, Lifx "lifx" Plaintext, Rmcp "rmcp" Plaintext, Wccp "wccp" Plaintext,
    Mndp "mndp" Plaintext, Ripng "ripng" Plaintext, Cipio "cipio" Plaintext,
    Gvcp "gvcp" Plaintext, Cnpip "cnpip" Plaintext,
    File "file" Plaintext, Ftpdata "ftpdata" Plaintext, Xml "xml" Plaintext, Json "json" Plaintext, Graphite "graphite" Plaintext,
    Gelf "gelf" Plaintext, Nmea "nmea" Plaintext, Osc "osc" Plaintext, Midi "rtpmidi" Plaintext,
    Nvme "nvme" Plaintext, Drbd "drbd" Plaintext, Roce "roce" Plaintext, Raft "raft" Plaintext, Gossip "gossip" Plaintext,
    Erlang "erlang" Plaintext, Ganglia "ganglia" Plaintext, Jdwp "jdwp" Plaintext, Libvirt "libvirt" Plaintext,
    Hbase "hbase" Plaintext, Ibmmq "ibmmq" Plaintext, Pulsar "pulsar" Plaintext, Dubbo "dubbo" Plaintext,
    Rocketmq "rocketmq" Plaintext, Splunk "splunk" Plaintext, Fluentd "fluentd" Plaintext, Iperf "iperf" Plaintext,
    Ndmp "ndmp" Plaintext, Isns "isns" Plaintext, Rethinkdb "rethinkdb" Plaintext, Aerospike "aerospike" Plaintext,
    Uwsgi "uwsgi" Plaintext, Scgi "scgi" Plaintext, Perforce "perforce" Plaintext, Distcc "distcc" Plaintext, Ami "ami" Plaintext,
    Kismet "kismet" Plaintext,
    Ads "ads" Plaintext, Codesys "codesys" Plaintext, Fox "fox" Plaintext, Gesrtp "gesrtp" Plaintext,
    Tristation "tristation" Plaintext, Ethersio "ethersio" Plaintext, Ros "ros" Plaintext, Mavlink "mavlink" Plaintext,
    Mqttsn "mqttsn" Plaintext, Dis "dis" Plaintext,
    Icap "icap" Plaintext, Milter "milter" Plaintext, Policy "policy" Plaintext, Spamd "spamd" Plaintext, Lpd "lpd" Plaintext,
    Ident "ident" Plaintext, Z3950 "z3950" Plaintext, Kpasswd "kpasswd" Plaintext, Ncp "ncp" Plaintext, Mrcp "mrcp" Plaintext,
    Spice "spice" Plaintext, Directconnect "directconnect" Plaintext, Icp "icp" Plaintext, Chargen "chargen" Plaintext,
    Aodv "aodv" Plaintext, Lmp "lmp" Plaintext, Dlep "dlep" Plaintext, Msdp "msdp" Plaintext, Pcep "pcep" Plaintext,
    Bmp "bmp" Plaintext, Flute "flute" Plaintext, Glbp "glbp" Plaintext, Autorp "autorp" Plaintext, Cpha "cpha" Plaintext,
    Srt "srt" Plaintext, T38 "t38" Plaintext, Text "text" Plaintext,
    Wow "wow" Plaintext, Battlenet "battlenet" Plaintext, Minecraft "minecraft" Plaintext, Terraria "terraria" Plaintext, Teso "teso" Plaintext, Amongus "amongus" Plaintext,
    Armagetron "armagetron" Plaintext, Crossfire "crossfire" Plaintext, Crynet "crynet" Plaintext, Samp "samp" Plaintext, Ecowitt "ecowitt" Plaintext, V2gtp "v2gtp" Plaintext,
    Hsms "hsms" Plaintext, Roon "roon" Plaintext, Slimproto "slimproto" Plaintext, Mpd "mpd" Plaintext, Dahua "dahua" Plaintext, Zep "zep" Plaintext,
    Gsmtap "gsmtap" Plaintext, Msmq "msmq" Plaintext, Remoting "remoting" Plaintext, Nmf "nmf" Plaintext, Rsocket "rsocket" Plaintext,
    Brpc "brpc" Plaintext, Artemis "artemis" Plaintext, Velocystream "velocystream" Plaintext, Javaserial "javaserial" Plaintext, Amanda "amanda" Plaintext, Lwapp "lwapp" Plaintext,
    Hncp "hncp" Plaintext, Ahcp "ahcp" Plaintext, Vqp "vqp" Plaintext, Pana "pana" Plaintext, Mobileip "mobileip" Plaintext, Papi "papi" Plaintext,
    Xot "xot" Plaintext, Ucp "ucp" Plaintext, Finger "finger" Plaintext, Rwho "rwho" Plaintext, Cups "cups" Plaintext, Ymsg "ymsg" Plaintext,
    Msnp "msnp" Plaintext, Gadugadu "gadugadu" Plaintext, Protobuf "protobuf" Plaintext,
    Cops "cops" Plaintext, L2tp "l2tp" Plaintext, Hicp "hicp" Plaintext, Agentx "agentx" Plaintext, Smux "smux" Plaintext, Dhcpfo "dhcpfo" Plaintext, Omapi "omapi" Plaintext,
    Ancp "ancp" Plaintext, Dlsw "dlsw" Plaintext, Twamp "twamp" Plaintext, Cmpp "cmpp" Plaintext, Ipaccess "ipaccess" Plaintext,
    Llrp "llrp" Plaintext, Stanag5066 "stanag5066" Plaintext, Pcom "pcom" Plaintext, Gopher "gopher" Plaintext,
    Daytime "daytime" Plaintext, Rexec "rexec" Plaintext, Beep "beep" Plaintext, Dbus "dbus" Plaintext, Bzr "bzr" Plaintext,
    Synergy "synergy" Plaintext, Rpcap "rpcap" Plaintext, Mmsp "mmsp" Plaintext, Wins "wins" Plaintext, Ptpip "ptpip" Plaintext,
    Routeros "routeros" Plaintext, Jxta "jxta" Plaintext, Warcraft "warcraft" Plaintext, Ice "ice" Plaintext, Mpa "mpa" Plaintext,
    Ctdb "ctdb" Plaintext, Pvfs "pvfs" Plaintext, Rserve "rserve" Plaintext, Hana "hana" Plaintext, Firebird "firebird" Plaintext,
    Ocp1 "ocp1" Plaintext, Nano "nano" Plaintext, Amt "amt" Plaintext, Asterix "asterix" Plaintext, Pnrp "pnrp" Plaintext,
    Zephyr "zephyr" Plaintext, Mactelnet "mactelnet" Plaintext, Dplay "dplay" Plaintext, Tribes "tribes" Plaintext,
    Hiqnet "hiqnet" Plaintext, Dcp "dcp" Plaintext, Aeron "aeron" Plaintext, Udt "udt" Plaintext, Ardrone "ardrone" Plaintext,
    Cbsp "cbsp" Plaintext, Xmcp "xmcp" Plaintext, Tali "tali" Plaintext, Cimd "cimd" Plaintext, Supl "supl" Plaintext,
    Simulcrypt "simulcrypt" Plaintext, Fmtp "fmtp" Plaintext, Dlm "dlm" Plaintext, Pcp "pcp" Plaintext, Tpm "tpm" Plaintext,
    Hazelcast "hazelcast" Plaintext, Sasp "sasp" Plaintext, Zebra "zebra" Plaintext, Smc "smc" Plaintext, Fcip "fcip" Plaintext,
    Tuxedo "tuxedo" Plaintext, Saprouter "saprouter" Plaintext, Ziop "ziop" Plaintext, Acap "acap" Plaintext, Reload "reload" Plaintext,
    Ember "ember" Plaintext, Vicp "vicp" Plaintext, Gryphon "gryphon" Plaintext, H1 "h1" Plaintext, Soulseek "soulseek" Plaintext,
    Gprsns "gprsns" Plaintext, Mih "mih" Plaintext, Asncp "asncp" Plaintext, Noe "noe" Plaintext, Dsmcc "dsmcc" Plaintext,
    A11 "a11" Plaintext, Wsp "wsp" Plaintext, Rtpproxy "rtpproxy" Plaintext, Corosync "corosync" Plaintext, Tipc "tipc" Plaintext,
    Ipvs "ipvs" Plaintext, Pktgen "pktgen" Plaintext, Lanforge "lanforge" Plaintext, Kink "kink" Plaintext,
    Hse "hse" Plaintext, Ethercat "ethercat" Plaintext, Avtp "avtp" Plaintext, Vita49 "vita49" Plaintext, Cigi "cigi" Plaintext,
    Goose "goose" Plaintext, Enttec "enttec" Plaintext, Packetbb "packetbb" Plaintext, Batman "batman" Plaintext, Mle "mle" Plaintext,
    Ltp "ltp" Plaintext, Stamp "stamp" Plaintext, Slimp3 "slimp3" Plaintext, Teamspeak2 "teamspeak2" Plaintext, Sebek "sebek" Plaintext,
    Peekremote "peekremote" Plaintext,
    Hsfz "hsfz" Plaintext, Concox "concox" Plaintext,
    Cmp "cmp" Plaintext, Idmp "idmp" Plaintext, Ipdr "ipdr" Plaintext, Iapp "iapp" Plaintext, Rsip "rsip" Plaintext, Vuze "vuze" Plaintext,
    Igmp "igmp" Plaintext, Egp "egp" Plaintext, Igrp "igrp" Plaintext, Rsvp "rsvp" Plaintext, Nhrp "nhrp" Plaintext,
    Eigrp "eigrp" Plaintext, Pim "pim" Plaintext, Carp "carp" Plaintext, Vrrp "vrrp" Plaintext, Pgm "pgm" Plaintext,
    Isis "isis" Plaintext, Hip "hip" Plaintext, Shim6 "shim6" Plaintext, Ppp "ppp" Plaintext,
    Iua "iua" Plaintext, M2ua "m2ua" Plaintext, M3ua "m3ua" Plaintext, Sua "sua" Plaintext, M2pa "m2pa" Plaintext, V5ua "v5ua" Plaintext,
    Dua "dua" Plaintext, Bicc "bicc" Plaintext, Asap "asap" Plaintext, Enrp "enrp" Plaintext, Forces "forces" Plaintext,
    S1ap "s1ap" Plaintext, Rua "rua" Plaintext, Hnbap "hnbap" Plaintext, Sbcap "sbcap" Plaintext, Nbap "nbap" Plaintext,
    X2ap "x2ap" Plaintext, Lcsap "lcsap" Plaintext, Sabp "sabp" Plaintext, M2ap "m2ap" Plaintext, M3ap "m3ap" Plaintext,
    Ngap "ngap" Plaintext, Xnap "xnap" Plaintext, F1ap "f1ap" Plaintext, E1ap "e1ap" Plaintext, E2ap "e2ap" Plaintext,
    Icmp "icmp" Plaintext, Icmpv6 "icmpv6" Plaintext,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words_and_unique_but_for_encrypted_kinds() {
        // The same protocol with its own encryption switched on keeps its name and changes its class.
        let encrypted = [
            Protocol::GQuic,
            Protocol::SnmpPrivate,
            Protocol::Smb3,
            Protocol::RdpSecurity,
            Protocol::SealedPostgresql,
            Protocol::SealedNfs,
            Protocol::SealedRpc,
            Protocol::SealedOracle,
            Protocol::CurveZmq,
            Protocol::SealedCollectd,
            Protocol::SealedSrt,
            Protocol::SealedMle,
        ];
        let mut names: Vec<_> = Protocol::ALL.iter().filter(|p| !encrypted.contains(p)).map(|p| p.name()).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())));
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
        for protocol in encrypted {
            assert_eq!(protocol.class(), Class::Encrypted);
            assert!(names.contains(&protocol.name()));
        }
    }
}
