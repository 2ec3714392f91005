//! The Python package kldiv: what Python gives, as the core takes it.
//!
//! The package in python/kldiv says what its functions are; here is what they stand on, one file per room of the core.
//!
//! - [`arrays`] makes of Python's objects an address, a type, a shape and strides;
//! - [`grid`] makes of arrays of any number of dimensions the blocks of rows that the core takes, and runs it;
//! - [`options`] and [`errors`] are the caller's choices and what is wrong with them;
//! - [`results`] is where one number a row goes.
#![allow(clippy::too_many_arguments, reason = "Python's functions have many")]

use pyo3::prelude::*;

mod arrays;
mod batch;
mod errors;
mod estimate;
mod family;
mod grid;
mod logits;
mod loss;
mod options;
mod pairwise;
mod partial;
mod partials;
mod results;
mod vae;

#[pymodule]
mod _kldiv {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::batch::{reduced, rows, terms};
    #[pymodule_export]
    use super::estimate::{bin_edges, knn, monte_carlo, plug_in, quadrature};
    #[pymodule_export]
    use super::family::{families, family};
    #[pymodule_export]
    use super::logits::{logits, topk};
    #[pymodule_export]
    use super::loss::{loss, loss_grad, loss_pointwise};
    #[pymodule_export]
    use super::pairwise::{explain, nearest, pairwise};
    #[pymodule_export]
    use super::partial::Partial;
    #[pymodule_export]
    use super::partials::Partials;
    #[pymodule_export]
    use super::vae::vae;

    /// Panics print nothing; they become exceptions.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        std::panic::set_hook(Box::new(|_| {}));
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("active_isa", kldiv::active_isa().name())
    }
}
