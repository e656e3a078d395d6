//! Names compared without regard to case, as Python's `casefold` compares them.
//!
//! For ASCII the two agree. Elsewhere Rust has no case folding; but upper case of lower case puts together whatever folding puts
//! together, and a little more. So names that differ here differ there, and equal ones need a closer look.

/// Whether two names are the same once folded; `None` if only Python can tell.
pub fn equal(a: &str, b: &str) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    match (a.is_ascii(), b.is_ascii()) {
        (true, true) => Some(a.eq_ignore_ascii_case(b)),
        _ if coarse(a).eq(coarse(b)) => None,
        _ => Some(false),
    }
}

/// Equal for names that are equal once folded.
pub fn hash(name: &str) -> u64 {
    // FNV-1a: what it is looked up in, nobody on the network chooses.
    let mix = |hash: u64, value: u64| (hash ^ value).wrapping_mul(0x100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    if name.is_ascii() {
        name.bytes().fold(start, |hash, byte| mix(hash, byte.to_ascii_lowercase().into()))
    } else {
        coarse(name).fold(start, |hash, c| mix(hash, c.into()))
    }
}

fn coarse(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}
