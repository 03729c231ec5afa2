//! The committed trace of `sabha-numerics`, on the executor: on every path that this CPU has, with 1, 2 and 7 threads.

extern crate alloc;

// What executes by the definitions is not needed here.
#[allow(dead_code)]
#[path = "../../../primitives/numerics/tests/golden/run.rs"]
mod golden;

use golden::{CASES, Machine, STEPS, root, run_on};
use sabha_engine::{executor::Executor, features::Path, kernels::Context, plan::Purpose};
use sabha_numerics::{
    op::Op,
    program::Program,
    reference::{Failure, Trace},
};

const COMMITTED: &str = include_str!("../../../primitives/numerics/tests/golden/trace.txt");

struct Engine(Path);

impl Machine for Engine {
    fn execute<P: Program>(
        &mut self,
        program: &P,
        leaves: &[Vec<u32>],
        stream: &[u32],
    ) -> Result<Trace, Failure> {
        let context = Context::on(self.0).expect("the path is available");
        let device = candle_core::Device::Cpu;
        let mut executor = Executor::new(program, Purpose::Compute, &device, context).unwrap();
        for (index, leaf) in leaves.iter().enumerate() {
            if executor.leaves()[index].dtype() == candle_core::DType::F32 {
                let values: Vec<f32> = leaf.iter().map(|word| f32::from_bits(*word)).collect();
                executor.set_leaf(index, &values).unwrap();
            } else {
                executor.set_integer_leaf(index, leaf).unwrap();
            }
        }
        let (instructions, ends) = program.instructions();
        let batches: Vec<Vec<u32>> = instructions
            .iter()
            .filter_map(|instruction| match &instruction.op {
                Op::Batch(batch) => Some(batch),
                _ => None,
            })
            .map(|batch| {
                let window = |offset: &u64| stream[*offset as usize..][..batch.context as usize].iter();
                // A token that the model does not know reads as the last one that it knows.
                let known = |token: &u32| (*token).min(batch.vocabulary as u32 - 1);
                batch.offsets.iter().flat_map(window).map(known).collect()
            })
            .collect();
        let batches: Vec<&[u32]> = batches.iter().map(Vec::as_slice).collect();
        if let Some(at) = executor.run(program, &batches).unwrap() {
            return Err(Failure::NotFinite(at));
        }
        let leaves = (0..ends.len()).map(|end| executor.end(end).unwrap()).collect();
        Ok(Trace { outputs: Vec::new(), leaves })
    }
}

#[test]
fn every_root_is_the_committed_one_on_every_path_with_any_number_of_threads() {
    let committed: Vec<&str> =
        COMMITTED.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    for path in Path::available() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut lines = Vec::new();
            for case in &CASES {
                let mut seen = |executed: &golden::Executed| {
                    let digest = root(&executed.trace.leaves);
                    let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    lines.push(format!("{} {} {text}", case.name, executed.stage));
                };
                pool.install(|| run_on(&mut Engine(path), case, STEPS, &mut seen)).unwrap();
            }
            assert_eq!(lines, committed, "{path} on {threads} threads");
        }
        println!(
            "golden trace on the engine, {path}: {} roots, all equal, with 1, 2 and 7 threads",
            committed.len()
        );
    }
}
