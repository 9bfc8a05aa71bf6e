//! Deeds that std has no words for: WASI asked directly, and an allocator that can be told to trap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(target_arch = "wasm32")]
pub(crate) use asked::*;

#[cfg(target_arch = "wasm32")]
mod asked {
    use std::hint::black_box;
    use std::mem::forget;
    use wasip2::clocks::monotonic_clock;
    use wasip2::random::{insecure, random};

    pub(crate) fn random() {
        loop {
            black_box(random::get_random_bytes(64 * 1024));
            black_box(insecure::get_insecure_random_bytes(64 * 1024));
        }
    }

    pub(crate) fn random_at_once() {
        black_box(random::get_random_bytes(u64::MAX));
    }

    pub(crate) fn leak_handles() {
        loop {
            forget(monotonic_clock::subscribe_duration(1));
        }
    }

    /// Many things to wait for, none of which ever comes.
    pub(crate) fn poll_for_ever() {
        let never: Vec<_> = (0..500)
            .map(|_| monotonic_clock::subscribe_duration(u64::MAX))
            .collect();
        let all: Vec<_> = never.iter().collect();
        black_box(wasip2::io::poll::poll(&all));
    }
}

/// A native build only has to compile.
#[cfg(not(target_arch = "wasm32"))]
mod asked {
    pub(crate) fn random() {}
    pub(crate) fn random_at_once() {}
    pub(crate) fn leak_handles() {}
    pub(crate) fn poll_for_ever() {}
}
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use asked::*;

static TRAPS: AtomicBool = AtomicBool::new(false);

/// From now on nothing can be freed.
pub(crate) fn trap_when_freed() {
    TRAPS.store(true, Ordering::Relaxed);
}

struct Trapping;

#[expect(
    unsafe_code,
    reason = "a guest whose cleaning up traps is the point; it hands everything to the system's allocator"
)]
// SAFETY: both functions pass on what they were given.
unsafe impl GlobalAlloc for Trapping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as this function's own contract demands of its caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if TRAPS.load(Ordering::Relaxed) {
            std::process::abort();
        }
        // SAFETY: as this function's own contract demands of its caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Trapping = Trapping;
