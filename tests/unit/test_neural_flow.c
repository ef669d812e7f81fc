// suite: thread
// Batches on their way through the dummy engine: order, memory, what overlaps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "infer/dummy.h"
#include "infer/runtimes.h"
#include "recipe/engine_places.h"
#include "video/neural.h"

enum { WIDTH = 32, HEIGHT = 16 };

struct fixture {
    char path[64];
    struct ta_runtimes *runtimes;
    struct ta_engine *engine;
    struct ta_network *network;
    struct ta_neural_pictures *pictures;
    struct ta_picture_run *run;
    struct ta_neural_flow *flow;
    int64_t next; // number of the frame that must come
};

static void set_up(struct fixture *f, const char *settings, int batch, bool overlap)
{
    struct ta_format in = {.pix_fmt = AV_PIX_FMT_GRAY8, .width = WIDTH, .height = HEIGHT}, out = in;
    struct ta_buf why = {0};
    *f = (struct fixture){.path = "/tmp/ta-flow-XXXXXX"};
    FILE *file = fdopen(mkstemp(f->path), "w");
    assert_non_null(file);
    fprintf(file, "%s\nplanes 1\n%s", TA_DUMMY_HEAD, settings);
    fclose(file);
    ta_runtimes_create(&f->runtimes, ta_engine_open);
    ta_runtimes_name_library(f->runtimes, f->path);
    assert_int_equal(ta_runtimes_get(f->runtimes, "dummy", 1, NULL, &f->engine), 0);
    int device = f->engine->device_count - 1;
    assert_int_equal(f->engine->info->load(f->engine, "", 0, device, &f->network, NULL), 0);
    assert_int_equal(ta_neural_format(&in, 2, &out, &why), 0);
    assert_int_equal(ta_neural_pictures_create(&f->pictures, &in, &out, 1, 1, NULL, &why), 0);
    const struct ta_picture_run_params run = {
        .network = f->network, .use = {1, 2, 0, 0}, .width = WIDTH, .height = HEIGHT, .batch = batch};
    assert_int_equal(ta_picture_run_create(&f->run, &run, NULL), 0);
    const struct ta_neural_flow_params flow = {.pictures = f->pictures,
                                               .run = f->run,
                                               .network = f->network,
                                               .in_numbers = WIDTH * HEIGHT,
                                               .out_numbers = 4 * WIDTH * HEIGHT,
                                               .batch = batch,
                                               .overlap = overlap};
    assert_int_equal(ta_neural_flow_create(&f->flow, &flow), 0);
}

static void tear_down(struct fixture *f)
{
    ta_neural_flow_destroy(&f->flow);
    ta_picture_run_destroy(&f->run);
    ta_neural_pictures_destroy(&f->pictures);
    ta_network_unload(&f->network);
    ta_runtimes_destroy(&f->runtimes);
    unlink(f->path);
}

static AVFrame *frame(int64_t n)
{
    AVFrame *f = av_frame_alloc();
    f->format = AV_PIX_FMT_GRAY8;
    f->width = WIDTH;
    f->height = HEIGHT;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    for (int y = 0; y < HEIGHT; y++)
        memset(f->data[0] + y * f->linesize[0], (int)(16 + (n * 7 + y) % 200), WIDTH);
    f->pts = n;
    return f;
}

static int take(void *receiver, AVFrame *f)
{
    struct fixture *x = receiver;
    assert_int_equal(f->pts, x->next);
    assert_int_equal(f->width, 2 * WIDTH);
    for (int y = 0; y < 2 * HEIGHT; y++)
        assert_int_equal(f->data[0][y * f->linesize[0] + y % 60], 16 + (x->next * 7 + y / 2) % 200);
    x->next++;
    av_frame_free(&f);
    return 0;
}

static int push_all(struct fixture *f, int frames, int batch)
{
    AVFrame *in[TA_NEURAL_BATCH_MAX];
    int err = 0;
    for (int n = 0; n < frames && err >= 0;) {
        int count = 0;
        while (count < batch && n < frames)
            in[count++] = frame(n++);
        err = ta_neural_flow_push(f->flow, in, count, take, f);
    }
    return err < 0 ? err : ta_neural_flow_push(f->flow, NULL, 0, take, f);
}

