//! The native methods of `org.twine.jni.TwineConnection`, private there. What
//! they return is documented in that class.
#![expect(
    unsafe_code,
    reason = "exported names, and handles that come back as numbers"
)]

use std::time::Duration;

use jni_sys::{JNIEnv, jclass, jint, jlong};
use twine_control::pb;
use twine_control::pb::ControlType;
use twine_proto::limits::{MAX_CLIENT_NAME_BYTES, MAX_CONTROL_FRAME_BYTES};

use crate::boundary::boundary;
use crate::failure::Failure;
use crate::limits::{MAX_PATH_BYTES, MAX_ROLES};
use crate::link::{Link, Lost, Notice, Target};
use crate::vm::{ByteArray, Env, ExceptionClass};

/// First byte of a notice that the connection broke; above all of
/// `ControlType`.
const LOST: u8 = 0x80;

/// What a `TwineConnection` owns.
struct Handle {
    link: Link,
    exception: ExceptionClass,
}

/// The handle of a call.
///
/// # Safety
///
/// `handle` came from `nativeOpen` and is not freed before the call returns.
/// `TwineConnection`, the only caller, counts its calls to keep that.
unsafe fn handle<'call>(handle: jlong) -> &'call Handle {
    // SAFETY: as promised by the caller.
    unsafe { &*(handle as *const Handle) }
}

/// Runs a native method that has a handle.
///
/// # Safety
///
/// As for [`Env::of_call`] and [`handle`].
unsafe fn with_handle<'call, T: Default>(
    env: *mut JNIEnv,
    raw: jlong,
    method: impl FnOnce(&Env<'call>, &Link) -> Result<T, Failure>,
) -> T {
    // SAFETY: as promised by the caller.
    let (env, handle) = unsafe { (Env::of_call(env), handle(raw)) };
    boundary(&env, Some(&handle.exception), || method(&env, &handle.link))
}

fn milliseconds(timeout_ms: jint) -> Result<Duration, Failure> {
    u64::try_from(timeout_ms)
        .map(Duration::from_millis)
        .map_err(|_| Failure::BadArgument(format!("a timeout of {timeout_ms} ms is negative")))
}

fn text<'call>(
    env: &Env<'call>,
    what: &str,
    array: &ByteArray<'call>,
    limit: usize,
) -> Result<String, Failure> {
    String::from_utf8(argument(env, what, array, limit)?)
        .map_err(|_| Failure::BadArgument(format!("the {what} is no UTF-8")))
}

fn argument<'call>(
    env: &Env<'call>,
    what: &str,
    array: &ByteArray<'call>,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    env.bytes(what, array, limit)
        .map_err(|failure| match failure {
            Failure::TooLarge { bytes, limit } => Failure::BadArgument(format!(
                "the {what} has {bytes} bytes, over the limit of {limit}"
            )),
            other => other,
        })
}

