#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1 // maps far more addresses than it uses
#else
#define SANITIZED 0
#endif

enum { MOST_FILES = 64, MOST_DESCRIPTORS = 65536 };

static void limit(int what, rlim_t value)
{
    struct rlimit r;
    if (getrlimit((__typeof__(RLIMIT_CPU))what, &r) < 0)
        return;
    r.rlim_cur = r.rlim_max = r.rlim_max == RLIM_INFINITY ? value : TA_MIN(value, r.rlim_max);
    setrlimit((__typeof__(RLIMIT_CPU))what, &r);
}

// In the child: nothing of the parent's is left open, and nothing can be made.
static void confine(int answer, const struct ta_child_limits *limits)
{
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3 && null >= 0; fd++)
        if (fd != answer)
            dup2(null, fd);
    struct rlimit r = {0};
    getrlimit(RLIMIT_NOFILE, &r);
    int last = (int)TA_MIN(r.rlim_cur, (rlim_t)MOST_DESCRIPTORS);
    for (int fd = 3; fd < last; fd++)
        if (fd != answer)
            close(fd);
    for (int s = 1; s < NSIG; s++) // what the parent does about them is not for a copy of it
        signal(s, SIG_DFL);
#ifdef __linux__
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NOFILE, (rlim_t)TA_MAX(MOST_FILES, answer + 1));
    limit(RLIMIT_CPU, (rlim_t)limits->seconds + 1);
    if (!SANITIZED)
        limit(RLIMIT_AS, (rlim_t)limits->memory_bytes);
}

// All that it says. BUSY when the time is over, FORMAT when it is too much.
static int read_answer(int fd, const struct ta_child_limits *limits, struct ta_buf *out)
{
    double end = ta_clock_seconds() + limits->seconds;
    for (;;) {
        char part[4096];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        double left = (end - ta_clock_seconds()) * 1000;
        // timed wait: what hangs is ended.
        int ready = left > 0 ? poll(&p, 1, (int)TA_MIN(left + 1, 1e6)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return TA_ERR_BUSY;
        ssize_t n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? TA_ERR_IO : 0;
        if (out->size + (size_t)n > limits->answer_bytes)
            return TA_ERR_FORMAT;
        ta_buf_append(out, part, (size_t)n);
    }
}

int ta_child_run(void (*work)(void *priv, int answer), void *priv, const struct ta_child_limits *limits,
                 struct ta_buf *out, struct ta_buf *why)
{
    int ends[2], status = 0;
    if (pipe(ends) < 0) {
        ta_buf_printf(why, "no process can be started: %s", strerror(errno));
        return TA_ERR_LIMIT;
    }
    pid_t child = fork();
    if (child == 0) {
        confine(ends[1], limits);
        work(priv, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (child < 0) {
        ta_buf_printf(why, "no process can be started: %s", strerror(errno));
        close(ends[0]);
        return TA_ERR_LIMIT;
    }
    int err = read_answer(ends[0], limits, out);
    close(ends[0]);
    if (err < 0)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (err == TA_ERR_BUSY || (err >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) {
        ta_buf_printf(why, "it took longer than %d s", limits->seconds);
        return TA_ERR_BUSY;
    }
    if (err < 0) {
        ta_buf_puts(why, "its answer can't be read");
        return TA_ERR_INTERNAL;
    }
    if (WIFSIGNALED(status)) {
        ta_buf_printf(why, "it crashed (%s)", strsignal(WTERMSIG(status)));
        return TA_ERR_DAMAGED;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        ta_buf_puts(why, "it ended before it was done");
        return TA_ERR_DAMAGED;
    }
    return 0;
}
