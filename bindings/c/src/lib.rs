//! x
#![allow(non_camel_case_types)]
use std::mem::MaybeUninit;
use std::ffi::c_void;
#[repr(transparent)]
pub struct Text(*const std::ffi::c_char);
#[repr(transparent)]
pub struct Data(*const u8);
/// An error.
pub struct azs_error { x: u32 }
pub struct azs_bytes { x: u32 }
/// Status
#[repr(C)]
pub enum azs_status { Ok = 0, AccessDenied = 1 }
#[repr(C)]
pub struct azs_progress { a: u64 }
/// Call
pub type azs_progress_fn = Option<unsafe extern "C" fn(progress: *const azs_progress, user_data: *mut c_void) -> bool>;
/// Parses.
#[unsafe(no_mangle)]
pub extern "C" fn azs_parse(name: Text, data: Data, length: usize, hook: azs_progress_fn, user_data: *mut c_void, bytes: Option<&mut MaybeUninit<*mut azs_bytes>>, text: Option<&mut MaybeUninit<*mut std::ffi::c_char>>, error: Option<&mut MaybeUninit<*mut azs_error>>) -> azs_status { azs_status::Ok }
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_free(error: Option<Box<azs_error>>) {}
#[unsafe(no_mangle)]
pub extern "C" fn azs_error_x(error: Option<&azs_error>, m: Option<&mut azs_bytes>) {}
