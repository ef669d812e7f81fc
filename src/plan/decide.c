// Every decision, from facts alone. The order follows the data: output, range, scan runs, time, chain,
// encoder, cuts, streams.
#include "plan/decide.h"
#include "plan/redo_ranges.h"
#include "plan/sound.h"
#include "plan/tasks.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "media/encode/encoder_row.h"
#include "media/parts/name.h"
#include "video/chain.h"

#define MAX_TIME ((int64_t)1 << 60)

void ta_decision_tell(struct ta_decision *d, const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *why = ta_xvprintf(format, args);
    va_end(args);
    json_array_append_new(d->plan->decisions, json_pack("{s:s, s:s}", "what", what, "why", why));
    free(why);
}

void ta_decision_tell_more(struct ta_decision *d, const char *what, const char *format, ...)
{
    json_t *item, *told = NULL;
    va_list args;
    size_t i;
    va_start(args, format);
    char *more = ta_xvprintf(format, args);
    va_end(args);
    json_array_foreach(d->plan->decisions, i, item) if (!strcmp(ta_json_member_text(item, "what"), what))
        told = item;
    const char *why = told ? ta_json_member_text(told, "why") : "";
    if (strncmp(more, why, strlen(why)) != 0) {
        char *both = ta_xprintf("%s%s %s", why, strstr(why, ": ") ? ";" : ",", more);
        free(more);
        more = both;
    }
    if (told)
        json_object_set_new(told, "why", json_string(more));
    else
        ta_decision_tell(d, what, "%s", more);
    free(more);
}

void ta_decision_warn(struct ta_decision *d, enum ta_problem_id id, const struct ta_problem_about *about,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    struct ta_problem *p = ta_problem_create(id, about, text);
    json_array_append_new(d->plan->warnings, ta_problem_to_json(p));
    ta_problem_destroy(&p);
    free(text);
}

// ---- output, container, encoder ----

// Is there a stream that is too much for the container, but not for Matroska?
static bool needs_matroska(const struct ta_decision *d, const struct ta_container_info *container)
{
    const struct ta_source_facts *source = d->facts->source;
    bool needs = false;
    for (int i = 0; i < source->stream_count; i++)
        needs |= source->streams[i].kind == TA_STREAM_AUDIO &&
                 ta_stream_choose(source->streams[i].par, source->streams[i].disposition, container).refuse;
    return needs && ta_encoder_may_be_in(d->encoder, "mkv");
}

// "ffv1 can't be put in mp4: use mkv"; the table has them as "mp4 mkv mov".
static void refuse_container(const struct ta_decision *d, const struct ta_container_info *container)
{
    struct ta_buf names = {0};
    for (const char *at = d->encoder->containers; *at;) {
        int length = (int)strcspn(at, " ");
        bool last = !at[length];
        ta_buf_printf(&names, "%s%.*s", !names.size ? "" : last ? " or " : ", ", length, at);
        at += length + !last;
    }
    ta_error(d->log, "%s can't be put in %s: use %s", d->encoder->name, container->name, ta_buf_text(&names));
    ta_buf_release(&names);
}

