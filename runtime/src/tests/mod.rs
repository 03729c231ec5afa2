//! The runtime as a whole: what the pallets' own tests cannot see.

mod chain;

mod consensus;
mod fees;
mod genesis;
//T// mod governance;
mod issuance;
//T// mod metadata;
//T// mod pauses;
