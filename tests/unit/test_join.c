// Timestamps of the join: from ordinals in segments to times of the output.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dir.h"
#include "base/mem.h"
#include "media/mux/segfile.h"
#include "restore/join.h"

// How an encoder reorders: the ordinals of a segment in decoding order.
enum pattern { IN_ORDER, ONE_B, PYRAMID };

// Ordinals of `n` frames in decoding order.
static void order_of(enum pattern pattern, int n, int *out)
{
    int i = 0, next = 0;
    out[i++] = next++;
    while (next < n) {
        int group = pattern == IN_ORDER ? 1 : pattern == ONE_B ? 2 : 4;
        if (next + group > n)
            group = n - next;
        // The last of the group first, then (pyramid) the middle, then the rest.
        out[i++] = next + group - 1;
        int middle = pattern == PYRAMID && group == 4 ? next + 1 : -1;
        if (middle >= 0)
            out[i++] = middle;
        for (int k = next; k < next + group - 1; k++)
            if (k != middle)
                out[i++] = k;
        next += group;
    }
}

struct fixture {
    char dir[64];
    struct ta_index index;
    struct ta_plan plan;
    struct ta_work work;
};

static void write_segment(struct fixture *x, int k, enum pattern pattern)
{
    AVCodecContext *c = avcodec_alloc_context3(NULL);
    c->codec_type = AVMEDIA_TYPE_VIDEO;
    c->codec_id = AV_CODEC_ID_H264;
    c->width = c->height = 64;
    c->time_base = (AVRational){1, 25};
    struct ta_segment s = ta_plan_segment(&x->plan, k);
    int *order = ta_xcalloc((size_t)s.out_count, sizeof *order);
    order_of(pattern, (int)s.out_count, order);
    char *path = ta_work_task_path(&x->work, k);
    struct ta_segwriter *w = NULL;
    int fd = ta_folder_create(&x->work.folder, ta_path_name(path), NULL);
    assert_true(fd >= 0);
    assert_int_equal(ta_segwriter_create(&w, fd, path, c, NULL), 0);
    AVPacket *pkt = av_packet_alloc();
    struct ta_segment_result r = {0};
    for (int i = 0; i < s.out_count; i++) {
        assert_int_equal(av_new_packet(pkt, 8), 0);
        memset(pkt->data, i, 8);
        pkt->pts = order[i];
        pkt->dts = i;
        pkt->flags = i ? 0 : AV_PKT_FLAG_KEY;
        r.delay = TA_MAX(r.delay, i - order[i]);
        assert_int_equal(ta_segwriter_write(w, pkt), 0);
    }
    assert_int_equal(ta_segwriter_finish(w, &r.frames, &r.bytes, r.sha256), 0);
    ta_segment_to_done(&r, &x->work.done[k]);
    ta_segwriter_destroy(&w);
    av_packet_free(&pkt);
    avcodec_free_context(&c);
    free(order);
    free(path);
}

static void set_up(struct fixture *x, int64_t frames, int64_t per_segment, int fields, bool variable)
{
    memset(x, 0, sizeof *x);
    snprintf(x->dir, sizeof x->dir, "/tmp/ta-test-join-XXXXXX");
    assert_non_null(mkdtemp(x->dir));
    x->index.time_base = (AVRational){1, 1000};
    x->index.frame_count = (size_t)frames;
    x->index.frames = ta_xcalloc((size_t)frames, sizeof *x->index.frames);
    int64_t t = 1000;
    for (int64_t i = 0; i < frames; i++) {
        x->index.frames[i].pts = t;
        t += variable ? 20 + i % 3 * 17 : 40;
    }
    x->index.end_pts = t;
    struct ta_plan *p = &x->plan;
    p->index = &x->index;
    p->frame_count = frames;
    p->fields = fields;
    p->deinterlaced = true;
    p->time_scale = 2;
    p->out_time_base = (AVRational){1, 2000};
    p->offset = 2000;
    p->runs = ta_xcalloc(1, sizeof *p->runs);
    p->runs[0] = (struct ta_scan_run){0, frames, TA_SCAN_TFF};
    p->run_count = 1;
    p->cuts = ta_xcalloc((size_t)(frames / per_segment) + 2, sizeof *p->cuts);
    for (int64_t f = 0; f + per_segment <= frames; f += per_segment)
        p->cuts[p->segment_count++] = f;
    p->cuts[p->segment_count] = frames;
    p->out_frames = frames * fields;
    x->work = (struct ta_work){.dir = x->dir, .plan = p};
    assert_int_equal(ta_folder_hold(&x->work.folder, x->dir, NULL), 0);
    x->work.done = ta_xcalloc((size_t)p->segment_count, sizeof *x->work.done);
}

