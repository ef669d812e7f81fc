// Two channels for six or eight speakers, three ways: plain copies, the decoding of a matrix, and
// libavfilter's "surround".
#include "audio/stages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>

#include <terminalai/error.h>

#include "audio/biquad.h"
#include "audio/mix.h"
#include "base/mem.h"

enum { FL, FR, FC, LFE, BL, BR, SL, SR, SPEAKERS };

static const float HALF_POWER = 0.70710678F;
static const double PI = 3.14159265358979323846;

// clang-format off
#define LAYOUT_OPTION                                                                          \
    {.name = "layout", .kind = &ta_opt_text, TA_FIELD(struct ta_sound_layout_opts, layout, char *), \
     .def = "5.1", .help = "speakers of what comes out: 5.1 or 7.1"}
#define LFE_OPTION                                                                             \
    {.name = "lfe", .kind = &ta_opt_float, TA_FIELD(struct ta_sound_layout_opts, lfe, double), \
     .def = "120", .min = 60, .max = 200, .unit = "Hz",                                        \
     .help = "up to where the channel of low frequencies goes"}
// clang-format on

static const struct ta_opt simple_options[] = {LAYOUT_OPTION,
                                               LFE_OPTION,
                                               {.name = "delay",
                                                .kind = &ta_opt_float,
                                                TA_FIELD(struct ta_sound_layout_opts, delay, double),
                                                .def = "15",
                                                .max = 50,
                                                .unit = "ms",
                                                .help = "by how much the rear speakers come later"},
                                               {.name = "centre",
                                                .kind = &ta_opt_float,
                                                TA_FIELD(struct ta_sound_layout_opts, centre, double),
                                                .def = "0.707",
                                                .max = 1,
                                                .help = "how loud the centre is"},
                                               {0}};
static const struct ta_opt matrix_options[] = {LAYOUT_OPTION, LFE_OPTION, {0}};
static const struct ta_opt surround_options[] = {LAYOUT_OPTION, {0}};

static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why)
{
    const struct ta_sound_layout_opts *o = opts;
    if (in->channels != 2) {
        ta_buf_printf(why, "takes sound of two channels, not of %d", in->channels);
        return TA_ERR_UNSUPPORTED;
    }
    if (!ta_mix_target(in, o->layout, out) ||
        (out->mask != AV_CH_LAYOUT_5POINT1_BACK && out->mask != AV_CH_LAYOUT_7POINT1)) {
        ta_buf_puts(why, "gives 5.1 or 7.1");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

// ---- the channel of low frequencies: 24 dB an octave ----

struct low {
    struct ta_biquad b[2];
    double state[2][2];
};

static void low_init(struct low *l, int rate, double frequency)
{
    // The two Qs of a Butterworth filter of fourth order.
    ta_biquad_lowpass(&l->b[0], rate, frequency, 0.54120);
    ta_biquad_lowpass(&l->b[1], rate, frequency, 1.30656);
}

static void low_run(struct low *l, float *samples, size_t count)
{
    ta_biquad_run(l->b, 2, l->state, samples, count);
}

// ---- plain copies ----

struct simple {
    struct low low;
    float *planes[SPEAKERS];
    float *delay[2];
    size_t delay_size, delay_at;
};

static int simple_init(struct ta_sound_stage *s)
{
    const struct ta_sound_layout_opts *o = s->opts;
    struct simple *m = s->priv;
    low_init(&m->low, s->in.rate, o->lfe);
    for (int i = 0; i < s->out.channels; i++)
        m->planes[i] = ta_xcalloc(TA_SOUND_BLOCK, sizeof **m->planes);
    m->delay_size = (size_t)(o->delay * s->in.rate / 1000 + 0.5);
    for (int i = 0; i < 2; i++)
        m->delay[i] = ta_xcalloc(m->delay_size + 1, sizeof **m->delay);
    return 0;
}

static int simple_run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    const struct ta_sound_layout_opts *o = s->opts;
    struct simple *m = s->priv;
    for (size_t i = 0; i < samples; i++) {
        float l = planes[0][i], r = planes[1][i], late[2] = {l, r};
        if (m->delay_size) {
            for (int k = 0; k < 2; k++) {
                late[k] = m->delay[k][m->delay_at];
                m->delay[k][m->delay_at] = planes[k][i];
            }
            m->delay_at = (m->delay_at + 1) % m->delay_size;
        }
        m->planes[FL][i] = l;
        m->planes[FR][i] = r;
        m->planes[FC][i] = (float)o->centre * (0.5F * l + 0.5F * r);
        m->planes[LFE][i] = 0.5F * l + 0.5F * r;
        // 0.7 of the front, shared where there are two pairs.
        float share = s->out.channels > 6 ? 0.7F * HALF_POWER : 0.7F;
        for (int k = BL; k < s->out.channels; k++)
            m->planes[k][i] = share * late[(k - BL) % 2];
    }
    low_run(&m->low, m->planes[LFE], samples);
    return ta_sound_stage_emit(s, m->planes, samples);
}

static void simple_release(struct ta_sound_stage *s)
{
    struct simple *m = s->priv;
    for (int i = 0; i < SPEAKERS; i++)
        free(m->planes[i]);
    free(m->delay[0]);
    free(m->delay[1]);
}

static struct ta_sound_reach second_reach(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (struct ta_sound_reach){.before = in->rate}; // low frequencies and energies fade within it
}

static void simple_describe(const void *opts, const struct ta_sound_format *in,
                            const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_layout_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "upmix_simple=layout=%s:lfe=%g:delay=%g:centre=%g", o->layout, o->lfe, o->delay,
                  o->centre);
}

