//! Parse, launch, exit code. Everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    sabha_worker::cli::main()
}
