//! What the targets have in common: how arguments are made of bytes, and the laws that every call keeps.

pub mod input;
pub mod laws;
