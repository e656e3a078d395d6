//! Names compared without regard to case, as Python's `casefold` compares them.
//!
//! For ASCII the two agree. Elsewhere Rust has no case folding; but upper case of lower case puts together whatever folding puts
//! together, and a little more. So names that differ here differ there, and equal ones need a closer look.

use std::borrow::Cow;

/// Whether two names are the same once folded; `None` if only Python can tell.
pub fn equal(a: &str, b: &str) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    if a.is_ascii() && b.is_ascii() {
        return Some(a.eq_ignore_ascii_case(b));
    }
    if coarse(a) == coarse(b) { None } else { Some(false) }
}

/// Equal for names that are equal once folded.
pub fn coarse(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
    } else {
        let upper = name.chars().flat_map(char::to_lowercase).flat_map(char::to_uppercase);
        upper.flat_map(char::to_lowercase).collect::<String>().into()
    }
}
