// The whole run: work folder, tasks, join, check, put in place, report.
#include <terminalai/task.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/words.h"
#include "restore/advice.h"
#include "restore/check.h"
#include "restore/delivered.h"
#include "restore/framemd5.h"
#include "restore/join.h"
#include "restore/live.h"
#include "restore/measure.h"
#include "restore/output.h"
#include "restore/report.h"
#include "restore/run.h"
#include "restore/sound.h"
#include "restore/sound_result.h"
#include "restore/space.h"
#include "restore/stream.h"
#include "restore/task.h"
#include "restore/task_kind.h"
#include "restore/work.h"
#include "restore/work_files.h"

// How far, in seconds, sound may start from where the source has it before it is a warning. Packets that are
// copied keep their times but for the container's rounding. Transcoded sound keeps its place too, but a track
// begins with the first sample that the source's decoder gives (that of WMA gives none for its first two
// packets, some 65 ms), and the encoder's run-in may come before it (at 48 kHz AAC 21 ms, Opus 7 ms).
static const double COPIED_SYNC_LIMIT = 0.005, TRANSCODED_SYNC_LIMIT = 0.1;

struct restore {
    const struct ta_plan *plan;
    struct ta_run_opts run;
    struct ta_meter meter;
    struct ta_log *log;
    struct ta_problems *problems; // of this run
    struct ta_guard guard;        // what it must not write
    struct ta_work work;
    struct ta_sound *sound;
    struct ta_space space;
    struct ta_live live;
    struct ta_join_result join;
    struct ta_check_result check;
    struct ta_restore_result result;
    double started, cpu_started;
    int64_t frames_made;
    bool join_only;           // the tasks are others' work
    bool already;             // delivered before
    bool drop;                // the caller says that the work is not to be kept
    bool told;                // what the plan knew
    bool streamed;            // to standard output: there is no work folder
    const struct ta_env *env; // NULL: none
};

static bool to_stdout(const struct ta_plan *p)
{
    return !strcmp(p->output, "-");
}

// ---- before any work ----

// What lies beside the output has its name with some bytes more.
static int check_name_length(const struct restore *r, const char *dir, struct ta_log *log)
{
    const char *longest = r->plan->framemd5 ? ".framemd5" : ".json";
    const char *name = ta_path_name(r->plan->output);
    int most = ta_path_name_max(dir) - (int)strlen(longest);
    if (strlen(name) <= (size_t)most)
        return 0;
    ta_error(log, "%s: this name has %zu bytes; with what lies beside it (NAME%s) %d are possible",
             r->plan->output, strlen(name), longest, most);
    return TA_ERR_INVALID;
}

// `log` NULL: to know it without a word.
static int check_output_name(const struct restore *r, struct ta_log *log)
{
    if (to_stdout(r->plan))
        return 0;
    int err = ta_output_check(&r->guard, r->plan->output, r->run.overwrite, log);
    char *dir = ta_path_dir(r->plan->output);
    if (err >= 0)
        err = check_name_length(r, dir, log);
    free(dir);
    return err;
}

static int check_beside(const struct restore *r)
{
    // What a run that was killed left beside its output has no report yet.
    bool sums = r->plan->framemd5 && !r->work.delivered;
    return to_stdout(r->plan)
               ? 0
               : ta_output_check_beside(&r->guard, r->plan->output, sums, r->run.overwrite, r->log);
}

// ---- delivering ----

// Checksums of frames, where they are wanted, read the output a second time.
static void start_verify(struct restore *r)
{
    ta_meter_start(&r->meter, TA_PHASE_VERIFY);
    ta_meter_part(&r->meter, 0, r->plan->framemd5 ? 0.5 : 1);
}

static int join_and_check(struct restore *r, const char *part)
{
    int err = ta_join(&r->work, r->sound, part, &r->meter, &r->join, r->log);
    if (err < 0 || to_stdout(r->plan))
        return err;
    start_verify(r);
    err = ta_check_output(r->plan, part, r->run.verify == TA_VERIFY_FULL, &r->meter, &r->check, r->log);
    if (err < 0)
        unlink(part);
    return err;
}

