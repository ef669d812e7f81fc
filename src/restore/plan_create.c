// From a file to a plan: reads the source (index, scan type), lets plan.c decide, and tells it in words.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>
#include <terminalai/work.h>

#include <libavutil/pixdesc.h>

#include "base/file.h"
#include "base/path.h"
#include "base/log.h"
#include "media/parts/name.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "restore/advice.h"
#include "restore/callbacks.h"
#include "restore/joined.h"
#include "restore/journal.h"
#include "restore/plan_check.h"
#include "plan/plan.h"
#include "restore/work_files.h"
#include "video/chain.h"

enum { PLAN_LIMIT = 16 << 20 };

// Scans the type: samples, then all frames where samples disagree or the user asks.
static int measure_scan(struct ta_scan_result *out, const char *input, const struct ta_index *index,
                        bool full, struct ta_meter *meter, struct ta_log *log)
{
    struct ta_progress_fn progress = ta_meter_start(meter, TA_PHASE_SCAN);
    bool needs_full = false;
    int err = ta_scan_type_measure(out, input, index, full, &needs_full, ta_meter_cancel(meter), &progress,
                                   log);
    if (err >= 0 && needs_full && !full) {
        ta_scan_result_release(out);
        ta_verbose(log, "%s: samples disagree about the scan type: measuring every frame", input);
        err = ta_scan_type_measure(out, input, index, true, NULL, ta_meter_cancel(meter), &progress, log);
    }
    return err;
}

static int create(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                  struct ta_meter *meter, struct ta_log *log)
{
    struct ta_recipe_opts recipe;
    int err = ta_options_recipe(options, &recipe, log);
    if (err < 0)
        return err;
    bool full = recipe.scan == TA_SCAN_FULL;
    ta_opt_release(ta_recipe_options, &recipe);
    const char *deinterlace;
    if ((err = ta_options_slot(options, "deinterlace", &deinterlace)) < 0)
        return err;
    bool film = !strcmp(deinterlace, "ivtc");

    struct ta_source *source = NULL;
    struct ta_index *index = NULL;
    json_t *files = NULL;
    struct ta_scan_result scan = {0};
    struct ta_source_facts source_facts = {0};
    struct ta_progress_fn progress = ta_meter_start(meter, TA_PHASE_INDEX);
    err = ta_source_open(&source, input, ta_meter_cancel(meter), log);
    if (err >= 0)
        err = ta_index_get(&index, source, full, &progress, log);
    if (err >= 0 && (err = ta_source_facts_read(&source_facts, source)) < 0)
        ta_error(log, "%s: out of memory for what its headers say", input);
    if (err >= 0)
        err = ta_joined_read(&files, source, log);
    ta_source_close(&source);
    if (err >= 0)
        err = measure_scan(&scan, input, index, full || film, meter, log);
    if (err >= 0) {
        struct ta_plan_facts facts = {.input = input,
                                      .output = output,
                                      .options = options,
                                      .index = index,
                                      .scan = &scan,
                                      .source = &source_facts};
        err = ta_plan_decide(out, &facts, log);
    }
    struct ta_env env = ta_meter_env(meter, ta_meter_cancel(meter), log);
    if (err >= 0 && (err = ta_plan_check(*out, &env)) < 0)
        ta_plan_destroy(out);
    ta_scan_result_release(&scan);
    ta_source_facts_release(&source_facts);
    if (err >= 0) {
        ta_joined_tell(*out, files);
        files = NULL;
        (*out)->index = index;
        (*out)->input_at = ta_name_absolute(input);
        (*out)->output_at = strcmp((*out)->output, "-") != 0 ? ta_name_absolute((*out)->output)
                                                             : ta_xstrdup("-");
        (*out)->json = ta_plan_to_json(*out);
        index = NULL;
    }
    json_decref(files);
    ta_index_destroy(&index);
    return err;
}

int ta_plan_create(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                   const struct ta_callbacks *callbacks, struct ta_log *log)
{
    *out = NULL;
    struct ta_log *own = ta_log_child(log, "plan");
    struct ta_meter meter;
    ta_meter_init(&meter, callbacks);
    int err = create(out, input, output, options, &meter, own);
    ta_meter_release(&meter);
    ta_log_fail(own, err, input, ta_advice_after_planning(err));
    if (err >= 0)
        (*out)->log = own;
    else
        ta_log_destroy(&own);
    return err < 0 ? err : 0;
}

