//! RSA keys whose private half anybody can find, told from the public half alone.
//!
//! What authorities have to refuse: CA/B Baseline Requirements sections 6.1.1.3 (weak keys that are listed, ROCA, close primes) and 6.1.6
//! (exponent, small factors). Bounded: a modulus of 16,384 bits costs some milliseconds, an ordinary one 0.1.

use crate::x509::RsaKey;
use num_bigint::BigUint;
use sha1::{Digest, Sha1};

/// Primes below this one are tried as factors, as section 6.1.6 has it.
const PRIMES_BELOW: usize = 752;
/// Odd ones; [`primes`] would not compile with another number.
const PRIMES: [u32; 132] = primes();
/// Primes whose product is less than 2^32 whichever they are.
const AT_ONCE: usize = 3;
/// The odd primes that every key of the ROCA kind was made with: its 512-bit keys have those up to 167, longer ones more.
const ROCA_PRIMES: usize = 38;
const ROCA_GENERATOR: u32 = 65_537;
/// Rounds of Fermat's method, as section 6.1.1.3 has it.
const FERMAT_ROUNDS: u32 = 100;
/// Bytes of a SHA-1 that lists of weak keys keep, the last ones.
const LISTED: usize = 10;

/// Keys that somebody has listed: the last 80 bits of the SHA-1 of `Modulus=…`, as openssl prints it (openssl-vulnkey(1)).
#[derive(Debug, Default)]
pub struct WeakKeys(Box<[[u8; LISTED]]>);

