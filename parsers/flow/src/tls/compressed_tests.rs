//! Compressed certificates (RFC 8879) read with keys. The handshakes are those of rustls 0.23 at both ends, which compresses with zlib
//! and brotli itself and was given zstd 1.5; the lines of its key log stand in front (`k`).

use super::decryption::decompressed;
use super::session::Keys;
use super::{Progress, TlsStream, limits};
use crate::Direction::{Forward, Reverse};
use crate::certificates::Certificates;

const CHAIN: [&str; 2] = [
    "0a6848fa6806808c3fdd55bc4aa4a1453d70abe12587c34a4a1fba6ce24025a6",
    "d59951e11a3b8b66c376ab1b6cff17f01e0917b52a7a62638b18cd71282671c9",
];

#[test]
fn each_algorithm_gives_the_chain_that_was_sent() {
    for trace in [
        include_str!("testdata/tls13_zlib.txt"),
        include_str!("testdata/tls13_brotli.txt"),
        include_str!("testdata/tls13_zstd.txt"),
    ] {
        let (mut stream, mut certificates) = (TlsStream::new(), Certificates::new(1));
        for line in trace.lines() {
            let hex = &line[2..];
            let bytes = || (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
            let from = match &line[..1] {
                "k" => {
                    certificates.keys.get_or_insert_default().line(hex.as_bytes());
                    continue;
                }
                ">" => Forward,
                _ => Reverse,
            };
            if stream.data(from, &bytes().collect::<Vec<u8>>(), 1, &mut certificates) == Progress::Done {
                break;
            }
        }
        let session = stream.session();
        let shown: Vec<_> = session.certificates.iter().flatten().map(|id| certificates.sha256_hex(*id)).collect();
        assert_eq!(shown, CHAIN);
        assert_eq!((session.keys, session.server_finished, session.proven), (Some(Keys::Opened), true, Some(true)));
        assert_eq!((session.limited, session.client_certificate()), (0, None));
    }
}

/// Algorithm, length of the message, compressed message.
fn message(algorithm: u8, length: u32, compressed: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = length.to_be_bytes();
    let [_, d, e, f] = (compressed.len() as u32).to_be_bytes();
    [&[0, algorithm, a, b, c, d, e, f], compressed].concat()
}

#[test]
fn what_does_not_come_out_as_promised_is_refused() {
    use std::io::Write;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&[b'a'; 5000]).unwrap();
    let zlib = zlib.finish().unwrap();
    assert_eq!(decompressed(&message(1, 5000, &zlib)), Some(vec![b'a'; 5000]));
    for (algorithm, length) in [(1, 4999), (1, 5001), (2, 5000), (3, 5000), (4, 5000), (0, 5000)] {
        assert_eq!(decompressed(&message(algorithm, length, &zlib)), None, "{algorithm} {length}");
    }
    for cut in 0..zlib.len() {
        assert_eq!(decompressed(&message(1, 5000, &zlib[..cut])), None);
    }
    // A bomb: a megabyte that says so, and one that says less.
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![0; 1 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    for length in [1 << 20, limits::MAX_MESSAGE] {
        assert_eq!(decompressed(&message(1, length, &bomb)), None);
    }
}
