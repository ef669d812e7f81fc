// The summary of what the measured frames say, and its row in the table of measures.
#include "diagnose/scan_type.h"

#include <math.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "diagnose/cadence.h"
#include "diagnose/measure.h"
#include "diagnose/scan_frames.h"
#include "diagnose/scan_runs.h"

enum { WINDOW_FRAMES = TA_MEASURE_WINDOW_FRAMES, LEAST_LINES = 200 };

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
    struct ta_scan_result result;
    bool wants_full;
};

// What the decoder says of the frames measured: it knows more than the index, as DV and others have no
// parser.
static enum ta_scan_type flagged_type(const struct scan *s)
{
    int64_t frames[TA_SCAN_TYPES] = {0};
    for (int64_t i = 0; i < s->frames.count; i++)
        frames[s->frames.flagged[i]]++;
    int best = 0;
    for (int t = 1; t < TA_SCAN_TYPES; t++)
        if (frames[t] > frames[best])
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
    double combing = 0;
    int64_t stills = 0;
    for (int64_t i = 0; i < s->frames.count; i++) {
        stills += s->frames.facts[i].strength <= 0;
        combing += s->frames.combing[i];
    }
    bool combed = stills > 0 && combing / (double)stills > least_combing;
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

static int decide(struct scan *s, bool full)
{
    struct ta_scan_result *out = &s->result;
    int64_t frames = (int64_t)s->index->frame_count;
    bool disagree = false;
    int err = 0;
    out->full = full;
    out->flagged = flagged_type(s);
    count_frames(out, s->frames.facts, s->frames.count);
    if (full)
        err = decide_full(s, out);
    else
        decide_sample(s, out, &disagree);
    if (err < 0)
        return err;
    struct evidence all = evidence_of(s->frames.facts, s->frames.count);
    if (s->index->format.height < LEAST_LINES) {
        // No interlaced standard has so few lines; what looks like combing there is detail.
        single_run(out, frames, out->flagged);
        out->confidence = 0;
        out->telecine_suspected = disagree = false;
    } else if (is_weak(s, out, &all)) {
        out->type = guess_type(s, out->flagged);
        out->confidence = confidence_of(all.of[out->type], all.sum) / 2;
        ta_verbose(s->log, "%s: too little motion to measure the scan type, taken as %s", s->path,
                   ta_scan_type_name(out->type));
    }
    if (out->run_count <= 1)
        single_run(out, frames, out->type);
    s->wants_full = !full && disagree;
    return full ? decide_film(s, out) : 0;
}

// ---- the row ----

static int begin(void **state, const struct ta_measure_input *in)
{
    struct scan *s = *state = ta_xcalloc(1, sizeof(*s));
    s->path = in->path;
    s->index = in->index;
    s->log = in->log;
    int err = ta_scan_frames_init(&s->frames, in->count, in->depth == TA_DEPTH_FULL);
    if (err < 0)
        ta_error(in->log, "%s: no memory to measure %lld frames", in->path, (long long)in->count);
    return err;
}

static void take(void *state, const struct ta_measure_frame *f)
{
    ta_scan_frames_take(&((struct scan *)state)->frames, f);
}

static int end(void *state, const struct ta_measure_input *in)
{
    return decide(state, in->depth == TA_DEPTH_FULL);
}

static void write(const void *state, struct ta_measured *out)
{
    const struct scan *s = state;
    out->value = ta_scan_result_to_json(&s->result);
    out->confidence = s->result.confidence;
    out->wants_full = s->wants_full;
}

static void release(void *state)
{
    struct scan *s = state;
    if (!s)
        return;
    ta_scan_frames_release(&s->frames);
    ta_scan_result_release(&s->result);
    free(s);
}

const struct ta_measure_info ta_measure_scan_type = {
    .name = "scan_type",
    .version = 1,
    .begin = begin,
    .frame = take,
    .end = end,
    .json = write,
    .release = release,
};
