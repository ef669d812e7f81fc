#include "perf/trial_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "recipe/folders.h"

char *ta_trial_path(const struct ta_trial *t, const char *name)
{
    return ta_path_join(t->dir, name);
}

// The folder of configuration NAME with such a tuning file.
static int make_configuration(const struct ta_trial *t, const char *name, const char *tuning, char **out)
{
    char *home = ta_trial_path(t, name), *dir = ta_path_join(home, "terminalai");
    char *file = ta_path_join(dir, "tuning.yaml");
    int err = 0;
    if (access(file, F_OK) < 0) {
        err = ta_dir_create(home, t->log);
        if (err >= 0)
            err = ta_dir_create(dir, t->log);
        if (err >= 0)
            err = ta_file_write_atomic(file, tuning, strlen(tuning), t->log);
    }
    free(file);
    free(dir);
    *out = home;
    return err;
}

// This process's environment, with folders of the trial's own.
static char **make_environment(const struct ta_trial *t, const char *config)
{
    static const char *const names[] = {"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
                                        "XDG_RUNTIME_DIR"};
    static const char *const without[] = {"XDG_", "TERMINALAI_", NULL};
    char *with[TA_COUNT(names) + 2] = {ta_xprintf("XDG_CONFIG_HOME=%s", config)};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        with[i + 1] = ta_xprintf("%s=%s", names[i], t->dir);
    char **env = ta_environment_for_child(without, (const char *const *)with);
    for (size_t i = 0; i < TA_COUNT(with); i++)
        free(with[i]);
    return env;
}

static pid_t start(const struct ta_trial *t, const char *name, const char *tuning, const char *const *args)
{
    char *config = NULL, *output = ta_trial_path(t, "output"), *messages = ta_trial_path(t, "messages");
    int err = make_configuration(t, name, tuning, &config), count = 0, failed = 0;
    pid_t pid = -1;
    while (args[count])
        count++;
    char **argv = ta_xcalloc((size_t)count + 2, sizeof *argv), **env = make_environment(t, config);
    argv[0] = (char *)t->program;
    memcpy((void *)(argv + 1), (const void *)args, (size_t)count * sizeof *argv);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (err >= 0)
        failed = posix_spawn(&pid, t->program, &actions, NULL, argv, env);
    if (failed) {
        ta_error(t->log, "%s: %s", t->program, ta_errno_text(failed, (char[TA_ERRNO_TEXT]){0}));
        err = ta_error_from_errno(failed);
    }
    posix_spawn_file_actions_destroy(&actions);
    ta_environment_free(env);
    free((void *)argv);
    free(messages);
    free(output);
    free(config);
    return err < 0 ? err : pid;
}

pid_t ta_trial_start(const struct ta_trial *t, const char *without, const char *const *args)
{
    char *name = ta_xprintf("without-%s", without ? without : "nothing");
    char *tuning = without ? ta_xprintf("version: 1\n%s: off\n", without) : ta_xstrdup("version: 1\n");
    pid_t pid = start(t, name, tuning, args);
    free(tuning);
    free(name);
    return pid;
}

static bool was_interrupted(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGHUP;
    return WIFEXITED(status) && WEXITSTATUS(status) == 130;
}

// What it said at last, and its error: both from its JSON, where it was run with --json.
static int fail(const struct ta_trial *t, int status)
{
    char *path = ta_trial_path(t, "messages"), *output = ta_trial_path(t, "output");
    struct ta_buf text = {0};
    json_t *root = json_load_file(output, 0, NULL);
    const json_t *files = json_object_get(root, "files"), *file = files ? json_array_get(files, 0) : root;
    const char *message = ta_json_member_text(file, "message");
    ta_file_read(path, 1 << 20, &text, NULL);
    while (text.size && text.data[text.size - 1] == '\n')
        text.data[--text.size] = 0;
    const char *last = text.size ? strrchr(text.data, '\n') : NULL;
    ta_error(t->log, "a run for the trial has ended with %d: %s",
             WIFEXITED(status) ? WEXITSTATUS(status) : -1,
             *message ? message
             : last   ? last + 1
                      : ta_buf_text(&text));
    int err = ta_error_from_text(ta_json_member_text(file, "error"));
    json_decref(root);
    ta_buf_release(&text);
    free(output);
    free(path);
    return err;
}

static double seconds_of(struct timeval v)
{
    return (double)v.tv_sec + (double)v.tv_usec / 1e6;
}

// `pid` as start() gives it.
static int wait_for(const struct ta_trial *t, pid_t pid, double begun, struct ta_trial_took *took)
{
    struct rusage usage;
    int status = 0;
    if (pid < 0)
        return pid;
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return ta_error_from_errno(errno);
    took->wall = ta_clock_seconds() - begun;
    took->cpu = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    if (was_interrupted(status))
        return TA_ERR_CANCELED;
    return status ? fail(t, status) : 0;
}

int ta_trial_program(const struct ta_trial *t, const char *without, const char *const *args,
                     struct ta_trial_took *took)
{
    double begun = ta_clock_seconds();
    return wait_for(t, ta_trial_start(t, without, args), begun, took);
}

int ta_trial_program_tuned(const struct ta_trial *t, const char *name, const char *tuning,
                           const char *const *args, struct ta_trial_took *took)
{
    double begun = ta_clock_seconds();
    return wait_for(t, start(t, name, tuning, args), begun, took);
}

int ta_trial_make_film(const struct ta_trial *t, const char *name, int width, int height, int frames)
{
    struct ta_buf out = {0};
    ta_buf_printf(&out, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420jpeg\n", width, height);
    for (int f = 0; f < frames; f++) {
        ta_buf_puts(&out, "FRAME\n");
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                ta_buf_putc(&out, (char)(16 + (3 * x + 2 * y + 4 * f) % 200));
        for (int i = 0; i < 2 * ((width + 1) / 2) * ((height + 1) / 2); i++)
            ta_buf_putc(&out, (char)128);
    }
    char *path = ta_trial_path(t, name);
    int err = ta_file_write_atomic(path, out.data, out.size, t->log);
    free(path);
    ta_buf_release(&out);
    return err;
}
