//! Tests of the built `sabha-node`: they start it, talk to it over RPC, and stop it by its process id.

mod database;
mod docs;
mod errors;
mod harness;
mod metrics;
mod running;
mod session_keys;
