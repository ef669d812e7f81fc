#include "perf/profile.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/cpu.h"
#include "base/env.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "perf/device_use.h"
#include "perf/modules.h"
#include "perf/sampler.h"
#include "perf/watch.h"
#include "recipe/folders.h"

enum { MOST_SAMPLES = 12000, MOST_SPANS = 4000, LOOK_MS = 50 };

// ---- in the process that is profiled ----

struct usage {
    double wall, user, system;
    long minor, major, voluntary, involuntary;
    long long read_bytes, write_bytes, asked_read, asked_write;
};

static void add_rusage(struct usage *u, int who)
{
    struct rusage r;
    if (getrusage(who, &r) < 0)
        return;
    u->user += (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec * 1e-6;
    u->system += (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec * 1e-6;
    u->minor += r.ru_minflt;
    u->major += r.ru_majflt;
    u->voluntary += r.ru_nvcsw;
    u->involuntary += r.ru_nivcsw;
}

static struct usage usage_now(void)
{
    struct usage u = {0};
    char line[80];
    add_rusage(&u, RUSAGE_SELF);
    add_rusage(&u, RUSAGE_CHILDREN);
    FILE *f = fopen("/proc/self/io", "re");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "rchar: %lld", &u.asked_read);
        sscanf(line, "wchar: %lld", &u.asked_write);
        sscanf(line, "read_bytes: %lld", &u.read_bytes);
        sscanf(line, "write_bytes: %lld", &u.write_bytes);
    }
    if (f)
        fclose(f);
    u.wall = ta_clock_seconds();
    return u;
}

// ta_peak_rss_bytes() begins anew.
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

static void set_measures(json_t *o, const struct usage *a, const struct usage *b,
                         const struct ta_perf_work *w)
{
    double wall = b->wall - a->wall;
    json_object_set_new(o, "wall", json_real(wall));
    json_object_set_new(o, "user", json_real(b->user - a->user));
    json_object_set_new(o, "system", json_real(b->system - a->system));
    json_object_set_new(o, "peak_rss", json_integer(ta_peak_rss_bytes()));
    json_object_set_new(o, "minor_faults", json_integer(b->minor - a->minor));
    json_object_set_new(o, "major_faults", json_integer(b->major - a->major));
    json_object_set_new(o, "voluntary_switches", json_integer(b->voluntary - a->voluntary));
    json_object_set_new(o, "involuntary_switches", json_integer(b->involuntary - a->involuntary));
    json_object_set_new(o, "disk_read", json_integer(b->read_bytes - a->read_bytes));
    json_object_set_new(o, "disk_written", json_integer(b->write_bytes - a->write_bytes));
    json_object_set_new(o, "read", json_integer(b->asked_read - a->asked_read));
    json_object_set_new(o, "written", json_integer(b->asked_write - a->asked_write));
    json_object_set_new(o, "output_bytes", json_integer(w->output_bytes));
    json_object_set_new(o, "items", json_integer(w->items));
    json_object_set_new(o, "unit", json_string(w->unit ? w->unit : "items"));
    json_object_set_new(o, "items_a_second", wall > 0 ? json_real((double)w->items / wall) : json_null());
    json_object_set_new(o, "facts", json_incref(w->facts));
}

typedef void count_fn(long long *count, long long *bytes);

static int work(const struct ta_perf_module *m, struct ta_perf_work *w,
                const struct ta_profile_config *config, bool count, json_t *o)
{
    struct ta_sampler *sampler = NULL;
    long long calls[2] = {0}, bytes[2] = {0};
    void *found = count ? dlsym(RTLD_DEFAULT, "terminalai_allocs") : NULL;
    count_fn *counter;
    memcpy(&counter, &found, sizeof found);
    forget_peak();
    if (!count && ta_sampler_start(&sampler, config->clock, (int)config->hz, MOST_SAMPLES) < 0)
        ta_warn(w->log, "no samples: the system gives no clock for them");
    ta_ledger_keep_spans(w->env->ledger, MOST_SPANS);
    struct usage before = usage_now();
    if (counter)
        counter(&calls[0], &bytes[0]);
    int err = m->work(w);
    if (counter)
        counter(&calls[1], &bytes[1]);
    struct usage after = usage_now();
    if (sampler)
        ta_sampler_stop(sampler);
    set_measures(o, &before, &after, w);
    if (counter)
        json_object_set_new(o, "allocations",
                            json_pack("{s:I, s:I}", "count", (json_int_t)(calls[1] - calls[0]), "bytes",
                                      (json_int_t)(bytes[1] - bytes[0])));
    json_object_set_new(o, "ledger", ta_ledger_json(w->env->ledger));
    json_object_set_new(o, "samples", sampler ? ta_sampler_json(sampler) : json_null());
    ta_sampler_destroy(&sampler);
    return err;
}

