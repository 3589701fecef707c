//! The probe: a program that writes the time of CLOCK_MONOTONIC to its stdout, and nothing else. It is
//! static and has no runtime, so that this is the time of its first instruction.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The size of what it writes, a `struct timespec`.
const SIZE: usize = 16;

/// clock_gettime(CLOCK_MONOTONIC, stack); write(1, stack, 16); exit(0).
#[cfg(target_arch = "x86_64")]
const CODE: &[u8] = &[
    0x48, 0x83, 0xec, 0x10, // sub rsp, 16
    0xb8, 228, 0, 0, 0, // mov eax, clock_gettime
    0xbf, 1, 0, 0, 0, // mov edi, CLOCK_MONOTONIC
    0x48, 0x89, 0xe6, // mov rsi, rsp
    0x0f, 0x05, // syscall
    0xb8, 1, 0, 0, 0, // mov eax, write
    0xbf, 1, 0, 0, 0, // mov edi, stdout
    0xba, 16, 0, 0, 0, // mov edx, 16
    0x0f, 0x05, // syscall
    0xb8, 60, 0, 0, 0, // mov eax, exit
    0x31, 0xff, // xor edi, edi
    0x0f, 0x05, // syscall
];
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;

#[cfg(target_arch = "aarch64")]
const CODE: &[u8] = &[
    0xff, 0x43, 0x00, 0xd1, // sub sp, sp, 16
    0x28, 0x0e, 0x80, 0xd2, // mov x8, clock_gettime
    0x20, 0x00, 0x80, 0xd2, // mov x0, CLOCK_MONOTONIC
    0xe1, 0x03, 0x00, 0x91, // mov x1, sp
    0x01, 0x00, 0x00, 0xd4, // svc 0
    0x08, 0x08, 0x80, 0xd2, // mov x8, write
    0x20, 0x00, 0x80, 0xd2, // mov x0, stdout
    0xe1, 0x03, 0x00, 0x91, // mov x1, sp
    0x02, 0x02, 0x80, 0xd2, // mov x2, 16
    0x01, 0x00, 0x00, 0xd4, // svc 0
    0xa8, 0x0b, 0x80, 0xd2, // mov x8, exit
    0x00, 0x00, 0x80, 0xd2, // mov x0, 0
    0x01, 0x00, 0x00, 0xd4, // svc 0
];
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// The headers of the file, elf(5): the ELF header and one program header, for one segment.
const HEADERS: u64 = 64 + 56;
const ADDRESS: u64 = 0x40_0000;

/// Writes the program.
pub(crate) fn write(path: &Path) {
    let size = HEADERS + CODE.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |elf: &mut Vec<u8>, value: u16| elf.extend(value.to_le_bytes());
    let word = |elf: &mut Vec<u8>, value: u32| elf.extend(value.to_le_bytes());
    let long = |elf: &mut Vec<u8>, value: u64| elf.extend(value.to_le_bytes());
    half(&mut elf, 2); // ET_EXEC
    half(&mut elf, MACHINE);
    word(&mut elf, 1);
    long(&mut elf, ADDRESS + HEADERS); // where it begins
    long(&mut elf, 64); // the program header
    long(&mut elf, 0);
    word(&mut elf, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        half(&mut elf, value);
    }
    word(&mut elf, 1); // PT_LOAD
    word(&mut elf, 5); // read and execute
    for value in [0, ADDRESS, ADDRESS, size, size, 0x1000] {
        long(&mut elf, value);
    }
    elf.extend(CODE);
    fs::write(path, elf).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
}

/// The time on the probe's clock.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The times that probes have written.
pub(crate) fn read(written: &[u8]) -> Vec<Duration> {
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("8 bytes"));
    let times = written.chunks_exact(SIZE);
    times
        .map(|time| Duration::new(number(&time[..8]), number(&time[8..]) as u32))
        .collect()
}
