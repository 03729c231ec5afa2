//! One file per subject.

mod appeals;
mod cheats;
mod claims;
mod curators;
mod lineage;
mod panels;
mod properties;
mod registry;
mod try_state;
