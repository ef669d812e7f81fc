// The summary of what the measured frames say.
#include "diagnose/scan_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "diagnose/cadence.h"
#include "diagnose/scan_frames.h"
#include "diagnose/scan_runs.h"

enum {
    WINDOW_FRAMES = TA_SCAN_WINDOW_FRAMES,
    SHORT_FILE = 2 * TA_SCAN_WINDOWS *
                 WINDOW_FRAMES, // frames; a sample would hardly be faster than all of them
};

// Frames' worth of evidence below which the stream's flags decide.
static const double least_evidence = 4;
// Evidence that agrees less than this says nothing: the flags decide as well.
static const double least_agreement = 0.5;
// Share of combed blocks in still frames above which they are woven from two moments.
static const double least_combing = 0.1;
// A window whose evidence agrees less than this with the whole is different.
static const double window_agreement = 0.6;

struct scan {
    const char *path;
    const struct ta_index *index;
    struct ta_log *log;
    struct ta_scan_frames frames;
};

// What the decoder says of the frames measured: it knows more than the index, as DV and others have no
// parser.
static enum ta_scan_type flagged_type(const struct scan *s)
{
    int best = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (s->frames.flagged[t] > s->frames.flagged[best])
            best = t;
    return (enum ta_scan_type)best;
}

// Evidence for each type, in frames.
struct evidence {
    double of[TA_SCAN_TYPES], sum;
};

static struct evidence evidence_of(const struct ta_scan_fact *facts, int64_t count)
{
    struct evidence e = {{0}, 0};
    for (int64_t i = 0; i < count; i++) {
        for (int t = 0; t < TA_SCAN_TYPES; t++)
            e.of[t] += facts[i].strength * facts[i].share[t];
        e.sum += facts[i].strength;
    }
    return e;
}

static int strongest(const struct evidence *e)
{
    int best = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (e->of[t] > e->of[best])
            best = t;
    return best;
}

static void count_frames(struct ta_scan_result *out, const struct ta_scan_fact *facts, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        switch (ta_scan_fact_type(&facts[i])) {
        case TA_SCAN_PROGRESSIVE:
            out->frames_progressive++;
            break;
        case TA_SCAN_TFF:
            out->frames_tff++;
            break;
        case TA_SCAN_BFF:
            out->frames_bff++;
            break;
        default:
            out->frames_still++;
            break;
        }
    }
    out->frames_measured = count;
}

static void single_run(struct ta_scan_result *out, int64_t frames, enum ta_scan_type type)
{
    free(out->runs);
    out->runs = ta_xcalloc(1, sizeof(*out->runs));
    out->runs[0] = (struct ta_scan_run){0, frames, type};
    out->run_count = 1;
    out->type = type;
}

enum { LEAST_LINES = 200 };

static double confidence_of(double agreeing, double sum)
{
    return agreeing / (sum + least_evidence);
}

// All frames are known: runs, and what most frames are.
static int decide_full(struct scan *s, struct ta_scan_result *out)
{
    int64_t count = s->frames.count, telecine = ta_scan_mask_telecine(s->frames.facts, count);
    struct evidence all = evidence_of(s->frames.facts, count);
    out->telecine_suspected = telecine >= 30 || (telecine > 0 && telecine >= count / 2);
    if (all.sum < least_evidence)
        return 0;
    int err = ta_scan_find_runs(s->frames.facts, count, &out->runs, &out->run_count);
    if (err < 0) {
        ta_error(s->log, "%s: no memory for the scan types of %lld frames", s->path, (long long)count);
        return err;
    }
    int64_t frames[TA_SCAN_TYPES] = {0};
    double agreeing = 0;
    for (int i = 0; i < out->run_count; i++) {
        const struct ta_scan_run *run = &out->runs[i];
        frames[run->type] += run->count;
        agreeing += evidence_of(s->frames.facts + run->first, run->count).of[run->type];
    }
    for (int t = 0; t < TA_SCAN_TYPES; t++)
        if (frames[t] > frames[out->type])
            out->type = (enum ta_scan_type)t;
    out->confidence = confidence_of(agreeing, all.sum);
    return 0;
}

