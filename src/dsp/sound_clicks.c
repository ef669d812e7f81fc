#include "dsp/sound_clicks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "dsp/sound.h"
#include "dsp/sound_ar.h"
#include "dsp/sound_block.h"

enum {
    BEFORE = 5, // blocks kept before the one that is looked at
    AFTER = 8,  // and after it: two of the longest gaps, and a piece to compare
    BLOCKS = BEFORE + 1 + AFTER,
    MODEL = 3, // blocks that a model is made of, the one that is looked at in the middle
    PASSES = 3,
    PER_SECOND = 48,
    PEAKS = 8,    // errors around that a click is compared with
    OTHERS = 4,   // of those, the largest that may be clicks too
    COUNTED = 64, // clicks of a block that are told apart
};

struct channel {
    float *x; // BLOCKS blocks, within `all`, which has room for as many again
    float *all;
    long long clicks, dropouts;
    size_t places[COUNTED]; // where clicks of this block began
    int place_count;
    size_t looked; // from the start of the block that is looked at: what is before was seen to
};

struct ta_sound_clicks {
    const struct ta_sound_dsp *dsp;
    struct ta_sound_block block;
    int rate, channels;
    size_t size; // of a block
    double threshold;
    bool keep_clicks, keep_dropouts;
    struct channel *list;
    float *window, *gated, *work, *forward, *backward, *saved; // MODEL blocks
    float *tones;                                              // 6 blocks
    double *equations;
    size_t longest_click, longest_fill, longest_gap;
    size_t near, apart; // a quarter of a pitch period and the length in which errors are compared
    long long samples;
};

// The middle one of every eighth of the MODEL blocks' values.
static float middle_of(struct ta_sound_clicks *k, const float *values)
{
    size_t n = 0;
    for (size_t i = 0; i < MODEL * k->size; i += 8)
        k->work[n++] = values[i];
    return ta_sound_nth(k->work, n, n / 2);
}

