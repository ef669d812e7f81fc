// Reading the frames that the scan type is measured on, and the summary of what they say.
#include "diagnose/scan_type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "diagnose/cadence.h"
#include "diagnose/scan_runs.h"
#include "media/reader.h"

enum {
    WINDOWS = 10,
    WINDOW_FRAMES = 12,
    SHORT_FILE = 2 * WINDOWS * WINDOW_FRAMES, // frames; a sample would hardly be faster than all of them
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
    const struct ta_cancel *cancel;
    const struct ta_progress_fn *progress;
    struct ta_log *log;
    struct ta_scan_fact *facts;              // of the frames measured, in order
    struct ta_field_triple (*triples[2])[2]; // for each field order; NULL unless all frames are measured
    int64_t measured, wanted;
    int64_t flagged[TA_SCAN_TYPES]; // frames by the stream's flags
    double combing;                 // sum over still frames
    int64_t stills;
};

// Measures frames first..first+count-1. The frames at both ends of the range see one neighbour only, which is
// all a measurement needs.
static int measure_range(struct scan *s, int64_t first, int64_t count)
{
    struct ta_reader *reader = NULL;
    AVFrame *frames[3] = {NULL}; // before, current, after
    int err = ta_reader_open(&reader, s->path, s->index, (size_t)first, (size_t)count, s->cancel, s->log);
    for (int64_t i = 0; err >= 0 && i <= count; i++) {
        av_frame_free(&frames[0]);
        frames[0] = frames[1];
        frames[1] = frames[2];
        frames[2] = NULL;
        if (i < count && (err = ta_reader_next(reader, &frames[2])) < 0)
            break;
        if (ta_canceled(s->cancel)) {
            err = TA_ERR_CANCELED;
            break;
        }
        if (!frames[1])
            continue;
        struct ta_field_metrics m;
        ta_field_metrics_measure(frames[0], frames[1], frames[2], &m);
        for (int order = 0; order < 2 && s->triples[order]; order++)
            memcpy(s->triples[order][s->measured], m.triples[order], sizeof(m.triples[order]));
        struct ta_scan_fact *fact = &s->facts[s->measured++];
        ta_scan_fact_from_metrics(fact, &m);
        if (fact->strength <= 0) {
            s->combing += ta_field_combing(frames[1]);
            s->stills++;
        }
        s->flagged[!ta_frame_is_interlaced(frames[1]) ? TA_SCAN_PROGRESSIVE
                   : ta_frame_is_top_first(frames[1]) ? TA_SCAN_TFF
                                                      : TA_SCAN_BFF]++;
        if (s->progress && s->progress->report && s->measured % 64 == 0)
            s->progress->report(s->progress->priv, (double)s->measured / (double)s->wanted);
    }
    for (int i = 0; i < 3; i++)
        av_frame_free(&frames[i]);
    ta_reader_close(&reader);
    return err < 0 ? err : 0;
}

