//! Memory that nobody uses.

/// Gives memory that was freed back to the system, where the C library keeps it.
///
/// glibc has a heap for each of several threads, and gives back only what lies at a heap's end. A step is worked out by whichever
/// thread is free, so that in time each of those heaps would keep as much as the largest work needs.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Bytes of this process in memory.
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    #[test]
    fn what_was_freed_in_the_middle_of_a_heap_goes_back() {
        const BLOCK: usize = 1 << 16;
        const BLOCKS: usize = 1 << 10;
        std::thread::spawn(|| {
            let mut blocks: Vec<Vec<u8>> = (0..BLOCKS).map(|_| vec![1; BLOCK]).collect();
            // The last one stays, and all before it lies below.
            let last = blocks.pop();
            drop(blocks);
            let before = resident();
            give_back();
            let spared = before.saturating_sub(resident());
            assert!(spared > BLOCK * BLOCKS / 2, "{spared} bytes of {}", BLOCK * BLOCKS);
            drop(last);
        })
        .join()
        .unwrap();
    }
}
