//! With the feature `cuda`: compiles the kernels to PTX, which is embedded. Needs nvcc: `NVCC`, or the one of `CUDA_HOME` or
//! `CUDA_PATH`, or the one on the path. The flags are those that `scripts/check-cuda` checks the PTX with.

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

/// No fusing, subnormals kept, quotients and roots correctly rounded.
const ROUNDING: [&str; 4] = ["--fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true"];

/// The oldest architecture that is checked. PTX for it runs on all later ones.
const ARCHITECTURE: &str = "-arch=compute_80";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return Ok(());
    }
    println!("cargo::rerun-if-changed=cuda");
    for name in ["NVCC", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let output = Path::new(&env::var("OUT_DIR")?).join("kernels.ptx");
    let mut nvcc = Command::new(compiler());
    nvcc.args(ROUNDING).args(["-std=c++17", ARCHITECTURE, "-ptx", "-o"]).arg(&output).arg("cuda/kernels.cu");
    let status = nvcc.status().map_err(|error| format!("{nvcc:?}: {error}. Set NVCC to CUDA's compiler"))?;
    if status.success() { Ok(()) } else { Err(format!("{nvcc:?}: {status}").into()) }
}

fn compiler() -> PathBuf {
    let of = |name| env::var_os(name).map(PathBuf::from);
    let home = || of("CUDA_HOME").or_else(|| of("CUDA_PATH")).map(|home| home.join("bin/nvcc"));
    of("NVCC").or_else(home).unwrap_or_else(|| "nvcc".into())
}
