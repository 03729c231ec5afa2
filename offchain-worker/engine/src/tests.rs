//! Whole programs on the executor, against their execution by definitions.

use crate::{
    executor::{ExecuteError, Executor, words},
    features::Path,
    kernels::Context,
    plan::{Place, Plan, Purpose, Reading},
};
use candle_core::Device;
use sabha_numerics::{
    op::{Matmul, Op},
    program::{
        AggregateProgram, BeginProgram, EvaluateProgram, FinishProgram, InitProgram, Instruction, Model,
        Optimiser, Outer, Program, StepProgram,
    },
    reference::{Failure, execute},
};

const OPTIMISER: Optimiser =
    Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

fn models() -> Vec<Model> {
    let model = |vocabulary, width, layers, heads, feed_forward, context, tied_embedding| Model {
        vocabulary,
        width,
        layers,
        heads,
        feed_forward,
        context,
        rope_base: 10_000.0,
        norm_epsilon: 1e-5,
        tied_embedding,
    };
    vec![
        model(16, 16, 2, 2, 24, 8, false),
        model(33, 12, 1, 3, 31, 70, true),
        model(7, 2, 3, 1, 1, 1, true),
        model(61, 34, 2, 1, 65, 33, false),
    ]
}

fn stream(model: &Model) -> Vec<u32> {
    (0..1_000u64).map(|i| ((i * i + i / 3) % model.vocabulary) as u32).collect()
}

fn step(model: Model, at: u32) -> StepProgram {
    let offsets = (0..3).map(|sample| u64::from(at * 3 + sample) * 97 % 900).collect();
    StepProgram { model, optimiser: OPTIMISER, rate: 0.01, step: at + 1, stream: 1_000, offsets }
}

/// The batches of a step, as a worker reads them.
fn batches(program: &StepProgram, stream: &[u32]) -> [Vec<u32>; 2] {
    [0, 1].map(|shift| {
        let context = program.model.context as usize;
        let window = |offset: &u64| stream[*offset as usize + shift..][..context].to_vec();
        program.offsets.iter().flat_map(window).collect()
    })
}

fn initial(model: Model) -> Vec<Vec<u32>> {
    execute(&InitProgram { model, seed: 3 }, &[], &[]).unwrap().leaves
}

fn begin(model: Model) -> Vec<Vec<u32>> {
    execute(&BeginProgram { model }, &initial(model), &[]).unwrap().leaves
}

fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().copied().map(f32::from_bits).collect()
}

/// Gives an executor its leaves, each in its own type.
fn load(executor: &mut Executor, leaves: &[Vec<u32>]) {
    for (index, leaf) in leaves.iter().enumerate() {
        if executor.leaves()[index].dtype() == candle_core::DType::F32 {
            executor.set_leaf(index, &floats(leaf)).unwrap();
        } else {
            executor.set_integer_leaf(index, leaf).unwrap();
        }
    }
}

fn executor(program: &impl Program, purpose: Purpose, path: Path) -> Executor {
    Executor::new(program, purpose, &Device::Cpu, Context::on(path).unwrap()).unwrap()
}