// The index beside the plan if it is the plan's, else from the source.
static int load_index(struct ta_plan *p, const char *plan_path, struct ta_log *log)
{
    char *dir = ta_path_dir(plan_path), *path = ta_path_join(dir, "index.bin");
    // A plan that stands alone has none beside it.
    int err = access(path, F_OK) == 0 ? ta_index_load(&p->index, path, log) : TA_ERR_NOT_FOUND;
    free(dir);
    free(path);
    if (err >= 0 && strcmp(p->index->checksum, p->index_checksum) == 0)
        return 0;
    ta_index_destroy(&p->index);
    struct ta_source *source = NULL;
    err = ta_source_open(&source, p->input, NULL, log);
    if (err >= 0)
        err = ta_index_get(&p->index, source,
                           json_is_true(json_object_get(json_object_get(p->diagnosis, "index"), "decoded")),
                           NULL, log);
    ta_source_close(&source);
    if (err >= 0 && strcmp(p->index->checksum, p->index_checksum) != 0) {
        ta_error(log, "%s: the file is not the one that was planned for", p->input);
        err = TA_ERR_MISMATCH;
    }
    return err;
}

// `folder`: where a relative path of the source starts (NULL: here). `output`: another name for the same
// output, as the caller writes it (NULL: the plan's own).
static int load(struct ta_plan **out, const char *path, const char *folder, const char *output,
                struct ta_log *log)
{
    struct ta_buf text = {0};
    int err = ta_file_read(path, PLAN_LIMIT, &text, log);
    if (err >= 0)
        err = ta_plan_from_json(out, ta_buf_text(&text), text.size, path, log);
    ta_buf_release(&text);
    if (err < 0)
        return err;
    struct ta_plan *p = *out;
    if (folder) {
        char *input = ta_name_below(folder, p->input);
        free(p->input);
        p->input = input;
    }
    if (output) {
        free(p->output);
        p->output = ta_xstrdup(output);
    }
    if (folder || output) {
        free(p->json);
        p->json = ta_plan_to_json(p);
    }
    err = load_index(p, path, log);
    if (err >= 0 && (size_t)(p->first_frame + p->frame_count) > p->index->frame_count) {
        ta_error(log, "%s: the plan has more frames than the source", path);
        err = TA_ERR_FORMAT;
    }
    return err;
}

static int load_with_log(struct ta_plan **out, const char *path, const char *folder, const char *output,
                         struct ta_log *log)
{
    *out = NULL;
    struct ta_log *own = ta_log_child(log, "plan");
    int err = load(out, path, folder, output, own);
    if (err >= 0) {
        (*out)->log = own;
        return 0;
    }
    ta_log_fail(own, err, path, NULL);
    ta_plan_destroy(out);
    ta_log_destroy(&own);
    return err;
}

int ta_plan_load(struct ta_plan **out, const char *path, struct ta_log *log)
{
    return load_with_log(out, path, NULL, NULL, log);
}

int ta_plan_resume(struct ta_plan **out, const char *output, const char *work_dir, struct ta_log *log)
{
    *out = NULL;
    char *dir = ta_work_path_of(output, work_dir), *path = ta_path_join(dir, "plan.json");
    int err = 0;
    if (access(path, F_OK) == 0) {
        struct ta_journal journal;
        ta_journal_load(&journal, dir);
        err = load_with_log(out, path, journal.folder, output, log);
        ta_journal_release(&journal);
        if (err == TA_ERR_FORMAT || err == TA_ERR_INVALID)
            ta_error(
                log,
                "%s: its plan is garbled; the \"terminalai restore\" command that began it makes it anew "
                "and uses what is finished",
                output);
    } else if (access(dir, F_OK) == 0) {
        ta_error(log,
                 "%s: the plan is missing in %s; the \"terminalai restore\" command that began it makes it "
                 "anew and uses what is finished",
                 output, dir);
        err = TA_ERR_NOT_FOUND;
    } else if (access(output, F_OK) == 0) {
        ta_error(log, "%s: is there already and no unfinished work of it is: nothing to resume", output);
        err = TA_ERR_EXISTS;
    } else {
        ta_error(log, "%s: there is no unfinished work of it (no %s): \"terminalai restore\" begins it%s",
                 output, dir, work_dir && work_dir[0] ? "" : "; work that is elsewhere needs its --work-dir");
        err = TA_ERR_NOT_FOUND;
    }
    free(path);
    free(dir);
    return err;
}

