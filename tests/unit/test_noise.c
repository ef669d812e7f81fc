// The measures of a tape on pictures made here, whose noise, levels and torn lines are known.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "diagnose/noise_picture.h"
#include "diagnose/picture_lines.h"

enum { WIDTH = 704, HEIGHT = 480 };

static uint64_t rng_state;

static double uniform(void)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(rng_state >> 40) / 16777216.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform() + 1e-9)) * cos(6.283185307179586 * uniform());
}

struct scene {
    enum AVPixelFormat format;
    double black, white; // of the texture, codes
    double sigma, smear; // of the noise; weight of the sample before in it
    int moving;          // of 8 columns of blocks, so many move
    double coarse;       // pixels of the texture's waves
};

static double texture(const struct scene *s, int x, int y, int t)
{
    int shift = x * 8 / WIDTH < s->moving ? 5 * t : 0;
    double w = 0.5 + 0.25 * sin((x + shift) / s->coarse + y * 0.05) +
               0.25 * sin((y + shift) / s->coarse * 1.3 - x * 0.11);
    return s->black + (s->white - s->black) * w;
}

static void put(AVFrame *f, int plane, int x, int y, double codes, int depth)
{
    int max = (1 << depth) - 1, v = (int)floor(codes * (1 << (depth - 8)) + 0.5);
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    v = v < 0 ? 0 : v > max ? max : v;
    if (depth == 8)
        row[x] = (uint8_t)v;
    else
        ((uint16_t *)(void *)row)[x] = (uint16_t)v;
}

static AVFrame *draw(const struct scene *s, int t)
{
    AVFrame *f = av_frame_alloc();
    f->format = (int)s->format;
    f->width = WIDTH;
    f->height = HEIGHT;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->format);
    double last = normal(), norm = 1 / sqrt(1 + s->smear * s->smear);
    for (int p = 0; p < d->nb_components; p++) {
        int w = p ? AV_CEIL_RSHIFT(WIDTH, d->log2_chroma_w) : WIDTH,
            h = p ? AV_CEIL_RSHIFT(HEIGHT, d->log2_chroma_h) : HEIGHT;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double fresh = normal(), noise = (fresh + s->smear * last) * norm;
                double base = p ? 128 + 20 * sin(x / 40.0 + p) : texture(s, x, y, t);
                put(f, p, x, y, base + noise * (p ? s->sigma / 2 : s->sigma), d->comp[p].depth);
                last = fresh;
            }
    }
    return f;
}

static struct ta_noise_picture measure(const struct scene *s)
{
    struct ta_noise_picture out;
    rng_state = 17;
    AVFrame *a = draw(s, 0), *b = draw(s, 1);
    ta_noise_picture_measure(a, b, false, &out);
    av_frame_free(&a);
    av_frame_free(&b);
    return out;
}

static void check(const char *what, const struct scene *s, double luma, double chroma, double by)
{
    struct ta_noise_picture m = measure(s);
    if (fabs((double)m.luma - luma) > by * luma || fabs((double)m.chroma - chroma) > by * chroma)
        fail_msg("%s: luma %.3f for %.3f, chroma %.3f for %.3f", what, (double)m.luma, luma, (double)m.chroma,
                 chroma);
}

static void test_known_noise(void **state)
{
    (void)state;
    const double sigmas[] = {1, 3, 12};
    for (size_t i = 0; i < TA_COUNT(sigmas); i++) {
        struct scene s = {AV_PIX_FMT_YUV420P, 40, 210, sigmas[i], 0, 0, 6};
        check("still texture", &s, s.sigma, s.sigma / 2, 0.1);
        s.moving = 5;
        check("five eighths move", &s, s.sigma, s.sigma / 2, 0.1);
        s.smear = 0.8;
        check("smeared along lines", &s, s.sigma, s.sigma / 2, 0.1);
        s = (struct scene){AV_PIX_FMT_YUV420P, 90, 90, sigmas[i], 0, 0, 6};
        check("flat", &s, s.sigma, s.sigma / 2, 0.1);
        s = (struct scene){AV_PIX_FMT_YUV420P, 16, 40, sigmas[i], 0, 3, 30};
        check("dark", &s, s.sigma, s.sigma / 2, 0.1);
    }
}

static void test_formats(void **state)
{
    (void)state;
    const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV411P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P16,
                                          AV_PIX_FMT_YUV420P12BE};
    for (size_t i = 0; i < TA_COUNT(formats); i++) {
        struct scene s = {formats[i], 40, 210, 4, 0, 2, 9};
        if (av_pix_fmt_desc_get(formats[i])->flags & AV_PIX_FMT_FLAG_BE)
            continue;
        check(av_get_pix_fmt_name(formats[i]), &s, 4, 2, 0.1);
    }
    struct scene gray = {AV_PIX_FMT_GRAY8, 40, 210, 4, 0, 2, 9};
    struct ta_noise_picture m = measure(&gray);
    assert_true(fabsf(m.luma - 4) < 0.4F && m.chroma < 0);
}

// Black and white that the format ends at cut noise off; what is beside them tells.
static void test_clipped(void **state)
{
    (void)state;
    struct scene s = {AV_PIX_FMT_YUV420P, -80, 200, 6, 0, 0, 40};
    check("much is black", &s, 6, 3, 0.1);
    s = (struct scene){AV_PIX_FMT_YUV420P, 60, 330, 6, 0, 0, 40};
    check("much is white", &s, 6, 3, 0.1);
}

