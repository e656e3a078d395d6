//! What clients of VNC (RFC 6143 section 7.5) and of X11 (protocol version 11, appendix B) send to their displays.

use super::{BROKEN, Step, message};
use crate::app::look::{be16, be32, byte, le16};

/// Pixels of the widest displays.
const WIDEST: u16 = 1 << 14;

pub fn vnc_client(b: &[u8], _: &[u8]) -> Step {
    let within = |at| Some(be16(b, at)? < WIDEST);
    match byte(b, 0)? {
        // SetEncodings: padding, how many.
        2 => message(byte(b, 1)? == 0 && (1..=64).contains(&be16(b, 2)?), 4 + 4 * usize::from(be16(b, 2)?), 8),
        // FramebufferUpdateRequest: incremental or not, a rectangle.
        3 => {
            let (x, y, width, height) = (be16(b, 2)?, be16(b, 4)?, be16(b, 6)?, be16(b, 8)?);
            let fits = [x, y, width, height].iter().all(|n| *n < WIDEST) && width > 0 && height > 0;
            message(byte(b, 1)? <= 1 && fits, 10, 14)
        }
        // KeyEvent: up or down, padding, one of X11's keys.
        4 => message(byte(b, 1)? <= 1 && be16(b, 2)? == 0 && be32(b, 4)? < 1 << 24 && be32(b, 4)? > 0, 8, 16),
        // PointerEvent: buttons, where.
        5 => message(within(2)? && within(4)?, 6, 5),
        // ClientCutText: padding, a size.
        6 => message(byte(b, 1)? == 0 && be16(b, 2)? == 0 && be32(b, 4)? < 1 << 20, 8 + be32(b, 4)? as usize, 12),
        _ => BROKEN,
    }
}

/// Requests of a fixed size: opcode, units of four bytes.
const FIXED: &[(u8, u16)] = &[
    (3, 2),
    (4, 2),
    (7, 4),
    (8, 2),
    (10, 2),
    (14, 2),
    (15, 2),
    (17, 2),
    (19, 3),
    (20, 6),
    (23, 2),
    (24, 6),
    (26, 6),
    (27, 2),
    (31, 4),
    (33, 4),
    (35, 2),
    (36, 1),
    (37, 1),
    (38, 2),
    (40, 4),
    (42, 3),
    (43, 1),
    (44, 1),
    (46, 2),
    (47, 2),
    (53, 4),
    (54, 2),
    (57, 4),
    (60, 2),
    (61, 4),
    (62, 7),
    (63, 8),
    (73, 5),
    (78, 4),
    (79, 2),
    (84, 4),
    (92, 4),
    (93, 8),
    (95, 2),
    (97, 3),
    (99, 1),
    (101, 2),
    (103, 1),
    (106, 1),
    (108, 1),
    (113, 2),
    (119, 1),
    (127, 1),
];

/// A request: its size has to be that of its opcode, of others it has to be little. Intel's order, which all but museums have.
pub fn x11_client(b: &[u8], _: &[u8]) -> Step {
    const LONGEST: u16 = 1 << 12;
    let (opcode, units) = (byte(b, 0)?, le16(b, 2)?);
    let bits = match FIXED.iter().find(|(fixed, _)| *fixed == opcode) {
        Some((_, size)) if *size == units => 10,
        Some(_) => return BROKEN,
        None => 0,
    };
    message(opcode != 0 && (1..LONGEST).contains(&units), 4 * usize::from(units), bits)
}
