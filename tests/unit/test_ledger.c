// suite: thread
// The ledger: sums of many threads, waits at queues, spans; pictures put aside in a file and read again.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/dir.h"
#include "base/folder.h"
#include "base/ledger.h"
#include "base/thread.h"
#include "media/picture/lossless.h"

enum { THREADS = 4, TIMES = 20000 };

static int add_many(void *arg)
{
    for (int i = 0; i < TIMES; i++)
        ta_ledger_add(ta_ledger_row(arg, "stage", i % 2 ? "scale.a" : "scale.b"), 0.001, 0.0005, 1, 3);
    ta_ledger_span(arg, "work", ta_clock_seconds(), ta_clock_seconds());
    return 0;
}

static void test_sums(void **state)
{
    (void)state;
    struct ta_ledger *l;
    struct ta_thread *threads[THREADS];
    assert_int_equal(ta_ledger_create(&l), 0);
    ta_ledger_keep_spans(l, THREADS - 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(ta_thread_create(&threads[i], "adds", add_many, l), 0);
    for (int i = 0; i < THREADS; i++)
        ta_thread_join(&threads[i]);
    struct ta_ledger_sum one = ta_ledger_sum(ta_ledger_row(l, "stage", "scale.a")),
                         both = ta_ledger_sum_of(l, "stage", "scale."),
                         none = ta_ledger_sum_of(l, "wait", "");
    assert_int_equal(one.count, THREADS * TIMES / 2);
    assert_int_equal(both.count, THREADS * TIMES);
    assert_int_equal(both.bytes, 3 * THREADS * TIMES);
    assert_true(both.wall > 79.99 && both.wall < 80.01 && both.cpu > 39.99 && both.cpu < 40.01);
    assert_int_equal(none.count, 0);
    json_t *o = ta_ledger_json(l);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 2);
    assert_int_equal(json_array_size(json_object_get(o, "spans")), THREADS - 1);
    assert_int_equal(json_integer_value(json_object_get(o, "spans_lost")), 1);
    json_decref(o);
    // Nobody asks: nothing happens.
    ta_ledger_add(ta_ledger_row(NULL, "stage", "a"), 1, 1, 1, 1);
    ta_ledger_span(NULL, "a", 0, 1);
    ta_ledger_destroy(&l);
}

static int pop_one(void *arg)
{
    void *item;
    return ta_queue_pop(arg, &item);
}

static void test_waits(void **state)
{
    (void)state;
    struct ta_ledger *l;
    struct ta_queue *q;
    struct ta_thread *thread;
    int item = 0;
    assert_int_equal(ta_ledger_create(&l), 0);
    assert_int_equal(ta_queue_create(&q, 1, 0, NULL), 0);
    ta_queue_note(q, l, "here");
    assert_int_equal(ta_queue_push(q, &item, 1), 0); // there is room: nobody waits
    assert_int_equal(ta_ledger_sum(ta_ledger_row(l, "wait", "here full")).count, 0);
    assert_int_equal(ta_thread_create(&thread, "pops", pop_one, q), 0);
    assert_int_equal(ta_queue_push(q, &item, 1), 0); // waits for the thread, or finds it done
    ta_thread_join(&thread);
    assert_true(ta_ledger_sum(ta_ledger_row(l, "wait", "here full")).count <= 1);
    void *popped;
    assert_int_equal(ta_queue_pop(q, &popped), 0);
    ta_queue_finish(q, 0);
    assert_int_equal(ta_queue_pop(q, &popped), 0); // the end is no wait
    assert_int_equal(ta_ledger_sum(ta_ledger_row(l, "wait", "here empty")).count, 0);
    ta_queue_destroy(&q);
    ta_ledger_destroy(&l);
}

static void test_locks(void **state)
{
    (void)state;
    struct ta_ledger *l;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    assert_int_equal(ta_ledger_create(&l), 0);
    struct ta_ledger_row *row = ta_ledger_row(l, "lock", "of the test");
    ta_ledger_lock(row, &lock);
    assert_int_equal(ta_ledger_sum(row).count, 0);
    pthread_mutex_unlock(&lock);
    ta_ledger_destroy(&l);
}

// ---- pictures ----

