// Looking at unfinished work from outside: how far it is, and which work folders there are.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "media/parts/name.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "plan/redo_ranges.h"
#include "restore/live.h"
#include "plan/plan.h"
#include "restore/report.h"
#include "restore/work.h"
#include "restore/work_files.h"

enum { PLAN_LIMIT = 16 << 20, MAX_DEPTH = 64 };

// A work folder as it is found. Its plan has no index.
struct found {
    char *dir;
    struct ta_plan *plan; // NULL when it can't be read
    struct ta_journal journal;
    bool live;
    int done;
    int64_t frames_done, bytes;
};

static void release(struct found *f)
{
    ta_plan_destroy(&f->plan);
    ta_journal_release(&f->journal);
    free(f->dir);
}

static char *name_in(const struct found *f, const char *name)
{
    return ta_path_join(f->dir, name);
}

// Is the file of a segment there as the journal says, by its size?
static bool has_segment(const struct found *f, int k)
{
    char *stem = ta_plan_segment_stem(f->plan, k), *path = ta_xprintf("%s/%s.nut", f->dir, stem);
    struct ta_segment_result r = ta_journal_find(&f->journal, f->plan, k);
    struct stat st;
    bool yes = r.frames > 0 && stat(path, &st) == 0 && st.st_size == r.bytes;
    free(stem);
    free(path);
    return yes;
}

static void look(struct found *f, const char *dir)
{
    *f = (struct found){.dir = ta_xstrdup(dir)};
    char *path = name_in(f, "plan.json");
    struct ta_buf text = {0};
    if (access(path, F_OK) == 0 && ta_file_read(path, PLAN_LIMIT, &text, NULL) >= 0)
        ta_plan_from_json(&f->plan, ta_buf_text(&text), text.size, path, NULL);
    ta_buf_release(&text);
    free(path);
    f->live = ta_work_is_live(dir);
    f->bytes = ta_work_disk_bytes(dir);
    ta_journal_load(&f->journal, dir, f->plan ? ta_plan_numbers(f->plan) : 0);
    for (int i = 0; f->plan && i < f->plan->segment_count; i++) {
        if (!has_segment(f, i))
            continue;
        f->done++;
        f->frames_done += ta_journal_find(&f->journal, f->plan, i).frames;
    }
}

// A path of the plan, from the folder in which the run was started.
static char *resolve(const struct found *f, const char *path)
{
    return f->journal.folder ? ta_path_join(f->journal.folder, path) : ta_xstrdup(path);
}

static char *source_of(const struct found *f)
{
    return f->journal.folder ? ta_name_below(f->journal.folder, f->plan->input) : ta_xstrdup(f->plan->input);
}

// Names need not be UTF-8, JSON strings must.
static json_t *text_json(const char *text)
{
    json_t *s = json_string(text);
    if (s)
        return s;
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, text);
    s = json_string(ta_buf_text(&quoted));
    ta_buf_release(&quoted);
    return s ? s : json_null();
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static json_t *source_json(const struct found *f)
{
    char *path = source_of(f);
    struct ta_fingerprint now;
    bool exists = ta_name_exists(path);
    json_t *o = json_pack("{s:o, s:b}", "path", text_json(path), "exists", exists);
    if (exists)
        json_object_set_new(o, "unchanged",
                            json_boolean(ta_fingerprint_read(path, &now, NULL) >= 0 &&
                                         ta_fingerprint_equal(&now, &f->plan->source)));
    free(path);
    return o;
}

static int segment_of_part(const char *name)
{
    int k = -1, end = 0;
    return sscanf(name, "seg-%9d.%n", &k, &end) == 1 && end && !strcmp(ta_path_extension(name), "part") ? k
                                                                                                        : -1;
}

