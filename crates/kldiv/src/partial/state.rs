//! What a partial sum is made of, and how bytes are told from it.
//!
//! 178 words of 64 bits, each in little-endian order, which are the bytes of every form of it:
//!
//! ```text
//! 0        "kldivsum"
//! 1        version (2 bytes), measure (1), what bad entries do (1: 0 an error, 1 NaN), zeros
//! 2        pairs that were added
//! 3        those whose term is infinite
//! 4        those that are no probabilities
//! 5, 6     zeros
//! 7        a checksum of the other words
//! 8 + 5i   limb i of Σp, from 0 to 33
//! 9 + 5i   limb i of Σq
//! 10 + 5i  of the first sum of terms:  KL p ln(p/q), REVERSE q ln(q/p), or the measure's own
//! 11 + 5i  of the second:              JEFFREYS p ln(p/q)
//! 12 + 5i  of the third:               JEFFREYS q ln(q/p)
//! ```
//!
//! Sums are of finite terms and of pairs that are probabilities; see [`exact`](super::exact). Nothing is stored that
//! depends on the order in which pairs came, so equal contents are equal bytes.

use crate::error::Error;
use crate::partial::exact::{self, Exact, LIMBS, SUMS, Stored};
use crate::policy::{Invalid, Measure};

pub(super) const HEADER: usize = 8;
/// Where the counts of pairs are.
pub(super) const COUNT: usize = 2;
pub(super) const INFINITE: usize = 3;
pub(super) const INVALID: usize = 4;
const CHECKSUM: usize = 7;
/// Which sum is which.
pub(super) const OF_P: usize = 0;
pub(super) const OF_Q: usize = 1;
pub(super) const TERMS: usize = 2;

const MAGIC: u64 = u64::from_le_bytes(*b"kldivsum");
const VERSION: u64 = 1;
/// Sums have room for the terms of so many pairs.
const MOST_PAIRS: u64 = 1 << 62;

const DAMAGED: &str = "is damaged: its checksum is wrong";
const IMPOSSIBLE: &str = "holds what no sum can be";

/// The sums of the terms of a part of the outcomes of two distributions: what parts are merged, and what an answer is
/// made of. See the [module](super).
#[derive(Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Partial {
    header: [u64; HEADER],
    sums: Stored,
}

/// The sums of terms that a measure has beside the masses; `None` where it is no sum of terms, or another mixture.
const fn sums_of(measure: Measure) -> Option<usize> {
    match measure {
        Measure::Kl | Measure::Generalized | Measure::Reverse | Measure::Entropy | Measure::CrossEntropy => {
            Some(1)
        }
        Measure::Jeffreys => Some(3),
        _ => None,
    }
}

/// The measure of a number; the inverse of [`Measure::number`] for those that can be here.
const fn measure_of(number: u8) -> Option<Measure> {
    Some(match number {
        0 => Measure::Kl,
        1 => Measure::Generalized,
        2 => Measure::Reverse,
        3 => Measure::Jeffreys,
        7 => Measure::Entropy,
        8 => Measure::CrossEntropy,
        _ => return None,
    })
}

impl Partial {
    /// How many bytes a state has.
    pub const SIZE: usize = size_of::<Partial>();

    /// No state yet.
    pub(super) const BLANK: Partial = Partial { header: [0; HEADER], sums: [[0; SUMS]; LIMBS] };

    /// Makes it one to which nothing was added.
    pub(super) fn make_empty(&mut self, measure: Measure, invalid: Invalid) -> Result<(), Error> {
        if sums_of(measure).is_none() {
            let expected =
                "KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY and CROSS_ENTROPY can be summed in parts";
            return Err(measure.refused(expected));
        }
        *self = Partial::BLANK;
        let [version_low, version_high] = (VERSION as u16).to_le_bytes();
        let invalid = u8::from(invalid == Invalid::Nan);
        let kind = [version_low, version_high, measure.number() as u8, invalid, 0, 0, 0, 0];
        self.header[0] = MAGIC.to_le();
        self.header[1] = u64::from_ne_bytes(kind);
        self.seal();
        Ok(())
    }

    /// An empty state of the same kind, open.
    pub(super) fn emptied(&self) -> Partial {
        let mut state = Partial::BLANK;
        state.header[..2].copy_from_slice(&self.header[..2]);
        state
    }

    fn kind(&self) -> [u8; 8] {
        self.header[1].to_ne_bytes()
    }

