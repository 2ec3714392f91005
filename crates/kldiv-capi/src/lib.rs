//! libkldiv: the C ABI of the core, one file per core room.
//!
//! A file holds the room's C functions and nothing that computes. What they share:
//!
//! - [`guard`] runs every body: default floating-point environment, panics caught, failures recorded;
//! - [`view`] and [`options`] turn what C gave into what the core takes, or say what is wrong with it;
//! - [`call`] does both for the functions over matrices and sends large ones to the [`pool`];
//! - [`status`] and [`error`] are how the caller hears of it.
//!
//! What include/kldiv.h says of an item is its doc comment here: `tests/header.rs` writes the header.
//!
//! # Safety
//! Every function asks the same of its caller, and what can be checked is: a pointer is NULL where that is
//! allowed, or points to as many elements as the shapes say, readable for inputs and writable for outputs, which
//! nobody writes to (inputs) or touches (outputs) during the call.
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(clippy::missing_safety_doc, reason = "one contract for all, above and in the header")]

pub mod batch;
mod call;
pub mod discrete;
pub mod error;
pub mod estimate;
pub mod explain;
pub mod family;
mod guard;
pub mod logits;
pub mod loss;
pub mod options;
pub mod pairwise;
pub mod partial;
pub mod pool;
pub mod quadrature;
pub mod status;
pub mod vae;
pub mod version;
pub mod view;
