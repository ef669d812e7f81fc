// suite: thread
// Networks as those for sound have them: several inputs and outputs with names, state that goes from call to
// call, whole numbers, lengths that are open, and shapes that the file does not tell. Skipped without the
// library.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/env.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "infer/network_session.h"
#include "infer/runtimes.h"

#include "capture.h"
#include "onnx_kit.h"

static struct capture messages;

static void put_attribute(struct ta_buf *node, const char *name, int number)
{
    struct ta_buf a = {0};
    put_text(&a, 1, name);
    put_number(&a, 3, (uint64_t)number);
    put_number(&a, 20, 2); // a whole number
    put_inside(node, 5, &a);
}

// h1 = h + h, n1 = n + n, y = x three times, free = x in the form that is given. The outputs are not in the
// order of the inputs.
static struct ta_buf recurrent(void)
{
    const int sound[] = {1, 1, 0}, state[] = {2, 1, 3}, count[] = {1}, any[] = {0};
    struct ta_buf graph = {0}, concat = {0};
    put_node(&graph, "Add", "h", "h", "h1");
    put_node(&graph, "Add", "n", "n", "n1");
    put_node(&graph, "Reshape", "x", "form", "free");
    for (int i = 0; i < 3; i++)
        put_text(&concat, 1, "x");
    put_text(&concat, 2, "y");
    put_text(&concat, 4, "Concat");
    put_attribute(&concat, "axis", 2);
    put_inside(&graph, 1, &concat);
    put_value(&graph, INPUT, "x", FLOAT, 3, sound);
    put_value(&graph, INPUT, "h", FLOAT, 3, state);
    put_value(&graph, INPUT, "n", INT64, 1, count);
    put_value(&graph, INPUT, "form", INT64, 1, any);
    put_value(&graph, OUTPUT, "n1", INT64, 1, count);
    put_value(&graph, OUTPUT, "free", FLOAT, -1, NULL);
    put_value(&graph, OUTPUT, "y", FLOAT, 3, sound);
    put_value(&graph, OUTPUT, "h1", FLOAT, 3, state);
    return model_of(&graph);
}

enum { MOST = 64, STATE = 6 };

// What a user of it keeps.
struct sound {
    struct ta_network *n;
    int wrong;
    int64_t count[2];
    float x[MOST], h[2][STATE], y[3 * MOST + 1], free[MOST + 1];
};

// One call with a block of any length; the state goes from one place to the other.
static int run_block(struct sound *s, int length, int turn, struct ta_log *log)
{
    struct ta_network *n = s->n;
    int64_t form[3] = {1, 1, length};
    struct ta_tensor in[4], out[4];
    float *from = s->h[turn % 2], *to = s->h[(turn + 1) % 2];
    in[ta_network_input(n, "x")] = (struct ta_tensor){s->x, 3, {1, 1, length}, NULL};
    in[ta_network_input(n, "h")] = (struct ta_tensor){from, 3, {2, 1, 3}, NULL};
    in[ta_network_input(n, "n")] = (struct ta_tensor){NULL, 1, {1}, &s->count[turn % 2]};
    in[ta_network_input(n, "form")] = (struct ta_tensor){NULL, 1, {3}, form};
    out[ta_network_output(n, "y")] = (struct ta_tensor){s->y, 3, {1, 1, 3 * length}, NULL};
    out[ta_network_output(n, "h1")] = (struct ta_tensor){to, 3, {2, 1, 3}, NULL};
    out[ta_network_output(n, "n1")] = (struct ta_tensor){NULL, 1, {1}, &s->count[(turn + 1) % 2]};
    out[ta_network_output(n, "free")] = (struct ta_tensor){s->free, 3, {1, 1, length}, NULL};
    return n->engine->info->run(n, in, out, log);
}

