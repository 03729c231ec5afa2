//! Prints the floating-point operations a second that this machine's fused multiply-adds amount to, for scripts/bench-train.
//! The argument is the number of threads.

use sabha_engine::{features::Path, peak::peak};

fn main() {
    let threads = std::env::args().nth(1).and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    // The best of some: one that was interrupted flatters what is compared with it.
    let best = (0..5).map(|_| pool.install(|| peak(Path::best()))).fold(0.0, f64::max);
    println!("{}", 2.0 * best);
}