static json_t *segments_json(const struct found *f)
{
    char **names = NULL;
    json_t *running = json_array();
    if (f->live && ta_dir_list(f->dir, &names, NULL) >= 0)
        for (char **n = names; *n; n++)
            if (segment_of_part(*n) >= 0)
                json_array_append_new(running, json_integer(segment_of_part(*n)));
    ta_dir_list_free(&names);
    int left = f->plan->segment_count - f->done - (int)json_array_size(running);
    return json_pack("{s:i, s:i, s:o, s:i}", "total", f->plan->segment_count, "done", f->done, "running",
                     running, "left", TA_MAX(left, 0));
}

static json_t *playable_json(const struct found *f)
{
    json_t *list = json_array();
    double rate = f->plan->out_format.frame_rate.num > 0 ? av_q2d(f->plan->out_format.frame_rate) : 0;
    for (int i = 0; i < f->plan->segment_count; i++) {
        if (!has_segment(f, i))
            continue;
        struct ta_segment s = ta_plan_segment(f->plan, i);
        char *stem = ta_plan_segment_stem(f->plan, i), *name = ta_xprintf("%s.nut", stem),
             *path = name_in(f, name);
        free(stem);
        json_t *o = json_pack("{s:i, s:o, s:I, s:I}", "segment", i, "path", text_json(path), "first_frame",
                              (json_int_t)s.out_first, "frames", (json_int_t)s.out_count);
        if (rate > 0)
            json_object_set_new(o, "start_seconds", json_real((double)s.out_first / rate));
        json_array_append_new(list, o);
        free(path);
        free(name);
    }
    return list;
}

// What run.json knows better than the folder: the run's own numbers while it lives, its speed afterwards.
static void add_live(json_t *o, const struct found *f, int64_t left)
{
    static const char *const always[] = {"started", "updated", "fps", "host", "pid"};
    static const char *const while_running[] = {"phase", "fraction", "total", "eta_seconds"};
    json_t *live = ta_live_read(f->dir);
    for (size_t i = 0; live && i < TA_COUNT(always); i++)
        if (json_object_get(live, always[i]))
            json_object_set(o, always[i], json_object_get(live, always[i]));
    for (size_t i = 0; live && f->live && i < TA_COUNT(while_running); i++)
        if (json_object_get(live, while_running[i]))
            json_object_set(o, while_running[i], json_object_get(live, while_running[i]));
    int64_t made = json_integer_value(json_object_get(live, "frames_done"));
    if (f->live && made > f->frames_done)
        json_object_set_new(json_object_get(o, "frames"), "done", json_integer(made));
    double fps = json_number_value(json_object_get(live, "fps"));
    if (!f->live && fps > 0)
        json_object_set_new(o, "eta_seconds", json_real((double)left / fps));
    json_decref(live);
}

// As a shell takes it.
static char *shell_word(const char *text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    struct ta_buf b = {0};
    bool plain = true, control = false;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        plain &= *c >= 0x80 || strchr(safe, *c);
        control |= *c < 0x20 || *c == 0x7f;
    }
    if (plain && *text)
        return ta_xstrdup(text);
    ta_buf_puts(&b, control ? "$'" : "'");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (control && (*c < 0x20 || *c == 0x7f))
            ta_buf_printf(&b, "\\x%02x", *c);
        else if (*c == '\'' || (control && *c == '\\'))
            ta_buf_printf(&b, control ? "\\%c" : "'\\%c'", *c);
        else
            ta_buf_putc(&b, (char)*c);
    }
    ta_buf_putc(&b, '\'');
    return ta_buf_take(&b);
}

static char *next_step(const struct found *f, const char *output, const char *work_dir)
{
    if (f->live)
        return ta_xstrdup("wait; a second run would be refused");
    char *name = shell_word(output), *dir = shell_word(work_dir ? work_dir : "");
    char *text = work_dir && work_dir[0] ? ta_xprintf("terminalai resume %s --work-dir %s", name, dir)
                                         : ta_xprintf("terminalai resume %s", name);
    free(name);
    free(dir);
    return text;
}