// A model of MODEL blocks around the one that is looked at, but of what bends far more than the most of them:
// one loud click would be all that it is of. False: silence.
static bool model(struct ta_sound_clicks *k, struct channel *c, struct ta_sound_ar *ar)
{
    const float *x = c->x + (BEFORE - 1) * k->size;
    size_t n = MODEL * k->size, margin = k->near / 4 + 1;
    k->dsp->bends(k->backward, x, n);
    float limit = 30 * middle_of(k, k->backward);
    memcpy(k->gated, k->window, n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        if (k->backward[i] > limit)
            for (size_t m = i > margin ? i - margin : 0; m < TA_MIN(i + margin, n); m++)
                k->gated[m] = 0;
    return ta_sound_ar_fit(ar, k->dsp, x, k->gated, k->work, n);
}

static void errors(struct ta_sound_clicks *k, struct channel *c, const struct ta_sound_ar *ar)
{
    size_t n = MODEL * k->size;
    ta_sound_ar_errors(ar, k->dsp, c->x + (BEFORE - 1) * k->size, k->forward, k->backward, n);
    k->dsp->sizes(k->forward, n);
    k->dsp->sizes(k->backward, n);
}

// The (OTHERS + 1)-th largest peak of errors around [from, to), in pieces of `near`: what the sound itself
// does.
static float usual(const struct ta_sound_clicks *k, const float *e, size_t from, size_t to)
{
    float peaks[PEAKS] = {0};
    size_t first = from > k->apart ? from - k->apart : 0, last = TA_MIN(to + k->apart, MODEL * k->size);
    for (size_t at = first; at < last; at += k->near) {
        if (at + k->near > from && at < to + k->near) // the click itself and what it does to those after it
            continue;
        float most = k->dsp->most(e + at, TA_MIN(k->near, last - at));
        for (int i = 0; i < PEAKS; i++)
            if (most > peaks[i]) {
                float t = peaks[i];
                peaks[i] = most;
                most = t;
            }
    }
    return peaks[OTHERS];
}

static float middle_error(struct ta_sound_clicks *k)
{
    return middle_of(k, k->forward) / 0.6745f;
}

// The end of the click whose first error is at `from`: the last error backwards not much later; `from` if
// there is none.
static size_t end_of(const struct ta_sound_clicks *k, size_t from, float limit)
{
    size_t end = from, last = TA_MIN(from + k->longest_click, MODEL * k->size);
    for (size_t i = from; i < last; i++)
        if (k->backward[i] > limit)
            end = i + 1;
    return end;
}

// Whether an error is far more than those for two moments from `at` on (dir 1) or before it (-1). What rings
// on is a stroke, a clap or a plucked string; in one of the two there may be another click.
static bool stands_out(const struct ta_sound_clicks *k, float error, const float *e, size_t at, int dir)
{
    ptrdiff_t n = (ptrdiff_t)k->near;
    double least = INFINITY, most = 0;
    for (int i = 0; i < 2; i++) {
        ptrdiff_t from = (ptrdiff_t)at + (dir > 0 ? i * n : -(i + 1) * n);
        if (from < 0 || from + n > (ptrdiff_t)(MODEL * k->size))
            continue;
        double level = sqrt(k->dsp->dot(e + from, e + from, k->near) / (double)n);
        least = TA_MIN(least, level);
        most = TA_MAX(most, level);
    }
    return error > k->threshold * most || (error > 5 * k->threshold * least);
}

// Narrows [*from, *to) to where errors are more than the sound's own; false: it is no click.
static bool is_click(const struct ta_sound_clicks *k, size_t *from, size_t *to, float limit)
{
    float ahead = k->dsp->most(k->forward + *from, *to - *from);
    float back = k->dsp->most(k->backward + *from, *to - *from);
    float times = (float)(0.5 * k->threshold);
    float own = usual(k, k->forward, *from, *to);
    if (ahead <= times * own)
        return false;
    float own_back = usual(k, k->backward, *from, *to);
    if (back <= times * own_back)
        return false;
    float least = TA_MAX(TA_MAX(limit, 1.3f * own), 0.05f * ahead);
    float least_back = TA_MAX(TA_MAX(limit, 1.3f * own_back), 0.05f * back);
    while (k->forward[*from] <= least)
        ++*from;
    while (k->backward[*to - 1] <= least_back)
        --*to;
    return *to > *from && stands_out(k, back, k->backward, *to + 2, 1) &&
           stands_out(k, ahead, k->forward, TA_MAX(*from, 2) - 2, -1);
}

static float loudest(const float *x, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = TA_MAX(most, fabsf(x[i]));
    return most;
}

static void fill(struct ta_sound_clicks *k, const struct ta_sound_ar *ar, float *x, size_t n)
{
    ta_sound_ar_fill(ar, x, n, k->equations);
    k->samples += (long long)n;
}

// What was taken off has to be far more than what prediction leaves, and what is there instead no louder than
// what is around.
static bool is_better(const struct ta_sound_clicks *k, const float *x, size_t n, float limit)
{
    float most = 0;
    size_t around = k->near;
    for (size_t i = 0; i < n; i++)
        most = TA_MAX(most, fabsf(k->saved[i] - x[i]));
    float loud = 2 * TA_MAX(loudest(x - around, around), loudest(x + n, around));
    return most >= limit && loudest(x, n) <= loud;
}

// Clicks that begin in the block that is looked at, by one model of what is around. Returns how many.
// A click that is mended bit by bit is one.
static bool is_new(const struct ta_sound_clicks *k, struct channel *c, size_t at)
{
    for (int i = 0; i < c->place_count; i++)
        if (at + k->near > c->places[i] && at < c->places[i] + k->near)
            return false;
    if (c->place_count < COUNTED)
        c->places[c->place_count++] = at;
    return true;
}

static int mend(struct ta_sound_clicks *k, struct channel *c, const struct ta_sound_ar *ar, size_t skip)
{
    float limit = (float)k->threshold * middle_error(k), *x = c->x + (BEFORE - 1) * k->size;
    int count = 0;
    for (size_t i = k->size + skip; i < 2 * k->size; i++) {
        if (k->forward[i] <= limit)
            continue;
        size_t from = i, to = end_of(k, i, limit);
        if (to == i || !is_click(k, &from, &to, limit))
            continue;
        from--;
        to++;
        memcpy(k->saved, x + from, (to - from) * sizeof(float));
        long long before = k->samples;
        fill(k, ar, x + from, to - from);
        if (!is_better(k, x + from, to - from, limit)) {
            memcpy(x + from, k->saved, (to - from) * sizeof(float));
            k->samples = before;
        } else {
            c->clicks += is_new(k, c, from);
            count++;
        }
        i = to;
    }
    return count;
}

static double power(const struct ta_sound_clicks *k, const float *x, size_t n)
{
    return k->dsp->dot(x, x, n) / (double)n;
}

// How far back (dir -1) or ahead (dir 1) of a gap of n samples the piece begins that goes on best from what
// is next to it.
static size_t best_lag(const struct ta_sound_clicks *k, const float *x, size_t n, int dir)
{
    size_t length = k->size / 2, best = n, most = n + k->size;
    double best_score = -2;
    const float *own = dir < 0 ? x - length : x + n;
    for (size_t lag = n + 8; lag < most; lag++) {
        const float *other = own + (ptrdiff_t)lag * dir;
        double dot = k->dsp->dot(own, other, length);
        double score = dot / sqrt((power(k, own, length) * power(k, other, length) + 1e-20)) / (double)length;
        if (score > best_score) {
            best_score = score;
            best = lag;
        }
    }
    return best;
}

// A longer gap: what was before goes on, fading into what comes after, run backwards in time.
static void bridge(struct ta_sound_clicks *k, float *x, size_t n)
{
    size_t back = best_lag(k, x, n, -1), ahead = best_lag(k, x, n, 1);
    for (size_t i = 0; i < n; i++) {
        float f = (float)(0.5 - 0.5 * cos(M_PI * ((double)i + 1) / ((double)n + 1)));
        float a = x[(ptrdiff_t)i - (ptrdiff_t)back], b = x[i + ahead];
        k->work[i] = sqrtf(1 - f) * a + sqrtf(f) * b;
    }
    memcpy(x, k->work, n * sizeof(float));
    k->samples += (long long)n;
}

// RMS of the quieter half: a click in the other is no sound that could be gone.
static float steady_level(const struct ta_sound_clicks *k, const float *x, size_t n)
{
    double a = power(k, x, n / 2), b = power(k, x + n / 2, n / 2);
    return (float)sqrt(TA_MIN(a, b));
}

// Whether sound goes all at once at x and comes back as suddenly after less than the longest gap: its length.
static size_t gap_at(const struct ta_sound_clicks *k, const float *x)
{
    size_t edge = (size_t)k->rate / 250 + 1, close = (size_t)k->rate / 1500 + 1, n = 0;
    float before = steady_level(k, x - edge, edge), limit = 0.015f * before;
    if (limit < 1e-5f || loudest(x - close, close) < 0.4f * before)
        return 0;
    while (n <= k->longest_gap && fabsf(x[n]) < limit)
        n++;
    if (n < 2 * close || n > k->longest_gap)
        return 0;
    float after = steady_level(k, x + n, edge);
    if (after < 0.2f * before || loudest(x + n, close) < 0.4f * after)
        return 0;
    return loudest(x + 1, n - 2) < 0.015f * after ? n : 0;
}

// Whether a gap is unforeseen from both sides; a wave that comes to rest by itself is not.
static bool is_torn(struct ta_sound_clicks *k, const struct ta_sound_ar *ar, const float *x, size_t n)
{
    size_t edge = (size_t)k->rate / 250 + 1, close = (size_t)k->rate / 3000 + 1;
    float *e = k->forward;
    ta_sound_ar_errors(ar, k->dsp, x - edge, e, NULL, edge + close);
    if (loudest(e + edge, close) < 3 * (float)sqrt(power(k, e, edge)))
        return false;
    ta_sound_ar_errors(ar, k->dsp, x + n - close, k->work, k->backward, edge + close);
    return loudest(k->backward, close) > 3 * (float)sqrt(power(k, k->backward + close, edge));
}

// Gaps that begin in the block; the place after the last, from its start on.
static size_t mend_gaps(struct ta_sound_clicks *k, struct channel *c)
{
    float *x = c->x + BEFORE * k->size;
    size_t end = c->looked;
    for (size_t i = c->looked; i < k->size; i++) {
        if (fabsf(x[i]) > 0.2f * fabsf(x[(ptrdiff_t)i - 1]))
            continue;
        size_t n = gap_at(k, x + i);
        if (!n)
            continue;
        struct ta_sound_ar ar;
        // Of what is before alone: the gap is in none of it.
        const float *before = x + i - 2 * k->size;
        if (!ta_sound_ar_fit(&ar, k->dsp, before, k->window + k->size / 2, k->work, 2 * k->size) ||
            !is_torn(k, &ar, x + i, n))
            continue;
        memcpy(k->saved, x + i, n * sizeof(float));
        long long filled = k->samples;
        if (n <= k->longest_fill) {
            ta_sound_ar_fit_tones(&ar, k->dsp, before, k->tones, 2 * k->size);
            fill(k, &ar, x + i, n);
        } else
            bridge(k, x + i, n);
        float loud = TA_MAX(steady_level(k, x + i - 2 * k->near, 2 * k->near),
                            steady_level(k, x + i + n, 2 * k->near));
        if (!(sqrt(power(k, x + i, n)) <= 3 * loud)) {
            memcpy(x + i, k->saved, n * sizeof(float));
            k->samples = filled;
            continue;
        }
        c->dropouts++;
        i += n;
        end = i;
    }
    return end;
}

static void look(struct ta_sound_clicks *k, struct channel *c)
{
    struct ta_sound_ar ar;
    size_t skip = c->looked;
    if (!k->keep_dropouts)
        skip = mend_gaps(k, c);
    if (!k->keep_clicks && skip < k->size && model(k, c, &ar)) {
        errors(k, c, &ar);
        c->place_count = 0;
        int found = mend(k, c, &ar, skip);
        // A model without them sees more.
        for (int pass = 1; found && pass < PASSES && model(k, c, &ar); pass++) {
            errors(k, c, &ar);
            found = mend(k, c, &ar, skip);
        }
    }
    c->looked = skip > k->size ? skip - k->size : 0;
}

static void process(void *self, float *const *planes)
{
    struct ta_sound_clicks *k = self;
    size_t n = k->size;
    for (int i = 0; i < k->channels; i++) {
        struct channel *c = &k->list[i];
        c->x += n;
        if (c->x == c->all + (BLOCKS + 1) * n) {
            memcpy(c->all, c->x, (BLOCKS - 1) * n * sizeof(float));
            c->x = c->all;
        }
        memcpy(c->x + (BLOCKS - 1) * n, planes[i], n * sizeof(float));
        look(k, c);
        memcpy(planes[i], c->x + (BEFORE - 1) * n, n * sizeof(float));
    }
}

struct ta_sound_clicks *ta_sound_clicks_create(const struct ta_sound_clicks_params *params, int rate,
                                               int channels)
{
    if (!ta_sound_takes(rate, channels))
        return NULL;
    struct ta_sound_clicks *k = ta_xcalloc(1, sizeof *k);
    k->dsp = ta_sound_dsp();
    k->rate = rate;
    k->channels = channels;
    k->size = TA_MAX((size_t)rate / PER_SECOND, 4 * TA_SOUND_ORDER);
    k->threshold = params->threshold > 0 ? TA_MIN(TA_MAX(params->threshold, 2), 100) : 8;
    k->keep_clicks = params->keep_clicks;
    k->keep_dropouts = params->keep_dropouts;
    k->longest_click = (size_t)rate / 500 + 2;
    k->longest_fill = k->size * 24 / 25;
    k->longest_gap = k->size * 72 / 25;
    k->near = (size_t)rate / 500 + 1;
    k->apart = (size_t)rate / 40;
    size_t n = MODEL * k->size;
    k->window = ta_sound_alloc(n, sizeof(float));
    for (size_t i = 0; i < n; i++)
        k->window[i] = (float)sin(M_PI * ((double)i + 0.5) / (double)n);
    k->gated = ta_sound_alloc(n, sizeof(float));
    k->work = ta_sound_alloc(n, sizeof(float));
    k->forward = ta_sound_alloc(n, sizeof(float));
    k->backward = ta_sound_alloc(n, sizeof(float));
    k->saved = ta_sound_alloc(n, sizeof(float));
    k->tones = ta_sound_alloc(6 * k->size, sizeof(float));
    k->equations = ta_sound_alloc(k->size * (TA_SOUND_ORDER + 2), sizeof(double));
    k->list = ta_xcalloc((size_t)channels, sizeof *k->list);
    for (int i = 0; i < channels; i++)
        k->list[i].x = k->list[i].all = ta_sound_alloc(2 * BLOCKS * k->size, sizeof(float));
    ta_sound_block_init(&k->block, k->size, channels);
    return k;
}

void ta_sound_clicks_destroy(struct ta_sound_clicks **clicks)
{
    struct ta_sound_clicks *k = *clicks;
    if (!k)
        return;
    ta_sound_block_release(&k->block);
    for (int i = 0; i < k->channels; i++)
        free(k->list[i].all);
    void *own[] = {k->list,     k->window, k->gated, k->work,     k->forward,
                   k->backward, k->saved,  k->tones, k->equations};
    for (size_t i = 0; i < TA_COUNT(own); i++)
        free(own[i]);
    ta_freep(clicks);
}

void ta_sound_clicks_run(struct ta_sound_clicks *clicks, float *const *planes, size_t samples)
{
    ta_sound_block_run(&clicks->block, planes, samples, process, clicks);
}

size_t ta_sound_clicks_latency(const struct ta_sound_clicks *clicks)
{
    return (AFTER + 2) * clicks->size;
}

size_t ta_sound_clicks_reach(const struct ta_sound_clicks *clicks)
{
    return 2 * (BEFORE + 1) * clicks->size;
}

void ta_sound_clicks_counts(const struct ta_sound_clicks *clicks, struct ta_sound_clicks_counts *out)
{
    *out = (struct ta_sound_clicks_counts){.samples = clicks->samples};
    for (int i = 0; i < clicks->channels; i++) {
        out->clicks = TA_MAX(out->clicks, clicks->list[i].clicks);
        out->dropouts = TA_MAX(out->dropouts, clicks->list[i].dropouts);
    }
}
