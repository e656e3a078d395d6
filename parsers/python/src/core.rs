//! `Core`: the flow side behind a Python object, fed from a `Capture` with the GIL released.

use crate::batch::{Batch, Endpoint};
use crate::bypassed::Bypassed;
use crate::capture::Capture;
use crate::crew::{Common, Crew};
use crate::extraction::{Extraction, FilterError};
use crate::keys;
use crate::live::Live;
use crate::part::Part;
use crate::records::Buffers;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use transitproof_capture::kept::{self, Kept};
use transitproof_capture::{Frame as Captured, Shape, Source};
use transitproof_flow::{Config, DnsConfig, Frame, HashKey, Policy, PolicySource, Selection};

/// Frames asked of the reader at a time: the slices are built on the stack side of the loop, so few at a time stay in cache.
const FRAMES: usize = 256;

/// More than any machine gains by: each looks at every frame.
const MAX_WORKERS: usize = 64;

#[pyclass(module = "probe._parsers")]
pub struct Core {
    /// One, or as many as there are workers.
    pub cores: Vec<transitproof_flow::Core>,
    crew: Option<Crew>,
    /// Number of the last frame of the current capture.
    frame: u64,
    captured: Vec<Captured>,
    /// Of the frames so far, if their flows are traced.
    pub shape: Option<Shape>,
    /// Packets that may turn out to be behind a finding.
    kept: Option<Kept>,
    bypassed: Bypassed,
    buffers: Buffers,
}

