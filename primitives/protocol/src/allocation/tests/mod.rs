//! Tests beside exact references.

mod campaign;
mod fraction;
mod quadratic;
mod stride;
