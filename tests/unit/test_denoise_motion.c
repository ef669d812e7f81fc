// Denoising by motion: the same bits for any number of threads, set of instructions and cut; noise falls
// where things move or rest, and what is there for one picture alone stays and leaves no trace in others.
// suite: thread
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "stages_kit.h"
#include "video/chain.h"
#include "video/stages.h"

#include "sets.h"

static const char *const efforts[] = {"good", "best"};

static void plan(struct ta_stage_plan *p, const char *effort, const char *sigma, const struct ta_format *in)
{
    ta_stage_plan_init(p, ta_stage_find("denoise.motion"), in);
    set(p, "motion-effort", effort);
    set(p, "motion-sigma-luma", sigma);
    set(p, "motion-sigma-chroma", sigma);
    assert_int_equal(ta_stage_plan_configure(p, NULL), 0);
}

static void run_with(const struct ta_stage_plan *stage, maker *make, int first, int end,
                     const struct ta_env *env, int (*receive)(void *receiver, AVFrame *f), void *receiver)
{
    struct ta_chain *c = NULL;
    assert_int_equal(ta_chain_create(&c, stage, 1, env), 0);
    for (int i = first; i < end; i++)
        assert_int_equal(ta_chain_push(c, make(&stage->in, i, TA_SCAN_PROGRESSIVE), receive, receiver), 0);
    assert_int_equal(ta_chain_push(c, NULL, receive, receiver), 0);
    ta_chain_destroy(&c);
}

static void run(const struct ta_stage_plan *stage, int first, int end, struct result *r)
{
    memset(r, 0, sizeof *r);
    run_with(stage, picture, first, end, &(struct ta_env){0}, take, r);
}

static void expect_same(const struct result *a, const struct result *b, const char *what)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++)
        if (a->pts[i] != b->pts[i] || a->sums[i] != b->sums[i])
            fail_msg("%s: picture %d differs", what, i);
}

// ---- the same bits ----

static void any_threads(void **state)
{
    (void)state;
    static const int threads[] = {2, 7};
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        // Several slices of rows in luma and chroma.
        struct ta_format in = format(AV_PIX_FMT_YUV420P10, 88, 290, TA_SCAN_PROGRESSIVE);
        struct ta_stage_plan p;
        struct result one, many;
        plan(&p, efforts[e], "5", &in);
        run(&p, 0, 7, &one);
        for (size_t t = 0; t < TA_COUNT(threads); t++) {
            struct ta_env env = {0};
            assert_int_equal(ta_pool_create(&env.pool, threads[t]), 0);
            memset(&many, 0, sizeof many);
            run_with(&p, picture, 0, 7, &env, take, &many);
            ta_pool_destroy(&env.pool);
            expect_same(&one, &many, efforts[e]);
        }
        ta_stage_plan_release(&p);
    }
}

static void any_set(void **state)
{
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        struct ta_format in = format(AV_PIX_FMT_YUV422P, 77, 53, TA_SCAN_PROGRESSIVE);
        struct ta_stage_plan p;
        struct result plain, own;
        use_set(state); // skips where there is none, before anything is held
        ta_cpu_mask(0);
        plan(&p, efforts[e], "5", &in);
        run(&p, 0, 7, &plain);
        use_set(state);
        run(&p, 0, 7, &own);
        expect_same(&plain, &own, efforts[e]);
        ta_stage_plan_release(&p);
    }
}

// Any piece, with the reach that the stage declares, gives what the whole gives.
static void cut_anywhere(void **state)
{
    (void)state;
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        struct ta_format in = format(AV_PIX_FMT_YUV420P, 48, 32, TA_SCAN_PROGRESSIVE);
        struct ta_stage_plan p;
        struct result whole, part;
        plan(&p, efforts[e], "5", &in);
        struct ta_reach reach = p.info->reach(p.opts, &in);
        const int n = 16;
        run(&p, 0, n, &whole);
        for (int first = 0; first < n; first++) {
            int from = TA_MAX(0, first - reach.before);
            run(&p, from, TA_MIN(n, first + 1 + reach.after), &part);
            if (part.sums[first - from] != whole.sums[first] || part.pts[first - from] != first)
                fail_msg("%s: picture %d differs where a part begins there", efforts[e], first);
        }
        ta_stage_plan_release(&p);
    }
}

