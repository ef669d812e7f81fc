// Each sample's true peak gives the gain that it needs. The lowest of those over the look-ahead, then their
// mean over as long: at no sample is the gain higher than it may be, and it has no corner. Behind a peak it
// comes back slowly.
#include "audio/limiter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/stages.h"
#include "base/mem.h"
#include "dsp/sound.h"

enum {
    PHASES = 4,
    TAPS = 32, // a phase: fewer miss what noise up to half the rate does between its samples
    LOOK_AHEAD_US = 2000,
    RELEASE_MS = 60,
};
static const double MARGIN_DB = 0.2; // for what the gain's own movement adds between samples
static const double PI = 3.14159265358979323846;

// A windowed sinc; phase 0 is the sample itself.
static void fill_taps(float taps[PHASES][TAPS])
{
    for (int p = 0; p < PHASES; p++) {
        double sum = 0, t[TAPS];
        for (int i = 0; i < TAPS; i++) {
            double x = i - (TAPS / 2 - 1) - (double)p / PHASES, w = cos(PI * x / TAPS);
            t[i] = (fabs(x) < 1e-9 ? 1 : sin(PI * x) / (PI * x)) * (fabs(x) < TAPS / 2.0 ? w * w : 0);
            sum += t[i];
        }
        for (int i = 0; i < TAPS; i++)
            taps[p][i] = (float)(t[i] / sum);
    }
}

// No sum of a window is larger than its largest sample by this factor, rounded as it may be.
static float bound_of(float taps[PHASES][TAPS])
{
    float most = 1;
    for (int p = 0; p < PHASES; p++) {
        float sum = 0;
        for (int i = 0; i < TAPS; i++)
            sum += fabsf(taps[p][i]);
        most = fmaxf(most, sum);
    }
    return most * 1.0001f;
}

// ---- true peaks ----

// Samples at once; for peaks fewer, so that more of them are known not to be higher than what was.
enum { AT_ONCE = 256, PEAK_AT_ONCE = 64 };

struct ta_true_peak {
    const struct ta_sound_dsp *dsp;
    int channels;
    float taps[PHASES][TAPS], bound;
    float (*recent)[TAPS - 1 + PEAK_AT_ONCE]; // the last samples of each channel, and those that come
    float between[PEAK_AT_ONCE];
    double highest;
};

struct ta_true_peak *ta_true_peak_create(int channels)
{
    struct ta_true_peak *t = ta_xcalloc(1, sizeof *t);
    t->dsp = ta_sound_dsp();
    t->channels = channels;
    t->recent = ta_xcalloc((size_t)channels, sizeof *t->recent);
    fill_taps(t->taps);
    t->bound = bound_of(t->taps);
    return t;
}

static void add_channel(struct ta_true_peak *t, float *recent, const float *samples, size_t n)
{
    memcpy(recent + TAPS - 1, samples, n * sizeof *samples);
    // Nothing in it can be higher than what was?
    if (t->dsp->most(recent, TAPS - 1 + n) * t->bound > t->highest) {
        t->highest = fmax(t->highest, t->dsp->most(recent + TAPS / 2 - 1, n));
        for (int p = 1; p < PHASES; p++) {
            t->dsp->filter(t->between, recent, t->taps[p], TAPS, n);
            t->highest = fmax(t->highest, t->dsp->most(t->between, n));
        }
    }
    memmove(recent, recent + n, (TAPS - 1) * sizeof *recent);
}

void ta_true_peak_add(struct ta_true_peak *t, float *const *planes, size_t samples)
{
    for (int c = 0; c < t->channels; c++)
        for (size_t i = 0; i < samples; i += PEAK_AT_ONCE)
            add_channel(t, t->recent[c], planes[c] + i, TA_MIN(PEAK_AT_ONCE, samples - i));
}

double ta_true_peak_get(const struct ta_true_peak *t)
{
    double most = t->highest;
    // The last samples are in no window's middle yet.
    for (int c = 0; c < t->channels; c++)
        most = fmax(most, t->dsp->most(t->recent[c], TAPS - 1));
    return most;
}

void ta_true_peak_destroy(struct ta_true_peak **t)
{
    if (*t)
        free((*t)->recent);
    ta_freep(t);
}

// ---- the limiter ----