impl WeakKeys {
    /// Lines of hex digits, the last 20 of which count; `#` begins a comment. Gives also the number of the first line that is none.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, usize> {
        let mut all = Vec::new();
        for text in texts {
            for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
                let line = line.trim_ascii();
                if !line.is_empty() && line.first() != Some(&b'#') {
                    all.push(last_digits(line).ok_or(at + 1)?);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(Self(all.into()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, modulus: &[u8]) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut printed = b"Modulus=".to_vec();
        for byte in modulus {
            printed.extend(format!("{byte:02X}").bytes());
        }
        printed.push(b'\n');
        let digest = Sha1::digest(&printed);
        digest.last_chunk().is_some_and(|last| self.0.binary_search(last).is_ok())
    }
}

fn last_digits(line: &[u8]) -> Option<[u8; LISTED]> {
    let digits: &[u8; 2 * LISTED] = line.last_chunk()?;
    let mut out = [0; LISTED];
    for (byte, pair) in out.iter_mut().zip(digits.as_chunks::<2>().0) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(out)
}

/// Why the key protects nothing, the surest reason first.
pub fn why(key: &RsaKey<'_>, listed: &WeakKeys) -> Option<String> {
    if listed.has(key.modulus) {
        return Some("RSA key on the list given by --weak-keys".into());
    }
    if matches!(key.exponent, [] | [1]) {
        return Some(format!("RSA exponent {}", key.exponent.len()));
    }
    if key.exponent.last().is_none_or(|last| last & 1 == 0) {
        return Some("RSA exponent is even".into());
    }
    if key.modulus.last().is_none_or(|last| last & 1 == 0) {
        return Some("RSA modulus is even".into());
    }
    let remainders = remainders(key.modulus);
    if let Some((prime, _)) = PRIMES.iter().zip(&remainders).find(|(_, remainder)| **remainder == 0) {
        return Some(format!("RSA modulus is divisible by {prime}"));
    }
    if is_roca(&remainders) {
        return Some("RSA key of a faulty chip, ROCA (CVE-2017-15361)".into());
    }
    has_close_primes(key.modulus).then(|| "RSA primes lie close together (Fermat)".into())
}

/// Of the modulus by each of [`PRIMES`].
fn remainders(modulus: &[u8]) -> [u32; PRIMES.len()] {
    let (head, words) = modulus.split_at(modulus.len() % 4);
    let words = words.as_chunks::<4>().0;
    let mut out = [0; PRIMES.len()];
    for (primes, out) in PRIMES.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
        let product: u64 = primes.iter().map(|prime| u64::from(*prime)).product();
        let start = head.iter().fold(0, |rest, byte| (rest << 8 | u64::from(*byte)) % product);
        let rest = words.iter().fold(start, |rest, word| (rest << 32 | u64::from(u32::from_be_bytes(*word))) % product);
        for (prime, out) in primes.iter().zip(out) {
            *out = (rest % u64::from(*prime)) as u32;
        }
    }
    out
}

/// Whether one power of the generator leaves all these remainders. Nemec et al., "The Return of Coppersmith's Attack", section 5.2: of other keys
/// one in 2^154 does.
fn is_roca(remainders: &[u32]) -> bool {
    let mut found: Vec<(u32, u32)> = Vec::with_capacity(ROCA_PRIMES);
    for (prime, remainder) in PRIMES.iter().zip(remainders).take(ROCA_PRIMES) {
        let Some((exponent, order)) = logarithm(*remainder, *prime) else { return false };
        let fits = |(other, other_order): &(u32, u32)| exponent.abs_diff(*other) % gcd(order, *other_order) == 0;
        // Exponents that agree in pairs agree in all (the Chinese remainder theorem).
        if !found.iter().all(fits) {
            return false;
        }
        found.push((exponent, order));
    }
    true
}

/// The exponent that makes the generator this number, and the generator's order.
fn logarithm(number: u32, prime: u32) -> Option<(u32, u32)> {
    let generator = ROCA_GENERATOR % prime;
    let (mut power, mut exponent, mut found) = (1, 0, None);
    loop {
        if power == number {
            found = Some(exponent);
        }
        (power, exponent) = (power * generator % prime, exponent + 1);
        if power == 1 {
            return Some((found?, exponent));
        }
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Whether Fermat's method finds the factors: n = a² - b² with an a little above the root of n.
fn has_close_primes(modulus: &[u8]) -> bool {
    let number = BigUint::from_bytes_be(modulus);
    let mut a = number.sqrt();
    if &a * &a == number {
        return true;
    }
    a += 1u32;
    let mut rest = &a * &a - number;
    for _ in 0..FERMAT_ROUNDS {
        if is_square(&rest) {
            return true;
        }
        rest += (&a << 1) + 1u32;
        a += 1u32;
    }
    false
}

fn is_square(number: &BigUint) -> bool {
    // The remainders of squares: these three leave one number in a hundred to a closer look.
    let last = number.iter_u32_digits().next().unwrap_or(0);
    if !is_square_of(last % 64, 64) {
        return false;
    }
    let rest = (number % (63u32 * 65 * 11)).iter_u32_digits().next().unwrap_or(0);
    [63, 65, 11].into_iter().all(|by| is_square_of(rest % by, by)) && {
        let root = number.sqrt();
        &root * &root == *number
    }
}

fn is_square_of(remainder: u32, by: u32) -> bool {
    (0..by).any(|root| root * root % by == remainder)
}

const fn primes() -> [u32; 132] {
    let mut out = [0; 132];
    let (mut count, mut candidate) = (0, 3);
    while candidate < PRIMES_BELOW as u32 {
        let mut divisor = 3;
        while divisor * divisor <= candidate && candidate % divisor != 0 {
            divisor += 2;
        }
        if divisor * divisor > candidate {
            out[count] = candidate;
            count += 1;
        }
        candidate += 2;
    }
    assert!(count == out.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A large odd number; whether it is prime does not matter here.
    const LARGE: &str = "df5ab7a51d8a0a9c7d5a9d1a9f0b3cb7";

    fn key<'a>(modulus: &'a [u8], exponent: &'a [u8]) -> RsaKey<'a> {
        RsaKey { modulus, exponent }
    }

    fn found(modulus: &BigUint, exponent: &[u8]) -> Option<String> {
        why(&key(&modulus.to_bytes_be(), exponent), &WeakKeys::default())
    }

    #[test]
    fn remainders_are_those_of_long_division() {
        for length in 1..70usize {
            let modulus: Vec<u8> = (0..length).map(|at| (at * 37 + 11) as u8).collect();
            let number = BigUint::from_bytes_be(&modulus);
            for (prime, remainder) in PRIMES.iter().zip(remainders(&modulus)) {
                assert_eq!(&number % *prime, BigUint::from(remainder));
            }
        }
        assert_eq!((PRIMES[0], PRIMES[37], PRIMES[131]), (3, 167, 751));
    }

    #[test]
    fn squares_and_neighbours() {
        let prime = BigUint::parse_bytes(LARGE.as_bytes(), 16).unwrap();
        assert!(has_close_primes(&(&prime * &prime).to_bytes_be()));
        assert!(has_close_primes(&(&prime * (&prime + 4096u32)).to_bytes_be()));
        let eighth: BigUint = &prime >> 3;
        assert!(!has_close_primes(&(&prime * eighth).to_bytes_be()));
        for number in 0u32..5000 {
            let root = f64::from(number).sqrt() as u32;
            assert_eq!(is_square(&number.into()), root * root == number);
        }
    }

    #[test]
    fn exponents_and_small_factors() {
        let prime = BigUint::parse_bytes(LARGE.as_bytes(), 16).unwrap();
        let number = &prime * &prime;
        assert_eq!(found(&number, &[1]).unwrap(), "RSA exponent 1");
        assert_eq!(found(&number, &[]).unwrap(), "RSA exponent 0");
        assert_eq!(found(&number, &[1, 0]).unwrap(), "RSA exponent is even");
        assert_eq!(found(&(number << 1), &[3]).unwrap(), "RSA modulus is even");
    }

    #[test]
    fn lists_are_read_as_they_are_published() {
        let modulus = [0xabu8; 32];
        let printed = format!("Modulus={}\n", "AB".repeat(32));
        let hex: String = Sha1::digest(printed.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("# a comment\n\n{}\n{}\n", &hex[20..], "0".repeat(20));
        let listed = WeakKeys::read([text.as_bytes()]).unwrap();
        assert_eq!(listed.len(), 2);
        assert!(listed.has(&modulus) && !listed.has(&modulus[1..]));
        assert_eq!(WeakKeys::read([&b"# fine\n0123\n"[..]]).unwrap_err(), 2);
        assert_eq!(WeakKeys::read([&b"zz345678901234567890"[..]]).unwrap_err(), 1);
    }
}
