//! Classification by code allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use azs_backup::alert::{Profile, classify_errno, classify_hresult, classify_ntstatus, classify_win32};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // The harness has threads of its own.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn classification_by_code_allocates_nothing() {
    let before = COUNT.get();
    for profile in Profile::ALL {
        for code in (0..0xC000_1000_u32).step_by(0x1001).chain(0..0x4000).chain(0xC000_0000..0xC000_1000) {
            black_box(classify_ntstatus(code, profile).evidence());
            black_box(classify_win32(code, profile).retry());
            black_box(classify_hresult(code.cast_signed(), profile));
            black_box(classify_errno(code.cast_signed(), profile));
        }
    }
    assert_eq!(COUNT.get(), before);
}
