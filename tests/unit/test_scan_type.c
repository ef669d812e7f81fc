// Field metrics and scan type decisions on moving pictures made here, for which the truth is known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "diagnose/scan_runs.h"

enum { WIDTH = 416, HEIGHT = 288, TEXTURE = 1024 };

static uint64_t rng_state = 1;

static uint32_t random_bits(void)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33);
}

// Nearly normal, standard deviation 1.
static double random_normal(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += random_bits() / 2147483648.0;
    return sum - 6;
}

enum content { SMOOTH, EDGES, LINES, STRONG_LINES, FLAT };

// A square picture that repeats, 0..255.
static double *texture_create(enum content content)
{
    double *t = ta_xcalloc((size_t)TEXTURE * TEXTURE, sizeof(*t));
    double *tmp = ta_xcalloc((size_t)TEXTURE * TEXTURE, sizeof(*t));
    rng_state = 7;
    for (size_t i = 0; i < (size_t)TEXTURE * TEXTURE; i++)
        t[i] = random_bits() % 256;
    for (int pass = 0; pass < 6; pass++) { // box blurs, across and down in turn
        int r = content == SMOOTH ? 3 : 8;
        for (int y = 0; y < TEXTURE; y++)
            for (int x = 0; x < TEXTURE; x++) {
                double sum = 0;
                for (int k = -r; k <= r; k++)
                    sum += pass % 2 ? t[((y + k) & (TEXTURE - 1)) * TEXTURE + x]
                                    : t[y * TEXTURE + ((x + k) & (TEXTURE - 1))];
                tmp[y * TEXTURE + x] = sum / (2 * r + 1);
            }
        memcpy(t, tmp, (size_t)TEXTURE * TEXTURE * sizeof(*t));
    }
    free(tmp);
    for (int y = 0; y < TEXTURE; y++)
        for (int x = 0; x < TEXTURE; x++) {
            double *v = &t[y * TEXTURE + x];
            *v = 128 + (*v - 127.5) * (content == SMOOTH ? 14 : 40);
            if (content == EDGES)
                *v = *v > 128 ? 200 : 40;
            if (content == LINES || content == STRONG_LINES) // a one-line grating over a pattern
                *v = (*v > 128 ? 120 : 60) + (y % 2 ? (content == LINES ? 24 : 60) : 0);
            if (content == FLAT)
                *v = 100;
            *v = *v < 0 ? 0 : *v > 255 ? 255 : *v;
        }
    return t;
}

static double texture_at(const double *t, double x, double y)
{
    x += 64.0 * TEXTURE;
    y += 64.0 * TEXTURE;
    int xi = (int)x, yi = (int)y;
    double fx = x - xi, fy = y - yi;
    int x0 = xi & (TEXTURE - 1), x1 = (xi + 1) & (TEXTURE - 1), y0 = yi & (TEXTURE - 1),
        y1 = (yi + 1) & (TEXTURE - 1);
    return (t[y0 * TEXTURE + x0] * (1 - fx) + t[y0 * TEXTURE + x1] * fx) * (1 - fy) +
           (t[y1 * TEXTURE + x0] * (1 - fx) + t[y1 * TEXTURE + x1] * fx) * fy;
}

struct shot {
    enum content content;
    double vx, vy; // pixels a field time
    double noise;
    enum AVPixelFormat format;
    int letterbox; // black lines above and below
    double fade;   // brightness factor per frame
    int hold;      // animation: a drawing stays for so many field times (0: 1)
};

static void put(AVFrame *f, int depth, bool big_endian, int x, int y, double v)
{
    uint8_t *row = f->data[0] + (ptrdiff_t)y * f->linesize[0]; // luma, or green
    int code = (int)(v * (1 << (depth - 8)) + 0.5), most = (1 << depth) - 1;
    code = code < 0 ? 0 : code > most ? most : code;
    if (depth == 8) {
        row[f->format == AV_PIX_FMT_YUYV422 ? 2 * x : x] = (uint8_t)code;
    } else {
        row[2 * x + (big_endian ? 1 : 0)] = (uint8_t)code;
        row[2 * x + (big_endian ? 0 : 1)] = (uint8_t)(code >> 8);
    }
}

