// suite: thread
// Ranges of packets that are decoded side by side: where they are cut, and who gets which packets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/index/index_ranges.h"

static struct ta_index_packet *packets(size_t count, size_t gop, uint32_t size)
{
    struct ta_index_packet *p = ta_xcalloc(count, sizeof *p);
    for (size_t i = 0; i < count; i++)
        p[i] = (struct ta_index_packet){.size = size, .flags = gop && i % gop == 0 ? TA_PACKET_KEY : 0};
    return p;
}

static void covered(const struct ta_packet_range *r, int n, size_t count)
{
    assert_int_equal(r[0].first, 0);
    assert_int_equal(r[n - 1].end, count);
    for (int i = 0; i < n; i++) {
        assert_true(r[i].from <= r[i].first && r[i].end <= r[i].to && r[i].to <= count);
        if (i)
            assert_int_equal(r[i].first, r[i - 1].end);
    }
}

static void cuts_lie_on_keys(void **state)
{
    (void)state;
    struct ta_packet_range *r;
    struct ta_index_packet *p = packets(2000, 12, 5000);
    int n = ta_packet_ranges(&r, p, 2000, AV_CODEC_ID_MPEG2VIDEO, 1);
    assert_int_equal(n, 8); // of 264 packets, the first multiple of 12 from 256 on
    covered(r, n, 2000);
    assert_int_equal(r[1].first, 264);
    assert_int_equal(r[1].from, 252); // leading pictures refer to the group before
    assert_true(r[0].to > 264 + 2);
    free(r);
    n = ta_packet_ranges(&r, p, 2000, AV_CODEC_ID_H264, 2);
    assert_int_equal(r[1].from, 240); // a recovery point is not sure by itself
    covered(r, n, 2000);
    free(r);
    free(p);
    // Large packets make shorter ranges.
    p = packets(2000, 1, 144000);
    n = ta_packet_ranges(&r, p, 2000, AV_CODEC_ID_DVVIDEO, 0);
    covered(r, n, 2000);
    assert_int_equal(r[1].from, r[1].first);
    assert_in_range(r[1].end - r[1].first, 24, 64);
    free(r);
    free(p);
}

static void one_range_where_it_must_be(void **state)
{
    (void)state;
    struct ta_packet_range *r;
    struct ta_index_packet *p = packets(3000, 12, 5000);
    // Its decoder remembers more than pictures.
    assert_int_equal(ta_packet_ranges(&r, p, 3000, AV_CODEC_ID_MPEG4, 2), 1);
    covered(r, 1, 3000);
    free(r);
    free(p);
    // A single key in hours: all would be held in memory.
    p = packets(20000, 0, 20000);
    p[0].flags = p[300].flags = TA_PACKET_KEY;
    assert_int_equal(ta_packet_ranges(&r, p, 20000, AV_CODEC_ID_H264, 2), 1);
    covered(r, 1, 20000);
    free(r);
    free(p);
}

struct seen {
    const struct ta_packet_range *ranges;
    int calls[64], fail_at;
};

static int see(void *arg, int i, AVPacket *const *list)
{
    struct seen *s = arg;
    s->calls[i]++; // one thread has one range
    for (size_t n = s->ranges[i].from; n < s->ranges[i].to; n++)
        if (list[n - s->ranges[i].from]->pts != (int64_t)n)
            s->calls[i] += 100;
    return i == s->fail_at ? TA_ERR_DAMAGED : 0;
}

static int give_all(struct seen *s, int n, size_t count)
{
    struct ta_range_crew *crew;
    AVPacket *packet = av_packet_alloc();
    int err = ta_range_crew_create(&crew, s->ranges, n, see, s);
    assert_int_equal(err, 0);
    for (size_t i = 0; err >= 0 && i < count; i++) {
        assert_int_equal(av_new_packet(packet, 100), 0);
        packet->pts = (int64_t)i;
        err = ta_range_crew_give(crew, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return ta_range_crew_finish(&crew, err);
}

static void each_range_gets_its_packets(void **state)
{
    (void)state;
    struct ta_packet_range *r;
    struct ta_index_packet *p = packets(5000, 10, 100);
    int n = ta_packet_ranges(&r, p, 5000, AV_CODEC_ID_HEVC, 4);
    assert_in_range(n, 10, 64);
    struct seen s = {.ranges = r, .fail_at = -1};
    assert_int_equal(give_all(&s, n, 5000), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(s.calls[i], 1);
    // A range that fails stops all, with its own error.
    struct seen t = {.ranges = r, .fail_at = 2};
    assert_int_equal(give_all(&t, n, 5000), TA_ERR_DAMAGED);
    // A reader that stops early: nothing hangs, nothing leaks.
    struct seen u = {.ranges = r, .fail_at = -1};
    struct ta_range_crew *crew;
    assert_int_equal(ta_range_crew_create(&crew, r, n, see, &u), 0);
    assert_int_equal(ta_range_crew_finish(&crew, TA_ERR_IO), TA_ERR_IO);
    free(r);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_lie_on_keys),
        cmocka_unit_test(one_range_where_it_must_be),
        cmocka_unit_test(each_range_gets_its_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
