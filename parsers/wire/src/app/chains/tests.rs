//! What is told by messages in a row, from bytes of the standards' own layout, and what must not be.

use super::*;
use crate::app::tests::{Random, seed_stream};

const PORTS: Ports = Ports { client: 40_000, server: 40_001 };

/// As the initiator's and as the responder's, both ways round.
pub fn told(client: &[u8], server: &[u8]) -> Option<P> {
    let found = stream(client, server, PORTS, true, true);
    let turned = stream(server, client, PORTS, true, true);
    assert_eq!(found.map(|found| found.protocol), turned.map(|found| found.protocol));
    found.map(|found| found.protocol)
}

fn on_port(client: &[u8], server: &[u8], port: u16) -> Option<P> {
    stream(client, server, Ports { server: port, ..PORTS }, false, false).map(|found| found.protocol)
}

/// On its port one whole message tells, there alone and as long as the other side says nothing else.
fn alone(protocol: P, port: u16, client: &[&[u8]], server: &[&[u8]]) {
    let other = Random(9).bytes(40);
    for one in client {
        assert_eq!((on_port(one, &[], port), on_port(one, &[], port ^ 1)), (Some(protocol), None), "{one:02x?}");
        assert_eq!(on_port(one, &other, port), None, "{one:02x?}");
    }
    for one in server {
        assert_eq!((on_port(&[], one, port), on_port(&[], one, port ^ 1)), (Some(protocol), None), "{one:02x?}");
        assert_eq!(on_port(&other, one, port), None, "{one:02x?}");
    }
}

/// The same behind the end of a message whose beginning is missing, and cut at every byte: never anything else.
fn cut(protocol: P, client: &[u8], server: &[u8]) {
    let ends = [&Random(5).bytes(24)[..], b"the end of an earlier answer\r\n"].concat();
    seed_stream(client, server, PORTS.server);
    assert_eq!(told(client, server), Some(protocol));
    let behind = |bytes: &[u8]| if bytes.is_empty() { Vec::new() } else { [&ends, bytes].concat() };
    assert_eq!(told(&behind(client), &behind(server)), Some(protocol), "behind the end of another message");
    for n in 0..=client.len().max(server.len()) {
        let some = told(&client[..n.min(client.len())], &server[..n.min(server.len())]);
        assert!(some.is_none_or(|some| some == protocol), "{some:?} of {n} bytes");
        let rest = told(&client[n.min(client.len())..], &server[n.min(server.len())..]);
        assert!(rest.is_none_or(|rest| rest == protocol), "{rest:?} behind {n} bytes");
    }
}

/// Both sides alone, and together.
fn each(protocol: P, client: &[u8], server: &[u8]) {
    cut(protocol, client, &[]);
    cut(protocol, &[], server);
    cut(protocol, client, server);
}

fn h2(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
}

#[test]
fn http2_and_grpc() {
    let grpc = |body: &[u8]| [&[0, 0, 0, 0, body.len() as u8], body].concat();
    let client = [
        h2(1, 4, 41, b"\x83\x86\xc2\xc1\xc0"),
        h2(0, 1, 41, &grpc(b"\x0a\x05hello")),
        h2(8, 0, 0, b"\0\0\0\x0c"),
        h2(6, 0, 0, b"\x02\x04\x10\x10\x09\x0e\x07\x07"),
    ];
    let server = [
        h2(1, 4, 41, b"\x88\xc1"),
        h2(0, 0, 41, &grpc(b"\x0a\x05world")),
        h2(1, 5, 41, b"\xbf\xbe"),
        h2(6, 1, 0, b"\x02\x04\x10\x10\x09\x0e\x07\x07"),
    ];
    each(P::Http, &client.concat(), &server.concat());
    // A server alone from its first word on: SETTINGS of its own, and the acknowledgement of the client's.
    let begins = [h2(4, 0, 0, b"\0\x05\0\0\x40\0"), h2(4, 1, 0, b""), server[0].clone()].concat();
    assert_eq!(told(&[], &begins), Some(P::Http));
    // Data on no stream, or padding that is no flag.
    assert_eq!(told(&[h2(0, 0, 0, b"x"), h2(0, 0, 0, b"y"), h2(0, 0, 0, b"z")].concat(), &[]), None);
    assert_eq!(told(&[0; 400], &[0; 400]), None);
}

