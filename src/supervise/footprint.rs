//! How much of the program is in this process's memory while it waits.

use std::sync::atomic::{AtomicBool, Ordering};

use libc::{Elf64_Phdr, PF_W, PT_LOAD, PT_PHDR};

/// Whether this process has given it back.
static GIVEN_BACK: AtomicBool = AtomicBool::new(false);

/// Gives back the pages of the program's text that this process has used, once. Most of them are of what
/// begins a run (options, settings, the first connection), and of no use to who holds for long; the kernel
/// maps from the file what is used again. To do that after each renewal takes half as much processor time
/// again as the renewals themselves. Async-signal-safe.
pub(crate) fn give_back() {
    if GIVEN_BACK.swap(true, Ordering::Relaxed) {
        return;
    }
    let [table, size, count, page] = [
        libc::AT_PHDR,
        libc::AT_PHENT,
        libc::AT_PHNUM,
        libc::AT_PAGESZ,
    ]
    .map(|what| {
        // SAFETY: it only looks a number up.
        unsafe { libc::getauxval(what) as usize }
    });
    if table == 0 || size != size_of::<Elf64_Phdr>() {
        return;
    }
    // SAFETY: the program's own headers, so many of that size (getauxval(3)), which stay where they are.
    let headers = unsafe { std::slice::from_raw_parts(table as *const Elf64_Phdr, count) };
    let Some(own) = headers.iter().find(|header| header.p_type == PT_PHDR) else {
        return;
    };
    let base = table.wrapping_sub(own.p_vaddr as usize);
    let is_text = |header: &&Elf64_Phdr| header.p_type == PT_LOAD && header.p_flags & PF_W == 0;
    for header in headers.iter().filter(is_text) {
        let begin = base.wrapping_add(header.p_vaddr as usize);
        let (first, before) = ((begin - begin % page) as *mut _, begin % page);
        let length = header.p_memsz as usize + before;
        // SAFETY: nobody writes to these pages: what is read of the file again is the same (madvise(2)).
        unsafe { libc::madvise(first, length, libc::MADV_DONTNEED) };
    }
}
