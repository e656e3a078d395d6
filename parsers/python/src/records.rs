//! Flow records on their way to Python. Whoever wants them copies them: the cores can go on before.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that come back for the next records: the kernel would have to clear new ones first.
#[derive(Clone, Default)]
pub struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

pub enum Records {
    /// What each core wrote.
    Written(Vec<Vec<u8>>, Buffers),
    Bytes(Py<PyBytes>),
}

impl Buffers {
    pub fn spare(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// What the cores wrote into them.
    pub fn written(&self, parts: Vec<Vec<u8>>) -> Records {
        Records::Written(parts, self.clone())
    }

    fn put(&self, parts: &mut Vec<Vec<u8>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(parts);
    }
}

impl Records {
    /// One core's after the other's.
    pub fn bytes<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = match self {
            Self::Bytes(bytes) => return Ok(bytes.bind(py).clone()),
            Self::Written(parts, _) => joined(py, parts)?,
        };
        *self = Self::Bytes(bytes.clone().unbind());
        Ok(bytes)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        if let Self::Written(parts, home) = self {
            home.put(parts);
        }
    }
}

fn joined<'py>(py: Python<'py>, parts: &[Vec<u8>]) -> PyResult<Bound<'py, PyBytes>> {
    if let [all] = parts {
        return Ok(PyBytes::new(py, all));
    }
    PyBytes::new_with(py, parts.iter().map(Vec::len).sum(), |mut rest| {
        for part in parts {
            let (place, behind) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = behind;
        }
        Ok(())
    })
}
