//! Tells the processor what will be read soon, without waiting for it.
//!
//! A crate of its own, so that the parsers and the flow table stay free of unsafe code. A load does the same as long as few
//! misses are under way; a prefetch does not hold up what follows it, so a whole batch of packets can be fetched for while
//! another one is worked on.
#![deny(unsafe_code)]

/// Bytes of a cache line, on the processors that this is built for.
const LINE: usize = 64;

/// Fetches all cache lines of a value into the first-level cache. Where no instruction is known for it, nothing happens.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    let at = (&raw const *value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        line(at.wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
fn line(at: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: PREFETCHT0 is part of x86-64, changes nothing that a program can see and never faults, whatever the address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
#[allow(unsafe_code)]
fn line(at: *const u8) {
    // SAFETY: PRFM is a hint: it changes nothing that a program can see and never faults, whatever the address.
    unsafe { std::arch::asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, preserves_flags, readonly)) }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn line(_: *const u8) {}