static int choose_output(struct ta_decision *d)
{
    const char *output = d->facts->output;
    const struct ta_container_info *container = NULL;
    if (output) {
        container = ta_container_find(!strcmp(output, "-") ? "y4m" : ta_path_extension(output));
        if (!container) {
            ta_error(d->log,
                     "%s: the name does not tell the container: use .mp4, .mkv, .mov, .webm or .y4m%s",
                     output, *ta_path_extension(output) ? "" : "; the name of a folder ends with \"/\"");
            return TA_ERR_INVALID;
        }
    }
    const char *name = d->recipe->encoder;
    bool automatic = !strcmp(name, "auto");
    const char *range = "";
    int err = ta_options_slot(d->facts->options, "hdr", &range);
    if (err < 0)
        return err;
    d->encoder = automatic ? ta_encoder_default(container ? container->name : NULL, strcmp(range, "sdr") != 0)
                           : ta_encoder_find(name);
    if (!d->encoder) {
        const char *names[32] = {"auto"};
        for (int i = 0; ta_encoders[i] && i < 30; i++)
            names[i + 1] = ta_encoders[i]->name;
        const char *near = ta_nearest(name, names);
        ta_error(d->log, "there is no encoder \"%s\"%s%s%s", name,
                 near ? ": did you mean \"" : " (see terminalai encoders)", near ? near : "",
                 near ? "\"?" : "");
        return TA_ERR_INVALID;
    }
    if (d->recipe->framemd5 && output && !strcmp(output, "-")) {
        ta_error(d->log, "--framemd5 writes beside the output, and standard output has no place beside it");
        return TA_ERR_USAGE;
    }
    if (!container) {
        char *first = ta_xstrndup(d->encoder->containers, strcspn(d->encoder->containers, " "));
        container = ta_container_find(first);
        if (needs_matroska(d, container))
            container = ta_container_find("mkv");
        d->plan->output = ta_name_output(d->facts->input, container->name);
        free(first);
    } else {
        d->plan->output = ta_xstrdup(output);
    }
    if (!ta_encoder_may_be_in(d->encoder, container->name)) {
        if (!strcmp(d->plan->output, "-"))
            ta_error(d->log, "standard output takes raw pictures (y4m), not %s: use --encoder raw",
                     d->encoder->name);
        else
            refuse_container(d, container);
        return TA_ERR_USAGE;
    }
    d->plan->container = container;
    ta_decision_tell(d, "encoder", "%s in %s%s", d->encoder->name, container->name,
                     automatic ? " (automatic)" : "");
    return 0;
}

// ---- range and time ----

// How finely the index's unit can be divided, so that neither the unit nor a time in it overflows, and that
// the longest pause between two pictures is a number that mp4 can hold, in ticks of 1/den.
static int64_t finest_scale(const struct ta_index *index)
{
    int64_t most = TA_MAX(1, TA_MAX(llabs(index->frames[0].pts), llabs(index->end_pts))), longest = 1;
    for (size_t i = 0; i < index->frame_count; i++)
        longest = TA_MAX(longest, ta_index_frame_duration(index, i));
    int64_t scale = TA_MIN(INT32_MAX / index->time_base.den, MAX_TIME / most);
    return TA_MAX(1, TA_MIN(scale, (INT32_MAX - 1) / index->time_base.num / longest));
}

// Time 0 of the output is where the earliest of picture and sound starts.
static void choose_origin(struct ta_decision *d)
{
    const struct ta_index *index = d->facts->index;
    struct ta_plan *p = d->plan;
    AVRational tb = index->time_base;
    int64_t start = index->frames[0].pts;
    AVRational start_tb = tb;
    for (int i = 0; i < d->facts->source->stream_count; i++) {
        const struct ta_stream_facts *st = &d->facts->source->streams[i];
        int64_t t = st->kind == TA_STREAM_AUDIO ? ta_plan_stream_start(d, i) : AV_NOPTS_VALUE;
        if (t != AV_NOPTS_VALUE && av_compare_ts(t, st->time_base, start, start_tb) < 0) {
            start = t;
            start_tb = st->time_base;
        }
    }
    // A unit that is fine already need not be divided; what would overflow is rounded to it.
    int64_t room = finest_scale(index);
    p->time_scale = p->fields == 2 && p->deinterlaced && room >= 2 ? 2 : 1;
    if (p->film && room >= TA_FILM_PARTS)
        p->time_scale = TA_FILM_PARTS;
    p->out_time_base = (AVRational){tb.num, tb.den * p->time_scale};
    if (start_tb.num == tb.num && start_tb.den == tb.den) {
        p->offset = start * p->time_scale;
        return;
    }
    // Sound starts first: its start must be exact to 0.1 ms in the video's unit.
    while (av_q2d(p->out_time_base) > 1e-4 && p->time_scale <= room / 2) {
        p->time_scale *= 2;
        p->out_time_base.den *= 2;
    }
    p->offset = av_rescale_q(start, start_tb, p->out_time_base);
    if (llabs(p->offset) > MAX_TIME) // sound that starts ages before the pictures: its time is garbled
        p->offset = index->frames[0].pts * p->time_scale;
}