fn message<'call>(env: &Env<'call>, array: &ByteArray<'call>) -> Result<Vec<u8>, Failure> {
    env.bytes("message", array, MAX_CONTROL_FRAME_BYTES)
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeOpen<'call>(
    env: *mut JNIEnv,
    _class: jclass,
    path: ByteArray<'call>,
    client: ByteArray<'call>,
    roles: ByteArray<'call>,
) -> jlong {
    // SAFETY: of this call.
    let env = unsafe { Env::of_call(env) };
    boundary(&env, None, || {
        let path = text(&env, "path", &path, MAX_PATH_BYTES)?;
        let client = text(&env, "client", &client, MAX_CLIENT_NAME_BYTES)?;
        let roles = argument(&env, "list of roles", &roles, MAX_ROLES)?
            .into_iter()
            .map(|role| {
                pb::Role::try_from(i32::from(role))
                    .map_err(|_| Failure::BadArgument(format!("there is no role {role}")))
            })
            .collect::<Result<_, _>>()?;
        let exception = env.exception_class()?;
        let target = Target {
            path: path.into(),
            client,
            roles,
        };
        match Link::open(target) {
            Ok(link) => Ok(Box::into_raw(Box::new(Handle { link, exception })) as jlong),
            Err(error) => {
                exception.release(&env);
                Err(Failure::NotConnected {
                    why: format!("there can be no thread: {error}"),
                })
            }
        }
    })
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeRequest<'call>(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
    body: ByteArray<'call>,
    timeout_ms: jint,
) -> ByteArray<'call> {
    let request = |env: &Env<'call>, link: &Link| {
        let timeout = milliseconds(timeout_ms)?;
        env.new_bytes(&link.request(&message(env, &body)?, timeout)?)
    };
    // SAFETY: of this call; TwineConnection calls between its enter and exit.
    unsafe { with_handle(env, raw, request) }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeReport<'call>(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
    body: ByteArray<'call>,
) {
    let report = |env: &Env<'call>, link: &Link| link.report(&message(env, &body)?);
    // SAFETY: of this call; TwineConnection calls between its enter and exit.
    unsafe { with_handle(env, raw, report) }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeOrderResult<'call>(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
    body: ByteArray<'call>,
) {
    let result = |env: &Env<'call>, link: &Link| link.order_result(&message(env, &body)?);
    // SAFETY: of this call; TwineConnection calls between its enter and exit.
    unsafe { with_handle(env, raw, result) }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeNext<'call>(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
    timeout_ms: jint,
) -> ByteArray<'call> {
    let next = |env: &Env<'call>, link: &Link| match link.next(milliseconds(timeout_ms)?)? {
        Some(notice) => env.new_bytes(&encode(&notice)),
        None => Ok(ByteArray::default()),
    };
    // SAFETY: of this call; TwineConnection calls between its enter and exit.
    unsafe { with_handle(env, raw, next) }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeClose(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
) {
    let close = |_: &Env<'_>, link: &Link| {
        link.close();
        Ok(())
    };
    // SAFETY: of this call; TwineConnection frees the handle only later.
    unsafe { with_handle(env, raw, close) }
}

#[unsafe(no_mangle)]
extern "system" fn Java_org_twine_jni_TwineConnection_nativeFree(
    env: *mut JNIEnv,
    _class: jclass,
    raw: jlong,
) {
    // SAFETY: of this call.
    let env = unsafe { Env::of_call(env) };
    boundary(&env, None, || {
        // SAFETY: from `Box::into_raw` in nativeOpen; TwineConnection calls this
        // once, after the last other call has returned.
        let Handle { link, exception } = *unsafe { Box::from_raw(raw as *mut Handle) };
        exception.release(&env);
        drop(link);
        Ok(())
    });
}

/// One byte that says what it is, then its body.
fn encode(notice: &Notice) -> Vec<u8> {
    let (kind, body): (u8, &[u8]) = match notice {
        Notice::Connected(body) => (ControlType::Connected as u8, body),
        Notice::Event(body) => (ControlType::Event as u8, body),
        Notice::Order(body) => (ControlType::Order as u8, body),
        Notice::Lost(lost) => return encode_lost(lost),
    };
    let mut out = Vec::with_capacity(1 + body.len());
    out.push(kind);
    out.extend_from_slice(body);
    out
}

/// All numbers big-endian, as `java.nio.ByteBuffer` reads them: code, count,
/// ids, and the rest is the message.
fn encode_lost(lost: &Lost) -> Vec<u8> {
    let mut out = vec![LOST];
    out.extend_from_slice(&lost.code.to_be_bytes());
    // At most MAX_UNKNOWN_NAMED.
    out.extend_from_slice(&(lost.unknown.len() as u32).to_be_bytes());
    for id in &lost.unknown {
        out.extend_from_slice(&id.to_be_bytes());
    }
    out.extend_from_slice(lost.message.as_bytes());
    out
}
