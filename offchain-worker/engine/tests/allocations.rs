//! What a step allocates when the memory that it needs is there: nothing for candle, kernels and threads; only the short lists that
//! the program's builder holds while the executor goes through it for the step's attributes.

use candle_core::Device;
use sabha_engine::{executor::Executor, kernels::Context, plan::Purpose};
use sabha_numerics::program::{InitProgram, Model, Operand, Optimiser, Program, StepProgram};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

/// The system's allocator; writes down sizes while it is asked to.
struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// The first sizes.
static SIZES: [AtomicUsize; 64] = [const { AtomicUsize::new(0) }; 64];

fn note(size: usize) {
    if COUNTING.load(Relaxed) {
        let at = COUNT.fetch_add(1, Relaxed);
        if let Some(place) = SIZES.get(at) {
            place.store(size, Relaxed);
        }
    }
}

// SAFETY: everything is the system allocator's; nothing here allocates.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller says.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller says.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller says.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller says.
        unsafe { System.dealloc(memory, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The sizes of what is allocated, by any thread, while `work` runs. There is one test in this file, so no other thread is at work.
fn allocated(work: impl FnOnce()) -> Vec<usize> {
    COUNT.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    work();
    COUNTING.store(false, Relaxed);
    let mut sizes: Vec<usize> =
        SIZES.iter().take(COUNT.load(Relaxed)).map(|size| size.load(Relaxed)).collect();
    sizes.resize(COUNT.load(Relaxed), usize::MAX);
    sizes
}

/// Large enough for products, rows and sums to be shared out.
const MODEL: Model = Model {
    vocabulary: 67,
    width: 64,
    layers: 3,
    heads: 2,
    feed_forward: 160,
    context: 80,
    rope_base: 10_000.0,
    norm_epsilon: 1e-5,
    tied_embedding: false,
};
const SAMPLES: usize = 8;

fn step(at: u32) -> StepProgram {
    let optimiser = Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };
    let offsets = (0..SAMPLES as u64).map(|sample| sample * 7 + u64::from(at)).collect();
    StepProgram { model: MODEL, optimiser, rate: 0.01 / at as f32, step: at, stream: 1_000, offsets }
}

/// What each of three steps allocates, after two that found their memory.
fn steps() -> Vec<Vec<usize>> {
    let programs: Vec<StepProgram> = (1..=5).map(step).collect();
    let tokens: Vec<u32> =
        (0..SAMPLES as u32 * MODEL.context as u32).map(|at| at * at % MODEL.vocabulary as u32).collect();
    let new = |program: &StepProgram| Executor::new(program, Purpose::Advance, &Device::Cpu, Context::new());
    let mut executor = new(&programs[0]).unwrap();
    let checkpoint = InitProgram { model: MODEL, seed: 1 };
    let mut init = Executor::new(&checkpoint, Purpose::Compute, &Device::Cpu, Context::new()).unwrap();
    assert_eq!(init.run(&checkpoint, &[]).unwrap(), None);
    for index in 0..MODEL.parameters().count() {
        let values: Vec<f32> = init.end(index).unwrap().into_iter().map(f32::from_bits).collect();
        executor.set_leaf(index * 3, &values).unwrap();
    }
    let mut run = |program: &StepProgram| {
        let mut end = None;
        let sizes = allocated(|| end = Some(executor.run(program, &[&tokens, &tokens]).unwrap()));
        assert_eq!(end, Some(None));
        sizes
    };
    programs.iter().map(&mut run).skip(2).collect()
}

/// The builder's lists: the parameters, the offsets of inputs and of targets, what the layers keep, the gradients, the outputs.
fn check(sizes: &[usize], where_: &str) {
    let parameters = MODEL.parameters().count();
    let operands = |count: usize| count * size_of::<Operand>();
    let outputs = operands(parameters * 3 + 2);
    assert_eq!(sizes.len(), 6, "{where_}: {sizes:?}");
    for expected in [operands(parameters), SAMPLES * size_of::<u64>(), outputs] {
        assert!(sizes.contains(&expected), "{where_}: {sizes:?}");
    }
    assert!(sizes.iter().all(|size| *size <= outputs), "{where_}: {sizes:?}");
}

#[test]
fn a_step_allocates_only_what_its_builder_does() {
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for sizes in pool.install(steps) {
            check(&sizes, &format!("{threads} threads"));
        }
    }
    // From elsewhere, kernels are handed to rayon's threads through a queue, whose memory is a block for each 63 of them.
    const BLOCK: usize = 1_520;
    for sizes in steps() {
        let (blocks, others): (Vec<usize>, Vec<usize>) = sizes.into_iter().partition(|size| *size == BLOCK);
        assert!(blocks.len() <= step(1).count() as usize / 63 + 1, "{blocks:?}");
        check(&others, "no thread of rayon's");
    }
}
