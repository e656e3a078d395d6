//! The messages behind a ServerHello, once they can be read: what they say, and whether CertificateVerify and Finished are right.
//! RFC 8446 section 4.4, RFC 8879.

use super::Labels;
use crate::Direction;
use crate::certificates::Certificates;
use crate::tls::handshake::RAW_PUBLIC_KEY;
use crate::tls::{Handshake, limits};
use crate::trust;
use transitproof_wire::Reader;
use transitproof_wire::tls::{
    Certificate13, EncryptedExtensions, MessageHeader, certificate_verify, extension, handshake, sct_count,
};

const BROTLI_BUFFER: usize = 4096;

impl Handshake {
    pub(super) fn hidden_messages(
        &mut self,
        from: Direction,
        content: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) {
        let Some(side) = self.side(from) else { return };
        let mut messages = std::mem::take(&mut side.messages);
        messages.extend_from_slice(content);
        let mut rest = &*messages;
        while let Some((header, behind)) = rest.split_first_chunk::<{ MessageHeader::LEN }>() {
            let header = MessageHeader::parse(*header);
            if header.length > limits::MAX_MESSAGE {
                self.limited();
                self.stop_reading(from);
                return;
            }
            let Some((body, behind)) = behind.split_at_checked(header.length as usize) else { break };
            self.hidden_message(from, header.kind, body, frame, certificates);
            rest = behind;
        }
        let left = rest.len();
        messages.drain(..messages.len() - left);
        if let Some(side) = self.side(from) {
            side.messages = messages;
        }
    }

    /// A whole message behind the ServerHello, whoever carried it.
    pub fn hidden_message(
        &mut self,
        from: Direction,
        kind: u8,
        body: &[u8],
        frame: u64,
        certificates: &mut Certificates,
    ) {
        if !self.opens(from) {
            return;
        }
        let by_server = self.client != Some(from);
        match kind {
            handshake::ENCRYPTED_EXTENSIONS if by_server => self.encrypted_extensions(body),
            handshake::CERTIFICATE => self.certificate13(from, body, certificates),
            handshake::COMPRESSED_CERTIFICATE => match decompressed(body) {
                Some(message) => self.certificate13(from, &message, certificates),
                None => self.limited(),
            },
            handshake::CERTIFICATE_REQUEST if by_server => self.session.more.certificate_request = true,
            handshake::CERTIFICATE_VERIFY => self.certificate_verify(by_server, body, certificates),
            handshake::FINISHED => return self.finished(from, body, frame, certificates),
            _ => {}
        }
        self.session.frame = frame;
        self.session.more.last = Some(kind);
        if let Some(decryption) = &mut self.decryption {
            decryption.transcript.message(kind, body);
        }
    }

    fn encrypted_extensions(&mut self, body: &[u8]) {
        let Ok(extensions) = EncryptedExtensions::parse(body) else { return };
        if let Some(decryption) = &mut self.decryption {
            decryption.early_data = extensions.accepts_early_data();
        }
        self.session.alpn = extensions.protocol().map(Into::into);
        self.session.srtp_profile = extensions.srtp_profile();
        self.raw_public_key = extensions.certificate_type() == Some(RAW_PUBLIC_KEY);
    }

    fn certificate13(&mut self, from: Direction, body: &[u8], certificates: &mut Certificates) {
        let Ok(list) = Certificate13::parse(body) else { return };
        if self.client != Some(from) {
            let told = list.leaf_extensions();
            self.session.more.ocsp_staple = told.find(extension::STATUS_REQUEST).is_some();
            self.session.more.scts = told.find(extension::SCT).map_or(0, sct_count);
            for (_, extensions) in list {
                if !self.session.beside.entry(extensions) {
                    self.limited();
                }
            }
        }
        self.chain(from, list.map(|(der, _)| der), certificates);
    }

