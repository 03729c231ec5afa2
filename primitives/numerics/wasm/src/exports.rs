//! What the module exports, its heap, and what it does when it panics. It imports nothing.

use crate::{case, outputs, scalar::FUNCTIONS};
use alloc::{vec, vec::Vec};
use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32,
    panic::PanicInfo,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Makes room for `words` words that are never freed.
#[unsafe(export_name = "reserve")]
extern "C" fn reserve(words: usize) -> *mut u32 {
    vec![0u32; words].leak().as_mut_ptr()
}

/// Applies function `index` to `count` groups of arguments. Returns 1, or 0 if there is no such function.
///
/// # Safety
/// `input` and `output` were reserved, with room for all arguments and values.
#[unsafe(export_name = "apply")]
unsafe extern "C" fn apply(index: usize, input: *const u32, output: *mut u32, count: usize) -> u32 {
    let Some(function) = FUNCTIONS.get(index) else { return 0 };
    // SAFETY: the caller reserved both, one after the other, so they do not overlap.
    let (input, output) = unsafe {
        (
            core::slice::from_raw_parts(input, count * function.arity),
            core::slice::from_raw_parts_mut(output, count),
        )
    };
    function.apply(input, output);
    1
}

/// The digests of all outputs of a case: the address in the high half, the number of bytes in the low half. 0 if there is no
/// such case, or if it diverges.
#[unsafe(export_name = "execute")]
extern "C" fn execute(index: usize, steps: u32) -> u64 {
    let digests = case(index).and_then(|case| outputs(case, steps).ok());
    let bytes: Vec<u8> = digests.unwrap_or_default().concat();
    let bytes = bytes.leak();
    if bytes.is_empty() { 0 } else { ((bytes.as_ptr() as u64) << 32) | bytes.len() as u64 }
}

/// Frees nothing: an instance lives for one call or two.
struct Heap {
    next: AtomicUsize,
}

unsafe extern "C" {
    /// Where the linker says that the heap begins.
    static __heap_base: u8;
}

const PAGE: usize = 65_536;

// SAFETY: blocks do not overlap, because `next` only grows, and there is one thread.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let next = match self.next.load(Ordering::Relaxed) {
            0 => &raw const __heap_base as usize,
            next => next,
        };
        let start = next.next_multiple_of(layout.align());
        let Some(end) = start.checked_add(layout.size()) else { return core::ptr::null_mut() };
        let missing = end.div_ceil(PAGE).saturating_sub(wasm32::memory_size(0));
        if missing > 0 && wasm32::memory_grow(0, missing) == usize::MAX {
            return core::ptr::null_mut();
        }
        self.next.store(end, Ordering::Relaxed);
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Heap = Heap { next: AtomicUsize::new(0) };

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}
