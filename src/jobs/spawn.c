#include "jobs/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "jobs/box.h"
#include "jobs/limits.h"
#include "jobs/worker.h"

// In the child, where only what is safe after a fork in a process with threads may be called.
static void become(const struct ta_spawn *s, const struct ta_box_ready *box, pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) // it ended before the line above
        _exit(1);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setpgid(0, 0); // Ctrl-C in a terminal is for the service, which stops its children in order
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (s->nice > 0)
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + s->nice);
    if (s->limits)
        ta_limited_enter(s->limits);
    // When memory runs out it is a worker that goes, whose job is tried again.
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t ignored = score >= 0 ? write(score, "500", 3) : 0;
    (void)ignored;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (s->output >= 0 || null >= 0)
        dup2(s->output >= 0 ? s->output : null, STDOUT_FILENO);
    if (s->output >= 0 && null >= 0) // what a command says for people
        dup2(null, STDERR_FILENO);
    if (s->socket == TA_WORKER_FD)
        fcntl(s->socket, F_SETFD, 0);
    else if (s->socket >= 0)
        dup2(s->socket, TA_WORKER_FD);
    if (!box || ta_box_enter(box))
        execv(s->command[0], s->command);
    _exit(127);
}

pid_t ta_spawn(const struct ta_spawn *s, struct ta_log *log)
{
    struct ta_box_ready box = {.ruleset = -1};
    if (s->box)
        ta_box_make(&box, s->box, log);
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        become(s, s->box ? &box : NULL, self);
    ta_box_ready_release(&box);
    if (pid > 0)
        return pid;
    ta_error(log, "a worker can't be started: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    return TA_ERR_LIMIT;
}

int ta_spawn_end(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL); // nothing of it goes on, whatever it is doing
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
