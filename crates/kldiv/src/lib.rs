//! The Kullback-Leibler divergence and its relatives: exact near zero, at the speed of memory.
//!
//! ```
//! let (p, q) = ([0.5, 0.5], [0.7, 0.3]);
//! let nats = kldiv::kl(&p, &q)?;
//! assert_eq!(format!("{nats:.4}"), "0.0872");
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! [`kl`] and [`relatives`] take two slices. [`batch`] takes matrices, of any strides and element types, and
//! [`Options`]: the measure, normalisation and smoothing, the base of the logarithm, a mask and weights. [`explain`]
//! works a divergence out term by term, [`pairwise`] compares every row with every row, [`partial`] adds up what is
//! spread over files and machines. [`loss`] and [`logits`] are what models are trained with, with gradients. [`family`]
//! knows distributions by their parameters, [`quadrature`] takes densities, [`estimate`] samples. [`threads`] says who
//! shares large calls.
//!
//! # Promises
//! - A result is within `16 u · mag` of the exact value for the very numbers given, also where P and Q nearly coincide:
//!   see [`kl`], and docs/numerics.md in the repository. [`family`], [`quadrature`] and [`estimate`] have relative
//!   tolerances of their own.
//! - `0 ln(0/q)` is 0; `p > 0 = q` is infinite, an answer and not an error; no epsilon is added unless asked for.
//! - A negative, NaN or infinite probability is an [`Error`] that names operand, row, column and value.
//! - A result has the same bits for any number of threads, any strides and any instruction set; of [`pairwise`],
//!   [`family`], [`quadrature`] and [`estimate`] only the first is promised.
//! - The floating-point environment is expected to be Rust's default one; the C ABI sees to that itself.

#[macro_use]
mod view;
pub mod batch;
mod cells;
mod check;
pub mod discrete;
mod error;
pub mod estimate;
mod excess;
pub mod explain;
pub mod family;
mod kernels;
mod lines;
pub mod logits;
pub mod loss;
mod memory;
mod pair;
pub mod pairwise;
mod panels;
pub mod partial;
mod pieces;
mod policy;
mod processor;
pub mod quadrature;
pub mod relatives;
mod rows;
mod scaling;
mod short;
mod special;
mod sum;
pub mod threads;
mod total;

pub use discrete::{generalized, kl};
pub use error::{Domain, Error, Fault, Operand};
pub use family::Family;
pub use kernels::{Isa, active_isa};
pub use policy::{Estimator, Invalid, Measure, Normalization, Options, Reduction, TopK};
pub use relatives::{cross_entropy, entropy, jeffreys, js, js_distance, renyi, reverse};
pub use view::{Dtype, Element, Shape, View, ViewMut};
