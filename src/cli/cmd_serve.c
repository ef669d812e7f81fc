// terminalai serve: the queue and the service.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/mapped.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "cli/console.h"
#include "cli/serve_file.h"
#include "cli/service.h"
#include "cli/system.h"
#include "jobs/alerts.h"
#include "jobs/jobs.h"
#include "jobs/notify.h"
#include "jobs/supervisor.h"
#include "jobs/folders.h"
#include "recipe/folders.h"
#include "server/http.h"
#include "server/ring.h"

struct serve_opts {
    char *listen, *socket, *state, *token_file, *config, *upload_dir;
    int64_t upload_limit;
    struct ta_list roots;
    int64_t workers, worker_memory, worker_cpus, worker_stall;
    int64_t keep_jobs;
    bool private_downloads, audio_preload;
};

enum { CORES_A_WORKER = 8, LOG_BYTES = 10 * 1000 * 1000, LOG_FILES = 5 };

static const struct ta_opt serve_options[] = {
    {.name = "listen",
     .kind = &ta_opt_text,
     TA_FIELD(struct serve_opts, listen, char *),
     .def = "127.0.0.1:7860",
     .syntax = "ADDRESS",
     .help = "where programs and pages reach it: a number and a port; \"none\" for the socket alone; another "
             "address than this machine's own needs --token-file"},
    {.name = "socket",
     .kind = &ta_opt_path,
     TA_FIELD(struct serve_opts, socket, char *),
     .syntax = "PATH",
     .help =
         "the socket for this user's shell; without it $XDG_RUNTIME_DIR/terminalai.sock, or serve.sock in "
         "the state folder"},
    {.name = "state",
     .kind = &ta_opt_path,
     TA_FIELD(struct serve_opts, state, char *),
     .syntax = "DIR",
     .help = "the folder of the list of jobs; without it ~/.local/state/terminalai"},
    {.name = "root",
     .kind = &ta_opt_list,
     TA_FIELD(struct serve_opts, roots, struct ta_list),
     .syntax = "DIR",
     .help = "a folder in which clients at the address may read and make files; can be given several times; "
             "without it they may look at the queue and change nothing"},
    {.name = "upload-dir",
     .kind = &ta_opt_path,
     TA_FIELD(struct serve_opts, upload_dir, char *),
     .syntax = "DIR",
     .help =
         "where files come to that clients send; made when it is missing; it is a --root, too; without it "
         "\"uploads\" in the first --root"},
    {.name = "upload-limit",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct serve_opts, upload_limit, int64_t),
     .def = "500G",
     .min = 1,
     .max = 1e18,
     .syntax = "BYTES",
     .help = "the largest of these files"},
    {.name = "workers",
     .kind = &ta_opt_int,
     TA_FIELD(struct serve_opts, workers, int64_t),
     .def = "0",
     .max = 1000,
     .help = "jobs at once; 0: one for each 8 cores, since a job uses several"},
    {.name = "worker-memory",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct serve_opts, worker_memory, int64_t),
     .def = "0",
     .max = 1e18,
     .syntax = "BYTES",
     .help = "the most that each job may hold in memory, then its attempt has failed; 0 is no limit"},
    {.name = "worker-cpus",
     .kind = &ta_opt_int,
     TA_FIELD(struct serve_opts, worker_cpus, int64_t),
     .def = "0",
     .max = 1024,
     .help =
         "the cores that each job may keep busy; 0 is no limit: jobs are nice to other programs in any case"},
    {.name = "worker-stall",
     .kind = &ta_opt_int,
     TA_FIELD(struct serve_opts, worker_stall, int64_t),
     .def = "300",
     .max = 86400,
     .syntax = "SECONDS",
     .help = "a worker that lives and does nothing for so long (an encoder or a driver that stands still) is "
             "ended, and its job goes on from its journal; 0: never"},
    {.name = "token-file",
     .kind = &ta_opt_path,
     TA_FIELD(struct serve_opts, token_file, char *),
     .syntax = "FILE",
     .help = "a file whose first line clients at the address must know; only you may read it"},
    {.name = "keep-jobs",
     .kind = &ta_opt_int,
     TA_FIELD(struct serve_opts, keep_jobs, int64_t),
     .def = "10000",
     .max = 10000000,
     .help = "of the jobs that have ended, the newest so many stay in the list"},
    {.name = "private-downloads",
     .kind = &ta_opt_switch,
     TA_FIELD(struct serve_opts, private_downloads, bool),
     .help = "get films of addresses of this machine and its network too; without it of public ones alone"},
    {.name = "audio-preload",
     .kind = &ta_opt_switch,
     TA_FIELD(struct serve_opts, audio_preload, bool),
     .help = "start the workers at once and have each load the networks for sound that are here, so that the "
             "first job with --audio-enhance neural does not wait for it"},
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct serve_opts, config, char *),
     .syntax = "FILE",
     .help =
         "read this YAML file instead of ~/.config/terminalai/config.yaml: options of this command in the "
         "group \"serve\", options of all jobs beside it"},
    {0},
};

