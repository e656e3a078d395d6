//! bpf(2) behind safe functions: a hash map, a socket filter that uses it, and how that gets onto a socket.
#![allow(unsafe_code)]

use super::program::{Instruction, KEY, Value};
use libc::{c_int, c_long, c_void, socklen_t};
use std::io;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

// Commands and kinds of linux/bpf.h.
const MAP_CREATE: c_int = 0;
const MAP_LOOKUP_ELEM: c_int = 1;
const MAP_UPDATE_ELEM: c_int = 2;
const MAP_DELETE_ELEM: c_int = 3;
const PROG_LOAD: c_int = 5;
const MAP_TYPE_HASH: u32 = 1;
/// Memory for a flow is taken when it comes.
const NO_PREALLOC: u32 = 1;
const PROG_TYPE_SOCKET_FILTER: u32 = 1;
const LICENSE: &std::ffi::CStr = c"Apache-2.0";

#[repr(C)]
struct MapAttributes {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

#[repr(C)]
struct ElementAttributes {
    map: u64,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgramAttributes {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
}

/// `T` is the part of union bpf_attr that the command reads; what it points to must be of the sizes that the command takes.
unsafe fn bpf<T>(command: c_int, attributes: &T) -> io::Result<c_int> {
    let at = std::ptr::from_ref(attributes).cast::<c_void>();
    // SAFETY: the kernel reads as many bytes as it is told; that those name valid memory is the caller's to say.
    let result = unsafe { libc::syscall(libc::SYS_bpf, c_long::from(command), at, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as c_int) }
}

fn owned(fd: c_int) -> OwnedFd {
    // SAFETY: only called with a descriptor that the kernel has just made, which nobody else has.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Directions of flows and what was counted of them.
pub struct Map(OwnedFd);

impl Map {
    /// `PermissionDenied` without CAP_BPF.
    pub fn new(max_entries: u32) -> io::Result<Self> {
        let (key_size, value_size) = (KEY as u32, size_of::<Value>() as u32);
        let attributes = MapAttributes { kind: MAP_TYPE_HASH, key_size, value_size, max_entries, flags: NO_PREALLOC };
        // SAFETY: the command follows no pointers.
        unsafe { bpf(MAP_CREATE, &attributes) }.map(|fd| Self(owned(fd)))
    }

    fn element(&self, command: c_int, key: &[u8; KEY], value: &mut Value) -> io::Result<()> {
        let (key, value) = (key.as_ptr() as u64, std::ptr::from_mut(value) as u64);
        let attributes = ElementAttributes { map: self.0.as_raw_fd() as u64, key, value, flags: 0 };
        // SAFETY: key and value are alive and of the sizes with which the map was made; the value may be written.
        unsafe { bpf(command, &attributes) }.map(drop)
    }

    /// Fails with E2BIG where the map is full, `PermissionDenied` where kernels before 5.19 want CAP_BPF for that too.
    pub fn put(&self, key: &[u8; KEY], mut value: Value) -> io::Result<()> {
        self.element(MAP_UPDATE_ELEM, key, &mut value)
    }

    pub fn get(&self, key: &[u8; KEY]) -> Option<Value> {
        let mut value = Value::default();
        self.element(MAP_LOOKUP_ELEM, key, &mut value).ok().map(|()| value)
    }

    pub fn remove(&self, key: &[u8; KEY]) {
        let _ = self.element(MAP_DELETE_ELEM, key, &mut Value::default());
    }

    pub fn number(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

/// A program that the kernel has verified.
pub struct Filter(OwnedFd);

impl Filter {
    /// `PermissionDenied` without CAP_BPF, `InvalidInput` if the verifier refuses it.
    pub fn load(code: &[Instruction]) -> io::Result<Self> {
        let attributes = ProgramAttributes {
            kind: PROG_TYPE_SOCKET_FILTER,
            instructions: code.len() as u32,
            code: code.as_ptr() as u64,
            license: LICENSE.as_ptr() as u64,
            log_level: 0,
            log_size: 0,
            log: 0,
        };
        // SAFETY: code and licence are alive, the one of that many instructions, the other ends with NUL; no log is asked for.
        unsafe { bpf(PROG_LOAD, &attributes) }.map(|fd| Self(owned(fd)))
    }

    /// What reaches the socket goes through it from now on.
    pub fn attach(&self, socket: &OwnedFd) -> io::Result<()> {
        let program = self.0.as_raw_fd();
        let (at, length) = ((&raw const program).cast::<c_void>(), size_of_val(&program) as socklen_t);
        // SAFETY: the kernel reads one descriptor at `at`.
        let result = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_BPF, at, length) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// CLOCK_MONOTONIC and CLOCK_REALTIME, ns.
pub fn clocks() -> [u64; 2] {
    [libc::CLOCK_MONOTONIC, libc::CLOCK_REALTIME].map(|clock| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel writes one timespec.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    })
}