/// Number of the frame, time, length on the wire, LINKTYPE_, bytes.
type KeptPacket = (u64, u64, u32, u16, Py<PyBytes>);

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (*, flows = true, endpoints = false, names = false, exposed = false, max_flows = 1_048_576, seed = None, hash_key = None, why = false, workers = 1))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        flows: bool,
        endpoints: bool,
        names: bool,
        exposed: bool,
        max_flows: usize,
        seed: Option<u64>,
        hash_key: Option<&[u8]>,
        why: bool,
        workers: usize,
    ) -> PyResult<Self> {
        if !(1..=MAX_WORKERS).contains(&workers) {
            return Err(PyValueError::new_err(format!("workers: 1 to {MAX_WORKERS}, not {workers}")));
        }
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0u64));
        let max_flows = max_flows.div_ceil(workers);
        let config = Config { flows, why, endpoints, names, max_flows, seed };
        let mut cores: Vec<_> = (0..workers).map(|_| transitproof_flow::Core::new(config)).collect();
        if exposed {
            cores.iter_mut().for_each(|core| core.tell_exposed());
        }
        if let Some(key) = hash_key {
            let short = || PyValueError::new_err("hash_key is shorter than 16 bytes");
            for core in &mut cores {
                core.hash_with(HashKey::new(key).ok_or_else(short)?);
            }
        }
        let crew = if workers > 1 { Crew::new(&mut cores, seed) } else { None };
        let (captured, bypassed) = (Vec::with_capacity(FRAMES), Bypassed::default());
        Ok(Self { cores, crew, frame: 0, captured, shape: None, kept: None, bypassed, buffers: Buffers::default() })
    }

    fn feed(&mut self, py: Python<'_>, capture: &Capture, packets: u64) -> PyResult<bool> {
        Ok(py.detach(|| match &mut self.crew {
            Some(crew) => crew.feed(&mut self.cores, &mut *capture.reader(), &mut self.frame, packets),
            None => self.feed_frames(&mut *capture.reader(), packets, None, |_, _, _| {}),
        })?)
    }

    /// `sink` is called from this thread.
    fn run(&mut self, py: Python<'_>, capture: &Capture, packets: u64, flows: usize, sink: Py<PyAny>) -> PyResult<()> {
        let Some(crew) = &mut self.crew else { return Err(PyValueError::new_err("one worker is fed")) };
        let (buffers, mut failed) = (&self.buffers, None);
        let hand_over = |batch: Batch| {
            let told = Python::attach(|py| sink.call1(py, (batch,))?.is_truthy(py));
            told.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                false
            })
        };
        let read = py.detach(|| {
            crew.run(&mut self.cores, &mut *capture.reader(), &mut self.frame, (packets, flows), (buffers, hand_over))
        });
        failed.map_or(Ok(()), Err)?;
        Ok(read?)
    }

    fn read_keys(&mut self, py: Python<'_>, path: &str) -> PyResult<()> {
        Ok(py.detach(|| keys::read(path, &mut self.cores))?)
    }

    fn listen(&mut self, py: Python<'_>, live: &mut Live, packets: u64, milliseconds: u64) -> PyResult<bool> {
        let live = live.reader();
        live.wait_for(Duration::from_millis(milliseconds));
        Ok(py.detach(|| match &mut self.crew {
            Some(crew) => {
                let more = crew.feed(&mut self.cores, live, &mut self.frame, packets);
                self.bypassed.hand_over(&mut self.cores, live);
                more
            }
            None => self.feed_frames(live, packets, None, Bypassed::hand_over),
        })?)
    }

    fn bypass(&mut self) {
        self.bypassed.begin(&mut self.cores);
    }

    fn collect(&mut self, py: Python<'_>, live: &mut Live) -> PyResult<usize> {
        py.detach(|| self.bypassed.collect(&mut self.cores, live.reader()))?;
        Ok(self.bypassed.flows())
    }

    fn expire(&mut self, py: Python<'_>, time: u64) {
        py.detach(|| self.cores.iter_mut().for_each(|core| core.expire(time)));
    }

    fn keep_openings(&mut self, most: usize) -> PyResult<()> {
        if self.crew.is_some() {
            return Err(PyValueError::new_err("packets are kept by one worker"));
        }
        self.cores[0].tell_opening();
        self.kept = Some(Kept::new(most));
        Ok(())
    }

    fn kept(&self, py: Python<'_>, frame: u64) -> Vec<KeptPacket> {
        let whole = |packet: &kept::Packet| {
            let bytes = PyBytes::new(py, &packet.bytes).unbind();
            (packet.number(), packet.time_ns, packet.original, packet.link, bytes)
        };
        self.kept.iter().flat_map(|kept| kept.of_flow(frame)).map(whole).collect()
    }

    fn stay_live(&mut self) {
        self.cores.iter_mut().for_each(transitproof_flow::Core::stay_live);
    }

    fn rollup<'py>(&mut self, py: Python<'py>, most: usize) -> Bound<'py, PyBytes> {
        let rollup = py.detach(|| transitproof_flow::Core::take_rollup(&mut self.cores, most));
        PyBytes::new(py, &rollup)
    }

    fn tell_sessions(&mut self) {
        self.cores.iter_mut().for_each(|core| core.tell_sessions());
    }

    fn tell_tunnels(&mut self) {
        self.cores.iter_mut().for_each(transitproof_flow::Core::tell_tunnels);
    }

    fn tell_names(&mut self, names: bool) {
        self.cores.iter_mut().for_each(|core| core.tell_names(names));
    }

    fn shift(&mut self, by: i64) {
        self.cores.iter_mut().for_each(|core| core.shift(by.unsigned_abs(), by < 0));
    }

    #[getter]
    fn open_flows(&self) -> usize {
        self.cores.iter().map(transitproof_flow::Core::open_flows).sum()
    }

    fn select(&mut self, filters: Vec<String>, begin: Option<u64>, end: Option<u64>) -> PyResult<()> {
        let mut selection = Selection::default().span(begin.unwrap_or(0), end.unwrap_or(u64::MAX));
        for text in filters {
            let wrong = |error| FilterError::new_err(format!("{text}: {error}"));
            selection = selection.filter(&text).map_err(wrong)?;
        }
        self.cores.iter_mut().for_each(|core| core.select(selection.clone()));
        Ok(())
    }

    #[pyo3(signature = (policies, *, host = false))]
    fn protect(&mut self, policies: Vec<String>, host: bool) -> PyResult<()> {
        let source = if host { PolicySource::Host } else { PolicySource::Given };
        let read = |text: &String| Policy::of(text, source).map(Arc::new).map_err(PyValueError::new_err);
        let policies = policies.iter().map(read).collect::<PyResult<Vec<_>>>()?;
        let protect = if host { transitproof_flow::Core::protect_as_host } else { transitproof_flow::Core::protect };
        if !self.cores.iter_mut().all(|core| protect(core, &policies)) {
            return Err(PyValueError::new_err("more policies than are looked for at a time"));
        }
        Ok(())
    }

    #[pyo3(signature = (*, bytes_a_day = 2600.0, servers = false, state = None))]
    fn watch_dns(&mut self, bytes_a_day: f32, servers: bool, state: Option<&[u8]>) -> PyResult<()> {
        let config = DnsConfig { bytes_a_day, ..DnsConfig::default() };
        self.cores.iter_mut().for_each(|core| core.watch_dns(config, servers));
        if let Some(crew) = &mut self.crew {
            crew.common().watch_as(&self.cores);
        }
        let Some(state) = state else { return Ok(()) };
        let restored = match &mut self.crew {
            Some(crew) => crew.common().watch().restore(state),
            None => self.cores[0].restore_dns(state),
        };
        restored.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn dns_state<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let state = match &mut self.crew {
            Some(crew) => crew.common().watch().save(),
            None => self.cores[0].save_dns(),
        };
        PyBytes::new(py, &state)
    }

    fn trace(&mut self) -> PyResult<()> {
        if self.crew.is_some() {
            return Err(PyValueError::new_err("flows are traced by one worker"));
        }
        self.cores.iter_mut().for_each(transitproof_flow::Core::trace);
        self.shape = Some(Shape::default());
        Ok(())
    }

    fn extract(
        &mut self,
        py: Python<'_>,
        capture: &Capture,
        packets: u64,
        extraction: &mut Extraction,
    ) -> PyResult<bool> {
        if self.crew.is_some() {
            return Err(PyValueError::new_err("packets are extracted by one worker"));
        }
        self.cores.iter_mut().for_each(|core| core.follow(&extraction.wanted));
        Ok(py.detach(|| self.feed_frames(&mut *capture.reader(), packets, Some(extraction), |_, _, _| {}))?)
    }

    #[pyo3(signature = (flows = None))]
    fn finish(&mut self, py: Python<'_>, flows: Option<usize>) -> bool {
        self.frame = 0;
        let flows = flows.unwrap_or(usize::MAX);
        py.detach(|| match &mut self.crew {
            Some(crew) => crew.finish(&mut self.cores, flows),
            None => self.cores.iter_mut().fold(false, |more, core| more | core.finish(flows)),
        })
    }

    #[pyo3(signature = (*, observations = true))]
    fn take(&mut self, observations: bool) -> Batch {
        batch(&mut self.cores, self.crew.as_mut().map(Crew::common), &self.buffers, observations)
    }

    fn totals<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let totals = match &mut self.crew {
            Some(crew) => transitproof_flow::Core::totals_of(&self.cores, &crew.common().limits()),
            None => self.first().totals(),
        };
        PyBytes::new(py, &totals)
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        transitproof_flow::Core::endpoints_of(&self.cores).into_iter().map(Endpoint::new).collect()
    }
}

