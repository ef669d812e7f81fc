// The motion engine and deinterlacing by it: the same bits for any number of threads, set of instructions and
// cut; closer to the truth than bwdif where things move, and nowhere worse.
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

#include <libavutil/common.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "video/chain.h"
#include "video/motion.h"
#include "video/stages.h"
#include "stages_kit.h"

#include "sets.h"

static const char *const efforts[] = {"good", "best"};

static void plan(struct ta_stage_plan *p, const char *name, const char *effort, const struct ta_format *in)
{
    ta_stage_plan_init(p, ta_stage_find(name), in);
    if (!strcmp(name, "deinterlace.motion"))
        set(p, "effort", effort);
    assert_int_equal(ta_stage_plan_configure(p, NULL), 0);
}

// ---- the same bits ----

static void run_with(const struct ta_stage_plan *stage, const char *scans, int first, int end,
                     const struct ta_env *env, struct result *r)
{
    struct ta_chain *c = NULL;
    memset(r, 0, sizeof *r);
    assert_int_equal(ta_chain_create(&c, stage, 1, env), 0);
    for (int i = first; i < end; i++)
        assert_int_equal(ta_chain_push(c, picture(&stage->in, i, scan_of(scans[i])), take, r), 0);
    assert_int_equal(ta_chain_push(c, NULL, take, r), 0);
    ta_chain_destroy(&c);
}

static void any_threads(void **state)
{
    (void)state;
    static const int threads[] = {2, 3, 7};
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        // Several slices of rows in luma and chroma.
        struct ta_format in = format(AV_PIX_FMT_YUV420P10, 88, 290, TA_SCAN_TFF);
        struct ta_stage_plan p;
        struct result one, many;
        plan(&p, "deinterlace.motion", efforts[e], &in);
        run_stage(&p, "TTTTPTT", 0, 7, &one);
        for (size_t t = 0; t < TA_COUNT(threads); t++) {
            struct ta_env env = {0};
            assert_int_equal(ta_pool_create(&env.pool, threads[t]), 0);
            run_with(&p, "TTTTPTT", 0, 7, &env, &many);
            ta_pool_destroy(&env.pool);
            expect_same_result(&one, &many, efforts[e]);
        }
        ta_stage_plan_release(&p);
    }
}

// The second fields' moments are there for the first ones' sake as well when none of them is given.
static void first_fields_alone(void **state)
{
    (void)state;
    static const char *const radii[] = {"0", "3", "5"};
    for (size_t e = 0; e < TA_COUNT(efforts); e++)
        for (size_t v = 0; v < TA_COUNT(radii); v++) {
            struct ta_format in = format(AV_PIX_FMT_YUV420P, 88, 80, TA_SCAN_TFF);
            struct ta_stage_plan p;
            struct result both, alone;
            struct ta_env env = {0};
            int seen = 0;
            assert_int_equal(ta_pool_create(&env.pool, 2), 0);
            plan(&p, "deinterlace.motion", efforts[e], &in);
            set(&p, "vectors", radii[v]);
            run_stage(&p, "TTTTTTPTTTT", 0, 11, &both);
            set(&p, "fields", "one");
            run_with(&p, "TTTTTTPTTTT", 0, 11, &env, &alone);
            for (int i = 0; i < both.count; i++) {
                if (both.pts[i] % 2)
                    continue;
                assert_true(seen < alone.count && alone.pts[seen] == both.pts[i]);
                if (alone.sums[seen++] != both.sums[i])
                    fail_msg("%s, vectors of %s: time %d differs", efforts[e], radii[v], (int)both.pts[i]);
            }
            assert_int_equal(seen, alone.count);
            ta_pool_destroy(&env.pool);
            ta_stage_plan_release(&p);
        }
}

static void any_set(void **state)
{
    for (size_t e = 0; e < TA_COUNT(efforts); e++) {
        struct ta_format in = format(AV_PIX_FMT_YUV422P, 77, 53, TA_SCAN_BFF);
        struct ta_stage_plan p;
        struct result plain, own;
        use_set(state); // skips where there is none, before anything is held
        ta_cpu_mask(0);
        plan(&p, "deinterlace.motion", efforts[e], &in);
        run_stage(&p, "BBBBB", 0, 5, &plain);
        use_set(state);
        run_stage(&p, "BBBBB", 0, 5, &own);
        expect_same_result(&plain, &own, efforts[e]);
        ta_stage_plan_release(&p);
    }
}