// ---- signals ----

// SIGINT, SIGTERM and SIGHUP stop the service: jobs are stopped and queued again, their work is kept. A
// second one does not wait for them. SIGUSR2 lets what runs come to its end first.
//
// They are handled, not waited for by a thread while all others block them: libraries have threads of their
// own, made before anybody is asked, and a signal that one of those takes would end the process.
struct stopper {
    struct ta_supervisor *supervisor;
    struct ta_log *log;
    int pipe[2];
};

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
static atomic_int signal_fd = -1;

static void on_signal(int number)
{
    int error = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(atomic_load(&signal_fd), &byte, 1);
    (void)ignored;
    errno = error;
}

static int wait_for_signals(void *arg)
{
    struct stopper *s = arg;
    unsigned char number = 0;
    for (;;) {
        ssize_t n = read(s->pipe[0], &number, 1); // perf-ok(one-byte-io): a byte a signal
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || !number)
            return 0;
        bool drain = number == SIGUSR2;
        ta_system_tell(drain ? "STATUS=finishing what runs" : "STOPPING=1");
        ta_info(s->log, drain ? "what runs is finished, nothing is begun" : "stopping");
        ta_supervisor_stop(s->supervisor, drain);
    }
}

static int catch_signals(struct stopper *s)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (pipe2(s->pipe, O_CLOEXEC) < 0) {
        ta_error(s->log, "signals can't be heard: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        s->pipe[0] = s->pipe[1] = -1;
        return TA_ERR_LIMIT;
    }
    fcntl(s->pipe[1], F_SETFL, O_NONBLOCK);
    atomic_store(&signal_fd, s->pipe[1]);
    for (size_t i = 0; i < TA_COUNT(stop_signals); i++) {
        struct sigaction old;
        // "nohup" is to outlive the terminal.
        if (stop_signals[i] != SIGHUP || sigaction(SIGHUP, NULL, &old) < 0 || old.sa_handler != SIG_IGN)
            sigaction(stop_signals[i], &action, NULL);
    }
    return 0;
}

// From here on they mean nothing: the service ends already.
static void let_signals_go(struct stopper *s)
{
    for (size_t i = 0; i < TA_COUNT(stop_signals); i++)
        signal(stop_signals[i], SIG_IGN);
    atomic_store(&signal_fd, -1);
    for (int i = 0; i < 2; i++)
        if (s->pipe[i] >= 0)
            close(s->pipe[i]);
}

// ---- settings ----

struct service {
    struct ta_cli *cli;
    struct serve_opts *opts;
    char *state, *socket, *token, *program, *uploads, *cache;
    struct ta_log_ring *ring;
    char *file; // the configuration that was read; NULL for none
    json_t *settings;
    struct ta_marks *marks;
    char **roots;
    int root_count;
    struct ta_endpoint *endpoints;
    int endpoint_count;
    struct ta_watch_folder *folders;
    int folder_count;
    struct ta_jobs *jobs;
    struct ta_notify *notify;
    struct ta_folders *watched;
    struct ta_alerts *alerts;
    char *downloads, *records;
    struct ta_supervisor *supervisor;
    struct ta_server *server;
};

static int find_roots(struct service *s)
{
    const struct ta_list *given = &s->opts->roots;
    const char *home = getenv("HOME");
    int count = given->count ? given->count : home && home[0] == '/';
    s->roots = ta_xcalloc((size_t)count + 2, sizeof(*s->roots));
    for (int i = 0; i < count; i++) {
        struct stat st;
        const char *path = given->count ? given->items[i] : home;
        if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
            ta_error(s->cli->log, "--root %s: there is no such folder", path);
            return TA_ERR_USAGE;
        }
        s->roots[s->root_count++] = ta_path_absolute(path);
    }
    int err = 0;
    if (s->opts->upload_dir) {
        err = ta_dir_create(s->opts->upload_dir, s->cli->log);
        if (err >= 0)
            s->uploads = s->roots[s->root_count++] = ta_path_absolute(s->opts->upload_dir);
    } else if (given->count) {
        s->uploads = ta_path_join(s->roots[0], "uploads");
    }
    return err;
}