/// Every output of every instruction, as a dispute asks for them.
fn check_trace(program: &impl Program, leaves: &[Vec<u32>], stream: &[u32], batches: &[&[u32]]) {
    let expected = execute(program, leaves, stream).unwrap();
    for path in Path::available() {
        let mut executor = executor(program, Purpose::Trace, path);
        load(&mut executor, leaves);
        let mut seen = 0;
        let end = executor
            .run_watched(program, batches, &mut |index, output| {
                assert!(words(output)? == expected.outputs[index as usize], "{path}, instruction {index}");
                seen += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(end, None);
        assert_eq!(seen + batches.len(), expected.outputs.len());

        let mut executor = self::executor(program, Purpose::Compute, path);
        load(&mut executor, leaves);
        for _ in 0..2 {
            assert_eq!(executor.run(program, batches).unwrap(), None);
            for (index, leaf) in expected.leaves.iter().enumerate() {
                assert!(&executor.end(index).unwrap() == leaf, "{path}, leaf {index} of the end");
            }
        }
    }
}

#[test]
fn every_program_gives_the_defined_bits() {
    for model in models() {
        let stream = stream(&model);
        check_trace(&InitProgram { model, seed: 3 }, &[], &[], &[]);
        check_trace(&BeginProgram { model }, &initial(model), &[], &[]);
        let program = step(model, 1);
        let tokens = batches(&program, &stream);
        check_trace(&program, &begin(model), &stream, &[&tokens[0], &tokens[1]]);
        let evaluate = EvaluateProgram { model, stream: 1_000, offsets: program.offsets.clone() };
        check_trace(&evaluate, &initial(model), &stream, &[&tokens[0], &tokens[1]]);
    }
}

/// An element reads at most 2,048 values of an input, so longer sums are chained: here the feed-forward's, the vocabulary's, those of
/// a weight's gradient over all positions, and the gradients' norm. Executed in place, too.
#[test]
fn chained_sums_give_the_defined_bits() {
    let model = |vocabulary, feed_forward, context| Model {
        vocabulary,
        width: 2,
        heads: 1,
        feed_forward,
        context,
        ..models()[0]
    };
    for (model, offsets) in [(model(2_057, 2_101, 8), vec![0, 5, 300]), (model(5, 3, 690), vec![0, 97, 300])]
    {
        let stream = stream(&model);
        let program = StepProgram { offsets, ..step(model, 0) };
        let (instructions, _) = program.instructions();
        let continued = |instruction: &&Instruction| {
            matches!(instruction.op, Op::Matmul(Matmul { from: 2_048, accumulate: true, .. }))
        };
        assert!(instructions.iter().filter(continued).count() >= 7);
        let tokens = batches(&program, &stream);
        let batches = [tokens[0].as_slice(), tokens[1].as_slice()];
        check_trace(&program, &begin(model), &stream, &batches);
        let expected = execute(&program, &begin(model), &stream).unwrap().leaves;
        for path in Path::available() {
            let mut executor = executor(&program, Purpose::Advance, path);
            load(&mut executor, &begin(model));
            assert_eq!(executor.run(&program, &batches).unwrap(), None);
            for (index, leaf) in expected.iter().enumerate() {
                assert!(&words(&executor.leaves()[index]).unwrap() == leaf, "{path}, leaf {index}");
            }
        }
    }
}

#[test]
fn updates_and_their_aggregation_give_the_defined_bits() {
    let model = models()[0];
    let start = initial(model);
    let stream = stream(&model);
    let mut updates = Vec::new();
    for at in 0..2 {
        let state = execute(&step(model, at), &begin(model), &stream).unwrap().leaves;
        let (sum, parameters) = (state.len() - 1, state.len() - 2);
        let mut leaves = start.clone();
        leaves.extend(state[..parameters].iter().step_by(3).cloned());
        leaves.push(state[sum].clone());
        let finish = FinishProgram { model, steps: 1 };
        check_trace(&finish, &leaves, &[], &[]);
        let mut update = execute(&finish, &leaves, &[]).unwrap().leaves;
        update.pop();
        updates.extend(update);
    }
    let mut leaves = start.clone();
    leaves.extend(start.iter().map(|values| vec![0; values.len()]));
    leaves.extend(updates);
    let outer = Outer { rate: 0.7, momentum: 0.9 };
    check_trace(&AggregateProgram { model, outer, workers: 2 }, &leaves, &[], &[]);
}

#[test]
fn steps_that_overwrite_their_state_give_the_defined_bits_on_any_number_of_threads() {
    for model in models() {
        let stream = stream(&model);
        let programs: Vec<StepProgram> = (0..4).map(|at| step(model, at)).collect();
        let expected = programs
            .iter()
            .fold(begin(model), |state, program| execute(program, &state, &stream).unwrap().leaves);
        for path in Path::available() {
            for threads in [1, 2, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut executor = executor(&programs[0], Purpose::Advance, path);
                    load(&mut executor, &begin(model));
                    for program in &programs {
                        let tokens = batches(program, &stream);
                        assert_eq!(executor.run(program, &[&tokens[0], &tokens[1]]).unwrap(), None);
                    }
                    for (index, leaf) in expected.iter().enumerate() {
                        let found = words(&executor.leaves()[index]).unwrap();
                        assert!(&found == leaf, "{path} on {threads} threads, leaf {index}");
                    }
                });
            }
        }
    }
}

/// Zeros right of causal blocks are not written where nobody reads them; then what memory holds there must not matter.
#[test]
fn what_is_not_written_is_not_read() {
    let wide = Model { context: 200, ..models()[1] };
    for model in models().into_iter().chain([wide]) {
        let stream = stream(&model);
        let program = StepProgram { offsets: vec![3, 400], ..step(model, 0) };
        let (instructions, _) = program.instructions();
        let squares = [("Matmul", 2), ("Softmax", 1), ("SoftmaxGrad", 1)];
        let plan = |purpose| Plan::new(&program, purpose);
        assert!(plan(Purpose::Trace).instructions.iter().all(|planned| planned.partial.is_none()));
        for (name, count) in squares {
            let plan = plan(Purpose::Advance);
            let partial = plan.instructions.iter().filter(|planned| {
                instructions[planned.index].op.name() == name && planned.partial == Some(model.context)
            });
            assert_eq!(partial.count() as u64, count * model.layers, "{name}");
        }
        let tokens = batches(&program, &stream);
        let batches = [tokens[0].as_slice(), tokens[1].as_slice()];
        let expected = execute(&program, &begin(model), &stream).unwrap().leaves;
        for path in Path::available() {
            for purpose in [Purpose::Advance, Purpose::Compute] {
                let mut executor = executor(&program, purpose, path);
                load(&mut executor, &begin(model));
                executor.poison().unwrap();
                assert_eq!(executor.run(&program, &batches).unwrap(), None);
                for (index, leaf) in expected.iter().enumerate() {
                    assert!(&executor.end(index).unwrap() == leaf, "{path}, {purpose:?}, leaf {index}");
                }
                // Nor is it taken for where a step left the finite numbers.
                let mut wild = floats(&begin(model)[3]);
                wild[0] = f32::MAX;
                executor.set_leaf(3, &wild).unwrap();
                executor.poison().unwrap();
                let mut state = begin(model);
                state[3][0] = f32::MAX.to_bits();
                if purpose == Purpose::Compute {
                    let expected = match execute(&program, &state, &stream) {
                        Err(Failure::NotFinite(at)) => Some(at),
                        other => other.map(|_| None).unwrap(),
                    };
                    assert_eq!(executor.run(&program, &batches).unwrap(), expected, "{path}");
                }
            }
        }
    }
}