static int choose_range(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    const struct ta_range *r = &d->recipe->range;
    int64_t n = (int64_t)index->frame_count;
    int64_t first = r->start.unit ? ta_plan_frame_of(p, index, &r->start) : 0;
    int64_t end = r->end.unit ? ta_plan_frame_of(p, index, &r->end) : n;
    if (first >= end) {
        double seconds = (double)(index->end_pts - index->frames[0].pts) * av_q2d(index->time_base);
        ta_error(d->log, "%s: no frame lies in the given range; the file has %lld %s, %.3f seconds",
                 d->facts->input, (long long)n, ta_plural(n, "frame", "frames"), seconds);
        return TA_ERR_INVALID;
    }
    p->first_frame = first;
    p->frame_count = end - first;
    p->range_start = p->range_end = AV_NOPTS_VALUE;
    if (first > 0 || end < n) {
        p->range_start = av_rescale_q(index->frames[first].pts, index->time_base, AV_TIME_BASE_Q);
        if (end < n)
            p->range_end = av_rescale_q(index->frames[end].pts, index->time_base, AV_TIME_BASE_Q);
        p->offset = index->frames[first].pts * p->time_scale;
        ta_decision_tell(d, "range", "source frames %lld to %lld of %lld", (long long)first,
                         (long long)(end - 1), (long long)n);
    }
    return 0;
}

// The scan result's runs cut to the range.
static void choose_runs(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_scan_result *scan = d->facts->scan;
    int64_t end = p->first_frame + p->frame_count;
    p->runs = ta_xcalloc((size_t)scan->run_count, sizeof *p->runs);
    for (int i = 0; i < scan->run_count; i++) {
        struct ta_scan_run r = scan->runs[i];
        int64_t first = TA_MAX(r.first, p->first_frame), last = TA_MIN(r.first + r.count, end);
        if (first < last)
            p->runs[p->run_count++] = (struct ta_scan_run){first, last - first, r.type};
    }
    p->source_format = d->facts->index->format;
    int64_t by_type[3] = {0};
    for (int i = 0; i < p->run_count; i++)
        by_type[p->runs[i].type] += p->runs[i].count;
    // Interlaced frames decide what the chain is for; which order is the more frequent one.
    bool interlaced = by_type[TA_SCAN_TFF] + by_type[TA_SCAN_BFF] > 0;
    p->source_format.scan = !interlaced                                    ? TA_SCAN_PROGRESSIVE
                            : by_type[TA_SCAN_TFF] >= by_type[TA_SCAN_BFF] ? TA_SCAN_TFF
                                                                           : TA_SCAN_BFF;
    p->source_format.mixed_scan = p->run_count > 1;
}

// ---- facts worth telling ----

// The values of other measures than the scan type; their series are the report's.
static void tell_measured(struct ta_decision *d)
{
    for (int i = 0; i < d->facts->measured_count; i++) {
        const struct ta_measured *m = &d->facts->measured[i];
        if (json_object_get(d->plan->diagnosis, m->name))
            continue;
        json_object_set_new(d->plan->diagnosis, m->name,
                            json_pack("{s:O, s:s, s:f, s:s}", "value", m->value, "unit", m->unit,
                                      "confidence", m->confidence, "depth", ta_depth_name(m->depth)));
    }
}

// Combed pictures that nobody asked for: a preset for progressive sources on an interlaced one.
static void warn_of_woven(struct ta_decision *d)
{
    const struct ta_plan *p = d->plan;
    const char *from = json_string_value(json_object_get(json_object_get(p->recipe, "deinterlace"), "from"));
    if (p->source_format.scan == TA_SCAN_PROGRESSIVE || p->deinterlaced || p->film || d->encoder->lossless ||
        ta_options_by_caller(d->facts->options, "deinterlace") || !from)
        return;
    ta_decision_warn(
        d, TA_PROBLEM_FIELDS_WOVEN, &(struct ta_problem_about){.option = "deinterlace"},
        "the pictures are interlaced, and the preset leaves them so: screens show combs; "
        "--deinterlace bwdif, or a preset for tapes or broadcasts, makes whole pictures of them");
}

