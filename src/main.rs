//! `genlock`: runs a command while holding a distributed lock.
//!
//! The C library enters it and not Rust's runtime, which would set SIGPIPE to be ignored and open
//! /dev/null for closed standard descriptors first: nobody could tell any more what the command is to
//! inherit. It is not for speed, of which nothing could be measured (cargo bench -- --pair OLD NEW). What
//! else the runtime does for us is in [`genlock::cli::main`].

#![no_main]
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};

/// What the C library's startup code calls.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    // SAFETY: these are the arguments of main.
    let words = unsafe { genlock::arguments(count, words) };
    genlock::cli::main(&words).into()
}
