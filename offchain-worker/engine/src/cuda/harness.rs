//! Runs kernels on the CPU: compiles `cuda/harness` once, starts it, and sends it requests. `cuda/harness/main.cpp` is the other
//! side.

use super::{
    compare::{Case, Run},
    launch::{Argument, Launch, Operand},
};
use std::{
    collections::hash_map::DefaultHasher,
    env, fs,
    hash::{Hash, Hasher},
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

/// In which order a block's threads run between two barriers, and blocks one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Forward = 0,
    Reversed = 1,
    Permuted = 2,
}

impl Order {
    pub const ALL: [Self; 3] = [Self::Forward, Self::Reversed, Self::Permuted];
}

/// `-ffp-contract=off`: as on the GPU, nothing is fused that does not say so.
const FLAGS: [&str; 8] = [
    "-std=c++17",
    "-O1",
    "-g1",
    "-Wno-unknown-pragmas",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
];

/// The program, beside the test's own; compiled if the sources are new.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda");
        let compiler = env::var("CXX").unwrap_or_else(|_| "c++".into());
        let mut hash = DefaultHasher::new();
        (&compiler, FLAGS).hash(&mut hash);
        for folder in [&folder, &folder.join("harness")] {
            let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
            files.retain(|path| path.is_file());
            files.sort();
            files.iter().for_each(|path| fs::read(path).unwrap().hash(&mut hash));
        }
        let own = env::current_exe().unwrap();
        let path = own.with_file_name(format!("cuda-on-cpu-{:016x}", hash.finish()));
        if !path.exists() {
            // Another test process may be doing the same.
            let unfinished = path.with_extension(std::process::id().to_string());
            let mut command = Command::new(&compiler);
            command.args(FLAGS).arg(folder.join("harness/main.cpp")).arg("-o").arg(&unfinished);
            let output = command.output().unwrap_or_else(|error| {
                panic!("a C++ compiler is needed to test the CUDA kernels, and `{compiler}` does not start ({error}): \
                        install g++, or name one in CXX")
            });
            let messages = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?} failed:\n{messages}");
            fs::rename(&unfinished, &path).unwrap();
        }
        path
    })
}

/// The running program.
pub(super) struct Harness {
    child: Child,
    requests: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Harness {
    pub fn start() -> Self {
        let mut child = Command::new(program())
            // Kernels allocate nothing, and the leak check does not work everywhere.
            .env("ASAN_OPTIONS", "detect_leaks=0")
            .env("UBSAN_OPTIONS", "print_stacktrace=1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = child.stdin.take().map(BufWriter::new);
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, requests, answers }
    }

    /// Executes launches. Returns the output, and the place of its first number that is not finite. `buffers` are the output's
    /// words before, then the inputs'.
    ///
    /// # Errors
    /// If the program stopped: what it said at its end.
    pub fn launch(
        &mut self,
        order: Order,
        buffers: &[&[u32]],
        launches: &[Launch],
    ) -> Result<(Vec<u32>, Option<u64>), String> {
        self.exchange(&request(order, buffers, launches), buffers[0].len()).map_err(|error| {
            let mut message = error.to_string();
            self.requests = None;
            if let Some(mut said) = self.child.stderr.take() {
                said.read_to_string(&mut message).unwrap();
            }
            message
        })
    }

    /// Sends a request; the answer has `len` words and the place of the first number that is not finite.
    fn exchange(&mut self, request: &[u8], len: usize) -> std::io::Result<(Vec<u32>, Option<u64>)> {
        if let Some(requests) = &mut self.requests {
            requests.write_all(request)?;
            requests.flush()?;
        }
        let mut answer = vec![0; len * 4 + 8];
        self.answers.read_exact(&mut answer)?;
        let (words, found) = answer.split_at(len * 4);
        let words = words.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let found = u64::from_le_bytes(found.try_into().unwrap());
        Ok((words, (found != u64::MAX).then(|| found - FIRST)))
    }
}

/// In every order, which must not matter.
impl Run for Harness {
    fn run(&mut self, case: &Case<'_>) -> Result<(Vec<u32>, Option<u64>), String> {
        let mut buffers = vec![case.output];
        let each = case.inputs.iter().zip(case.operands);
        // What is overwritten is nowhere else.
        buffers
            .extend(each.map(|(words, operand)| if *operand == Operand::Output { &[] } else { &words[..] }));
        let forward = self.launch(Order::Forward, &buffers, case.launches)?;
        for order in [Order::Reversed, Order::Permuted] {
            if self.launch(order, &buffers, case.launches)? != forward {
                return Err(format!("the order of threads matters: {order:?} gives other words"));
            }
        }
        Ok(forward)
    }
}

/// A request as `main.cpp` reads it.
fn request(order: Order, buffers: &[&[u32]], launches: &[Launch]) -> Vec<u8> {
    let mut request = Vec::new();
    let word = |request: &mut Vec<u8>, word: u32| request.extend(word.to_le_bytes());
    word(&mut request, order as u32);
    word(&mut request, buffers.len() as u32);
    for buffer in buffers {
        word(&mut request, buffer.len() as u32);
        buffer.iter().for_each(|value| word(&mut request, *value));
    }
    word(&mut request, launches.len() as u32);
    for launch in launches {
        word(&mut request, launch.kernel.len() as u32);
        request.extend(launch.kernel.as_bytes());
        for extent in [launch.blocks, launch.threads.0, launch.threads.1] {
            word(&mut request, extent);
        }
        word(&mut request, launch.arguments.len() as u32);
        for argument in &launch.arguments {
            let (kind, bits): (u32, u64) = match *argument {
                Argument::Output => (0, 0),
                Argument::Input(input) => (0, input as u64 + 1),
                Argument::Null => (1, 0),
                Argument::First => (2, FIRST),
                Argument::U64(value) => (2, value),
                Argument::U32(value) => (3, value.into()),
                Argument::F32(value) => (4, value.to_bits().into()),
                Argument::Found => (5, 0),
            };
            word(&mut request, kind);
            request.extend(bits.to_le_bytes());
        }
    }
    request
}

/// The place of an output's first element.
const FIRST: u64 = 3 << 40;

impl Drop for Harness {
    fn drop(&mut self) {
        // The end of its input is its end.
        let stopped = self.requests.take().is_none();
        let status = self.child.wait();
        if !stopped && !std::thread::panicking() {
            assert!(status.unwrap().success(), "the kernels' program failed at its end");
        }
    }
}
