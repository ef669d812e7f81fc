// Inverse telecine in the plan: the timeline from what the scan measured, and the rate of what comes out.
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "plan/decide.h"
#include "video/stages.h"

// Work on the frames of the plan's range, one entry each.
struct film {
    const struct ta_index *index;
    int64_t first, count;
    struct ta_film_frame *frames;
    int32_t *repeats;
    int64_t *times; // of each frame's first output frame, in parts of the index's unit
    int fields;     // output frames of a frame of video
};

static void expand(const struct ta_scan_result *scan, struct film *f)
{
    for (int64_t i = 0; i < f->count; i++) {
        const struct ta_film_run *r = ta_film_find(scan->film, scan->film_count, f->first + i);
        f->frames[i] = ta_film_at(r, f->first + i);
        // A film frame can't be shown before the range begins.
        if (TA_FILM_PARTS * i + f->frames[i].shift < 0)
            f->frames[i].shift = (int8_t)(-TA_FILM_PARTS * i);
    }
}

// The runs know where the order of fields changes; the cadence is decided for one order.
static void order_video(const struct ta_plan *p, struct film *f)
{
    for (int64_t i = 0; i < f->count; i++) {
        enum ta_scan_type type = ta_plan_scan_of(p, f->first + i);
        if (ta_film_is_video(f->frames[i].action) && type != TA_SCAN_PROGRESSIVE)
            f->frames[i].action = type == TA_SCAN_TFF ? TA_FILM_VIDEO_TFF : TA_FILM_VIDEO_BFF;
    }
}

static int64_t duration(const struct film *f, int64_t i)
{
    return ta_index_frame_duration(f->index, (size_t)(f->first + i));
}

static bool is_plain(const struct film *f, int64_t i)
{
    return i >= 0 && i < f->count && f->frames[i].action == TA_FILM_KEEP && !f->frames[i].shift;
}

// Three fields' time to two, give or take the rounding of containers.
static bool is_longer(int64_t a, int64_t b)
{
    return 5 * a > 7 * b && 5 * a < 8 * b;
}

// Soft telecine: the stream shows film frames for three and two fields in turn. At even distances the long
// ones come half a field later.
static void even_soft_telecine(struct film *f)
{
    enum { HALF_OF_THREE = TA_FILM_PARTS / 6 };
    for (int64_t i = 1; i + 1 < f->count; i++)
        if (is_plain(f, i) && f->frames[i - 1].action == TA_FILM_KEEP && is_plain(f, i + 1) &&
            is_longer(duration(f, i), duration(f, i - 1)) && is_longer(duration(f, i), duration(f, i + 1)))
            f->frames[i].shift = HALF_OF_THREE;
}