    /// The measure that it was made for.
    pub fn measure(&self) -> Measure {
        // A state has one of those that there are.
        measure_of(self.kind()[2]).unwrap_or_default()
    }

    /// What a bad entry does to an update: an error, or it makes the value NaN.
    pub fn invalid(&self) -> Invalid {
        if self.kind()[3] == 1 { Invalid::Nan } else { Invalid::Error }
    }

    fn word(&self, i: usize) -> u64 {
        u64::from_le(self.header[i])
    }

    /// How many pairs of elements were added.
    pub fn count(&self) -> u64 {
        self.word(COUNT)
    }

    /// How many of them have an infinite term.
    pub fn infinite_count(&self) -> u64 {
        self.word(INFINITE)
    }

    /// How many of them hold an entry that is no probability; they are in no sum.
    pub fn invalid_count(&self) -> u64 {
        self.word(INVALID)
    }

    /// Σp, rounded once.
    pub fn mass_p(&self) -> f64 {
        self.sum(OF_P).round()
    }

    /// Σq, rounded once; 0 for ENTROPY, which does not look at q.
    pub fn mass_q(&self) -> f64 {
        self.sum(OF_Q).round()
    }

    pub(super) fn sum(&self, i: usize) -> Exact {
        Exact::load(&self.sums, i)
    }

    pub(super) fn is_zero(&self, i: usize) -> bool {
        exact::is_zero(&self.sums, i)
    }

    fn is_negative(&self, i: usize) -> bool {
        exact::is_negative(&self.sums, i)
    }

    /// Adds a finite number to one of the sums. The state is open until it is sealed.
    #[inline(always)]
    pub(super) fn add(&mut self, sum: usize, x: f64) {
        exact::add(&mut self.sums, sum, x);
    }

    /// The same of a number times 2^[`exact::SHIFT`].
    pub(super) fn add_shifted(&mut self, sum: usize, x: f64) {
        exact::add_shifted(&mut self.sums, sum, x);
    }

    /// Adds to a count. The state is open until it is sealed.
    #[inline(always)]
    pub(super) fn count_up(&mut self, i: usize, by: u64) {
        self.header[i] = self.word(i).wrapping_add(by).to_le();
        self.header[CHECKSUM] = 0;
    }

    /// Says whether so many more pairs can be added.
    pub(super) fn has_room(&self, pairs: u64) -> Result<(), Error> {
        match self.count().checked_add(pairs) {
            Some(count) if count <= MOST_PAIRS => Ok(()),
            _ => Err(Error::State { what: "would hold more than 2^62 pairs" }),
        }
    }

    /// Says whether another state is of the same kind.
    pub(super) fn is_like(&self, other: &Partial) -> Result<(), Error> {
        let what = match () {
            () if self.kind()[2] != other.kind()[2] => "is one of another measure",
            () if self.kind()[3] != other.kind()[3] => "treats bad entries differently",
            () => return Ok(()),
        };
        Err(Error::State { what })
    }

    /// Adds another state of the same kind, and leaves this one open.
    pub(super) fn add_state(&mut self, other: &Partial) {
        for i in [COUNT, INFINITE, INVALID] {
            self.count_up(i, other.word(i));
        }
        exact::merge(&mut self.sums, &other.sums);
    }

    /// Whether it was changed and not yet sealed.
    pub(super) fn is_open(&self) -> bool {
        self.header[CHECKSUM] == 0
    }

    /// Ends a change.
    pub(super) fn seal(&mut self) {
        self.header[CHECKSUM] = self.checksum().to_le();
    }

    /// Of all words but itself; never 0. Each step undoes nothing of those before, so no change of a single word goes
    /// unseen; four chains, because each step waits for the one before.
    fn checksum(&self) -> u64 {
        const START: [u64; 4] =
            [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344, 0xA409_3822_299F_31D0, 0x082E_FA98_EC4E_6C89];
        let step = |chain: u64, word: u64| (chain ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        let (mut chains, mut header) = (START, self.header);
        header[CHECKSUM] = 0;
        let (sums, last) = self.sums.as_flattened().as_chunks::<4>();
        for words in header.as_chunks::<4>().0.iter().chain(sums) {
            for i in 0..4 {
                chains[i] = scalar(step(chains[i], u64::from_le(words[i])));
            }
        }
        for (chain, word) in chains.iter_mut().zip(last) {
            *chain = step(*chain, u64::from_le(*word));
        }
        let sum = chains.into_iter().fold(0, step);
        (sum ^ (sum >> 32)).max(1)
    }

    /// Its bytes: the same on every machine, and the same for equal contents.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        // SAFETY: words without padding are as many bytes.
        unsafe { &*(&raw const *self).cast() }
    }