// Windows of WINDOW_FRAMES: what most of the evidence says, and whether the windows agree on it.
static void decide_sample(struct scan *s, struct ta_scan_result *out, bool *disagree)
{
    int telecine = 0, moving = 0;
    for (int64_t i = 0; i < s->frames.count; i += WINDOW_FRAMES) {
        moving += evidence_of(s->frames.facts + i, WINDOW_FRAMES).sum >= 3;
        telecine += ta_scan_mask_telecine(s->frames.facts + i, WINDOW_FRAMES) > 0;
    }
    out->telecine_suspected = telecine >= 2 || (telecine > 0 && telecine * 2 >= moving);
    struct evidence all = evidence_of(s->frames.facts, s->frames.count);
    out->type = (enum ta_scan_type)strongest(&all);
    out->confidence = confidence_of(all.of[out->type], all.sum);
    *disagree = telecine > 0;
    for (int64_t i = 0; i < s->frames.count; i += WINDOW_FRAMES) {
        struct evidence window = evidence_of(s->frames.facts + i, WINDOW_FRAMES);
        if (window.sum >= 3 && window.of[out->type] < window_agreement * window.sum)
            *disagree = true;
    }
}

// Where all frames of a longer stretch look whole but the scan type is interlaced, there was too little
// motion for single fields to tell: the type knows more.
static void mark_quiet_video(const struct scan *s, const struct ta_scan_result *r, struct ta_film_frame *film)
{
    for (int i = 0; i < r->run_count; i++) {
        const struct ta_scan_run *run = &r->runs[i];
        int64_t end = run->first + run->count;
        for (int64_t from = run->first, to; from < end; from = to + 1) {
            for (to = from; to < end && film[to].action == TA_FILM_KEEP && !film[to].shift;)
                to++;
            bool whole = from == run->first && to == end;
            if (run->type == TA_SCAN_PROGRESSIVE || (to - from < TA_SCAN_MIN_RUN && !whole))
                continue;
            struct evidence e = evidence_of(s->frames.facts + from, to - from);
            if (e.of[TA_SCAN_PROGRESSIVE] > e.of[run->type])
                continue;
            for (int64_t n = from; n < to; n++)
                film[n].action = run->type == TA_SCAN_TFF ? TA_FILM_VIDEO_TFF : TA_FILM_VIDEO_BFF;
        }
    }
}

// Film frames in the order of fields that most evidence speaks for.
static int decide_film(const struct scan *s, struct ta_scan_result *out)
{
    int64_t count = s->frames.count;
    struct evidence all = evidence_of(s->frames.facts, count);
    bool top_first = all.of[TA_SCAN_TFF] == all.of[TA_SCAN_BFF] ? out->flagged != TA_SCAN_BFF
                                                                : all.of[TA_SCAN_TFF] > all.of[TA_SCAN_BFF];
    struct ta_film_frame *film = calloc((size_t)count, sizeof(*film));
    int err = film ? 0 : TA_ERR_NOMEM;
    if (err >= 0 && s->index->format.height < LEAST_LINES)
        for (int64_t n = 0; n < count; n++)
            film[n].action = TA_FILM_KEEP;
    else if (err >= 0)
        err = ta_cadence_decide((const struct ta_field_triple(*)[2])s->frames.triples[!top_first], count,
                                top_first, film);
    if (err >= 0) {
        mark_quiet_video(s, out, film);
        err = ta_film_compress(film, NULL, 0, count, &out->film, &out->film_count);
    }
    free(film);
    if (err < 0)
        ta_error(s->log, "%s: no memory for the cadence of %lld frames", s->path, (long long)count);
    return err;
}

// Nothing moves: the flags decide, unless the pictures are torn into fields in spite of them. Then the order
// is the one that is usual: bottom first for DV (4:1:1 has no other use), else top first.
static enum ta_scan_type guess_type(const struct scan *s, enum ta_scan_type flagged)
{
    bool combed = s->frames.stills > 0 && s->frames.combing / (double)s->frames.stills > least_combing;
    if (flagged != TA_SCAN_PROGRESSIVE || !combed)
        return flagged;
    return s->index->format.pix_fmt == AV_PIX_FMT_YUV411P ? TA_SCAN_BFF : TA_SCAN_TFF;
}

