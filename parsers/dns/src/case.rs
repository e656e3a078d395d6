//! Letters of both cases in names that came before: nothing but the case can tell anything then. Clients that mix it everywhere, to
//! make forged answers harder (draft-vixie-dnsext-dns0x20), are told apart by what they do elsewhere.

use crate::hash::fold;
use transitproof_wire::dns::Name;

/// Clients whose habits are kept; two that share a place share their habits.
const CLIENTS: usize = 1024;
/// Questions without such letters by a client that has no such habit.
const HABIT: u16 = 16;
/// Different spellings of names below one domain.
const SPELLINGS: u8 = 12;

#[derive(Clone, Copy, Default)]
struct Habit {
    plain: u16,
    mixed: u16,
}

pub struct Habits(Box<[Habit]>);

impl Default for Habits {
    fn default() -> Self {
        Self(vec![Habit::default(); CLIENTS].into())
    }
}

impl Habits {
    /// Notes a question. `spellings` of the domain are among the mixed ones.
    pub fn note(&mut self, client: u64, mixed: bool) {
        let habit = &mut self.0[client as usize % CLIENTS];
        let count = if mixed { &mut habit.mixed } else { &mut habit.plain };
        *count = count.saturating_add(1);
        if *count == u16::MAX {
            (habit.plain, habit.mixed) = (habit.plain / 2, habit.mixed / 2);
        }
    }

    /// Whether so many spellings below one domain are out of the client's way.
    pub fn is_odd(&self, client: u64, spellings: u8) -> bool {
        let habit = self.0[client as usize % CLIENTS];
        let elsewhere = habit.mixed.saturating_sub(u16::from(spellings));
        spellings >= SPELLINGS && habit.plain >= HABIT && elsewhere <= habit.plain / 8
    }
}

/// Letters of both cases.
#[inline]
pub fn is_mixed(name: &Name<'_>) -> bool {
    let wire = name.wire();
    wire.iter().any(u8::is_ascii_uppercase) && wire.iter().any(u8::is_ascii_lowercase)
}

/// Hash of a name as it is spelled.
pub fn spelling(seed: u64, name: &Name<'_>) -> u64 {
    name.wire().chunks(8).fold(seed, |h, chunk| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        fold(h, u64::from_le_bytes(word))
    })
}
