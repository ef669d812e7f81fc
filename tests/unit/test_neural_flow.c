// suite: thread
// Batches on their way through the dummy engine: order, memory, what overlaps.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"
#include "infer/dummy.h"
#include "infer/runtimes.h"
#include "recipe/engine_places.h"
#include "video/neural.h"

enum { WIDTH = 32, HEIGHT = 16 };

struct fixture {
    char path[64];
    struct ta_runtimes *runtimes;
    struct ta_engine *engine;
    struct ta_engine_info info; // the dummy's, but for run()
    struct ta_network *network;
    struct ta_neural_pictures *pictures;
    struct ta_picture_run *run;
    struct ta_neural_flow *flow;
    struct ta_neural_flow_params params; // the flow's
    int64_t next;                        // number of the frame that must come
};

// What an engine waits for in its calls where a test shuts it.
static struct {
    bool shut;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int sent, all, drained; // batches that were sent, that will be, and pictures that were made into frames
    int batch, calls, late;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

enum { PATIENCE = 30 }; // seconds, after which what is waited for will not come

static void move_gate(int *count)
{
    pthread_mutex_lock(&gate.lock);
    (*count)++;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

// The dummy's, which takes as long as the batch behind needs to be sent and the one before to be drained.
static int run_gated(struct ta_network *n, const struct ta_tensor *in, const struct ta_tensor *out,
                     struct ta_log *log)
{
    struct timespec end;
    int err = ta_engine_dummy.run(n, in, out, log);
    if (!gate.shut)
        return err;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    pthread_mutex_lock(&gate.lock);
    int call = ++gate.calls, before = (call - 1) * gate.batch, behind = TA_MIN(call + 1, gate.all);
    while ((gate.sent < behind || gate.drained < before) && !gate.late)
        gate.late += pthread_cond_timedwait(&gate.moved, &gate.lock, &end) != 0;
    pthread_mutex_unlock(&gate.lock);
    return err;
}

static int drain_gated(void *priv, const struct ta_neural_picture *what, const float *in, const float *out,
                       AVFrame **made)
{
    struct fixture *f = priv;
    (void)in;
    int err = ta_neural_drain(f->pictures, what->source, out, made, NULL);
    move_gate(&gate.drained);
    return err;
}

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
    f->info = ta_engine_dummy;
    f->info.run = run_gated;
    f->engine->info = &f->info;
    assert_int_equal(f->engine->info->load(f->engine, "", 0, device, &f->network, NULL), 0);
    assert_int_equal(ta_neural_format(&in, 2, &out, &why), 0);
    assert_int_equal(ta_neural_pictures_create(&f->pictures, &in, &out, 1, 1, NULL, &why), 0);
    const struct ta_picture_run_params run = {
        .network = f->network, .use = {1, 2, 0, 0}, .width = WIDTH, .height = HEIGHT, .batch = batch};
    assert_int_equal(ta_picture_run_create(&f->run, &run, NULL), 0);
    f->params = (struct ta_neural_flow_params){.pictures = f->pictures,
                                               .run = f->run,
                                               .network = f->network,
                                               .in_numbers = WIDTH * HEIGHT,
                                               .out_numbers = 4 * WIDTH * HEIGHT,
                                               .batch = batch,
                                               .overlap = overlap,
                                               .drain = drain_gated,
                                               .priv = f};
    assert_int_equal(ta_neural_flow_create(&f->flow, &f->params), 0);
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
    AVFrame *in[TA_BATCH_MAX];
    int err = 0;
    for (int n = 0; n < frames && err >= 0;) {
        int count = 0;
        while (count < batch && n < frames)
            in[count++] = frame(n++);
        err = ta_neural_flow_push(f->flow, in, count, take, f);
        move_gate(&gate.sent);
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

static void run_all(const char *settings, int frames, int batch, struct ta_neural_flow_stats *stats,
                    struct ta_picture_run_stats *run)
{
    struct fixture f;
    set_up(&f, settings, batch, true);
    assert_int_equal(push_all(&f, frames, batch), 0);
    assert_int_equal(f.next, frames);
    ta_neural_flow_get_stats(f.flow, stats);
    ta_picture_run_get_stats(f.run, run);
    tear_down(&f);
}

// Where a call costs more than what is in it, the calls decide: a sixteenth of them. How long that takes is
// the machine's affair, and only told.
static void test_batches_pay(void **state)
{
    (void)state;
    enum { FRAMES = 96 };
    struct ta_neural_flow_stats alone, together, both;
    struct ta_picture_run_stats one, many, more;
    run_all("call_ms 8\n", FRAMES, 1, &alone, &one);
    run_all("call_ms 8\n", FRAMES, 16, &together, &many);
    run_all("call_ms 8\nframe_ms 1\n", 2 * FRAMES, 16, &both, &more);
    assert_int_equal(one.calls, FRAMES);
    assert_int_equal(many.calls, FRAMES / 16);
    assert_int_equal(more.calls, 2 * FRAMES / 16);
    print_message("16 at a time: %.2f times as fast; busy %.3f of the time at 1, %.3f at 16, %.3f where "
                  "pictures cost as well\n",
                  alone.seconds / together.seconds, one.busy / alone.seconds, many.busy / together.seconds,
                  more.busy / both.seconds);
}

// While a batch computes, the next is filled and sent and the one before drained: the engine, whose calls
// last until that is done, never has to wait for a batch.
static void test_overlap(void **state)
{
    (void)state;
    for (int batch = 1; batch <= 16; batch += 15) {
        struct ta_neural_flow_stats stats;
        struct ta_picture_run_stats run;
        gate.sent = gate.drained = gate.calls = gate.late = 0;
        gate.batch = batch;
        gate.all = 12;
        gate.shut = true;
        run_all("", gate.all * batch, batch, &stats, &run);
        gate.shut = false;
        assert_int_equal(run.calls, gate.all);
        assert_int_equal(gate.late, 0);
        assert_int_equal(stats.starved, 0);
    }
}

// A caller who sends the next only when the one before is out is late, and that is counted, once the engine's
// thread has been back at its queue before.
static void test_starved(void **state)
{
    (void)state;
    enum { TRIES = 10000 };
    struct fixture f;
    struct ta_neural_flow_stats stats = {0};
    set_up(&f, "", 1, true);
    for (int i = 0; i < TRIES && !stats.starved; i++) {
        AVFrame *in = frame(i);
        assert_int_equal(ta_neural_flow_push(f.flow, &in, 1, take, &f), 0);
        assert_int_equal(ta_neural_flow_push(f.flow, NULL, 0, take, &f), 0);
        assert_int_equal(f.next, i + 1);
        ta_neural_flow_get_stats(f.flow, &stats);
        ta_sleep_us(1000); // timed wait: for the engine's thread, which nothing shows
    }
    assert_int_equal(stats.starved, 1);
    tear_down(&f);
}

// What is under way when it stops is done or dropped; the counts stand still then.
static void test_stop(void **state)
{
    (void)state;
    struct fixture f;
    struct ta_neural_flow_stats stats, later;
    AVFrame *in[TA_NEURAL_SLOTS + 1];
    set_up(&f, "call_ms 20\n", 1, true);
    for (int i = 0; i <= TA_NEURAL_SLOTS; i++)
        in[i] = frame(i);
    for (int i = 0; i < TA_NEURAL_SLOTS; i++)
        assert_int_equal(ta_neural_flow_push(f.flow, &in[i], 1, take, &f), 0);
    ta_neural_flow_stop(f.flow);
    ta_neural_flow_get_stats(f.flow, &stats);
    assert_int_equal(ta_neural_flow_push(f.flow, &in[TA_NEURAL_SLOTS], 1, take, &f), TA_ERR_CANCELED);
    ta_neural_flow_get_stats(f.flow, &later);
    assert_true(stats.batches == later.batches && stats.seconds == later.seconds);
    assert_int_equal(f.next, 0);
    ta_neural_flow_stop(f.flow); // again changes nothing
    tear_down(&f);
}

// More than there is room for, or none, is refused; room that is asked for twice is taken once.
static void test_limits(void **state)
{
    (void)state;
    static const int wrong[] = {0, -1, TA_NEURAL_FLOW_MAX + 1};
    struct fixture f;
    struct ta_neural_flow *flow = NULL;
    struct ta_neural_flow_stats stats;
    float *first = NULL, *second = NULL;
    set_up(&f, "", 1, false);
    assert_int_equal(ta_neural_flow_room(f.flow, &first, take, &f), 0);
    assert_int_equal(ta_neural_flow_room(f.flow, &second, take, &f), 0);
    assert_ptr_equal(first, second);
    ta_neural_flow_get_stats(f.flow, &stats);
    assert_int_equal(stats.allocations, 2);
    f.params.overlap = true;
    for (size_t i = 0; i < TA_COUNT(wrong); i++) {
        f.params.batch = wrong[i];
        assert_int_equal(ta_neural_flow_create(&flow, &f.params), TA_ERR_INVALID);
        assert_null(flow);
    }
    f.params.batch = TA_NEURAL_FLOW_MAX;
    assert_int_equal(ta_neural_flow_create(&flow, &f.params), 0);
    ta_neural_flow_destroy(&flow);
    tear_down(&f);
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
        cmocka_unit_test(test_batches_pay),      cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_starved),          cmocka_unit_test(test_stop),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