#[test]
fn websocket_of_text() {
    let said: &[&str] =
        &["{\"op\":\"subscribe\"}", "{\"op\":\"ping\"}", "{\"price\":\"31.17\"}", "{\"price\":\"31.18\"}"];
    let server = said.iter().flat_map(|text| [&[0x81, text.len() as u8], text.as_bytes()].concat()).collect::<Vec<_>>();
    let key = *b"\x9c\x05\xe3\x71";
    let masked = |text: &str| text.bytes().zip(key.into_iter().cycle()).map(|(a, b)| a ^ b).collect::<Vec<_>>();
    let client = said
        .iter()
        .flat_map(|text| [&[0x81, 0x80 | text.len() as u8], &key[..], &masked(text)].concat())
        .collect::<Vec<_>>();
    each(P::Http, &client, &server);
    // What is binary may be anything.
    let binary = (0..20).flat_map(|n| [&[0x82, 40][..], &Random(n).bytes(40)].concat()).collect::<Vec<_>>();
    assert_eq!(told(&[], &binary), None);
}

fn mysql(sequence: u8, body: &[u8]) -> Vec<u8> {
    [&[body.len() as u8, 0, 0, sequence], body].concat()
}

#[test]
fn mysql_behind_its_login() {
    let client = [mysql(0, b"\x03SELECT id, name FROM t"), mysql(0, b"\x03COMMIT WORK"), mysql(0, b"\x0e")].concat();
    let column = b"\x03def\x04shop\x01t\x01t\x02id\x02id\x0c\x3f\0\x0b\0\0\0\x03\x03\x42\0\0\0";
    let server = [
        mysql(1, b"\x01"),
        mysql(2, column),
        mysql(3, b"\xfe\0\0\x02\0"),
        mysql(4, b"\x0217"),
        mysql(5, b"\xfe\0\0\x02\0"),
        mysql(1, b"\0\0\0\x02\0\0\0"),
    ];
    each(P::Mysql, &client, &server.concat());
    // With attributes of the query, as since 8.0.23.
    assert_eq!(told(&[mysql(0, b"\x03\0\x01SELECT 1 FROM dual"), mysql(0, b"\x0e")].concat(), &[]), Some(P::Mysql));
    // A counter in front of ciphertext is not enough.
    let sealed = (1..=30).flat_map(|n| mysql(n, &Random(n.into()).bytes(60))).collect::<Vec<_>>();
    assert_eq!(told(&[], &sealed), None);
}