static int find_program(struct service *s)
{
    s->program = ta_path_of_program();
    if (!s->program)
        ta_error(s->cli->log, "the program's own file can't be found, so that no worker can be started");
    return s->program ? 0 : TA_ERR_UNSUPPORTED;
}

// Reads each entry of a list of the configuration.
static int each_entry(struct service *s, const char *name,
                      int (*read)(struct service *s, const json_t *entry, const char *path))
{
    const json_t *list = json_object_get(s->settings, name);
    int err = 0;
    if (list && !json_is_array(list) && !json_is_null(list)) {
        ta_error(s->cli->log, "%s:%d: %s must be a list", s->file, ta_marks_line(s->marks, name), name);
        return TA_ERR_FORMAT;
    }
    for (size_t i = 0; i < json_array_size(list) && !err; i++) {
        char *path = ta_xprintf("%s.%zu", name, i);
        err = read(s, json_array_get(list, i), path);
        free(path);
    }
    return err;
}

static int refuse_twice(const struct service *s, const char *path, const char *what, const char *name)
{
    ta_error(s->cli->log, "%s:%d: two %s %s", s->file, ta_marks_line(s->marks, path), what, name);
    return TA_ERR_INVALID;
}

// Who is told.
static int read_endpoint(struct service *s, const json_t *entry, const char *path)
{
    struct ta_endpoint e;
    int err = ta_endpoint_read(&e, entry, s->file, path, s->marks, s->cli->log);
    if (err < 0)
        return err;
    s->endpoints = ta_xrealloc(s->endpoints, (size_t)(s->endpoint_count + 1) * sizeof(*s->endpoints));
    s->endpoints[s->endpoint_count++] = e;
    for (int i = 0; i < s->endpoint_count - 1; i++)
        if (!strcmp(s->endpoints[i].name, e.name))
            return refuse_twice(s, path, "endpoints are called", e.name);
    return 0;
}

static int read_folder(struct service *s, const json_t *entry, const char *path)
{
    struct ta_watch_folder f;
    int err = ta_watch_folder_read(&f, entry, s->file, path, s->marks, s->opts->config, s->cli->log);
    if (err < 0)
        return err;
    s->folders = ta_xrealloc(s->folders, (size_t)(s->folder_count + 1) * sizeof(*s->folders));
    s->folders[s->folder_count++] = f;
    for (int i = 0; i < s->folder_count - 1; i++)
        if (!strcmp(s->folders[i].root, f.root))
            return refuse_twice(s, path, "entries watch", f.root);
    return 0;
}

// The options of jobs are held against their tables too: better here than at each job.
static int read_settings(struct service *s)
{
    struct ta_cli *cli = s->cli;
    struct ta_options *options = NULL;
    int err = ta_serve_file_load(s->opts->config, &s->file, &s->settings, &s->marks, cli->log);
    if (!err && json_object_get(json_object_get(s->settings, "serve"), "config")) {
        ta_error(cli->log, "%s: the file that is read is named on the command line alone", s->file);
        err = TA_ERR_INVALID;
    }
    if (!err)
        err = ta_serve_file_apply(cli, serve_options, s->opts, s->file, s->settings, s->marks);
    if (!err)
        err = each_entry(s, "notify", read_endpoint);
    if (!err)
        err = each_entry(s, "watch", read_folder);
    if (!err)
        err = ta_options_create(&options, cli->log);
    if (!err)
        err = ta_options_load_config(options, s->opts->config);
    ta_options_destroy(&options);
    return err < 0 ? TA_ERR_USAGE : 0;
}

