//! Launches kernels on a GPU through candle's `CudaDevice`.
//!
//! Launches are put in a queue; nothing waits for them until numbers are read. Where arithmetic left the finite numbers is noted on
//! the device and asked for once, by [`Gpu::diverged`]. What follows such an instruction computes with what is not finite, and
//! harms nothing: no address depends on a number.

use super::{
    compare::{Case, Run},
    launch::{Argument, Launch, LaunchError, Operand, check, launches, on_host},
    source::SOURCE,
};
use candle_core::{
    Result,
    cuda_backend::{
        CudaDevice, CudaStorage, CudaStorageSlice, WrapErr,
        cudarc::{
            driver::{
                CudaFunction, CudaSlice, CudaStream, DevicePtr, DevicePtrMut, LaunchConfig, PushKernelArg,
                SyncOnDrop,
            },
            nvrtc::{CompileOptions, compile_ptx_with_opts},
        },
    },
};
use sabha_numerics::{
    op::{Definition, Op, RopeTable, Transpose},
    reference::NotFinite,
};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The kernels as `build.rs` compiled them.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The place of an element is its instruction's index times this, plus its own index: no output has so many elements.
const INSTRUCTION: u64 = 1 << 40;

/// An input of an instruction, on the device.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A buffer.
    Plain(&'a CudaStorage),
    /// A buffer that the instruction reads transposed.
    Transposed(&'a CudaStorage, Transpose),
    /// The buffer that the output overwrites.
    Output,
}

/// The kernels on one device.
pub struct Gpu {
    device: CudaDevice,
    ptx: Cow<'static, str>,
    functions: Mutex<HashMap<&'static str, CudaFunction>>,
    /// The least place that does not hold a finite number.
    found: Mutex<CudaSlice<u64>>,
    /// Tables are the same in every step.
    tables: Mutex<Vec<(RopeTable, CudaSlice<f32>)>>,
}

impl Gpu {
    /// Loads the kernels: those that were compiled with this program, or, if the driver is too old for them, by the driver's own
    /// compiler from the same source with the same rounding.
    ///
    /// # Errors
    /// If the device can load neither.
    pub fn new(device: &CudaDevice) -> Result<Self> {
        let loads = |ptx: &str| device.get_or_load_custom_func("fill", module(ptx), ptx);
        let ptx = match loads(PTX) {
            Ok(_) => Cow::Borrowed(PTX),
            Err(_) => {
                let compiled = compile()?;
                loads(&compiled)?;
                Cow::Owned(compiled)
            }
        };
        let found = device.clone_htod(&[u64::MAX])?;
        Ok(Self {
            device: device.clone(),
            ptx,
            functions: Mutex::default(),
            found: Mutex::new(found),
            tables: Mutex::default(),
        })
    }

    /// Executes an operation, instruction `instruction` of its program: writes every word of its output.
    ///
    /// # Errors
    /// If the operands do not fit, or the device fails.
    pub fn execute(
        &self,
        op: &Op,
        instruction: u32,
        inputs: &[Input<'_>],
        output: &mut CudaStorage,
    ) -> Result<()> {
        let first = u64::from(instruction) * INSTRUCTION;
        if matches!(op, Op::Init(_) | Op::RopeTable(_)) {
            self.upload(op, output)?;
            return self.launch(op, first, &[check(op.len()).map_err(failed)?], &[], output);
        }
        let operands: Vec<Operand> = inputs
            .iter()
            .map(|input| match input {
                Input::Plain(_) => Operand::Plain,
                Input::Transposed(_, transpose) => Operand::Transposed(*transpose),
                Input::Output => Operand::Output,
            })
            .collect();
        let launches = launches(op, &operands).map_err(failed)?;
        self.launch(op, first, &launches, inputs, output)
    }

    /// Where arithmetic left the finite numbers since the last call: in the first such instruction the first such element.
    /// Waits for everything that was executed.
    ///
    /// # Errors
    /// If the device fails.
    pub fn diverged(&self) -> Result<Option<NotFinite>> {
        let mut found = lock(&self.found);
        let place = match self.device.clone_dtoh(&*found)?.first() {
            Some(place) if *place != u64::MAX => *place,
            _ => return Ok(None),
        };
        self.device.memcpy_htod(&[u64::MAX], &mut *found)?;
        Ok(Some(NotFinite { instruction: (place / INSTRUCTION) as u32, element: place % INSTRUCTION }))
    }

    /// Numbers that the host computes.
    fn upload(&self, op: &Op, output: &mut CudaStorage) -> Result<()> {
        let output = output.as_cuda_slice_mut::<f32>()?;
        if output.len() < len(op.len()) {
            return Err(short(op));
        }
        let Op::RopeTable(table) = op else {
            return self.device.memcpy_htod(&on_host(op).unwrap_or_default(), output);
        };
        let mut tables = lock(&self.tables);
        if let Some((_, values)) = tables.iter().find(|(known, _)| known == table) {
            return self.device.memcpy_dtod(values, output);
        }
        let values = self.device.clone_htod(&on_host(op).unwrap_or_default())?;
        self.device.memcpy_dtod(&values, output)?;
        tables.push((*table, values));
        Ok(())
    }

    fn launch(
        &self,
        op: &Op,
        first: u64,
        launches: &[Launch],
        inputs: &[Input<'_>],
        output: &mut CudaStorage,
    ) -> Result<()> {
        let stream = self.device.cuda_stream();
        let mut found = lock(&self.found);
        // The guards record, when they are dropped, that the launches use these buffers.
        let (found, _found_guard) = found.device_ptr_mut(&stream);
        let mut addresses = Vec::with_capacity(inputs.len());
        for (input, words) in inputs.iter().zip(op.inputs().iter()) {
            addresses.push(match input {
                Input::Plain(storage) | Input::Transposed(storage, _) => {
                    Some(address(storage, *words, &stream).ok_or_else(|| short(op))?)
                }
                Input::Output => None,
            });
        }
        let (output, _output_guard) = address_mut(output, op.len(), &stream).ok_or_else(|| short(op))?;
        for launch in launches {
            let values: Vec<Value> = launch
                .arguments
                .iter()
                .map(|argument| match *argument {
                    Argument::Output => Value::U64(output),
                    // An input that is overwritten is never an argument of its own.
                    Argument::Input(input) => Value::U64(
                        addresses.get(input).and_then(Option::as_ref).map_or(0, |(address, _)| *address),
                    ),
                    Argument::Null => Value::U64(0),
                    Argument::U64(value) => Value::U64(value),
                    Argument::U32(value) => Value::U32(value),
                    Argument::F32(value) => Value::F32(value),
                    Argument::Found => Value::U64(found),
                    Argument::First => Value::U64(first),
                })
                .collect();
            let function = self.function(launch.kernel)?;
            let mut builder = stream.launch_builder(&function);
            for value in &values {
                match value {
                    Value::U64(value) => builder.arg(value),
                    Value::U32(value) => builder.arg(value),
                    Value::F32(value) => builder.arg(value),
                };
            }
            let (x, y) = launch.threads;
            let extents =
                LaunchConfig { grid_dim: (launch.blocks, 1, 1), block_dim: (x, y, 1), shared_mem_bytes: 0 };
            // SAFETY: the arguments are of the kernel's parameters' types, and no thread accesses anything beyond the words that
            // were compared with the buffers' lengths above: the tests launch the same on the CPU, where both are checked.
            unsafe { builder.launch(extents) }.w()?;
        }
        Ok(())
    }

    fn function(&self, kernel: &'static str) -> Result<CudaFunction> {
        let mut functions = lock(&self.functions);
        if let Some(function) = functions.get(kernel) {
            return Ok(function.clone());
        }
        let function = self.device.get_or_load_custom_func(kernel, module(&self.ptx), &self.ptx)?;
        let function = function.into_cuda_function();
        functions.insert(kernel, function.clone());
        Ok(function)
    }
}

/// Kernels do not know whether words are numbers: here all are integers.
impl Run for Gpu {
    fn run(&mut self, case: &Case<'_>) -> std::result::Result<(Vec<u32>, Option<u64>), String> {
        self.execute_case(case).map_err(|error| error.to_string())
    }
}

impl Gpu {
    fn execute_case(&self, case: &Case<'_>) -> Result<(Vec<u32>, Option<u64>)> {
        let buffer = |words: &[u32]| {
            let slice = CudaStorageSlice::U32(self.device.clone_htod(words)?);
            Ok(CudaStorage { slice, device: self.device.clone() })
        };
        let storages = case.inputs.iter().map(|words| buffer(words)).collect::<Result<Vec<_>>>()?;
        let inputs: Vec<Input<'_>> = storages
            .iter()
            .zip(case.operands)
            .map(|(storage, operand)| match operand {
                Operand::Plain => Input::Plain(storage),
                Operand::Transposed(transpose) => Input::Transposed(storage, *transpose),
                Operand::Output => Input::Output,
            })
            .collect();
        let mut output = buffer(case.output)?;
        self.launch(case.op, INSTRUCTION, case.launches, &inputs, &mut output)?;
        let words = self.device.clone_dtoh(output.as_cuda_slice::<u32>()?)?;
        Ok((words, self.diverged()?.map(|at| at.element)))
    }
}

/// The value of an argument; an address is a number.
enum Value {
    U64(u64),
    U32(u32),
    F32(f32),
}

/// candle keeps modules by name: two texts need two.
fn module(ptx: &str) -> &'static str {
    if ptx == PTX { "sabha-engine" } else { "sabha-engine, compiled by the driver" }
}

/// The kernels, compiled by the driver's compiler.
fn compile() -> Result<String> {
    let options = CompileOptions {
        ftz: Some(false),
        prec_sqrt: Some(true),
        prec_div: Some(true),
        fmad: Some(false),
        use_fast_math: None,
        arch: Some("compute_80"),
        options: vec!["--std=c++17".into()],
        ..CompileOptions::default()
    };
    let compiled = compile_ptx_with_opts(SOURCE, options);
    compiled
        .map(|ptx| ptx.to_src())
        .map_err(|error| candle_core::Error::Msg(format!("the kernels do not compile: {error:?}")))
}

/// The address of a buffer of at least `words` words.
fn address<'a>(
    storage: &'a CudaStorage,
    words: u64,
    stream: &'a CudaStream,
) -> Option<(u64, SyncOnDrop<'a>)> {
    match &storage.slice {
        CudaStorageSlice::F32(values) if values.len() >= len(words) => Some(values.device_ptr(stream)),
        CudaStorageSlice::U32(values) if values.len() >= len(words) => Some(values.device_ptr(stream)),
        _ => None,
    }
}

fn address_mut<'a>(
    storage: &'a mut CudaStorage,
    words: u64,
    stream: &'a CudaStream,
) -> Option<(u64, SyncOnDrop<'a>)> {
    match &mut storage.slice {
        CudaStorageSlice::F32(values) if values.len() >= len(words) => Some(values.device_ptr_mut(stream)),
        CudaStorageSlice::U32(values) if values.len() >= len(words) => Some(values.device_ptr_mut(stream)),
        _ => None,
    }
}

fn len(words: u64) -> usize {
    usize::try_from(words).unwrap_or(usize::MAX)
}

fn short(op: &Op) -> candle_core::Error {
    failed(LaunchError::Operands(op.name()))
}

fn failed(error: LaunchError) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
