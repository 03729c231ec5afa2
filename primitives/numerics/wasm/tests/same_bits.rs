//! The definitions give the same bits in Wasm as they do natively.
//!
//! The module is compiled here, for the target that the chain's runtime is compiled for, and run by an interpreter.

use sabha_numerics::op::Op;
use sabha_numerics_wasm::{
    CHAINED, case, golden,
    golden::{CASES, Executed},
    scalar::{FUNCTIONS, Function},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
    sync::OnceLock,
};
use wasmi::{Config, Engine, Instance, Linker, Memory, Module, Store, WasmParams, WasmResults};

const TARGET: &str = "wasm32v1-none";

/// The module's bytes. Compiled offline from the workspace's own lock file, with a target folder of its own, because the one of
/// this test may be in use. Each clone has one: in a shared folder, cargo would not tell their sources apart.
fn bytes() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let clone = blake3::hash(env!("CARGO_MANIFEST_DIR").as_bytes()).to_hex();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("definitions-{}", &clone[..8]));
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["rustc", "--quiet", "--locked", "--offline", "--release"])
            .args(["--lib", "--crate-type", "cdylib", "--target", TARGET])
            .args(["--package", env!("CARGO_PKG_NAME"), "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target);
        // What the native build was told is nothing to this one.
        let told = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_BUILD_TARGET"];
        told.iter().for_each(|variable| {
            cargo.env_remove(variable);
        });
        let made = cargo.output().expect("cargo can be run");
        assert!(made.status.success(), "the module: {}", String::from_utf8_lossy(&made.stderr));
        let name = format!("{}.wasm", env!("CARGO_PKG_NAME").replace('-', "_"));
        fs::read(target.join(TARGET).join("release").join(name)).expect("the module was built")
    })
}

/// Only what the first version of Wasm has, as in the chain's runtime.
fn engine() -> Engine {
    let mut config = Config::default();
    config
        .wasm_sign_extension(false)
        .wasm_saturating_float_to_int(false)
        .wasm_multi_value(false)
        .wasm_bulk_memory(false)
        .wasm_reference_types(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .floats(true);
    Engine::new(&config)
}

fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| Module::new(&engine(), bytes()).expect("the module is valid"))
}

/// An instance with a memory of its own.
struct Wasm {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Wasm {
    fn new() -> Self {
        let module = module();
        let mut store = Store::new(module.engine(), ());
        let instance = Linker::new(module.engine())
            .instantiate(&mut store, module)
            .and_then(|instance| instance.start(&mut store))
            .expect("nothing is missing");
        let memory = instance.get_memory(&store, "memory").expect("the memory is exported");
        Wasm { store, instance, memory }
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, parameters: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&self.store, name).expect("it is exported");
        function.call(&mut self.store, parameters).unwrap_or_else(|trap| panic!("{name}: {trap}"))
    }

    fn apply(&mut self, index: usize, input: &[u32]) -> Vec<u32> {
        let count = input.len() / FUNCTIONS[index].arity;
        let from: u32 = self.call("reserve", input.len() as u32);
        let to: u32 = self.call("reserve", count as u32);
        let bytes: Vec<u8> = input.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.memory.write(&mut self.store, from as usize, &bytes).unwrap();
        let done: u32 = self.call("apply", (index as u32, from, to, count as u32));
        assert_eq!(done, 1);
        let mut bytes = vec![0; count * 4];
        self.memory.read(&self.store, to as usize, &mut bytes).unwrap();
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
    }

    fn outputs(&mut self, index: usize, steps: u32) -> Vec<[u8; 32]> {
        let place: u64 = self.call("execute", (index as u32, steps));
        let mut bytes = vec![0; (place & u64::from(u32::MAX)) as usize];
        self.memory.read(&self.store, (place >> 32) as usize, &mut bytes).unwrap();
        bytes.chunks_exact(32).map(|digest| digest.try_into().unwrap()).collect()
    }
}

const EXPONENTS: [u32; 20] =
    [0, 1, 2, 23, 24, 100, 103, 104, 120, 126, 127, 128, 133, 134, 150, 151, 190, 253, 254, 255];

/// The bits of numbers around every kind of boundary, and the first ones of a random sequence.
fn words(random: usize) -> Vec<u32> {
    let mut all = vec![];
    for exponent in EXPONENTS {
        for mantissa in [0u32, 1, 2, 0x3f_ffff, 0x40_0000, 0x35_04f3, 0x31_7218, 0x7f_fffe, 0x7f_ffff] {
            let bits = (exponent << 23) | mantissa;
            all.extend([bits, bits | 0x8000_0000]);
        }
    }
    let mut state = 0x9e37_79b9u32;
    all.extend((0..random).map(|at| {
        // Xorshift. Every other number near 1, where functions are not constant.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        if at.is_multiple_of(2) { state } else { (state & 0x87ff_ffff) | 0x3800_0000 }
    }));
    all
}