static AVFrame *picture(enum AVPixelFormat format, int width, int height, unsigned dice)
{
    AVFrame *f = av_frame_alloc();
    f->format = format;
    f->width = width;
    f->height = height;
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(format);
    int deep = d->comp[0].depth > 8;
    for (int p = 0; p < av_pix_fmt_count_planes(format); p++) {
        int chroma = p == 1 || p == 2, rows = chroma ? AV_CEIL_RSHIFT(height, d->log2_chroma_h) : height;
        int bytes = av_image_get_linesize(format, width, p);
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < bytes; x += 1 + deep) {
                unsigned value = (unsigned)rand_r(&dice) & ((1U << d->comp[0].depth) - 1);
                f->data[p][y * f->linesize[p] + x] = (uint8_t)value;
                if (deep)
                    f->data[p][y * f->linesize[p] + x + 1] = (uint8_t)(value >> 8);
            }
    }
    f->pts = 1000 - dice;
    f->top_field_first = (int)(dice & 1);
    f->interlaced_frame = (int)(dice >> 1 & 1);
    f->color_range = AVCOL_RANGE_JPEG;
    AVFrameSideData *sd = av_frame_new_side_data(f, AV_FRAME_DATA_A53_CC, 3);
    memcpy(sd->data, "abc", 3);
    return f;
}

static void compare(const AVFrame *a, const AVFrame *b)
{
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->pts, b->pts);
    assert_int_equal(a->top_field_first, b->top_field_first);
    assert_int_equal(a->interlaced_frame, b->interlaced_frame);
    assert_int_equal(a->color_range, b->color_range);
    assert_int_equal(a->nb_side_data, b->nb_side_data);
    assert_memory_equal(a->side_data[0]->data, b->side_data[0]->data, 3);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(a->format);
    for (int p = 0; p < av_pix_fmt_count_planes(a->format); p++) {
        int chroma = p == 1 || p == 2,
            rows = chroma ? AV_CEIL_RSHIFT(a->height, d->log2_chroma_h) : a->height;
        for (int y = 0; y < rows; y++)
            assert_memory_equal(a->data[p] + y * a->linesize[p], b->data[p] + y * b->linesize[p],
                                av_image_get_linesize(a->format, a->width, p));
    }
}

static void through_a_file(const struct ta_folder *folder, enum AVPixelFormat format)
{
    enum { COUNT = 5 };
    struct ta_lossless *l;
    AVFrame *in[COUNT], *out;
    assert_int_equal(ta_lossless_create(&l, folder, 2, NULL), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        in[i] = picture(format, 33, 18, i + 1);
        assert_int_equal(ta_lossless_write(l, in[i]), 0);
    }
    assert_int_equal(ta_lossless_frames(l), COUNT);
    assert_true(ta_lossless_bytes(l) > COUNT * 33 * 18 / 2);
    assert_int_equal(ta_lossless_finish(l), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(ta_lossless_read(l, &out), 0);
        compare(in[i], out);
        av_frame_free(&in[i]);
        av_frame_free(&out);
    }
    assert_int_equal(ta_lossless_read(l, &out), 0);
    assert_null(out);
    ta_lossless_destroy(&l);
}

static void test_without_loss(void **state)
{
    (void)state;
    static const enum AVPixelFormat formats[] = {
        AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P10, AV_PIX_FMT_YUV444P12, AV_PIX_FMT_YUV420P16,
        AV_PIX_FMT_GRAY8,   AV_PIX_FMT_GRAY10,    AV_PIX_FMT_GBRP,      AV_PIX_FMT_GBRP16,
        AV_PIX_FMT_YUV411P, AV_PIX_FMT_RGB24,     AV_PIX_FMT_YUV440P10,
    };
    char path[] = "/tmp/ta-lossless-XXXXXX", **names;
    struct ta_folder folder;
    assert_non_null(mkdtemp(path));
    assert_int_equal(ta_folder_hold(&folder, path, NULL), 0);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        through_a_file(&folder, formats[i]);
    // Nothing was ever put into it, and nothing is left.
    struct ta_lossless *l;
    AVFrame *none;
    assert_int_equal(ta_lossless_create(&l, &folder, 1, NULL), 0);
    assert_int_equal(ta_lossless_finish(l), 0);
    assert_int_equal(ta_lossless_read(l, &none), 0);
    assert_null(none);
    assert_int_equal(ta_folder_list(&folder, &names, NULL), 0);
    ta_dir_list_free(&names);
    ta_lossless_destroy(&l);
    ta_folder_close(&folder);
    ta_dir_remove(path, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
