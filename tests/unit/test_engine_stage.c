// suite: thread
// A stage as neural ones are, with a stand-in for the network: it takes 16 frames at a time, needs an engine
// (a session of the cache) and works in a thread of its own. Between two plain stages, on threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <libavutil/buffer.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tuning.h"
#include "infer/sessions.h"
#include "media/av.h"
#include "video/chain.h"
#include "video/chain_threads.h"
#include "video/stages.h"

#include "capture.h"

enum { WIDTH = 16, HEIGHT = 8, BATCH = 16, ADDS = 7 };

// ---- what the tests look at ----

static struct {
    atomic_int loads, alive, batches, frames_in_batches, most_in_batch;
    atomic_bool load_fails, load_hangs;
    atomic_int fail_at; // the frame that the network fails at, -1 for none
    _Atomic(uintptr_t) threads[3];
} seen;

static int reset(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    atomic_store(&seen.fail_at, -1);
    return 0;
}

// ---- the network ----

static int load(void *priv, void **handle, size_t *bytes, const struct ta_cancel *cancel, struct ta_log *log)
{
    (void)priv;
    atomic_fetch_add(&seen.loads, 1);
    while (atomic_load(&seen.load_hangs)) {
        if (ta_canceled(cancel))
            return TA_ERR_CANCELED;
        usleep(500);
    }
    if (atomic_load(&seen.load_fails)) {
        ta_error(log, "no such network");
        return TA_ERR_FORMAT;
    }
    *handle = ta_xcalloc(1, sizeof(int));
    *(int *)*handle = ADDS;
    *bytes = 1000;
    return 0;
}

static const struct ta_session_loader loader = {load, free, NULL};

struct standin {
    const struct ta_session *session;
};

static int standin_check(const void *opts, const struct ta_format *in, const struct ta_env *env,
                         struct ta_buf *why)
{
    (void)opts;
    (void)env;
    if (in->width <= 4096)
        return 0;
    ta_buf_puts(why, "takes pictures up to 4096 wide");
    return TA_ERR_UNSUPPORTED;
}

static void standin_needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                          struct ta_stage_needs *needs)
{
    (void)opts;
    needs->frames = ta_tuning_batch(env->tuning, "cpu", BATCH);
    needs->bytes = (int64_t)needs->frames * in->width * in->height * 4;
}

static int standin_init(struct ta_stage *s)
{
    struct standin *p = s->priv;
    return ta_sessions_get(s->env->sessions, "stand-in", &loader, s->env->cancel, s->log, &p->session);
}

static void look(int place)
{
    atomic_store(&seen.threads[place], (uintptr_t)pthread_self());
}

static int standin_process(struct ta_stage *s, AVFrame **in, int count)
{
    struct standin *p = s->priv;
    int err = 0;
    look(1);
    if (!count)
        return 0;
    atomic_fetch_add(&seen.batches, 1);
    atomic_fetch_add(&seen.frames_in_batches, count);
    if (count > atomic_load(&seen.most_in_batch))
        atomic_store(&seen.most_in_batch, count);
    for (int i = 0; i < count; i++) {
        if (in[i]->pts == atomic_load(&seen.fail_at))
            err = TA_ERR_DAMAGED;
        in[i]->data[0][0] = (uint8_t)(in[i]->data[0][0] + *(int *)p->session->handle);
    }
    for (int i = 0; i < count; i++) {
        if (err < 0)
            av_frame_free(&in[i]);
        else
            err = ta_stage_emit(s, in[i]);
    }
    return err;
}

static void standin_release(struct ta_stage *s)
{
    struct standin *p = s->priv;
    if (p->session)
        ta_sessions_put(s->env->sessions, &p->session);
}

static const struct ta_stage_info standin = {
    .name = "scale.standin",
    .priv_size = sizeof(struct standin),
    .engine = true,
    .thread = TA_THREAD_OWN,
    .check = standin_check,
    .needs = standin_needs,
    .init = standin_init,
    .process_many = standin_process,
    .release = standin_release,
};

