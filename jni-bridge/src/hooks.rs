//! What the tests on a Java virtual machine need and no image gets: a panic and
//! a misuse of JNI on demand, and a count of what this library has allocated.
#![expect(unsafe_code, reason = "an allocator and exported names")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use jni_sys::{JNIEnv, jclass, jlong};

use crate::boundary::boundary;
use crate::failure::Failure;
use crate::vm::Env;

static ALLOCATED_BYTES: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: everything is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED_BYTES.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED_BYTES.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TestHooks_panic(env: *mut JNIEnv, _class: jclass) {
    // SAFETY: of this call.
    let env = unsafe { Env::of_call(env) };
    boundary::<()>(&env, None, || panic!("asked for by a test"));
}

/// Calls the virtual machine while an exception is pending, which is forbidden:
/// what checks JNI has to find it.
#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TestHooks_misuse(env: *mut JNIEnv, _class: jclass) {
    // SAFETY: of this call.
    let env = unsafe { Env::of_call(env) };
    if let Ok(exception) = env.exception_class() {
        env.throw(&exception, &Failure::Closed);
        let _ = env.new_bytes(b"misuse");
        exception.release(&env);
    }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TestHooks_allocatedBytes(
    _env: *mut JNIEnv,
    _class: jclass,
) -> jlong {
    ALLOCATED_BYTES.load(Ordering::Relaxed)
}
