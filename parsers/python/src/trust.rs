//! `Roots` and `certificate_record`: the core's view of certificates, for tests and for whoever judges.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sha2::{Digest, Sha256};
use transitproof_flow::certificates::Certificates;
use transitproof_flow::json;
use transitproof_flow::trust::{self, Signatures, judge};
use transitproof_flow::x509::Facts;

#[pyfunction]
pub fn certificate_record<'py>(py: Python<'py>, der: &[u8]) -> Option<Bound<'py, PyBytes>> {
    let (facts, mut hex, mut line) = (Facts::read(der)?, Vec::new(), Vec::new());
    json::hex(&mut hex, &Sha256::digest(der));
    facts.write_record(std::str::from_utf8(&hex).ok()?, &mut line);
    Some(PyBytes::new(py, &line))
}

/// (reason, SHA-256 of the certificate, detail)
type Judged = (&'static str, String, Option<String>);

#[pyclass(module = "probe._parsers")]
pub struct Roots(pub trust::Roots);

#[pymethods]
impl Roots {
    #[new]
    #[pyo3(signature = (ders, public = 0))]
    fn new(ders: Vec<Vec<u8>>, public: usize) -> Self {
        Self(trust::Roots::new(ders.iter().map(Vec::as_slice), public))
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

    fn leave(&mut self, issuer: &str) {
        self.0.leave(issuer);
    }

    /// (judgements, first and last second at which they hold)
    #[pyo3(signature = (chain, name, when))]
    fn judge(&self, chain: Vec<Vec<u8>>, name: Option<&str>, when: u64) -> Option<(Vec<Judged>, u64, u64)> {
        let mut certificates = Certificates::new(0);
        let ids: Vec<_> = chain.iter().map(|der| certificates.intern(der)).collect::<Option<_>>()?;
        let answer = judge(&certificates, &ids, name, when, &self.0, &mut Signatures::default())?;
        let judged = answer.judgements.into_iter().map(|judgement| {
            let sha256 = certificates.sha256_hex(judgement.certificate).to_string();
            (judgement.reason.name(), sha256, judgement.detail)
        });
        Some((judged.collect(), answer.from_second, answer.until_second))
    }
}
