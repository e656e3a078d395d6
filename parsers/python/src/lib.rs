//! PyO3 glue: the core as Python sees it. The reference of this API is `probe/_parsers.pyi`.
//!
//! Thin on purpose: nothing is parsed or decided here. Work happens with the GIL released; what crosses are bytes, numbers and
//! frozen objects, never packets.
#![forbid(unsafe_code)]

mod batch;
mod bypassed;
mod capture;
mod chunk;
mod core;
mod crew;
mod extraction;
mod keys;
mod ledger;
mod line;
mod live;
mod office;
mod part;
mod places;
mod records;
mod trust;

use pyo3::prelude::*;

#[pymodule]
fn _parsers(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("CaptureError", module.py().get_type::<capture::CaptureError>())?;
    module.add("FilterError", module.py().get_type::<extraction::FilterError>())?;
    module.add_class::<capture::Capture>()?;
    module.add_class::<extraction::Extraction>()?;
    module.add_class::<core::Core>()?;
    module.add_class::<batch::Batch>()?;
    module.add_class::<batch::Observation>()?;
    module.add_class::<batch::Endpoint>()?;
    module.add_class::<live::Live>()?;
    module.add_class::<ledger::Ledger>()?;
    module.add_class::<ledger::Report>()?;
    module.add_class::<ledger::Verdict>()?;
    module.add_class::<trust::Known>()?;
    module.add_class::<trust::Roots>()?;
    module.add_function(wrap_pyfunction!(trust::certificate_record, module)?)?;
    module.add_function(wrap_pyfunction!(trust::wildcard_breadth, module)?)?;
    module.add_function(wrap_pyfunction!(live::drop_capabilities, module)?)?;
    module.add_function(wrap_pyfunction!(live::confine, module)?)?;
    module.add_function(wrap_pyfunction!(live::keep_memory, module)?)?;
    Ok(())
}
