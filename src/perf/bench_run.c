// The scripts at work: in turns, each with its figures in a file of its own.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/cpu.h"
#include "base/dir.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "perf/bench.h"
#include "recipe/folders.h"

struct run {
    const struct ta_bench_config *config;
    struct ta_log *log;
    char *folder, *build, *figures, *machine;
    json_t *result, *benches, *values;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct run *r, const char *format, ...)
{
    va_list args;
    char text[512];
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (r->config->tell)
        r->config->tell(r->config->priv, text);
}

static char *replaced(const char *text, const char *key, const char *value)
{
    const char *at = strstr(text, key);
    return at ? ta_xprintf("%.*s%s%s", (int)(at - text), text, value, at + strlen(key)) : ta_xstrdup(text);
}

// The command with its places filled; `shown` as people type it in the folder of the sources. An option whose
// value there is not (assets), or that is of no concern to people (figures), goes with its value.
static char **command(const struct run *r, const json_t *row, bool shown)
{
    const struct {
        const char *key, *value;
    } places[] = {{"{program}", shown ? "build/terminalai" : r->config->program},
                  {"{build}", shown ? "build" : r->build},
                  {"{assets}", !r->config->assets ? (shown ? NULL : "none")
                               : shown            ? "ASSETS"
                                                  : r->config->assets},
                  {"{figures}", shown ? NULL : r->figures}};
    const char *const lists[] = {"argv", r->config->quick ? "quick" : "full"};
    char **argv = ta_xcalloc(json_array_size(json_object_get(row, lists[0])) +
                                 json_array_size(json_object_get(row, lists[1])) + 1,
                             sizeof *argv);
    int n = 0;
    for (size_t l = 0; l < TA_COUNT(lists); l++) {
        const json_t *item;
        size_t i;
        json_array_foreach(json_object_get(row, lists[l]), i, item)
        {
            char *text = ta_xstrdup(json_string_value(item));
            bool kept = true;
            for (size_t p = 0; p < TA_COUNT(places) && kept; p++) {
                if (!strstr(text, places[p].key))
                    continue;
                kept = places[p].value != NULL;
                char *full = kept ? replaced(text, places[p].key, places[p].value) : NULL;
                free(text);
                text = full;
            }
            if (kept) {
                argv[n++] = text;
            } else if (n > 1) {
                n--;
                ta_freep(&argv[n]);
            }
        }
    }
    return argv;
}

static void free_command(char **argv)
{
    for (char **a = argv; *a; a++)
        free(*a);
    free((void *)argv);
}

static char *joined(char **argv)
{
    struct ta_buf text = {0};
    for (char **a = argv; *a; a++)
        ta_buf_printf(&text, "%s%s", a == argv ? "" : " ", *a);
    return ta_buf_take(&text);
}

