// A plan whose range is made again with other settings.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>
#include <terminalai/restore.h>
#include <terminalai/work.h>

#include "base/path.h"
#include "base/log.h"
#include "media/parts/name.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/encode/encoder.h"
#include "recipe/options.h"
#include "plan/decide.h"
#include "plan/redo_ranges.h"
#include "plan/tasks.h"
#include "restore/survey.h"
#include "video/chain.h"

// ---- a new range ----

static int refuse(const struct ta_plan *p, struct ta_log *log, const char *what)
{
    ta_error(log, "%s: a part of it can't be made again with these options: %s", p->output, what);
    return TA_ERR_MISMATCH;
}

static bool same_json(json_t *a, json_t *b)
{
    bool same = json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

static bool same_runs(const struct ta_plan *a, const struct ta_plan *b)
{
    bool same = a->run_count == b->run_count;
    for (int i = 0; same && i < a->run_count; i++)
        same = a->runs[i].first == b->runs[i].first && a->runs[i].count == b->runs[i].count &&
               a->runs[i].type == b->runs[i].type;
    return same;
}

static bool same_film(const struct ta_plan *a, const struct ta_plan *b)
{
    if (!a->film || !b->film)
        return !a->film && !b->film;
    return same_json(ta_plan_film_to_json(a), ta_plan_film_to_json(b));
}

// Packets of both must go into one stream: players read its headers once.
static bool same_headers(const struct ta_plan *a, const struct ta_plan *b, struct ta_log *log)
{
    struct ta_buf x = {0}, y = {0};
    bool same = ta_encoder_headers(&a->encoder, &a->out_format, &x, log) >= 0 &&
                ta_encoder_headers(&b->encoder, &b->out_format, &y, log) >= 0 && x.size == y.size &&
                (!x.size || !memcmp(x.data, y.data, x.size));
    ta_buf_release(&x);
    ta_buf_release(&y);
    return same;
}

// Stages that take the place of others, with the reason: a quality chooses them, too. "denoise VERB
// recursive: the preset's motion gives way to --quality fast".
static char *other_stages(const struct ta_plan *old, const struct ta_plan *new, const char *verb)
{
    struct ta_buf text = {0};
    for (int i = 0; i < new->stage_count; i++) {
        const char *name = new->stages[i].info->name;
        int length = (int)strcspn(name, "."), known = 0;
        size_t k;
        json_t *item;
        for (int j = 0; j < old->stage_count; j++)
            known += !strcmp(old->stages[j].info->name, name);
        json_array_foreach(known ? NULL : new->decisions, k, item)
        {
            const char *what = json_string_value(json_object_get(item, "what")),
                       *why = json_string_value(json_object_get(item, "why"));
            if ((int)strlen(what) == length && !strncmp(what, name, (size_t)length))
                ta_buf_printf(&text, "%s%s %s %.*s", text.size ? "; " : "", what, verb,
                              (int)strcspn(why, ";"), why);
        }
    }
    return ta_buf_take(&text);
}

static int refuse_headers(const struct ta_plan *old, const struct ta_plan *new, struct ta_log *log)
{
    char *others = other_stages(old, new, "would be"),
         *why = ta_xprintf("the encoder's headers would differ, and a file has them once: leave "
                           "--preset-speed and --quality as they were%s%s",
                           others[0] ? "; besides, " : "", others);
    int err = refuse(old, log, why);
    free(why);
    free(others);
    return err;
}

static int check_fits(const struct ta_plan *old, const struct ta_plan *new, struct ta_log *log)
{
    char why[160];
    const struct ta_format *a = &old->out_format, *b = &new->out_format;
    if (old->show)
        return refuse(old, log, "it is a preview");
    if (ta_plan_segments_are_linked(old))
        return refuse(old, log, "its segments and tasks of other kinds need each other");
    if (a->width != b->width || a->height != b->height) {
        snprintf(why, sizeof why, "the pictures would be %dx%d instead of %dx%d", b->width, b->height,
                 a->width, a->height);
        return refuse(old, log, why);
    }
    if (old->out_frames != new->out_frames || old->fields != new->fields ||
        old->deinterlaced != new->deinterlaced || old->time_scale != new->time_scale ||
        old->offset != new->offset || !same_runs(old, new) || !same_film(old, new) ||
        av_cmp_q(a->frame_rate, b->frame_rate) || av_cmp_q(a->time_base, b->time_base))
        return refuse(old, log, "there would be other frames, at other times");
    if (strcmp(old->encoder.codec, new->encoder.codec) || old->encoder.pix_fmt != new->encoder.pix_fmt) {
        snprintf(why, sizeof why, "the encoder would be %s instead of %s", new->encoder.codec,
                 old->encoder.codec);
        return refuse(old, log, why);
    }
    if (!same_json(ta_format_to_json(a), ta_format_to_json(b)))
        return refuse(old, log, "the pictures would be of another format");
    if (!same_json(ta_encoder_settings_to_json(&old->encoder), ta_encoder_settings_to_json(&new->encoder)) &&
        !same_headers(old, new, log))
        return refuse_headers(old, new, log);
    return 0;
}

static int64_t out_frames(const struct ta_plan *p, int64_t from, int64_t to)
{
    return ta_plan_out_before(p, to) - ta_plan_out_before(p, from);
}

// A border within a segment stays when both pieces are long enough to be segments, else it moves to the
// segment's own.
static int64_t settle(const struct ta_plan *p, int64_t frame, bool up)
{
    for (int i = 0; i < p->segment_count; i++) {
        int64_t low = p->cuts[i], high = p->cuts[i + 1];
        if (frame <= low || frame >= high)
            continue;
        bool room = out_frames(p, low, frame) >= TA_MIN_SEGMENT_OUT &&
                    out_frames(p, frame, high) >= TA_MIN_SEGMENT_OUT;
        return room ? frame : up ? high : low;
    }
    return frame;
}

// The start of the segment that the frame is in.
static int64_t segment_start(const struct ta_plan *p, int64_t frame)
{
    int i = 0;
    while (i + 1 < p->segment_count && p->cuts[i + 1] <= frame)
        i++;
    return p->cuts[i];
}

static int find_range(const struct ta_plan *p, const char *text, int64_t *first, int64_t *end,
                      struct ta_log *log)
{
    static const struct ta_opt option = {
        .name = "redo", .kind = &ta_opt_range, .size = sizeof(struct ta_range)};
    struct ta_range range = {0};
    int err = ta_opt_set(&option, &range, text, NULL, log);
    if (err < 0)
        return err;
    int64_t last = p->first_frame + p->frame_count;
    *first = range.start.unit ? ta_plan_frame_of(p, p->index, &range.start) : p->first_frame;
    *end = range.end.unit ? ta_plan_frame_of(p, p->index, &range.end) : last;
    if (*first < p->first_frame || *first >= last || *end > last || *first >= *end) {
        ta_error(log, "%s: no frame of it lies in %s: there are %.3f seconds, source frames %lld to %lld",
                 p->output, text,
                 (double)(p->index->end_pts - p->index->frames[0].pts) * av_q2d(p->index->time_base),
                 (long long)p->first_frame, (long long)(last - 1));
        return TA_ERR_INVALID;
    }
    // With inverse telecine some frames give nothing: a segment begins with one that does.
    while (*first > p->first_frame && ta_plan_fields_of(p, *first) == 0)
        --*first;
    while (*end < last && ta_plan_fields_of(p, *end) == 0)
        ++*end;
    *first = settle(p, *first, false);
    *end = settle(p, *end, true);
    if (out_frames(p, *first, *end) < TA_MIN_SEGMENT_OUT) {
        *first = segment_start(p, *first);
        while (*end < last &&
               (out_frames(p, *first, *end) < TA_MIN_SEGMENT_OUT || ta_plan_fields_of(p, *end) == 0))
            ++*end;
        *end = settle(p, *end, true);
    }
    return 0;
}

// Is all of the range made with these settings already (or about to be)?
static bool is_made_so(const struct ta_plan *p, int64_t first, int64_t end, const struct ta_plan *new)
{
    for (int k = 0; k < p->segment_count; k++) {
        struct ta_segment s = ta_plan_segment(p, k);
        if (s.source_first + s.source_count <= first || s.source_first >= end)
            continue;
        if (!same_json(ta_stages_json(s.stages, s.stage_count),
                       ta_stages_json(new->stages, new->stage_count)) ||
            !same_json(ta_encoder_settings_to_json(s.encoder), ta_encoder_settings_to_json(&new->encoder)))
            return false;
    }
    return true;
}

// Options whose values differ.
static json_t *changes(const struct ta_plan *old, const struct ta_plan *new)
{
    json_t *out = json_object(), *item;
    const char *name;
    json_object_foreach(new->recipe, name, item)
    {
        const char *is = json_string_value(json_object_get(item, "value")),
                   *was = json_string_value(json_object_get(json_object_get(old->recipe, name), "value"));
        if (is && strcmp(is, was ? was : ""))
            json_object_set_new(out, name, json_pack("{s:s, s:s}", "was", was ? was : "", "is", is));
    }
    return out;
}

static void add_cut(struct ta_plan *p, int64_t frame)
{
    if (ta_plan_is_cut(p, frame))
        return;
    p->cuts = ta_xrealloc(p->cuts, ((size_t)p->segment_count + 2) * sizeof *p->cuts);
    int i = ++p->segment_count;
    for (; i > 0 && p->cuts[i - 1] > frame; i--)
        p->cuts[i] = p->cuts[i - 1];
    p->cuts[i] = frame;
    ta_tasks_shift(p);
}

// The new plan's settings for the range; they move over.
static void add_redo(struct ta_plan *p, int64_t first, int64_t end, struct ta_plan *new)
{
    if (!p->base_cuts) {
        p->base_count = p->segment_count;
        p->base_cuts = ta_xcalloc((size_t)p->base_count + 1, sizeof *p->base_cuts);
        memcpy(p->base_cuts, p->cuts, ((size_t)p->base_count + 1) * sizeof *p->cuts);
    }
    p->redos = ta_xrealloc(p->redos, ((size_t)p->redo_count + 1) * sizeof *p->redos);
    p->redos[p->redo_count++] = (struct ta_redo){.first = first,
                                                 .count = end - first,
                                                 .stages = new->stages,
                                                 .stage_count = new->stage_count,
                                                 .reach = new->reach,
                                                 .encoder = new->encoder,
                                                 .changes = changes(p, new)};
    new->stages = NULL;
    new->stage_count = 0;
    new->encoder = (struct ta_encoder_settings){0};
    add_cut(p, first);
    add_cut(p, end);
    ta_plan_name_segments(p);
    free(p->json);
    p->json = ta_plan_to_json(p);
}

// From what the work folder knows of the source: nothing is indexed or measured again that was before.
static int plan_anew(struct ta_plan **out, const struct ta_plan *old, struct ta_options *options,
                     const char *cache, const struct ta_callbacks *callbacks, struct ta_log *log)
{
    struct ta_survey *survey = NULL;
    int err = ta_survey_create(&survey, old->input, cache, log);
    if (err >= 0) {
        ta_survey_adopt(survey, old);
        err = ta_plan_from_survey(out, survey, old->output, options, callbacks, log);
    }
    ta_survey_destroy(&survey);
    return err;
}

int ta_redo_plan(struct ta_plan **out, const char *input, const char *output, const char *work_dir,
                 const char *range, struct ta_options *options, const struct ta_callbacks *callbacks,
                 struct ta_redo_result *result, struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "redo");
    struct ta_options *mixed = NULL;
    struct ta_plan *p = NULL, *new = NULL;
    int64_t first = 0, end = 0;
    char *cache = ta_options_cache(options);
    *result = (struct ta_redo_result){0};
    int err = ta_plan_resume(&p, output, work_dir, cache, own);
    if (err >= 0 && !ta_name_same(input, p->input)) {
        ta_error(own, "%s: was made from %s, not from %s", output, p->input, input);
        err = TA_ERR_MISMATCH;
    }
    if (err >= 0 && p->sound_only) {
        ta_error(own, "%s: has no pictures that were restored: nothing of it can be done again alone",
                 output);
        err = TA_ERR_UNSUPPORTED;
    }
    if (err >= 0)
        err = ta_options_over(&mixed, options, p->recipe, own);
    if (err >= 0)
        err = find_range(p, range, &first, &end, own);
    if (err >= 0)
        err = plan_anew(&new, p, mixed, cache, callbacks, log);
    if (err >= 0)
        err = check_fits(p, new, own);
    if (err >= 0) {
        result->changed = !is_made_so(p, first, end, new);
        result->others = other_stages(p, new, "is");
        result->first = first;
        result->end = end;
        if (result->changed)
            add_redo(p, first, end, new);
        for (int k = 0; k < p->segment_count; k++)
            result->segments += p->cuts[k] < end && p->cuts[k + 1] > first;
    }
    if (err < 0)
        ta_plan_destroy(&p);
    ta_plan_destroy(&new);
    ta_options_destroy(&mixed);
    free(cache);
    ta_log_destroy(&own);
    *out = p;
    return err < 0 ? err : 0;
}
