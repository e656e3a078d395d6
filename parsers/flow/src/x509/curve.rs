//! Whether a point lies on a curve. The library refuses a key whose point does not (SEC 1 section 3.2.2.1), so we look as well.
//!
//! Nothing here is secret: it need not run in constant time.

const fn limbs<const N: usize>(hex: &str) -> [u64; N] {
    let (bytes, mut out, mut at) = (hex.as_bytes(), [0; N], 0);
    while at < bytes.len() {
        let digit = match bytes[bytes.len() - 1 - at] {
            digit @ b'0'..=b'9' => digit - b'0',
            letter => letter - b'a' + 10,
        };
        out[at / 16] |= (digit as u64) << (4 * (at % 16));
        at += 1;
    }
    out
}

/// y² = x³ − 3x + b over a prime field (FIPS 186-4 appendix D.1.2), in Montgomery form with R = 2^(64 N).
struct Curve<const N: usize> {
    p: [u64; N],
    b: [u64; N],
    /// R² mod p takes a number into Montgomery form.
    square: [u64; N],
    /// −p⁻¹ mod 2^64.
    inverse: u64,
}

static P256: Curve<4> = Curve::new(
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
);
static P384: Curve<6> = Curve::new(
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
);
static P521: Curve<9> = Curve::new(
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
);

/// Whether these are the bytes of an uncompressed point (SEC 1 section 2.3.3) of the NIST curve of this size.
pub fn has_point(bits: u16, point: &[u8]) -> bool {
    match bits {
        256 => P256.has(point, 32),
        384 => P384.has(point, 48),
        521 => P521.has(point, 66),
        _ => false,
    }
}

impl<const N: usize> Curve<N> {
    const fn new(p: &str, b: &str) -> Self {
        let p = limbs::<N>(p);
        let mut inverse = 1u64; // Newton: each step doubles the bits that are right
        let mut step = 0;
        while step < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(p[0].wrapping_mul(inverse)));
            step += 1;
        }
        let mut square = [0; N];
        square[0] = 1;
        let mut doubled = 0;
        while doubled < 2 * 64 * N {
            square = add(&square, &square, &p);
            doubled += 1;
        }
        Self { p, b: limbs(b), square, inverse: inverse.wrapping_neg() }
    }

    fn has(&self, point: &[u8], size: usize) -> bool {
        let Some((4, coordinates)) = point.split_first().filter(|_| point.len() == 1 + 2 * size) else {
            return false;
        };
        let (x, y) = coordinates.split_at(size);
        let (Some(x), Some(y)) = (self.element(x), self.element(y)) else {
            return false;
        };
        let three_x = add(&add(&x, &x, &self.p), &x, &self.p);
        let right = add(&self.times(&self.times(&x, &x), &x), &self.times(&self.b, &self.square), &self.p);
        add(&self.times(&y, &y), &three_x, &self.p) == right
    }

    /// A coordinate in Montgomery form, if it is less than p.
    fn element(&self, bytes: &[u8]) -> Option<[u64; N]> {
        let mut out = [0; N];
        for (limb, chunk) in out.iter_mut().zip(bytes.rchunks(8)) {
            *limb = chunk.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        }
        less(&out, &self.p).then(|| self.times(&out, &self.square))
    }

    /// a·b/R mod p.
    fn times(&self, a: &[u64; N], b: &[u64; N]) -> [u64; N] {
        let (mut t, mut top) = ([0u64; N], 0u64);
        for digit in a {
            let mut carry = 0;
            for (t, b) in t.iter_mut().zip(b) {
                (*t, carry) = multiply_add(*digit, *b, *t, carry);
            }
            let (above, over) = top.overflowing_add(carry);
            let factor = t[0].wrapping_mul(self.inverse);
            let (_, mut carry) = multiply_add(factor, self.p[0], t[0], 0);
            for i in 1..N {
                (t[i - 1], carry) = multiply_add(factor, self.p[i], t[i], carry);
            }
            let (last, more) = above.overflowing_add(carry);
            t[N - 1] = last;
            top = u64::from(over) + u64::from(more);
        }
        if top != 0 || !less(&t, &self.p) { subtract(&t, &self.p) } else { t }
    }
}

/// a·b + c + d as (low, high).
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = (a as u128).wrapping_mul(b as u128).wrapping_add(c as u128).wrapping_add(d as u128);
    (sum as u64, (sum >> 64) as u64)
}

/// a + b mod p for a, b < p.
const fn add<const N: usize>(a: &[u64; N], b: &[u64; N], p: &[u64; N]) -> [u64; N] {
    let (mut out, mut carry, mut i) = ([0; N], false, 0);
    while i < N {
        let (sum, over) = a[i].overflowing_add(b[i]);
        let (sum, more) = sum.overflowing_add(carry as u64);
        (out[i], carry) = (sum, over || more);
        i += 1;
    }
    if carry || !less(&out, p) { subtract(&out, p) } else { out }
}

const fn subtract<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let (mut out, mut borrow, mut i) = ([0; N], false, 0);
    while i < N {
        let (rest, under) = a[i].overflowing_sub(b[i]);
        let (rest, more) = rest.overflowing_sub(borrow as u64);
        (out[i], borrow) = (rest, under || more);
        i += 1;
    }
    out
}

const fn less<const N: usize>(a: &[u64; N], b: &[u64; N]) -> bool {
    let mut i = N;
    while i > 0 {
        i -= 1;
        if a[i] != b[i] {
            return a[i] < b[i];
        }
    }
    false
}
