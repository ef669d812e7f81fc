// terminalai doctor: is everything here that the program needs?
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswresample/swresample.h>

#include <terminalai/terminalai.h>

#include "audio/loudness.h"
#include "audio/stages.h"
#include "base/cpu.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/path.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/tuning.h"
#include "base/thread.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/engine_rows.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "media/encode/encoder_check.h"
#include "media/encode/encoder_row.h"
#include "infer/engine.h"
#include "infer/download.h"
#include "recipe/engine_places.h"
#include "recipe/folders.h"
#include "recipe/options.h"
#include "media/picture/graph.h"
#include "perf/clang.h"
#include "video/stage.h"

#define MEMORY_LOW (1LL << 30) // bytes of memory below which HD output gets slow or fails
#define DISK_LOW (2LL << 30)   // bytes on disk that a short tape needs

struct doctor_opts {
    struct ta_engine_opts engine;
    bool json;
};

static const struct ta_opt doctor_options[] = {
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct doctor_opts, json, bool),
     .help = "print JSON, for programs"},
    {0},
};

// What is below 0 is a problem, by its kind.
enum { STATE_OK, STATE_NOTE };

static const char *state_name(int state)
{
    return state < 0 ? "problem" : state == STATE_NOTE ? "note" : "ok";
}

struct report {
    struct ta_table table;
    json_t *list;
    int problems;
};