static void memory_is_told(void **state)
{
    (void)state;
    struct ta_format in = format(AV_PIX_FMT_YUV420P10, 720, 480, TA_SCAN_PROGRESSIVE);
    int64_t bytes[2];
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        struct ta_stage_plan p;
        plan(&p, efforts[e], "5", &in);
        bytes[e] = ta_stage_plan_needs(&p, &(struct ta_env){0}).bytes;
        ta_stage_plan_release(&p);
    }
    // Seven pictures of 2 MB each, or eleven, and one to work in.
    assert_in_range(bytes[0], 12 << 20, 22 << 20);
    assert_in_range(bytes[1], bytes[0] + 1, 36 << 20);
}

// ---- behind the deinterlacer ----

enum { HELD_MOST = 64 };

struct held {
    AVFrame *frames[HELD_MOST];
    int count;
};

static int hold(void *receiver, AVFrame *f)
{
    struct held *h = receiver;
    assert_true(h->count < HELD_MOST);
    h->frames[h->count++] = f;
    return 0;
}

// The deinterlacer, that hands on vectors so far away, and this stage behind it.
static void plan_two(struct ta_stage_plan stages[2], const char *effort, const char *vectors,
                     const struct ta_format *in)
{
    ta_stage_plan_init(&stages[0], ta_stage_find("deinterlace.motion"), in);
    set(&stages[0], "effort", effort);
    set(&stages[0], "vectors", vectors);
    assert_int_equal(ta_stage_plan_configure(&stages[0], NULL), 0);
    plan(&stages[1], effort, "5", &stages[0].out);
}

static void run_scans(const struct ta_stage_plan *stages, int count, const char *scans, int first, int end,
                      int (*receive)(void *receiver, AVFrame *f), void *receiver)
{
    struct ta_chain *c = NULL;
    assert_int_equal(ta_chain_create(&c, stages, count, NULL), 0);
    for (int i = first; i < end; i++)
        assert_int_equal(ta_chain_push(c, picture(&stages->in, i, scan_of(scans[i])), receive, receiver), 0);
    assert_int_equal(ta_chain_push(c, NULL, receive, receiver), 0);
    ta_chain_destroy(&c);
}

static const char *const reaches[] = {"3", "5"}; // of the efforts

// One chain gives what the two stages give one after the other; and with vectors handed on it is another
// result than each searching for itself.
static void two_run_apart(void **state)
{
    (void)state;
    static const char *const orders[] = {"TTTTTTTTT", "PTTTTTTTPTT"};
    for (size_t e = 0; e < TA_COUNT(efforts); e++)
        for (size_t o = 0; o < TA_COUNT(orders); o++) {
            struct ta_format in = format(AV_PIX_FMT_YUV420P10, 88, 64, TA_SCAN_TFF);
            struct ta_stage_plan stages[2];
            struct held held = {0};
            struct result together = {0}, apart = {0}, alone = {0};
            struct ta_chain *c = NULL;
            in.mixed_scan = true;
            int n = (int)strlen(orders[o]);
            plan_two(stages, efforts[e], reaches[e], &in);
            run_scans(stages, 2, orders[o], 0, n, take, &together);
            run_scans(stages, 1, orders[o], 0, n, hold, &held);
            assert_int_equal(ta_chain_create(&c, &stages[1], 1, NULL), 0);
            for (int i = 0; i < held.count; i++)
                assert_int_equal(ta_chain_push(c, held.frames[i], take, &apart), 0);
            assert_int_equal(ta_chain_push(c, NULL, take, &apart), 0);
            ta_chain_destroy(&c);
            expect_same(&together, &apart, efforts[e]);
            ta_stage_plan_release(&stages[0]);
            ta_stage_plan_release(&stages[1]);
            plan_two(stages, efforts[e], "0", &in);
            run_scans(stages, 2, orders[o], 0, n, take, &alone);
            assert_int_equal(alone.count, together.count);
            assert_memory_not_equal(alone.sums, together.sums, sizeof alone.sums);
            ta_stage_plan_release(&stages[0]);
            ta_stage_plan_release(&stages[1]);
        }
}