// Is there too little evidence, or evidence too divided, to go by?
static bool is_weak(const struct scan *s, const struct ta_scan_result *r, const struct evidence *all)
{
    if (r->run_count > 1)
        return false;
    // Coding noise in stills passes for a progressive frame now and then.
    bool against = r->type == TA_SCAN_PROGRESSIVE && r->flagged != TA_SCAN_PROGRESSIVE;
    double least = against ? fmax(least_evidence, 0.1 * (double)s->frames.count) : least_evidence;
    return all->sum < least || all->of[r->type] < least_agreement * all->sum;
}

int ta_scan_type_measure(struct ta_scan_result *out, const char *path, const struct ta_index *index,
                         bool full, bool *needs_full, const struct ta_cancel *cancel,
                         const struct ta_progress_fn *progress, struct ta_log *log)
{
    *out = (struct ta_scan_result){0};
    bool disagree = false;
    if (needs_full)
        *needs_full = false;
    ta_require(log, index->frame_count > 0, TA_ERR_INVALID);
    struct scan s = {.path = path, .index = index, .log = log};
    int64_t frames = (int64_t)index->frame_count;
    out->full = full || frames <= SHORT_FILE;
    int err = ta_scan_frames_measure(&s.frames, path, index, out->full, cancel, progress, log);
    if (err < 0)
        goto fail;
    out->flagged = flagged_type(&s);
    count_frames(out, s.frames.facts, s.frames.count);
    if (out->full) {
        if ((err = decide_full(&s, out)) < 0)
            goto fail;
    } else {
        decide_sample(&s, out, &disagree);
    }
    struct evidence all = evidence_of(s.frames.facts, s.frames.count);
    if (index->format.height < LEAST_LINES) {
        // No interlaced standard has so few lines; what looks like combing there is detail.
        single_run(out, frames, out->flagged);
        out->confidence = 0;
        out->telecine_suspected = disagree = false;
    } else if (is_weak(&s, out, &all)) {
        out->type = guess_type(&s, out->flagged);
        out->confidence = confidence_of(all.of[out->type], all.sum) / 2;
        ta_verbose(log, "%s: too little motion to measure the scan type, taken as %s", path,
                   ta_scan_type_name(out->type));
    }
    if (out->run_count <= 1)
        single_run(out, frames, out->type);
    if (out->full && (err = decide_film(&s, out)) < 0)
        goto fail;
    if (needs_full)
        *needs_full = !out->full && disagree;
    if (progress && progress->report)
        progress->report(progress->priv, 1);
    ta_scan_frames_release(&s.frames);
    return 0;

fail:
    ta_scan_frames_release(&s.frames);
    ta_scan_result_release(out);
    return err;
}

void ta_scan_result_release(struct ta_scan_result *r)
{
    free(r->runs);
    free(r->film);
    *r = (struct ta_scan_result){0};
}

json_t *ta_scan_result_to_json(const struct ta_scan_result *r)
{
    json_t *runs = json_array();
    for (int i = 0; i < r->run_count; i++)
        json_array_append_new(runs, json_pack("{s:I, s:I, s:s}", "first", (json_int_t)r->runs[i].first,
                                              "count", (json_int_t)r->runs[i].count, "type",
                                              ta_scan_type_name(r->runs[i].type)));
    return json_pack("{s:s, s:f, s:s, s:b, s:b, s:{s:I, s:I, s:I, s:I, s:I}, s:o}", "type",
                     ta_scan_type_name(r->type), "confidence", r->confidence, "flagged",
                     ta_scan_type_name(r->flagged), "telecine_suspected", r->telecine_suspected, "full",
                     r->full, "frames", "measured", (json_int_t)r->frames_measured, "progressive",
                     (json_int_t)r->frames_progressive, "tff", (json_int_t)r->frames_tff, "bff",
                     (json_int_t)r->frames_bff, "still", (json_int_t)r->frames_still, "runs", runs);
}