fn pg(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

#[test]
fn postgresql_behind_its_login() {
    let simple =
        [pg(b'Q', b"SELECT id FROM t\0"), pg(b'Q', b"UPDATE t SET n = n + 1\0"), pg(b'Q', b"COMMIT\0")].concat();
    let prepared = [
        pg(b'P', b"\0SELECT id FROM t WHERE n = $1\0\0\0"),
        pg(b'B', b"\0\0\0\0\0\x01\0\0\0\x0217\0\0"),
        pg(b'E', &[0; 5]),
        pg(b'S', b""),
    ]
    .concat();
    let server = [
        pg(b'T', b"\0\x01id\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"),
        pg(b'D', b"\0\x01\0\0\0\x0217"),
        pg(b'C', b"SELECT 1\0"),
        pg(b'Z', b"I"),
    ]
    .concat();
    each(P::Postgresql, &simple, &server);
    each(P::Postgresql, &prepared, &[pg(b'1', b""), pg(b'2', b""), server].concat());
}

/// Native encryption leaves the headers and seals what is in them.
#[test]
fn oracle_by_its_words() {
    let packet = |body: &[u8]| [&(body.len() as u16 + 10).to_be_bytes()[..], b"\0\0\x06\0\0\0\0\0", body].concat();
    let query = packet(b"\x03\x5e\x0b\x02\x80\x21\x01\x34SELECT table_name FROM user_tables ORDER BY 1\x01\x01");
    let rows = packet(b"\x10\x17\x4c\x01\x02\x81\x07TABLE_NAME OF THE CURRENT USER'S TABLES\x07\x05EMPLOYEES");
    cut(P::Oracle, &query.repeat(2), &rows.repeat(2));
    let sealed = (0..20).flat_map(|n| packet(&Random(n).bytes(120))).collect::<Vec<_>>();
    assert_eq!(told(&sealed, &sealed), None);
}

#[test]
fn cassandra_tds_mongodb_redis() {
    let cql = b"\0\0\0\x21SELECT * FROM system.peers_v2 ...\0\x01\0";
    let query = [b"\x04\0\0\x07\x07", &(cql.len() as u32).to_be_bytes()[..], cql].concat();
    let void = b"\x84\0\0\x07\x08\0\0\0\x04\0\0\0\x01";
    each(P::Cassandra, &query.repeat(3), &void.repeat(3));

    let sql = b"S\0E\0L\0E\0C\0T\0 \x001\0";
    let headers = b"\x16\0\0\0\x12\0\0\0\x02\0\0\0\0\0\0\0\0\0\x01\0\0\0";
    let batch = [b"\x01\x01\0\x2e\0\0\x01\0", &headers[..], sql].concat();
    let done = b"\x04\x01\0\x15\0\x35\x01\0\xfd\x10\0\xc1\0\x01\0\0\0\0\0\0\0";
    each(P::Tds, &batch.repeat(2), &done.repeat(2));

    let message = b"\x1f\0\0\0\x07\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x0a\0\0\0\x08ok\0\x01\0";
    each(P::Mongodb, &message.repeat(2), &message.repeat(2));

    each(P::Redis, &b"*2\r\n$3\r\nGET\r\n$5\r\nstock\r\n".repeat(2), &b"$4\r\n3117\r\n:1\r\n+OK\r\n$-1\r\n".repeat(2));
}

#[test]
fn brokers() {
    let request = |n: u8| [&b"\0\0\0\x16\0\x01\0\x0c\0\0\x12"[..], &[n], b"\0\x08consumer\0\0\0\0"].concat();
    cut(P::Kafka, &[request(7), request(8), request(9)].concat(), &[]);
    assert_eq!(told(&[request(7), request(9)].concat(), &[]), None, "their numbers follow one another");

    let publish = b"\x01\0\x01\0\0\0\x0f\0\x3c\0\x28\0\0\0\x06orders\0\xce";
    let content = b"\x02\0\x01\0\0\0\x0e\0\x3c\0\0\0\0\0\0\0\0\0\x03\0\0\xce\x03\0\x01\0\0\0\x03abc\xce";
    each(P::Amqp, &[&publish[..], content].concat(), b"\x08\0\0\0\0\0\0\xce".repeat(3).as_slice());
    let flow = b"\0\0\0\x14\x02\0\0\0\0\x53\x13\xc0\x07\x04\x43\x52\x0a\x43\x43\x40";
    each(P::Amqp, &flow.repeat(2), &b"\0\0\0\x08\x02\0\0\0".repeat(3));

    let publish = b"\x30\x12\0\x0dsensors/hall/22.50";
    each(
        P::Mqtt,
        &[&publish[..18], b"50", &b"\xc0\0".repeat(2)].concat(),
        &[&publish[..18], b"50", &b"\xd0\0".repeat(2)].concat(),
    );
    each(P::Mqtt, &b"\xc0\0".repeat(4), &b"\xd0\0".repeat(4));

    let send = b"SEND\ndestination:/queue/a\ncontent-type:text/plain\n\nhello\0\n";
    let got = b"MESSAGE\nsubscription:0\nmessage-id:7\ncontent-length:5\n\nhello\0";
    each(P::Stomp, &send.repeat(2), &got.repeat(2));

    each(
        P::Nats,
        &b"PUB orders.new 5\r\nhello\r\nPING\r\n".repeat(2),
        &b"MSG orders.new 9 5\r\nhello\r\nPONG\r\n".repeat(2),
    );
}

#[test]
fn services() {
    let get = b"\0\0\0\x11\0\0\0\x09\0\0\0\x04\0\0\0\x04/app\0";
    let reply = b"\0\0\0\x10\0\0\0\x09\0\0\0\x01\0\0\0\x2a\0\0\0\0";
    let ping = b"\0\0\0\x08\xff\xff\xff\xfe\0\0\0\x0b";
    each(P::Zookeeper, &[&get[..], ping, ping].concat(), &reply.repeat(5));
    let connected = b"\0\0\0\x25\0\0\0\0\0\0\x75\x30\x01\0\0\x2a\x17\x9b\0\0\0\0\0\x10abcdefghijklmnop\0";
    assert_eq!(told(&[], &[&connected[..], reply].concat()), Some(P::Zookeeper));

    let tacacs = |n: u8| [&[0xc0, 2, n, 0][..], b"\x17\x9b\x2c\x61\0\0\0\x0a", &Random(n.into()).bytes(10)].concat();
    each(P::Tacacs, &[tacacs(3), tacacs(5)].concat(), &[tacacs(2), tacacs(4)].concat());

    let request = b"\0\0\0\x0d\x06\0\0\0\x07\0\0\x40\0\0\0\x40\0";
    let piece = [b"\0\0\x40\x09\x07\0\0\0\x07\0\0\x40\0", &Random(1).bytes(0x4000)[..]].concat();
    cut(P::Bittorrent, &request.repeat(2), &[]);
    cut(P::Bittorrent, &request.repeat(2), &piece[..300]);

    let keepalive = [&[0xff; 16][..], b"\0\x13\x04"].concat();
    each(P::Bgp, &keepalive.repeat(2), &keepalive.repeat(2));

    let search = b"\x30\x22\x02\x01\x07\x63\x1d\x04\x04dc=a\x0a\x01\x02\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x04name\x30\0";
    assert_eq!(search.len(), 36);
    let done = b"\x30\x0c\x02\x01\x07\x65\x07\x0a\x01\0\x04\0\x04\0";
    each(P::Ldap, &search.repeat(2), &done.repeat(2));

    let read = [&b"\0\0\0\x71\xfeSMB\x40\0\x01\0\0\0\0\0\x08\0\x01\0"[..], &[0; 97]].concat();
    cut(P::Smb, &read.repeat(2), &[]);
}

/// Frames as the Python driver writes them (cassandra-driver 3.30, `SegmentCodec`): two queries, a result, and both queries where payloads may be
/// compressed.
#[test]
fn cassandra_5() {
    let query = b"\x3b\0\x02\x6b\x01\xeb\x05\0\0\x01\x07\0\0\0\x32\0\0\0\x28SELECT release_version FROM system.local\0\x01\0\0\0\0\x66\x0d\x89\xef";
    let other = b"\x2f\0\x02\xac\xf3\x06\x05\0\0\x02\x07\0\0\0\x26\0\0\0\x1cSELECT * FROM ks.t WHERE k=1\0\x01\0\0\0\0\x8f\x7b\x38\x2e";
    let result = b"\x0d\0\x02\xcf\x07\xf7\x85\0\0\x01\x08\0\0\0\x04\0\0\0\x01\x1e\x43\xb5\xfd";
    let packed = b"\x2a\0\xd4\0\x04\xb3\xe7\x3b\xf0\x5b\x05\0\0\x01\x07\0\0\0\x32\0\0\0\x28SELECT release_version FROM\xc2\x11\xe2\xcb";
    cut(P::Cassandra, &[&query[..], other].concat(), &result.repeat(2));
    each(P::Cassandra, &[&query[..], other, query].concat(), &result.repeat(3));
    cut(P::Cassandra, &packed.repeat(2), &packed.repeat(3));
    let damaged = |at: usize| {
        let mut frames = query.repeat(3);
        frames[at] ^= 1;
        told(&frames[..2 * query.len()], &[])
    };
    assert_eq!([damaged(0), damaged(5), damaged(query.len() + 4)], [None; 3]);
    assert_eq!(damaged(20), Some(P::Cassandra), "what stands in it is not read");
}

/// A query that is too short to be worth it, and one under zlib; answers of both kinds.
#[test]
fn mysql_compressed() {
    let query = b"\x0d\0\0\0\0\0\0\x09\0\0\0\x03SELECT 1";
    let deflated = [&b"\x30\0\0\0\x60\0\0\x78\x9c"[..], &Random(9).bytes(46)].concat();
    let ok = b"\x0b\0\0\x01\0\0\0\x07\0\0\x01\0\0\0\x02\0\0\0";
    let rows = [&b"\x40\0\0\x01\x90\x01\0\x78\x9c"[..], &Random(11).bytes(62)].concat();
    cut(P::Mysql, &[&query[..], query, query].concat(), &[]);
    cut(P::Mysql, &[&query[..], &deflated].concat(), &[&rows[..], ok].concat());
    assert_eq!(told(&deflated.repeat(4), &[]), Some(P::Mysql));
    // Nothing is larger than it was; something else inside.
    let larger = [&b"\x30\0\0\0\x20\0\0\x78\x9c"[..], &Random(9).bytes(46)].concat();
    assert_eq!(told(&larger.repeat(4), &[]), None);
    assert_eq!(told(&b"\x0d\0\0\0\0\0\0\x09\0\0\0\x63SELECT 1".repeat(4), &[]), None);
}

#[test]
fn screens() {
    let update = b"\x03\x01\0\0\0\0\x04\0\x03\0";
    let moved = b"\x05\0\x01\x2c\0\xc8";
    let key = b"\x04\x01\0\0\0\0\0\x61";
    cut(P::Vnc, &[&update[..], moved, key, update, moved, update].concat(), &[]);
    let pointer = b"\x26\0\x02\0\x44\0\x20\x01";
    let focus = b"\x2b\0\x01\0";
    cut(P::X11, &[&pointer[..], focus].concat().repeat(4), &[]);
}

#[test]
fn mail_and_news() {
    let mail = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n";
    each(P::Smtp, mail, b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    let transfer = b"TYPE I\r\nPASV\r\nRETR report.pdf\r\n";
    each(
        P::Ftp,
        transfer,
        b"200 Switching to Binary mode.\r\n227 Entering Passive Mode (192,0,2,1,20,30).\r\n150 Opening\r\n",
    );
    each(
        P::Nntp,
        b"GROUP misc.test\r\nXOVER 1-9\r\nXOVER 10-17\r\n",
        b"211 9 1 9 misc.test\r\n220 3 <3@misc.example>\r\nSubject: x\r\n\r\nhi\r\n.\r\n221 4 <4@misc.example>\r\n\r\n.\r\n",
    );
    cut(P::Pop3, b"STAT\r\nRETR 1\r\nDELE 1\r\n", b"+OK 2 320\r\n+OK 120 octets\r\n");
    let fetched =
        b"* 0 RECENT\r\n* 23 EXISTS\r\n* 23 FETCH (UID 7 BODY[] {5}\r\nhello FLAGS (\\Seen))\r\na8 OK FETCH done\r\n";
    each(P::Imap, b"a6 NOOP\r\na7 SELECT INBOX\r\na8 UID FETCH 7 (BODY.PEEK[])\r\n", fetched);
}

#[test]
fn talk() {
    let server = b":joe!j@a.example PRIVMSG #ops :hi\r\n:irc.example 353 me = #ops :joe me\r\n:a!b@c QUIT :bye\r\n";
    each(P::Irc, b"PRIVMSG #ops :hello\r\nPRIVMSG #ops :there\r\nPRIVMSG joe :you\r\n", server);
    let stanza = b"<message to='a@b.example' id='7'><body>hi</body></message><presence from='a@b.example'/>";
    each(P::Xmpp, stanza, stanza);
}

#[test]
fn one_message_on_its_port() {
    let published = b"\x30\x0d\0\x06room/1hello";
    let subscribes = b"\x82\x0b\0\x01\0\x06room/1\0";
    let acknowledged = b"\x40\x02\0\x01";
    alone(
        P::Mqtt,
        1883,
        &[published, b"\xc0\0", subscribes, acknowledged],
        &[published, b"\x90\x03\0\x01\0", b"\xd0\0"],
    );
    assert_eq!(told(b"\xc0\0", b"\xd0\0"), Some(P::Mqtt));
    for other in
        [&b"\x36\x0d\0\x06room/1hello"[..], b"\x30\x0d\0\x06room\x011hello", b"\x30\x0c\0\x0froom/1hello", b"\xc0\x01"]
    {
        assert_eq!(on_port(other, &[], 1883), None, "{other:02x?}");
    }
    let declare = b"\x01\0\x01\0\0\0\x0c\0\x32\0\x0a\0\0\x01q\0\0\0\0\xce";
    let heartbeat = b"\x08\0\0\0\0\0\0\xce";
    alone(P::Amqp, 5672, &[declare, heartbeat], &[heartbeat]);
    assert_eq!(
        on_port(b"\x01\0\x01\0\0\0\x0b\0\x32\0\x0a\0\0\x01q\0\0\0\0\xce", &[], 5672),
        None,
        "the size is not its own"
    );

    let columns = b"\x01\0\0\x01\x01\x17\0\0\x02\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0";
    let changed = b"\x0a\0\0\x01\0\x01\xfd\x10\x27\0\x02\0\0\0";
    alone(P::Mysql, 3306, &[b"\x09\0\0\0\x03SELECT 1", b"\x01\0\0\0\x0e"], &[b"\x07\0\0\x01\0\0\0\x02\0\0\0", changed]);
    assert_eq!(on_port(&[], columns, 3306), Some(P::Mysql));
    assert_eq!(told(b"\x01\0\0\0\x0e", b"\x07\0\0\x01\0\0\0\x02\0\0\0"), Some(P::Mysql));

    let done = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
    alone(
        P::Postgresql,
        5432,
        &[b"Q\0\0\0\x0eselect 1;\0", b"X\0\0\0\x04", b"p\0\0\0\x0bsesame\0"],
        &[b"Z\0\0\0\x05I", b"S\0\0\0\x08a\0b\0"],
    );
    assert_eq!(on_port(b"Q\0\0\0\x0eselect 1;\0garbage", &[], 5432), None);
    assert_eq!(told(b"X\0\0\0\x04", done), Some(P::Postgresql));
    alone(P::Nats, 4222, &[b"PUB a 2\r\nhi\r\n"], &[]);
    alone(P::Xmpp, 5222, &[b"<presence to='a@b.example'/>"], &[]);
}

/// As of the table of first bytes: less than one in ten thousand.
#[test]
fn random_bytes_on_a_port_tell_next_to_nothing() {
    const LENGTHS: [usize; 14] = [2, 4, 5, 6, 8, 12, 16, 20, 32, 48, 64, 92, 148, 300];
    let rounds: usize = if cfg!(debug_assertions) { 1_000 } else { 50_000 };
    let ports = [
        1883, 5672, 3306, 5432, 1521, 9042, 1433, 27017, 6379, 2181, 9092, 61613, 4222, 49, 6881, 179, 389, 445, 5900,
        6000, 25, 21, 119, 110, 143, 6667, 5222, 80,
    ];
    let mut failures = Vec::new();
    for port in ports {
        assert!(ROWS.iter().any(|row| is_registered(row.protocol, port)));
        for length in LENGTHS {
            let mut random = Random(u64::from(port) << 16 | length as u64);
            let mut hits = [0; 2];
            for _ in 0..rounds {
                let bytes = random.bytes(length);
                hits[0] += usize::from(on_port(&bytes, &[], port).is_some());
                hits[1] += usize::from(on_port(&[], &bytes, port).is_some());
            }
            if hits.iter().any(|hits| *hits > rounds.div_ceil(10_000)) {
                failures.push((port, length, hits));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:?} of {rounds}");
}

/// Random bytes, in all sizes; as many in release builds as in a day's capture.
#[test]
fn random_bytes_tell_nothing() {
    let rounds = if cfg!(debug_assertions) { 10_000 } else { 1_000_000 };
    let mut random = Random(17);
    for round in 0..rounds {
        let limit = if round % 16 == 0 { 1460 } else { 120 };
        let (a, b) = (random.below(limit), random.below(limit));
        let (a, b) = (random.bytes(a), random.bytes(b));
        assert_eq!(stream(&a, &b, PORTS, true, true), None, "{a:02x?} {b:02x?}");
    }
}

/// What is framed and sealed, or is no message at all.
#[test]
fn nothing_is_made_of_other_bytes() {
    let mut random = Random(23);
    let mut framed = |header: &dyn Fn(usize, u8) -> Vec<u8>| -> Vec<u8> {
        (0..40u8)
            .flat_map(|n| {
                let size = 16 + random.below(64);
                [header(size, n), random.bytes(size)].concat()
            })
            .collect()
    };
    let streams = [
        framed(&|size, _| vec![0x17, 3, 3, 0, size as u8]),
        framed(&|size, _| (size as u32).to_be_bytes().to_vec()),
        framed(&|size, _| (size as u32).to_le_bytes().to_vec()),
        framed(&|size, _| (size as u16).to_be_bytes().to_vec()),
        framed(&|size, n| vec![0, 0, 0, size as u8 + 4, 0, 0, 0, n]),
        framed(&|size, n| vec![size as u8, 0, 0, n]),
        framed(&|size, n| vec![n, 0, 0, size as u8]),
        framed(&|size, n| vec![0, n, 0, size as u8]),
        framed(&|size, _| vec![size as u8]),
        vec![0; 3000],
        vec![0xff; 3000],
        vec![b'\n'; 3000],
        b"\r\n".repeat(1000),
        (0..=255).cycle().take(3000).collect(),
        (0..1500u16).flat_map(u16::to_be_bytes).collect(),
        (0..1500u16).flat_map(u16::to_le_bytes).collect(),
        (0..700u32).flat_map(u32::to_be_bytes).collect(),
        (0..700u32).flat_map(u32::to_le_bytes).collect(),
        b"The quick brown fox jumps over the lazy dog. \r\n".repeat(60),
        b"Nov 27 13:00:01 host cron[1]: (root) CMD (run-parts)\n".repeat(60),
        b"id,name,price\r\n17,bolt,0.25\r\n".repeat(80),
        b"<item><name>bolt</name></item>\r\n".repeat(80),
        b"{\"level\":\"info\",\"msg\":\"started\"}\r\n".repeat(80),
    ];
    for (n, one) in streams.iter().enumerate() {
        assert_eq!(told(one, &[]), None, "{n}");
        for other in &streams {
            assert_eq!(told(one, other), None, "{n}");
        }
    }
}
