//! Finite or not, for free.
//!
//! A program whose leaves are finite makes its first infinity or NaN by an overflow, a division by zero or an invalid operation,
//! and IEEE-754 hardware notes each of them in a sticky flag. So kernels do not look at what they store: each task of a kernel
//! clears its thread's flags, and says at its end whether one of the three was raised. Only then is the output searched. A flag
//! may be raised for a number that nobody stores; that costs a search and changes nothing.
//!
//! Where there is no such register that we know to read, every output is searched.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether tasks can tell by flags; elsewhere [`Flags::raised`] is always true.
const KNOWN: bool = cfg!(target_arch = "x86_64");

/// Whether any task of a kernel raised a flag.
#[derive(Debug, Default)]
pub struct Flags(AtomicBool);

impl Flags {
    /// Runs a task. Its thread computes with default rounding and with subnormals, whatever a foreign library left behind.
    pub fn watch<R>(&self, task: impl FnOnce() -> R) -> R {
        let before = control();
        set_control(DEFAULT);
        let result = task();
        if control() & RAISED != 0 {
            self.0.store(true, Ordering::Relaxed);
        }
        set_control(before);
        result
    }

    /// Whether a flag was raised since the last call.
    pub fn raised(&self) -> bool {
        !KNOWN || self.0.swap(false, Ordering::Relaxed)
    }
}

/// MXCSR at a program's start: round to nearest even, subnormals kept, exceptions masked, no flags.
const DEFAULT: u32 = 0x1f80;

/// Invalid, division by zero, overflow.
const RAISED: u32 = 0b1101;

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut value = 0u32;
    // SAFETY: writes four bytes to `value`.
    unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags)) };
    value
}

#[cfg(target_arch = "x86_64")]
fn set_control(value: u32) {
    // SAFETY: reads four bytes of `value`, which is the default or what the thread had. The compiler assumes the default.
    unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &value, options(nostack, preserves_flags)) };
}

#[cfg(not(target_arch = "x86_64"))]
fn control() -> u32 {
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn set_control(_: u32) {}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn what_is_not_finite_raises_a_flag_and_what_is_finite_does_not() {
        let flags = Flags::default();
        flags.watch(|| black_box(black_box(1e-30f32) * black_box(1e-30f32)));
        assert!(!flags.raised(), "underflow is no concern");
        let tasks: [fn() -> f32; 4] = [
            || black_box(f32::MAX) * black_box(2.0),
            || black_box(1.0) / black_box(0.0),
            || black_box(0.0) / black_box(0.0),
            || black_box(-1.0f32).sqrt(),
        ];
        for task in tasks {
            flags.watch(|| black_box(task()));
            assert!(flags.raised());
            assert!(!flags.raised(), "asked once");
        }
    }

    #[test]
    fn a_task_keeps_subnormals_whatever_the_thread_did_before() {
        let flush = DEFAULT | 1 << 15 | 1 << 6;
        let before = control();
        set_control(flush);
        let product = Flags::default().watch(|| black_box(f32::MIN_POSITIVE) * black_box(0.5));
        let after = control() & (1 << 15 | 1 << 6);
        set_control(before);
        assert!(product > 0.0);
        assert_eq!(after, 1 << 15 | 1 << 6, "and the thread has its own mode back");
    }
}