    /// A copy of its bytes.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        *self.as_bytes()
    }

    /// The state whose bytes these are.
    ///
    /// # Errors
    /// [`Error::State`] if they are not a state's: their number, magic, version or checksum is wrong, or what they say
    /// cannot be.
    pub fn from_bytes(bytes: &[u8]) -> Result<Partial, Error> {
        if bytes.len() != Self::SIZE {
            return Err(Error::State { what: "has not the 1424 bytes of a partial sum" });
        }
        let mut state = Partial::BLANK;
        // SAFETY: as many bytes as the words have, which take any.
        unsafe { (&raw mut state).cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), Self::SIZE) };
        state.check()?;
        Ok(state)
    }

    /// Says whether the words, wherever they come from, are those of a state.
    ///
    /// # Errors
    /// As [`Partial::from_bytes`].
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::State { what });
        if self.word(0) != MAGIC {
            return wrong("is no partial sum of kldiv");
        }
        // Before the checksum, which another version may compute otherwise.
        if self.word(1) & 0xFFFF != VERSION {
            return wrong("is of a version that this release does not know");
        }
        if self.word(CHECKSUM) != self.checksum() {
            return wrong(DAMAGED);
        }
        let [.., measure, invalid, a, b, c, d] = self.kind();
        let Some(sums) = measure_of(measure).and_then(sums_of) else {
            return wrong("is of a measure that cannot be summed in parts");
        };
        let (count, infinite, bad) = (self.count(), self.infinite_count(), self.invalid_count());
        let possible = invalid <= 1
            && [a, b, c, d] == [0; 4]
            && self.header[INVALID + 1..CHECKSUM].iter().all(|word| *word == 0)
            && count <= MOST_PAIRS
            && infinite.checked_add(bad).is_some_and(|apart| apart <= count)
            && (TERMS + sums..SUMS).all(|i| self.is_zero(i))
            && (count > 0 || (0..SUMS).all(|i| self.is_zero(i)))
            && [OF_P, OF_Q].iter().all(|i| !self.is_negative(*i))
            && match self.measure() {
                Measure::Generalized | Measure::Jeffreys => !self.is_negative(TERMS),
                Measure::Entropy => self.is_zero(OF_Q),
                _ => true,
            };
        if possible { Ok(()) } else { wrong(IMPOSSIBLE) }
    }
}

/// As it is, in a register of its own: compilers would put chains together in vectors, which on most machines cannot multiply
/// 64 bits, and take three times as long.
#[inline(always)]
fn scalar(mut x: u64) -> u64 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("/* {} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags));
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_what_the_message_says() {
        assert_eq!(Partial::SIZE, 1424);
        assert_eq!(align_of::<Partial>(), 8);
    }

    #[test]
    fn what_cannot_be_is_refused_even_with_a_right_checksum() {
        let made = |change: fn(&mut Partial)| {
            let mut state = Partial::BLANK;
            state.make_empty(Measure::Kl, Invalid::Error).unwrap();
            assert_eq!(state.check(), Ok(()));
            change(&mut state);
            state.seal();
            state.check()
        };
        let impossible = Err(Error::State { what: IMPOSSIBLE });
        assert_eq!(made(|state| state.header[INFINITE] = 1u64.to_le()), impossible);
        assert_eq!(made(|state| state.header[COUNT] = u64::MAX), impossible);
        assert_eq!(made(|state| state.header[5] = 1), impossible);
        assert_eq!(made(|state| state.sums[0][OF_P] = 1), impossible);
        assert_eq!(made(|state| state.sums[0][4] = 1), impossible);
        let negative = |state: &mut Partial| {
            state.header[COUNT] = 1u64.to_le();
            state.sums[LIMBS - 1][OF_Q] = u64::MAX;
        };
        assert_eq!(made(negative), impossible);
        assert_eq!(made(|state| state.header[1] |= 0x0900_0000u64.to_le()), impossible);
        assert!(made(|state| state.header[COUNT] = 1u64.to_le()).is_ok());
        assert!(made(|state| state.header[1] |= 0x0004_0000u64.to_le()).is_err());
    }
}