static void tell(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    json_t *scan = ta_scan_result_summary(d->facts->scan);
    json_t *heard = p->diagnosis; // by what decided about sound
    p->diagnosis = json_pack("{s:o, s:{s:I, s:b, s:I, s:I, s:I}}", "scan_type", scan, "index", "frames",
                             (json_int_t)index->frame_count, "decoded", index->decoded, "undecodable_start",
                             (json_int_t)index->undecodable_start, "time_jumps",
                             (json_int_t)index->time_jumps, "variable_durations",
                             (json_int_t)index->variable);
    tell_measured(d);
    json_object_update(p->diagnosis, heard);
    json_decref(heard);
    if (d->facts->scan->telecine_suspected && p->deinterlaced && !p->film)
        ta_decision_warn(d, TA_PROBLEM_FILM_SUSPECTED, &(struct ta_problem_about){.option = "deinterlace"},
                         "film in video is suspected: --deinterlace ivtc would give back its frames, "
                         "other deinterlacing keeps the video's rate");
    warn_of_woven(d);
    ta_plan_tell_tape(d);
    if (index->undecodable_start)
        ta_decision_tell(d, "start", "%lld %s before the first picture that can be decoded %s left out",
                         (long long)index->undecodable_start,
                         ta_plural(index->undecodable_start, "packet", "packets"),
                         ta_plural(index->undecodable_start, "is", "are"));
    ta_plan_tell_faults(d);
    if (index->time_jumps)
        ta_decision_tell(d, "time", "%lld %s in the source's times %s kept", (long long)index->time_jumps,
                         ta_plural(index->time_jumps, "gap", "gaps"),
                         ta_plural(index->time_jumps, "is", "are"));
}

// y4m counts pictures, and must know how many a second: of a source without a rate, the average.
static void give_average_rate(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    int64_t first = ta_plan_giving(p, p->first_frame);
    if (strcmp(p->container->name, "y4m") || p->out_format.frame_rate.num > 0)
        return;
    int64_t span = ta_plan_end_time(p, index) - ta_plan_time_of(p, index, first, 0);
    AVRational rate = {25, 1};
    if (span > 0)
        av_reduce(&rate.num, &rate.den, p->out_frames * p->out_time_base.den, span * p->out_time_base.num,
                  1000000);
    p->out_format.frame_rate = ta_usual_frame_rate(rate, 0.0005);
    ta_decision_tell(d, "rate", "%d/%d frames a second, the average: y4m needs a constant rate",
                     p->out_format.frame_rate.num, p->out_format.frame_rate.den);
}

// Half a frame off, and they would be shown at other times than they should.
static void warn_of_times(struct ta_decision *d)
{
    const struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    AVRational frame = av_inv_q(p->out_format.frame_rate);
    int64_t end = p->first_frame + p->frame_count, n = 0, start = 0;
    if (strcmp(p->container->name, "y4m") || frame.num <= 0)
        return;
    for (int64_t f = p->first_frame; f < end; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, n++) {
            int64_t time = ta_plan_time_of(p, index, f, field);
            start = n ? start : time;
            int64_t off = llabs(time - start - ta_rescale(n, frame, p->out_time_base));
            if (av_compare_ts(2 * off, p->out_time_base, 1, frame) > 0) {
                ta_decision_warn(d, TA_PROBLEM_TIMES_LOST, &(struct ta_problem_about){.frame = &f},
                                 "y4m has a constant frame rate, but the pictures' times have not");
                return;
            }
        }
}

// A pause that the container has no number for would be met by the muxer after all the work. Encoders that
// reorder give a time to decode by what was shown some pictures before, so a few pictures' time counts.
static int refuse_pauses(struct ta_decision *d)
{
    enum { REORDER = 4 };
    const struct ta_plan *p = d->plan;
    int64_t most = ta_container_longest_step(p->container, p->out_time_base), times[REORDER] = {0}, n = 0;
    for (int64_t f = p->first_frame; f < p->first_frame + p->frame_count; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, n++) {
            int64_t time = ta_plan_time_of(p, d->facts->index, f, field);
            int64_t before = times[n < REORDER ? 0 : n % REORDER];
            times[n % REORDER] = time;
            if (!n || time - before <= most)
                continue;
            ta_error(
                d->log,
                "%s: %.1f hours pass before frame %lld is shown, %s holds pauses of %.1f hours: use .mkv",
                d->facts->input, (double)(time - before) * av_q2d(p->out_time_base) / 3600, (long long)f,
                p->container->name, (double)most * av_q2d(p->out_time_base) / 3600);
            return TA_ERR_UNSUPPORTED;
        }
    return 0;
}

