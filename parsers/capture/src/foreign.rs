//! What an input is that is not a capture, for the message: people pass the wrong file, and the file usually says which.
//! Knows first bytes only. The table follows the formats' own descriptions and file(1).

use crate::{Compression, Fault, OpenError};

/// Bytes that suffice for every entry; tar has its magic number at 257.
pub(crate) const ENOUGH: usize = 512;

const CONVERT: &str = "editcap of Wireshark converts it: editcap -F pcapng IN OUT";
const UNPACK: &str = "unpack it first";

struct Known {
    offset: usize,
    magic: &'static [u8],
    name: &'static str,
    hint: Option<&'static str>,
}

const fn known(magic: &'static [u8], name: &'static str, hint: Option<&'static str>) -> Known {
    Known { offset: 0, magic, name, hint }
}

const KNOWN: &[Known] = &[
    known(b"snoop\0\0\0", "a snoop capture", Some(CONVERT)),
    known(b"btsnoop\0", "a btsnoop Bluetooth capture", Some(CONVERT)),
    known(b"GMBU", "a Microsoft Network Monitor capture", Some(CONVERT)),
    known(b"RTSS", "a Microsoft Network Monitor 1 capture", Some(CONVERT)),
    known(b"XCP\0", "a NetXRay or Sniffer capture", Some(CONVERT)),
    known(b"TRSNIFF data    \x1a", "a Sniffer capture", Some(CONVERT)),
    known(b"\x7fver", "an EtherPeek or OmniPeek capture", Some(CONVERT)),
    known(b"iptrace ", "an AIX iptrace capture", Some(CONVERT)),
    known(b"\x05VNF", "a Visual Networks capture", Some(CONVERT)),
    known(&[0x1c, 0, 1, 0xac], "an IXIA lcap capture", Some(CONVERT)),
    known(&[0xac, 1, 0, 0x1c], "an IXIA lcap capture", Some(CONVERT)),
    known(&[0xa1, 0xe2, 0xcb, 0x12], "an IXIA capture with hardware time stamps", Some(CONVERT)),
    known(&[0x12, 0xcb, 0xe2, 0xa1], "an IXIA capture with hardware time stamps", Some(CONVERT)),
    known(&[0xa1, 0xb2, 0xc3, 0xcd], "a Navtel capture", Some(CONVERT)),
    known(&[0xcd, 0xc3, 0xb2, 0xa1], "a Navtel capture", Some(CONVERT)),
    known(&[0x0a, 0x0d, 0x0d, 0x0a], "pcapng's first block type without its byte-order magic", None),
    known(b"PK\x03\x04", "a zip archive", Some(UNPACK)),
    known(b"PK\x05\x06", "an empty zip archive", None),
    known(b"BZh", "bzip2 data", Some(UNPACK)),
    known(&[0x04, 0x22, 0x4d, 0x18], "lz4 data", Some(UNPACK)),
    known(&[0x1f, 0x9d], "compress (.Z) data", Some(UNPACK)),
    known(b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", Some(UNPACK)),
    known(b"Rar!\x1a\x07", "a rar archive", Some(UNPACK)),
    Known { offset: 257, magic: b"ustar", name: "a tar archive", hint: Some(UNPACK) },
    known(b"\x7fELF", "an ELF program", None),
    known(b"MZ", "a Windows program", None),
    known(b"%PDF-", "a PDF document", None),
    known(b"\x89PNG\r\n\x1a\n", "a PNG image", None),
    known(b"GIF8", "a GIF image", None),
    known(&[0xff, 0xd8, 0xff], "a JPEG image", None),
    known(b"SQLite format 3\0", "an SQLite database", None),
    known(b"-----BEGIN ", "a PEM file (a certificate or a key)", None),
    known(b"<?xml", "XML", Some("the capture itself is needed, not its dissection")),
    known(b"{\"", "JSON", Some("the capture itself is needed, not its dissection")),
    known(b"<!DOCTYPE html", "a web page", Some("the download may have failed")),
    known(b"<html", "a web page", Some("the download may have failed")),
    known(b"version https://git-lfs", "a Git LFS pointer", Some("fetch the file itself: git lfs pull")),
];

/// `cut`: why less was read than a file header has.
pub(crate) fn describe(start: &[u8], compression: Option<Compression>, cut: Option<Fault>) -> OpenError {
    if let (Some(compression), Some(Fault::Compressed(text))) = (compression, cut) {
        return OpenError::NotACapture {
            found: format!("{compression} data that cannot be decoded: {text}"),
            hint: None,
        };
    }
    let (name, hint) = name(start);
    let inside = compression.map(|compression| format!("{compression} data; unpacked it ")).unwrap_or_default();
    OpenError::NotACapture { found: format!("{inside}starts with {}{name}", hexadecimal(start)), hint }
}

/// In parentheses, or empty.
fn name(start: &[u8]) -> (String, Option<&'static str>) {
    let found = KNOWN.iter().find(|known| start.get(known.offset..).is_some_and(|rest| rest.starts_with(known.magic)));
    if let Some(found) = found {
        return (format!(" ({})", found.name), found.hint);
    }
    if let Some(inner) = Compression::recognise(start) {
        return (format!(" ({inner} data once more)"), Some(UNPACK));
    }
    if is_erf(start) {
        return (" (an Endace ERF capture)".to_owned(), Some(CONVERT));
    }
    if start.len() < 4 {
        return (format!(" ({} bytes in all)", start.len()), None);
    }
    if start.iter().all(|&byte| byte == 0) {
        return (" (zeros)".to_owned(), Some("the capture may not have been written to disk"));
    }
    let text = String::from_utf8_lossy(start);
    // A character may be cut at the end of what was read.
    let readable = text.trim_end_matches('\u{fffd}').chars().all(|c| !c.is_control() || c.is_ascii_whitespace());
    (if readable { " (text)".to_owned() } else { String::new() }, None)
}

/// ERF has no magic number: two records in a row must be plausible (type, length, time in 2^-32 s, little-endian).
fn is_erf(start: &[u8]) -> bool {
    let Some((first_seconds, first_length)) = erf_record(start) else { return false };
    let second = start.get(first_length..).and_then(erf_record);
    second.is_some_and(|(seconds, _)| seconds >= first_seconds && seconds - first_seconds < 86_400)
}

fn erf_record(bytes: &[u8]) -> Option<(u32, usize)> {
    let &[_, _, _, _, s0, s1, s2, s3, kind, _, l0, l1, _, _, _, _] = bytes.first_chunk()?;
    let (seconds, length) = (u32::from_le_bytes([s0, s1, s2, s3]), u16::from_be_bytes([l0, l1]));
    let plausible = seconds != 0 && (1..=48).contains(&(kind & 0x7f)) && length >= 16;
    plausible.then_some((seconds, length.into()))
}

fn hexadecimal(start: &[u8]) -> String {
    start.iter().take(4).fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
