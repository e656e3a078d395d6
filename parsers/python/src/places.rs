//! Where workers run, if there is one for each processor. Linux looks for an idle one only while few are busy (select_idle_cpu),
//! and leaves two that wake each other on one, the other idle. With fewer workers it is to choose, for others run there too.

use transitproof_capture::ring;

#[derive(Default)]
pub struct Places(Vec<usize>);

impl Places {
    pub fn for_workers(workers: usize) -> Self {
        let all = ring::processors();
        Self(if all.len() == workers { all } else { Vec::new() })
    }

    pub fn take(&self, at: usize) {
        if let Some(place) = self.0.get(at) {
            ring::stay_on(&[*place]);
        }
    }

    /// For a thread that has the place of the one that started it.
    pub fn leave(&self) {
        if !self.0.is_empty() {
            ring::stay_on(&self.0);
        }
    }
}