/// Arguments for a function: each one's own, then combinations.
fn arguments(function: &Function) -> Vec<u32> {
    let words = words(60_000);
    match function.arity {
        1 => words,
        arity => {
            let hard = &words[..360];
            let pairs = hard.iter().flat_map(|a| hard.iter().step_by(7).map(move |b| [*a, *b]));
            let mut all: Vec<u32> = match arity {
                2 => pairs.flatten().collect(),
                _ => pairs.zip(words.iter().cycle()).flat_map(|([a, b], c)| [a, b, *c]).collect(),
            };
            if function.name == "fma" {
                // Addends that nearly cancel the product.
                for pair in words.chunks_exact(2) {
                    let product = f32::from_bits(pair[0]) * f32::from_bits(pair[1]);
                    all.extend([pair[0], pair[1], (-product).to_bits() ^ (pair[0] & 1)]);
                }
            }
            all.extend(&words[..words.len() / arity * arity]);
            all
        }
    }
}

#[test]
fn the_module_imports_nothing() {
    let imports: Vec<String> =
        module().imports().map(|import| format!("{}.{}", import.module(), import.name())).collect();
    assert_eq!(imports, [""; 0]);
}

#[test]
fn functions_of_single_numbers_give_the_same_bits() {
    let mut wasm = Wasm::new();
    for (index, function) in FUNCTIONS.iter().enumerate() {
        let input = arguments(function);
        let theirs = wasm.apply(index, &input);
        let mut ours = vec![0; theirs.len()];
        function.apply(&input, &mut ours);
        let mut numbers = 0;
        for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            let nan = f32::from_bits(*ours).is_nan();
            // The bits of a NaN are unspecified, and no instruction may put one out.
            let same = if nan { f32::from_bits(*theirs).is_nan() } else { ours == theirs };
            let arguments = &input[at * function.arity..][..function.arity];
            assert!(same, "{} of {arguments:08x?}: {ours:08x}, in Wasm {theirs:08x}", function.name);
            numbers += usize::from(!nan);
        }
        assert!(numbers > 20_000, "{}: only {numbers} are numbers", function.name);
        println!("{}: {} values in Wasm as natively, {numbers} of them numbers", function.name, ours.len());
    }
}

/// What one instruction gave natively, and what it is called.
struct Expected {
    name: String,
    op: &'static str,
    digest: [u8; 32],
}

fn natively(index: usize, steps: u32) -> Vec<Expected> {
    let mut all = Vec::new();
    let mut seen = |executed: &Executed| {
        let Executed { stage, instructions, trace } = executed;
        for (at, (instruction, words)) in instructions.iter().zip(&trace.outputs).enumerate() {
            let name = format!("{stage}, instruction {at}, {:?}", instruction.op);
            all.push(Expected { name, op: instruction.op.name(), digest: golden::digest(words) });
        }
    };
    golden::run(case(index).unwrap(), steps, &mut seen).unwrap();
    all
}

/// Runs a case both ways, and returns the operations that it used.
fn compare(index: usize, steps: u32) -> BTreeSet<&'static str> {
    let name = case(index).unwrap().name;
    let theirs = Wasm::new().outputs(index, steps);
    let ours = natively(index, steps);
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.digest, *theirs, "{name}: {}", ours.name);
    }
    println!("{name}: {} outputs in Wasm as natively", ours.len());
    ours.iter().map(|output| output.op).collect()
}

#[test]
fn every_output_of_every_program_has_the_same_bits() {
    let mut used = BTreeSet::new();
    for (index, steps) in [1, 2, 1, 1].into_iter().enumerate() {
        used.extend(compare(index, steps));
    }
    assert!(case(CASES.len() + CHAINED.len()).is_none(), "a case was left out");
    assert_eq!(used, Op::NAMES.iter().copied().collect(), "an operation was left out");
}

/// The comparison above would be worth little if digests of different outputs were equal.
#[test]
fn outputs_differ_from_step_to_step_and_unknown_cases_have_none() {
    let mut wasm = Wasm::new();
    let all = wasm.outputs(1, 1);
    let mut times = BTreeMap::new();
    all.iter().for_each(|digest| *times.entry(digest).or_insert(0) += 1);
    assert!(times.len() > all.len() / 2, "{} of {}", times.len(), all.len());
    assert_ne!(all, wasm.outputs(1, 2)[..all.len()]);
    assert!(wasm.outputs(99, 1).is_empty());
}
