//! The one function through which every native method runs.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::Failure;
use crate::vm::{Env, ExceptionClass};

/// Runs a native method: its failure or panic becomes a `TwineException`, and
/// Java gets null or 0. `exception` is `None` where there is no handle yet.
pub(crate) fn boundary<T: Default>(
    env: &Env<'_>,
    exception: Option<&ExceptionClass>,
    method: impl FnOnce() -> Result<T, Failure>,
) -> T {
    // A panic leaves no half-made state behind: what is shared is behind locks
    // under which nothing panics.
    let failure = match catch_unwind(AssertUnwindSafe(method)) {
        Ok(Ok(value)) => return value,
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::Panicked(text_of(payload)),
    };
    match exception {
        Some(exception) => env.throw(exception, &failure),
        // If it can't be found, that is what the virtual machine throws.
        None => {
            if let Ok(exception) = env.exception_class() {
                env.throw(&exception, &failure);
                exception.release(env);
            }
        }
    }
    T::default()
}

fn text_of(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    // Even dropping it may panic.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    text.unwrap_or_else(|| "without a text".to_owned())
}
