//! What must always hold.

use sp_runtime::TryRuntimeError;

use crate::{Config, Pallet};

impl<T: Config> Pallet<T> {
    /// Check what must always hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Ok(())
    }
}