static int settle(struct service *s)
{
    struct serve_opts *o = s->opts;
    struct ta_log *log = s->cli->log;
    int err = read_settings(s);
    if (err < 0)
        return err;
    bool listens = o->listen && strcmp(o->listen, "none") != 0;
    s->state = o->state ? ta_path_absolute(o->state) : ta_service_state();
    if (!s->state) {
        ta_error(log, "there is no home folder: --state DIR says where the list of jobs is kept");
        return TA_ERR_USAGE;
    }
    s->socket = o->socket  ? ta_path_absolute(o->socket)
                : o->state ? ta_path_join(s->state, "serve.sock")
                           : ta_service_socket();
    if (listens && !ta_server_is_address(o->listen)) {
        ta_error(log, "--listen: \"%s\" is no address: it is a number and a port, such as 127.0.0.1:7860",
                 o->listen);
        return TA_ERR_USAGE;
    }
    if (listens && !ta_server_is_loopback(o->listen) && !o->token_file) {
        ta_error(log, "--listen %s: others can reach this address; --token-file FILE keeps them out",
                 o->listen);
        return TA_ERR_USAGE;
    }
    err = o->token_file ? ta_service_token(o->token_file, &s->token, log) : 0;
    if (!err)
        err = find_roots(s);
    if (!err)
        err = find_program(s);
    s->cache = ta_cache_folder();
    return err ? err : ta_dir_create_above(s->state, 0700, log);
}

// The thread that keeps workers lives, and the list of jobs can be written.
static void on_beat(void *priv)
{
    (void)priv;
    ta_system_tell("WATCHDOG=1");
}

static int start(struct service *s)
{
    struct serve_opts *o = s->opts;
    int removed, err = ta_log_ring_create(&s->ring, s->cli->log);
    if (err < 0)
        return err;
    struct ta_log *log = ta_log_ring_log(s->ring);
    char *config = o->config ? ta_path_absolute(o->config) : NULL;
    char *command[6] = {s->program, (char *)"worker"}, **argument = command + 2;
    if (o->audio_preload)
        *argument++ = (char *)"--audio-preload";
    if (config) {
        *argument++ = (char *)"--config";
        *argument = config;
    }
    struct ta_supervisor_config workers = ta_supervisor_defaults();
    workers.workers = o->workers ? (int)o->workers : TA_MAX(1, ta_cpu_count() / CORES_A_WORKER);
    workers.command = command;
    workers.ready = o->audio_preload;
    workers.stall_ms = (int)o->worker_stall * 1000;
    workers.limits = (struct ta_limits_config){o->worker_memory, (int)o->worker_cpus};
    workers.beat = on_beat;
    workers.beat_ms = ta_system_watchdog_ms() / 2;
    s->records = ta_state_path("performance_metrics.jsonl");
    workers.records = s->records;
    workers.rules = (struct ta_box_rules){config, (const char *const *)s->roots, s->root_count};
    if (*ta_box_gaps())
        ta_warn(log, "%s", ta_box_gaps());
    struct ta_server_config http = {.address = o->listen && strcmp(o->listen, "none") ? o->listen : NULL,
                                    .socket = s->socket,
                                    .token = s->token,
                                    .roots = s->roots,
                                    .root_count = s->root_count,
                                    .read_only = !o->roots.count && !o->upload_dir,
                                    .program = s->program,
                                    .config = config,
                                    .state = s->state,
                                    .cache = s->cache,
                                    .uploads = s->uploads,
                                    .upload_bytes = o->upload_limit,
                                    .ring = s->ring,
                                    .records = s->records};
    struct stopper stopper = {.log = log, .pipe = {-1, -1}};
    struct ta_thread *signals = NULL;
    struct ta_tuning tuning;
    char *tuned = ta_config_path("tuning.yaml");
    ta_tuning_load(&tuning, tuned, log);
    free(tuned);
    http.page_asks = !tuning.gui_polling;
    err = ta_jobs_open(&s->jobs, s->state, &tuning, log);
    if (!err && s->endpoint_count) {
        struct ta_notify_config told = ta_notify_defaults();
        told.endpoints = s->endpoints;
        told.count = s->endpoint_count;
        err = ta_notify_open(&s->notify, s->jobs, &told, log);
        http.notify = s->notify;
    }
    if (!err)
        err = ta_alerts_open(&s->alerts, s->jobs, s->notify, log);
    http.alerts = workers.alerts = s->alerts;
    s->downloads = ta_path_join(s->state, "downloads");
    workers.downloads = s->downloads;
    workers.private_downloads = o->private_downloads;
    if (!err)
        err = ta_folders_open(&s->watched, s->jobs, s->folders, s->folder_count, s->state, config, log);
    http.folders = s->watched;
    if (!err)
        err = ta_supervisor_create(&s->supervisor, s->jobs, &workers, log);
    if (!err)
        err = ta_server_start(&s->server, &http, s->jobs, s->supervisor, log);
    if (!err) // now that somebody removes what they leave
        err = ta_jobs_prune(s->jobs, 0, INT64_MAX, o->keep_jobs, &removed);
    stopper.supervisor = s->supervisor;
    if (!err)
        err = catch_signals(&stopper);
    if (!err)
        err = ta_thread_create(&signals, "signals", wait_for_signals, &stopper);
    if (err < 0) {
        let_signals_go(&stopper);
        free(config);
        return err;
    }
    if (http.address && !ta_console_is_quiet(s->cli->console))
        ta_console_print(s->cli->console, "listening on http://%.*s:%d",
                         (int)(strrchr(http.address, ':') - http.address), http.address,
                         ta_server_port(s->server));
    if (!ta_console_is_quiet(s->cli->console))
        ta_console_print(s->cli->console, "listening on %s, %d %s at once", s->socket, workers.workers,
                         workers.workers == 1 ? "job" : "jobs");
    ta_system_tell("READY=1\nSTATUS=taking jobs");
    ta_mapped_give_back(); // libraries of codecs are for workers
    err = ta_supervisor_run(s->supervisor);
    ta_system_tell("STOPPING=1");
    on_signal(0); // ends the thread that waits for signals
    ta_thread_join(&signals);
    let_signals_go(&stopper);
    free(config);
    return err;
}

