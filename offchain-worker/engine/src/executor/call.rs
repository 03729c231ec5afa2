//! One instruction as a candle operation on its output.

#[cfg(feature = "cuda")]
use crate::cuda::device::{self, Gpu};
use crate::kernels::{self, Context, Input, Words, WordsMut};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};
use sabha_numerics::op::{Definition, MAX_INPUTS, Op, Transpose};
use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
};

/// An input of a call.
#[derive(Clone, Copy, Default)]
pub(super) enum Operand<'a> {
    /// A buffer, and how many of its words are read.
    Plain(&'a Tensor, usize),
    /// A buffer that is read transposed.
    Transposed(&'a Tensor, Transpose),
    /// What the output overwrites.
    #[default]
    Output,
}

/// One instruction. A step makes hundreds, so it has no memory of its own.
pub(super) struct Call<'a> {
    pub op: &'a Op,
    /// Words of the output: its memory may be larger.
    pub len: usize,
    pub inputs: [Operand<'a>; MAX_INPUTS],
    /// How many of them there are.
    pub count: usize,
    pub context: &'a Mutex<Context>,
    /// How many columns the output has, if what lies right of its causal blocks is not written.
    pub partial: Option<usize>,
    /// Whether the output is searched even if no flag was raised.
    pub search: bool,
    /// The first element that is not finite.
    pub diverged: Mutex<Option<u64>>,
    /// The GPU, and the instruction's index.
    #[cfg(feature = "cuda")]
    pub gpu: Option<(&'a Gpu, u32)>,
}

impl<'a> Call<'a> {
    /// The inputs' memory, besides the output's.
    fn guards(&self) -> [Option<impl Deref<Target = Storage> + use<'a>>; MAX_INPUTS] {
        self.inputs.map(|operand| match operand {
            Operand::Plain(tensor, _) | Operand::Transposed(tensor, _) => Some(tensor.storage_and_layout().0),
            Operand::Output => None,
        })
    }
}

impl InplaceOp1 for Call<'_> {
    fn name(&self) -> &'static str {
        self.op.name()
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        let guards = self.guards();
        let mut inputs = [Input::Output; MAX_INPUTS];
        for ((guard, operand), input) in guards.iter().zip(&self.inputs).zip(&mut inputs) {
            *input = match (guard.as_deref(), operand) {
                (None, _) | (_, Operand::Output) => Input::Output,
                (Some(storage), Operand::Plain(_, len)) => Input::Plain(host_words(storage, *len)?),
                (Some(storage), Operand::Transposed(_, transpose)) => {
                    let len = kernels::size(transpose.len());
                    Input::Transposed(host_words(storage, len)?.floats(), *transpose)
                }
            };
        }
        let inputs = inputs.get(..self.count).unwrap_or(&inputs);
        let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        context.partial = self.partial.is_some();
        let failed = |error: kernels::KernelError| candle_core::Error::Msg(error.to_string());
        match storage {
            CpuStorage::F32(values) => {
                let values = values.get_mut(..self.len).ok_or_else(too_short)?;
                kernels::execute(&mut context, self.op, inputs, WordsMut::Floats(values)).map_err(failed)?;
                if (context.flags.raised() || self.search) && self.op.is_float() {
                    // What is not written may be anything.
                    let written = |element: usize| {
                        self.partial.is_none_or(|columns| {
                            element % columns < kernels::causal_words(element / columns, columns)
                        })
                    };
                    let found = values
                        .iter()
                        .enumerate()
                        .find(|(element, value)| !value.is_finite() && written(*element))
                        .map(|(element, _)| element as u64);
                    *self.diverged.lock().unwrap_or_else(PoisonError::into_inner) = found;
                }
            }
            CpuStorage::U32(values) => {
                let values = values.get_mut(..self.len).ok_or_else(too_short)?;
                kernels::execute(&mut context, self.op, inputs, WordsMut::Integers(values))
                    .map_err(failed)?;
            }
            _ => return Err(too_short()),
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut CudaStorage, _: &Layout) -> candle_core::Result<()> {
        let elsewhere = || candle_core::Error::Msg("an input is not in the GPU's memory".into());
        let (gpu, index) = self.gpu.ok_or_else(elsewhere)?;
        let guards = self.guards();
        let mut inputs = [device::Input::Output; MAX_INPUTS];
        for ((guard, operand), input) in guards.iter().zip(&self.inputs).zip(&mut inputs) {
            *input = match (guard.as_deref(), operand) {
                (_, Operand::Output) => device::Input::Output,
                (Some(Storage::Cuda(storage)), Operand::Plain(..)) => device::Input::Plain(storage),
                (Some(Storage::Cuda(storage)), Operand::Transposed(_, transpose)) => {
                    device::Input::Transposed(storage, *transpose)
                }
                _ => return Err(elsewhere()),
            };
        }
        gpu.execute(self.op, index, inputs.get(..self.count).unwrap_or(&inputs), storage)
    }
}

fn too_short() -> candle_core::Error {
    candle_core::Error::Msg("a defect of the plan: a buffer does not fit its instruction".into())
}

fn host_words(storage: &Storage, len: usize) -> candle_core::Result<Words<'_>> {
    let Storage::Cpu(storage) = storage else {
        return Err(candle_core::Error::Msg("an input is not in the host's memory".into()));
    };
    match storage {
        CpuStorage::F32(values) => values.get(..len).map(Words::Floats),
        CpuStorage::U32(values) => values.get(..len).map(Words::Integers),
        _ => None,
    }
    .ok_or_else(too_short)
}

/// Tokens, into the memory that a batch has.
pub(super) struct Tokens<'a>(pub &'a [u32]);

impl InplaceOp1 for Tokens<'_> {
    fn name(&self) -> &'static str {
        "Batch"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        match storage {
            CpuStorage::U32(words) if words.len() == self.0.len() => words.copy_from_slice(self.0),
            _ => return Err(too_short()),
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, storage: &mut CudaStorage, _: &Layout) -> candle_core::Result<()> {
        let device = storage.device.clone();
        device.memcpy_htod(self.0, storage.as_cuda_slice_mut::<u32>()?)
    }
}

/// Other bits in one word.
pub(super) struct Flip {
    pub element: usize,
    pub bits: u32,
}

impl InplaceOp1 for Flip {
    fn name(&self) -> &'static str {
        "Flip"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let at = layout.start_offset().saturating_add(self.element);
        match storage {
            CpuStorage::F32(values) => {
                let value = values.get_mut(at).ok_or_else(too_short)?;
                *value = f32::from_bits(value.to_bits() ^ self.bits);
            }
            CpuStorage::U32(words) => *words.get_mut(at).ok_or_else(too_short)? ^= self.bits,
            _ => return Err(too_short()),
        }
        Ok(())
    }
}
