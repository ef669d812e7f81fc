// How far an output is, for whoever looks from outside.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "media/parts/name.h"
#include "plan/redo_ranges.h"
#include "restore/delivered.h"
#include "restore/live.h"
#include "restore/look.h"
#include "restore/report.h"
#include "restore/task_kind.h"
#include "restore/work_files.h"

static json_t *source_json(const struct ta_look *f)
{
    char *path = ta_look_source(f);
    struct ta_fingerprint now;
    bool exists = ta_name_exists(path);
    json_t *o = json_pack("{s:o, s:b}", "path", ta_look_text(path), "exists", exists);
    if (exists)
        json_object_set_new(o, "unchanged",
                            json_boolean(ta_fingerprint_read(path, &now, NULL) >= 0 &&
                                         ta_fingerprint_equal(&now, &f->plan->source)));
    free(path);
    return o;
}

// Of the segments alone, by their numbers in the plan.
static json_t *segments_json(const struct ta_look *f)
{
    json_t *running = json_array();
    for (int i = 0; i < f->plan->segment_count; i++)
        if (f->tasks[i] == TA_LOOK_RUNNING)
            json_array_append_new(running, json_integer(i));
    int left = f->plan->segment_count - f->segments_done - (int)json_array_size(running);
    return json_pack("{s:i, s:i, s:o, s:i}", "total", f->plan->segment_count, "done", f->segments_done,
                     "running", running, "left", left);
}

static json_t *tasks_json(const struct ta_look *f)
{
    json_t *running = json_array();
    int total = ta_plan_tasks(f->plan);
    for (int i = 0; i < total; i++)
        if (f->tasks[i] == TA_LOOK_RUNNING)
            json_array_append_new(running, json_string(ta_plan_task(f->plan, i).stem));
    return json_pack("{s:i, s:i, s:o, s:i}", "total", total, "done", f->done, "running", running, "left",
                     total - f->done - f->running);
}

// Where a segment begins in the output; negative when nothing says it. A rate tells it only where all frames
// have the same.
static double start_seconds(const struct ta_plan *p, const struct ta_segment *s)
{
    if (p->index)
        return (double)(ta_plan_time_of(p, p->index, s->source_first, 0) -
                        ta_plan_time_of(p, p->index, p->first_frame, 0)) *
               av_q2d(p->out_time_base);
    return -1;
}

static json_t *playable_json(const struct ta_look *f)
{
    json_t *list = json_array();
    for (int i = 0; i < f->plan->segment_count; i++) {
        if (f->tasks[i] != TA_LOOK_DONE)
            continue;
        struct ta_segment s = ta_plan_segment(f->plan, i);
        struct ta_task task = ta_plan_task(f->plan, i);
        char *path = ta_xprintf("%s/%s.%s", f->dir, task.stem, ta_task_video.suffix);
        double start = start_seconds(f->plan, &s);
        json_t *o = json_pack("{s:i, s:s, s:o, s:I, s:I}", "segment", i, "task", task.stem, "path",
                              ta_look_text(path), "first_frame", (json_int_t)s.out_first, "frames",
                              (json_int_t)s.out_count);
        if (start >= 0)
            json_object_set_new(o, "start_seconds", json_real(start));
        json_array_append_new(list, o);
        free(path);
    }
    return list;
}

// What run.json knows better than the folder: the run's own numbers while it lives, its speed afterwards.
static void add_live(json_t *o, const struct ta_look *f, int64_t left)
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

static char *next_step(const struct ta_look *f, const char *output, const char *work_dir)
{
    if (f->live)
        return ta_xstrdup("wait; a second run would be refused");
    if (f->outdated)
        return ta_xstrdup(
            "another version of the program or its libraries began it: the \"terminalai restore\" "
            "command that did, with --restart, begins anew");
    char *name = shell_word(output), *dir = shell_word(work_dir ? work_dir : "");
    char *text = work_dir && work_dir[0] ? ta_xprintf("terminalai resume %s --work-dir %s", name, dir)
                                         : ta_xprintf("terminalai resume %s", name);
    free(name);
    free(dir);
    return text;
}

static json_t *unfinished(const struct ta_look *f, const char *output, const char *work_dir)
{
    const struct ta_plan *p = f->plan;
    json_t *o = json_object();
    json_object_set_new(o, "output", ta_look_text(output));
    json_object_set_new(o, "state", json_string(f->live ? "running" : "interrupted"));
    json_object_set_new(o, "work_folder", ta_look_text(f->dir));
    json_object_set_new(o, "source", source_json(f));
    json_object_set_new(o, "segments", segments_json(f));
    json_object_set_new(o, "tasks", tasks_json(f));
    json_object_set_new(
        o, "frames",
        json_pack("{s:I, s:I}", "total", (json_int_t)p->out_frames, "done", (json_int_t)f->frames_done));
    json_object_set_new(o, "bytes", json_integer(f->bytes));
    add_live(o, f, p->out_frames - f->frames_done);
    json_object_set_new(o, "playable", playable_json(f));
    char *next = next_step(f, output, work_dir);
    json_object_set_new(o, "next", ta_look_text(next));
    free(next);
    return o;
}

// A report of this very file, by its size; reading all of it is what "verify" is for. `kept`: its work folder
// was left for parts to be made again.
static json_t *finished(const char *output, bool kept)
{
    struct ta_report report;
    struct stat st;
    char *path = ta_report_path(output);
    json_t *o = NULL;
    if (ta_look_is_file(output) && stat(output, &st) == 0) {
        bool known = access(path, F_OK) == 0 && ta_report_load(&report, path, NULL) >= 0;
        bool fits = known && report.bytes == st.st_size;
        o = json_pack("{s:o, s:s, s:I, s:b}", "output", ta_look_text(output), "state", "finished", "bytes",
                      (json_int_t)st.st_size, "report_fits", fits);
        char *name = shell_word(output);
        char *next = !fits  ? ta_xstrdup("it is no file that was restored, or was changed since: look at it")
                     : kept ? ta_xprintf(
                                  "nothing; \"terminalai restore ... -o %s --redo START-END\" makes a part "
                                  "again, \"terminalai clean --remove --kept\" gives the room back",
                                  name)
                            : ta_xprintf("nothing; terminalai verify %s checks it", name);
        json_object_set_new(o, "next", ta_look_text(next));
        json_object_set_new(o, "kept", json_boolean(kept));
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
        struct ta_look f;
        ta_look_init(&f, dir);
        if (ta_look_is_delivered(&f, output)) {
            o = finished(output, ta_look_is_kept(&f));
            json_object_set_new(o, "work_folder", ta_look_text(dir));
        } else if (f.plan) {
            o = unfinished(&f, output, work_dir);
        } else if (!(o = finished(output, false))) {
            ta_error(own, "%s: %s has no plan that can be read: the command that began it makes it anew",
                     output, dir);
            err = TA_ERR_FORMAT;
        }
        ta_look_release(&f);
    } else if (!(o = finished(output, false))) {
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