// A frame whose top lines show moment `top` and bottom lines moment `bottom`.
static AVFrame *weave(const struct shot *s, const double *texture, double top, double bottom,
                      double brightness)
{
    AVFrame *f = av_frame_alloc();
    f->format = s->format;
    f->width = WIDTH;
    f->height = HEIGHT;
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    int depth = s->format == AV_PIX_FMT_YUV420P10LE || s->format == AV_PIX_FMT_YUV422P10BE ? 10
                : s->format == AV_PIX_FMT_GRAY16LE                                         ? 16
                                                                                           : 8;
    for (int y = 0; y < HEIGHT; y++) {
        double t = y % 2 ? bottom : top;
        if (s->hold)
            t -= (int)t % s->hold;
        for (int x = 0; x < WIDTH; x++) {
            bool black = y < s->letterbox || y >= HEIGHT - s->letterbox;
            double v = black ? 16 : texture_at(texture, x - s->vx * t, y - s->vy * t) * brightness;
            put(f, depth, s->format == AV_PIX_FMT_YUV422P10BE, x, y,
                v + (s->noise > 0 ? random_normal() * s->noise : 0));
        }
    }
    return f;
}

enum pattern { P, T, B, TELECINE_23, TELECINE_2332 };

// Film frame of each field of a cadence of five frames.
static const int cadence_23[10] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 3},
                 cadence_2332[10] = {0, 0, 1, 1, 1, 2, 2, 2, 3, 3};

static AVFrame *frame_of(const struct shot *s, const double *texture, enum pattern p, int i)
{
    double brightness = 1;
    for (int k = 0; k < i && s->fade > 0; k++)
        brightness *= s->fade;
    switch (p) {
    case P:
        return weave(s, texture, 2 * i, 2 * i, brightness);
    case T:
        return weave(s, texture, 2 * i, 2 * i + 1, brightness);
    case B:
        return weave(s, texture, 2 * i + 1, 2 * i, brightness);
    default:
        break;
    }
    const int *cadence = p == TELECINE_23 ? cadence_23 : cadence_2332;
    int film = i / 5 * 4;
    return weave(s, texture, 2.5 * (film + cadence[2 * i % 10]), 2.5 * (film + cadence[(2 * i + 1) % 10]),
                 brightness);
}

static void measure(const struct shot *s, enum pattern pattern, int count, struct ta_scan_fact *facts)
{
    double *texture = texture_create(s->content);
    AVFrame *frames[3] = {NULL};
    for (int i = 0; i <= count; i++) {
        av_frame_free(&frames[0]);
        frames[0] = frames[1];
        frames[1] = frames[2];
        frames[2] = i < count ? frame_of(s, texture, pattern, i) : NULL;
        if (!frames[1])
            continue;
        struct ta_field_metrics m;
        ta_field_metrics_measure(frames[0], frames[1], frames[2], &m);
        assert_true(m.blocks > 100);
        ta_scan_fact_from_metrics(&facts[i - 1], &m);
    }
    for (int i = 0; i < 3; i++)
        av_frame_free(&frames[i]);
    free(texture);
}

static const struct {
    const char *name;
    struct shot shot;
} shots[] = {
    {"slow pan", {.content = SMOOTH, .vx = 0.5, .format = AV_PIX_FMT_YUV420P}},
    {"pan", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_YUV420P}},
    {"fast pan", {.content = EDGES, .vx = 11, .format = AV_PIX_FMT_YUV420P}},
    {"slow tilt", {.content = SMOOTH, .vy = 0.5, .format = AV_PIX_FMT_YUV420P}},
    {"tilt by a line", {.content = SMOOTH, .vy = 1, .format = AV_PIX_FMT_YUV420P}},
    {"tilt by two lines", {.content = EDGES, .vy = 2, .format = AV_PIX_FMT_YUV420P}},
    {"diagonal", {.content = EDGES, .vx = 5, .vy = 1.3, .format = AV_PIX_FMT_YUV420P}},
    {"noise 4", {.content = SMOOTH, .vx = 2, .noise = 4, .format = AV_PIX_FMT_YUV420P}},
    {"noise 8", {.content = SMOOTH, .vx = 2, .noise = 8, .format = AV_PIX_FMT_YUV420P}},
    {"noise 8, slow", {.content = EDGES, .vx = 0.5, .vy = 0.2, .noise = 8, .format = AV_PIX_FMT_YUV420P}},
    {"letterbox", {.content = EDGES, .vx = 3, .format = AV_PIX_FMT_YUV420P, .letterbox = 70}},
    {"fade", {.content = SMOOTH, .vx = 2, .format = AV_PIX_FMT_YUV420P, .fade = 0.93}},
    {"10 bit", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_YUV420P10LE}},
    {"10 bit, big-endian", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_YUV422P10BE}},
    {"16 bit", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_GRAY16LE}},
    {"RGB", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_GBRP}},
    {"packed", {.content = SMOOTH, .vx = 3, .format = AV_PIX_FMT_YUYV422}},
};