static void release(struct service *s)
{
    ta_server_stop(&s->server);
    ta_supervisor_destroy(&s->supervisor);
    ta_folders_close(&s->watched);
    ta_alerts_close(&s->alerts);
    ta_notify_close(&s->notify);
    ta_jobs_close(&s->jobs);
    for (int i = 0; i < s->endpoint_count; i++)
        ta_endpoint_release(&s->endpoints[i]);
    free(s->endpoints);
    for (int i = 0; i < s->folder_count; i++)
        ta_watch_folder_release(&s->folders[i]);
    free(s->folders);
    ta_log_ring_destroy(&s->ring);
    if (!s->opts->upload_dir) // else it is one of the roots
        free(s->uploads);
    free(s->cache);
    for (int i = 0; i < s->root_count; i++)
        free(s->roots[i]);
    free(s->roots);
    json_decref(s->settings);
    ta_marks_destroy(&s->marks);
    free(s->file);
    free(s->downloads);
    free(s->records);
    free(s->state);
    free(s->socket);
    free(s->token);
    free(s->program);
}

static enum ta_exit run_serve(struct ta_cli *cli)
{
    struct service s = {.cli = cli, .opts = cli->values};
    ta_mapped_share_heaps();
    ta_system_take();
    ta_console_rotate(cli->console, LOG_BYTES, LOG_FILES);
    int err = settle(&s);
    if (!err)
        err = start(&s);
    release(&s);
    return ta_exit_from_error(err);
}

static const struct ta_example serve_examples[] = {
    {"terminalai serve", "takes jobs from this user's shell; \"terminalai submit\" sends them"},
    {"terminalai serve --root /tapes --workers 2", "programs on this machine may submit files in /tapes"},
    {"terminalai serve --listen 0.0.0.0:7860 --token-file ~/.token --root /tapes",
     "for others too, behind a proxy that speaks TLS"},
    {0},
};

static const struct ta_command_group serve_file_groups[] = {
    {"In the configuration file, each entry of the list `watch:`. `options:`, a group in it, has options of its "
     "jobs.",
     ta_watch_options, 0},
    {"Each entry of the list `notify:`. A `command:` is a list, the program and its arguments, in which {title}, "
     "{text}, {event}, {file} and {output} are replaced; it gets what a webhook gets as its standard input.",
     ta_endpoint_options, 0},
    {0},
};
static const struct ta_command_group serve_groups[] = {{"Service", serve_options, 0}, {0}};

const struct ta_command ta_command_serve = {
    .name = "serve",
    .operands = "",
    .summary = "run the queue: restore what is submitted, one job after the other",
    .description =
        "Takes jobs from \"terminalai submit\" and over HTTP (/api/v1), and restores them in processes of their "
        "own, in the order of priority and submission. The list is kept on disk: what was accepted is done, also "
        "after a crash or a power cut, and goes on from the finished segments. A job whose worker crashes is tried "
        "three times.\n\nCtrl-C stops the jobs, keeps their work and queues them again; a second one does not wait "
        "for them. SIGUSR2 finishes what runs first.",
    .examples = serve_examples,
    .groups = serve_groups,
    .file_groups = serve_file_groups,
    .values_size = sizeof(struct serve_opts),
    .run = run_serve,
};