// Any piece, with the reach that the stage declares, gives what the whole gives.
static void cut_anywhere(void **state)
{
    (void)state;
    static const char *const orders[] = {"TTTTTTTTTTTT", "PTTBBPTPPTTT"};
    for (size_t e = 0; e < TA_COUNT(efforts); e++)
        for (size_t o = 0; o < TA_COUNT(orders); o++) {
            struct ta_format in = format(AV_PIX_FMT_YUV420P10, 48, 32, TA_SCAN_TFF);
            struct ta_stage_plan p;
            struct result whole, part;
            in.mixed_scan = true;
            plan(&p, "deinterlace.motion", efforts[e], &in);
            struct ta_reach reach = p.info->reach(p.opts, &in);
            int n = (int)strlen(orders[o]);
            run_stage(&p, orders[o], 0, n, &whole);
            for (int first = 0; first < n; first++) {
                run_stage(&p, orders[o], TA_MAX(0, first - reach.before), TA_MIN(n, first + 2 + reach.after),
                          &part);
                for (int a = 0, b = 0; a < whole.count; a++) {
                    if (whole.pts[a] < 2 * first || whole.pts[a] >= 2 * (first + 2))
                        continue;
                    while (b < part.count && part.pts[b] < whole.pts[a])
                        b++;
                    assert_true(b < part.count && part.pts[b] == whole.pts[a]);
                    if (part.sums[b] != whole.sums[a])
                        fail_msg("%s, %s, cut at %d: time %d differs", efforts[e], orders[o], first,
                                 (int)whole.pts[a]);
                }
            }
            ta_stage_plan_release(&p);
        }
}

// Pools make no difference to what a stage says that it takes, and it takes no more.
static void memory_is_told(void **state)
{
    (void)state;
    const struct ta_format sizes[3] = {format(AV_PIX_FMT_YUV420P10, 360, 240, TA_SCAN_TFF),
                                       format(AV_PIX_FMT_YUV420P10, 720, 480, TA_SCAN_TFF),
                                       format(AV_PIX_FMT_YUV420P10, 1920, 1080, TA_SCAN_TFF)};
    int64_t bytes[2][3];
    for (size_t e = 0; e < TA_COUNT(efforts); e++)
        for (int k = 0; k < 3; k++) {
            struct ta_stage_plan p;
            plan(&p, "deinterlace.motion", efforts[e], &sizes[k]);
            bytes[e][k] = ta_stage_plan_needs(&p, &(struct ta_env){0}).bytes;
            ta_stage_plan_release(&p);
        }
    // Six moments of 2 MB each, six frames of 1 MB, some rows: about 25 MB.
    assert_in_range(bytes[0][1], 20 << 20, 30 << 20);
    assert_true(bytes[1][1] > bytes[0][1] && bytes[1][1] < 60 << 20);
    assert_true(bytes[0][2] < 140 << 20 && bytes[1][2] < 260 << 20);
    assert_true(bytes[0][1] > 3 * bytes[0][0] && bytes[0][1] < 5 * bytes[0][0]);
}

// ---- against the truth ----

enum { WIDTH = 192, HEIGHT = 96, FIELDS = 28 };

// A texture with detail in all directions, from its own coordinates.
static double texture(double x, double y)
{
    double v = 120 + 40 * sin(x * 0.31 + y * 0.17) + 30 * sin(y * 0.83 - x * 0.11) +
               20 * sin(x * 1.1 + y * 0.7);
    return v + 12 * sin(x * 0.05 * sin(y * 0.07) + y * 0.9);
}

// The scenes: what is seen at a place and time.
static double pan(double x, double y, int t)
{
    return texture(x + 2.3 * t, y + 1.0 * t);
}

static double cut(double x, double y, int t)
{
    return t < 13 ? pan(x, y, t) : 255 - texture(2 * x - 1.5 * t, y * 1.2);
}

static double fade(double x, double y, int t)
{
    return 16 + (pan(x, y, t) - 16) * (1 - t / (FIELDS + 4.0));
}

static double flash(double x, double y, int t)
{
    return pan(x, y, t) + (t == 10 || t == 11 || t == 20 ? 60 : 0);
}