struct ta_limiter {
    const struct ta_sound_dsp *dsp;
    int channels, ahead; // samples of look-ahead
    double ceiling, release;
    float taps[PHASES][TAPS], bound;
    float *held_back[TA_SOUND_CHANNELS]; // the last `kept` samples, and those that come
    size_t delay, kept;
    float peaks[AT_ONCE], between[AT_ONCE];
    // The lowest of the last `ahead` gains: those that are lower than all behind them, in order.
    double *low;
    int64_t *low_at;
    int low_first, low_count;
    double held;  // the lowest, coming back slowly
    double *mean; // a ring of `ahead` of these
    int mean_at;
    double sum;
    int64_t place;
    int idle; // samples in a row that need no gain, once it has come back
    double most;
};

static int ahead_of(int rate)
{
    return TA_MAX(8, (int)((int64_t)rate * LOOK_AHEAD_US / 1000000));
}

// The window's middle, and the mean's and the minimum's look-ahead together: `ahead` - 1 samples, and one
// more because a peak lies between two samples.
size_t ta_limiter_latency(int rate)
{
    return (size_t)(TAPS - TAPS / 2 + ahead_of(rate));
}

struct ta_limiter *ta_limiter_create(int rate, int channels, double ceiling)
{
    struct ta_limiter *l = ta_xcalloc(1, sizeof *l);
    l->dsp = ta_sound_dsp();
    l->channels = channels;
    l->ahead = ahead_of(rate);
    l->ceiling = pow(10, (ceiling - MARGIN_DB) / 20);
    l->release = 1 - exp(-1000.0 / ((double)RELEASE_MS * rate));
    fill_taps(l->taps);
    l->bound = bound_of(l->taps);
    l->delay = ta_limiter_latency(rate);
    l->kept = TA_MAX(l->delay, TAPS - 1);
    for (int c = 0; c < channels; c++)
        l->held_back[c] = ta_xcalloc(l->kept + AT_ONCE, sizeof **l->held_back);
    l->low = ta_xcalloc((size_t)l->ahead + 3, sizeof *l->low);
    l->low_at = ta_xcalloc((size_t)l->ahead + 3, sizeof *l->low_at);
    l->mean = ta_xcalloc((size_t)l->ahead, sizeof *l->mean);
    for (int i = 0; i < l->ahead; i++)
        l->mean[i] = 1;
    l->sum = l->ahead;
    l->held = l->most = 1;
    return l;
}

// The lowest gain of this place and the `ahead` + 1 before it.
static double lowest(struct ta_limiter *l, double gain)
{
    int room = l->ahead + 3;
    while (l->low_count && l->low[(l->low_first + l->low_count - 1) % room] >= gain)
        l->low_count--;
    int at = (l->low_first + l->low_count++) % room;
    l->low[at] = gain;
    l->low_at[at] = l->place;
    if (l->low_at[l->low_first] < l->place - l->ahead - 1) {
        l->low_first = (l->low_first + 1) % room;
        l->low_count--;
    }
    return l->low[l->low_first];
}

// All that is kept is 1 by now.
static bool is_at_rest(const struct ta_limiter *l)
{
    return l->idle > l->ahead + 2;
}

static void rest(struct ta_limiter *l, size_t samples)
{
    l->low_count = 0;
    l->sum = l->ahead;
    l->place += (int64_t)samples;
}

static double next_gain(struct ta_limiter *l, double peak)
{
    if (peak <= l->ceiling && is_at_rest(l)) {
        rest(l, 1);
        return 1;
    }
    l->idle = peak <= l->ceiling && l->held == 1 ? l->idle + 1 : 0;
    double low = lowest(l, peak > l->ceiling ? l->ceiling / peak : 1);
    l->held = TA_MIN(low, l->held + (1 - l->held) * l->release);
    if (l->held > 1 - 1e-7)
        l->held = TA_MIN(low, 1);
    l->sum += l->held - l->mean[l->mean_at];
    l->mean[l->mean_at] = l->held;
    if (++l->mean_at == l->ahead) { // sums of differences drift
        l->mean_at = 0;
        l->sum = 0;
        for (int i = 0; i < l->ahead; i++)
            l->sum += l->mean[i];
    }
    l->place++;
    return l->sum / l->ahead;
}