static void cut_two_anywhere(void **state)
{
    (void)state;
    static const char *const orders[] = {"TTTTTTTTTTTTTTTT", "TTTTPTTTTTTTTTPT"};
    for (size_t e = 0; e < TA_COUNT(efforts); e++)
        for (size_t o = 0; o < TA_COUNT(orders); o++) {
            struct ta_format in = format(AV_PIX_FMT_YUV420P, 48, 32, TA_SCAN_TFF);
            struct ta_stage_plan stages[2];
            struct result whole = {0};
            in.mixed_scan = true;
            plan_two(stages, efforts[e], reaches[e], &in);
            struct ta_reach reach = ta_chain_reach(stages, 2);
            int n = (int)strlen(orders[o]);
            run_scans(stages, 2, orders[o], 0, n, take, &whole);
            for (int first = 0; first < n; first += 3) {
                struct result part = {0};
                run_scans(stages, 2, orders[o], TA_MAX(0, first - reach.before),
                          TA_MIN(n, first + 2 + reach.after), take, &part);
                for (int a = 0, b = 0; a < whole.count; a++) {
                    if (whole.pts[a] < 2 * first || whole.pts[a] >= 2 * (first + 2))
                        continue;
                    while (b < part.count && part.pts[b] < whole.pts[a])
                        b++;
                    if (b == part.count || part.pts[b] != whole.pts[a] || part.sums[b] != whole.sums[a])
                        fail_msg("%s, %s, cut at %d: time %d differs", efforts[e], orders[o], first,
                                 (int)whole.pts[a]);
                }
            }
            ta_stage_plan_release(&stages[0]);
            ta_stage_plan_release(&stages[1]);
        }
}

// ---- against the truth ----

enum { WIDTH = 112, HEIGHT = 80, PICTURES = 16, MIDDLE = 8, SIDE = 12, AT = 40, LOST = 30 };
#define SIGMA 5.0

enum scene {
    RESTS,
    MOVES,
    CUT,
    DARK_CUT,
    FLASH,
    OBJECT,
    FADE,
    STARTS,
    LIT,
    FLAT,
    SCENES,
    JITTERS = SCENES,
    LOSES
};
static const char *const names[] = {"rests", "moves",  "cut", "dark cut", "flash",   "object",
                                    "fade",  "starts", "lit", "flat",     "jitters", "loses"};
static enum scene scene;
static bool noisy;

static double texture(double x, double y)
{
    return 120 + 30 * sin(x * 0.31 + y * 0.17) + 22 * sin(y * 0.63 - x * 0.11) + 12 * sin(x * 0.9 + y * 0.5);
}

static double truth(double x, double y, int n)
{
    bool behind = n >= MIDDLE;
    switch (scene) {
    case RESTS:
        return texture(x, y);
    case CUT:
        return behind ? texture(y + 40, x) : texture(x + n, y);
    case DARK_CUT:
        return behind ? 40 + texture(y, 70 - x) / 8 : 40 + texture(x, y) / 8;
    case FLASH:
        return texture(x + 2 * n, y) * (n == MIDDLE ? 0.5 : 1) + (n == MIDDLE ? 100 : 0);
    case OBJECT:
        return n == MIDDLE && x >= AT && x < AT + SIDE && y >= AT && y < AT + SIDE ? 200 : texture(x, y) / 2;
    case FADE:
        return texture(x + n, y) * (0.5 + n / 64.0);
    case LIT: // a camera closes and opens again: what is earlier and what is later are both too bright
        return texture(x + 2 * n, y) * (0.7 + 0.02 * abs(n - MIDDLE));
    case FLAT:
        return 120;
    case STARTS: // a pan, out of rest
        return texture(x + (behind ? 3 * (n - MIDDLE) : 0), y);
    default:
        return texture(x + 2 * n, y - n);
    }
}