/// What has come about since the last one.
fn batch(
    cores: &mut [transitproof_flow::Core],
    common: Option<&mut Common>,
    buffers: &Buffers,
    observations: bool,
) -> Batch {
    let wanted = observations || cores.iter().any(transitproof_flow::Core::many_observations);
    let parts = cores.iter_mut().map(|core| Part::of(core, buffers, wanted)).collect();
    Batch::of(parts, common, buffers)
}

impl Core {
    /// The only one, if there is no crew.
    pub fn first(&self) -> &transitproof_flow::Core {
        &self.cores[0]
    }

    /// `settled`: who takes the flows that need not be read any more.
    fn feed_frames<S: Source>(
        &mut self,
        reader: &mut S,
        packets: u64,
        mut sink: Option<&mut Extraction>,
        settled: fn(&mut Bypassed, &mut [transitproof_flow::Core], &mut S),
    ) -> io::Result<bool> {
        let mut left = packets;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(FRAMES).min(FRAMES);
            reader.fill(&mut self.captured, wanted)?;
            keys::hand_over(&keys::of_blocks(reader), &mut self.cores[0]);
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
            self.cores[0].frames(&frames[..self.captured.len()]);
            if let Some(kept) = &mut self.kept {
                for opening in self.cores[0].take_opening() {
                    let captured = &self.captured[(opening.0 - first) as usize];
                    kept.keep(opening, captured, reader.bytes(captured));
                }
            }
            if let Some(sink) = &mut sink {
                for number in self.cores[0].marked() {
                    let captured = &self.captured[(number - first) as usize];
                    if !sink.write(captured, reader.bytes(captured)) {
                        return Ok(false);
                    }
                }
            }
            settled(&mut self.bypassed, &mut self.cores, reader);
            left -= self.captured.len() as u64;
        }
        Ok(true)
    }
}