// What the plan knew, as if it were told now.
static void tell_plan(const struct restore *r)
{
    size_t i;
    json_t *warning;
    json_array_foreach(r->plan->warnings, i, warning)
    {
        struct ta_problem *p = ta_problem_from_json(warning), full = p ? *p : (struct ta_problem){0};
        char *message = p ? ta_xprintf("%s: %s", r->plan->input, p->message) : NULL;
        full.message = message;
        full.file = full.file ? full.file : r->plan->input;
        if (p)
            ta_problem_tell(r->log, &full);
        free(message);
        ta_problem_destroy(&p);
    }
}

static void tell_count(const struct restore *r, enum ta_problem_id id, int64_t count, const char *one,
                       const char *many)
{
    if (!count)
        return;
    struct ta_problem_about about = {.file = r->plan->input,
                                     .args = json_pack("{s:I}", "count", (json_int_t)count)};
    ta_problem_at(r->log, id, &about, "%s: %lld %s", r->plan->input, (long long)count,
                  ta_plural(count, one, many));
}

static void tell_sync(const struct restore *r)
{
    double copied = r->check.worst_sync_copied, transcoded = r->check.worst_sync_transcoded;
    if (copied <= COPIED_SYNC_LIMIT && transcoded <= TRANSCODED_SYNC_LIMIT)
        return;
    double worst = transcoded > TRANSCODED_SYNC_LIMIT ? TA_MAX(copied, transcoded) : copied;
    struct ta_problem_about about = {.file = r->plan->output, .args = json_pack("{s:f}", "seconds", worst)};
    ta_problem_at(r->log, TA_PROBLEM_SOUND_OUT_OF_SYNC, &about,
                  "%s: sound starts %.1f ms from where the source has it", r->plan->output, worst * 1000);
}

// Numbers and problems that need all tasks and the join.
static void sum_up(struct restore *r)
{
    struct ta_restore_result *out = &r->result;
    const struct ta_plan *p = r->plan;
    out->frames = p->out_frames;
    for (int i = 0; !r->streamed && i < p->segment_count; i++) {
        struct ta_segment_result segment = ta_work_segment(&r->work, i);
        out->concealed += segment.concealed;
        out->damaged += segment.damaged;
    }
    if (!r->streamed)
        out->bytes = to_stdout(p) ? r->join.bytes : r->check.bytes;
    if (!r->told)
        tell_plan(r);
    tell_count(r, TA_PROBLEM_FRAMES_CONCEALED, out->concealed,
               "frame could not be decoded; a neighbour was repeated in its place",
               "frames could not be decoded; a neighbour was repeated in their place");
    tell_count(r, TA_PROBLEM_FRAMES_DAMAGED, out->damaged, "frame decoded with errors",
               "frames decoded with errors");
    tell_count(r, TA_PROBLEM_SOUND_UNDECODABLE, r->join.audio_errors,
               "piece of sound could not be decoded; it is silent",
               "pieces of sound could not be decoded; they are silent");
    tell_count(r, TA_PROBLEM_SOUND_MISSING, r->check.sound_missing,
               "sound stream gives no sound; the output is without it",
               "sound streams give no sound; the output is without them");
    tell_count(r, TA_PROBLEM_PACKETS_REFUSED, r->join.refused,
               "packet of a copied stream is too damaged for the container; it is left out",
               "packets of copied streams are too damaged for the container; they are left out");
    tell_sync(r);
    if (!r->streamed)
        ta_sound_tell_loudness(&r->work, r->log);
    out->losses = ta_problems_count_of(r->problems, TA_SEVERITY_LOSS);
    out->warnings = out->losses + ta_problems_count_of(r->problems, TA_SEVERITY_WARNING);
    out->wall_seconds = ta_clock_seconds() - r->started;
    out->cpu_seconds = ta_cpu_seconds() - r->cpu_started;
    out->peak_rss_bytes = ta_peak_rss_bytes();
}

