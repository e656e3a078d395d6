//! `Core`: the flow side behind a Python object, fed from a `Capture` with the GIL released.

use crate::batch::{Batch, Endpoint};
use crate::capture::Capture;
use crate::extraction::{Extraction, FilterError};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::hash::{BuildHasher, RandomState};
use std::io;
use transitproof_capture::{Frame as Captured, Shape};
use transitproof_flow::{Config, DnsConfig, Frame, HashKey, Selection};

/// Frames asked of the reader at a time: the slices are built on the stack side of the loop, so few at a time stay in cache.
const FRAMES: usize = 256;

#[pyclass(module = "probe._parsers")]
pub struct Core {
    pub core: transitproof_flow::Core,
    /// Number of the last frame of the current capture.
    frame: u64,
    captured: Vec<Captured>,
    /// Of the frames so far, if their flows are traced.
    pub shape: Option<Shape>,
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (*, flows = true, endpoints = false, names = false, max_flows = 1_048_576, seed = None, hash_key = None, why = false))]
    fn new(
        flows: bool,
        endpoints: bool,
        names: bool,
        max_flows: usize,
        seed: Option<u64>,
        hash_key: Option<&[u8]>,
        why: bool,
    ) -> PyResult<Self> {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0u64));
        let mut core = transitproof_flow::Core::new(Config { flows, why, endpoints, names, max_flows, seed });
        if let Some(key) = hash_key {
            let short = || PyValueError::new_err("hash_key is shorter than 16 bytes");
            core.hash_with(HashKey::new(key).ok_or_else(short)?);
        }
        Ok(Self { core, frame: 0, captured: Vec::with_capacity(FRAMES), shape: None })
    }

    fn feed(&mut self, py: Python<'_>, capture: &mut Capture, packets: u64) -> PyResult<bool> {
        Ok(py.detach(|| self.feed_frames(capture, packets, None))?)
    }

    fn select(&mut self, filters: Vec<String>, begin: Option<u64>, end: Option<u64>) -> PyResult<()> {
        let mut selection = Selection::default().span(begin.unwrap_or(0), end.unwrap_or(u64::MAX));
        for text in filters {
            let wrong = |error| FilterError::new_err(format!("{text}: {error}"));
            selection = selection.filter(&text).map_err(wrong)?;
        }
        self.core.select(selection);
        Ok(())
    }

    #[pyo3(signature = (*, bytes_a_day = 2600.0, servers = false, state = None))]
    fn watch_dns(&mut self, bytes_a_day: f32, servers: bool, state: Option<&[u8]>) -> PyResult<()> {
        self.core.watch_dns(DnsConfig { bytes_a_day, ..DnsConfig::default() }, servers);
        let Some(state) = state else { return Ok(()) };
        self.core.restore_dns(state).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn dns_state<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.core.save_dns())
    }

    fn trace(&mut self) {
        self.core.trace();
        self.shape = Some(Shape::default());
    }

    fn extract(
        &mut self,
        py: Python<'_>,
        capture: &mut Capture,
        packets: u64,
        extraction: &mut Extraction,
    ) -> PyResult<bool> {
        self.core.follow(&extraction.wanted);
        Ok(py.detach(|| self.feed_frames(capture, packets, Some(extraction)))?)
    }

    #[pyo3(signature = (flows = None))]
    fn finish(&mut self, py: Python<'_>, flows: Option<usize>) -> bool {
        self.frame = 0;
        py.detach(|| self.core.finish(flows.unwrap_or(usize::MAX)))
    }

    #[pyo3(signature = (*, observations = true))]
    fn take(&mut self, py: Python<'_>, observations: bool) -> Batch {
        let wanted = observations || self.core.many_observations();
        let observations = if wanted { self.core.take_observations() } else { Vec::new() };
        let records = PyBytes::new(py, self.core.records()).unbind();
        self.core.clear_records();
        Batch { records, certificates: self.core.take_certificates(), observations }
    }

    fn totals<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.core.totals())
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        self.core.endpoints().into_iter().map(Endpoint::new).collect()
    }
}

impl Core {
    fn feed_frames(
        &mut self,
        capture: &mut Capture,
        packets: u64,
        mut sink: Option<&mut Extraction>,
    ) -> io::Result<bool> {
        let reader = capture.reader();
        let mut left = packets;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(FRAMES).min(FRAMES);
            reader.fill(&mut self.captured, wanted)?;
            if self.captured.is_empty() {
                return Ok(false);
            }
            if let Some(shape) = &mut self.shape {
                self.captured.iter().for_each(|frame| shape.note(frame));
            }
            let first = self.frame + 1;
            let mut frames = [Frame { time: 0, link: 0, number: 0, bytes: &[] }; FRAMES];
            for (frame, captured) in frames.iter_mut().zip(&self.captured) {
                self.frame += 1;
                let bytes = reader.bytes(captured);
                *frame = Frame { time: captured.time_ns, link: captured.link, number: self.frame, bytes };
            }
            self.core.frames(&frames[..self.captured.len()]);
            if let Some(sink) = &mut sink {
                for number in self.core.marked() {
                    let captured = &self.captured[(number - first) as usize];
                    if !sink.write(captured, reader.bytes(captured)) {
                        return Ok(false);
                    }
                }
            }
            left -= self.captured.len() as u64;
        }
        Ok(true)
    }
}