// How far the lines of a worn tape lie from their places: slowly one way and the other down the picture, and
// otherwise in each.
static double jitter(int y, int n)
{
    unsigned random = (unsigned)n * 2654435761u;
    return scene == JITTERS
               ? 1.2 * sin(y * 0.07 + (random >> 8) * 0.01) + 0.8 * sin(y * 0.04 + (random >> 20))
               : 0;
}

// Of the picture in the middle a piece of a line: a field's, so that the rows beside are half of it.
static bool is_lost(int x, int y)
{
    return x >= AT && x < AT + LOST && y >= AT && y < AT + 3;
}

static double lost(double v, int x, int y, int n)
{
    if (scene != LOSES || n != MIDDLE || !is_lost(x, y))
        return v;
    return y == AT + 1 ? 235 : (v + 235) / 2;
}

static double gaussian(uint32_t *seed)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        sum += (*seed >> 8) / 16777216.0;
    }
    return sum - 6;
}

static AVFrame *drawn(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
{
    AVFrame *f = picture(fmt, number, scan);
    uint32_t seed = (uint32_t)number * 2654435761u + 77;
    for (int plane = 0; plane < 3; plane++) {
        int w, h;
        plane_size(f, plane, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double j = jitter(plane ? 2 * y : y, (int)number);
                double v = plane ? (truth(2 * x + j, 2 * y, (int)number) + 128) / 2
                                 : lost(truth(x + j, y, (int)number), x, y, (int)number);
                put(f, plane, x, y, av_clip((int)lrint(v + (noisy ? SIGMA * gaussian(&seed) : 0)), 0, 255));
            }
    }
    return f;
}

struct errors {
    double was[PICTURES], is[PICTURES]; // mean squares of luma
    double chroma_was, chroma_is;
    double trace;                   // OBJECT: the mean difference next to the picture that it is in
    double dropout_was, dropout_is; // LOSES: mean squares of what was lost
    int count;
};

static int judge(void *receiver, AVFrame *f)
{
    struct errors *e = receiver;
    int n = (int)f->pts;
    struct ta_format in = format(AV_PIX_FMT_YUV420P, WIDTH, HEIGHT, TA_SCAN_PROGRESSIVE);
    AVFrame *was = drawn(&in, n, TA_SCAN_PROGRESSIVE);
    for (int plane = 0; plane < 3; plane++) {
        int w, h;
        plane_size(f, plane, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double v = plane ? (truth(2 * x, 2 * y, n) + 128) / 2 : truth(x, y, n);
                double a = sample(was, plane, x, y) - v, b = sample(f, plane, x, y) - v;
                *(plane ? &e->chroma_was : &e->was[n]) += a * a / (w * h);
                *(plane ? &e->chroma_is : &e->is[n]) += b * b / (w * h);
                if (!plane && n == MIDDLE && is_lost(x, y)) {
                    e->dropout_was += a * a / (3 * LOST);
                    e->dropout_is += b * b / (3 * LOST);
                }
                if (!plane && abs(n - MIDDLE) == 1 && x >= AT && x < AT + SIDE && y >= AT && y < AT + SIDE)
                    e->trace += (b - a) / (2 * SIDE * SIDE);
            }
    }
    e->count++;
    av_frame_free(&was);
    av_frame_free(&f);
    return 0;
}

static struct errors measure(const char *effort, const char *sigma)
{
    struct ta_format in = format(AV_PIX_FMT_YUV420P, WIDTH, HEIGHT, TA_SCAN_PROGRESSIVE);
    struct ta_stage_plan p;
    struct errors e = {0};
    plan(&p, effort, sigma, &in);
    run_with(&p, drawn, 0, PICTURES, &(struct ta_env){0}, judge, &e);
    ta_stage_plan_release(&p);
    assert_int_equal(e.count, PICTURES);
    return e;
}

static void noise_falls(void **state)
{
    (void)state;
    noisy = true;
    for (size_t k = 0; k < TA_COUNT(efforts); k++)
        for (scene = 0; scene < SCENES; scene++) {
            struct errors e = measure(efforts[k], "5");
            for (int n = 0; n < PICTURES; n++) {
                // The flash and its neighbours have fewer to look at, or none that are alike.
                double most = scene == FLASH && n == MIDDLE      ? 1.03
                              : scene == RESTS || scene == MOVES ? (n > 2 && n < PICTURES - 3 ? 0.36 : 0.75)
                              : scene == LIT && n > 2 && n < PICTURES - 3                   ? 0.4
                              : scene == FLAT && n > 4 && n < PICTURES - 5 && k             ? 0.07
                              : scene == OBJECT && n != MIDDLE && n > 2 && n < PICTURES - 3 ? 0.4
                              : scene == OBJECT                                             ? 0.7
                                                                                            : 0.85;
                if (e.is[n] > most * e.was[n])
                    fail_msg("%s, %s: picture %d is off by %.2f, was %.2f", names[scene], efforts[k], n,
                             e.is[n], e.was[n]);
            }
            // Where there is nothing else, what the mean leaves is calmed in space: 0.09 without.
            if (e.chroma_is > (scene == FLAT && k ? 0.03 : 0.8) * e.chroma_was)
                fail_msg("%s, %s: chroma is off by %.2f, was %.2f", names[scene], efforts[k], e.chroma_is,
                         e.chroma_was);
            if (scene == OBJECT && fabs(e.trace) > 1)
                fail_msg("%s: the object leaves a trace of %.2f next to its picture", efforts[k], e.trace);
        }
}

// Lines that jitter are averaged where they belong, instead of where they are in each picture: what they are
// off by falls as well.
static void jitter_falls(void **state)
{
    (void)state;
    noisy = true;
    scene = JITTERS;
    for (size_t k = 0; k < TA_COUNT(efforts); k++) {
        struct errors e = measure(efforts[k], "5");
        double was = 0, is = 0;
        for (int n = 3; n < PICTURES - 3; n++) {
            was += e.was[n];
            is += e.is[n];
        }
        if (is > 0.73 * was) // 0.77 where jitter is followed
            fail_msg("%s: off by %.2f, was %.2f", efforts[k], is, was);
    }
}

// A piece of a line that is something else for one picture is taken from the pictures around, in a pan as
// well; where little noise says that it is no tape it stays.
static void dropouts_are_mended(void **state)
{
    (void)state;
    noisy = true;
    scene = LOSES;
    for (size_t k = 0; k < TA_COUNT(efforts); k++) {
        struct errors e = measure(efforts[k], "5");
        if (e.dropout_was < 4000 || e.dropout_is > 0.02 * e.dropout_was)
            fail_msg("%s: what was lost is off by %.0f, was %.0f", efforts[k], e.dropout_is, e.dropout_was);
    }
    noisy = false;
    struct errors e = measure("good", "1");
    if (e.dropout_is < 0.5 * e.dropout_was)
        fail_msg("what is there in one picture of a clean film is gone: %.0f for %.0f", e.dropout_is,
                 e.dropout_was);
}

// Less noise than what is allowed for changes little of a clean film; none, or no strength, nothing at all. A
// fade at its end has neighbours on one side alone, all of them darker or all brighter.
static void clean_stays(void **state)
{
    (void)state;
    noisy = false;
    for (scene = 0; scene < SCENES; scene++) {
        struct errors none = measure("good", "0"), little = measure("good", "0.5");
        for (int n = 0; n < PICTURES; n++) {
            assert_true(none.is[n] == none.was[n]);
            double most = scene == FADE && (n == 0 || n == PICTURES - 1) ? 0.6 : 0.45;
            if (little.is[n] > none.was[n] + most)
                fail_msg("%s: picture %d of a clean film is off by %.2f", names[scene], n, little.is[n]);
        }
    }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_threads),
#ifdef __x86_64__
        SET_TEST(any_set, "avx2"),       SET_TEST(any_set, "avx512"),
#endif
        cmocka_unit_test(two_run_apart), cmocka_unit_test(cut_two_anywhere),
        cmocka_unit_test(cut_anywhere),  cmocka_unit_test(memory_is_told),
        cmocka_unit_test(noise_falls),   cmocka_unit_test(clean_stays),
        cmocka_unit_test(jitter_falls),  cmocka_unit_test(dropouts_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
