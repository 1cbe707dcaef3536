//! What the helper takes away from itself before a vendor's code runs in it: core dumps, tracing, new privileges, the
//! network, and the programs it could start.

use rustix::{
    fs::{Mode, OFlags},
    process::{DumpableBehavior, Resource, Rlimit, Signal},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::{collections::BTreeMap, io};

/// No core dump, nobody looking into the memory, no way up, and no life without the parent. What the module prints goes
/// nowhere: it must not get between the messages, and it may contain anything.
pub(super) fn harden() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // For whoever looks at the list of processes.
    let _ = rustix::thread::set_name(c"hither-card");

    let nowhere = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok(())
}

/// A process that takes longer than anything honest does, in processor time, is ended.
pub(in crate::card) fn hurry() -> io::Result<()> {
    Ok(rustix::process::setrlimit(Resource::Cpu, Rlimit { current: Some(20), maximum: Some(20) })?)
}

/// Closes whatever the agent was started with by somebody who did not mark it as theirs. Before anything is opened here.
pub(super) fn close_inherited() -> io::Result<()> {
    let names: Vec<_> =
        std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    for number in names.iter().filter_map(|name| name.parse::<i32>().ok()).filter(|number| *number > 2) {
        // The directory's own is among them, and is closed by now.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Takes away the network (but for local sockets: the card service is behind one) unless this module needs it, and the
/// means to start programs or to look into others.
pub(in crate::card) fn enclose(network: bool) -> io::Result<()> {
    let Ok(arch) = std::env::consts::ARCH.try_into() else { return Ok(()) };
    let always = [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        // Its requests pass by every filter of this kind.
        libc::SYS_io_uring_setup,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = always.into_iter().map(|call| (call, Vec::new())).collect();
    if !network {
        let not_local = || {
            let local = u64::try_from(libc::AF_UNIX).unwrap_or_default();
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, local)
                .and_then(|condition| SeccompRule::new(vec![condition]))
                .map_err(io::Error::other)
        };
        rules.insert(libc::SYS_socket, vec![not_local()?]);
    }
    let refused = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    match seccompiler::apply_filter_all_threads(&program) {
        Ok(()) => Ok(()),
        // A kernel or container without filters: the rest of the shelter has to do.
        Err(seccompiler::Error::Prctl(cause) | seccompiler::Error::Seccomp(cause))
            if matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS | libc::EPERM)) =>
        {
            Ok(())
        }
        Err(other) => Err(io::Error::other(other)),
    }
}