static void test_character(void **state)
{
    (void)state;
    struct scene s = {AV_PIX_FMT_YUV420P, 40, 210, 5, 1, 2, 9};
    struct ta_noise_picture tape = measure(&s);
    s.smear = 0;
    struct ta_noise_picture white = measure(&s);
    if (fabsf(tape.across - 0.5F) > 0.06F || fabsf(tape.down) > 0.05F || fabsf(white.across) > 0.05F)
        fail_msg("tape's %.3f (0.5), %.3f (0), white's %.3f (0)", (double)tape.across, (double)tape.down,
                 (double)white.across);
    if (fabsf(white.still - 0.75F) > 0.15F)
        fail_msg("%.3f of the picture is still, not 0.75", (double)white.still);
}

static void test_nothing_to_tell(void **state)
{
    (void)state;
    struct scene s = {AV_PIX_FMT_YUV420P, 40, 210, 4, 0, 0, 9};
    struct ta_noise_picture m;
    rng_state = 17;
    AVFrame *a = draw(&s, 0);
    ta_noise_picture_measure(a, a, false, &m); // the same picture again, noise and all
    assert_true(m.repeated && m.luma < 0);
    av_frame_free(&a);
    s.sigma = 0;
    s.moving = 4;
    m = measure(&s); // clean, and a part of it moves
    if (m.luma > 0.2F)
        fail_msg("a clean picture has noise of %.3f", (double)m.luma);
}

// ---- lines ----

// Moved aside, and noisier, as the head has hardly begun to read.
static void tear_line(AVFrame *f, int y, int by, double sigma)
{
    uint8_t *row = f->data[0] + (ptrdiff_t)y * f->linesize[0];
    for (int x = WIDTH - 1; x >= 0; x--)
        row[x] = (uint8_t)fmax(0, fmin(255, (x >= by ? row[x - by] : 16) + normal() * sigma));
}

static int torn_in(int lines, int moving, double sigma, int at)
{
    struct scene s = {AV_PIX_FMT_YUV420P, 40, 210, sigma, 0, moving, 9};
    rng_state = (uint64_t)at + 5;
    AVFrame *pair[2];
    for (int t = 0; t < 2; t++) {
        pair[t] = draw(&s, at + t);
        for (int i = 0; i < lines; i++)
            for (int field = 0; field < 2; field++)
                tear_line(pair[t], HEIGHT - 1 - 2 * i - field, 34 - 5 * i + (int)(uniform() * 4),
                          4 + 2 * sigma);
    }
    int torn = ta_picture_torn_lines(pair[0], pair[1]);
    av_frame_free(&pair[0]);
    av_frame_free(&pair[1]);
    return torn;
}

// What three of five pictures say: in one of them anything may look like a border.
static int torn_of(int lines, int moving, double sigma)
{
    int said[5], best = -1;
    for (int i = 0; i < 5; i++)
        said[i] = torn_in(lines, moving, sigma, 2 * i);
    for (int i = 0; i < 5; i++) {
        int same = 0;
        for (int k = 0; k < 5; k++)
            same += said[k] == said[i];
        best = same >= 3 ? said[i] : best;
    }
    return best;
}

static void test_torn_lines(void **state)
{
    (void)state;
    const int lines[] = {0, 3, 6};
    for (size_t i = 0; i < TA_COUNT(lines); i++)
        for (int moving = 0; moving <= 8; moving += moving ? 6 : 2)
            for (int sigma = 0; sigma <= 8; sigma += 8) {
                int torn = torn_of(lines[i], moving, sigma);
                // Nothing need be found where much moves, but nothing wrong.
                if ((moving || !lines[i]) && torn == -1)
                    continue;
                if (abs(torn - lines[i]) > (lines[i] ? 1 : 0))
                    fail_msg("%d of %d torn lines, %d of 8 parts moving, noise of %d", torn, lines[i], moving,
                             sigma);
            }
}

static void test_levels(void **state)
{
    (void)state;
    const double levels[][2] = {{16, 235}, {21, 225}, {60, 120}};
    for (size_t i = 0; i < TA_COUNT(levels); i++) {
        struct scene s = {AV_PIX_FMT_YUV420P, levels[i][0], levels[i][1], 3, 0, 2, 20};
        struct ta_picture_levels m;
        rng_state = 3;
        AVFrame *f = draw(&s, 0);
        ta_picture_levels_measure(f, &m);
        av_frame_free(&f);
        // Half a percent of the waves come as far.
        double near = (levels[i][1] - levels[i][0]) * 0.03 + 4;
        if (fabs((double)m.black - levels[i][0]) > near || fabs((double)m.white - levels[i][1]) > near)
            fail_msg("%.1f to %.1f, not %.0f to %.0f", (double)m.black, (double)m.white, levels[i][0],
                     levels[i][1]);
        assert_true(fabsf(m.saturation - 19) < 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_noise),     cmocka_unit_test(test_formats),
        cmocka_unit_test(test_clipped),         cmocka_unit_test(test_character),
        cmocka_unit_test(test_nothing_to_tell), cmocka_unit_test(test_torn_lines),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