static double one_picture(double x, double y, int t)
{
    return t == 14 ? 255 - texture(y, x) : pan(x, y, t);
}

static double still(double x, double y, int t)
{
    (void)t;
    return texture(x, y);
}

static double title(double x, double y, int t)
{
    bool inside = x > 60 && x < 130 && y > 40 && y < 72;
    return inside ? ((int)(x / 5) + (int)(y / 3)) % 2 ? 220 : 40 : pan(x, y, t);
}

static double letterbox(double x, double y, int t)
{
    return y < 17 || y >= HEIGHT - 17 ? 16 : pan(x, y, t);
}

static double noisy_bars(double x, double y, int t)
{
    uint32_t seed = ((uint32_t)t * 7919u + (uint32_t)x * 263u + (uint32_t)y * 3u) * 2654435761u;
    return letterbox(x, y, t) + (double)(seed >> 27) - 16;
}

static double twice(double x, double y, int t)
{
    return pan(x, y, t / 2 * 2);
}

// Noise that is new in each field, in the lowest lines.
static double torn(double x, double y, int t)
{
    uint32_t seed = ((uint32_t)t * 4099u + (uint32_t)x * 131u + (uint32_t)y) * 2654435761u;
    return y >= HEIGHT - 8 ? 40 + (seed >> 25) : pan(x, y, t);
}

static double turned(double x, double y, int t)
{
    double a = 0.01 * t, u = x - 96, v = y - 48;
    return texture(u * cos(a) - v * sin(a), u * sin(a) + v * cos(a));
}

// A small thing that flies over what stands still.
static double flying(double x, double y, int t)
{
    double u = x - 10 - 6 * t, v = y - 48 - 12 * sin(t * 0.3);
    return u * u + v * v < 150 ? texture(u * 2, v * 2) : texture(x, y);
}

// A new picture with each frame, every third field, and in the middle of frames.
static double album(double x, double y, int shown)
{
    double a = shown * 1.7;
    return texture(x * cos(a) - y * sin(a) + 37 * shown, x * sin(a) + y * cos(a) + 11 * shown);
}

static double frames_apart(double x, double y, int t)
{
    return album(x, y, t / 2);
}

static double three_fields(double x, double y, int t)
{
    return album(x, y, t / 3);
}

static double between_cuts(double x, double y, int t)
{
    return t < 11 || t > 16 ? pan(x, y, t) : album(x, y, (t + 1) / 2);
}

static double fields_apart(double x, double y, int t)
{
    return t < 11 || t > 16 ? pan(x, y, t) : album(x, y, t);
}

static const struct scene {
    const char *name;
    double (*at)(double x, double y, int t);
    double gain;  // dB over bwdif in luma that are expected, less a tenth
    double worst; // ... of a single field
} scenes[] = {
    {"pan", pan, 1.5, 0},
    {"cut", cut, 2.4, 0},
    {"fade", fade, 1.6, 0},
    {"flash", flash, 1.7, 0},
    {"one picture", one_picture, 1.5, 0},
    {"still", still, 20, -0.3},
    {"title", title, 1.3, -0.4},
    {"letterbox", letterbox, 0.4, 0},
    {"noisy bars", noisy_bars, 0.5, -1.9},
    {"twice", twice, 4.7, 0},
    {"torn", torn, 0.3, 0},
    {"turned", turned, 1.4, -0.4},
    {"flying", flying, 0.4, -0.6},
    {"frames apart", frames_apart, 4.5, 0},
    {"three fields", three_fields, 6.1, 0},
    {"between cuts", between_cuts, 2.2, 0},
    {"fields apart", fields_apart, 1, 0},
};

// The scene in levels of 8 bits, worked out once: chroma is less of the same in half the size.
static float truths[FIELDS][2][HEIGHT][WIDTH];

static void draw(const struct scene *scene)
{
    for (int t = 0; t < FIELDS; t++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                truths[t][0][y][x] = (float)scene->at(x, y, t);
                if (y < HEIGHT / 2 && x < WIDTH / 2)
                    truths[t][1][y][x] = (float)(0.4 * (scene->at(2 * x + 0.5, 2 * y + 0.5, t) - 128));
            }
}

