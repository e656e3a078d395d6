//! What the core hands over: frozen objects over what it already owns.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use transitproof_flow::EndpointTotals;
use transitproof_flow::endpoint;
use transitproof_flow::observation;
use transitproof_wire::Protocol;

#[pyclass(frozen, module = "probe._parsers")]
pub struct Batch {
    #[pyo3(get)]
    pub records: Py<PyBytes>,
    certificates: Vec<(String, Py<PyBytes>)>,
    observations: Vec<Py<Observation>>,
}

impl Batch {
    pub fn new(
        py: Python<'_>,
        records: &[u8],
        certificates: Vec<(String, Vec<u8>)>,
        observations: Vec<observation::Observation>,
    ) -> PyResult<Self> {
        let certificates =
            certificates.into_iter().map(|(hash, der)| (hash, PyBytes::new(py, &der).unbind())).collect();
        let observations = observations.into_iter().map(|o| Py::new(py, Observation(o))).collect::<PyResult<_>>()?;
        Ok(Self { records: PyBytes::new(py, records).unbind(), certificates, observations })
    }
}

#[pymethods]
impl Batch {
    #[getter]
    fn certificates<'py>(&self, py: Python<'py>) -> Vec<(&str, Bound<'py, PyBytes>)> {
        self.certificates.iter().map(|(hash, der)| (hash.as_str(), der.bind(py).clone())).collect()
    }

    #[getter]
    fn observations(&self, py: Python<'_>) -> Vec<Py<Observation>> {
        self.observations.iter().map(|o| o.clone_ref(py)).collect()
    }
}

#[pyclass(frozen, module = "probe._parsers")]
pub struct Observation(observation::Observation);

#[pymethods]
impl Observation {
    #[getter]
    fn id(&self) -> u64 {
        self.0.id
    }

    #[getter]
    fn facts_id(&self) -> u64 {
        self.0.facts_id
    }

    #[getter]
    fn facts(&self) -> &[u8] {
        &self.0.facts
    }

    #[getter]
    fn endpoint(&self) -> String {
        written(&self.0.endpoint)
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.count
    }

    #[getter]
    fn first_seen(&self) -> u64 {
        self.0.first_seen
    }

    #[getter]
    fn last_seen(&self) -> u64 {
        self.0.last_seen
    }

    #[getter]
    fn flows(&self) -> Vec<&str> {
        self.0.flows.iter().map(String::as_str).collect()
    }

    #[getter]
    fn frames(&self) -> Vec<u64> {
        self.0.frames.clone()
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