    /// Proof that an end has the key of its certificate: the signature over what was said so far. RFC 8446 section 4.4.3.
    fn certificate_verify(&mut self, by_server: bool, body: &[u8], certificates: &Certificates) {
        let may_hide = by_server && self.hides();
        let Some(decryption) = &mut self.decryption else { return };
        let chain = if by_server { &self.session.certificates } else { &self.session.client_certificates };
        let leaf = chain.as_ref().and_then(|chain| chain.first()).copied();
        let Some((scheme, signature)) = certificate_verify(body) else { return };
        if by_server {
            self.session.more.signature_scheme = Some(scheme);
        }
        if decryption.hidden {
            return;
        }
        let context: &[u8] =
            if by_server { b"TLS 1.3, server CertificateVerify\0" } else { b"TLS 1.3, client CertificateVerify\0" };
        let signed = [&[0x20; 64], context, &decryption.transcript.hash()].concat();
        let proven = leaf.and_then(|leaf| trust::proves(certificates, leaf, scheme, &signed, signature));
        if may_hide && proven == Some(false) {
            // The Finished will tell whether this is the transcript that was signed.
            decryption.unproven = true;
            return;
        }
        self.session.proven = match (self.session.proven, proven) {
            (Some(false), _) => Some(false),
            (earlier, proven) => proven.or(earlier),
        };
    }

    fn finished(&mut self, from: Direction, verify_data: &[u8], frame: u64, certificates: &mut Certificates) {
        let by_server = self.client != Some(from);
        let (role, hides) = (self.role(from), self.hides());
        let Some(decryption) = &mut self.decryption else { return };
        let Some(side) = decryption.sides.get_mut(role) else { return };
        // The client's is made over the server's: without that one, it cannot be checked.
        let behind = by_server || self.session.server_finished;
        let Some((_, secret)) = side.keys.take() else { return };
        let hash = decryption.transcript.hash();
        decryption.transcript.message(handshake::FINISHED, verify_data);
        let fits = decryption.hash.is_finished(&secret, decryption.labels, &hash, verify_data);
        if behind && !decryption.hidden {
            match (fits, hides && by_server) {
                (true, false) => {}
                (true, true) => {
                    self.session.more.ech_accepted = Some(false);
                    self.session.proven = if decryption.unproven { Some(false) } else { self.session.proven };
                }
                // Its records open with these secrets, so both ends have them: but over another hello.
                (false, true) => self.accepted(),
                (false, false) => return self.unfit(certificates),
            }
        }
        let Some(decryption) = &self.decryption else { return };
        let early = decryption.early_data && decryption.labels == Labels::Tls;
        self.session.frame = frame;
        if by_server {
            if let Some(decryption) = self.decryption.as_mut().filter(|_| early) {
                // Sealed with the keys of the early data, so never seen, but its bytes are known.
                decryption.transcript.message(handshake::END_OF_EARLY_DATA, &[]);
            }
            self.session.server_finished = true;
            if let Some(log) = &mut certificates.keys {
                log.opened += 1;
            }
        }
        if self.decryption.as_ref().is_some_and(|decryption| decryption.is_over()) {
            self.decryption = None;
        }
    }
}

/// A CompressedCertificate's message, RFC 8879 section 4. `None` if it cannot be had within the limit.
pub fn decompressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut r = Reader::new(body, "tls compressed certificate");
    let (algorithm, length) = (r.u16().ok()?, r.u24().ok()?);
    let compressed = r.vec24().ok()?.rest();
    if length > limits::MAX_MESSAGE {
        return None;
    }
    // Not what a length promises, but what comes.
    let bound = u64::from(length) + 1;
    let mut out = Vec::new();
    use std::io::Read;
    match algorithm {
        1 => flate2::read::ZlibDecoder::new(compressed).take(bound).read_to_end(&mut out),
        2 => brotli_decompressor::Decompressor::new(compressed, BROTLI_BUFFER).take(bound).read_to_end(&mut out),
        3 => ruzstd::decoding::StreamingDecoder::new(compressed).ok()?.take(bound).read_to_end(&mut out),
        _ => return None,
    }
    .ok()?;
    (out.len() == length as usize).then_some(out)
}
