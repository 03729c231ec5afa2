//! The kernels on the CPU, launched as on a GPU, with threads in three orders.

use super::{
    compare::{Case, Compare, CompareError, FAMILIES, Run, all},
    harness::{Harness, Order},
    launch::{Argument, Launch, LaunchError, Operand, check, launches, on_host},
};
use sabha_numerics::{op::*, reference::Inputs};

macro_rules! families {
    ($($name:ident: $index:literal),* $(,)?) => {
        $(#[test]
        fn $name() {
            let (name, family) = FAMILIES[$index];
            assert_eq!(name, stringify!($name).replace('_', " "));
            family(&mut Compare::new(&mut Harness::start())).unwrap_or_else(|error| panic!("{error}"));
        })*

        #[test]
        fn every_family_has_a_test() {
            assert_eq!(FAMILIES.len(), [$($index),*].len());
        }
    };
}

families! {
    pointwise_operations: 0,
    exponential_logarithm_and_logistic: 1,
    operations_on_rows: 2,
    reductions: 3,
    causal_reductions_of_rows_that_are_longer_than_a_block: 4,
    sums_of_columns: 5,
    embeddings: 6,
    products: 7,
    products_in_large_squares: 8,
    products_of_heads: 9,
    updates_and_their_aggregation: 10,
    coding_at_its_ends: 11,
}

#[test]
fn every_operation_is_compared() {
    let cases = include_str!("compare/cases.rs");
    for name in Op::NAMES {
        // What the host computes, or is given.
        let elsewhere = ["Batch", "Init", "RopeTable"].contains(name);
        let plain = format!("{name}::plain(");
        assert_eq!(cases.contains(&format!("{name} {{")) || cases.contains(&plain), !elsewhere, "{name}");
    }
}

/// The harness, but for one bit of the last element, or for what it notes.
struct Wrong {
    harness: Harness,
    noted: bool,
}

impl Run for Wrong {
    fn run(&mut self, case: &Case<'_>) -> Result<(Vec<u32>, Option<u64>), String> {
        let (mut words, noted) = self.harness.run(case)?;
        if self.noted {
            return Ok((words, Some(noted.map_or(0, |element| element + 1))));
        }
        if let Some(word) = words.last_mut() {
            *word ^= 1;
        }
        Ok((words, noted))
    }
}

#[test]
fn one_wrong_bit_is_found_and_so_is_a_wrong_note() {
    let error = all(&mut Wrong { harness: Harness::start(), noted: false }).unwrap_err();
    assert!(
        matches!(error, CompareError::Bits { element: 0, found, defined, .. } if found ^ defined == 1),
        "{error}"
    );
    let error = all(&mut Wrong { harness: Harness::start(), noted: true }).unwrap_err();
    assert!(matches!(error, CompareError::Noted { found: Some(0), defined: None, .. }), "{error}");
}

#[test]
fn numbers_of_the_host_are_looked_at() {
    let mut harness = Harness::start();
    for (size, bad) in [(1, vec![]), (700, vec![699, 257, 600]), (700, vec![]), (1, vec![0])] {
        let mut words = vec![0x7f7f_ffff; size];
        for (kind, index) in bad.iter().enumerate() {
            words[*index] = [0x7f80_0000, 0xff80_0000, 0x7fc0_0001][kind];
        }
        for order in Order::ALL {
            let (after, noted) = harness.launch(order, &[&words], &[check(size as u64).unwrap()]).unwrap();
            assert_eq!(after, words);
            assert_eq!(noted, bad.iter().min().map(|index| *index as u64));
        }
    }
    let table = Op::from(RopeTable { context: 5, half: 3, base: 10_000.0, sines: true });
    let numbers: Vec<u32> = on_host(&table).unwrap().into_iter().map(f32::to_bits).collect();
    let none = Inputs(Vec::new());
    assert_eq!(numbers, (0..table.len()).map(|at| table.element(at, &none).unwrap()).collect::<Vec<_>>());
    assert!(matches!(launches(&table, &[]), Err(LaunchError::Host(_))));
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let plain = Operand::Plain;
    let refused = |op: Op, operands: &[Operand]| {
        assert!(matches!(launches(&op, operands), Err(LaunchError::Operands(_))), "{op:?} {operands:?}");
    };
    refused(Add { size: 2 }.into(), &[plain]);
    refused(Add { size: 2 }.into(), &[plain, Operand::Output]);
    refused(SwiGlu { size: 2 }.into(), &[Operand::Output, plain]);
    refused(
        Norm { rows: 1, columns: 2 }.into(),
        &[Operand::Transposed(Transpose::plain(2, 1)), plain, plain],
    );
    let wrong = Operand::Transposed(Transpose::plain(3, 2));
    refused(Matmul::plain(3, 2, 2).into(), &[wrong, plain]);
    refused(Reduce { kind: Kind::Sum, rows: 3, columns: 2, causal: false }.into(), &[wrong]);
    let huge = Op::from(Transpose::plain(1 << 40, 1 << 20));
    assert!(matches!(launches(&huge, &[plain]), Err(LaunchError::TooLarge(_))));
}

/// The harness finds what it is there to find.
#[test]
fn accesses_beyond_a_buffer_and_arguments_of_the_wrong_type_stop_the_program() {
    let right = launches(&Add { size: 3 }.into(), &[Operand::Plain; 2]).unwrap();
    let words = [0; 3];
    let stops = |inputs: [&[u32]; 2], launch: &[Launch]| {
        Harness::start().launch(Order::Forward, &[&words, inputs[0], inputs[1]], launch).unwrap_err()
    };
    let message = stops([&words, &words[..2]], &right);
    assert!(message.contains("heap-buffer-overflow"), "{message}");
    let mut wrong = right.clone();
    wrong[0].arguments[3] = Argument::U32(3);
    let message = stops([&words, &words], &wrong);
    assert!(message.contains("not of its parameter's type"), "{message}");
    wrong[0].arguments.pop();
    let message = stops([&words, &words], &wrong);
    assert!(message.contains("too many or too few arguments"), "{message}");
}