// Whatever the batch and the number of frames, they come in order; memory is taken once, or for each frame
// where nothing overlaps.
static void test_order_and_memory(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 32; batch = batch * 2 + 1)
        for (int frames = 1; frames <= 70; frames += 23) {
            struct fixture f;
            struct ta_neural_flow_stats stats;
            struct ta_picture_run_stats run;
            set_up(&f, "", batch, true);
            assert_int_equal(push_all(&f, frames, batch), 0);
            assert_int_equal(f.next, frames);
            ta_neural_flow_get_stats(f.flow, &stats);
            ta_picture_run_get_stats(f.run, &run);
            assert_int_equal(stats.allocations, 2 * TA_NEURAL_SLOTS);
            assert_int_equal(run.allocations, 0);
            assert_int_equal(stats.batches, (frames + batch - 1) / batch);
            tear_down(&f);
        }
    struct fixture f;
    struct ta_neural_flow_stats stats;
    set_up(&f, "", 1, false);
    assert_int_equal(push_all(&f, 20, 1), 0);
    ta_neural_flow_get_stats(f.flow, &stats);
    assert_int_equal(stats.allocations, 40);
    tear_down(&f);
}

// Buffers lie in memory of the device, as far as it goes, and go back to it. As many bytes as were planned.
static void test_memory_of_the_device(void **state)
{
    (void)state;
    enum { BATCH = 4, IN = BATCH * WIDTH * HEIGHT * 4, OUT = 4 * IN };
    static const struct {
        int bytes;
        bool overlap;
        int pinned;
    } cases[] = {{3 * (IN + OUT), true, 6}, {3 * (IN + OUT) - 1, true, 5}, {0, true, 0}, {1 << 20, false, 0}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture f;
        struct ta_neural_flow_stats stats;
        struct ta_dummy_memory m;
        char settings[64];
        snprintf(settings, sizeof settings, "device gpu\npinned %d\n", cases[i].bytes);
        set_up(&f, settings, BATCH, cases[i].overlap);
        assert_int_equal(push_all(&f, 40, cases[i].overlap ? BATCH : 1), 0);
        assert_int_equal(f.next, 40);
        ta_neural_flow_get_stats(f.flow, &stats);
        ta_dummy_get_memory(f.engine, &m);
        assert_int_equal(stats.pinned, cases[i].pinned);
        assert_int_equal(stats.bytes, cases[i].overlap ? 3 * (IN + OUT) : (IN + OUT) / BATCH);
        assert_int_equal(m.taken, cases[i].pinned);
        if (cases[i].pinned == 6)
            assert_true(m.tensors == 20 && m.there == 20);
        ta_neural_flow_destroy(&f.flow);
        ta_dummy_get_memory(f.engine, &m);
        assert_true(m.given == m.taken && m.bytes == 0);
        tear_down(&f);
    }
}

static double seconds(const char *settings, int frames, int batch, struct ta_picture_run_stats *run)
{
    struct fixture f;
    struct ta_neural_flow_stats stats;
    set_up(&f, settings, batch, true);
    assert_int_equal(push_all(&f, frames, batch), 0);
    ta_neural_flow_get_stats(f.flow, &stats);
    ta_picture_run_get_stats(f.run, run);
    tear_down(&f);
    return stats.seconds;
}

// Where a call costs more than what is in it, sixteen at a time are at least three times as fast, and the
// engine is kept busy.
static void test_batches_pay(void **state)
{
    (void)state;
    double faster = 0, busy = 0;
    for (int i = 0; i < 5 && (faster < 3 || busy < 0.95); i++) { // other work may make a thread late
        struct ta_picture_run_stats one, many;
        double alone = seconds("call_ms 8\n", 96, 1, &one), together = seconds("call_ms 8\n", 96, 16, &many);
        assert_int_equal(one.calls, 96);
        assert_int_equal(many.calls, 6);
        faster = TA_MAX(faster, alone / together);
        busy = TA_MAX(busy, one.busy / alone);
    }
    if (faster < 3 || busy < 0.95)
        fail_msg("%.2f times as fast, busy %.3f of the time", faster, busy);
}

// While sixteen compute, the next are filled and those before are drained: the engine waits for nobody.
static void test_busy(void **state)
{
    (void)state;
    double best = 0;
    for (int i = 0; i < 5 && best < 0.95; i++) { // other work on the machine may make a thread late
        struct ta_picture_run_stats run;
        double all = seconds("call_ms 8\nframe_ms 1\n", 480, 16, &run);
        assert_int_equal(run.calls, 30);
        best = TA_MAX(best, run.busy / all);
    }
    if (best < 0.95)
        fail_msg("busy %.3f of the time", best);
}

static void test_failure(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f, "fail_call 3\nfail_as device\n", 4, true);
    assert_int_equal(push_all(&f, 40, 4), TA_ERR_DEVICE);
    assert_int_equal(f.next, 8);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_memory), cmocka_unit_test(test_memory_of_the_device),
        cmocka_unit_test(test_batches_pay),      cmocka_unit_test(test_busy),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
