//! Records tls13_zlib.txt, tls13_brotli.txt and tls13_zstd.txt: `record ALGORITHM > FILE`, in a package of its own with
//! rustls 0.23 (features ring, std, zlib, brotli) and zstd 0.13. Lines: `k` key log, `>` from the client, `<` from the server.

use rustls::client::danger::*;
use rustls::compress::*;
use rustls::pki_types::*;
use rustls::*;
use std::io::Write;
use std::sync::{Arc, Mutex};
#[derive(Debug)]
struct Any(Arc<crypto::CryptoProvider>);
impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(m, c, d, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(m, c, d, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
#[derive(Debug)]
struct Zstd;
impl CertCompressor for Zstd {
    fn compress(&self, input: Vec<u8>, _: CompressionLevel) -> Result<Vec<u8>, CompressionFailed> {
        zstd::encode_all(&input[..], 3).map_err(|_| CompressionFailed)
    }
    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        CertificateCompressionAlgorithm::Zstd
    }
}
impl CertDecompressor for Zstd {
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        let out = zstd::decode_all(input).map_err(|_| DecompressionFailed)?;
        if out.len() != output.len() {
            return Err(DecompressionFailed);
        }
        output.copy_from_slice(&out);
        Ok(())
    }
    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        CertificateCompressionAlgorithm::Zstd
    }
}
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);
impl KeyLog for Log {
    fn log(&self, label: &str, random: &[u8], secret: &[u8]) {
        if label.contains("HANDSHAKE") {
            self.0.lock().unwrap().push(format!("k {label} {} {}", hex(random), hex(secret)));
        }
    }
}
fn hex(b: &[u8]) -> String {
    b.iter().map(|x| format!("{x:02x}")).collect()
}
fn main() {
    let which = std::env::args().nth(1).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let chain = || {
        vec![
            CertificateDer::from(std::fs::read("server.der").unwrap()),
            CertificateDer::from(std::fs::read("client.der").unwrap()),
        ]
    };
    let key = PrivateKeyDer::Pkcs8(std::fs::read("server.key").unwrap().into());
    let log = Arc::new(Log::default());
    let mut s = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain(), key)
        .unwrap();
    let mut c = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any(provider)))
        .with_no_client_auth();
    c.key_log = log.clone();
    let (comp, dec): (&'static dyn CertCompressor, &'static dyn CertDecompressor) = match which.as_str() {
        "zlib" => (ZLIB_COMPRESSOR, ZLIB_DECOMPRESSOR),
        "brotli" => (BROTLI_COMPRESSOR, BROTLI_DECOMPRESSOR),
        _ => (&Zstd, &Zstd),
    };
    s.cert_compressors = vec![comp];
    c.cert_decompressors = vec![dec];
    let mut client = ClientConnection::new(Arc::new(c), ServerName::try_from("server.example.test").unwrap()).unwrap();
    let mut server = ServerConnection::new(Arc::new(s)).unwrap();
    let mut lines = Vec::new();
    let mut written = false;
    for _ in 0..10 {
        let mut b = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut b).unwrap();
        }
        if !b.is_empty() {
            lines.push(format!("> {}", hex(&b)));
            let mut r = &b[..];
            while !r.is_empty() {
                server.read_tls(&mut r).unwrap();
                server.process_new_packets().unwrap();
            }
        }
        let mut b = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut b).unwrap();
        }
        if !b.is_empty() {
            lines.push(format!("< {}", hex(&b)));
            let mut r = &b[..];
            while !r.is_empty() {
                client.read_tls(&mut r).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        if !client.is_handshaking() && !server.is_handshaking() && !written {
            client.writer().write_all(b"ping").unwrap();
            server.writer().write_all(b"pong").unwrap();
            written = true;
        }
    }
    for l in log.0.lock().unwrap().iter() {
        println!("{l}");
    }
    for l in lines {
        println!("{l}");
    }
}
