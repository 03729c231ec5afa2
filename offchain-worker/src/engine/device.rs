//! What to compute on, by name.

use super::EngineError;
use candle_core::{Device, DeviceLocation};

/// Whether this build can compute on NVIDIA GPUs.
pub const HAS_CUDA: bool = cfg!(feature = "cuda");

/// The device that `name` names: `cpu`, `cuda` or `cuda:N`.
///
/// # Errors
/// If there is no such device, or this build has no support for it.
pub fn open(name: &str) -> Result<Device, EngineError> {
    match name.split_once(':').unwrap_or((name, "0")) {
        ("cpu", _) => Ok(Device::Cpu),
        ("cuda", ordinal) => {
            let ordinal: usize = ordinal.parse().map_err(|_| {
                EngineError::Device(format!("{name} (write cuda, or cuda:1 for the second GPU)"))
            })?;
            if !HAS_CUDA {
                let remedy = "this build has no CUDA support: build with --features cuda, or use cpu";
                return Err(EngineError::Device(format!("{name} ({remedy})")));
            }
            Device::new_cuda(ordinal).map_err(|error| EngineError::Device(format!("{name}: {error}")))
        }
        _ => Err(EngineError::Device(format!("{name} (known: cpu, cuda, cuda:N)"))),
    }
}

/// A device, for people.
pub fn describe(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "the CPU".into(),
        DeviceLocation::Cuda { gpu_id } => format!("GPU {gpu_id} (CUDA)"),
        DeviceLocation::Metal { gpu_id } => format!("GPU {gpu_id} (Metal)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!(describe(&open("cpu").unwrap()), "the CPU");
        for (name, part) in
            [("tpu", "known: cpu, cuda"), ("", "known: cpu"), ("cuda:x", "cuda:1"), ("cuda:-1", "cuda:1")]
        {
            let error = open(name).unwrap_err().to_string();
            assert!(error.contains(part), "{name}: {error}");
        }
        if !HAS_CUDA {
            for name in ["cuda", "cuda:1"] {
                let error = open(name).unwrap_err().to_string();
                assert!(error.contains("no CUDA support") && error.contains("--features cuda"), "{error}");
            }
        }
    }
}
