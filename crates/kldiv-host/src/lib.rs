//! What a call from another language runs in, shared by the C library and the Python package.
//!
//! A host may have changed the floating-point environment, may fork, and has threads of its own:
//!
//! - [`environment`] runs a call under the default environment and gives the host's back; a panic ends there;
//! - [`pool`] has the threads that large calls share, never rayon's global ones.

pub mod environment;
pub mod pool;
