//! What the cores of a crew hand over at the end of each step. Who is quick goes on meanwhile, and waits for who is slow only when it is
//! a whole step ahead: so each hears what the others learnt up to the end of the step before the last, the same in every run.

use crate::part::Part;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use transitproof_flow::{Heard, Said};

/// Steps whose parts may wait to be put together, besides those that cores are at.
const WAITING: u64 = 2;

/// Steps of which it is remembered what was learnt of tunnels: nobody is further behind.
const REMEMBERED: usize = 4;

/// Steps from a number on: of each something of each core.
struct Steps<T> {
    first: u64,
    steps: VecDeque<Vec<Option<T>>>,
}

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self { first: 0, steps: VecDeque::new() }
    }
}

impl<T> Steps<T> {
    fn put(&mut self, (step, core): (u64, usize), cores: usize, thing: T) {
        let Some(at) = step.checked_sub(self.first) else { return };
        while self.steps.len() as u64 <= at {
            self.steps.push_back((0..cores).map(|_| None).collect());
        }
        self.steps[at as usize][core] = Some(thing);
    }

    fn of(&self, step: u64) -> Option<&[Option<T>]> {
        self.steps.get(step.checked_sub(self.first)? as usize).map(Vec::as_slice)
    }

    fn are_all(&self, step: u64) -> bool {
        step < self.first || self.of(step).is_some_and(|all| all.iter().all(Option::is_some))
    }

    fn take_first(&mut self) -> Option<Vec<Option<T>>> {
        let first = self.steps.pop_front()?;
        self.first += 1;
        Some(first)
    }
}

#[derive(Default)]
struct State {
    parts: Steps<Part>,
    heard: Steps<Heard>,
    /// The last step of all, once a core has come to it.
    last: Option<u64>,
    /// Nobody wants any more.
    stopped: bool,
}

impl State {
    fn allows(&self, step: u64) -> bool {
        step <= self.parts.first + WAITING && step.checked_sub(2).is_none_or(|before| self.heard.are_all(before))
    }
}

pub struct Line {
    state: Mutex<State>,
    changed: Condvar,
    cores: usize,
    /// What was heard of DNS and judged, for its room.
    judged: Mutex<Vec<Said>>,
}

impl Line {
    pub fn new(cores: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), cores, judged: Mutex::default() }
    }

    fn judged(&self) -> MutexGuard<'_, Vec<Said>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for what a core hears of DNS next.
    pub fn spare(&self) -> Said {
        self.judged().pop().unwrap_or_default()
    }

    /// What was heard of DNS is judged.
    pub fn reuse(&self, judged: &mut Vec<Said>) {
        self.judged().append(judged);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is so; false if nobody wants any more.
    fn until(&self, is_so: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state();
        while !state.stopped && !is_so(&state) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.stopped
    }

    /// A core comes to the end of a step.
    pub fn put(&self, step: u64, core: usize, (part, heard): (Part, Heard), more: bool) {
        let mut state = self.state();
        state.parts.put((step, core), self.cores, part);
        state.heard.put((step, core), self.cores, heard);
        while state.heard.steps.len() > REMEMBERED {
            state.heard.take_first();
        }
        if !more {
            state.last = Some(step);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until a core may begin a step; false if it is not to.
    pub fn may_begin(&self, step: u64) -> bool {
        self.until(|state| state.allows(step))
    }

    /// Waits until all came to the end of a step; false if some will not.
    pub fn is_over(&self, step: u64) -> bool {
        self.until(|state| state.heard.are_all(step))
    }

    /// What the others learnt in a step, in their order.
    pub fn heard(&self, step: u64, core: usize) -> Vec<Heard> {
        let state = self.state();
        let all = state.heard.of(step).unwrap_or_default();
        let others = all.iter().enumerate().filter(|(other, _)| *other != core);
        others.filter_map(|(_, heard)| heard.clone()).collect()
    }

    /// The parts of the next step, once they are all there. None behind the last one, or if nobody wants any more.
    pub fn take(&self) -> Option<Vec<Part>> {
        let is_there = |state: &State| {
            let next = state.parts.first;
            state.last.is_some_and(|last| next > last)
                || state.parts.steps.front().is_some_and(|all| all.iter().all(Option::is_some))
        };
        if !self.until(is_there) {
            return None;
        }
        let parts = self.rest();
        self.changed.notify_all();
        parts
    }

    /// Those of a step that are there, when nobody adds to them any more.
    pub fn rest(&self) -> Option<Vec<Part>> {
        self.state().parts.take_first().map(|all| all.into_iter().flatten().collect())
    }

    /// Lets nobody wait any more.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }
}
