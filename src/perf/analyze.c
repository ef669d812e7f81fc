#include "perf/analyze.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/words.h"
#include "perf/clang.h"
#include "perf/commands.h"
#include "perf/look.h"

// Goes up with whatever changes what is written down of a file.
enum { FACTS_VERSION = 9 };
enum { CACHE_LIMIT = 64 << 20, TOLD_FILES = 5 };

struct work {
    const struct ta_clang *clang;
    const struct ta_commands *commands;
    const struct ta_analyze_opts *opts;
    const char *root;
    struct ta_facts *facts;
    bool *known; // from the cache
    int *errors; // of ta_look()
    struct ta_log *log;
};

static char *cache_file(const struct work *w, const struct ta_command_entry *e)
{
    if (!w->opts->cache)
        return NULL;
    struct ta_buf key = {0};
    char sum[TA_SHA256_HEX];
    ta_buf_printf(&key, "%d\n%s\n%s\n%s\n%s\n", FACTS_VERSION, w->clang->version, w->root, e->path, e->dir);
    for (int i = 0; i < e->count; i++)
        ta_buf_printf(&key, "%s\n", e->args[i]);
    ta_sha256_hex(key.data, key.size, sum);
    ta_buf_release(&key);
    return ta_xprintf("%s/%s.json", w->opts->cache, sum);
}

static json_t *stamp(const char *file)
{
    struct stat st;
    if (stat(file, &st) < 0)
        return NULL;
    json_t *name = json_string(file);
    return name ? json_pack("[o,I,I,I]", name, (json_int_t)st.st_size, (json_int_t)st.st_mtim.tv_sec,
                            (json_int_t)st.st_mtim.tv_nsec)
                : NULL;
}

// Are all files that were read then as they were?
static bool is_fresh(const json_t *files)
{
    size_t i;
    const json_t *old;
    json_array_foreach(files, i, old)
    {
        const char *file = json_string_value(json_array_get(old, 0));
        json_t *now = file ? stamp(file) : NULL;
        bool same = now && json_equal(now, old);
        json_decref(now);
        if (!same)
            return false;
    }
    return json_array_size(files) > 0;
}

static bool read_known(const char *path, struct ta_facts *facts)
{
    struct ta_buf text = {0};
    bool known = false;
    if (path && access(path, R_OK) == 0 && ta_file_read(path, CACHE_LIMIT, &text, NULL) >= 0) {
        json_t *root = json_loadb(ta_buf_text(&text), text.size, 0, NULL);
        known = root && is_fresh(json_object_get(root, "files")) &&
                ta_facts_from_json(facts, json_object_get(root, "facts"));
        json_decref(root);
    }
    ta_buf_release(&text);
    return known;
}

static void keep_known(const char *path, const struct ta_facts *facts, const struct ta_buf *read)
{
    json_t *files = json_array();
    for (const char *p = read->data; p && p < read->data + read->size; p += strlen(p) + 1) {
        json_t *s = stamp(p);
        if (!s) { // changed while it was read, or a name that is no text
            json_decref(files);
            return;
        }
        json_array_append_new(files, s);
    }
    json_t *root = json_pack("{s:o,s:o}", "files", files, "facts", ta_facts_to_json(facts));
    char *text = json_dumps(root, JSON_COMPACT);
    // A cache that can't be written costs time alone.
    if (text)
        ta_file_write_atomic(path, text, strlen(text), NULL);
    free(text);
    json_decref(root);
}

static void look_at(void *arg, int i)
{
    struct work *w = arg;
    const struct ta_command_entry *e = &w->commands->items[i];
    char *cached = cache_file(w, e);
    struct ta_buf read = {0};
    if (read_known(cached, &w->facts[i])) {
        w->known[i] = true;
    } else {
        struct ta_look_file file = {.path = e->path,
                                    .dir = e->dir,
                                    .args = (const char *const *)e->args,
                                    .count = e->count,
                                    .root = w->root};
        w->errors[i] = ta_look(w->clang, &file, &w->facts[i], &read);
        if (w->errors[i] >= 0 && cached)
            keep_known(cached, &w->facts[i], &read);
    }
    ta_buf_release(&read);
    free(cached);
}

