//! Estimates of a divergence from samples, where there is no density to integrate.
//!
//! ```
//! use kldiv::{Options, estimate};
//! use ndarray::array;
//!
//! // A sample of P and one of Q, a point a row.
//! let x = array![[0.1], [0.4], [0.45], [0.8], [1.0]];
//! let y = array![[0.0], [0.3], [0.7], [1.5], [2.0], [2.5]];
//! let nats = estimate::knn(&x, &y, 1, &Options::default())?;
//! assert!((nats - 0.4866).abs() < 1e-4);
//! # Ok::<(), kldiv::Error>(())
//! ```
//!
//! - [`knn`] takes points of any dimension and nothing else.
//! - [`monte_carlo`] takes the log-densities of P and Q at samples of P: k1, k2 and k3.
//! - [`histogram`] takes samples of a line and counts them in shared bins; [`counts`] goes on from counts.
//!
//! An estimate has a bias and a variance, and each function says which; none is clipped at 0, since that would add to
//! the bias.

mod histogram;
mod knn;
mod monte_carlo;
mod tree;

pub use histogram::{bin_edges, counts, histogram};
pub use knn::{POINT, knn, knn_into};
pub use monte_carlo::{MonteCarlo, monte_carlo, monte_carlo_into, monte_carlo_terms_into};
