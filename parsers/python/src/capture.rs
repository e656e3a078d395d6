//! `Capture`: a capture file or pipe behind a Python object.

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use transitproof_capture::{self as reader, OpenError};

create_exception!(probe._parsers, CaptureError, PyValueError);

#[pyclass(frozen, module = "probe._parsers")]
pub struct Capture {
    reader: Mutex<reader::Capture>,
    /// Python may ask while another thread reads.
    progress: reader::Progress,
    size: Option<u64>,
}

impl Capture {
    pub fn reader(&self) -> MutexGuard<'_, reader::Capture> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Capture {
    #[new]
    #[pyo3(signature = (path = None, *, fd = None))]
    fn new(py: Python<'_>, path: Option<&str>, fd: Option<i32>) -> PyResult<Self> {
        let opened = py.detach(|| match (path, fd) {
            (Some(path), None) => reader::Capture::open(Path::new(path)),
            (None, Some(fd)) => reader::Capture::from_reader(descriptor(fd).map_err(OpenError::Io)?),
            _ => Err(OpenError::Io(io::Error::new(io::ErrorKind::InvalidInput, "give either a path or a descriptor"))),
        });
        let held = |reader: reader::Capture| {
            let (progress, size) = (reader.progress(), reader.size());
            Self { reader: Mutex::new(reader), progress, size }
        };
        opened.map(held).map_err(|error| match error {
            OpenError::Io(error) => PyErr::from(error),
            other => CaptureError::new_err(other.to_string()),
        })
    }

    #[getter]
    fn format(&self) -> &'static str {
        match self.reader().format() {
            reader::Format::Pcapng => "pcapng",
            _ => "pcap",
        }
    }

    #[getter]
    fn compression(&self) -> Option<String> {
        self.reader().compression().map(|c| c.to_string())
    }

    #[getter]
    fn position(&self) -> u64 {
        self.progress.read()
    }

    #[getter]
    fn size(&self) -> Option<u64> {
        self.size
    }

    #[getter]
    fn drops(&self) -> u64 {
        self.reader().capture_drops()
    }

    #[getter]
    fn damage(&self) -> Vec<(u64, String)> {
        self.reader().damage().iter().map(|d| (d.offset, d.what.to_string())).collect()
    }
}

/// A descriptor of this process, read through /dev/fd so that it is neither taken over nor closed.
fn descriptor(fd: i32) -> io::Result<Box<dyn Read + Send>> {
    match fd {
        0 => Ok(Box::new(io::stdin())),
        fd => Ok(Box::new(File::open(format!("/dev/fd/{fd}"))?)),
    }
}