// What lies beside the output: checksums if asked for, and the report, whose presence says that all is done.
static int write_beside(struct restore *r)
{
    // What was not there before the work began may be now.
    int err = check_beside(r);
    char *part = ta_work_part(&r->work);
    if (err >= 0 && !part) {
        err = ta_work_begin_joining(&r->work);
        part = ta_work_part(&r->work);
    }
    // Both by way of the temporary name that the journal knows, so that a kill leaves nothing that nobody
    // removes.
    if (err >= 0 && r->plan->framemd5) {
        char *sums = ta_framemd5_path(r->plan->output);
        ta_meter_part(&r->meter, 0.5, 1);
        err = ta_framemd5_write(r->plan->output, part, sums, &r->meter, r->log);
        free(sums);
    }
    if (err >= 0) {
        char *path = ta_report_path(r->plan->output);
        struct ta_sessions_stats networks = {0};
        if (r->env && r->env->sessions)
            ta_sessions_get_stats(r->env->sessions, &networks);
        char *text = ta_report_text(&r->work, &r->join, &r->check, &r->result, r->problems, &networks);
        err = ta_file_write_through(part, path, text, strlen(text), r->log);
        free(text);
        free(path);
    }
    free(part);
    return err;
}

// What stands at the output's name is replaced only when the user says so.
static int take_name(struct restore *r, const char *part)
{
    const struct ta_plan *p = r->plan;
    // Once more: whoever moves files about while it works must not lose the source.
    int err = r->run.overwrite ? ta_output_check(&r->guard, p->output, true, r->log) : 0;
    if (err < 0 || r->run.overwrite)
        return err < 0 ? err : ta_file_commit(part, p->output, r->log);
    err = ta_file_commit_new(part, p->output, r->log);
    if (err == TA_ERR_EXISTS)
        ta_error(r->log, "%s: another program has made this file in the meantime; --overwrite replaces it",
                 p->output);
    return err;
}

static int deliver(struct restore *r)
{
    const struct ta_plan *p = r->plan;
    int err = ta_space_check_join(&r->space);
    // A file that is still being written would be cut into segments of two states.
    if (err >= 0)
        err = ta_work_check_source(r->plan, r->log);
    if (err < 0)
        return err;
    if (to_stdout(p)) {
        err = join_and_check(r, "-");
        if (err >= 0)
            sum_up(r);
        return err;
    }
    err = ta_work_begin_joining(&r->work);
    if (err < 0)
        return err;
    char *part = ta_work_part(&r->work);
    err = join_and_check(r, part);
    // Noted before the name is taken: a run that is killed in between knows the file that it finds.
    if (err >= 0)
        err = ta_work_note_joined(&r->work, r->check.sha256, r->check.bytes);
    if (err >= 0)
        err = take_name(r, part);
    if (err >= 0) {
        sum_up(r);
        err = write_beside(r);
    }
    if (err < 0)
        unlink(part);
    free(part);
    return err;
}

// Does a report of just this file lie beside it?
static bool has_report(const struct restore *r)
{
    struct ta_report report;
    char *path = ta_report_path(r->plan->output);
    bool fits = access(path, F_OK) == 0 && ta_report_load(&report, path, NULL) >= 0;
    if (fits) {
        fits = !strcmp(report.sha256, r->check.sha256);
        ta_report_release(&report);
    }
    free(path);
    return fits;
}

// An earlier run put the file in place and was killed before it had written the report or cleaned up.
static int finish_delivered(struct restore *r)
{
    ta_info(r->log, "%s is in place already; an earlier run did not come to its end", r->plan->output);
    int64_t frames;
    r->result.segments_reused = ta_work_segments_done(&r->work, &frames);
    r->result.tasks_reused = r->work.done_count;
    start_verify(r);
    int err = ta_check_output(r->plan, r->plan->output, r->run.verify == TA_VERIFY_FULL, &r->meter, &r->check,
                              r->log);
    if (err >= 0) {
        sum_up(r);
        err = has_report(r) ? 0 : write_beside(r);
    }
    return err;
}