static void find_times(struct film *f)
{
    for (int64_t i = 0; i < f->count; i++) {
        int64_t parts = TA_FILM_PARTS * i + f->frames[i].shift,
                n = TA_MIN(parts / TA_FILM_PARTS, f->count - 1);
        f->times[i] = f->index->frames[f->first + n].pts * TA_FILM_PARTS +
                      (parts - TA_FILM_PARTS * n) * duration(f, n);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The usual rate nearest to that of most output frames: the mean of their distances, of those that are near
// the median. Each is taken over four frames, as a cadence may be uneven. `film`: of film alone, where there
// is enough of it. TA_ERR_NOMEM.
static int rate_of(const struct film *f, bool film, AVRational *rate)
{
    enum { OVER = 4 };
    int64_t *steps = malloc((size_t)(2 * f->count) * sizeof(*steps));
    if (!steps)
        return TA_ERR_NOMEM;
    int64_t last[OVER] = {0}, given = 0, count = 0, in_film = 0;
    for (int64_t i = 0; i < f->count; i++) {
        char action = f->frames[i].action;
        if (action == TA_FILM_DROP)
            continue;
        in_film = ta_film_is_video(action) ? 0 : in_film + 1;
        for (int k = 0; k < (ta_film_is_video(action) ? f->fields : 1); k++) {
            int64_t t = f->times[i] + k * (TA_FILM_PARTS / 2) * duration(f, i);
            if (given >= OVER && (!film || in_film > OVER))
                steps[count++] = t - last[given % OVER];
            last[given++ % OVER] = t;
        }
    }
    qsort(steps, (size_t)count, sizeof(*steps), by_value);
    int64_t median = count ? steps[count / 2] : 0, sum = 0, near = 0;
    for (int64_t i = 0; i < count; i++) {
        if (llabs(steps[i] - median) > median / 40)
            continue;
        sum += steps[i];
        near++;
    }
    free(steps);
    *rate = f->index->format.frame_rate;
    AVRational unit = f->index->time_base;
    if (median > 0) {
        av_reduce(&rate->num, &rate->den, (int64_t)OVER * TA_FILM_PARTS * unit.den * near, sum * unit.num,
                  1 << 30);
        *rate = ta_usual_frame_rate(*rate, 0.005);
    }
    return film && !count ? rate_of(f, false, rate) : 0;
}

// Puts the frames in places of even distance. A frame takes the next place unless that is too far from its
// time: then it is left out, or the one before it is repeated.
static int make_constant(struct film *f, AVRational rate, const char *input, struct ta_log *log)
{
    enum { PLACE = 20, GRACE = 12 };
    AVRational unit = f->index->time_base;
    int64_t last = -1, start = 0, giving = -1;
    for (int64_t i = 0; i <= f->count; i++) {
        bool end = i == f->count;
        if (!end && !ta_film_gives(f->frames[i].action))
            continue;
        if (giving < 0 && !end)
            start = f->times[i];
        int64_t time = end ? (f->index->frames[f->first + i - 1].pts + duration(f, i - 1)) * TA_FILM_PARTS
                           : f->times[i];
        int64_t place = av_rescale(time - start, (int64_t)PLACE * rate.num * unit.num,
                                   (int64_t)rate.den * unit.den * TA_FILM_PARTS);
        int64_t early = place - PLACE * (last + 1);
        if (!end && early < -GRACE) {
            f->frames[i] = (struct ta_film_frame){.action = ta_film_left_out(f->frames[i].action)};
            continue;
        }
        int64_t gap = giving < 0 || early <= GRACE ? 0 : (early - GRACE + PLACE - 1) / PLACE;
        if (gap > TA_FILM_MAX_REPEAT) {
            ta_error(log, "%s: a gap in the times is too long for a constant rate", input);
            return TA_ERR_UNSUPPORTED;
        }
        if (gap)
            f->repeats[giving] = (int32_t)gap;
        last += gap + 1;
        giving = i;
    }
    return 0;
}

static void tell_film(struct ta_decision *d, const struct film *f, AVRational rate)
{
    int64_t film = 0, video = 0, dropped = 0, repeated = 0;
    for (int64_t i = 0; i < f->count; i++) {
        video += ta_film_is_video(f->frames[i].action);
        dropped += !ta_film_gives(f->frames[i].action);
        repeated += f->repeats[i];
    }
    film = f->count - video - dropped;
    struct ta_buf text = {0};
    ta_buf_printf(&text, "%lld film %s and %lld of video from %lld; ", (long long)film,
                  ta_plural(film, "frame", "frames"), (long long)video, (long long)f->count);
    if (d->plan->constant_rate.num)
        ta_buf_printf(&text, "a constant rate of %d/%d, %lld %s repeated", rate.num, rate.den,
                      (long long)repeated, ta_plural(repeated, "frame", "frames"));
    else
        ta_buf_printf(&text, "variable rate, mostly %d/%d", rate.num, rate.den);
    ta_decision_tell(d, "telecine", "%s", ta_buf_text(&text));
    ta_buf_release(&text);
}

// The order of most fields that are not whole frames is the source's: what is before the stage sees it.
static void choose_order(struct ta_plan *p, const struct film *f)
{
    int64_t top = 0, bottom = 0;
    for (int64_t i = 0; i < f->count; i++) {
        char a = f->frames[i].action;
        top += a == TA_FILM_TOP || a == TA_FILM_VIDEO_TFF;
        bottom += a == TA_FILM_BOTTOM || a == TA_FILM_VIDEO_BFF;
    }
    if (p->source_format.scan == TA_SCAN_PROGRESSIVE)
        p->source_format.scan = top >= bottom ? TA_SCAN_TFF : TA_SCAN_BFF;
    p->source_format.mixed_scan = true;
}

static int decide_film(struct ta_decision *d, struct film *f, const struct ta_ivtc_opts *o, bool *any)
{
    struct ta_plan *p = d->plan;
    bool constant = o->rate == TA_IVTC_CONSTANT, gives = false;
    expand(d->facts->scan, f);
    order_video(p, f);
    even_soft_telecine(f);
    *any = constant;
    for (int64_t i = 0; i < f->count; i++) {
        *any |= !is_plain(f, i);
        gives |= ta_film_gives(f->frames[i].action);
    }
    if (!gives) {
        ta_error(d->log, "%s: no film frame begins in the given range", d->facts->input);
        return TA_ERR_INVALID;
    }
    if (!*any)
        return 0;
    find_times(f);
    AVRational rate;
    int err = rate_of(f, constant, &rate);
    if (err >= 0 && constant) {
        p->constant_rate = rate;
        err = make_constant(f, rate, d->facts->input, d->log);
    }
    if (err >= 0)
        err = ta_film_compress(f->frames, f->repeats, f->first, f->count, &p->film, &p->film_count);
    if (err < 0)
        return err;
    d->film_rate = rate;
    choose_order(p, f);
    tell_film(d, f, rate);
    return 0;
}

int ta_plan_choose_film(struct ta_decision *d, bool *any)
{
    struct ta_plan *p = d->plan;
    *any = false;
    ta_require(d->log, d->facts->scan->film != NULL, TA_ERR_USAGE);
    struct ta_ivtc_opts o = {0};
    int err = ta_options_stage(d->facts->options, "deinterlace", ta_stage_ivtc.options, &o, d->log);
    if (err < 0)
        return err;
    struct film f = {.index = d->facts->index, .first = p->first_frame, .count = p->frame_count};
    f.fields = o.rate == TA_IVTC_CONSTANT || o.fields == TA_FIELDS_ONE ? 1 : 2;
    f.frames = calloc((size_t)f.count, sizeof(*f.frames));
    f.repeats = calloc((size_t)f.count, sizeof(*f.repeats));
    f.times = calloc((size_t)f.count, sizeof(*f.times));
    err = f.frames && f.repeats && f.times ? decide_film(d, &f, &o, any) : TA_ERR_NOMEM;
    if (err == TA_ERR_NOMEM)
        ta_error(d->log, "out of memory for the timeline of %lld frames", (long long)f.count);
    free(f.frames);
    free(f.repeats);
    free(f.times);
    ta_opt_release(ta_stage_ivtc.options, &o);
    return err;
}
