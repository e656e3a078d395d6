//! `Ledger`, `Verdict`, `Report`: counting observations onto verdicts, behind Python objects.

use crate::batch::Batch;
use crate::trust::Roots;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::collections::HashMap;
use std::sync::Arc;
use transitproof_flow::ledger::{self, Reason, Severity, Status, Told, Wording, Words};

#[pyclass(frozen, module = "probe._parsers")]
pub struct Verdict(Arc<ledger::Verdict>);

#[pymethods]
impl Verdict {
    #[new]
    #[pyo3(signature = (check, status, severity, title, observed, key, *, details = None, remediation = None, policy = None, rule = None, clause = None, evidence = "observed", public_only = false))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        check: &str,
        status: &str,
        severity: &str,
        title: &str,
        observed: &[u8],
        key: &[u8],
        details: Option<&[u8]>,
        remediation: Option<&str>,
        policy: Option<&str>,
        rule: Option<&str>,
        clause: Option<&str>,
        evidence: &str,
        public_only: bool,
    ) -> PyResult<Self> {
        let (status, severity) = (status_of(status)?, severity_of(severity)?);
        let details = details.unwrap_or_default();
        let words = Words {
            check,
            status,
            severity,
            policy,
            rule,
            clause,
            title,
            observed,
            key,
            details,
            remediation,
            evidence,
            public_only,
        };
        Ok(Self(Arc::new(ledger::Verdict::new(&words))))
    }
}

fn status_of(word: &str) -> PyResult<Status> {
    let found = Status::ALL.into_iter().find(|status| status.word() == word);
    found.ok_or_else(|| PyValueError::new_err(format!("{word} is no status")))
}

fn severity_of(word: &str) -> PyResult<Severity> {
    let found = Severity::ALL.into_iter().find(|severity| severity.word() == word);
    found.ok_or_else(|| PyValueError::new_err(format!("{word} is no severity")))
}

/// Status, severity, title, what the title tells besides, remediation, whether it holds at public addresses only.
type Row = (String, String, String, Option<String>, Option<String>, bool);

/// Number, kind, JSON object.
type HistoryQuestion<'py> = (usize, &'static str, Bound<'py, PyBytes>);

fn wording((status, severity, title, told, remediation, public_only): Row) -> PyResult<Wording> {
    let told = match told.as_deref() {
        None => Told::Nothing,
        Some("detail") => Told::Detail,
        Some("subject") => Told::Subject,
        Some("issuer") => Told::Issuer,
        Some(other) => return Err(PyValueError::new_err(format!("{other} cannot be told"))),
    };
    let (status, severity) = (status_of(&status)?, severity_of(&severity)?);
    Ok(Wording { status, severity, title: title.into(), told, remediation: remediation.map(Into::into), public_only })
}

/// Reason, SHA-256, subject, issuer, detail, store.
type ReasonTuple = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

/// Number, SHA-256s, name, second since the epoch.
type ChainQuestion = (usize, Vec<String>, Option<String>, u64);

#[pyclass(module = "probe._parsers")]
pub struct Ledger(pub ledger::Ledger);

#[pymethods]
impl Ledger {
    #[new]
    #[pyo3(signature = (wordings, *, passes = false, at = None, eras = Vec::new()))]
    fn new(wordings: Vec<(String, Row)>, passes: bool, at: Option<u64>, eras: Vec<u64>) -> PyResult<Self> {
        let rows = wordings.into_iter().map(|(reason, row)| Ok((reason.into(), wording(row)?)));
        Ok(Self(ledger::Ledger::new(rows.collect::<PyResult<_>>()?, passes, at, eras)))
    }

    fn trust(&mut self, roots: &mut Roots) {
        self.0.trust(std::mem::take(&mut roots.0));
    }

    fn certificate<'py>(&self, py: Python<'py>, sha256: &str) -> Option<Bound<'py, PyBytes>> {
        let certificate = self.0.certificate(sha256.as_bytes().try_into().ok()?)?;
        Some(PyBytes::new(py, &certificate.der))
    }

    fn inherit(&mut self, other: &Self) {
        self.0.inherit(&other.0);
    }

    fn add(&mut self, batch: &mut Batch, source: &str) {
        self.0.add_certificates(&batch.certificates);
        self.0.add(std::mem::take(&mut batch.observations), source);
    }

    fn facts<'py>(&mut self, py: Python<'py>) -> Vec<(usize, Bound<'py, PyBytes>, u64)> {
        let questions = self.0.facts_questions().into_iter();
        questions.map(|(number, facts, second)| (number, PyBytes::new(py, &facts), second)).collect()
    }

    #[pyo3(signature = (number, verdicts, word = None))]
    fn answer_facts(&mut self, number: usize, verdicts: Vec<PyRef<'_, Verdict>>, word: Option<&str>) {
        self.0.answer_facts(number, verdicts.iter().map(|verdict| verdict.0.clone()).collect(), word);
    }

    fn histories<'py>(&mut self, py: Python<'py>) -> Vec<HistoryQuestion<'py>> {
        let questions = self.0.histories().into_iter();
        questions.map(|(number, kind, facts)| (number, kind.word(), PyBytes::new(py, facts))).collect()
    }

    fn answer_history(&mut self, number: usize, verdicts: Vec<PyRef<'_, Verdict>>) {
        let verdicts: Vec<_> = verdicts.iter().map(|verdict| verdict.0.clone()).collect();
        self.0.answer_history(number, &verdicts);
    }

    fn next_chain(&mut self) -> Option<ChainQuestion> {
        let (number, question) = self.0.next_chain()?;
        let chain = question.chain.iter().map(|hex| String::from_utf8_lossy(hex).into_owned()).collect();
        Some((number, chain, question.name.as_deref().map(Into::into), question.when))
    }

    fn answer_chain(&mut self, number: usize, reasons: Vec<ReasonTuple>, since: u64, until: u64) {
        let reasons: Vec<_> = reasons
            .iter()
            .map(|(reason, sha256, subject, issuer, detail, store)| Reason {
                reason,
                sha256: sha256.as_deref(),
                subject: subject.as_deref(),
                issuer: issuer.as_deref(),
                detail: detail.as_deref(),
                store: store.as_deref(),
            })
            .collect();
        self.0.answer_chain(number, &reasons, since, until);
    }

    fn trace(&mut self, uid: &str) {
        self.0.trace(uid);
    }

    fn settle(&mut self, py: Python<'_>) {
        py.detach(|| self.0.settle());
    }

    fn take(&mut self, py: Python<'_>) -> Report {
        Report(py.detach(|| self.0.take()))
    }

    #[getter]
    fn limits(&self) -> HashMap<&'static str, u64> {
        self.0.limits().into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

#[pyclass(module = "probe._parsers")]
pub struct Report(ledger::Report);

#[pymethods]
impl Report {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn against(&self) -> Vec<(&'static str, u64)> {
        let counts = Severity::ALL.into_iter().zip(self.0.against()).rev();
        counts.filter(|(_, count)| *count > 0).map(|(severity, count)| (severity.word(), count)).collect()
    }

    #[getter]
    fn not_observable(&self) -> u64 {
        self.0.not_observable()
    }

    fn lines<'py>(&mut self, py: Python<'py>, most: usize) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.lines(most)))
    }
}