static int run_blocks(void *arg)
{
    struct sound *s = arg;
    s->count[0] = 1;
    for (int i = 0; i < STATE; i++)
        s->h[0][i] = (float)(i + 1);
    for (int turn = 0; turn < 20; turn++) {
        int length = 1 + turn * 3;
        for (int i = 0; i < length; i++)
            s->x[i] = (float)(i - turn);
        if (run_block(s, length, turn, NULL) < 0)
            return TA_ERR_INTERNAL;
        for (int i = 0; i < 3 * length; i++)
            s->wrong += s->y[i] != s->x[i % length];
        for (int i = 0; i < length; i++)
            s->wrong += s->free[i] != s->x[i];
    }
    for (int i = 0; i < STATE; i++)
        s->wrong += s->h[0][i] != (float)(i + 1) * (float)(1 << 20);
    s->wrong += s->count[0] != 1 << 20;
    return 0;
}

static void test_names_state_and_lengths(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_buf model = recurrent();
    struct sound s = {0};
    assert_int_equal(e->info->load(e, ta_buf_text(&model), model.size, 0, &s.n, messages.log), 0);
    assert_int_equal(s.n->in_count, 4);
    assert_int_equal(s.n->out_count, 4);
    assert_int_equal(ta_network_input(s.n, "y"), -1);
    assert_int_equal(ta_network_output(s.n, "x"), -1);
    const struct ta_tensor_shape *n1 = &s.n->out[ta_network_output(s.n, "n1")];
    assert_int_equal(n1->element, TA_ELEMENT_INT64);
    assert_int_equal(n1->count, 1);
    assert_int_equal(s.n->out[ta_network_output(s.n, "free")].count, 0);
    assert_int_equal(s.n->in[ta_network_input(s.n, "x")].dim[2], -1);
    assert_int_equal(run_blocks(&s), 0);
    assert_int_equal(s.wrong, 0);
    capture_expect(&messages, "");
    ta_network_unload(&s.n);
    ta_engine_close(&e);
    ta_buf_release(&model);
}

