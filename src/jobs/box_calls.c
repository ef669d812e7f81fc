// A list of what is refused, not of what is allowed: codecs, engines and drivers of others make calls that
// nobody here knows, and new ones with each version.
#include "jobs/box_calls.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "base/mem.h"

#if defined(__x86_64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define REFUSE_CALL(nr, err) IF((nr), 0, 1), REFUSE(err)

enum { X32 = 0x40000000 };

// Sanitizers look for leaks by tracing themselves.
#ifdef __SANITIZE_ADDRESS__
#define OTHER_PROCESSES REFUSE_CALL(SYS_process_vm_writev, EPERM)
#else
#define OTHER_PROCESSES REFUSE_CALL(SYS_ptrace, EPERM), REFUSE_CALL(SYS_process_vm_writev, EPERM)
#endif

// The machine as somebody else's: its file systems, time, modules, other processes, other users' rooms.
#define OF_THE_MACHINE                                                                                       \
    REFUSE_CALL(SYS_mount, EPERM), REFUSE_CALL(SYS_umount2, EPERM), REFUSE_CALL(SYS_pivot_root, EPERM),      \
        REFUSE_CALL(SYS_chroot, EPERM), REFUSE_CALL(SYS_swapon, EPERM), REFUSE_CALL(SYS_swapoff, EPERM),     \
        REFUSE_CALL(SYS_reboot, EPERM), REFUSE_CALL(SYS_kexec_load, EPERM),                                  \
        REFUSE_CALL(SYS_init_module, EPERM), REFUSE_CALL(SYS_finit_module, EPERM),                           \
        REFUSE_CALL(SYS_delete_module, EPERM), REFUSE_CALL(SYS_settimeofday, EPERM),                         \
        REFUSE_CALL(SYS_clock_settime, EPERM), REFUSE_CALL(SYS_adjtimex, EPERM),                             \
        REFUSE_CALL(SYS_acct, EPERM), REFUSE_CALL(SYS_quotactl, EPERM), REFUSE_CALL(SYS_sethostname, EPERM), \
        REFUSE_CALL(SYS_setdomainname, EPERM), REFUSE_CALL(SYS_syslog, EPERM), REFUSE_CALL(SYS_bpf, EPERM),  \
        OTHER_PROCESSES, REFUSE_CALL(SYS_setns, EPERM), REFUSE_CALL(SYS_unshare, EPERM),                     \
        REFUSE_CALL(SYS_add_key, EPERM), REFUSE_CALL(SYS_request_key, EPERM),                                \
        REFUSE_CALL(SYS_keyctl, EPERM), REFUSE_CALL(SYS_open_by_handle_at, EPERM),                           \
        REFUSE_CALL(SYS_userfaultfd, EPERM), REFUSE_CALL(SYS_perf_event_open, EPERM),                        \
        REFUSE_CALL(SYS_vhangup, EPERM)

// Its calls go past this filter; who uses it does without where it is not there.
enum { NR_IO_URING_SETUP = 425, NR_OPEN_TREE = 428, NR_MOVE_MOUNT = 429, NR_FSOPEN = 430, NR_FSMOUNT = 432 };
#define NEWER                                                                 \
    REFUSE_CALL(NR_IO_URING_SETUP, ENOSYS), REFUSE_CALL(NR_OPEN_TREE, EPERM), \
        REFUSE_CALL(NR_MOVE_MOUNT, EPERM), REFUSE_CALL(NR_FSOPEN, EPERM), REFUSE_CALL(NR_FSMOUNT, EPERM)

// Calls of another kind of program on this machine have other numbers.
#ifdef __x86_64__
#define NUMBERS                                                                                          \
    LOAD(arch), IF(ARCH, 1, 0), REFUSE(EPERM), LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1), \
        REFUSE(ENOSYS)
#else
#define NUMBERS LOAD(arch), IF(ARCH, 1, 0), REFUSE(EPERM), LOAD(nr)
#endif

static struct sock_filter with_network[] = {NUMBERS, OF_THE_MACHINE, NEWER, ALLOW};
static struct sock_filter with_local[] = {
    NUMBERS,       OF_THE_MACHINE,    NEWER,          IF(SYS_socket, 0, 3),
    LOAD(args[0]), IF(AF_UNIX, 1, 0), REFUSE(EACCES), ALLOW};
static struct sock_filter with_none[] = {NUMBERS, OF_THE_MACHINE, NEWER, REFUSE_CALL(SYS_socket, EACCES),
                                         ALLOW};

bool ta_box_calls_known(void)
{
    return prctl(PR_GET_SECCOMP) >= 0;
}

bool ta_box_calls_enter(bool network, bool local)
{
    struct sock_fprog program = {TA_COUNT(with_none), with_none};
    if (network)
        program = (struct sock_fprog){TA_COUNT(with_network), with_network};
    else if (local)
        program = (struct sock_fprog){TA_COUNT(with_local), with_local};
    return !ta_box_calls_known() || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ||
           errno == EINVAL;
}

#else

bool ta_box_calls_known(void)
{
    return false;
}

bool ta_box_calls_enter(bool network, bool local)
{
    (void)network, (void)local;
    return true;
}

#endif
