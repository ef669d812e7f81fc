#include "jobs/box.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "jobs/box_calls.h"

// ---- lists of paths ----

static void add(char ***list, int *count, const char *path)
{
    char real[PATH_MAX];
    if (!path || !*path)
        return;
    if (realpath(path, real))
        path = real;
    for (int i = 0; i < *count; i++)
        if (!strcmp((*list)[i], path))
            return;
    *list = ta_xrealloc(*list, (size_t)(*count + 1) * sizeof(**list));
    (*list)[(*count)++] = ta_xstrdup(path);
}

void ta_box_read(struct ta_box *box, const char *path)
{
    add(&box->reads, &box->read_count, path);
}

void ta_box_write(struct ta_box *box, const char *path)
{
    add(&box->writes, &box->write_count, path);
}

void ta_box_set_place(struct ta_box *box, const char *path)
{
    free(box->place);
    box->place = realpath(path, NULL);
}

void ta_box_release(struct ta_box *box)
{
    free(box->place);
    free(box->work);
    for (int i = 0; i < box->read_count; i++)
        free(box->reads[i]);
    for (int i = 0; i < box->write_count; i++)
        free(box->writes[i]);
    free(box->reads);
    free(box->writes);
    *box = (struct ta_box){0};
}

static bool holds(char *const *list, int count, const char *path)
{
    for (int i = 0; i < count; i++) {
        size_t n = strlen(list[i]);
        if (!strncmp(path, list[i], n) && (!path[n] || path[n] == '/' || list[i][n - 1] == '/'))
            return true;
    }
    return false;
}

bool ta_box_covers(const struct ta_box *have, const struct ta_box *want)
{
    for (int i = 0; i < want->write_count; i++)
        if (!holds(have->writes, have->write_count, want->writes[i]))
            return false;
    for (int i = 0; i < want->read_count; i++)
        if (!holds(have->reads, have->read_count, want->reads[i]) &&
            !holds(have->writes, have->write_count, want->reads[i]))
            return false;
    if (want->place && !holds(have->writes, have->write_count, want->place))
        return false;
    return (have->devices || !want->devices) && (have->network || !want->network) &&
           (have->programs || !want->programs);
}

// ---- Landlock ----
//
// Its numbers are part of the kernel's promise to programs; the headers of older systems lack the newer ones.

enum {
    RULE_PATH_BENEATH = 1,
    FILES_ORDERED = 2,  // of its versions: the first with which files can be renamed
    TRUNCATE_SINCE = 3, // and since when it knows the others
    NET_SINCE = 4,
    IOCTL_SINCE = 5,
    SCOPE_SINCE = 6,
};
#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE (1ull << 5)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_MAKE_SYM (1ull << 12)
#define FS_REFER (1ull << 13)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define FS_BASIC ((1ull << 14) - 1) // all of version 2
#define NET_TCP 3ull                // binding, connecting
#define SCOPE_ALL 3ull              // abstract sockets, signals

struct ruleset {
    uint64_t fs, net, scoped;
};
struct path_rule {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

// The system calls have the same numbers everywhere.
enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };

static int landlock_version(void)
{
    return (int)syscall(NR_CREATE_RULESET, NULL, 0, 1);
}

const char *ta_box_gaps(void)
{
    int version = landlock_version();
    bool calls = ta_box_calls_known();
    if (version >= FILES_ORDERED && calls)
        return "";
    if (calls)
        return version < 0
                   ? "this kernel has no Landlock (or it is switched off): workers reach all files of this user"
                   : "this kernel's Landlock is too old (Linux 5.19 is needed): workers reach all files of "
                     "this user";
    return version >= FILES_ORDERED
               ? "calls of workers to the kernel are not restricted on this machine"
               : "this kernel has no Landlock, and calls of workers to it are not restricted";
}

#define READ (FS_READ_FILE | FS_READ_DIR)
#define WRITE                                                                                                \
    (READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_REFER | \
     FS_TRUNCATE)
#define PLACE (FS_READ_DIR | FS_MAKE_REG | FS_REFER | FS_REMOVE_DIR)
#define DEVICE (READ | FS_WRITE_FILE | FS_IOCTL_DEV)
#define ON_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

// What the program may do with the file or folder; one that is not there is passed over.
static void allow(int ruleset, uint64_t handled, const char *path, uint64_t access)
{
    struct stat st;
    struct path_rule rule = {access & handled, open(path, O_PATH | O_CLOEXEC)};
    if (rule.fd < 0)
        return;
    if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.access &= ON_FILE;
    syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.fd);
}

static void allow_all(int ruleset, uint64_t handled, const char *const *paths, uint64_t access)
{
    for (; *paths; paths++) {
        glob_t found;
        if (!strchr(*paths, '*'))
            allow(ruleset, handled, *paths, access);
        else if (glob(*paths, GLOB_NOSORT, NULL, &found) == 0) {
            for (size_t i = 0; i < found.gl_pathc; i++)
                allow(ruleset, handled, found.gl_pathv[i], access);
            globfree(&found);
        }
    }
}

