//! The Kullback-Leibler divergence.

#[macro_use]
mod view;
pub mod batch;
mod check;
pub mod discrete;
mod error;
pub mod explain;
mod kernels;
mod pair;
mod policy;
pub mod relatives;
mod sum;
mod tile;

pub use discrete::{generalized, kl};
pub use error::{Error, Fault, Operand};
pub use kernels::{Isa, active_isa};
pub use policy::{Invalid, Measure, Normalization, Options, Reduction};
pub use view::{Dtype, Element, Shape, View, ViewMut};