static json_t *unfinished(const struct found *f, const char *output, const char *work_dir)
{
    const struct ta_plan *p = f->plan;
    json_t *o = json_object();
    json_object_set_new(o, "output", text_json(output));
    json_object_set_new(o, "state", json_string(f->live ? "running" : "interrupted"));
    json_object_set_new(o, "work_folder", text_json(f->dir));
    json_object_set_new(o, "source", source_json(f));
    json_object_set_new(o, "segments", segments_json(f));
    json_object_set_new(
        o, "frames",
        json_pack("{s:I, s:I}", "total", (json_int_t)p->out_frames, "done", (json_int_t)f->frames_done));
    json_object_set_new(o, "bytes", json_integer(f->bytes));
    add_live(o, f, p->out_frames - f->frames_done);
    json_object_set_new(o, "playable", playable_json(f));
    char *next = next_step(f, output, work_dir);
    json_object_set_new(o, "next", text_json(next));
    free(next);
    return o;
}

// A report of this very file, by its size; reading all of it is what "verify" is for.
static json_t *finished(const char *output)
{
    struct ta_report report;
    struct stat st;
    char *path = ta_report_path(output);
    json_t *o = NULL;
    if (is_file(output) && stat(output, &st) == 0) {
        bool known = access(path, F_OK) == 0 && ta_report_load(&report, path, NULL) >= 0;
        bool fits = known && report.bytes == st.st_size;
        o = json_pack("{s:o, s:s, s:I, s:b}", "output", text_json(output), "state", "finished", "bytes",
                      (json_int_t)st.st_size, "report_fits", fits);
        char *name = shell_word(output);
        char *next = fits ? ta_xprintf("nothing; terminalai verify %s checks it", name)
                          : ta_xstrdup("it is no file that was restored, or was changed since: look at it");
        json_object_set_new(o, "next", text_json(next));
        free(next);
        free(name);
        if (known)
            ta_report_release(&report);
    }
    free(path);
    return o;
}

int ta_status(const char *output, const char *work_dir, char **json, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "status");
    char *dir = ta_work_path_of(output, work_dir);
    json_t *o = NULL;
    int err = 0;
    *json = NULL;
    if (access(dir, F_OK) == 0) {
        struct found f;
        look(&f, dir);
        if (f.plan) {
            o = unfinished(&f, output, work_dir);
        } else if (!(o = finished(output))) {
            ta_error(own, "%s: %s has no plan that can be read: the command that began it makes it anew",
                     output, dir);
            err = TA_ERR_FORMAT;
        }
        release(&f);
    } else if (!(o = finished(output))) {
        ta_error(own, "%s: there is no such file and no unfinished work of it (%s)", output, dir);
        err = TA_ERR_NOT_FOUND;
    }
    if (o)
        *json = ta_json_text(o);
    json_decref(o);
    free(dir);
    ta_log_destroy(&own);
    return err;
}

// ---- all work folders ----

static bool has_work_name(const char *path)
{
    const char *name = ta_path_name(path);
    size_t n = strlen(name), suffix = strlen(TA_WORK_SUFFIX);
    return n > suffix && !strcmp(name + n - suffix, TA_WORK_SUFFIX);
}