const struct ta_sound_stage_info ta_sound_upmix_simple = {
    .name = "upmix.simple",
    .summary = "copies of two channels on all speakers, those at the back later and quieter",
    .options = simple_options,
    .options_size = sizeof(struct ta_sound_layout_opts),
    .priv_size = sizeof(struct simple),
    .configure = configure,
    .reach = second_reach,
    .describe = simple_describe,
    .init = simple_init,
    .run = simple_run,
    .emits = true,
    .release = simple_release,
};

// ---- the decoding of a matrix ----

// What an encoder has put on Lt and Rt: the centre on both, what is behind with 90 degrees ahead and behind.
// The difference, turned by 90 degrees, is what is behind; and where one direction dominates, it is taken out
// of the speakers that do not lie there.
enum {
    HILBERT_MS_100 = 265
}; // half of the filter that turns by 90 degrees, in 0.01 ms: 127 samples at 48 kHz

struct matrix {
    struct low low;
    float *planes[SPEAKERS];
    int half;       // samples of latency
    float *taps;    // of odd distance from the middle: 1, 3, 5, ...
    float *past[2]; // the last 2 half + 1 samples of left and right, each twice: a window in one piece
    int at;
    double energy[4]; // of left, right, centre and behind, over some 20 ms
    double step;
    double towards[4]; // how far the sound is led to each, slower
    double towards_step;
};

static int half_of(int rate)
{
    return (int)((int64_t)rate * HILBERT_MS_100 / 100000) | 1;
}

static int matrix_init(struct ta_sound_stage *s)
{
    struct matrix *m = s->priv;
    low_init(&m->low, s->in.rate, ((const struct ta_sound_layout_opts *)s->opts)->lfe);
    m->half = half_of(s->in.rate);
    m->taps = ta_xcalloc((size_t)m->half / 2 + 1, sizeof *m->taps);
    for (int k = 1; k <= m->half; k += 2) {
        double w = 0.42 + 0.5 * cos(PI * k / (m->half + 1)) + 0.08 * cos(2 * PI * k / (m->half + 1));
        m->taps[k / 2] = (float)(2 / (PI * k) * w);
    }
    for (int i = 0; i < 2; i++)
        m->past[i] = ta_xcalloc(2 * (2 * (size_t)m->half + 1), sizeof **m->past);
    for (int i = 0; i < s->out.channels; i++)
        m->planes[i] = ta_xcalloc(TA_SOUND_BLOCK, sizeof **m->planes);
    m->step = 1 - exp(-1000.0 / (20.0 * s->in.rate));
    m->towards_step = 1 - exp(-1000.0 / (10.0 * s->in.rate));
    return 0;
}

// How much each direction dominates, 0 to 1.
static void weigh(struct matrix *m, float l, float r)
{
    float c = HALF_POWER * (l + r), b = HALF_POWER * (l - r);
    const float v[4] = {l, r, c, b};
    for (int i = 0; i < 4; i++)
        m->energy[i] += ((double)v[i] * v[i] - m->energy[i]) * m->step;
    for (int i = 0; i < 4; i += 2) {
        double sum = m->energy[i] + m->energy[i + 1] + 1e-14;
        double lean = (m->energy[i] - m->energy[i + 1]) / sum;
        m->towards[i] += (TA_MAX(lean, 0) - m->towards[i]) * m->towards_step;
        m->towards[i + 1] += (TA_MAX(-lean, 0) - m->towards[i + 1]) * m->towards_step;
    }
}

