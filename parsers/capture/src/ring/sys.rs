//! The system calls of packet(7) and capabilities(7) behind safe functions. All unsafe code of the project is in this file and in `bypass/bpf.rs`.
//!
//! A ring's block belongs to the kernel or to us, as its status word says (Documentation/networking/packet_mmap.rst); the
//! borrow checker does the rest, because a block is lent out of a `&mut` mapping and given back through another.
#![allow(unsafe_code)]

use libc::{c_int, c_void, socklen_t};
use std::ffi::CString;
use std::io;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// `status` in struct tpacket_block_desc; what follows it is the block as we read it.
const STATUS: usize = 8;
pub const BEHIND_STATUS: usize = 12;

fn done(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An AF_PACKET socket that receives nothing until it is bound.
pub fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointers.
    let fd = done(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor was just made and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// setsockopt(2) at SOL_PACKET with a plain C value.
pub fn set<T: Copy>(fd: &OwnedFd, option: c_int, value: &T) -> io::Result<()> {
    let (at, length) = (std::ptr::from_ref(value).cast::<c_void>(), size_of_val(value) as socklen_t);
    // SAFETY: the kernel reads `length` bytes at `at`, which is a live value of that size.
    done(unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_PACKET, option, at, length) }).map(drop)
}

/// PACKET_STATISTICS: packets (those dropped included), drops, freezes since the last call.
pub fn statistics(fd: &OwnedFd) -> io::Result<[u32; 3]> {
    get(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS)
}

/// SO_ERROR, which reading clears; 0 is none.
pub fn pending_error(fd: &OwnedFd) -> io::Result<i32> {
    get::<1>(fd, libc::SOL_SOCKET, libc::SO_ERROR).map(|[error]| error as i32)
}

fn get<const N: usize>(fd: &OwnedFd, level: c_int, option: c_int) -> io::Result<[u32; N]> {
    let mut value = [0u32; N];
    let mut length = size_of_val(&value) as socklen_t;
    let at = value.as_mut_ptr().cast::<c_void>();
    // SAFETY: the kernel writes at most `length` bytes at `at`, which is an array of that size.
    done(unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, at, &raw mut length) })?;
    Ok(value)
}

/// Receives every protocol from the interface; index 0 is all interfaces, also those that come later.
pub fn bind(fd: &OwnedFd, interface: i32) -> io::Result<()> {
    // SAFETY: all zeroes is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = interface;
    let at = (&raw const address).cast::<libc::sockaddr>();
    // SAFETY: the kernel reads a sockaddr_ll of the size given.
    done(unsafe { libc::bind(fd.as_raw_fd(), at, size_of::<libc::sockaddr_ll>() as socklen_t) }).map(drop)
}

/// The number of an interface, None if there is none of this name.
pub fn interface_index(name: &str) -> Option<i32> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is a string that ends with NUL and outlives the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index as i32)
}

/// Waits until one of the sockets has a block or an error, or the time is over. A signal ends it early.
pub fn wait(sockets: &[RawFd], milliseconds: i32) {
    let mut polled: Vec<_> =
        sockets.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    // SAFETY: the kernel reads and writes `len` entries of the vector, which is alive. Failing is as good as being early.
    unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, milliseconds) };
}

/// The blocks of a ring in memory that is shared with the kernel.
pub struct Mapping {
    at: NonNull<u8>,
    block: usize,
    blocks: usize,
}

// SAFETY: the memory belongs to the mapping alone, and blocks are lent by `&mut self` only.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the ring that PACKET_RX_RING made on the socket, of as many blocks and of this size.
    pub fn new(fd: &OwnedFd, block: usize, blocks: usize) -> io::Result<Self> {
        let (protection, fd) = (libc::PROT_READ | libc::PROT_WRITE, fd.as_raw_fd());
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), block * blocks, protection, libc::MAP_SHARED, fd, 0) };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let at = NonNull::new(at.cast::<u8>()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { at, block, blocks })
    }

    fn status(&self, number: usize) -> &AtomicU32 {
        assert!(number < self.blocks);
        // SAFETY: block `number` lies inside the mapping, begins on a page, and its status word is only used atomically.
        unsafe { &*self.at.as_ptr().add(number * self.block + STATUS).cast::<AtomicU32>() }
    }

    /// Whether the kernel has filled block `number` and handed it over.
    pub fn is_ours(&self, number: usize) -> bool {
        self.status(number).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Block `number` behind its status word; empty while it is the kernel's.
    pub fn block(&mut self, number: usize) -> &mut [u8] {
        if !self.is_ours(number) {
            return &mut [];
        }
        // SAFETY: inside the mapping; the kernel leaves a block alone while its status says that it is ours, and nobody else
        // of us has it because of `&mut self`. `is_ours` acquired what the kernel wrote.
        unsafe {
            let start = self.at.as_ptr().add(number * self.block + BEHIND_STATUS);
            std::slice::from_raw_parts_mut(start, self.block - BEHIND_STATUS)
        }
    }

    /// The same to look at, for frames of a block that was not released since.
    pub fn held(&self, number: usize) -> &[u8] {
        if !self.is_ours(number) {
            return &[];
        }
        // SAFETY: as in `block`; `release` takes `&mut self`, so the kernel cannot get it back while this is lent.
        unsafe {
            let start = self.at.as_ptr().add(number * self.block + BEHIND_STATUS);
            std::slice::from_raw_parts(start, self.block - BEHIND_STATUS)
        }
    }

    /// Gives block `number` back to the kernel.
    pub fn release(&mut self, number: usize) {
        self.status(number).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: this is the mapping made in `new`, and nothing borrows from it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.block * self.blocks) };
    }
}