static bool is_dir(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool holds(const char *dir, const char *name)
{
    char *path = ta_path_join(dir, name);
    bool yes = access(path, F_OK) == 0;
    free(path);
    return yes;
}

// Somebody's own folder that has such a name by chance.
static bool is_foreign(const char *dir)
{
    char *name = NULL;
    bool own = holds(dir, "plan.json") || holds(dir, "journal.jsonl");
    bool foreign = !own && (ta_work_find_foreign(dir, &name, NULL) < 0 || name);
    free(name);
    return foreign;
}

static double age_of(const char *dir)
{
    char *journal = ta_path_join(dir, "journal.jsonl");
    struct stat st;
    double age = 0;
    if (stat(journal, &st) == 0 || stat(dir, &st) == 0)
        age = ta_wall_clock() - (double)st.st_mtim.tv_sec;
    free(journal);
    return TA_MAX(age, 0); // a clock may have been set back
}

static void describe(const char *dir, json_t *list)
{
    struct found f;
    look(&f, dir);
    const char *state = f.live ? "running" : is_foreign(dir) ? "foreign" : f.plan ? "unfinished" : "garbled";
    json_t *o = json_pack("{s:o, s:s, s:I, s:f}", "folder", text_json(dir), "state", state, "bytes",
                          (json_int_t)f.bytes, "age_seconds", age_of(dir));
    if (!ta_utf8_valid(dir)) { // the very bytes, for whoever wants to remove it
        struct ta_buf hex = {0};
        for (const unsigned char *c = (const unsigned char *)dir; *c; c++)
            ta_buf_printf(&hex, "%02x", *c);
        json_object_set_new(o, "folder_hex", json_string(ta_buf_text(&hex)));
        ta_buf_release(&hex);
    }
    if (f.plan) {
        char *output = resolve(&f, f.plan->output), *source = source_of(&f);
        json_object_set_new(o, "output", text_json(output));
        json_object_set_new(o, "output_exists", json_boolean(is_file(output)));
        json_object_set_new(o, "source", text_json(source));
        json_object_set_new(o, "source_exists", json_boolean(ta_name_exists(source)));
        json_object_set_new(o, "segments_done", json_integer(f.done));
        json_object_set_new(o, "segments_total", json_integer(f.plan->segment_count));
        free(output);
        free(source);
    }
    json_array_append_new(list, o);
    release(&f);
}

static void collect(const char *dir, bool recursive, int depth, json_t *list)
{
    char **names = NULL;
    if (depth > MAX_DEPTH || ta_dir_list(dir, &names, NULL) < 0)
        return;
    for (char **n = names; *n; n++) {
        char *path = ta_path_join(dir, *n);
        if (is_dir(path) && has_work_name(path))
            describe(path, list);
        else if (recursive && is_dir(path))
            collect(path, true, depth + 1, list);
        free(path);
    }
    ta_dir_list_free(&names);
}

int ta_work_list(const char *dir, bool recursive, char **json, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "work");
    char *trimmed = ta_xstrdup(dir);
    size_t n = strlen(trimmed);
    while (n > 1 && trimmed[n - 1] == '/')
        trimmed[--n] = 0;
    char **names = NULL;
    *json = NULL;
    int err = ta_dir_list(trimmed, &names, own); // says what is wrong with the folder
    ta_dir_list_free(&names);
    if (err >= 0) {
        json_t *list = json_array();
        if (has_work_name(trimmed))
            describe(trimmed, list);
        else
            collect(trimmed, recursive, 0, list);
        *json = ta_json_text(list);
        json_decref(list);
    }
    free(trimmed);
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}

// The joined file that a killed run was writing.
static void remove_output_part(const struct found *f)
{
    if (!f->plan || !f->journal.joining)
        return;
    char *output = resolve(f, f->plan->output), *part = ta_work_output_part(output);
    struct stat st;
    if (lstat(part, &st) == 0 && S_ISREG(st.st_mode))
        unlink(part);
    free(part);
    free(output);
}

static int discard(const char *folder, struct ta_log *log)
{
    struct found f;
    if (!is_dir(folder) || !has_work_name(folder) || is_foreign(folder)) {
        ta_error(log, "%s: is no work folder: nothing in it is changed", folder);
        return TA_ERR_INVALID;
    }
    int lock = ta_lock_try(folder, NULL);
    if (lock == TA_ERR_BUSY)
        ta_error(log, "%s: a run is working in it: it stays", folder);
    else if (lock < 0)
        ta_error(log, "%s: can't be locked: %s", folder, ta_error_text(lock));
    if (lock < 0)
        return lock;
    look(&f, folder);
    remove_output_part(&f);
    release(&f);
    ta_work_remove(folder, log);
    close(lock);
    if (holds(folder, "plan.json") || holds(folder, "journal.jsonl")) {
        ta_error(log, "%s: can't be removed", folder);
        return TA_ERR_ACCESS;
    }
    return 0;
}

int ta_work_discard(const char *folder, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "work");
    int err = discard(folder, own);
    ta_log_destroy(&own);
    return err;
}