// "seg-00003, seg-00005 to seg-00008, seg-00012": the tasks that are missing, the first few runs of them, by
// the names that "terminalai task" takes.
static void name_missing(const struct ta_work *w, struct ta_buf *out)
{
    const struct ta_plan *p = w->plan;
    int runs = 0;
    for (int i = 0, n = ta_plan_tasks(p), first; i < n; i++) {
        if (w->done[i].bytes)
            continue;
        struct ta_task from = ta_plan_task(p, i);
        for (first = i; i + 1 < n && !w->done[i + 1].bytes; i++)
            if (strcmp(ta_plan_task(p, i + 1).kind, from.kind))
                break;
        if (runs++ == 8) {
            ta_buf_puts(out, ", ...");
            return;
        }
        ta_buf_printf(out, "%s%s", runs > 1 ? ", " : "", from.stem);
        if (i > first)
            ta_buf_printf(out, "%s%s", i == first + 1 ? ", " : " to ", ta_plan_task(p, i).stem);
    }
}

static int need_all_tasks(const struct restore *r)
{
    const struct ta_plan *p = r->plan;
    int missing = ta_plan_tasks(p) - r->work.done_count;
    if (!missing)
        return 0;
    struct ta_buf names = {0};
    name_missing(&r->work, &names);
    ta_error(r->log, "%s: %d of %d %s not made yet: %s", p->output, missing, ta_plan_tasks(p),
             ta_plural(ta_plan_tasks(p), "task is", "tasks are"), ta_buf_text(&names));
    ta_buf_release(&names);
    return TA_ERR_NOT_FOUND;
}

static int run_work(struct restore *r)
{
    const struct ta_plan *p = r->plan;
    struct ta_meter_work work = {.frames_total = p->out_frames,
                                 .tasks_total = ta_plan_tasks(p),
                                 .tasks_done = r->work.done_count,
                                 .segments_total = p->segment_count};
    work.segments_done = ta_work_segments_done(&r->work, &work.frames_done);
    for (int i = p->segment_count; i < work.tasks_total; i++) {
        double cost = ta_task_cost(p, i);
        work.other_total += cost;
        work.other_done += r->work.done[i].bytes ? cost : 0;
    }
    r->result.segments_reused = work.segments_done;
    r->result.tasks_reused = work.tasks_done;
    if (r->work.done_count && !r->join_only)
        ta_info(r->log, "%s: going on after %d of %d %s", p->output, work.tasks_done, work.tasks_total,
                ta_plural(work.tasks_total, "task", "tasks"));
    ta_meter_set_work(&r->meter, &work);
    int err = r->join_only ? need_all_tasks(r) : ta_space_check_start(&r->space);
    if (err < 0)
        return err;
    tell_plan(r); // while it can still be stopped
    r->told = true;
    ta_meter_start(&r->meter, TA_PHASE_SEGMENTS);
    // A source that can't be read stops sound, tasks and join alike: it is told once.
    ta_log_only_first_error(r->log);
    err = ta_sound_start(&r->sound, &r->work, ta_meter_cancel(&r->meter), r->log);
    if (err >= 0)
        err = ta_run_tasks(&r->work, r->sound, &r->run, &r->space, &r->meter, r->log);
    int64_t frames;
    ta_work_segments_done(&r->work, &frames);
    r->frames_made = frames - work.frames_done;
    if (err >= 0)
        err = deliver(r);
    ta_sound_destroy(&r->sound);
    return err;
}