// Every moving frame of every shot must be read as what it is; under noise a few may say nothing.
static void test_moving(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    static const enum pattern patterns[] = {P, T, B};
    static const int expected[] = {TA_SCAN_PROGRESSIVE, TA_SCAN_TFF, TA_SCAN_BFF};
    for (size_t s = 0; s < TA_COUNT(shots); s++) {
        for (int p = 0; p < 3; p++) {
            struct ta_scan_fact facts[COUNT];
            measure(&shots[s].shot, patterns[p], COUNT, facts);
            int right = 0, wrong = 0;
            for (int i = 0; i < COUNT; i++) {
                int type = ta_scan_fact_type(&facts[i]);
                right += type == expected[p];
                wrong += type >= 0 && type != expected[p];
            }
            if (wrong > 0 || right < COUNT / 2)
                fail_msg("%s as %s: %d frames right, %d wrong of %d", shots[s].name,
                         ta_scan_type_name((enum ta_scan_type)expected[p]), right, wrong, COUNT);
        }
    }
}

// Without motion there is nothing to be learnt, whatever noise and detail there are.
static void test_still(void **state)
{
    (void)state;
    static const struct {
        enum content content;
        double noise;
    } cases[] = {{SMOOTH, 0}, {LINES, 0}, {FLAT, 8}, {LINES, 8}, {EDGES, 5}};
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        enum { COUNT = 12 };
        struct ta_scan_fact facts[COUNT];
        measure(&(struct shot){.content = cases[c].content,
                               .noise = cases[c].noise,
                               .format = AV_PIX_FMT_YUV420P},
                T, COUNT, facts);
        double strength = 0;
        for (int i = 0; i < COUNT; i++)
            strength += facts[i].strength;
        if (strength > 1)
            fail_msg("case %zu: %.2f frames of evidence in stills", c, strength);
    }
}

// A one-line grating looks combed in every single frame, all the more when it moves by a line a frame.
static void test_fine_lines(void **state)
{
    (void)state;
    static const double motions[][2] = {{0, 0.5}, {3, 0}, {0, 1}, {2, 0.5}};
    for (size_t m = 0; m < 2 * TA_COUNT(motions); m++) {
        enum { COUNT = 8 };
        struct ta_scan_fact facts[COUNT];
        struct shot shot = {.content = m % 2 ? LINES : STRONG_LINES,
                            .vx = motions[m / 2][0],
                            .vy = motions[m / 2][1],
                            .format = AV_PIX_FMT_YUV420P};
        measure(&shot, P, COUNT, facts);
        double wrong = 0;
        for (int i = 0; i < COUNT; i++)
            wrong += facts[i].strength * (1 - facts[i].share[TA_SCAN_PROGRESSIVE]);
        if (wrong > 1.2)
            fail_msg("case %zu: %.2f frames of evidence for interlaced", m, wrong);
    }
}

// Drawings on twos and threes: half the frames repeat the one before.
static void test_animation(void **state)
{
    (void)state;
    for (int hold = 4; hold <= 6; hold += 2) {
        enum { COUNT = 15 };
        struct ta_scan_fact facts[COUNT];
        measure(&(struct shot){.content = EDGES, .vx = 2, .format = AV_PIX_FMT_YUV420P, .hold = hold}, P,
                COUNT, facts);
        for (int i = 0; i < COUNT; i++) {
            int type = ta_scan_fact_type(&facts[i]);
            assert_true(type == -1 || type == TA_SCAN_PROGRESSIVE);
        }
        assert_false(ta_scan_is_telecine(facts, COUNT));
    }
}

static void test_telecine(void **state)
{
    (void)state;
    static const struct {
        enum pattern pattern;
        double noise;
        bool expected;
    } cases[] = {{TELECINE_23, 0, true}, {TELECINE_2332, 0, true},
                 {TELECINE_23, 6, true}, {P, 0, false},
                 {T, 0, false},          {B, 6, false}};
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        enum { COUNT = 25 };
        struct ta_scan_fact facts[COUNT];
        struct shot shot = {
            .content = EDGES, .vx = 2, .vy = 0.3, .noise = cases[c].noise, .format = AV_PIX_FMT_YUV420P};
        measure(&shot, cases[c].pattern, COUNT, facts);
        for (int first = 0; first < 5; first++)
            if (ta_scan_is_telecine(facts + first, 12) != cases[c].expected)
                fail_msg("case %zu from frame %d: telecine is not %d", c, first, cases[c].expected);
        int64_t masked = ta_scan_mask_telecine(facts, COUNT);
        assert_int_equal(masked, cases[c].expected ? COUNT : 0);
        for (int i = 0; i < COUNT && cases[c].expected; i++) {
            int type = ta_scan_fact_type(&facts[i]);
            assert_true(type == -1 || type == TA_SCAN_TFF);
        }
    }
}