// What the decoder says of the frames measured: it knows more than the index, as DV and others have no
// parser.
static enum ta_scan_type flagged_type(const struct scan *s)
{
    int best = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (s->flagged[t] > s->flagged[best])
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
    int64_t count = s->measured, telecine = ta_scan_mask_telecine(s->facts, count);
    struct evidence all = evidence_of(s->facts, count);
    out->telecine_suspected = telecine >= 30 || (telecine > 0 && telecine >= count / 2);
    if (all.sum < least_evidence)
        return 0;
    int err = ta_scan_find_runs(s->facts, count, &out->runs, &out->run_count);
    if (err < 0) {
        ta_error(s->log, "%s: no memory for the scan types of %lld frames", s->path, (long long)count);
        return err;
    }
    int64_t frames[TA_SCAN_TYPES] = {0};
    double agreeing = 0;
    for (int i = 0; i < out->run_count; i++) {
        const struct ta_scan_run *run = &out->runs[i];
        frames[run->type] += run->count;
        agreeing += evidence_of(s->facts + run->first, run->count).of[run->type];
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
    for (int64_t i = 0; i < s->measured; i += WINDOW_FRAMES) {
        moving += evidence_of(s->facts + i, WINDOW_FRAMES).sum >= 3;
        telecine += ta_scan_mask_telecine(s->facts + i, WINDOW_FRAMES) > 0;
    }
    out->telecine_suspected = telecine >= 2 || (telecine > 0 && telecine * 2 >= moving);
    struct evidence all = evidence_of(s->facts, s->measured);
    out->type = (enum ta_scan_type)strongest(&all);
    out->confidence = confidence_of(all.of[out->type], all.sum);
    *disagree = telecine > 0;
    for (int64_t i = 0; i < s->measured; i += WINDOW_FRAMES) {
        struct evidence window = evidence_of(s->facts + i, WINDOW_FRAMES);
        if (window.sum >= 3 && window.of[out->type] < window_agreement * window.sum)
            *disagree = true;
    }
}

// Frames spread evenly, the first and the last of the file included.
static int64_t window_start(int64_t frames, int i)
{
    return (frames - WINDOW_FRAMES) * i / (WINDOWS - 1);
}

static int measure(struct scan *s, bool all)
{
    int64_t frames = (int64_t)s->index->frame_count;
    s->wanted = all ? frames : WINDOWS * WINDOW_FRAMES;
    s->facts = calloc((size_t)s->wanted, sizeof(*s->facts));
    if (!s->facts) {
        ta_error(s->log, "%s: no memory to measure %lld frames", s->path, (long long)s->wanted);
        return TA_ERR_NOMEM;
    }
    for (int order = 0; order < 2 && all; order++) {
        s->triples[order] = calloc((size_t)frames, sizeof(*s->triples[order]));
        if (!s->triples[order]) {
            ta_error(s->log, "%s: no memory to measure %lld frames", s->path, (long long)frames);
            return TA_ERR_NOMEM;
        }
    }
    if (all)
        return measure_range(s, 0, frames);
    for (int i = 0; i < WINDOWS; i++) {
        int err = measure_range(s, window_start(frames, i), WINDOW_FRAMES);
        if (err < 0)
            return err;
    }
    return 0;
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
            struct evidence e = evidence_of(s->facts + from, to - from);
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
    int64_t count = s->measured;
    struct evidence all = evidence_of(s->facts, count);
    bool top_first = all.of[TA_SCAN_TFF] == all.of[TA_SCAN_BFF] ? out->flagged != TA_SCAN_BFF
                                                                : all.of[TA_SCAN_TFF] > all.of[TA_SCAN_BFF];
    struct ta_film_frame *film = calloc((size_t)count, sizeof(*film));
    int err = film ? 0 : TA_ERR_NOMEM;
    if (err >= 0 && s->index->format.height < LEAST_LINES)
        for (int64_t n = 0; n < count; n++)
            film[n].action = TA_FILM_KEEP;
    else if (err >= 0)
        err = ta_cadence_decide((const struct ta_field_triple(*)[2])s->triples[!top_first], count, top_first,
                                film);
    if (err >= 0) {
        mark_quiet_video(s, out, film);
        err = ta_film_compress(film, NULL, 0, count, &out->film, &out->film_count);
    }
    free(film);
    if (err < 0)
        ta_error(s->log, "%s: no memory for the cadence of %lld frames", s->path, (long long)count);
    return err;
}

static void release_scan(struct scan *s)
{
    free(s->facts);
    free(s->triples[0]);
    free(s->triples[1]);
}

// Nothing moves: the flags decide, unless the pictures are torn into fields in spite of them. Then the order
// is the one that is usual: bottom first for DV (4:1:1 has no other use), else top first.
static enum ta_scan_type guess_type(const struct scan *s, enum ta_scan_type flagged)
{
    bool combed = s->stills > 0 && s->combing / (double)s->stills > least_combing;
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
    double least = against ? fmax(least_evidence, 0.1 * (double)s->measured) : least_evidence;
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
    struct scan s = {.path = path, .index = index, .cancel = cancel, .progress = progress, .log = log};
    int64_t frames = (int64_t)index->frame_count;
    out->full = full || frames <= SHORT_FILE;
    int err = measure(&s, out->full);
    if (err < 0)
        goto fail;
    out->flagged = flagged_type(&s);
    count_frames(out, s.facts, s.measured);
    if (out->full) {
        if ((err = decide_full(&s, out)) < 0)
            goto fail;
    } else {
        decide_sample(&s, out, &disagree);
    }
    struct evidence all = evidence_of(s.facts, s.measured);
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
    release_scan(&s);
    return 0;

fail:
    release_scan(&s);
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