static int truth_at(int plane, int x, int y, int t, int depth)
{
    double v = plane == 0 ? truths[t][0][y][x] : 128 + truths[t][1][y][x] * (plane == 1 ? 1 : -1);
    return av_clip((int)lrint(v * (1 << (depth - 8))), 0, (1 << depth) - 1);
}

static AVFrame *woven(const struct ta_format *fmt, int64_t number, enum ta_scan_type scan)
{
    AVFrame *f = picture(fmt, number, scan);
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++) {
            bool second = (y & 1) == (scan == TA_SCAN_TFF);
            for (int x = 0; x < w; x++)
                put(f, p, x, y, truth_at(p, x, y, (int)(2 * number) + (second ? 1 : 0), depth_of(f)));
        }
    }
    return f;
}

struct errors {
    int count;
    double luma[FIELDS], chroma[FIELDS]; // squared, summed
};

static int compare(void *receiver, AVFrame *f)
{
    struct errors *e = receiver;
    int t = (int)f->pts;
    assert_true(t < FIELDS);
    e->luma[t] = e->chroma[t] = 0;
    for (int p = 0; p < 3; p++) {
        int w, h;
        plane_size(f, p, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double d = (sample(f, p, x, y) - truth_at(p, x, y, t, depth_of(f))) /
                           (double)(1 << (depth_of(f) - 8));
                *(p ? &e->chroma[t] : &e->luma[t]) += d * d;
            }
    }
    e->count++;
    av_frame_free(&f);
    return 0;
}

static void measure(const char *name, const char *effort, const struct ta_format *in, struct errors *e)
{
    struct ta_stage_plan p;
    struct ta_chain *c = NULL;
    plan(&p, name, effort, in);
    memset(e, 0, sizeof *e);
    assert_int_equal(ta_chain_create(&c, &p, 1, NULL), 0);
    for (int i = 0; i < FIELDS / 2; i++)
        assert_int_equal(ta_chain_push(c, woven(in, i, in->scan), compare, e), 0);
    assert_int_equal(ta_chain_push(c, NULL, compare, e), 0);
    assert_int_equal(e->count, FIELDS);
    ta_chain_destroy(&c);
    ta_stage_plan_release(&p);
}

static double sum(const double *v, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += v[i];
    return s;
}

// dB by which `b` is closer to the truth than `a`. A twentieth of a level is no difference.
static double gain(double a, double b, int samples)
{
    double none = 0.05 * 0.05 * samples;
    return 10 * log10((a + none) / (b + none));
}

static void never_worse(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); // pictures, not threads; it would take minutes there
#endif
    for (size_t s = 0; s < TA_COUNT(scenes); s++)
        for (int order = 0; order < 2; order++) {
            draw(&scenes[s]);
            struct ta_format in = format(order ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P, WIDTH, HEIGHT,
                                         order ? TA_SCAN_BFF : TA_SCAN_TFF);
            struct errors plain, own;
            measure("deinterlace.bwdif", NULL, &in, &plain);
            for (size_t e = 0; e < TA_COUNT(efforts); e++) {
                measure("deinterlace.motion", efforts[e], &in, &own);
                int luma = WIDTH * HEIGHT, chroma = luma / 2;
                double all = gain(sum(plain.luma, FIELDS), sum(own.luma, FIELDS), luma * FIELDS);
                double colour = gain(sum(plain.chroma, FIELDS), sum(own.chroma, FIELDS), chroma * FIELDS);
                for (int t = 0; t < FIELDS; t++) {
                    double one = gain(plain.luma[t], own.luma[t], luma);
                    if (one < scenes[s].worst - 0.1)
                        fail_msg("%s, %s: field %d is %+.2f dB against bwdif", scenes[s].name, efforts[e], t,
                                 one);
                }
                if (all < scenes[s].gain - 0.1 || colour < -0.1)
                    fail_msg("%s, %s: luma %+.2f dB, chroma %+.2f dB against bwdif", scenes[s].name,
                             efforts[e], all, colour);
            }
        }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_threads),
#ifdef __x86_64__
        SET_TEST(any_set, "avx2"),        SET_TEST(any_set, "avx512"),
#endif
        cmocka_unit_test(cut_anywhere),   cmocka_unit_test(first_fields_alone),
        cmocka_unit_test(memory_is_told), cmocka_unit_test(never_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