static int before_process(struct ta_stage *s, AVFrame *in)
{
    look(0);
    return in ? ta_stage_emit(s, in) : 0;
}

static int after_process(struct ta_stage *s, AVFrame *in)
{
    look(2);
    return in ? ta_stage_emit(s, in) : 0;
}

static const struct ta_stage_info before = {.name = "test.before", .process = before_process},
                                  after = {.name = "test.after", .process = after_process};

// ---- a film of n frames through the three ----

struct film {
    int frames;       // that are fed
    int end;          // how the source ends: 0, or an error behind the frames
    int wanted;       // the sink is full then; INT_MAX
    int taken, wrong; // frames that came, and those that are not the next one or not worked on
    int ended;        // what the sink was told
    struct ta_queue *in;
    struct ta_stage_plan stages[3];
};

static void drop_buffer(void *opaque, uint8_t *data)
{
    (void)opaque;
    free(data);
    atomic_fetch_sub(&seen.alive, 1);
}

static AVFrame *make_frame(int64_t n)
{
    AVFrame *f = av_frame_alloc();
    assert_non_null(f);
    f->format = AV_PIX_FMT_GRAY8;
    f->width = WIDTH;
    f->height = HEIGHT;
    f->linesize[0] = WIDTH;
    f->buf[0] = av_buffer_create(ta_xcalloc(1, WIDTH * HEIGHT), WIDTH * HEIGHT, drop_buffer, NULL, 0);
    atomic_fetch_add(&seen.alive, 1);
    f->data[0] = f->buf[0]->data;
    f->data[0][0] = (uint8_t)(2 * n);
    f->pts = n;
    return f;
}

static int feed(void *arg)
{
    struct film *f = arg;
    int err = 0;
    for (int n = 0; n < f->frames && err >= 0; n++) {
        AVFrame *frame = make_frame(n);
        err = ta_queue_push(f->in, frame, ta_frame_bytes(frame));
    }
    ta_queue_finish(f->in, f->end);
    return err;
}

static int take(void *priv, AVFrame *frame)
{
    struct film *f = priv;
    f->wrong += frame->pts != f->taken || frame->data[0][0] != (uint8_t)(2 * f->taken + ADDS);
    f->taken++;
    av_frame_free(&frame);
    return 0;
}

static bool is_full(void *priv)
{
    struct film *f = priv;
    return f->taken >= f->wanted;
}

static int end(void *priv, int err)
{
    struct film *f = priv;
    f->ended = err;
    return err;
}

static void film_init(struct film *f, int frames)
{
    static const struct ta_stage_info *const infos[] = {&before, &standin, &after};
    struct ta_format format = {.pix_fmt = AV_PIX_FMT_GRAY8, .width = WIDTH, .height = HEIGHT};
    *f = (struct film){.frames = frames, .wanted = INT_MAX, .ended = 1};
    for (int i = 0; i < 3; i++)
        ta_stage_plan_init(&f->stages[i], infos[i], &format);
}

struct running {
    struct film *film;
    struct ta_chain_threads *threads;
    struct ta_thread *feeder;
};

static void start(struct running *r, struct film *f, const struct ta_env *env)
{
    struct ta_chain_sink sink = {take, is_full, end, f};
    *r = (struct running){.film = f};
    assert_int_equal(ta_chain_queue_create(&f->in, f->stages, 3, env), 0);
    assert_int_equal(ta_chain_threads_start(&r->threads, f->stages, 3, f->in, &sink, env), 0);
    assert_int_equal(ta_thread_create(&r->feeder, "feeder", feed, f), 0);
}

static int finish(struct running *r)
{
    int err = ta_chain_threads_join(&r->threads, 0);
    ta_thread_join(&r->feeder);
    ta_queue_destroy(&r->film->in);
    assert_int_equal(atomic_load(&seen.alive), 0); // no frame is lost or kept
    return err;
}

