//! `Live`: rings of interfaces behind a Python object, the end of the rights that opening them took, and what is refused from then on.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use transitproof_capture::ring;

#[pyclass(module = "probe._parsers")]
pub struct Live {
    /// What Python holds must be shareable; in fact one thread reads and asks.
    live: Mutex<ring::Live>,
}

impl Live {
    pub fn reader(&mut self) -> &mut ring::Live {
        self.live.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) -> MutexGuard<'_, ring::Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Live {
    #[new]
    #[pyo3(signature = (interfaces, *, ring_bytes = 33_554_432, promiscuous = false))]
    fn new(interfaces: Vec<String>, ring_bytes: usize, promiscuous: bool) -> PyResult<Self> {
        if interfaces.is_empty() {
            return Err(PyValueError::new_err("no interface is named"));
        }
        let named = |name: &str, error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        let open = |name: &String| ring::Ring::open(name, ring_bytes, promiscuous).map_err(|error| named(name, error));
        let rings = interfaces.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Self { live: Mutex::new(ring::Live::new(rings)) })
    }

    fn bypass(&self) -> io::Result<()> {
        self.look().bypass()
    }

    #[getter]
    fn bypassed(&self) -> Option<(u64, u64)> {
        self.look().bypassed().map(Into::into)
    }

    fn follow(&self) {
        self.look().rings.iter_mut().for_each(ring::Ring::follow);
    }

    /// Name, whether it is there, packets, drops, freezes, copies left out.
    fn interfaces(&self) -> Vec<(String, bool, u64, u64, u64, u64)> {
        let mut live = self.look();
        let rings = live.rings.iter_mut().map(|ring| {
            let counts = ring.counts();
            (ring.name().to_owned(), ring.is_bound(), counts.packets, counts.drops, counts.freezes, counts.copies)
        });
        rings.collect()
    }
}

#[pyfunction]
pub fn drop_capabilities() -> io::Result<()> {
    ring::drop_capabilities()
}

#[pyfunction]
pub fn keep_memory() {
    ring::keep_memory();
}

#[pyfunction]
pub fn confine() -> io::Result<()> {
    ring::confine()
}