// Sources with errors are judged as far as they could be read, and named.
static void note_errors(struct ta_analysis *a, const struct work *w)
{
    int told = 0;
    for (int i = 0; i < w->commands->count; i++) {
        const char *file = w->commands->items[i].path;
        int count = w->errors[i] < 0 ? 1 : w->facts[i].errors;
        const char *first = w->errors[i] < 0 ? "it can't be read at all" : w->facts[i].first_error;
        if (!count)
            continue;
        if (w->errors[i] < 0 && told++ < TOLD_FILES)
            ta_warn(w->log, "%s: libclang can't read it; it is left out", file);
        else if (w->errors[i] >= 0 && told++ < TOLD_FILES)
            ta_warn(w->log, "%s: the compiler finds %d %s in it; what it could read is judged: %s", file,
                    count, ta_plural(count, "error", "errors"), first);
        json_array_append_new(a->errors, json_pack("{s:o,s:i,s:o}", "file", ta_json_any_text(file), "errors",
                                                   count, "first", ta_json_any_text(first)));
    }
    if (told > TOLD_FILES)
        ta_warn(w->log, "and in %d more files", told - TOLD_FILES);
}

static int look_at_all(struct ta_analysis *a, const struct ta_analyze_opts *opts, struct work *w)
{
    struct ta_pool *pool = NULL;
    int n = w->commands->count, failed = 0;
    w->facts = ta_xcalloc((size_t)n, sizeof *w->facts);
    w->known = ta_xcalloc((size_t)n, sizeof *w->known);
    w->errors = ta_xcalloc((size_t)n, sizeof *w->errors);
    int err = ta_pool_create(&pool, TA_MIN(n, opts->jobs > 0 ? opts->jobs : ta_cpu_count()));
    if (err < 0) {
        ta_error(w->log, "no threads can be started");
        return err;
    }
    ta_pool_run(pool, n, look_at, w);
    ta_pool_destroy(&pool);
    a->files = n;
    for (int i = 0; i < n; i++) {
        a->read += !w->known[i];
        failed += w->errors[i] < 0;
    }
    note_errors(a, w);
    if (failed == n) {
        ta_error(w->log, "%s: libclang can't read any of its files", a->root);
        return TA_ERR_FORMAT;
    }
    ta_rules_judge(w->facts, n, opts->only, &a->findings);
    ta_findings_suppress(&a->findings);
    return 0;
}

static void release_work(struct work *w)
{
    for (int i = 0; w->facts && i < w->commands->count; i++)
        ta_facts_release(&w->facts[i]);
    free(w->facts);
    free(w->known);
    free(w->errors);
}

static int find_root(struct ta_analysis *a, const char *path, struct ta_log *log)
{
    if (access(path, R_OK) < 0) {
        int err = ta_error_from_errno(errno);
        ta_error(log, "%s: %s", path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return err;
    }
    a->root = ta_path_absolute(path);
    return 0;
}

int ta_analyze(const struct ta_analyze_opts *opts, struct ta_analysis *out, struct ta_log *log)
{
    struct ta_clang *clang = NULL;
    struct ta_commands commands = {0};
    *out = (struct ta_analysis){.errors = json_array()};
    int err = find_root(out, opts->path, log);
    if (err >= 0)
        err = ta_commands_load(&commands, out->root, opts->database, log);
    if (err >= 0)
        err = ta_clang_open(&clang, opts->libclang, log);
    if (err >= 0) {
        if (opts->cache &&
            (ta_dir_create_above(opts->cache, 0777, NULL) < 0 || ta_dir_create(opts->cache, NULL) < 0))
            ta_verbose(log, "%s: nothing can be kept there", opts->cache);
        out->clang = ta_xstrdup(clang->version);
        struct work w = {.clang = clang, .commands = &commands, .opts = opts, .root = out->root, .log = log};
        err = look_at_all(out, opts, &w);
        release_work(&w);
    }
    ta_clang_close(&clang);
    ta_commands_release(&commands);
    return err;
}

void ta_analysis_release(struct ta_analysis *a)
{
    ta_findings_release(&a->findings);
    json_decref(a->errors);
    free(a->root);
    free(a->clang);
    *a = (struct ta_analysis){0};
}

int ta_analysis_count(const struct ta_analysis *a, enum ta_weight from)
{
    int n = 0;
    for (int i = 0; i < a->findings.count; i++)
        n += !a->findings.items[i].reason && a->findings.items[i].severity >= from;
    return n;
}
