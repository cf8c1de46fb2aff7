//! What the linker does for `twined` on a phone: packed relocations (RELR: of 96 KiB on 64 bits, 2
//! remain), which bionic reads from API level 30 on, the oldest that an image of Twine
//! has, and glibc from 2.36 on.
//!
//! On glibc also the unwinder in the program, as Rust has it on Android: a shared one costs
//! 100 KiB of memory more, for nothing but the backtrace of a panic. Only in the profile
//! `device`, where a panic does not unwind.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name, value| var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "android") {
        println!("cargo::rustc-link-arg-bins=-Wl,--pack-dyn-relocs=relr");
    } else if is("CARGO_CFG_TARGET_ENV", "gnu") && is("OPT_LEVEL", "z") {
        // A linker that does not know it says so and goes on.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
