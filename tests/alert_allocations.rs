//! Classification by code allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use azs_backup::alert::{Profile, classify_errno, classify_hresult, classify_ntstatus, classify_win32};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// The only test of its process: no other thread allocates meanwhile.
#[test]
fn classification_by_code_allocates_nothing() {
    let before = COUNT.load(Ordering::Relaxed);
    for profile in Profile::ALL {
        for code in (0..0xC000_1000_u32).step_by(0x1001).chain(0..0x4000).chain(0xC000_0000..0xC000_1000) {
            black_box(classify_ntstatus(code, profile).evidence());
            black_box(classify_win32(code, profile).retry());
            black_box(classify_hresult(code.cast_signed(), profile));
            black_box(classify_errno(code.cast_signed(), profile));
        }
    }
    assert_eq!(COUNT.load(Ordering::Relaxed), before);
}
