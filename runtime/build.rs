//! Builds the runtime's Wasm blob beside the native library.

use std::{env, fs, path::Path};

/// Grows with every upgrade.
const SPEC_VERSION: u32 = 1;

/// Another `spec_version`: for a second blob, to which a chain of the first one can be upgraded in a test.
const VARIABLE: &str = "SABHA_SPEC_VERSION";

#[cfg(all(feature = "std", feature = "metadata-hash"))]
fn main() {
    write_version();
    // The symbol and decimals are part of what an offline signer hashes: the same as in `src/constants.rs`.
    substrate_wasm_builder::WasmBuilder::init_with_defaults().enable_metadata_hash("SBH", 12).build();
}

#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
fn main() {
    write_version();
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

/// The inner build, for Wasm, has nothing more to build.
#[cfg(not(feature = "std"))]
fn main() {
    write_version();
}

/// The attribute that puts the version into the blob takes literals only: the number becomes one here.
fn write_version() {
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    let version = match env::var(VARIABLE) {
        Ok(text) => match text.parse::<u32>() {
            Ok(version) if version >= SPEC_VERSION => version,
            _ => panic!("{VARIABLE} is `{text}`: it must be a number, {SPEC_VERSION} or more"),
        },
        Err(_) => SPEC_VERSION,
    };
    let folder = env::var("OUT_DIR").expect("cargo sets it");
    let path = Path::new(&folder).join("spec_version.rs");
    fs::write(&path, format!("version!({version});\n"))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
