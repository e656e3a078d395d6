//! `Extraction`: the packets of a finding's flows on their way into a capture of their own.

use crate::core::Core;
use crate::ledger::Ledger;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use transitproof_capture::{Frame, Writer};
use transitproof_flow::Wanted;

create_exception!(probe._parsers, FilterError, PyValueError);

#[pyclass(module = "probe._parsers")]
pub struct Extraction {
    pub wanted: Arc<Wanted>,
    #[pyo3(get)]
    limited: u64,
    #[pyo3(get)]
    packets: u64,
    writer: Writer<Box<dyn Write + Send + Sync>>,
    /// What the writing failed of; told when it is closed, so that it is not taken for an error of reading.
    failed: Option<io::Error>,
}

#[pymethods]
impl Extraction {
    #[new]
    fn new(core: &Core, ledger: &mut Ledger, fd: i32) -> PyResult<Self> {
        let (flows, limited) = ledger.0.traced();
        let writer = Writer::new(descriptor(fd)?, core.shape.clone().unwrap_or_default())?;
        Ok(Self { wanted: Arc::new(core.first().wanted(flows)), limited, packets: 0, writer, failed: None })
    }

    #[getter]
    fn flows(&self) -> usize {
        self.wanted.flows.len()
    }

    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.failed.take() {
            Some(error) => Err(error.into()),
            None => Ok(py.detach(|| self.writer.finish())?),
        }
    }
}

impl Extraction {
    /// False once writing has failed.
    pub fn write(&mut self, frame: &Frame, bytes: &[u8]) -> bool {
        if self.failed.is_none() {
            match self.writer.frame(frame, bytes) {
                Ok(()) => self.packets += 1,
                Err(error) => self.failed = Some(error),
            }
        }
        self.failed.is_none()
    }
}

/// A descriptor of this process, written through /dev/fd so that it is neither taken over nor closed; standard output by
/// itself, so that what it appends to stays.
fn descriptor(fd: i32) -> io::Result<Box<dyn Write + Send + Sync>> {
    match fd {
        1 => Ok(Box::new(io::stdout())),
        fd => Ok(Box::new(File::options().write(true).open(format!("/dev/fd/{fd}"))?)),
    }
}
