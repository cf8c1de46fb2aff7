//! `libtwine_jni.so`: the daemon's control socket for the Java side.
//!
//! Owns the way from `org.twine.jni.TwineConnection` to the socket: bytes of
//! protobuf messages in, bytes of protobuf messages out. Never reads more of
//! them than an id and a refusal, never repeats a request, and keeps nothing
//! outside of the handles that Java owns.
//!
//! # The boundary
//!
//! Every native method runs inside `boundary`, which catches panics and
//! throws `org.twine.jni.TwineException` with a code for whatever goes wrong.
//! No thread of this library is ever attached to the virtual machine, and each
//! call makes at most one object that outlives it, so local references cannot
//! pile up.
//!
//! # Handles
//!
//! `open` returns a handle. `TwineConnection` counts the calls that use it,
//! refuses new ones after `close`, wakes those that wait, and frees it once
//! the last has returned.
//!
//! # Breaks
//!
//! One thread for each handle (`link`) connects, reads, and connects again.
//! A request that was sent when the connection broke fails with
//! `RESULT_UNKNOWN`, and the notice of the break names it once more; one that
//! was never sent fails with `NOT_CONNECTED`.

mod boundary;
mod exports;
mod failure;
#[cfg(feature = "test-hooks")]
mod hooks;
pub mod limits;
mod link;
mod vm;
