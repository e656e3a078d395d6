//! What the core hands over: frozen objects over what it already owns.

use crate::records::Records;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;
use transitproof_flow::EndpointTotals;
use transitproof_flow::certificates::{Certificate, Certificates};
use transitproof_flow::endpoint;
use transitproof_flow::few::Few;
use transitproof_flow::observation::{self, Provenance};
use transitproof_flow::tls::beside::is_beside;
use transitproof_wire::Protocol;

#[pyclass(module = "probe._parsers")]
pub struct Batch {
    pub records: Records,
    pub tunnels: Vec<u8>,
    pub associations: Vec<u8>,
    pub so_far: Vec<u8>,
    pub certificates: Vec<Arc<Certificate>>,
    /// Until a ledger takes them.
    pub observations: Vec<observation::Observation>,
}

#[pymethods]
impl Batch {
    #[new]
    #[pyo3(signature = (*, records = None, certificates = Vec::new(), observations = Vec::new()))]
    fn new(
        py: Python<'_>,
        records: Option<&[u8]>,
        certificates: Vec<Vec<u8>>,
        observations: Vec<PyRef<'_, Observation>>,
    ) -> Self {
        let mut interner = Certificates::new(0);
        for der in &certificates {
            interner.intern(der);
        }
        Self {
            records: Records::Bytes(PyBytes::new(py, records.unwrap_or_default()).unbind()),
            tunnels: Vec::new(),
            associations: Vec::new(),
            so_far: Vec::new(),
            certificates: interner.take_new(),
            observations: observations.iter().map(|observation| observation.0.clone()).collect(),
        }
    }

    #[getter]
    fn records<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.records.bytes(py)
    }

    #[getter]
    fn tunnels(&self) -> &[u8] {
        &self.tunnels
    }

    #[getter]
    fn associations(&self) -> &[u8] {
        &self.associations
    }

    #[getter]
    fn so_far(&self) -> &[u8] {
        &self.so_far
    }

    #[getter]
    fn certificate_records<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut out = Vec::new();
        for certificate in &self.certificates {
            if let Some(facts) = &certificate.facts {
                facts.write_record(&hex(certificate), &certificate.der, &mut out);
            }
        }
        PyBytes::new(py, &out)
    }

    #[getter]
    fn odd_certificates<'py>(&self, py: Python<'py>) -> Vec<(String, Bound<'py, PyBytes>)> {
        let is_odd = |certificate: &&Arc<Certificate>| certificate.facts.is_none() && !is_beside(&certificate.der);
        let odd = self.certificates.iter().filter(is_odd);
        odd.map(|certificate| (hex(certificate), PyBytes::new(py, &certificate.der))).collect()
    }

    #[getter]
    fn certificates<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        let certificates = self.certificates.iter().filter(|certificate| !is_beside(&certificate.der));
        certificates.map(|certificate| PyBytes::new(py, &certificate.der)).collect()
    }

    fn sightings(&self, py: Python<'_>) -> Vec<Sighting> {
        let all = self.observations.iter();
        all.map(|o| {
            let name = o.name.as_deref().map(Into::into);
            (written(&o.endpoint), name, PyBytes::new(py, &o.key).unbind(), o.count, leaf(o))
        })
        .collect()
    }

    fn sessions(&self, py: Python<'_>) -> Vec<Session> {
        let told = self.observations.iter().filter_map(|o| Some((o, o.session.as_deref()?)));
        told.map(|(o, session)| {
            let [facts, session] = [&o.key[..], session].map(|json| PyBytes::new(py, json).unbind());
            (written(&o.endpoint), o.name.as_deref().map(Into::into), facts, session, leaf(o), o.last_seen)
        })
        .collect()
    }

    #[getter]
    fn has_certificates(&self) -> bool {
        !self.certificates.is_empty()
    }
}

/// Endpoint, name, facts without names and chains, flows, SHA-256 of the server's own certificate.
type Sighting = (String, Option<String>, Py<PyBytes>, u64, Option<String>);

/// Not of a session that was resumed: nothing was shown there.
fn leaf(observation: &observation::Observation) -> Option<String> {
    let shown = observation.provenance != Provenance::Inherited;
    let leaf = observation.chain.as_ref().filter(|_| shown)?.first()?;
    Some(String::from_utf8_lossy(leaf).into_owned())
}

/// Endpoint, name, facts, what else its first flow told, SHA-256 of the certificate that was sent, last seen (ns).
type Session = (String, Option<String>, Py<PyBytes>, Py<PyBytes>, Option<String>, u64);

fn hex(certificate: &Certificate) -> String {
    String::from_utf8_lossy(&certificate.sha256).into_owned()
}

#[pyclass(frozen, module = "probe._parsers")]
pub struct Observation(observation::Observation);

#[pymethods]
impl Observation {
    #[new]
    #[pyo3(signature = (facts, endpoint, *, name = None, chain = Vec::new(), count = 1, first_seen = 0, last_seen = 0, samples = Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        facts: &[u8],
        endpoint: &str,
        name: Option<&str>,
        chain: Vec<String>,
        count: u64,
        first_seen: u64,
        last_seen: u64,
        samples: Vec<(String, u64)>,
    ) -> PyResult<Self> {
        let wrong = |what: &str| PyValueError::new_err(format!("{what} was expected"));
        let endpoint = endpoint::Endpoint::parse(endpoint).ok_or_else(|| wrong("address:port/transport"))?;
        let hashes = chain.iter().map(|hash| hash.as_bytes().try_into());
        let chain: Vec<_> = hashes.collect::<Result<_, _>>().map_err(|_| wrong("SHA-256 in hex"))?;
        let mut few = Few::default();
        for (flow, frame) in samples {
            let flow = observation::community_id(&flow).ok_or_else(|| wrong("a Community ID"))?;
            few.keep(observation::Sample { flow, frame });
        }
        Ok(Self(observation::Observation {
            key: facts.into(),
            facts: facts.into(),
            endpoint,
            name: name.map(Into::into),
            chain: (!chain.is_empty()).then(|| chain.into()),
            provenance: observation::Provenance::Observed,
            bytes: 0,
            count,
            first_seen,
            last_seen,
            samples: few,
            flows: Vec::new(),
            session: None,
        }))
    }
}

#[pyclass(frozen, module = "probe._parsers")]
pub struct Endpoint {
    endpoint: String,
    protocol: Protocol,
    totals: EndpointTotals,
}

impl Endpoint {
    pub fn new((endpoint, protocol, totals): (endpoint::Endpoint, Protocol, EndpointTotals)) -> Self {
        Self { endpoint: written(&endpoint), protocol, totals }
    }
}

#[pymethods]
impl Endpoint {
    #[getter]
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    #[getter]
    fn class_(&self) -> &str {
        self.protocol.class().name()
    }

    #[getter]
    fn protocol(&self) -> &str {
        self.protocol.name()
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.totals.name.as_deref()
    }

    #[getter]
    fn flows(&self) -> u64 {
        self.totals.flows
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.totals.bytes
    }
}

/// Endpoints are written in ASCII.
fn written(endpoint: &endpoint::Endpoint) -> String {
    let mut out = Vec::with_capacity(24);
    endpoint.write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}