static void test_what_does_not_fit(void **state)
{
    (void)state;
    struct ta_engine *e = open_engine(0, messages.log);
    struct ta_buf model = recurrent();
    struct sound s = {0};
    assert_int_equal(e->info->load(e, ta_buf_text(&model), model.size, 0, &s.n, messages.log), 0);
    struct ta_tensor x = {s.x, 3, {1, 1, 4}, NULL}, h = {s.h[0], 3, {2, 1, 3}, NULL},
                     n = {NULL, 1, {1}, s.count}, form = {NULL, 1, {3}, (int64_t[]){1, 1, 4}},
                     in[4] = {x, h, n, form};
    struct ta_tensor n1 = {NULL, 1, {1}, &s.count[1]}, whole = {s.free, 3, {1, 1, 4}, NULL},
                     y = {s.y, 3, {1, 1, 12}, NULL}, h1 = {s.h[1], 3, {2, 1, 3}, NULL};
    struct ta_tensor out[4] = {n1, whole, y, h1};
    s.y[12] = s.free[3] = s.free[4] = 42; // behind what may be written
    assert_int_equal(e->info->run(s.n, in, out, messages.log), 0);
    assert_true(s.y[12] == 42 && s.free[4] == 42 && s.free[3] == 0);

    in[2] = (struct ta_tensor){s.x, 1, {1}, NULL}; // numbers of the other kind
    assert_int_equal(e->info->run(s.n, in, out, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's input \"n\" is of whole numbers of 64 bit");
    in[2] = n;
    in[0].data = NULL;
    assert_int_equal(e->info->run(s.n, in, out, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's input \"x\" is of 32 bit numbers");
    in[0] = x;
    in[1].dim[0] = 1;
    assert_int_equal(e->info->run(s.n, in, out, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "the network's input \"h\" is 2 x 1 x 3, not 1 x 1 x 3");
    in[1] = h;
    s.free[2] = s.free[3] = 42;
    out[1].dim[2] = 2; // less than comes out, where the file does not tell
    assert_int_equal(e->info->run(s.n, in, out, messages.log), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "ONNX Runtime: running a network: ");
    assert_true(s.free[2] == 42 && s.free[3] == 42);
    out[1] = (struct ta_tensor){s.free, 2, {1, 4}, NULL}; // as much, in another form
    assert_true(e->info->run(s.n, in, out, messages.log) < 0);
    out[1] = whole;
    assert_int_equal(e->info->run(s.n, in, out, messages.log), 0);
    ta_network_unload(&s.n);
    ta_engine_close(&e);
    ta_buf_release(&model);
}

// ---- through the cache ----

static int open_here(struct ta_engine **out, const struct ta_engine_info *engine, const char *named,
                     int threads, size_t memory, struct ta_log *log)
{
    (void)engine;
    (void)named;
    (void)threads;
    (void)memory;
    *out = open_engine(0, log);
    return 0;
}

static void test_ten_files_load_once(void **state)
{
    (void)state;
    struct ta_engine *probe = open_engine(0, messages.log), *e;
    char path[] = "/tmp/ta_onnx_sound_XXXXXX", sum[TA_SHA256_HEX];
    struct ta_buf model = recurrent();
    struct ta_env env = {.log = messages.log};
    struct ta_sessions_stats stats;
    struct sound users[2] = {{0}, {0}};
    struct ta_thread *thread = NULL;
    ta_engine_close(&probe);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, ta_buf_text(&model), model.size), model.size);
    close(fd);
    ta_sha256_hex(ta_buf_text(&model), model.size, sum);
    ta_runtimes_create(&env.runtimes, open_here);
    assert_int_equal(ta_sessions_create(&env.sessions, 1 << 20), 0);
    assert_int_equal(ta_runtimes_get(env.runtimes, "onnx", 2, messages.log, &e), 0);
    const struct ta_network_plan plan = {"onnx", e->version, e->devices[0].provider, 2, path, sum, NULL,
                                         NULL,   0};
    const struct ta_session *s[10];
    for (int i = 0; i < 10; i++)
        assert_int_equal(ta_network_session_get(&env, &plan, false, messages.log, &s[i]), 0);
    users[0].n = ta_network_of(s[0]);
    users[1].n = ta_network_of(s[9]);
    assert_ptr_equal(users[0].n, users[1].n);
    assert_int_equal(ta_thread_create(&thread, "sound", run_blocks, &users[1]), 0);
    assert_int_equal(run_blocks(&users[0]), 0);
    assert_int_equal(ta_thread_join(&thread), 0);
    assert_int_equal(users[0].wrong + users[1].wrong, 0);
    for (int i = 0; i < 10; i++)
        ta_sessions_put(env.sessions, &s[i]);
    ta_sessions_get_stats(env.sessions, &stats);
    assert_int_equal(stats.loads, 1);
    assert_int_equal(stats.hits, 9);
    for (int i = 0; i < 2; i++) { // another limit of memory is another session, of the same engine
        ta_runtimes_limit_memory(env.runtimes, 1 << 30);
        assert_int_equal(ta_network_session_get(&env, &plan, false, messages.log, &s[i]), 0);
        assert_ptr_equal(ta_network_of(s[i])->engine, e);
        ta_sessions_put(env.sessions, &s[i]);
    }
    ta_sessions_get_stats(env.sessions, &stats);
    assert_int_equal(stats.loads, 2);
    assert_int_equal(stats.hits, 10);
    const struct ta_network_plan older = {"onnx", "1.0", e->devices[0].provider, 2, path, sum, NULL, NULL, 0};
    assert_int_equal(ta_network_session_get(&env, &older, false, messages.log, &s[0]), TA_ERR_MISMATCH);
    capture_expect_error(&messages, "planned with onnx 1.0, and here is ");
    ta_sessions_destroy(&env.sessions);
    ta_runtimes_destroy(&env.runtimes);
    unlink(path);
    ta_buf_release(&model);
}

// ---- the real ones ----

enum { NUMBERS = 1 << 16 };

// Runs a network of a file on silence: open lengths are `open`, those of outputs as `outputs` says.
static void run_asset(struct ta_engine *e, const char *name, int open, const int (*outputs)[5])
{
    const char *assets = getenv("TA_ASSETS"), *root = getenv("TA_SOURCE_ROOT");
    char *path = assets ? ta_xprintf("%s/models/audio/%s", assets, name)
                        : ta_xprintf("%s/../shared/assets/models/audio/%s", root ? root : ".", name);
    struct ta_buf file = {0};
    struct ta_network *n = NULL;
    struct ta_tensor in[8], out[8];
    if (access(path, R_OK) < 0) {
        free(path);
        ta_engine_close(&e);
        skip();
    }
    assert_int_equal(ta_file_read(path, 1 << 24, &file, messages.log), 0);
    assert_int_equal(e->info->load(e, ta_buf_text(&file), file.size, 0, &n, messages.log), 0);
    assert_true(n->in_count <= 8 && n->out_count <= 8);
    for (int i = 0; i < n->in_count; i++) {
        in[i] = (struct ta_tensor){ta_xcalloc(NUMBERS, sizeof(float)), n->in[i].count, {0}, NULL};
        for (int d = 0; d < in[i].count; d++)
            in[i].dim[d] = n->in[i].dim[d] < 0 ? open : n->in[i].dim[d];
    }
    for (int i = 0; i < n->out_count; i++) {
        out[i] = (struct ta_tensor){ta_xcalloc(NUMBERS, sizeof(float)), 0, {0}, NULL};
        out[i].data[0] = NAN;
        for (; out[i].count < 5 && outputs[i][out[i].count]; out[i].count++)
            out[i].dim[out[i].count] = outputs[i][out[i].count];
    }
    assert_int_equal(e->info->run(n, in, out, messages.log), 0);
    for (int i = 0; i < n->out_count; i++)
        for (int k = 0; k < NUMBERS; k++)
            assert_true(isfinite(out[i].data[k]));
    for (int i = 0; i < n->in_count; i++)
        free(in[i].data);
    for (int i = 0; i < n->out_count; i++)
        free(out[i].data);
    ta_network_unload(&n);
    ta_buf_release(&file);
    free(path);
}

static void test_asset_networks(void **state)
{
    (void)state;
    // Seven blocks through DeepFilterNet3; its encoder's last output has no shape in the streaming form.
    static const int enc[][5] = {{1, 64, 7, 32}, {1, 64, 7, 16}, {1, 64, 7, 8}, {1, 64, 7, 8},
                                 {1, 7, 512},    {1, 64, 7, 96}, {1, 7, 1}};
    static const int gru[][5] = {{1, 1, 512}, {1, 1, 1}, {1, 1, 256}};
    static const int erb[][5] = {{1, 1, 7, 32}};
    static const int df[][5] = {{1, 7, 96, 10}, {1, 7, 1}};
    static const int gtcrn[][5] = {{1, 257, 1, 2}, {2, 1, 16, 16, 33}, {2, 3, 1, 1, 16}, {2, 1, 33, 16}};
    static const int flashsr[][5] = {{1, 1, 4800}};
    struct ta_engine *e = open_engine(0, messages.log);
    run_asset(e, "dfn3/enc.onnx", 7, enc);
    run_asset(e, "dfn3/enc_gru_streaming.onnx", 1, gru);
    run_asset(e, "dfn3/erb_dec.onnx", 7, erb);
    run_asset(e, "dfn3/df_dec.onnx", 7, df);
    run_asset(e, "gtcrn/gtcrn_simple.onnx", 1, gtcrn);
    run_asset(e, "flashsr/model_lite.onnx", 1600, flashsr);
    ta_engine_close(&e);
    capture_expect(&messages, "");
}

static int setup(void **state)
{
    (void)state;
    capture_init(&messages);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    capture_release(&messages);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_state_and_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ten_files_load_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_networks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