// For each of the n samples that came last, the largest of the sample in the middle of its window and of the
// three places behind it, into l->peaks; false: nothing in any window needs a gain.
static bool find_peaks(struct ta_limiter *l, size_t n)
{
    bool any = false;
    for (int c = 0; c < l->channels; c++) {
        const float *windows = l->held_back[c] + l->kept - (TAPS - 1);
        if (l->dsp->most(windows, TAPS - 1 + n) * l->bound <= l->ceiling)
            continue;
        if (!any)
            memset(l->peaks, 0, n * sizeof(float));
        any = true;
        l->dsp->raise(l->peaks, windows + TAPS / 2 - 1, n);
        for (int p = 1; p < PHASES; p++) {
            l->dsp->filter(l->between, windows, l->taps[p], TAPS, n);
            l->dsp->raise(l->peaks, l->between, n);
        }
    }
    return any && l->dsp->most(l->peaks, n) > l->ceiling;
}

static void run_block(struct ta_limiter *l, float *const *planes, size_t at, size_t n)
{
    const size_t late = l->kept - l->delay;
    for (int c = 0; c < l->channels; c++)
        memcpy(l->held_back[c] + l->kept, planes[c] + at, n * sizeof(float));
    bool loud = find_peaks(l, n);
    if (!loud && is_at_rest(l)) {
        rest(l, n);
        for (int c = 0; c < l->channels; c++)
            memcpy(planes[c] + at, l->held_back[c] + late, n * sizeof(float));
    } else {
        for (size_t i = 0; i < n; i++) {
            double gain = TA_MIN(1, next_gain(l, loud ? l->peaks[i] : 0));
            l->most = TA_MIN(l->most, gain);
            for (int c = 0; c < l->channels; c++)
                planes[c][at + i] = (float)(l->held_back[c][late + i] * gain);
        }
    }
    for (int c = 0; c < l->channels; c++)
        memmove(l->held_back[c], l->held_back[c] + n, l->kept * sizeof(float));
}

void ta_limiter_run(struct ta_limiter *l, float *const *planes, size_t samples)
{
    for (size_t at = 0; at < samples; at += AT_ONCE)
        run_block(l, planes, at, TA_MIN(AT_ONCE, samples - at));
}

double ta_limiter_most(const struct ta_limiter *l)
{
    return -20 * log10(l->most);
}

void ta_limiter_destroy(struct ta_limiter **limiter)
{
    struct ta_limiter *l = *limiter;
    *limiter = NULL;
    if (!l)
        return;
    for (int c = 0; c < l->channels; c++)
        free(l->held_back[c]);
    free(l->low);
    free(l->low_at);
    free(l->mean);
    free(l);
}

// ---- the stage ----

static const struct ta_opt options[] = {
    {.name = "ceiling",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_sound_limiter_opts, ceiling, double),
     .def = "-1.5",
     .min = -30,
     .max = 0,
     .unit = "dBTP",
     .help = "the highest true peak"},
    {0},
};

static int init(struct ta_sound_stage *s)
{
    const struct ta_sound_limiter_opts *o = s->opts;
    *(struct ta_limiter **)s->priv = ta_limiter_create(s->in.rate, s->in.channels, o->ceiling);
    return 0;
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    ta_limiter_run(*(struct ta_limiter **)s->priv, planes, samples);
    return 0;
}

static void release(struct ta_sound_stage *s)
{
    ta_limiter_destroy(s->priv);
}

static int64_t latency(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (int64_t)ta_limiter_latency(in->rate);
}

static struct ta_sound_reach reach(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (struct ta_sound_reach){.before = (int64_t)in->rate * RELEASE_MS * 10 / 1000 + in->rate / 100};
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    (void)in;
    (void)out;
    ta_buf_printf(text, "alimiter=limit=%.4g",
                  pow(10, ((const struct ta_sound_limiter_opts *)opts)->ceiling / 20));
}

const struct ta_sound_stage_info ta_sound_limiter = {
    .name = "dynamics.limiter",
    .summary = "true peaks held below a ceiling",
    .options = options,
    .options_size = sizeof(struct ta_sound_limiter_opts),
    .priv_size = sizeof(struct ta_limiter *),
    .latency = latency,
    .reach = reach,
    .describe = describe,
    .init = init,
    .run = run,
    .release = release,
};