// Did an earlier join make the output from this very plan, and is it as it was?
static bool is_delivered_from_plan(struct restore *r)
{
    struct ta_report report;
    char sum[TA_SHA256_HEX];
    if (!ta_plan_delivered(r->plan, &report))
        return false;
    bool same = ta_sha256_file(r->plan->output, sum, NULL) >= 0 && !strcmp(sum, report.sha256);
    r->result.frames = r->plan->out_frames;
    r->result.bytes = report.bytes;
    ta_report_release(&report);
    return same;
}

// To standard output, with nothing on the disk.
static int stream(struct restore *r)
{
    const struct ta_plan *p = r->plan;
    struct ta_stream_result streamed;
    int err = ta_work_check_source(p, r->log);
    if (err < 0)
        return err;
    tell_plan(r); // while the reader can still do something about it
    r->told = true;
    ta_meter_set_work(&r->meter, &(struct ta_meter_work){.frames_total = p->out_frames,
                                                         .tasks_total = p->segment_count,
                                                         .segments_total = p->segment_count});
    ta_meter_start(&r->meter, TA_PHASE_SEGMENTS);
    err = ta_stream_run(p, r->run.strict, &r->meter, &streamed, r->log);
    r->streamed = true;
    r->result.concealed = streamed.concealed;
    r->result.damaged = streamed.damaged;
    r->result.bytes = streamed.bytes;
    r->result.frames = streamed.frames;
    if (err >= 0)
        err = ta_work_check_source(p, r->log);
    if (err >= 0)
        sum_up(r);
    return err;
}

// Delivered by this plan, and its work kept: there is nothing to do, and what redo needs stays.
static bool is_kept(struct restore *r)
{
    struct stat st;
    if (r->run.overwrite || r->run.restart || r->drop || r->join_only ||
        !ta_output_is_kept(r->plan->output, r->run.work_dir, r->plan) || stat(r->plan->output, &st) < 0)
        return false;
    r->result.frames = r->plan->out_frames;
    r->result.bytes = st.st_size;
    r->result.already = true;
    return true;
}

static int restore(struct restore *r)
{
    ta_work_choose_dir(r->plan, &r->run);
    if (to_stdout(r->plan) && !r->join_only)
        return stream(r);
    if (is_kept(r))
        return 0;
    int err = ta_work_check_source(r->plan, r->log);
    // A file that is in the way may be our own: that is told when it is clear that it is not.
    int name_err = err >= 0 ? check_output_name(r, NULL) : 0;
    if (err >= 0 && name_err >= 0)
        err = check_beside(r);
    if (r->join_only && err >= 0 && is_delivered_from_plan(r)) {
        r->already = true;
        return 0;
    }
    // An existing output may be our own, delivered by a run that was killed right after: only the work folder
    // can tell.
    char *dir = ta_work_path(r->plan, r->run.work_dir);
    bool has_work = access(dir, F_OK) == 0,
         may_be_ours = name_err == TA_ERR_EXISTS && has_work && !r->run.restart;
    free(dir);
    if (err >= 0 && r->join_only && !has_work && !name_err) {
        ta_error(r->log, "%s: none of its tasks (%d) is made yet", r->plan->output, ta_plan_tasks(r->plan));
        return TA_ERR_NOT_FOUND;
    }
    if (err < 0)
        return err;
    if (name_err < 0 && !may_be_ours) {
        check_output_name(r, r->log);
        return name_err;
    }
    err = ta_work_open(&r->work, r->plan, &r->run, r->log);
    if (err < 0)
        return err;
    r->work.inside = r->env && r->env->joins_inside;
    ta_space_init(&r->space, &r->work, &r->run, r->log);
    // What was not there before the lock was taken may be now.
    if (name_err >= 0 || !r->work.delivered)
        name_err = check_output_name(r, r->log);
    r->live = (struct ta_live){.folder = &r->work.folder, .started = ta_wall_clock()};
    r->meter.watch_priv = &r->live;
    r->meter.watch = ta_live_write;
    // Left on purpose, now or by the run that put the output in place: it stays until somebody says
    // otherwise.
    bool keep = r->run.keep_work ||
                (!r->drop && (r->work.journal.keep || (r->work.journal.kept && r->work.delivered)));
    if (r->work.delivered)
        err = finish_delivered(r);
    else if (name_err < 0)
        err = name_err;
    else if (!keep || (err = ta_work_note_keep(&r->work, false)) >= 0)
        err = run_work(r);
    r->meter.watch = NULL;
    // Before the first finished task there is nothing worth keeping.
    r->result.resumable = err < 0 && r->work.done_count > 0;
    r->result.work_bytes = r->space.peak;
    if (err >= 0 && keep)
        err = ta_work_note_keep(&r->work, true);
    bool remove = err >= 0 ? !keep : r->work.done_count == 0;
    ta_work_close(&r->work, remove);
    return err;
}

