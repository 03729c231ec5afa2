//! Finite or not, for free.
//!
//! Arithmetic on finite numbers makes an infinity or NaN only by an overflow, a division by zero or an invalid operation, and
//! IEEE-754 hardware notes each of them in a sticky flag. So most kernels do not look at what they store: each task of a kernel
//! clears its thread's flags, and says at its end whether one of the three was raised. Only then is the output searched. A flag
//! may be raised for a number that nobody stores; that costs a search and changes nothing.
//!
//! Not all is arithmetic, though, and not every input finite:
//!
//! - `exp` and `ln` *choose* infinity or NaN for inputs beyond their range, and a word may be copied whatever it is: neither raises
//!   a flag. Kernels that do such a thing look at their output ([`Flags::search`]), each task at its part while the cache holds it.
//! - From an infinity more of them follow without any flag. The outputs of instructions were searched, so it could only be a
//!   leaf: of a program with such a leaf, the executor searches every output.
//!
//! Where there is no such register that we know to read, every output is searched.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether tasks can tell by flags; elsewhere [`Flags::raised`] is always true.
const KNOWN: bool = cfg!(target_arch = "x86_64");

/// Whether any task of a kernel raised a flag.
#[derive(Debug, Default)]
pub struct Flags(AtomicBool);

impl Flags {
    /// Runs a task [`exactly`], and looks at its thread's flags.
    pub fn watch<R>(&self, task: impl FnOnce() -> R) -> R {
        exactly(|| {
            let result = task();
            if control() & RAISED != 0 {
                self.0.store(true, Ordering::Relaxed);
            }
            result
        })
    }

    /// Looks at numbers that may not be finite although no flag was raised, and then counts as raised.
    pub fn search(&self, values: &[f32]) {
        // All of a piece at once, which is vector code; an infinity or NaN has all bits of the exponent.
        const EXPONENT: u32 = 0x7f80_0000;
        let finite = |piece: &[f32]| {
            piece.iter().fold(true, |all, value| all & (value.to_bits() & EXPONENT != EXPONENT))
        };
        if !values.chunks(1 << 10).all(finite) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a flag was raised since the last call.
    pub fn raised(&self) -> bool {
        !KNOWN || self.0.swap(false, Ordering::Relaxed)
    }
}

/// Runs a task with what the definitions take for granted, whatever a foreign library left behind on this thread: numbers are
/// rounded to nearest even, and subnormals are kept. The thread has its own mode back afterwards.
pub fn exactly<R>(task: impl FnOnce() -> R) -> R {
    /// Also where the task panics.
    struct Restore(Control);

    impl Drop for Restore {
        fn drop(&mut self) {
            set_control(self.0);
        }
    }

    let _restore = Restore(control());
    set_control(DEFAULT);
    task()
}

#[cfg(target_arch = "x86_64")]
use mxcsr::{Control, DEFAULT, RAISED, control, set_control};

#[cfg(target_arch = "aarch64")]
use fpcr::{Control, DEFAULT, RAISED, control, set_control};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use unknown::{Control, DEFAULT, RAISED, control, set_control};

/// x86-64: one register for mode and flags.
#[cfg(target_arch = "x86_64")]
mod mxcsr {
    pub type Control = u32;

    /// As at a program's start: round to nearest even, subnormals kept, exceptions masked, no flags.
    pub const DEFAULT: Control = 0x1f80;

    /// Invalid, division by zero, overflow.
    pub const RAISED: Control = 0b1101;

    /// Flush to zero; subnormal inputs are zeros.
    #[cfg(test)]
    pub const FLUSH: Control = 1 << 15 | 1 << 6;

    pub fn control() -> Control {
        let mut value = 0u32;
        // SAFETY: writes four bytes to `value`.
        unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags)) };
        value
    }

    pub fn set_control(value: Control) {
        // SAFETY: reads four bytes of `value`, which is the default or what the thread had. The compiler assumes the default.
        unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &value, options(nostack, preserves_flags)) };
    }
}

/// 64-bit ARM: the mode. Its flags have a register of their own, which is not read: every output is searched.
#[cfg(target_arch = "aarch64")]
mod fpcr {
    pub type Control = u64;

    /// Round to nearest even, subnormals kept, NaNs propagated, exceptions masked.
    pub const DEFAULT: Control = 0;

    pub const RAISED: Control = 0;

    /// Flush to zero, of inputs too.
    #[cfg(test)]
    pub const FLUSH: Control = 1 << 24;

    pub fn control() -> Control {
        let value: u64;
        // SAFETY: reads a register that every process may read.
        unsafe { core::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }

    pub fn set_control(value: Control) {
        // SAFETY: the value is the default or what the thread had. The compiler assumes the default. Not `nomem`, so that no
        // arithmetic on memory moves across.
        unsafe { core::arch::asm!("msr fpcr, {}", in(reg) value, options(nostack, preserves_flags)) };
    }
}

/// Elsewhere the mode is taken for the default.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod unknown {
    pub type Control = u32;
    pub const DEFAULT: Control = 0;
    pub const RAISED: Control = 0;

    pub fn control() -> Control {
        0
    }

    pub fn set_control(_: Control) {}
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod tests {
    use super::*;
    use std::hint::black_box;

    #[cfg(target_arch = "aarch64")]
    use super::fpcr::FLUSH;
    #[cfg(target_arch = "x86_64")]
    use super::mxcsr::FLUSH;

    /// Runs a task as a foreign library may leave a thread: subnormals are zeros.
    pub(crate) fn flushing<R>(task: impl FnOnce() -> R) -> R {
        let before = control();
        set_control(DEFAULT | FLUSH);
        let result = task();
        set_control(before);
        result
    }

    #[cfg(target_arch = "x86_64")]
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
    fn what_is_not_finite_is_found_wherever_it_is() {
        let mut values = vec![f32::MAX; 2_500];
        let flags = Flags::default();
        flags.search(&values);
        assert!(!flags.0.load(Ordering::Relaxed));
        for at in [0, 1_023, 1_024, 2_499] {
            for value in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                let before = core::mem::replace(&mut values[at], value);
                let flags = Flags::default();
                flags.search(&values);
                assert!(flags.0.load(Ordering::Relaxed), "{value} at {at}");
                values[at] = before;
            }
        }
    }

    #[test]
    fn a_task_keeps_subnormals_whatever_the_thread_did_before() {
        let half = || black_box(black_box(f32::MIN_POSITIVE) * black_box(0.5));
        let (within, without, after) = flushing(|| {
            let within = Flags::default().watch(half);
            (within, half(), control() & FLUSH)
        });
        // By bits: the compiler may move a comparison of numbers to where subnormals are zeros.
        assert_eq!(within.to_bits(), 1 << 22);
        assert_eq!(without.to_bits(), 0, "the test's own mode");
        assert_eq!(after, FLUSH, "and the thread has its own mode back");
    }

    #[test]
    fn a_task_that_panics_leaves_the_mode_as_it_was() {
        let after = flushing(|| {
            let panicked = std::panic::catch_unwind(|| exactly(|| panic!("as a task may")));
            assert!(panicked.is_err());
            control() & FLUSH
        });
        assert_eq!(after, FLUSH);
    }
}