// `advice`: what to do; NULL when all is well.
static void add(struct report *r, int state, const char *what, const char *advice, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void add(struct report *r, int state, const char *what, const char *advice, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *found = ta_xvprintf(format, args);
    va_end(args);
    ta_table_cell(&r->table, "%s", state_name(state));
    ta_table_cell(&r->table, "%s", what);
    ta_table_cell(&r->table, "%s%s%s", found, advice ? ": " : "", advice ? advice : "");
    json_t *o = json_object();
    json_object_set_new(o, "state", json_string(state_name(state)));
    json_object_set_new(o, "what", json_string(what));
    json_object_set_new(o, "found", ta_json_any_text(found));
    if (state < 0)
        ta_cli_row_failed(o, state, found, advice);
    else if (advice)
        json_object_set_new(o, "advice", ta_json_any_text(advice));
    json_array_append_new(r->list, o);
    r->problems += state < 0;
    free(found);
}

// --- libraries ---

// Opened only when it is asked for: nothing but "perf analyze" needs it.
static void look_for_clang(struct report *r)
{
    struct ta_clang *clang = NULL;
    struct ta_log *own = NULL;
    struct ta_buf why = {0};
    if (ta_log_keep_first(&own, &why) >= 0 && ta_clang_open(&clang, NULL, own) >= 0)
        add(r, STATE_OK, "libclang", NULL, "%s; \"perf analyze\" reads C by it", clang->version);
    else
        add(r, STATE_NOTE, "libclang", "apt install libclang1 clang, or the like, to analyse C sources",
            "\"perf analyze\" needs it");
    ta_clang_close(&clang);
    ta_log_destroy(&own);
    ta_buf_release(&why);
}

static void check_libraries(struct report *r)
{
    const struct {
        const char *name;
        unsigned built, runs;
    } libs[] = {
        {"libavformat", LIBAVFORMAT_VERSION_INT, avformat_version()},
        {"libavcodec", LIBAVCODEC_VERSION_INT, avcodec_version()},
        {"libavfilter", LIBAVFILTER_VERSION_INT, avfilter_version()},
        {"libavutil", LIBAVUTIL_VERSION_INT, avutil_version()},
        {"libswresample", LIBSWRESAMPLE_VERSION_INT, swresample_version()},
    };
    add(r, STATE_OK, "terminalai", NULL, "%s", ta_version());
    add(r, STATE_OK, "FFmpeg", NULL, "%s", av_version_info());
    for (size_t i = 0; i < TA_COUNT(libs); i++) {
        unsigned v = libs[i].runs;
        // Another major version has other structures; an older minor one may lack what was compiled in.
        bool fits = AV_VERSION_MAJOR(v) == AV_VERSION_MAJOR(libs[i].built) && v >= (libs[i].built & ~0xffU);
        char *advice =
            fits ? NULL
                 : ta_xprintf(
                       "the program was built with %u.%u: install that version or build the program again",
                       AV_VERSION_MAJOR(libs[i].built), AV_VERSION_MINOR(libs[i].built));
        add(r, fits ? STATE_OK : TA_ERR_MISMATCH, libs[i].name, advice, "%u.%u.%u", AV_VERSION_MAJOR(v),
            AV_VERSION_MINOR(v), AV_VERSION_MICRO(v));
        free(advice);
    }
    add(r, STATE_OK, "jansson", NULL, "%s", JANSSON_VERSION);
    struct ta_buf curl = {0};
    if (ta_download_describe(&curl))
        add(r, STATE_OK, "libcurl", NULL, "%s", ta_buf_text(&curl));
    else
        add(r, STATE_NOTE, "libcurl",
            "networks are given by hand (\"terminalai models fetch NAME --from FILE\"); build with libcurl to "
            "download them",
            "the program was built without it");
    ta_buf_release(&curl);
    if (TA_HAVE_SERVICE)
        add(r, STATE_OK, "service", NULL, "\"serve\", \"submit\" and \"jobs\" are in this build");
    else
        add(r, STATE_NOTE, "service",
            "build with SQLite, libmicrohttpd and libcurl to have a queue that works by itself",
            "the program was built without \"serve\", \"submit\" and \"jobs\"");
    if (ta_loudness_is_there)
        add(r, STATE_OK, "loudness", NULL, "--loudness is in this build");
    else
        add(r, STATE_NOTE, "loudness", "build with libebur128 to give sound a loudness",
            "the program was built without what measures loudness");
    look_for_clang(r);
}

// Adds each to the list that it belongs to, once.
static void sort_filters(const char *const *filters, struct ta_buf *have, struct ta_buf *lack)
{
    for (const char *const *f = filters; f && *f; f++) {
        struct ta_buf *list = ta_graph_has_filter(*f) ? have : lack;
        char *padded = ta_xprintf(" %s ", *f), *so_far = ta_xprintf(" %s ", ta_buf_text(list));
        if (!strstr(so_far, padded))
            ta_buf_printf(list, "%s%s", list->size ? " " : "", *f);
        free(so_far);
        free(padded);
    }
}

// Every filter that a stage may use.
static void check_filters(struct report *r)
{
    struct ta_buf have = {0}, lack = {0};
    for (const struct ta_stage_info *const *s = ta_stages; *s; s++)
        sort_filters((*s)->filters, &have, &lack);
    for (const struct ta_sound_stage_info *const *s = ta_sound_stages; *s; s++)
        sort_filters((*s)->filters, &have, &lack);
    if (have.size)
        add(r, STATE_OK, "filters", NULL, "%s", have.data);
    if (lack.size)
        add(r, TA_ERR_UNSUPPORTED, "filters",
            "this FFmpeg was built without them; install your distribution's full one", "missing: %s",
            lack.data);
    ta_buf_release(&have);
    ta_buf_release(&lack);
}

static void check_encoders(struct report *r)
{
    for (int i = 0; ta_encoders[i]; i++) {
        const struct ta_encoder_info *e = ta_encoders[i];
        struct ta_buf why = {0};
        char *what = ta_xprintf("encoder %s", e->name);
        int err = ta_encoder_test(e, NULL, &why);
        if (err >= 0) {
            add(r, STATE_OK, what, NULL, "works (%s)", e->codec);
        } else if (i == 0) { // the first is the default
            char *advice = ta_xprintf("install an FFmpeg with %s; until then name another --encoder",
                                      e->codec);
            add(r, err, what, advice, "%s", why.size ? why.data : "does not work");
            free(advice);
        } else {
            char *advice = ta_xprintf("only \"--encoder %s\" needs it", e->name);
            add(r, STATE_NOTE, what, advice, "%s", why.size ? why.data : "does not work");
            free(advice);
        }
        free(what);
        ta_buf_release(&why);
    }
}

// No engine is needed; one that was named is expected to work.
static void check_engines(struct report *r, const char *named, struct ta_log *log)
{
    for (int i = 0; ta_engines[i]; i++) {
        int opened;
        json_t *row = ta_engine_row(ta_engines[i], named, &opened, log);
        const json_t *library = json_object_get(row, "library"), *device, *note;
        char *what = ta_xprintf("engine %s", ta_engines[i]->name);
        size_t k;
        if (!library)
            add(r, named && ta_engine_is_meant(ta_engines[i], named) ? opened : STATE_NOTE, what,
                ta_engines[i]->advice, "%s", json_string_value(json_object_get(row, "why")));
        else
            add(r, STATE_OK, what, NULL, "%s, %s", json_string_value(json_object_get(row, "version")),
                json_string_value(library));
        json_array_foreach(json_object_get(row, "devices"), k, device)
        {
            const char *provider = json_string_value(json_object_get(device, "provider"));
            const char *kind = json_string_value(json_object_get(device, "kind"));
            if (json_is_true(json_object_get(device, "works")))
                add(r, STATE_OK, what, NULL, "%s works (%s)", kind, provider);
            else
                add(r, STATE_NOTE, what, "what needs a network can't use this device", "%s fails (%s): %s",
                    kind, provider, json_string_value(json_object_get(device, "why")));
        }
        json_array_foreach(json_object_get(row, "notes"), k, note)
            add(r, STATE_NOTE, what, "it is not used", "%s", json_string_value(note));
        free(what);
        json_decref(row);
    }
}

static void check_tuning(struct report *r)
{
    char *path = ta_config_path("tuning.yaml");
    struct ta_tuning tuning;
    struct ta_buf off = {0};
    bool counts = path && ta_tuning_load(&tuning, path, NULL);
    if (counts)
        for (const struct ta_opt *o = ta_tuning_options; o->name; o++)
            if (!ta_opt_is_default(o, &tuning))
                ta_buf_printf(&off, " %s", o->name);
    if (!counts && path && access(path, F_OK) == 0)
        add(r, STATE_NOTE, "tuning",
            "mend or remove it; every command that works with stages says what is wrong with it",
            "%s can't be read: everything is applied", path);
    else
        add(r, STATE_OK, "tuning", NULL, "%s%s", off.size ? "not applied:" : "everything is applied",
            ta_buf_text(&off));
    ta_buf_release(&off);
    free(path);
}

// --- the machine ---

static void check_machine(struct report *r)
{
    struct ta_buf text = {0};
    int64_t total = ta_machine_memory_bytes(), available = ta_memory_available();
    unsigned flags = ta_cpu_flags();
    add(r, STATE_OK, "cores", NULL, "%d", ta_cpu_count());
    if (flags)
        add(r, STATE_OK, "instructions", NULL, "%s", ta_cpu_text(flags));
    else
        add(r, STATE_NOTE, "instructions", "everything works, slower",
            "no vector instructions that are known");
    ta_append_bytes(&text, total);
    if (available >= 0) {
        ta_buf_puts(&text, ", ");
        ta_append_bytes(&text, available);
        ta_buf_puts(&text, " available");
    }
    bool low = available >= 0 && available < MEMORY_LOW;
    add(r, low ? STATE_NOTE : STATE_OK, "memory",
        low ? "close other programs, or give --jobs 1 and a small --resolution" : NULL, "%s", text.data);
    ta_buf_release(&text);
}

static void check_disk(struct report *r, const char *what, const char *path)
{
    struct ta_buf text = {0};
    int64_t bytes = ta_disk_free_bytes(path);
    if (bytes == INT64_MAX) {
        add(r, STATE_NOTE, what, "nothing can be said about its space", "%s", path);
        return;
    }
    ta_append_bytes(&text, bytes);
    add(r, bytes < DISK_LOW ? STATE_NOTE : STATE_OK, what,
        bytes < DISK_LOW ? "an hour of tape takes several gigabytes; free some, or use -o and --work-dir"
                         : NULL,
        "%s free in %s", text.data, path);
    ta_buf_release(&text);
}

// Asked by doing it: permissions do not tell of file systems that are read-only or none at all.
static bool can_create_in(const char *folder)
{
    char *name = ta_xprintf("%s/.terminalai-XXXXXX", folder);
    bool can = mkdtemp(name) && !rmdir(name);
    free(name);
    return can;
}

static void check_folders(struct report *r)
{
    char *here = getcwd(NULL, 0), *cache = ta_cache_folder();
    static const char advice[] =
        "without it each run reads the whole source again; set XDG_CACHE_HOME to a folder you may write in";
    if (here)
        check_disk(r, "current folder", here);
    if (!cache) {
        add(r, STATE_NOTE, "cache", advice, "neither HOME nor XDG_CACHE_HOME names a folder");
    } else {
        char *at = ta_xstrdup(cache); // the nearest folder that exists decides
        while (access(at, F_OK) < 0 && strcmp(at, "/") && strcmp(at, ".")) {
            char *up = ta_path_dir(at);
            free(at);
            at = up;
        }
        if (!can_create_in(at))
            add(r, STATE_NOTE, "cache", advice, "%s can't be written", cache);
        else
            check_disk(r, "cache", at);
        free(at);
    }
    free(cache);
    free(here);
}

static enum ta_exit run_doctor(struct ta_cli *cli)
{
    const struct doctor_opts *opts = cli->values;
    struct report r = {.table = {.columns = 3}, .list = json_array()};
    check_libraries(&r);
    check_filters(&r);
    check_encoders(&r);
    check_engines(&r, ta_engine_named(opts->engine.engine_library), cli->log);
    check_tuning(&r);
    check_machine(&r);
    check_folders(&r);
    char *end = r.problems ? ta_xprintf("\n%d %s\n", r.problems, ta_plural(r.problems, "problem", "problems"))
                           : ta_xstrdup("\nready\n");
    enum ta_exit status = ta_cli_show_list(cli, opts->json, r.list, &r.table, end);
    free(end);
    return r.problems ? ta_exit_worse(status, TA_EXIT_FAILED) : status;
}

static const struct ta_command_group doctor_groups[] = {
    {"Engines", ta_engine_options, offsetof(struct doctor_opts, engine)},
    {"What to show", doctor_options, 0},
    {0},
};

const struct ta_command ta_command_doctor = {
    .name = "doctor",
    .operands = "",
    .summary = "check that this machine has what is needed",
    .description =
        "Looks at the libraries, filters, encoders and engines (each is really used), the processor, memory, and "
        "space on disk. A line says ok, note (something works less well) or problem (something essential is "
        "missing), and what to do. Exit status 1 when there is a problem.",
    .groups = doctor_groups,
    .values_size = sizeof(struct doctor_opts),
    .run = run_doctor,
};
