//! One file per subject.

mod appeals;
mod cheats;
mod claims;
mod curators;
mod panels;
mod properties;
mod registry;
mod try_state;
