//! The few functions of the virtual machine that this library needs, made safe
//! for the length of one native call.
//!
//! The `jni` crate would do the same and much more; its tables of exceptions
//! alone take a sixth of this library's size budget.
#![expect(unsafe_code, reason = "the virtual machine's functions")]

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::null_mut;

use jni_sys::{JNIEnv, jbyteArray, jclass, jint, jmethodID, jobject, jsize, jvalue};

use crate::failure::Failure;

/// `TwineException`, which has a constructor with a code and a text in UTF-8.
const EXCEPTION: &CStr = c"org/twine/jni/TwineException";
const CONSTRUCTOR: &CStr = c"<init>";
const SIGNATURE: &CStr = c"(I[B)V";

/// The environment of one native call.
pub(crate) struct Env<'call> {
    raw: *mut JNIEnv,
    call: PhantomData<&'call mut ()>,
}

/// A `byte[]` of one native call; null is possible.
#[repr(transparent)]
pub(crate) struct ByteArray<'call> {
    raw: jbyteArray,
    call: PhantomData<&'call mut ()>,
}

/// The exception's class and constructor, kept by a global reference until
/// [`release`](Self::release).
pub(crate) struct ExceptionClass {
    class: jclass,
    constructor: jmethodID,
}

// SAFETY: global references and method ids may be used by every thread.
unsafe impl Send for ExceptionClass {}
// SAFETY: as above; nothing in it changes.
unsafe impl Sync for ExceptionClass {}

impl Default for ByteArray<'_> {
    fn default() -> Self {
        Self {
            raw: null_mut(),
            call: PhantomData,
        }
    }
}

/// Calls a function of the environment's table.
macro_rules! vm {
    ($env:expr, $function:ident $(, $argument:expr)*) => {
        ((**$env.raw).v1_1.$function)($env.raw $(, $argument)*)
    };
}

impl<'call> Env<'call> {
    /// # Safety
    ///
    /// `raw` is what the virtual machine gave to the native call in progress,
    /// and `'call` does not outlive that call.
    pub(crate) unsafe fn of_call(raw: *mut JNIEnv) -> Self {
        Self {
            raw,
            call: PhantomData,
        }
    }

    /// A copy of a `byte[]` of at most `limit` bytes.
    pub(crate) fn bytes(
        &self,
        what: &str,
        array: &ByteArray<'call>,
        limit: usize,
    ) -> Result<Vec<u8>, Failure> {
        if array.raw.is_null() {
            return Err(Failure::BadArgument(format!("the {what} is null")));
        }
        // SAFETY: a byte[] of this call, not null.
        let length: jsize = unsafe { vm!(self, GetArrayLength, array.raw) };
        // A length is never negative.
        let bytes = usize::try_from(length).unwrap_or(0);
        if bytes > limit {
            return Err(Failure::TooLarge { bytes, limit });
        }
        let mut copy = vec![0u8; bytes];
        // SAFETY: `copy` has room for `length` bytes, and an array keeps its
        // length.
        unsafe {
            vm!(
                self,
                GetByteArrayRegion,
                array.raw,
                0,
                length,
                copy.as_mut_ptr().cast()
            );
        }
        Ok(copy)
    }

    /// A new `byte[]` for Java.
    pub(crate) fn new_bytes(&self, bytes: &[u8]) -> Result<ByteArray<'call>, Failure> {
        let refused = Failure::Vm("make a byte[]");
        let Ok(length) = jsize::try_from(bytes.len()) else {
            return Err(refused);
        };
        // SAFETY: no exception is pending: each is returned at once.
        let raw = unsafe { vm!(self, NewByteArray, length) };
        if raw.is_null() {
            return Err(refused);
        }
        // SAFETY: the array has this length.
        unsafe {
            vm!(
                self,
                SetByteArrayRegion,
                raw,
                0,
                length,
                bytes.as_ptr().cast()
            )
        };
        Ok(ByteArray {
            raw,
            call: PhantomData,
        })
    }

    /// Looks the exception up, by the class loader of the calling class.
    pub(crate) fn exception_class(&self) -> Result<ExceptionClass, Failure> {
        // SAFETY: names end with zero; each result is checked before its use; no
        // exception is pending when a function is called.
        unsafe {
            let local = vm!(self, FindClass, EXCEPTION.as_ptr());
            if local.is_null() {
                return Err(Failure::Vm("find TwineException"));
            }
            let constructor = vm!(
                self,
                GetMethodID,
                local,
                CONSTRUCTOR.as_ptr(),
                SIGNATURE.as_ptr()
            );
            if constructor.is_null() {
                return Err(Failure::Vm("find the constructor of TwineException"));
            }
            let class = vm!(self, NewGlobalRef, local);
            vm!(self, DeleteLocalRef, local);
            if class.is_null() {
                return Err(Failure::Vm("keep TwineException"));
            }
            Ok(ExceptionClass { class, constructor })
        }
    }

    /// Throws, unless the virtual machine has thrown something itself (out of
    /// memory, say): that goes first.
    pub(crate) fn throw(&self, exception: &ExceptionClass, failure: &Failure) {
        // SAFETY: always allowed.
        if unsafe { !vm!(self, ExceptionOccurred).is_null() } {
            return;
        }
        let Ok(message) = self.new_bytes(failure.to_string().as_bytes()) else {
            return;
        };
        let code: jint = failure.code();
        let arguments = [jvalue { i: code }, jvalue { l: message.raw }];
        // SAFETY: the constructor is that class's, and takes an int and a byte[].
        // No exception is pending at the first call, and if there is one after
        // it there is no object to throw.
        unsafe {
            let object: jobject = vm!(
                self,
                NewObjectA,
                exception.class,
                exception.constructor,
                arguments.as_ptr()
            );
            if !object.is_null() {
                vm!(self, Throw, object);
            }
        }
    }
}

impl ExceptionClass {
    /// Gives the global reference back.
    pub(crate) fn release(self, env: &Env<'_>) {
        // SAFETY: made by NewGlobalRef, and not used after this.
        unsafe { vm!(env, DeleteGlobalRef, self.class) };
    }
}