static void tear_down(struct fixture *x)
{
    ta_folder_close(&x->work.folder);
    assert_int_equal(ta_dir_remove(x->dir, NULL), 0);
    free(x->index.frames);
    free(x->plan.runs);
    free(x->plan.cuts);
    free(x->work.done);
}

static int by_value(const void *a, const void *b)
{
    int64_t u = *(const int64_t *)a, v = *(const int64_t *)b;
    return (u > v) - (u < v);
}

// Every packet once, presentation times those of the timeline, decoding times rising and never after the
// presentation.
static void check_lane(struct fixture *x)
{
    struct ta_lane *lane = NULL;
    assert_int_equal(ta_join_video_lane(&lane, &x->work, NULL), 0);
    AVPacket *pkt = av_packet_alloc();
    int64_t *times = ta_xcalloc((size_t)x->plan.out_frames, sizeof *times);
    int64_t n = 0, last_dts = INT64_MIN;
    while (lane->next(lane, pkt) == 1) {
        assert_true(n < x->plan.out_frames);
        assert_true(pkt->dts > last_dts);
        assert_true(pkt->pts >= pkt->dts);
        assert_true(pkt->duration > 0);
        last_dts = pkt->dts;
        times[n++] = pkt->pts;
        av_packet_unref(pkt);
    }
    assert_int_equal(n, x->plan.out_frames);
    qsort(times, (size_t)n, sizeof *times, by_value);
    n = 0;
    for (int64_t f = 0; f < x->plan.frame_count; f++)
        for (int field = 0; field < x->plan.fields; field++)
            assert_int_equal(times[n++], ta_plan_time_of(&x->plan, &x->index, f, field));
    assert_int_equal(times[0], 0);
    free(times);
    av_packet_free(&pkt);
    ta_lane_destroy(&lane);
}

static void times_of_all_patterns(void **state)
{
    (void)state;
    static const int64_t lengths[][2] = {{1, 1}, {2, 2}, {3, 3}, {20, 20}, {60, 20}, {61, 20}, {100, 16}};
    for (size_t i = 0; i < TA_COUNT(lengths); i++)
        for (int fields = 1; fields <= 2; fields++)
            for (int variable = 0; variable < 2; variable++)
                for (int first = IN_ORDER; first <= PYRAMID; first++) {
                    struct fixture x;
                    set_up(&x, lengths[i][0], lengths[i][1], fields, variable);
                    // Segments that reorder differently: the largest delay serves all.
                    for (int k = 0; k < x.plan.segment_count; k++)
                        write_segment(&x, k, (enum pattern)((first + k) % 3));
                    check_lane(&x);
                    tear_down(&x);
                }
}

static void missing_or_changed_segments_are_found(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 60, 20, 1, false);
    for (int k = 0; k < 3; k++)
        write_segment(&x, k, ONE_B);
    char *path = ta_work_task_path(&x.work, 1);
    assert_int_equal(truncate(path, x.work.done[1].bytes / 2), 0);
    struct ta_lane *lane = NULL;
    assert_int_equal(ta_join_video_lane(&lane, &x.work, NULL), 0);
    AVPacket *pkt = av_packet_alloc();
    int got;
    while ((got = lane->next(lane, pkt)) == 1)
        av_packet_unref(pkt);
    assert_true(got < 0);
    ta_lane_destroy(&lane);
    unlink(path);
    assert_int_equal(ta_join_video_lane(&lane, &x.work, NULL), 0);
    while ((got = lane->next(lane, pkt)) == 1)
        av_packet_unref(pkt);
    assert_true(got < 0);
    ta_lane_destroy(&lane);
    av_packet_free(&pkt);
    free(path);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_all_patterns),
        cmocka_unit_test(missing_or_changed_segments_are_found),
    };
    ta_av_listen();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