/// Gives up every capability of this thread for good: ambient, bounding (as far as that is allowed), effective, permitted and
/// inheritable, and the chance of new ones by exec. Threads that exist already keep theirs, so it is done before any starts.
pub fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522; // linux/capability.h
    const CAPABILITIES: u64 = 64; // more than there are: asking for one too many fails harmlessly
    no_new_rights()?;
    // SAFETY: these operations of prctl(2) take numbers only.
    unsafe {
        done(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))?;
        for capability in 0..CAPABILITIES {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [[0u32; 3]; 2];
    // SAFETY: capset(2) reads a header and, by version 3, two triples of words; both are alive.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    done(result as c_int).map(drop)
}

/// No program that is run from here on has more rights than this thread, whatever its file says.
pub fn no_new_rights() -> io::Result<()> {
    // SAFETY: this operation of prctl(2) takes numbers only.
    done(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}

/// Puts this thread under a seccomp filter, for good.
pub fn filter_system_calls(code: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: code.len() as u16, filter: code.as_ptr().cast_mut() };
    // SAFETY: the kernel reads `len` instructions, which outlive the call, checks them and keeps a copy.
    done(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) }).map(drop)
}

/// For a process that reads captures and ends when that is done: memory is had once and kept, and what the first work takes is had in
/// large pages, where the kernel gives them to who asks (`/sys/kernel/mm/transparent_hugepage/enabled`). Each small page that is touched for
/// the first time is a fault, and what is given back has to be cleared before it can be had again, which interrupts the processors of
/// all other threads.
///
/// Once is enough.
pub fn keep_memory() {
    #[cfg(target_env = "gnu")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(ask_for_large_pages);
    }
}

#[cfg(target_env = "gnu")]
fn ask_for_large_pages() {
    // What most captures take, and little enough that half a large page more does not matter.
    const IN_LARGE_PAGES: usize = 32 << 20;
    const PAGE: usize = 4096;
    // More than what is free at the end of the heap, after a few; and less than what is had in another way.
    const BLOCK: usize = 100 << 10;
    let set = |parameter, value: usize| {
        // SAFETY: sets a number, under the allocator's own lock.
        unsafe { libc::mallopt(parameter, value as libc::c_int) }
    };
    // The most that glibc takes; and what a core, with its records of a step, gives back at once.
    set(libc::M_MMAP_THRESHOLD, 32 << 20);
    set(libc::M_TRIM_THRESHOLD, 64 << 20);
    set(libc::M_TOP_PAD, IN_LARGE_PAGES);
    // SAFETY: asks where the heap ends, and moves nothing.
    let end = || unsafe { libc::sbrk(0) }.addr();
    let before = end();
    // It grows once something does not fit any more.
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    while end() == before && blocks.len() * BLOCK < IN_LARGE_PAGES {
        blocks.push(std::hint::black_box(Vec::with_capacity(BLOCK)));
    }
    let first = before.next_multiple_of(PAGE);
    let length = end().saturating_sub(first);
    // SAFETY: advice changes no content, and this is the part of the heap that just came.
    unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(first), length, libc::MADV_HUGEPAGE) };
    set(libc::M_TOP_PAD, 1 << 20);
}

/// The processors that the calling thread may run on; none if there are more than a set of the C library has places for.
pub fn processors() -> Vec<usize> {
    // SAFETY: all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes at most `size_of_val` bytes at `set`, which is that large.
    if unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) } != 0 {
        return Vec::new();
    }
    // SAFETY: only looks into the set, at places that it has.
    (0..libc::CPU_SETSIZE as usize).filter(|at| unsafe { libc::CPU_ISSET(*at, &set) }).collect()
}

/// Keeps the calling thread on these processors, if that is allowed.
pub fn stay_on(processors: &[usize]) {
    // SAFETY: all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for at in processors.iter().filter(|at| **at < libc::CPU_SETSIZE as usize) {
        // SAFETY: the set has this place.
        unsafe { libc::CPU_SET(*at, &mut set) };
    }
    // SAFETY: the kernel reads `size_of_val` bytes at `set`, which is that large.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}