static int run(struct film *f, const struct ta_env *env)
{
    struct running r;
    start(&r, f, env);
    return finish(&r);
}

static struct ta_sessions *new_cache(struct ta_env *env)
{
    *env = (struct ta_env){0};
    assert_int_equal(ta_sessions_create(&env->sessions, 1 << 20), 0);
    return env->sessions;
}

// ---- tests ----

// However many frames there are, all come once and in order, in full batches but the last, and the network is
// loaded once for all films.
static void test_all_lengths(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    for (int n = 1; n <= 50; n++) {
        struct film f;
        film_init(&f, n);
        atomic_store(&seen.batches, 0);
        atomic_store(&seen.frames_in_batches, 0);
        assert_int_equal(run(&f, &env), 0);
        assert_int_equal(f.taken, n);
        assert_int_equal(f.wrong, 0);
        assert_int_equal(f.ended, 0);
        assert_int_equal(atomic_load(&seen.frames_in_batches), n);
        assert_int_equal(atomic_load(&seen.batches), (n + BATCH - 1) / BATCH);
    }
    assert_int_equal(atomic_load(&seen.most_in_batch), BATCH);
    assert_int_equal(atomic_load(&seen.loads), 1);
    // Three threads: the stage has one of its own.
    uintptr_t a = atomic_load(&seen.threads[0]), b = atomic_load(&seen.threads[1]),
              c = atomic_load(&seen.threads[2]);
    assert_true(a && b && c && a != b && b != c && a != c);
    ta_sessions_destroy(&cache);
}

// Two films at once, as two segments: one load, and both right.
static void test_two_share_the_network(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct film films[2];
    struct running r[2];
    atomic_store(&seen.load_hangs, true);
    for (int i = 0; i < 2; i++) {
        film_init(&films[i], 40 + i);
        start(&r[i], &films[i], &env);
    }
    usleep(5000);
    atomic_store(&seen.load_hangs, false);
    assert_int_equal(ta_chain_threads_join(&r[0].threads, 0), 0);
    assert_int_equal(finish(&r[1]), 0);
    ta_thread_join(&r[0].feeder);
    ta_queue_destroy(&films[0].in);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(films[i].taken, 40 + i);
        assert_int_equal(films[i].wrong, 0);
    }
    assert_int_equal(atomic_load(&seen.loads), 1);
    ta_sessions_destroy(&cache);
}

// The network fails at some frame: what came before in earlier batches is there, and the error comes out.
static void test_failure(void **state)
{
    (void)state;
    static const int at[] = {0, 15, 16, 31, 49};
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    for (size_t i = 0; i < TA_COUNT(at); i++) {
        struct film f;
        film_init(&f, 50);
        atomic_store(&seen.fail_at, at[i]);
        assert_int_equal(run(&f, &env), TA_ERR_DAMAGED);
        assert_int_equal(f.ended, TA_ERR_DAMAGED);
        assert_int_equal(f.taken, at[i] / BATCH * BATCH);
        assert_int_equal(f.wrong, 0);
    }
    ta_sessions_destroy(&cache);
}

// The source fails: the frames before it come, then the error.
static void test_source_fails(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct film f;
    film_init(&f, 33);
    f.end = TA_ERR_IO;
    assert_int_equal(run(&f, &env), TA_ERR_IO);
    assert_int_equal(f.taken, 32); // one waits for its batch
    assert_int_equal(f.wrong, 0);
    ta_sessions_destroy(&cache);
}

static void test_load_fails(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct capture log;
    struct film f;
    capture_init(&log);
    env.log = log.log;
    film_init(&f, 50);
    atomic_store(&seen.load_fails, true);
    assert_int_equal(run(&f, &env), TA_ERR_FORMAT);
    assert_int_equal(f.taken, 0);
    capture_expect_error(&log, "no such network");
    capture_release(&log);
    ta_sessions_destroy(&cache);
}

