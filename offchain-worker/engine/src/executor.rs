//! Executes a planned program on candle tensors.
//!
//! What a program needs is made once. Executing it again only goes through its builder for the attributes (learning rate, offsets of
//! the batch), which holds a few short lists meanwhile: `tests/allocations.rs` says how many, and how large. Nothing else is
//! allocated, by any kernel or thread.

mod call;
mod memory;

#[cfg(feature = "cuda")]
use crate::cuda::device::Gpu;
use crate::{
    awake::awake,
    flags::exactly,
    kernels::{self, Context},
    plan::{Place, Plan, Planned, Purpose, Reading},
};
use call::{Call, Operand, Tokens};
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use memory::Memory;
use rayon::prelude::*;
use sabha_numerics::{
    Digest,
    op::{Definition, MAX_INPUTS, Op},
    program::{Instruction, Program},
    reference::NotFinite,
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Why a program could not be executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// candle, or the device.
    #[error("the device failed: {0}")]
    Device(#[from] candle_core::Error),
    /// What was given does not fit the program.
    #[error("{what} has {found} words, the program needs {needed}")]
    Fit {
        /// What was given.
        what: String,
        /// How much there is.
        found: usize,
        /// How much is needed.
        needed: usize,
    },
    /// It is another program than the one that was planned.
    #[error("instruction {0} has another shape than the one that was planned")]
    Shape(u32),
}

/// Is told each instruction's index and output as soon as it was executed.
pub type Watch<'a> = dyn FnMut(u32, &Tensor) -> Result<(), ExecuteError> + Send + 'a;

/// A program with its memory.
pub struct Executor {
    plan: Plan,
    /// As they were planned, with the attributes of the program that was executed last.
    instructions: Vec<Instruction>,
    device: Device,
    leaves: Memory,
    /// Leaves that were set to what is not finite: from those, no flag tells what follows.
    infinite: BTreeSet<usize>,
    slots: Memory,
    batches: Memory,
    /// Words of the leaves of the program's end.
    end_words: Vec<usize>,
    context: Mutex<Context>,
    /// The kernels, if the device is a GPU.
    #[cfg(feature = "cuda")]
    gpu: Option<Gpu>,
}

impl Executor {
    /// Plans a program and allocates everything that it needs. Leaves are zeros.
    ///
    /// # Errors
    /// If the device has no memory for it.
    pub fn new(
        program: &impl Program,
        purpose: Purpose,
        device: &Device,
        context: Context,
    ) -> Result<Self, ExecuteError> {
        let plan = Plan::new(program, purpose);
        let (instructions, ends) = program.instructions();
        let end_words = ends.iter().map(|end| kernels::size(end.len)).collect();
        let tensor = |words: usize, floats: bool| {
            Tensor::zeros(words, if floats { DType::F32 } else { DType::U32 }, device)
        };
        let leaves = program.leaves();
        let integers = integer_leaves(&instructions, &plan, leaves.len());
        let leaves = leaves.iter().zip(integers);
        let leaves = Memory::new(leaves.map(|(words, integer)| tensor(kernels::size(*words), !integer)))?;
        let slots = Memory::new(plan.slots.iter().map(|slot| tensor(slot.words, slot.floats)))?;
        let batches = instructions.iter().filter(|instruction| matches!(instruction.op, Op::Batch(_)));
        let batches =
            Memory::new(batches.map(|instruction| tensor(kernels::size(instruction.len()), false)))?;
        Ok(Self {
            plan,
            instructions,
            device: device.clone(),
            leaves,
            infinite: BTreeSet::new(),
            slots,
            batches,
            end_words,
            context: Mutex::new(context),
            #[cfg(feature = "cuda")]
            gpu: if let Device::Cuda(device) = device { Some(Gpu::new(device)?) } else { None },
        })
    }

    /// Fills the memory between the leaves with what is no number: nothing of it is read before it is written.
    #[cfg(test)]
    pub(crate) fn poison(&mut self) -> Result<(), ExecuteError> {
        for index in 0..self.slots.tensors().len() {
            let slot = &self.slots.tensors()[index];
            if slot.dtype() == DType::F32 {
                let poison = Tensor::full(f32::NAN, slot.shape(), &self.device)?;
                self.slots.replace(index, poison)?;
            }
        }
        Ok(())
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Sets leaf `index` of numbers.
    ///
    /// # Errors
    /// If it has another size.
    pub fn set_leaf(&mut self, index: usize, values: &[f32]) -> Result<(), ExecuteError> {
        self.replace_leaf(index, values.len(), |device| Tensor::from_slice(values, values.len(), device))?;
        self.infinite.remove(&index);
        if !values.iter().all(|value| value.is_finite()) {
            self.infinite.insert(index);
        }
        Ok(())
    }

    /// Sets leaf `index` of integers.
    ///
    /// # Errors
    /// If it has another size.
    pub fn set_integer_leaf(&mut self, index: usize, values: &[u32]) -> Result<(), ExecuteError> {
        self.replace_leaf(index, values.len(), |device| Tensor::from_slice(values, values.len(), device))
    }

    fn replace_leaf(
        &mut self,
        index: usize,
        found: usize,
        make: impl FnOnce(&Device) -> candle_core::Result<Tensor>,
    ) -> Result<(), ExecuteError> {
        let needed = self.leaves().get(index).map_or(0, Tensor::elem_count);
        if found != needed {
            return Err(ExecuteError::Fit { what: format!("leaf {index}"), found, needed });
        }
        if index < self.leaves().len() {
            self.leaves.replace(index, make(&self.device)?)?;
        }
        Ok(())
    }

    /// The leaves that the program starts from; after it advanced, those that it ended with.
    pub fn leaves(&self) -> &[Tensor] {
        self.leaves.tensors()
    }

    /// The words of leaf `index` of the program's end.
    ///
    /// # Errors
    /// If the device fails.
    pub fn end(&self, index: usize) -> Result<Vec<u32>, ExecuteError> {
        let end = self.plan.ends.get(index).zip(self.end_words.get(index));
        match end.and_then(|(place, len)| Some((self.tensor(*place)?, *len))) {
            // Its memory may be larger.
            Some((tensor, len)) => words(&tensor.narrow(0, 0, len)?),
            None => Ok(Vec::new()),
        }
    }

    /// The words of an instruction's output, if it was planned to stay there ([`Purpose::Trace`]); nothing for tokens, which are given.
    ///
    /// # Errors
    /// If the device fails.
    pub fn output(&self, index: u32) -> Result<Option<Vec<u32>>, ExecuteError> {
        let planned = self.plan.instructions.iter().find(|planned| planned.index as u32 == index);
        let instruction = self.instructions.get(index as usize);
        match planned.and_then(|planned| self.tensor(planned.output)).zip(instruction) {
            Some((tensor, instruction)) => {
                words(&tensor.narrow(0, 0, kernels::size(instruction.len()))?).map(Some)
            }
            None => Ok(None),
        }
    }

    /// Executes `program`, which has the shape that was planned: its attributes may be others. `batches` are the tokens, in the
    /// order in which the program reads them.
    ///
    /// Returns where it left the finite numbers, if it did. The leaves are of no use then.
    ///
    /// # Errors
    /// If the batches do not fit, or the device fails.
    pub fn run(
        &mut self,
        program: &impl Program,
        batches: &[&[u32]],
    ) -> Result<Option<NotFinite>, ExecuteError> {
        self.run_watched(program, batches, &mut |_, _| Ok(()))
    }

    /// The same; `watch` is told each instruction's index and output as soon as it was executed.
    ///
    /// # Errors
    /// Likewise, or if `watch` fails.
    pub fn run_watched(
        &mut self,
        program: &impl Program,
        batches: &[&[u32]],
        watch: &mut Watch<'_>,
    ) -> Result<Option<NotFinite>, ExecuteError> {
        self.set_batches(batches)?;
        self.set_attributes(program)?;
        let mut kernels = || self.kernels(watch);
        let found = if self.device.is_cpu() { awake(kernels) } else { kernels() };
        if let Some(at) = found? {
            return Ok(Some(at));
        }
        // A GPU is asked once, at the end: what it executed after an instruction that diverged is of no use.
        #[cfg(feature = "cuda")]
        if let Some(gpu) = &self.gpu {
            return Ok(gpu.diverged()?);
        }
        Ok(None)
    }

    /// Executes the instructions, as they are.
    fn kernels(&self, watch: &mut Watch<'_>) -> Result<Option<NotFinite>, ExecuteError> {
        for planned in &self.plan.instructions {
            let Some(instruction) = self.instructions.get(planned.index) else { continue };
            let call = self.call(instruction, planned)?;
            let Some((output, view)) = self.tensor(planned.output).zip(self.view(planned.output)) else {
                continue;
            };
            view.inplace_op1(&call)?;
            if let Some(element) = *call.diverged.lock().unwrap_or_else(PoisonError::into_inner) {
                return Ok(Some(NotFinite { instruction: planned.index as u32, element }));
            }
            watch(planned.index as u32, output)?;
        }
        Ok(None)
    }

    fn set_batches(&mut self, batches: &[&[u32]]) -> Result<(), ExecuteError> {
        let tensors = self.batches.tensors();
        if batches.len() != tensors.len() {
            let (found, needed) = (batches.len(), tensors.len());
            return Err(ExecuteError::Fit { what: "the list of batches".into(), found, needed });
        }
        for (index, (tensor, tokens)) in tensors.iter().zip(batches).enumerate() {
            let (found, needed) = (tokens.len(), tensor.elem_count());
            if found != needed {
                return Err(ExecuteError::Fit { what: format!("batch {index}"), found, needed });
            }
            if let Some(view) = self.view(Place::Given(index)) {
                view.inplace_op1(&Tokens(tokens))?;
            }
        }
        Ok(())
    }

    fn set_attributes(&mut self, program: &impl Program) -> Result<(), ExecuteError> {
        let (mut count, mut other) = (0u32, None);
        // Attributes are computed too.
        exactly(|| {
            program.visit(&mut |index, op, inputs| {
                count = index.saturating_add(1);
                match self.instructions.get_mut(index as usize) {
                    Some(known) if is_like(known, &op, inputs) => known.op = op,
                    _ => other = other.or(Some(index)),
                }
            })
        });
        let all = count as usize == self.instructions.len();
        other.or((!all).then_some(count)).map_or(Ok(()), |index| Err(ExecuteError::Shape(index)))
    }

    fn memory(&self, place: Place) -> (&Memory, usize) {
        match place {
            Place::Leaf(index) => (&self.leaves, index),
            Place::Slot(index) => (&self.slots, index),
            Place::Given(index) => (&self.batches, index),
        }
    }

    fn tensor(&self, place: Place) -> Option<&Tensor> {
        let (memory, index) = self.memory(place);
        memory.tensors().get(index)
    }

    fn view(&self, place: Place) -> Option<&Tensor> {
        let (memory, index) = self.memory(place);
        memory.view(index)
    }

    fn call<'a>(&'a self, instruction: &'a Instruction, planned: &Planned) -> Result<Call<'a>, ExecuteError> {
        let defect = || candle_core::Error::Msg("a defect of the plan: a buffer has no place".into());
        let mut inputs = [Operand::Output; MAX_INPUTS];
        for ((reading, operand), input) in planned.inputs.iter().zip(&instruction.inputs).zip(&mut inputs) {
            let len = kernels::size(operand.len);
            *input = match *reading {
                Reading::Plain(place) => Operand::Plain(self.tensor(place).ok_or_else(defect)?, len),
                Reading::Transposed(place, transpose) => {
                    Operand::Transposed(self.tensor(place).ok_or_else(defect)?, transpose)
                }
                Reading::Output => Operand::Output,
            };
        }
        Ok(Call {
            op: &instruction.op,
            len: kernels::size(instruction.len()),
            inputs,
            count: planned.inputs.len(),
            context: &self.context,
            partial: planned.partial.map(kernels::size),
            search: !self.infinite.is_empty(),
            diverged: Mutex::new(None),
            #[cfg(feature = "cuda")]
            gpu: self.gpu.as_ref().map(|gpu| (gpu, planned.index as u32)),
        })
    }
}

/// Whether an operation differs from a planned one in nothing but attributes.
fn is_like(known: &Instruction, op: &Op, inputs: &[sabha_numerics::program::Operand]) -> bool {
    core::mem::discriminant(&known.op) == core::mem::discriminant(op)
        && known.op.len() == op.len()
        && known.op.inputs() == op.inputs()
        && known.inputs == inputs
}

/// Leaves that an instruction reads as integers.
fn integer_leaves(instructions: &[Instruction], plan: &Plan, leaves: usize) -> Vec<bool> {
    let mut integers = vec![false; leaves];
    for planned in &plan.instructions {
        let Some(instruction) = instructions.get(planned.index) else { continue };
        // Codes and exponents of updates; what is written over a leaf.
        let coded = matches!(instruction.op, Op::Decode(_) | Op::AddUpdate(_));
        for (input, reading) in planned.inputs.iter().enumerate() {
            if let (true, Reading::Plain(Place::Leaf(leaf))) = (coded && input < 2, reading)
                && let Some(integer) = integers.get_mut(*leaf)
            {
                *integer = true;
            }
        }
        if let (false, Place::Leaf(leaf)) = (instruction.op.is_float(), planned.output)
            && let Some(integer) = integers.get_mut(leaf)
        {
            *integer = true;
        }
    }
    integers
}

/// Changes bits of one word of a buffer in the host's memory: what a cheat would do, for tests and demonstrations of how it is found.
///
/// # Errors
/// If there is no such word, or the buffer is elsewhere.
pub fn flip(tensor: &Tensor, element: usize, bits: u32) -> Result<(), ExecuteError> {
    Ok(tensor.inplace_op1(&call::Flip { element, bits })?)
}

/// A buffer's words, copied to the host.
///
/// # Errors
/// If the device fails.
pub fn words(tensor: &Tensor) -> Result<Vec<u32>, ExecuteError> {
    Ok(match tensor.dtype() {
        DType::F32 => tensor.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect(),
        _ => tensor.to_vec1::<u32>()?,
    })
}

/// The digests of buffers in the host's memory, in order: BLAKE3 of their words as little-endian bytes.
///
/// # Errors
/// If the device fails.
pub fn digests(tensors: &[Tensor]) -> Result<Vec<Digest>, ExecuteError> {
    tensors.par_iter().map(digest).collect()
}

fn digest(tensor: &Tensor) -> Result<Digest, ExecuteError> {
    let (storage, layout) = tensor.storage_and_layout();
    let span = layout.contiguous_offsets();
    let mut hasher = blake3::Hasher::new();
    match (&*storage, span) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => {
            update(&mut hasher, values.get(start..end).unwrap_or_default(), |value| value.to_le_bytes());
        }
        (Storage::Cpu(CpuStorage::U32(values)), Some((start, end))) => {
            update(&mut hasher, values.get(start..end).unwrap_or_default(), |value| value.to_le_bytes());
        }
        _ => {
            drop(storage);
            update(&mut hasher, &words(tensor)?, |word| word.to_le_bytes());
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

/// Bytes that are converted at once: enough for BLAKE3's widest vectors, and they stay in the cache.
const PIECE: usize = 1 << 16;

fn update<T: Copy>(hasher: &mut blake3::Hasher, values: &[T], bytes: impl Fn(T) -> [u8; 4]) {
    let mut buffer = [0u8; PIECE];
    for piece in values.chunks(PIECE / 4) {
        for (slot, value) in buffer.as_chunks_mut::<4>().0.iter_mut().zip(piece) {
            *slot = bytes(*value);
        }
        hasher.update(buffer.get(..piece.len() * 4).unwrap_or_default());
    }
}
