//! `Roots` and `certificate_record`: the core's view of certificates, for tests and for whoever judges.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sha2::{Digest, Sha256};
use transitproof_flow::certificates::Certificates;
use transitproof_flow::json;
use transitproof_flow::trust::{self, Role, Signatures, judge, weak, wildcard};
use transitproof_flow::x509::{Facts, Parts, RsaKey};

#[pyfunction]
pub fn certificate_record<'py>(py: Python<'py>, der: &[u8]) -> Option<Bound<'py, PyBytes>> {
    let (facts, mut hex, mut line) = (Facts::read(der)?, Vec::new(), Vec::new());
    json::hex(&mut hex, &Sha256::digest(der));
    facts.write_record(std::str::from_utf8(&hex).ok()?, der, &mut line);
    Some(PyBytes::new(py, &line))
}

/// What is to be said of the wildcards among DNS names.
#[pyfunction]
pub fn wildcard_breadth(names: Vec<String>) -> Option<String> {
    wildcard::of_names(names.iter().map(String::as_str))
}

#[pyclass(frozen, module = "probe._parsers")]
pub struct Known(trust::Known);

#[pymethods]
impl Known {
    #[new]
    #[pyo3(signature = (weak_keys = Vec::new(), middleboxes = Vec::new()))]
    fn new(weak_keys: Vec<Vec<u8>>, middleboxes: Vec<(String, String)>) -> PyResult<Self> {
        let listed = weak::WeakKeys::read(weak_keys.iter().map(Vec::as_slice));
        let listed = listed.map_err(|line| PyValueError::new_err(format!("line {line} has no 20 hex digits")))?;
        Ok(Self(trust::Known::new(listed, middleboxes)))
    }

    fn weak_key(&self, py: Python<'_>, der: &[u8]) -> Option<String> {
        py.detach(|| weak::why(&RsaKey::read(&Parts::read(der)?)?, &self.0.weak_keys))
    }

    fn middlebox(&self, issuer: &str) -> Option<&str> {
        self.0.middlebox(issuer)
    }
}

/// (reason, SHA-256 of the certificate, detail)
type Judged = (&'static str, String, Option<String>);

/// Judgements, the first and the last second at which they hold, the stores that an accepted chain reaches.
type Answer = (Vec<Judged>, u64, u64, Option<String>);

#[pyclass(module = "probe._parsers")]
pub struct Roots(pub trust::Roots);

#[pymethods]
impl Roots {
    #[new]
    #[pyo3(signature = (ders, public = 0))]
    fn new(ders: Vec<Vec<u8>>, public: usize) -> Self {
        Self(trust::Roots::new(ders.iter().map(Vec::as_slice), public))
    }

    fn trust(&mut self, store: &str, ders: Vec<Vec<u8>>, public: bool) {
        ders.iter().for_each(|der| self.0.trust(der, store, public));
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn unread<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.0.unread().iter().map(|der| PyBytes::new(py, der)).collect()
    }

    #[pyo3(signature = (der, subject))]
    fn resolve(&mut self, der: &[u8], subject: Option<&str>) {
        self.0.resolve(der, subject);
    }

    fn know(&mut self, known: &Known) {
        self.0.know(known.0.clone());
    }

    fn leave_all(&mut self) {
        self.0.leave_all();
    }

    fn leave(&mut self, issuer: &str) {
        self.0.leave(issuer);
    }

    #[pyo3(signature = (chain, name, when, *, client = false, peer = false))]
    fn judge(&self, chain: Vec<Vec<u8>>, name: Option<&str>, when: u64, client: bool, peer: bool) -> Option<Answer> {
        let mut certificates = Certificates::new(0);
        let ids: Vec<_> = chain.iter().map(|der| certificates.intern(der)).collect::<Option<_>>()?;
        let role = match (client, peer) {
            (true, _) => Role::Client,
            (false, true) => Role::Peer,
            (false, false) => Role::Server,
        };
        let answer = judge(&certificates, &ids, name, role, when, &self.0, &mut Signatures::default())?;
        let judged = answer.judgements.into_iter().map(|judgement| {
            let sha256 = certificates.sha256_hex(judgement.certificate).to_string();
            (judgement.reason.name(), sha256, judgement.detail)
        });
        Some((judged.collect(), answer.from_second, answer.until_second, answer.store.as_deref().map(Into::into)))
    }
}