#[test]
fn arithmetic_that_leaves_the_finite_numbers_is_found_where_it_does() {
    let model = models()[0];
    let stream = stream(&model);
    let program = step(model, 0);
    let tokens = batches(&program, &stream);
    let start = begin(model);
    // Each is a leaf, an element and a value that the step cannot bear, somewhere else in the program each time.
    let changes = [
        (0, 5, f32::MAX),
        (3, 3, f32::MAX),
        (7, 1, 1e30),
        (1, 2, f32::MAX),
        (2, 2, f32::MAX),
        (start.len() - 1, 0, f32::MAX),
    ];
    for (leaf, element, value) in changes {
        let mut state = start.clone();
        state[leaf][element] = value.to_bits();
        let expected = match execute(&program, &state, &stream) {
            Err(Failure::NotFinite(at)) => Some(at),
            Ok(_) => None,
            Err(other) => panic!("{other:?}"),
        };
        for path in Path::available() {
            let mut executor = executor(&program, Purpose::Advance, path);
            load(&mut executor, &state);
            let found = executor.run(&program, &[&tokens[0], &tokens[1]]).unwrap();
            assert_eq!(found, expected, "{path}, leaf {leaf} is {value}");
        }
    }
}

/// From an infinity others follow without any flag, so it must be found by the first instruction that reads it.
#[test]
fn a_leaf_that_is_not_finite_is_found_where_it_is_read_first() {
    fn check(program: &impl Program, leaves: &[Vec<u32>], stream: &[u32], batches: &[&[u32]]) {
        let Err(Failure::NotFinite(expected)) = execute(program, leaves, stream) else {
            panic!("the definitions find nothing")
        };
        for path in Path::available() {
            for purpose in [Purpose::Trace, Purpose::Compute, Purpose::Advance] {
                // `begin` ends with other leaves than it starts from.
                if purpose == Purpose::Advance && batches.is_empty() {
                    continue;
                }
                let mut executor = executor(program, purpose, path);
                load(&mut executor, leaves);
                assert_eq!(executor.run(program, batches).unwrap(), Some(expected), "{path}, {purpose:?}");
            }
        }
    }
    let model = models()[0];
    let stream = stream(&model);
    let program = step(model, 0);
    let tokens = batches(&program, &stream);
    for value in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        for leaf in [0, 1, 7] {
            let mut parameters = initial(model);
            parameters[leaf][3] = value.to_bits();
            check(&BeginProgram { model }, &parameters, &[], &[]);
        }
        // The embedding, a gain, a projection, a first and a second moment, the sum of losses.
        let start = begin(model);
        for leaf in [0, 3, 6, 7, 8, start.len() - 1] {
            let mut state = start.clone();
            state[leaf].fill(value.to_bits());
            check(&program, &state, &stream, &[&tokens[0], &tokens[1]]);
        }
    }
}

#[test]
fn a_plan_executes_no_transposes_and_reuses_memory() {
    let program = step(models()[3], 0);
    let (instructions, _) = program.instructions();
    let fast = Plan::new(&program, Purpose::Advance);
    let whole = Plan::new(&program, Purpose::Trace);
    let transposes =
        fast.instructions.iter().filter(|planned| instructions[planned.index].op.name() == "Transpose");
    assert_eq!(transposes.count(), 0);
    assert!(fast.bytes() * 2 < whole.bytes(), "{} {}", fast.bytes(), whole.bytes());
    let leaves = program.leaves().len();
    assert_eq!(fast.ends, (0..leaves).map(Place::Leaf).collect::<Vec<_>>(), "the state is overwritten");
    assert!(whole.instructions.iter().all(|planned| !planned.inputs.contains(&Reading::Output)));
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = models()[0];
    let program = step(model, 0);
    let mut executor = executor(&program, Purpose::Advance, Path::best());
    assert!(executor.set_leaf(0, &[1.0]).unwrap_err().to_string().contains("leaf 0 has 1 words"));
    assert!(executor.set_leaf(9_999, &[1.0]).is_err());
    assert!(executor.run(&program, &[]).unwrap_err().to_string().contains("list of batches"));
    assert!(executor.run(&program, &[&[0], &[0]]).unwrap_err().to_string().contains("batch 0"));
    let tokens = batches(&program, &stream(&model));
    let other = step(Model { feed_forward: 25, ..model }, 0);
    let error = executor.run(&other, &[&tokens[0], &tokens[1]]).unwrap_err();
    assert!(matches!(error, ExecuteError::Shape(_)), "{error}");
    assert_eq!(executor.run(&program, &[&tokens[0], &tokens[1]]).unwrap(), None);
}