// A cut says nothing about fields.
static void test_cut(void **state)
{
    (void)state;
    double *a = texture_create(EDGES), *b = texture_create(SMOOTH);
    struct shot s = {.content = EDGES, .vx = 3, .format = AV_PIX_FMT_YUV420P};
    AVFrame *f[4];
    for (int i = 0; i < 4; i++)
        f[i] = weave(&s, i < 2 ? a : b, 2 * i, 2 * i + 1, 1);
    for (int i = 1; i < 3; i++) {
        struct ta_field_metrics m;
        struct ta_scan_fact fact;
        ta_field_metrics_measure(f[i - 1], f[i], f[i + 1], &m);
        ta_scan_fact_from_metrics(&fact, &m);
        assert_int_equal(ta_scan_fact_type(&fact), TA_SCAN_TFF);
    }
    for (int i = 0; i < 4; i++)
        av_frame_free(&f[i]);
    free(a);
    free(b);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct ta_field_metrics m;
    AVFrame *f = av_frame_alloc();
    f->format = AV_PIX_FMT_YUV420P;
    f->width = f->height = 16; // no block fits
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    ta_field_metrics_measure(f, f, f, &m);
    assert_int_equal(m.blocks, 0);
    ta_field_metrics_measure(NULL, f, NULL, &m);
    assert_int_equal(m.blocks, 0);
    av_frame_free(&f);
}

// Facts by letters: p t b, and '.' for a still.
static void facts_from_text(const char *text, struct ta_scan_fact *facts)
{
    for (size_t i = 0; text[i]; i++) {
        facts[i] = (struct ta_scan_fact){.strength = text[i] != '.'};
        if (text[i] != '.')
            facts[i].share[text[i] == 'p'   ? TA_SCAN_PROGRESSIVE
                           : text[i] == 't' ? TA_SCAN_TFF
                                            : TA_SCAN_BFF] = 1;
    }
}

static void test_runs(void **state)
{
    (void)state;
    static const struct {
        const char *facts, *expected;
    } cases[] = {
        {"t", "t1"},
        {"....", "p4"},
        {"tttttttttttttttttttttttttttttt", "t30"},
        // single misreads
        {"tttttttttptttttttbbttttttttttttt", "t32"},
        // exact change point
        {"ttttttttttttttttttttpppppppppppppppppppppppp", "t20 p24"},
        {"ttttttttttttttttttttbbbbbbbbbbbbppppppppppppppppp", "t20 b12 p17"},
        // too short for a run of its own
        {"tttttttttttttttttttttttppppppppppptttttttttttttttttttttttt", "t58"},
        {"pppppppppppttttttttttt", "p22"},
        // stills go with their neighbours
        {"....tttttttttttttttttt....................tttttttttttttttt....", "t62"},
        {"tttttttttttttptttttttptttt..pppppppppptpppppppppppppp", "t26 p27"},
    };
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        struct ta_scan_fact facts[128];
        struct ta_scan_run *runs = NULL;
        int count = 0;
        facts_from_text(cases[c].facts, facts);
        assert_int_equal(ta_scan_find_runs(facts, (int64_t)strlen(cases[c].facts), &runs, &count), 0);
        struct ta_buf text = {0};
        int64_t next = 0;
        for (int i = 0; i < count; i++) {
            assert_int_equal(runs[i].first, next);
            next += runs[i].count;
            ta_buf_printf(&text, "%s%c%d", i ? " " : "", "ptb"[runs[i].type], (int)runs[i].count);
        }
        assert_string_equal(ta_buf_text(&text), cases[c].expected);
        ta_buf_release(&text);
        free(runs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moving),     cmocka_unit_test(test_still),    cmocka_unit_test(test_fine_lines),
        cmocka_unit_test(test_animation),  cmocka_unit_test(test_telecine), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests_name("scan type", tests, NULL, NULL);
}