// In the folder of the sources, with its words in `messages`. The status as waitpid() gives it, or TA_ERR_*.
static int execute(const struct run *r, char **argv, const char *messages)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t interrupt;
    pid_t pid;
    int status = 0;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &interrupt);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_addchdir_np(&actions, r->config->source);
    // An interrupt from the terminal goes to the script as well: it ends, and is waited for.
    sigaction(SIGINT, &ignore, &before);
    char **environment = ta_environment_for_child(NULL, NULL);
    int failed = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environment);
    while (!failed && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    sigaction(SIGINT, &before, NULL);
    ta_environment_free(environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (failed) {
        ta_error(r->log, "%s can't be started: %s", argv[0], ta_errno_text(failed, (char[TA_ERRNO_TEXT]){0}));
        return ta_error_from_errno(failed);
    }
    return status;
}

static char *last_line(const char *path)
{
    struct ta_buf text = {0};
    ta_file_read(path, 16 << 20, &text, NULL);
    while (text.size && text.data[text.size - 1] == '\n')
        text.data[--text.size] = 0;
    const char *line = text.size ? strrchr(text.data, '\n') : NULL;
    char *last = ta_xstrdup(line ? line + 1 : ta_buf_text(&text));
    ta_buf_release(&text);
    return last;
}

static json_t *value_of(const struct run *r, const char *bench, const char *name)
{
    json_t *v;
    size_t i;
    json_array_foreach(r->values, i, v) if (!strcmp(ta_json_member_text(v, "bench"), bench) &&
                                            !strcmp(ta_json_member_text(v, "name"), name)) return v;
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return (one > two) - (one < two);
}

static double median(const json_t *samples)
{
    size_t n = json_array_size(samples);
    double *all = ta_xcalloc(n + 1, sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = json_number_value(json_array_get(samples, i));
    qsort(all, n, sizeof *all, by_size);
    double middle = n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
    free(all);
    return middle;
}

static bool take_figure(struct run *r, const json_t *bench, const json_t *f)
{
    const char *name = ta_json_member_text(f, "name"), *better = ta_json_member_text(f, "better");
    const json_t *number = json_object_get(f, "value");
    if (!*name || !json_is_number(number) || !json_is_string(json_object_get(f, "unit")) ||
        (strcmp(better, "less") && strcmp(better, "more") && strcmp(better, "neither")))
        return false;
    const char *of = ta_json_member_text(bench, "name");
    char when[TA_UTC_TEXT];
    json_t *v = value_of(r, of, name);
    ta_utc_text(time(NULL), when);
    if (!v) {
        v = json_pack("{s:s, s:s, s:f, s:s, s:s, s:b, s:[], s:s, s:s, s:s, s:s}", "bench", of, "name", name,
                      "value", 0.0, "unit", ta_json_member_text(f, "unit"), "better", better, "exact",
                      json_is_true(json_object_get(f, "exact")), "samples", "command",
                      ta_json_member_text(bench, "command"), "machine", r->machine, "version", ta_version(),
                      "when", when);
        json_array_append_new(r->values, v);
    }
    json_t *samples = json_object_get(v, "samples");
    json_array_append_new(samples, json_real(json_number_value(number)));
    json_object_set_new(v, "value", json_real(median(samples)));
    json_object_set_new(v, "when", json_string(when));
    return true;
}

static void fail(struct run *r, json_t *bench, const char *reason)
{
    json_object_set_new(bench, "status", json_string("failed"));
    json_object_set_new(bench, "reason", json_string(*reason ? reason : "it has said nothing"));
    ta_error(r->log, "%s: %s", ta_json_member_text(bench, "name"), ta_json_member_text(bench, "reason"));
}

static int run_once(struct run *r, const json_t *row, json_t *bench)
{
    char **argv = command(r, row, false), *messages = ta_path_join(r->folder, "messages"), *reason = NULL;
    char *script = ta_path_join(r->config->source, argv[0]);
    json_t *root = NULL;
    const json_t *list, *f;
    size_t i;
    double began = ta_clock_seconds();
    unlink(r->figures);
    if (strchr(argv[0], '/') && argv[0][0] != '/') { // as it stands in the sources
        free(argv[0]);
        argv[0] = ta_xstrdup(script);
    }
    int status = execute(r, argv, messages);
    if (status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
        status = TA_ERR_CANCELED;
    else if (status)
        reason = status < 0 ? ta_xstrdup(ta_error_text(status)) : last_line(messages);
    // Also what fails in the end has said what it measured.
    if (status != TA_ERR_CANCELED && access(r->figures, F_OK) == 0 &&
        ta_json_load(r->figures, &root, r->log) >= 0) {
        list = json_object_get(root, "figures");
        json_array_foreach(list, i, f) if (!take_figure(r, bench, f) && !reason)
            reason = ta_xprintf("figure %zu of it is none: it needs name, value, unit and better", i + 1);
    }
    if (status >= 0 && !reason && !json_array_size(json_object_get(root, "figures")))
        reason = ta_xstrdup("it has written no figures");
    json_object_set_new(
        bench, "seconds",
        json_real(json_number_value(json_object_get(bench, "seconds")) + ta_clock_seconds() - began));
    if (reason)
        fail(r, bench, reason);
    else if (status != TA_ERR_CANCELED)
        json_object_set_new(bench, "status", json_string("measured"));
    json_decref(root);
    free(reason);
    free(script);
    free(messages);
    free_command(argv);
    return status == TA_ERR_CANCELED ? status : 0;
}

static int save(const struct run *r)
{
    double load[1] = {0};
    if (getloadavg(load, 1) == 1)
        json_object_set_new(r->result, "load", json_real(load[0]));
    char *text = ta_json_text(r->result);
    int err = ta_file_write_atomic(r->config->output, text, strlen(text), r->log);
    free(text);
    return err;
}

static char *text_of(const json_t *list)
{
    struct ta_buf text = {0};
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) ta_buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(item));
    return ta_buf_take(&text);
}

static json_t *begin(struct run *r, const json_t *row)
{
    json_t *needs = ta_bench_missing(r->config, row, "needs"),
           *peers = ta_bench_missing(r->config, row, "peers");
    char **argv = command(r, row, true), *shown = joined(argv), *lacks = text_of(needs),
         *without = text_of(peers);
    const char *name = ta_json_member_text(row, "name");
    json_t *bench = json_pack("{s:s, s:s, s:s, s:s, s:n, s:o, s:f}", "name", name, "about",
                              ta_json_member_text(row, "about"), "command", shown, "status", "waiting",
                              "reason", "without", peers, "seconds", 0.0);
    if (*lacks) {
        char *reason = ta_xprintf("there is no %s", lacks);
        json_object_set_new(bench, "status", json_string("left out"));
        json_object_set_new(bench, "reason", json_string(reason));
        tell(r, "%s is left out: %s", name, reason);
        free(reason);
    } else if (*without) {
        tell(r, "%s is measured without %s", name, without);
    }
    json_decref(needs);
    free(without);
    free(lacks);
    free(shown);
    free_command(argv);
    return bench;
}

static int run_all(struct run *r, const json_t *rows)
{
    const json_t *row;
    size_t i;
    int err = 0;
    json_array_foreach(rows, i, row) json_array_append_new(r->benches, begin(r, row));
    err = save(r); // where nothing can be written, nothing need be measured
    // In turns, so that what the machine does besides falls on all.
    for (int turn = 0; turn < r->config->repeats && err >= 0; turn++) {
        json_array_foreach(rows, i, row)
        {
            json_t *bench = json_array_get(r->benches, i);
            const json_t *most = json_object_get(row, "repeats");
            const char *status = ta_json_member_text(bench, "status");
            if ((strcmp(status, "waiting") != 0 && strcmp(status, "measured") != 0) ||
                (json_is_integer(most) && turn >= json_integer_value(most)))
                continue;
            tell(r, "%s, %d of %d, some %.3g minutes", ta_json_member_text(row, "name"), turn + 1,
                 r->config->repeats,
                 r->config->quick ? 1.0 : json_number_value(json_object_get(row, "minutes")));
            err = run_once(r, row, bench);
            int written = save(r);
            err = err < 0 ? err : written;
            if (err < 0)
                break;
        }
    }
    return err;
}

json_t *ta_bench_run(const struct ta_bench_config *config, const json_t *rows, int *err, struct ta_log *log)
{
    char when[TA_UTC_TEXT];
    struct run r = {.config = config,
                    .log = log,
                    .folder = ta_temporary_folder_create("terminalai-bench", log),
                    .build = ta_path_dir(config->program),
                    .machine = ta_xprintf("%s, %d cores, %.0f GB", ta_cpu_text(ta_cpu_flags()),
                                          ta_cpu_count(), (double)ta_machine_memory_bytes() / 1e9),
                    .benches = json_array(),
                    .values = json_array()};
    ta_utc_text(time(NULL), when);
    r.result = json_pack("{s:i, s:s, s:s, s:s, s:s, s:n, s:b, s:i, s:o, s:o}", "version", 1, "kind", "bench",
                         "time", when, "program_version", ta_version(), "machine", r.machine, "load", "quick",
                         config->quick, "repeats", config->repeats, "benches", r.benches, "values", r.values);
    *err = r.folder ? 0 : TA_ERR_IO;
    if (r.folder) {
        r.figures = ta_path_join(r.folder, "figures.json");
        *err = run_all(&r, rows);
        ta_dir_remove(r.folder, log);
    }
    if (*err < 0) {
        json_decref(r.result);
        r.result = NULL;
    }
    free(r.figures);
    free(r.machine);
    free(r.build);
    free(r.folder);
    return r.result;
}