const char *ta_plan_json(const struct ta_plan *plan)
{
    return plan->json;
}

const char *ta_plan_input(const struct ta_plan *plan)
{
    return plan->input;
}

const char *ta_plan_output(const struct ta_plan *plan)
{
    return plan->output;
}

int64_t ta_plan_frames(const struct ta_plan *plan)
{
    return plan->out_frames;
}

int ta_plan_segments(const struct ta_plan *plan)
{
    return plan->segment_count;
}

static void describe_streams(const struct ta_plan *p, struct ta_buf *out)
{
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        ta_buf_printf(out, "  stream %-2d %-10s %-12s %s", s->stream, ta_stream_kind_name(s->kind),
                      s->source_codec, ta_stream_action_name(s->action));
        if (s->action == TA_STREAM_TRANSCODE)
            ta_buf_printf(out, " to %s", s->codec);
        if (s->reason[0])
            ta_buf_printf(out, ": %s", s->reason);
        ta_buf_putc(out, '\n');
    }
}

char *ta_plan_describe(const struct ta_plan *p)
{
    struct ta_buf b = {0};
    ta_buf_puts(&b, "source    ");
    ta_buf_name(&b, p->input);
    ta_buf_puts(&b, "\n          ");
    ta_format_describe(&p->source_format, &b);
    ta_buf_puts(&b, "\noutput    ");
    ta_buf_name(&b, p->output);
    ta_buf_puts(&b, "\n          ");
    ta_format_describe(&p->out_format, &b);
    ta_buf_printf(&b, "\nframes    %lld from %lld source %s, %.3f seconds, in %d %s\n",
                  (long long)p->out_frames, (long long)p->frame_count,
                  ta_plural(p->frame_count, "frame", "frames"), ta_plan_seconds(p), p->segment_count,
                  ta_plural(p->segment_count, "segment", "segments"));
    size_t i;
    json_t *item;
    ta_buf_puts(&b, "decisions\n");
    json_array_foreach(p->decisions, i, item)
        ta_buf_printf(&b, "  %-12s %s\n", json_string_value(json_object_get(item, "what")),
                      json_string_value(json_object_get(item, "why")));
    char *chain = ta_chain_text(p->stages, p->stage_count);
    ta_buf_printf(&b, "chain     %s\n", chain[0] ? chain : "(pictures pass untouched)");
    free(chain);
    ta_buf_printf(&b, "encoder   %s, %s, %d %s", p->encoder.codec, av_get_pix_fmt_name(p->encoder.pix_fmt),
                  p->encoder.threads, ta_plural(p->encoder.threads, "thread", "threads"));
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(p->encoder.options, "", e, AV_DICT_IGNORE_SUFFIX)))
        ta_buf_printf(&b, ", %s=%s", e->key, e->value);
    struct ta_estimate disk;
    ta_plan_estimate(p, &disk);
    ta_buf_printf(&b,
                  "\ndisk      %s%.1f MB for the output, %.1f MB while it is made (segments and joined file)",
                  disk.exact ? "" : "about ", (double)disk.output_bytes / 1e6, (double)disk.peak_bytes / 1e6);
    ta_buf_puts(&b, "\nstreams\n");
    describe_streams(p, &b);
    if (json_array_size(p->warnings))
        ta_buf_puts(&b, "warnings\n");
    json_array_foreach(p->warnings, i, item)
    {
        struct ta_problem *problem = ta_problem_from_json(item);
        if (problem)
            ta_buf_printf(&b, "  %s\n", problem->message);
        ta_problem_destroy(&problem);
    }
    return ta_buf_take(&b);
}