int ta_profile_inside(const struct ta_profile_config *config, const char *path, bool count,
                      struct ta_log *log)
{
    const struct ta_perf_module *m = ta_perf_module_find(config->module);
    char *folder = ta_xprintf("%s.work", path); // whoever asked removes it
    char *tuning = ta_config_path("tuning.yaml");
    struct ta_perf_work w = {.video = config->video,
                             .program = config->program,
                             .log = log,
                             .quick = config->quick,
                             .facts = json_object()};
    json_t *o = json_object();
    int err = m ? ta_dir_create(folder, log) : TA_ERR_INVALID;
    if (err >= 0)
        err = ta_env_create(&w.env, tuning, log);
    w.folder = folder;
    if (err >= 0)
        err = m->prepare(&w);
    if (err >= 0)
        err = work(m, &w, config, count, o);
    if (m && m->release)
        m->release(&w);
    ta_env_destroy(&w.env);
    if (err >= 0) {
        char *text = ta_json_text(o);
        err = ta_file_write_atomic(path, text, strlen(text), log);
        free(text);
    }
    json_decref(o);
    json_decref(w.facts);
    free(tuning);
    free(folder);
    return err < 0 ? err : 0;
}

// ---- around it ----

static json_t *points_json(const struct ta_watched *w)
{
    json_t *list = json_array();
    size_t step = TA_MAX((size_t)1, w->count / 400);
    for (size_t i = 0; i < w->count; i += step)
        json_array_append_new(list,
                              json_pack("[f, I]", w->points[i].seconds, (json_int_t)w->points[i].bytes));
    return list;
}

struct use {
    struct ta_device_use *device;
    double sum;
    int count;
};

static void look_at_device(void *priv)
{
    struct use *u = priv;
    double now = ta_device_use_now(u->device);
    u->sum += now >= 0 ? now : 0;
    u->count += now >= 0;
}

// One pass in a process of its own; its numbers, or NULL after a message.
static json_t *pass(const struct ta_profile_config *config, const char *module, const char *folder,
                    bool count, struct ta_watched *watched, struct ta_log *log)
{
    char *path = ta_xprintf("%s/%s-%d.json", folder, module, count), *hz = ta_xprintf("%d", (int)config->hz);
    static const char *const clocks[] = {"auto", "perf_event", "timer"};
    const char *argv[24] = {config->program, "perf", "profile", "-q", "--module",  module,
                            "--inside",      path,   "--hz",    hz,   "--sampler", clocks[config->clock]};
    int n = 12;
    json_t *o = NULL;
    if (config->video) {
        argv[n++] = "--test-video";
        argv[n++] = config->video;
    }
    if (config->quick)
        argv[n++] = "--quick";
    if (count)
        argv[n++] = "--count";
    struct use use = {0};
    ta_device_use_open(&use.device);
    int err = ta_watch_run(watched, (char *const *)argv, count ? config->preload : NULL, LOOK_MS,
                           look_at_device, &use, log);
    ta_device_use_close(&use.device);
    if (err >= 0 && WIFEXITED(watched->status) && !WEXITSTATUS(watched->status))
        ta_json_load(path, &o, log);
    // Where there is no device nothing is known; that is not 0.
    if (o)
        json_object_set_new(o, "gpu_utilization_percent",
                            use.count ? json_real(use.sum / use.count) : json_null());
    else if (err >= 0)
        ta_error(log, "the work of %s failed (%s %d)", module,
                 WIFSIGNALED(watched->status) ? "signal" : "status",
                 WIFSIGNALED(watched->status) ? WTERMSIG(watched->status) : WEXITSTATUS(watched->status));
    free(path);
    free(hz);
    return o;
}

static json_t *profile_module(const struct ta_profile_config *config, const struct ta_perf_module *m,
                              const char *folder, struct ta_log *log)
{
    struct ta_watched watched, second;
    json_t *o = pass(config, m->name, folder, false, &watched, log);
    if (o) {
        json_object_set_new(o, "module", json_string(m->name));
        json_object_set_new(o, "work", json_string(m->what));
        json_object_set_new(o, "memory", points_json(&watched));
    }
    if (o && config->preload) {
        json_t *counted = pass(config, m->name, folder, true, &second, log);
        json_t *allocations = json_object_get(counted, "allocations");
        json_object_set(o, "allocations", allocations ? allocations : json_null());
        json_decref(counted);
        ta_watched_release(&second);
    } else if (o) {
        json_object_set_new(o, "allocations", json_null());
    }
    ta_watched_release(&watched);
    return o;
}

static json_t *machine(void)
{
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    return json_pack("{s:s, s:s, s:i, s:I, s:s}", "host", host, "cpu", ta_cpu_text(ta_cpu_flags()), "cores",
                     ta_cpu_count(), "memory", (json_int_t)ta_machine_memory_bytes(), "version",
                     ta_version());
}

json_t *ta_profile_run(const struct ta_profile_config *config, void (*tell)(void *priv, const char *text),
                       void *priv, struct ta_log *log)
{
    char *folder = ta_temporary_folder_create("terminalai-profiles", log), when[TA_UTC_TEXT];
    json_t *modules = json_array(), *report = NULL;
    ta_utc_text(time(NULL), when);
    bool ok = folder != NULL;
    for (const struct ta_perf_module *const *m = ta_perf_modules; *m && ok; m++) {
        if (strcmp(config->module, "all") != 0 && strcmp(config->module, (*m)->name) != 0)
            continue;
        if (tell)
            tell(priv, (*m)->name);
        json_t *o = profile_module(config, *m, folder, log);
        ok = o != NULL;
        if (o)
            json_array_append_new(modules, o);
    }
    if (folder)
        ta_dir_remove_all(folder);
    if (ok)
        report = json_pack("{s:i, s:s, s:o, s:b, s:O}", "version", 1, "time", when, "machine", machine(),
                           "quick", config->quick, "modules", modules);
    json_decref(modules);
    free(folder);
    return report;
}