// The program, the loader and the libraries, wherever they lie: what is mapped here is what it will map. Of a
// file that was replaced since, by an update, the new one.
static void allow_self(int ruleset, uint64_t handled)
{
    static const char gone[] = " (deleted)";
    char line[PATH_MAX + 128], last[PATH_MAX] = "";
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof(line), maps)) {
        char *path = strchr(line, '/');
        if (!path)
            continue;
        size_t n = strcspn(path, "\n");
        if (n > strlen(gone) && !strncmp(path + n - strlen(gone), gone, strlen(gone)))
            n -= strlen(gone);
        path[n] = '\0';
        if (strcmp(path, last) != 0)
            allow(ruleset, handled, path, FS_READ_FILE | FS_EXECUTE);
        snprintf(last, sizeof(last), "%s", path);
    }
    if (maps)
        fclose(maps);
}

static const char *const system_reads[] = {"/usr",
                                           "/lib",
                                           "/lib32",
                                           "/lib64",
                                           "/opt",
                                           "/nix/store",
                                           "/gnu/store",
                                           "/proc",
                                           "/sys",
                                           "/run/opengl-driver",
                                           "/run/opengl-driver-32",
                                           "/etc/ld.so.cache",
                                           "/etc/ld.so.preload",
                                           "/etc/ld.so.conf",
                                           "/etc/ld.so.conf.d",
                                           "/etc/alternatives",
                                           "/etc/localtime",
                                           "/etc/timezone",
                                           "/etc/gnutls",
                                           "/etc/gcrypt",
                                           "/etc/ssl/openssl.cnf",
                                           "/etc/fonts",
                                           "/dev/zero",
                                           "/dev/full",
                                           "/dev/random",
                                           "/dev/urandom",
                                           NULL};
static const char *const device_reads[] = {"/etc",
                                           "/var/lib/dbus/machine-id",
                                           "/run/nvidia-persistenced",
                                           "/run/nvidia-fabricmanager",
                                           "/tmp/nvidia-mps",
                                           NULL};
// Of graphics cards, accelerators and encoders, by the names that their drivers give them.
static const char *const devices[] = {
    "/dev/dri",    "/dev/nvidia*", "/dev/nvidia-caps", "/dev/nvhost*", "/dev/nvmap",    "/dev/kfd",
    "/dev/dxg",    "/dev/accel*",  "/dev/mali*",       "/dev/udmabuf", "/dev/dma_heap", "/dev/video*",
    "/dev/media*", "/dev/shm",     "/dev/mem_*",       "/dev/ipu*",    "/dev/hailo*",   NULL};
static const char *const network_reads[] = {"/etc",
                                            "/run/systemd/resolve",
                                            "/run/resolvconf",
                                            "/run/NetworkManager",
                                            "/run/nscd",
                                            "/var/lib/ca-certificates",
                                            NULL};
static const char *const program_reads[] = {"/usr", "/bin",       "/sbin",      "/lib",  "/lib64",
                                            "/opt", "/nix/store", "/gnu/store", "/snap", NULL};

void ta_box_make(struct ta_box_ready *out, const struct ta_box *box, struct ta_log *log)
{
    int version = landlock_version();
    uint64_t handled = FS_BASIC | (version >= TRUNCATE_SINCE ? FS_TRUNCATE : 0) |
                       (version >= IOCTL_SINCE ? FS_IOCTL_DEV : 0);
    struct ruleset set = {
        .fs = handled,
        .net = version >= NET_SINCE && !box->network ? NET_TCP : 0,
        // Libraries of devices speak with services by abstract sockets, and programs by signals.
        .scoped = version >= SCOPE_SINCE && !box->devices && !box->network ? SCOPE_ALL : 0};
    size_t size = version >= SCOPE_SINCE ? sizeof(set) : version >= NET_SINCE ? 16 : 8;
    *out = (struct ta_box_ready){.ruleset = -1, .network = box->network, .devices = box->devices};
    if (version < FILES_ORDERED)
        return;
    int fd = (int)syscall(NR_CREATE_RULESET, &set, size, 0);
    if (fd < 0) {
        ta_warn(log, "a worker's files can't be restricted: %s", strerror(errno));
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    allow_self(fd, handled);
    allow_all(fd, handled, system_reads, READ);
    allow(fd, handled, "/dev/null", FS_READ_FILE | FS_WRITE_FILE);
    if (box->devices) {
        allow_all(fd, handled, device_reads, READ);
        allow_all(fd, handled, devices, DEVICE);
        allow(fd, handled, "/dev/shm", WRITE);
    }
    if (box->network)
        allow_all(fd, handled, network_reads, READ);
    if (box->programs)
        allow_all(fd, handled, program_reads, READ | FS_EXECUTE);
    for (int i = 0; i < box->read_count; i++)
        allow(fd, handled, box->reads[i], READ | (box->programs ? FS_EXECUTE : 0));
    for (int i = 0; i < box->write_count; i++)
        allow(fd, handled, box->writes[i], WRITE | (box->programs ? FS_EXECUTE : 0));
    if (box->place)
        allow(fd, handled, box->place, PLACE | (box->replaces ? FS_REMOVE : 0));
    out->ruleset = fd;
}

void ta_box_ready_release(struct ta_box_ready *ready)
{
    if (ready->ruleset >= 0)
        close(ready->ruleset);
    ready->ruleset = -1;
}

bool ta_box_enter(const struct ta_box_ready *ready)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none); // a core would hold pictures of somebody's tapes
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return false;
    if (ready->ruleset >= 0 && syscall(NR_RESTRICT_SELF, ready->ruleset, 0) < 0)
        return false;
    return ta_box_calls_enter(ready->network, ready->devices);
}
