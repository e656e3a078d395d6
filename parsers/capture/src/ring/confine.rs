//! What the thread that looks at packets may not do, whatever a packet makes it do: a seccomp filter (seccomp(2)), in which every
//! instruction is data. It names what is refused, with EPERM, and not what is used: Python and the C library would make a list of
//! those a guess that the next version of either breaks.

use super::sys;
use libc::{c_long, seccomp_data, sock_filter};
use std::io;
use std::mem::offset_of;

/// `AUDIT_ARCH_…` of linux/audit.h: system calls have other numbers elsewhere.
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

/// From here on x86-64 has the numbers of x32; other machines have none so large.
const X32: u32 = 0x4000_0000;

/// To run programs, to reach the network or other processes, and what has opened kernels before.
#[rustfmt::skip]
const REFUSED: [c_long; 27] = [
    libc::SYS_execve, libc::SYS_execveat,
    libc::SYS_connect, libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4,
    libc::SYS_kill, libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd, libc::SYS_kcmp,
    libc::SYS_unshare, libc::SYS_setns, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot,
    libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl,
    libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_io_uring_setup, libc::SYS_init_module, libc::SYS_finit_module,
];

const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JUMP_IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

/// The filter stays until this thread ends, and is that of threads which it starts from now on. `PR_SET_NO_NEW_PRIVS` has to be set.
/// `Unsupported` on machines of other kinds, `InvalidInput` if the kernel has no such filters.
pub fn confine() -> io::Result<()> {
    let architecture = ARCHITECTURE.ok_or(io::ErrorKind::Unsupported)?;
    sys::filter_system_calls(&program(architecture))
}

fn program(architecture: u32) -> Vec<sock_filter> {
    let load = |offset: usize| one(LOAD, offset as u32, 0, 0);
    let refuse = one(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, 0, 0);
    // Over how many instructions to go if it is so, and if not.
    let equal = |value: u32, yes, no| one(JUMP_IF_EQUAL, value, yes, no);
    let mut code = vec![load(offset_of!(seccomp_data, arch)), equal(architecture, 1, 0), refuse];
    code.extend([load(offset_of!(seccomp_data, nr)), one(JUMP_IF_AT_LEAST, X32, 0, 1), refuse]);
    for number in REFUSED {
        code.extend([equal(number as u32, 0, 1), refuse]);
    }
    // The number of an interface is asked for through a local socket; there is no use for another.
    code.extend([equal(libc::SYS_socket as u32, 0, 3), load(offset_of!(seccomp_data, args))]);
    code.extend([equal(libc::AF_UNIX as u32, 1, 0), refuse, one(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0)]);
    code
}

fn one(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::thread;

    #[test]
    fn a_confined_thread_reads_and_computes_and_reaches_nobody() {
        let before = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let confined = move || {
            sys::no_new_rights().expect("no right is wanted for that");
            if let Err(error) = confine() {
                return assert!(matches!(error.kind(), io::ErrorKind::Unsupported), "{error}");
            }
            let refused = Some(libc::EPERM);
            assert_eq!(Command::new("/bin/true").status().expect_err("no program").raw_os_error(), refused);
            assert_eq!(UdpSocket::bind("127.0.0.1:0").expect_err("no socket").raw_os_error(), refused);
            assert_eq!(before.connect("127.0.0.1:9").expect_err("no peer").raw_os_error(), refused);
            assert!(UnixDatagram::unbound().is_ok());
            assert!(std::fs::read("/proc/self/stat").is_ok());
            assert!(thread::spawn(|| Command::new("/bin/true").status().is_err()).join().expect("a thread"));
        };
        thread::spawn(confined).join().expect("what was asserted");
        assert!(Command::new("/bin/true").status().is_ok(), "other threads are as they were");
    }
}