static int run_with_options(struct restore *r, const struct ta_callbacks *callbacks)
{
    if (r->join_only)
        r->run.restart = r->run.no_resume = false;
    ta_meter_init(&r->meter, callbacks);
    int err = restore(r);
    if (err >= 0)
        ta_meter_start(&r->meter, TA_PHASE_DONE);
    ta_meter_release(&r->meter);
    char *advice = err < 0 ? ta_advice_after_run(r->plan, r->run.work_dir, r->result.resumable, err) : NULL;
    err = ta_log_fail(r->log, err, to_stdout(r->plan) ? "standard output" : r->plan->output, advice);
    free(advice);
    ta_opt_release(ta_run_options, &r->run);
    return err;
}

static void ignore_message(void *priv, enum ta_log_level level, const char *component, const char *message,
                           const char *code)
{
    (void)priv;
    (void)level;
    (void)component;
    (void)message;
    (void)code;
}

static int run_restore(struct restore *r, struct ta_log *log, struct ta_options *options,
                       const struct ta_callbacks *callbacks, struct ta_restore_result *result)
{
    r->started = ta_clock_seconds();
    r->cpu_started = ta_cpu_seconds();
    struct ta_measure measure;
    r->env = callbacks ? callbacks->env : NULL;
    ta_measure_begin(&measure, &r->result.metrics, r->plan, callbacks, r->join_only ? "join" : "restore");
    // Problems are told through the log, so that there must be one.
    struct ta_log *silent = NULL;
    int err = ta_problems_create(&r->problems);
    if (err >= 0 && !log)
        err = ta_log_create(&silent, ignore_message, NULL);
    if (err >= 0) {
        r->log = ta_log_child(log ? log : silent, "restore");
        ta_log_collect(r->log, r->problems);
        err = ta_options_run(options, &r->run, r->log);
        ta_guard_add_plan(&r->guard, r->plan);
        ta_guard_add_options(&r->guard, options);
        r->drop = err >= 0 && ta_options_by_caller(options, "keep-work") && !r->run.keep_work;
        err = err < 0 ? ta_log_fail(r->log, err, r->plan->output, NULL) : run_with_options(r, callbacks);
    }
    json_decref(r->check.streams);
    ta_guard_release(&r->guard);
    ta_measure_end(&measure, r->result.frames, r->frames_made, ta_clock_seconds() - r->started);
    if (result)
        *result = r->result;
    ta_log_destroy(&r->log);
    ta_log_destroy(&silent);
    ta_problems_destroy(&r->problems);
    return err < 0 ? err : 0;
}

int ta_restore(const struct ta_plan *plan, struct ta_options *options, const struct ta_callbacks *callbacks,
               struct ta_restore_result *result, struct ta_log *log)
{
    struct restore r = {.plan = plan};
    return run_restore(&r, log, options, callbacks, result);
}

int ta_join_task(const struct ta_plan *plan, struct ta_options *options, const struct ta_callbacks *callbacks,
                 bool *already, struct ta_restore_result *result, struct ta_log *log)
{
    struct restore r = {.plan = plan, .join_only = true};
    int err = run_restore(&r, log, options, callbacks, result);
    if (already)
        *already = r.already;
    return err;
}