// Whoever takes the frames has enough: the rest is not waited for.
static void test_enough(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct film f;
    film_init(&f, 1000);
    f.wanted = 16;
    assert_int_equal(run(&f, &env), 0);
    assert_in_range(f.taken, 16, 32);
    assert_int_equal(f.ended, 0);
    ta_sessions_destroy(&cache);
}

static bool is_stopped(void *priv)
{
    return atomic_load((atomic_bool *)priv);
}

// Told to stop while the network is being loaded.
static void test_cancel(void **state)
{
    (void)state;
    atomic_bool stop = false;
    struct ta_cancel cancel = {is_stopped, &stop};
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct film f;
    struct running r;
    env.cancel = &cancel;
    film_init(&f, 50);
    atomic_store(&seen.load_hangs, true);
    start(&r, &f, &env);
    while (!atomic_load(&seen.loads))
        usleep(500);
    atomic_store(&stop, true);
    assert_int_equal(finish(&r), TA_ERR_CANCELED);
    assert_int_equal(f.ended, TA_ERR_CANCELED);
    assert_int_equal(f.taken, 0);
    ta_sessions_destroy(&cache);
}

// The caller throws the work away in the middle.
static void test_stop(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct film f;
    struct running r;
    film_init(&f, 100000);
    start(&r, &f, &env);
    while (atomic_load(&seen.batches) < 3)
        usleep(500);
    ta_queue_cancel(f.in);
    ta_chain_threads_stop(r.threads);
    int err = ta_chain_threads_join(&r.threads, TA_ERR_CANCELED);
    ta_thread_join(&r.feeder);
    ta_queue_destroy(&f.in);
    assert_int_equal(err, TA_ERR_CANCELED);
    assert_int_equal(atomic_load(&seen.alive), 0);
    assert_int_equal(f.wrong, 0);
    ta_sessions_destroy(&cache);
}

// Planning asks and loads nothing; without sessions there is no engine.
static void test_check(void **state)
{
    (void)state;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    struct capture log;
    struct film f;
    struct ta_chain *chain = NULL;
    capture_init(&log);
    env.log = log.log;
    film_init(&f, 1);
    assert_int_equal(ta_chain_check(f.stages, 3, &env), 0);
    f.stages[1].in.width = 5000;
    assert_int_equal(ta_chain_check(f.stages, 3, &env), TA_ERR_UNSUPPORTED);
    capture_expect_error(&log, "scale.standin: takes pictures up to 4096 wide");
    assert_int_equal(ta_chain_create(&chain, f.stages, 3, &env), TA_ERR_UNSUPPORTED);
    assert_null(chain);
    capture_expect_error(&log, "scale.standin: takes pictures up to 4096 wide");
    f.stages[1].in.width = WIDTH;
    env.sessions = NULL;
    assert_int_equal(ta_chain_check(f.stages, 3, &env), TA_ERR_UNSUPPORTED);
    capture_expect_error(&log, "scale.standin: needs an engine");
    assert_int_equal(ta_chain_create(&chain, f.stages, 3, &env), TA_ERR_UNSUPPORTED);
    capture_expect_error(&log, "scale.standin: needs an engine");
    assert_int_equal(atomic_load(&seen.loads), 0);
    capture_release(&log);
    ta_sessions_destroy(&cache);
}

