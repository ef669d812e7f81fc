#include "jobs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "recipe/folders.h"

enum { LINE_MAX_BYTES = 64 << 10, ERRORS_KEPT = 4096, TICK_MS = 100, NOT_FOUND = 127 };

struct run {
    const struct ta_program *p;
    pid_t pid;
    int in, out, err, said; // the last: errno of an exec that failed
    size_t sent;
    double begun;
    struct ta_buf line, error_line;
};

// In the child, where only what is safe after a fork in a process with threads may be called.
static void become(const struct ta_program *p, char *const *tries, char *const *environment, const int in[2],
                   const int out[2], const int err[2], const int said[2], pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(NOT_FOUND);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    // Descriptors above the three could be among them: first out of the way.
    int a = fcntl(in[0], F_DUPFD, 10), b = fcntl(out[1], F_DUPFD, 10), c = fcntl(err[1], F_DUPFD, 10),
        d = fcntl(said[1], F_DUPFD_CLOEXEC, 10);
    if (dup2(a, 0) < 0 || dup2(b, 1) < 0 || dup2(c, 2) < 0 || dup2(d, 3) < 0 ||
        fcntl(3, F_SETFD, FD_CLOEXEC) < 0)
        _exit(NOT_FOUND);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 4U, ~0U, 0) < 0)
#endif
        for (int i = 4; i < 1024; i++)
            close(i);
    int code = 0;
    if (p->dir && chdir(p->dir) < 0)
        code = errno;
    for (int i = 0; !code && tries[i]; i++)
        execve(tries[i], p->argv, environment);
    code = code ? code : errno;
    ssize_t ignored = write(3, &code, sizeof(code));
    (void)ignored;
    _exit(NOT_FOUND);
}

// The files that the name may mean, NULL-terminated, one allocation each.
static char **tries_of(const char *name)
{
    const char *path = ta_environment_text("PATH");
    char **tries = ta_xcalloc(1, sizeof(*tries));
    size_t count = 0;
    if (strchr(name, '/')) {
        tries = ta_xrealloc(tries, 2 * sizeof(*tries));
        tries[count++] = ta_xstrdup(name);
    }
    for (const char *at = count || !path ? "" : path; *at;) {
        size_t n = strcspn(at, ":");
        char *full = ta_xprintf("%.*s/%s", (int)n, at, name);
        if (*at == '/' && !access(full, X_OK)) { // never from wherever one happens to be
            tries = ta_xrealloc(tries, (count + 2) * sizeof(*tries));
            tries[count++] = ta_xstrdup(full);
        }
        free(full);
        at += n + (at[n] == ':');
    }
    tries[count] = NULL;
    return tries;
}

static void free_tries(char **tries)
{
    for (int i = 0; tries[i]; i++)
        free(tries[i]);
    free(tries);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start(struct run *r)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, said[2] = {-1, -1};
    char **tries = tries_of(r->p->argv[0]);
    int ret = tries[0] ? 0 : TA_ERR_NOT_FOUND;
    if (!ret && (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
                 pipe2(said, O_CLOEXEC) < 0))
        ret = TA_ERR_LIMIT;
    pid_t self = getpid();
    char *temporary = r->p->temporary ? ta_xprintf("TMPDIR=%s", r->p->temporary) : NULL;
    char **environment = ta_environment_for_child((const char *const[]){temporary ? "TMPDIR=" : NULL, NULL},
                                                  (const char *const[]){temporary, NULL});
    if (!ret) {
        r->pid = fork();
        if (r->pid == 0)
            become(r->p, tries, environment, in, out, err, said, self);
        if (r->pid < 0)
            ret = TA_ERR_LIMIT;
    }
    shut(&in[0]);
    shut(&out[1]);
    shut(&err[1]);
    shut(&said[1]);
    r->in = in[1];
    r->out = out[0];
    r->err = err[0];
    r->said = said[0];
    if (r->in >= 0)
        fcntl(r->in, F_SETFL, O_NONBLOCK);
    free_tries(tries);
    ta_environment_free(environment);
    free(temporary);
    return ret;
}

static void split(struct run *r, struct ta_buf *line, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n' && data[i] != '\r') {
            if (line->size < LINE_MAX_BYTES)
                ta_buf_putc(line, data[i]);
            continue;
        }
        if (line->size && r->p->line)
            r->p->line(r->p->priv, ta_buf_text(line));
        ta_buf_clear(line);
    }
}