// The window's middle, turned by 90 degrees.
static float turned(const struct matrix *m, const float *window)
{
    float sum = 0;
    for (int k = 1; k <= m->half; k += 2)
        sum += m->taps[k / 2] * (window[m->half - k] - window[m->half + k]);
    return sum;
}

// The sample in the middle of the windows: what leads it was found `half` samples ahead.
static void decode(struct matrix *m, const float *left, const float *right, int channels, size_t i)
{
    float l = left[m->half], r = right[m->half], hl = turned(m, left), hr = turned(m, right);
    float centred = (float)m->towards[2], behind = (float)m->towards[3];
    // In front: without what is at the centre or behind, as far as that dominates.
    float c = 0.5F * (l + r), b = 0.5F * (l - r);
    m->planes[FL][i] = l - centred * c - behind * b;
    m->planes[FR][i] = r - centred * c + behind * b;
    m->planes[FC][i] = HALF_POWER * (0.5F + 0.5F * centred) * (1 - behind) * (l + r);
    m->planes[LFE][i] = c;
    // Behind: on each side less of the other.
    float lead = (0.5F + 0.22F * behind) * (1 - centred) * (channels > BR + 1 ? HALF_POWER : 1);
    m->planes[BL][i] = lead * (0.8165F * hl - 0.5774F * hr);
    m->planes[BR][i] = lead * (0.5774F * hl - 0.8165F * hr);
    for (int k = SL; k < channels; k++)
        m->planes[k][i] = m->planes[k - 2][i];
}

static int matrix_run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    struct matrix *m = s->priv;
    int size = 2 * m->half + 1;
    for (size_t i = 0; i < samples; i++) {
        weigh(m, planes[0][i], planes[1][i]);
        for (int k = 0; k < 2; k++)
            m->past[k][m->at] = m->past[k][m->at + size] = planes[k][i];
        m->at = (m->at + 1) % size;
        decode(m, m->past[0] + m->at, m->past[1] + m->at, s->out.channels, i);
    }
    low_run(&m->low, m->planes[LFE], samples);
    return ta_sound_stage_emit(s, m->planes, samples);
}

static void matrix_release(struct ta_sound_stage *s)
{
    struct matrix *m = s->priv;
    for (int i = 0; i < SPEAKERS; i++)
        free(m->planes[i]);
    free(m->past[0]);
    free(m->past[1]);
    free(m->taps);
}

static int64_t matrix_latency(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return half_of(in->rate);
}

static void matrix_describe(const void *opts, const struct ta_sound_format *in,
                            const struct ta_sound_format *out, struct ta_buf *text)
{
    const struct ta_sound_layout_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_printf(text, "upmix_matrix=layout=%s:lfe=%g", o->layout, o->lfe);
}

const struct ta_sound_stage_info ta_sound_upmix_matrix = {
    .name = "upmix.matrix",
    .summary = "the decoding of a matrix: what is on both sides to the centre, what differs to the back",
    .options = matrix_options,
    .options_size = sizeof(struct ta_sound_layout_opts),
    .priv_size = sizeof(struct matrix),
    .configure = configure,
    .latency = matrix_latency,
    .reach = second_reach,
    .describe = matrix_describe,
    .init = matrix_init,
    .run = matrix_run,
    .emits = true,
    .release = matrix_release,
};

// ---- libavfilter's ----

// It works in windows of 4096 samples that overlap by half; what it gives comes half a window late.
enum { SURROUND_WINDOW = 4096 };

static void surround_describe(const void *opts, const struct ta_sound_format *in,
                              const struct ta_sound_format *out, struct ta_buf *text)
{
    (void)opts;
    (void)in;
    char *layout = ta_sound_layout_text(out);
    ta_buf_printf(text, "surround=chl_out=%s:win_size=%d", layout, SURROUND_WINDOW);
    free(layout);
}

static int64_t surround_latency(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    (void)in;
    return SURROUND_WINDOW / 2;
}

static struct ta_sound_reach surround_reach(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    (void)in;
    return (struct ta_sound_reach){.before = 4 * SURROUND_WINDOW, .after = 2 * SURROUND_WINDOW};
}

static const char *const surround_filters[] = {"surround", NULL};

const struct ta_sound_stage_info ta_sound_upmix_surround = {
    .name = "upmix.surround",
    .summary = "libavfilter's upmix, by what each frequency's phase says",
    .options = surround_options,
    .options_size = sizeof(struct ta_sound_layout_opts),
    .priv_size = sizeof(void *),
    .graph = true,
    .filters = surround_filters,
    .configure = configure,
    .latency = surround_latency,
    .reach = surround_reach,
    .describe = surround_describe,
};