static int decide_all(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    int err = ta_options_recipe(d->facts->options, &d->recipe, d->log);
    if (err >= 0)
        err = choose_output(d);
    if (err < 0)
        return err;
    // From here on what is refused is about the source.
    ta_log_set_about(d->log, d->facts->input);
    // The range is in output time, whose unit depends on fields, which depends on runs in the range; a first
    // origin with the finest unit serves to find it.
    p->fields = 1;
    choose_origin(d);
    err = choose_range(d);
    if (err < 0)
        return err;
    bool ranged = p->range_start != AV_NOPTS_VALUE;
    choose_runs(d);
    ta_plan_choose_shape(d);
    err = ta_plan_choose_chain(d);
    if (err >= 0 && p->film && (err = ta_plan_index_film(p)) < 0)
        ta_error(d->log, "out of memory for the timeline");
    if (err < 0)
        return err;
    choose_origin(d);
    if (ranged)
        p->offset = d->facts->index->frames[p->first_frame].pts * p->time_scale;
    p->out_format.time_base = p->out_time_base;
    p->reach = ta_chain_reach(p->stages, p->stage_count);
    p->out_frames = ta_plan_out_before(p, p->first_frame + p->frame_count);
    if ((err = refuse_pauses(d)) < 0)
        return err;
    char *why = NULL;
    ta_plan_choose_cuts(p, d->facts->index, d->recipe->segment_length, 1, &why);
    if (why)
        ta_decision_tell(d, "segments", "%s", why);
    free(why);
    p->framemd5 = d->recipe->framemd5;
    err = ta_plan_choose_streams(d);
    if (err < 0)
        return err;
    ta_plan_list_sound(p);
    ta_plan_choose_scenes(d);
    give_average_rate(d);
    warn_of_times(d);
    tell(d);
    ta_plan_tell_dv(d);
    return 0;
}

int ta_plan_check_output(const char *input, const char *output, struct ta_options *options,
                         struct ta_log *log)
{
    struct ta_source_facts none = {0};
    struct ta_plan_facts facts = {.input = input, .output = output, .options = options, .source = &none};
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    struct ta_decision d = {.facts = &facts, .plan = p, .log = log};
    p->decisions = json_array();
    p->warnings = json_array();
    int err = ta_options_recipe(options, &d.recipe, log);
    if (err >= 0 && !d.recipe->pictures) // of sound alone the source has a say
        err = choose_output(&d);
    ta_plan_destroy(&p);
    return err < 0 ? err : 0;
}

int ta_plan_decide(struct ta_plan **out, const struct ta_plan_facts *facts, struct ta_log *log)
{
    *out = NULL;
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    struct ta_decision d = {.facts = facts, .plan = p, .log = ta_log_child(log, "plan")};
    p->input = ta_xstrdup(facts->input);
    p->source = facts->index->source;
    memcpy(p->index_checksum, facts->index->checksum, sizeof p->index_checksum);
    p->diagnosis = json_object();
    p->decisions = json_array();
    p->warnings = json_array();
    p->recipe = ta_options_recipe_json(facts->options);
    int err = decide_all(&d);
    ta_log_destroy(&d.log);
    if (err < 0)
        ta_plan_destroy(&p);
    *out = p;
    return err < 0 ? err : 0;
}

void ta_plan_destroy(struct ta_plan **plan)
{
    struct ta_plan *p = *plan;
    *plan = NULL;
    if (!p)
        return;
    for (int i = 0; i < p->stage_count; i++)
        ta_stage_plan_release(&p->stages[i]);
    for (int i = 0; i < p->stream_count; i++) {
        struct ta_stream_plan *s = &p->streams[i];
        free(s->source_codec);
        free(s->codec);
        free(s->reason);
    }
    ta_encoder_settings_release(&p->encoder);
    ta_index_destroy(&p->index);
    json_decref(p->recipe);
    json_decref(p->diagnosis);
    json_decref(p->survey);
    json_decref(p->decisions);
    json_decref(p->warnings);
    free(p->streams);
    free(p->stages);
    free(p->cuts);
    free(p->runs);
    free(p->parts);
    ta_show_destroy(&p->show);
    ta_plan_scenes_release(p);
    free(p->film);
    free(p->film_out);
    ta_redo_release(p);
    ta_tasks_release(p);
    ta_sound_plans_release(p);
    free(p->input);
    free(p->output);
    free(p->input_at);
    free(p->folder);
    free(p->read_from);
    json_decref(p->source_files);
    free(p->output_at);
    free(p->json);
    ta_log_destroy(&p->log);
    free(p);
}
