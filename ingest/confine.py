"""A process gives up what parsing does not need: memory, files, network, other processes.

Works without root. Limits hold on every Unix; no network and no writing on Linux (x86-64, ARM64).
"""

import ctypes
import os
import platform
import resource
import signal
import struct

MEMORY_BYTES = 2**30  # of address space, so of resident memory too: a promise, see D2
OPEN_FILES = 64
ALL_LIMITS = frozenset({"memory", "core", "files", "no-writing", "no-network", "no-processes"})

# System calls by machine: (audit architecture, numbers to refuse, clone, clone3).
# To refuse: socket connect bind sendto sendmsg fork vfork execve execveat kill ptrace
# process_vm_readv process_vm_writev pidfd_open pidfd_send_signal pidfd_getfd io_uring_setup
_SHARED = (434, 424, 438, 425)
_MACHINES = {
    "x86_64": (
        0xC000003E,
        (41, 42, 49, 44, 46, 57, 58, 59, 322, 62, 101, 310, 311, *_SHARED),
        56,
        435,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 200, 206, 211, 221, 281, 129, 117, 270, 271, *_SHARED),
        220,
        435,
    ),
}
_X32 = 0x40000000  # the second set of numbers that x86-64 has for the same calls
_THREAD = 0x00010000  # CLONE_THREAD

_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of classic BPF
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_EPERM, _ENOSYS = 1, 38

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446  # on every machine
_ALL_WRITING = 0b1_1111_1111_0010  # of landlock: write, remove, make; reading is not handled


def confine() -> frozenset[str]:
    """Lay every limit on this process, for good; return which of ALL_LIMITS hold."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # pipes are no files
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        resource.setrlimit(limit, (value, value))
    holds = {"memory", "core", "files"}
    if platform.system() != "Linux":
        return frozenset(holds)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        holds |= {"no-writing"} if _refuse_writing(libc) else set()
        holds |= {"no-network", "no-processes"} if _refuse_calls(libc) else set()
    return frozenset(holds)


def allow_time(wall_s: float, cpu_s: float) -> None:
    """Let this process be killed by the kernel when the time for the next document is over.

    The parent process kills it before; this is for when that is dead.
    """
    signal.alarm(int(wall_s) + 5)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + cpu_s) + 1, hard))


def _refuse_writing(libc: ctypes.CDLL) -> bool:
    handled = ctypes.c_uint64(_ALL_WRITING)
    rules = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if rules < 0:
        return False  # a kernel before 5.13, or one built without it
    try:
        return bool(libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _refuse_calls(libc: ctypes.CDLL) -> bool:
    if platform.machine() not in _MACHINES:
        return False
    program = filter_program(platform.machine())
    code = ctypes.create_string_buffer(program, len(program))
    fprog = ctypes.create_string_buffer(
        struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    )
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, fprog, 0, 0) == 0)


def filter_program(machine: str) -> bytes:
    """Return the seccomp filter: refused calls fail with EPERM, a foreign call table kills.

    clone may make threads, not processes; clone3, whose flags a filter cannot see, says it does
    not exist, upon which the C library takes clone.
    """
    architecture, refused, clone, clone3 = _MACHINES[machine]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for number in refused:
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | _EPERM)]
    program += [
        (_EQUAL, 0, 3, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_HAS_BIT, 1, 0, _THREAD),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("@HBBI", *instruction) for instruction in program)
