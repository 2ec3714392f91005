//! Closed forms by pair of distributions.

pub mod vae;
