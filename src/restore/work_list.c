// All the work folders that there are, and removing what nobody needs.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "media/parts/name.h"
#include "restore/delivered.h"
#include "restore/live.h"
#include "restore/look.h"
#include "restore/work.h"
#include "restore/work_files.h"

enum { MAX_DEPTH = 64 };

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

// Somebody's own folder that has such a name by chance.
static bool is_foreign(const struct ta_look *f)
{
    struct ta_folder folder;
    char *name = NULL;
    // Names prove nothing: a plan that is one does, or a line of the journal, in a folder that is not another
    // user's.
    bool ours = (f->plan || f->journal.plan[0]) && access(f->dir, W_OK) == 0;
    bool foreign = !ours && (ta_folder_hold(&folder, f->dir, NULL) < 0 ||
                             ta_work_find_foreign(&folder, &name, NULL) < 0 || name);
    if (!ours)
        ta_folder_close(&folder);
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
    struct ta_look f;
    ta_look_init(&f, dir);
    const char *state = f.live                ? "running"
                        : is_foreign(&f)      ? "foreign"
                        : ta_look_is_kept(&f) ? "kept"
                        : f.plan              ? "unfinished"
                                              : "garbled";
    json_t *o = json_pack("{s:o, s:s, s:I, s:f}", "folder", ta_look_text(dir), "state", state, "bytes",
                          (json_int_t)f.bytes, "age_seconds", age_of(dir));
    if (!ta_utf8_valid(dir)) { // the very bytes, for whoever wants to remove it
        struct ta_buf hex = {0};
        for (const unsigned char *c = (const unsigned char *)dir; *c; c++)
            ta_buf_printf(&hex, "%02x", *c);
        json_object_set_new(o, "folder_hex", json_string(ta_buf_text(&hex)));
        ta_buf_release(&hex);
    }
    if (f.plan) {
        char *output = ta_look_resolve(&f, f.plan->output), *source = ta_look_source(&f);
        json_object_set_new(o, "output", ta_look_text(output));
        json_object_set_new(o, "output_exists", json_boolean(ta_look_is_file(output)));
        json_object_set_new(o, "source", ta_look_text(source));
        json_object_set_new(o, "source_exists", json_boolean(ta_name_exists(source)));
        json_object_set_new(o, "segments_done", json_integer(f.segments_done));
        json_object_set_new(o, "segments_total", json_integer(f.plan->segment_count));
        json_object_set_new(o, "tasks_done", json_integer(f.done));
        json_object_set_new(o, "tasks_total", json_integer(ta_plan_tasks(f.plan)));
        free(output);
        free(source);
    }
    json_array_append_new(list, o);
    ta_look_release(&f);
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
static void remove_output_part(const struct ta_look *f)
{
    if (!f->plan)
        return;
    char *output = ta_look_resolve(f, f->plan->output);
    ta_work_remove_part(output, f->journal.joining);
    free(output);
}

static int discard(const char *folder, struct ta_log *log)
{
    struct ta_look f;
    struct ta_folder held;
    if (!is_dir(folder) || !has_work_name(folder)) {
        ta_error(log, "%s: is no work folder: nothing in it is changed", folder);
        return TA_ERR_INVALID;
    }
    int err = ta_folder_hold(&held, folder, log);
    if (err >= 0)
        err = ta_folder_own(&held, log);
    if (err >= 0 && flock(held.fd, LOCK_EX | LOCK_NB) < 0) {
        err = ta_error_from_errno(errno);
        if (err == TA_ERR_BUSY)
            ta_error(log, "%s: a run is working in it: it stays", folder);
        else
            ta_error(log, "%s: can't be locked: %s", folder, ta_error_text(err));
    }
    if (err >= 0) {
        ta_look_init(&f, folder);
        err = is_foreign(&f) ? TA_ERR_INVALID : 0;
        if (err < 0)
            ta_error(log, "%s: is no work folder: nothing in it is changed", folder);
        else
            remove_output_part(&f);
        ta_look_release(&f);
    }
    if (err >= 0) {
        ta_work_remove(&held, log);
        if (ta_folder_has(&held, "plan.json") || ta_folder_has(&held, "journal.jsonl")) {
            ta_error(log, "%s: can't be removed", folder);
            err = TA_ERR_ACCESS;
        }
    }
    ta_folder_close(&held);
    return err;
}

int ta_work_discard(const char *folder, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "work");
    int err = discard(folder, own);
    ta_log_destroy(&own);
    return err;
}