// The tuning file decides how many frames at a time; the pictures are the same.
static void test_tuning(void **state)
{
    (void)state;
    struct ta_tuning tuning;
    struct ta_env env;
    struct ta_sessions *cache = new_cache(&env);
    static const struct {
        bool batching;
        int batch, expected;
    } cases[] = {{true, 0, 16}, {true, 5, 5}, {false, 5, 1}, {false, 0, 1}};
    ta_tuning_defaults(&tuning);
    env.tuning = &tuning;
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct film f;
        film_init(&f, 33);
        tuning.engine_batching = cases[i].batching;
        tuning.device_count = cases[i].batch > 0;
        tuning.devices[0] = (struct ta_device_tuning){"cpu", cases[i].batch, 0, 0};
        atomic_store(&seen.most_in_batch, 0);
        assert_int_equal(run(&f, &env), 0);
        assert_int_equal(f.taken, 33);
        assert_int_equal(f.wrong, 0);
        assert_int_equal(atomic_load(&seen.most_in_batch), cases[i].expected);
        // Its own buffers, and twice the frames that it takes where it takes several.
        int64_t frame = WIDTH * HEIGHT, n = cases[i].expected;
        assert_int_equal(ta_chain_bytes(f.stages, 3, &env), n * frame * 4 + (n > 1 ? 2 * n * frame : 0));
    }
    ta_sessions_destroy(&cache);
}

// Who shares a thread with whom.
static void test_groups(void **state)
{
    (void)state;
    static const struct {
        const struct ta_stage_info *stages[6];
        int counts[6]; // of the groups, ends with 0
    } cases[] = {
        {{&before, &standin, &after}, {1, 1, 1}},
        {{&standin}, {1}},
        {{&standin, &standin}, {1, 1}},
        {{&before, &before, &after}, {3}},
        {{&ta_stage_bwdif, &ta_stage_zscale, &ta_stage_hdr10, &ta_stage_depth}, {1, 3}},
        {{&ta_stage_bwdif, &ta_stage_hqdn3d, &ta_stage_hdr10, &ta_stage_zscale}, {2, 2}},
        {{&ta_stage_zscale, &ta_stage_depth}, {2}},
        {{&ta_stage_deinterlace_motion, &ta_stage_denoise_motion, &ta_stage_zscale, &ta_stage_depth},
         {1, 1, 2}},
        {{&ta_stage_deinterlace_motion, &before, &ta_stage_denoise_motion, &after}, {2, 2}},
        {{&ta_stage_bwdif, &ta_stage_denoise_motion, &ta_stage_zscale}, {2, 1}},
        {{&ta_stage_bwdif, &standin, &ta_stage_zscale, &ta_stage_depth}, {1, 1, 2}},
        {{&ta_stage_bwdif, &ta_stage_zscale, &standin, &ta_stage_depth}, {1, 1, 1, 1}},
    };
    struct ta_format format = {.pix_fmt = AV_PIX_FMT_GRAY8, .width = WIDTH, .height = HEIGHT};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct ta_stage_plan plans[6];
        struct ta_chain_group groups[6];
        int count = 0, groups_expected = 0, first = 0;
        for (; count < 6 && cases[i].stages[count]; count++)
            ta_stage_plan_init(&plans[count], cases[i].stages[count], &format);
        while (groups_expected < 6 && cases[i].counts[groups_expected])
            groups_expected++;
        int n = ta_chain_groups(plans, count, groups);
        assert_int_equal(n, groups_expected);
        for (int k = 0; k < n; k++) {
            assert_int_equal(groups[k].first, first);
            assert_int_equal(groups[k].count, cases[i].counts[k]);
            first += groups[k].count;
        }
        for (int k = 0; k < count; k++)
            ta_stage_plan_release(&plans[k]);
    }
    struct ta_chain_group one;
    assert_int_equal(ta_chain_groups(NULL, 0, &one), 1);
    assert_int_equal(one.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_lengths, reset),
        cmocka_unit_test_setup(test_two_share_the_network, reset),
        cmocka_unit_test_setup(test_failure, reset),
        cmocka_unit_test_setup(test_source_fails, reset),
        cmocka_unit_test_setup(test_load_fails, reset),
        cmocka_unit_test_setup(test_enough, reset),
        cmocka_unit_test_setup(test_cancel, reset),
        cmocka_unit_test_setup(test_stop, reset),
        cmocka_unit_test_setup(test_check, reset),
        cmocka_unit_test_setup(test_tuning, reset),
        cmocka_unit_test_setup(test_groups, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
