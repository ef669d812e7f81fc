// suite: thread
// Stages that split their work over the environment's threads give the same samples as on one.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "video/chain.h"
#include "video/stages.h"

enum { WIDTH = 70, HEIGHT = 101 }; // five bands, the last one short

static AVFrame *make_frame(enum AVPixelFormat format)
{
    AVFrame *f = av_frame_alloc();
    f->format = format;
    f->width = WIDTH;
    f->height = HEIGHT;
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    uint32_t seed = 1;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < (p ? (HEIGHT + 1) / 2 : HEIGHT); y++)
            for (int x = 0; x < f->linesize[p]; x++) {
                seed = seed * 1664525 + 1013904223;
                // A little noise on gray, so that there are patches alike.
                bool high = format == AV_PIX_FMT_YUV420P10LE && x % 2;
                f->data[p][y * f->linesize[p] + x] = (uint8_t)(high ? 1 : 100 + (seed >> 28));
            }
    return f;
}

static int take(void *receiver, AVFrame *f)
{
    *(AVFrame **)receiver = f;
    return 0;
}

static AVFrame *run(enum AVPixelFormat format, struct ta_pool *pool)
{
    struct ta_format in = {.pix_fmt = format, .width = WIDTH, .height = HEIGHT, .time_base = {1, 25}};
    struct ta_stage_plan plan;
    struct ta_chain *chain = NULL;
    struct ta_env env = {.pool = pool};
    AVFrame *out = NULL;
    ta_stage_plan_init(&plan, &ta_stage_nlmeans, &in);
    assert_int_equal(ta_stage_plan_configure(&plan, NULL), 0);
    assert_int_equal(ta_chain_create(&chain, &plan, 1, &env), 0);
    assert_true(ta_chain_push(chain, make_frame(format), take, &out) >= 0);
    assert_non_null(out);
    ta_chain_destroy(&chain);
    ta_stage_plan_release(&plan);
    return out;
}

static void test_nlmeans(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10LE};
    for (size_t i = 0; i < TA_COUNT(formats); i++) {
        struct ta_pool *pool = NULL;
        assert_int_equal(ta_pool_create(&pool, 4), 0);
        AVFrame *alone = run(formats[i], NULL), *split = run(formats[i], pool),
                *source = make_frame(formats[i]);
        int changed = 0;
        for (int p = 0; p < 3; p++)
            for (int y = 0; y < (p ? (HEIGHT + 1) / 2 : HEIGHT); y++) {
                size_t bytes = (size_t)(p ? WIDTH / 2 : WIDTH) * (i ? 2 : 1);
                const uint8_t *a = alone->data[p] + y * alone->linesize[p],
                              *b = split->data[p] + y * split->linesize[p];
                assert_memory_equal(a, b, bytes);
                changed += memcmp(a, source->data[p] + y * source->linesize[p], bytes) != 0;
            }
        assert_true(changed > HEIGHT);
        av_frame_free(&alone);
        av_frame_free(&split);
        av_frame_free(&source);
        ta_pool_destroy(&pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nlmeans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
