//! Panics inside worlds: caught, with what they say and where, and not printed by
//! the runtime as well.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// In a thread that lives through a world: what its last panic said.
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something that may panic; the error is the panic's message and its place.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !hear(info) {
                usual(info);
            }
        }));
    });
    let outer = HEARD.replace(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(run));
    let heard = HEARD.replace(outer).unwrap_or_default();
    result.map_err(|_| heard)
}

/// `false`: this thread is not inside a world.
fn hear(info: &PanicHookInfo<'_>) -> bool {
    HEARD.with_borrow_mut(|heard| {
        let Some(heard) = heard else { return false };
        let said = info.payload_as_str().unwrap_or("(no message)");
        *heard = match info.location() {
            Some(at) => format!("{said} at {}:{}:{}", at.file(), at.line(), at.column()),
            None => said.to_owned(),
        };
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_tells_its_message_and_its_place() {
        let told = caught(|| panic!("no {}", "bread")).unwrap_err();
        assert!(told.starts_with("no bread at "), "{told}");
        assert!(told.contains("panics.rs:"), "{told}");
        assert_eq!(caught(|| 1), Ok(1));
    }
}
