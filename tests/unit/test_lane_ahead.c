// suite: thread
// A lane read ahead gives what its inner lane gives, at whatever pace either side runs.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/folder.h"
#include "base/mem.h"
#include "media/mux/lane_ahead.h"

enum { RATE = 48000 };

// Gives `count` packets, sleeping before each, then `end`.
struct fake {
    struct ta_lane lane;
    int given, count, end, sleep_us;
    atomic_int *alive;
};

static void fill(AVPacket *p, int i)
{
    assert_int_equal(av_new_packet(p, 1 + i * 7 % 300), 0);
    memset(p->data, i, (size_t)p->size);
    p->pts = 1024 * i;
    p->dts = 1024 * i - 3;
    p->duration = 1024 - i % 2;
    p->flags = i % 3 ? AV_PKT_FLAG_KEY : AV_PKT_FLAG_DISCARD;
    if (i % 4 == 1)
        memset(av_packet_new_side_data(p, AV_PKT_DATA_SKIP_SAMPLES, 10), i, 10);
    if (i % 8 == 1)
        memset(av_packet_new_side_data(p, AV_PKT_DATA_NEW_EXTRADATA, 33), i + 1, 33);
}

static int next(struct ta_lane *lane, AVPacket *p)
{
    struct fake *f = (struct fake *)lane;
    if (f->sleep_us)
        nanosleep(&(struct timespec){0, f->sleep_us * 1000L}, NULL);
    if (f->given == f->count)
        return f->end;
    if (!f->given)
        lane->parameters->bit_rate = 12345; // refined by the first call
    fill(p, f->given++);
    return 1;
}

static void destroy(struct ta_lane *lane)
{
    struct fake *f = (struct fake *)lane;
    atomic_fetch_sub(f->alive, 1);
    avcodec_parameters_free(&lane->parameters);
    free(f);
}

static struct ta_lane *make_fake(int count, int end, int sleep_us, atomic_int *alive)
{
    struct fake *f = ta_xcalloc(1, sizeof *f);
    f->lane = (struct ta_lane){
        .next = next, .destroy = destroy, .time_base = {1, RATE}, .parameters = avcodec_parameters_alloc()};
    f->count = count;
    f->end = end;
    f->sleep_us = sleep_us;
    f->alive = alive;
    atomic_fetch_add(alive, 1);
    return &f->lane;
}

static void expect(struct ta_lane *lane, int i)
{
    AVPacket *is = av_packet_alloc(), *want = av_packet_alloc();
    fill(want, i);
    assert_int_equal(lane->next(lane, is), 1);
    assert_int_equal(is->pts, want->pts);
    assert_int_equal(is->dts, want->dts);
    assert_int_equal(is->duration, want->duration);
    assert_int_equal(is->flags, want->flags);
    assert_int_equal(is->size, want->size);
    assert_memory_equal(is->data, want->data, (size_t)want->size);
    assert_int_equal(is->side_data_elems, want->side_data_elems);
    for (int k = 0; k < want->side_data_elems; k++) {
        assert_int_equal(is->side_data[k].type, want->side_data[k].type);
        assert_int_equal(is->side_data[k].size, want->side_data[k].size);
        assert_memory_equal(is->side_data[k].data, want->side_data[k].data, want->side_data[k].size);
    }
    av_packet_free(&is);
    av_packet_free(&want);
}

static char *folder(void)
{
    char *dir = ta_xstrdup("/tmp/ta-ahead-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void expect_empty(char *dir)
{
    assert_int_equal(rmdir(dir), 0); // fails when anything is in it
    free(dir);
}

static int ahead_in(struct ta_lane **lane, struct ta_lane *inner, const char *dir)
{
    struct ta_folder f;
    if (ta_folder_hold(&f, dir, NULL) < 0) // one that is gone takes the lane, too
        f = (struct ta_folder){.fd = -1, .path = dir};
    int err = ta_lane_ahead(lane, inner, &f, NULL);
    ta_folder_close(&f);
    return err;
}

static void test_same_packets(void **state)
{
    (void)state;
    static const struct {
        int count, writer_us, reader_us;
    } rows[] = {{1, 0, 0}, {500, 0, 0}, {40, 300, 0}, {40, 0, 300}};
    for (size_t r = 0; r < TA_COUNT(rows); r++) {
        atomic_int alive = 0;
        char *dir = folder();
        struct ta_lane *lane = NULL;
        assert_int_equal(ahead_in(&lane, make_fake(rows[r].count, 0, rows[r].writer_us, &alive), dir), 0);
        assert_int_equal(lane->parameters->bit_rate, 12345);
        assert_int_equal(lane->time_base.den, RATE);
        for (int i = 0; i < rows[r].count; i++) {
            if (rows[r].reader_us)
                nanosleep(&(struct timespec){0, rows[r].reader_us * 1000L}, NULL);
            expect(lane, i);
        }
        AVPacket *p = av_packet_alloc();
        assert_int_equal(lane->next(lane, p), 0);
        assert_int_equal(lane->next(lane, p), 0);
        av_packet_free(&p);
        assert_true(ta_lane_ahead_bytes(lane) > rows[r].count);
        assert_int_equal(ta_lane_ahead_error(lane), 0);
        ta_lane_destroy(&lane);
        assert_int_equal(alive, 0);
        expect_empty(dir);
    }
}

static void test_empty(void **state)
{
    (void)state;
    atomic_int alive = 0;
    char *dir = folder();
    struct ta_lane *lane = NULL;
    assert_int_equal(ahead_in(&lane, make_fake(0, 0, 0, &alive), dir), 0);
    AVPacket *p = av_packet_alloc();
    assert_int_equal(lane->next(lane, p), 0);
    av_packet_free(&p);
    ta_lane_destroy(&lane);
    assert_int_equal(alive, 0);
    expect_empty(dir);
}

static void test_failure_comes_in_its_place(void **state)
{
    (void)state;
    atomic_int alive = 0;
    char *dir = folder();
    struct ta_lane *lane = NULL;
    assert_int_equal(ahead_in(&lane, make_fake(5, TA_ERR_DAMAGED, 0, &alive), dir), 0);
    for (int i = 0; i < 5; i++)
        expect(lane, i);
    AVPacket *p = av_packet_alloc();
    assert_int_equal(lane->next(lane, p), TA_ERR_DAMAGED);
    av_packet_free(&p);
    assert_int_equal(ta_lane_ahead_error(lane), TA_ERR_DAMAGED);
    ta_lane_destroy(&lane);

    assert_int_equal(ahead_in(&lane, make_fake(0, TA_ERR_IO, 0, &alive), dir), TA_ERR_IO);
    assert_null(lane);
    assert_int_equal(ahead_in(&lane, make_fake(3, 0, 0, &alive), "/nowhere/at/all"), TA_ERR_IO);
    assert_null(lane);
    assert_int_equal(alive, 0);
    expect_empty(dir);
}

static void test_stops_early(void **state)
{
    (void)state;
    atomic_int alive = 0;
    char *dir = folder();
    struct ta_lane *lane = NULL;
    // It would take ten minutes to its end.
    assert_int_equal(ahead_in(&lane, make_fake(600000, 0, 1000, &alive), dir), 0);
    expect(lane, 0);
    ta_lane_destroy(&lane);
    assert_int_equal(alive, 0);
    expect_empty(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_packets),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_failure_comes_in_its_place),
        cmocka_unit_test(test_stops_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
