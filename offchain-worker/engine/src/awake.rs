//! Threads that are awake when the next kernel comes.
//!
//! A program is hundreds of kernels, some of which take less time than a sleeping thread needs to wake up. While a program is executed, the
//! other threads of the pool therefore look for work again and again, as those of other libraries do: not for long where there is none, and
//! not at all where there are more threads than processors. The program itself runs on a thread of the pool, whose share of a kernel
//! is then the same part of the output each time, which its cache may still hold.

use rayon::{
    Yield,
    iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator},
};
use std::{
    cell::Cell,
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a thread looks for work before it goes to sleep.
const PATIENCE: Duration = Duration::from_millis(1);
/// Looks in vain between two at the clock.
const LOOKS: u32 = 32;

/// Processors that this process may use. Asking the system takes files, so it is asked once.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, |count| count.get()));

thread_local! {
    /// Whether this thread executes a program, and waits for others at most.
    static LEADS: Cell<bool> = const { Cell::new(false) };
}

/// A program that is executed on this thread; until it is dropped, also by a panic.
struct Leading<'a> {
    over: &'a AtomicBool,
    before: bool,
}

impl<'a> Leading<'a> {
    fn new(over: &'a AtomicBool) -> Self {
        Self { over, before: LEADS.replace(true) }
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        LEADS.set(self.before);
    }
}

/// Runs `work` on a thread of the current pool, and keeps the others awake meanwhile.
pub(crate) fn awake<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let threads = rayon::current_num_threads();
    let others = if threads > *PROCESSORS { 0 } else { threads - 1 };
    let over = AtomicBool::new(false);
    let work = || {
        let _leading = Leading::new(&over);
        work()
    };
    let attend = |_| {
        // Whoever waits for a part of a program, this or another one, may take this up meanwhile, and has to get back to it.
        if !LEADS.get() {
            attend(&over);
        }
    };
    rayon::join(work, || (0..others).into_par_iter().with_max_len(1).for_each(attend)).0
}

/// Does what work there is, until it is over or there is none for a while.
fn attend(over: &AtomicBool) {
    let (mut looks, mut since) = (0u32, Instant::now());
    while !over.load(Ordering::Acquire) {
        if let Some(Yield::Executed) = rayon::yield_now() {
            (looks, since) = (0, Instant::now());
            continue;
        }
        core::hint::spin_loop();
        looks += 1;
        if looks.is_multiple_of(LOOKS) {
            if since.elapsed() > PATIENCE {
                return;
            }
            // Other processes may need this processor more.
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// Kernels one after another, with pauses that are longer than a thread waits.
    fn sums() -> Vec<u64> {
        (0..200u64)
            .map(|turn| {
                if turn % 50 == 0 {
                    std::thread::sleep(PATIENCE * 2);
                }
                (0..1_000u32).into_par_iter().with_max_len(10).map(|at| u64::from(at) * turn).sum()
            })
            .collect()
    }

    #[test]
    fn work_is_done_with_any_number_of_threads() {
        let expected: Vec<u64> = (0..200).map(|turn| 499_500 * turn).collect();
        for threads in [1, 2, 7] {
            let pool = pool(threads);
            assert_eq!(pool.install(|| awake(sums)), expected, "from within {threads} threads");
            // Two at a time.
            let both = pool.install(|| rayon::join(|| awake(sums), || awake(sums)));
            assert_eq!(both, (expected.clone(), expected.clone()), "twice within {threads} threads");
        }
        assert_eq!(awake(sums), expected, "from elsewhere");
    }

    #[test]
    fn work_that_panics_does_so_for_the_caller_and_lets_the_others_go() {
        let pool = pool(2);
        let panicked = || {
            pool.install(|| {
                std::panic::catch_unwind(|| {
                    awake(|| {
                        if sums().len() == 200 {
                            panic!("as it was to")
                        }
                    })
                })
            })
        };
        for _ in 0..3 {
            assert_eq!(panicked().unwrap_err().downcast_ref::<&str>(), Some(&"as it was to"));
        }
        assert_eq!(pool.install(|| awake(|| 7)), 7);
    }
}
