//! Mutations as a fuzzer makes them, but always the same ones: what an ordinary test can do without a fuzzer.

/// Words that unlock code behind a comparison; also the dictionary of the fuzzers.
pub const MAGIC: &[&[u8]] = &[
    // Captures: magic numbers of pcap in its kinds, blocks of pcapng, compressed streams.
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34",
    b"\x0a\x0d\x0d\x0a",
    b"\x1a\x2b\x3c\x4d",
    b"\x4d\x3c\x2b\x1a",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"\xfd7zXZ\x00",
    // Link and network layer, tunnels.
    b"\x08\x00\x45\x00",
    b"\x86\xdd\x60\x00",
    b"\x81\x00",
    b"\x88\xa8",
    b"\x88\x47",
    b"\x88\x64\x11\x00",
    b"\x65\x58",
    b"\x12\xb5",
    b"\x17\xc1",
    b"\x08\x68",
    b"\x0d\xd8",
    b"\x11\x94",
    b"\x01\xf4",
    b"\x08\x00\x00\x00",
    // TLS, DTLS, QUIC, IKE.
    b"\x16\x03\x01",
    b"\x16\x03\x03",
    b"\x14\x03\x03\x00\x01\x01",
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x17\x03\x03",
    b"\x80\x2e\x01\x00\x02",
    b"\x16\xfe\xfd\x00\x00",
    b"\x16\xfe\xff\x00\x00",
    b"\x2f\xe0",
    b"\x00\x2b\x00\x02\x03\x04",
    b"\x00\x33\x00\x24\x00\x1d\x00\x20",
    b"\xcf\x21\xad\x74\xe5\x9a\x61\x11",
    b"\x6b\x33\x43\xcf",
    b"\xff\x00\x00\x1d",
    b"Q046",
    b"Q050",
    b"T051",
    b"\x00\x00\x00\x00",
    b"\x21\x20\x22\x08",
    b"\x01\x10\x02\x00",
    b"\x29\x20\x22\x20",
    // Lengths that lie.
    b"\xff",
    b"\xff\xff",
    b"\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\x00",
    b"\x40\x00",
    // Clear protocols.
    b"GET / HTTP/1.1\r\n",
    b"Authorization: Basic dTpw\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"PROXY TCP4 ",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
    b"\x05\x01\x00",
    b"\x04\x01",
    b"SSH-2.0-",
    b"220 ",
    b"EHLO ",
    b"STARTTLS\r\n",
    b"AUTH PLAIN AHUAcA==\r\n",
    b"USER u\r\n",
    b"PASS p\r\n",
    b"+OK ",
    b"STLS\r\n",
    b"* OK ",
    b"a LOGIN u p\r\n",
    b"AUTH TLS\r\n",
    b"234 ",
    b"\x30\x84",
    b"\x30\x82",
    b"\x02\x01\x01",
    b"1.3.6.1.4.1.1466.20037",
    b"public",
    b"*2\r\n$4\r\nAUTH\r\n",
    b"\x10",
    b"MQTT",
    b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
    b"\xffSMB",
    b"\xfeSMB",
    b"INVITE sip:",
    b"SIP/2.0 200",
    b"<14>",
    b"<starttls",
    b"<proceed",
    b"\xc0\x0c",
    b"\x03com\x00",
    b"RFB 003.008\n",
    b"\x21\x12\xa4\x42",
    b"BitTorrent protocol",
];

/// Deterministic: the same seed makes the same mutations on every machine.
pub struct Mutator(u64);

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// One of the seeds with one to eight changes.
    pub fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        if bytes.is_empty() {
            return bytes.extend_from_slice(MAGIC[self.below(MAGIC.len())]);
        }
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.below(256) as u8,
            2 => bytes[at] = bytes[at].wrapping_add(1 + 254 * self.below(2) as u8),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..(at + 1 + self.below(16)).min(bytes.len()))),
            5 => {
                let word = MAGIC[self.below(MAGIC.len())];
                bytes[at..].iter_mut().zip(word).for_each(|(byte, new)| *byte = *new);
            }
            6 => drop(bytes.splice(at..at, MAGIC[self.below(MAGIC.len())].iter().copied())),
            _ => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len().max(1)).min(other.len());
                let part = other[from..(from + 1 + self.below(64)).min(other.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}