static void take_lines(struct run *r, const char *data, size_t size)
{
    split(r, &r->line, data, size);
}

static void take_errors(struct run *r, const char *data, size_t size)
{
    struct ta_buf *b = r->p->errors;
    if (r->p->both)
        split(r, &r->error_line, data, size);
    if (!b)
        return;
    ta_buf_append(b, data, size);
    if (b->size > ERRORS_KEPT) {
        memmove(b->data, b->data + b->size - ERRORS_KEPT, ERRORS_KEPT + 1);
        b->size = ERRORS_KEPT;
    }
}

static void send_input(struct run *r)
{
    const char *text = r->p->input ? r->p->input : "";
    size_t left = strlen(text) - r->sent;
    ssize_t n = left ? write(r->in, text + r->sent, left) : 0;
    if (n > 0)
        r->sent += (size_t)n;
    if (!left || (n < 0 && errno != EAGAIN && errno != EINTR) || r->sent == strlen(text))
        shut(&r->in);
}

// Reads what there is; closes at the end.
static void take(struct run *r, int *fd, void (*use)(struct run *r, const char *data, size_t size))
{
    char data[4096];
    ssize_t n = read(*fd, data, sizeof(data));
    if (n > 0)
        use(r, data, (size_t)n);
    else if (n == 0 || errno != EINTR)
        shut(fd);
}

static int to_end(const struct run *r)
{
    if (r->p->canceled && r->p->canceled(r->p->priv))
        return TA_ERR_CANCELED;
    return r->p->seconds && ta_clock_seconds() - r->begun > r->p->seconds ? TA_ERR_BUSY : 0;
}

// Until it has closed both its outputs and ended, or is to end. 0 and its status, or why it is ended.
static int follow(struct run *r, int *status)
{
    int err = 0;
    while (r->out >= 0 || r->err >= 0) {
        struct pollfd fds[] = {{.fd = r->out, .events = POLLIN},
                               {.fd = r->err, .events = POLLIN},
                               {.fd = r->in, .events = POLLOUT}};
        // timed wait: nobody can wake this for a cancellation, and a limit ends by time
        int wait = r->p->canceled || r->p->seconds ? TICK_MS : -1;
        if (poll(fds, 3, wait) < 0 && errno != EINTR)
            return TA_ERR_LIMIT;
        if (fds[0].revents)
            take(r, &r->out, take_lines);
        if (fds[1].revents)
            take(r, &r->err, take_errors);
        if (r->in >= 0 && fds[2].revents)
            send_input(r);
        if ((err = to_end(r)))
            return err;
    }
    while (waitpid(r->pid, status, WNOHANG) == 0) {
        if ((err = to_end(r)))
            return err;
        // perf-ok(polling-sleep): of a program that has closed its outputs, a few times at most
        poll(NULL, 0, TICK_MS); // timed wait: its end can't be waited for together with a cancellation
    }
    r->pid = 0;
    return 0;
}

bool ta_program_exists(const char *name)
{
    char **tries = tries_of(name);
    bool is = tries[0] != NULL;
    free_tries(tries);
    return is;
}

int ta_program_run(const struct ta_program *p)
{
    struct run r = {.p = p, .in = -1, .out = -1, .err = -1, .said = -1, .begun = ta_clock_seconds()};
    int status = 0, code = 0;
    int err = start(&r);
    if (!err) {
        pid_t group = r.pid;
        err = follow(&r, &status);
        kill(-group, SIGKILL); // and whatever it has left behind
        while (r.pid && waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
            continue;
        if (!err && read(r.said, &code, sizeof(code)) == (ssize_t)sizeof(code))
            err = code == ENOENT || code == EACCES || code == ENOEXEC || code == ENOTDIR ? TA_ERR_NOT_FOUND
                                                                                         : TA_ERR_LIMIT;
    }
    if (!err)
        take_lines(&r, "\n", 1);
    shut(&r.in);
    shut(&r.out);
    shut(&r.err);
    shut(&r.said);
    ta_buf_release(&r.line);
    ta_buf_release(&r.error_line);
    return err ? err : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
