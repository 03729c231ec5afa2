//! Builds the runtime's Wasm blob beside the native library.

#[cfg(all(feature = "std", feature = "metadata-hash"))]
fn main() {
    // The symbol and decimals are part of what an offline signer hashes: the same as in `src/constants.rs`.
    substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("SBH", 12).build();
}

#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
fn main() {
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

/// The inner build, for Wasm, has nothing more to build.
#[cfg(not(feature = "std"))]
fn main() {}
