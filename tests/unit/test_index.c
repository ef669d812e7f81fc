// The frame list as a pure function of packets, repaired times, starts of reading, and the index as bytes.
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

#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/index/index_frames.h"
#include "media/reader_start.h"

enum { KEY = TA_PACKET_KEY, TOP = TA_PACKET_FIELD_TOP, BOTTOM = TA_PACKET_FIELD_BOTTOM };
#define NONE AV_NOPTS_VALUE

struct row {
    int64_t pts;
    unsigned flags;
};

static size_t fill(struct ta_index_packet *packets, const struct row *rows, size_t count)
{
    memset(packets, 0, count * sizeof(*packets));
    for (size_t i = 0; i < count; i++) {
        packets[i].pts = rows[i].pts;
        packets[i].flags = (uint16_t)rows[i].flags;
    }
    return count;
}

struct list_case {
    const char *name;
    struct row rows[12];
    size_t count;
    int delay;
    int64_t wrap;
    int result; // 1: a list, 0: not proven
    uint32_t order[12];
    int64_t times[12];
    size_t frames;
};

static const struct list_case list_cases[] = {
    {"in order", {{0, KEY}, {1, 0}, {2, 0}}, 3, 0, 0, 1, {0, 1, 2}, {0, 1, 2}, 3},
    {"B pictures",
     {{0, KEY}, {3, 0}, {1, 0}, {2, 0}, {4, 0}},
     5,
     1,
     0,
     1,
     {0, 2, 3, 1, 4},
     {0, 1, 2, 3, 4},
     5},
    {"pyramid", {{0, KEY}, {4, 0}, {2, 0}, {1, 0}, {3, 0}}, 5, 2, 0, 1, {0, 3, 2, 4, 1}, {0, 1, 2, 3, 4}, 5},
    {"more reordering than stated", {{0, KEY}, {4, 0}, {2, 0}, {1, 0}, {3, 0}}, 5, 1, 0, 0, {0}, {0}, 0},
    {"intra that goes back", {{0, KEY}, {2, KEY}, {1, KEY}}, 3, 0, 0, 0, {0}, {0}, 0},
    {"missing time", {{0, KEY}, {NONE, 0}, {2, 0}}, 3, 0, 0, 0, {0}, {0}, 0},
    {"time twice", {{0, KEY}, {1, 0}, {1, 0}}, 3, 1, 0, 0, {0}, {0}, 0},
    {"time twice, apart", {{0, KEY}, {2, 0}, {1, 0}, {2, 0}}, 4, 2, 0, 0, {0}, {0}, 0},
    {"discarded and hidden ones",
     {{-2, KEY | TA_PACKET_DISCARD}, {-1, TA_PACKET_DISCARD}, {0, 0}, {5, TA_PACKET_HIDDEN}, {1, 0}},
     5,
     0,
     0,
     1,
     {2, 4},
     {0, 1},
     2},
    {"hidden ones need no time", {{0, KEY}, {NONE, TA_PACKET_HIDDEN}, {1, 0}}, 3, 0, 0, 1, {0, 2}, {0, 1}, 2},
    {"only discarded ones", {{0, KEY | TA_PACKET_DISCARD}}, 1, 0, 0, 0, {0}, {0}, 0},
    {"no packets", {{0, 0}}, 0, 0, 0, 0, {0}, {0}, 0},
    {"pairs of fields",
     {{0, KEY | TOP}, {NONE, BOTTOM}, {2, TOP}, {3, BOTTOM}},
     4,
     0,
     0,
     1,
     {0, 2},
     {0, 2},
     2},
    {"pairs of fields and frames",
     {{0, KEY}, {6, TOP}, {7, BOTTOM}, {3, 0}},
     4,
     1,
     0,
     1,
     {0, 3, 1},
     {0, 3, 6},
     3},
    {"fields that start with the bottom", {{0, BOTTOM}, {1, TOP}}, 2, 0, 0, 1, {0}, {0}, 1},
    {"a field without partner",
     {{0, KEY | TOP}, {1, BOTTOM}, {2, TOP}, {4, TOP}, {5, BOTTOM}},
     5,
     0,
     0,
     0,
     {0},
     {0},
     0},
    {"a field without partner at the end", {{0, TOP}, {1, BOTTOM}, {2, TOP}}, 3, 0, 0, 0, {0}, {0}, 0},
    {"whole frames of two fields each", {{0, TOP}, {2, TOP}, {4, TOP}}, 3, 0, 0, 1, {0, 1, 2}, {0, 2, 4}, 3},
    {"a clock that wraps",
     {{98, KEY}, {99, 0}, {0, 0}, {1, 0}},
     4,
     0,
     100,
     1,
     {0, 1, 2, 3},
     {98, 99, 100, 101},
     4},
    {"a clock that wraps between B pictures",
     {{97, KEY}, {0, 0}, {98, 0}, {99, 0}, {3, 0}, {1, 0}, {2, 0}},
     7,
     1,
     100,
     1,
     {0, 2, 3, 1, 5, 6, 4},
     {97, 98, 99, 100, 101, 102, 103},
     7},
    {"a clock that jumps forwards", {{0, KEY}, {1, 0}, {900, KEY}, {901, 0}}, 4, 1, 0, 0, {0}, {0}, 0},
    {"a clock that starts anew", {{98, KEY}, {99, 0}, {0, KEY}, {1, 0}}, 4, 1, 0, 0, {0}, {0}, 0},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t c = 0; c < TA_COUNT(list_cases); c++) {
        const struct list_case *l = &list_cases[c];
        struct ta_index_packet packets[12];
        fill(packets, l->rows, l->count);
        struct ta_index_frame *frames = NULL;
        size_t count = 0;
        const char *why = NULL;
        struct ta_clock_rules rules = {.wrap = l->wrap, .jump = 500, .nominal = 1, .second = 10};
        int result = ta_frames_from_packets(packets, l->count, l->delay, &rules, &frames, &count, &why);
        print_message("%s: %s\n", l->name, why ? why : "a list");
        assert_int_equal(result, l->result);
        assert_int_equal(count, l->frames);
        assert_int_equal(why == NULL, l->result == 1);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(frames[i].packet, l->order[i]);
            assert_int_equal(frames[i].pts, l->times[i]);
        }
        free(frames);
    }
}

static void test_frame_flags(void **state)
{
    (void)state;
    const struct row rows[] = {{0, TA_PACKET_INTERLACED | TA_PACKET_TOP_FIRST},
                               {1, TA_PACKET_INTERLACED},
                               {2, TA_PACKET_REPEAT},
                               {3, BOTTOM | TA_PACKET_INTERLACED},
                               {4, TOP | TA_PACKET_INTERLACED},
                               {5, TOP | TA_PACKET_INTERLACED},
                               {6, BOTTOM | TA_PACKET_INTERLACED}};
    const uint32_t flags[] = {TA_FRAME_INTERLACED | TA_FRAME_TOP_FIRST, TA_FRAME_INTERLACED, TA_FRAME_REPEAT,
                              TA_FRAME_INTERLACED, TA_FRAME_INTERLACED | TA_FRAME_TOP_FIRST};
    struct ta_index_packet packets[TA_COUNT(rows)];
    struct ta_index_frame *frames = NULL;
    size_t count = 0;
    const char *why;
    fill(packets, rows, TA_COUNT(rows));
    struct ta_clock_rules rules = {.nominal = 1, .second = 10};
    assert_int_equal(ta_frames_from_packets(packets, TA_COUNT(rows), 0, &rules, &frames, &count, &why), 1);
    assert_int_equal(count, TA_COUNT(flags));
    for (size_t i = 0; i < count; i++)
        assert_int_equal(frames[i].flags, flags[i]);
    free(frames);
}

static void test_reorder(void **state)
{
    (void)state;
    static const struct {
        struct row rows[8];
        size_t count;
        int depth;
    } cases[] = {
        {{{0, 0}, {1, 0}, {2, 0}}, 3, 0},
        {{{0, 0}, {3, 0}, {1, 0}, {2, 0}}, 4, 1},
        {{{0, 0}, {4, 0}, {2, 0}, {1, 0}, {3, 0}}, 5, 2},
        {{{0, 0}, {3, 0}, {NONE, 0}, {2, 0}}, 4, 1},
        {{{9, TA_PACKET_DISCARD}, {1, 0}, {2, 0}}, 3, 0},
    };
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        struct ta_index_packet packets[8];
        fill(packets, cases[c].rows, cases[c].count);
        assert_int_equal(ta_index_reorder(packets, cases[c].count), cases[c].depth);
    }
    struct ta_index_packet falling[100] = {{0}};
    for (int i = 0; i < 100; i++)
        falling[i].pts = -i;
    assert_int_equal(ta_index_reorder(falling, 100), TA_REORDER_MAX);
}

static void test_check_head(void **state)
{
    (void)state;
    static const struct {
        uint32_t list[8];
        size_t count, fed;
        uint32_t decoded[8];
        size_t decoded_count;
        int64_t result;
    } cases[] = {
        {{0, 2, 3, 1, 4}, 5, 5, {0, 2, 3, 1, 4}, 5, 0},
        {{0, 2, 3, 1, 5, 4}, 6, 4, {0, 2, 3, 1}, 4, 0}, // only a part was fed
        {{1, 2, 0, 4, 5, 3}, 6, 6, {0, 4, 5, 3}, 4, 2}, // an open GOP at the start
        {{0, 1, 2, 3, 4}, 5, 5, {3, 4}, 2, 3},          // a file cut in the middle of a GOP
        {{0, 2, 3, 1, 4}, 5, 5, {0, 3, 1, 4}, 4, -1},   // one is missing in the middle
        {{0, 2, 3, 1, 4}, 5, 5, {0, 2, 3, 1}, 4, -1},   // one is missing at the end
        {{0, 1, 2}, 3, 3, {0, 2, 1}, 3, -1},            // another order
        {{0, 1, 2}, 3, 3, {0, 1, 1, 2}, 4, -1},         // two frames of one packet
        {{0, 1, 2}, 3, 3, {0}, 0, -1},                  // nothing
        {{0, 1}, 2, 2, {7}, 1, -1},                     // something else
    };
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        struct ta_index_frame frames[8] = {{0}};
        for (size_t i = 0; i < cases[c].count; i++)
            frames[i] = (struct ta_index_frame){.pts = (int64_t)i, .packet = cases[c].list[i]};
        int64_t got = ta_frames_check_head(frames, cases[c].count, cases[c].fed, cases[c].decoded,
                                           cases[c].decoded_count);
        print_message("case %zu\n", c);
        assert_int_equal(got, cases[c].result);
    }
}

static void test_time_guess(void **state)
{
    (void)state;
    struct ta_time_guess g = {.last_pts = NONE, .last_dts = NONE};
    assert_int_equal(ta_time_guess_next(&g, 10, 8), 10);
    assert_int_equal(ta_time_guess_next(&g, NONE, 9), 9);
    assert_int_equal(ta_time_guess_next(&g, 12, NONE), 12);
    assert_int_equal(ta_time_guess_next(&g, NONE, NONE), NONE);
    // pts that go back more often than dts are not believed any more.
    struct ta_time_guess bad = {.last_pts = NONE, .last_dts = NONE};
    assert_int_equal(ta_time_guess_next(&bad, 5, 1), 5);
    assert_int_equal(ta_time_guess_next(&bad, 3, 2), 2);
    assert_int_equal(ta_time_guess_next(&bad, 4, 3), 3);
}

static void check_repair(const int64_t *in, const int64_t *out, size_t count, int64_t wrap,
                         const struct ta_index_clock *want, int want_count)
{
    struct ta_index_frame frames[16] = {{0}};
    struct ta_index_clock *clocks = NULL;
    int clock_count = -1;
    for (size_t i = 0; i < count; i++)
        frames[i].pts = in[i];
    struct ta_clock_rules rules = {.wrap = wrap, .jump = 8000, .nominal = 40, .second = 1000};
    ta_frames_repair_times(frames, count, &rules, &clocks, &clock_count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(frames[i].pts, out[i]);
        if (in[i] == NONE)
            assert_true(frames[i].flags & TA_FRAME_TIME_GUESSED);
    }
    assert_int_equal(clock_count, want_count);
    for (int i = 0; i < clock_count; i++) {
        assert_int_equal(clocks[i].frame, want[i].frame);
        assert_int_equal(clocks[i].offset, want[i].offset);
    }
    free(clocks);
}

static void test_repair_times(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t in[8], out[8];
        size_t count;
        int64_t wrap;
        struct ta_index_clock clocks[2];
        int clock_count;
    } cases[] = {
        {"good ones stay", {0, 40, 80, 500}, {0, 40, 80, 500}, 4, 0, {{0}}, 0},
        {"missing inside", {0, NONE, NONE, 120}, {0, 40, 80, 120}, 4, 0, {{0}}, 0},
        {"missing at the ends", {NONE, NONE, 100, 140, NONE}, {20, 60, 100, 140, 180}, 5, 0, {{0}}, 0},
        {"none at all", {NONE, NONE, NONE}, {0, 40, 80}, 3, 0, {{0}}, 0},
        {"doubled", {0, 40, 40, 120, 160}, {0, 40, 80, 120, 160}, 5, 0, {{0}}, 0},
        {"slightly back", {0, 40, 30, 120, 160}, {0, 40, 80, 120, 160}, 5, 0, {{0}}, 0},
        {"clock starts anew",
         {5000, 5040, 5080, 0, 40},
         {5000, 5040, 5080, 5120, 5160},
         5,
         0,
         {{.offset = 5120, .frame = 3}},
         1},
        {"clock wraps",
         {9920, 9960, 0, 40},
         {9920, 9960, 10000, 10040},
         4,
         10000,
         {{.offset = 10000, .frame = 2}},
         1},
        {"a picture from before the wrap",
         {9960, 0, 9980, 40},
         {9960, 10000, 10020, 10040},
         4,
         10000,
         {{.offset = 10000, .frame = 1}},
         1},
        {"decoding times given as presentation times",
         {0, 80, 40, 160, 120, 240, 200, 280},
         {0, 40, 80, 120, 160, 200, 240, 280},
         8,
         0,
         {{0}},
         0},
        {"one in the wrong place",
         {0, 40, 20, 120, 160, 200, 240, 280},
         {0, 40, 80, 120, 160, 200, 240, 280},
         8,
         0,
         {{0}},
         0},
        {"crowded", {0, 1, NONE, NONE, 2, 3}, {0, 1, 2, 3, 4, 5}, 6, 0, {{0}}, 0},
        {"a pause", {0, 40, 8000, 8040}, {0, 40, 8000, 8040}, 4, 0, {{0}}, 0},
        {"clock jumps forwards",
         {0, 40, 90000, 90040},
         {0, 40, 80, 120},
         4,
         0,
         {{.offset = -89920, .frame = 2}},
         1},
        {"three recordings",
         {5000, 5040, 0, 40, 80, 2000, 2040},
         {5000, 5040, 5080, 5120, 5160, 7080, 7120},
         7,
         0,
         {{.offset = 5080, .frame = 2}},
         1},
        {"three recordings, back twice",
         {5000, 5040, 3000, 3040, 3080, 10, 50},
         {5000, 5040, 5080, 5120, 5160, 5200, 5240},
         7,
         0,
         {{.offset = 2080, .frame = 2}, {.offset = 5190, .frame = 5}},
         2},
        {"one garbled time", {0, 40, 900000, 120, 160}, {0, 40, 80, 120, 160}, 5, 0, {{0}}, 0},
    };
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        print_message("%s\n", cases[c].name);
        check_repair(cases[c].in, cases[c].out, cases[c].count, cases[c].wrap, cases[c].clocks,
                     cases[c].clock_count);
    }
}

// Whatever the times are, they come out strictly increasing.
static void test_repair_is_monotonic(void **state)
{
    (void)state;
    uint64_t seed = 12345;
    for (int round = 0; round < 2000; round++) {
        struct ta_index_frame frames[24] = {{0}};
        for (size_t i = 0; i < TA_COUNT(frames); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            int64_t value = (int64_t)(seed >> 40) % (round % 3 ? 50 : 5000000);
            frames[i].pts = seed >> 33 & 3 ? value : NONE;
        }
        struct ta_clock_rules rules = {
            .wrap = round & 1 ? 8192 : 0, .jump = round & 2 ? 20 : 0, .nominal = 3, .second = 10};
        struct ta_index_clock *clocks = NULL;
        int clock_count = 0;
        ta_frames_repair_times(frames, TA_COUNT(frames), &rules, &clocks, &clock_count);
        for (int i = 1; i < clock_count; i++)
            assert_true(clocks[i].frame > clocks[i - 1].frame);
        free(clocks);
        for (size_t i = 1; i < TA_COUNT(frames); i++)
            assert_true(frames[i].pts > frames[i - 1].pts);
    }
}

static void test_measure(void **state)
{
    (void)state;
    static const int64_t regular[] = {0, 33, 67, 100, 133}, gap[] = {0, 40, 80, 1000, 1040},
                         mixed[] = {0, 40, 80, 140, 180};
    struct ta_index_frame frames[5] = {{0}};
    struct ta_index index = {.frames = frames, .frame_count = 5, .time_base = {1, 1000}};
    const struct {
        const int64_t *times;
        int64_t jumps, variable, end;
        double step;
    } cases[] = {{regular, 0, 0, 167, 33.25}, {gap, 1, 1, 1080, 40}, {mixed, 0, 1, 220, 45}};
    for (size_t c = 0; c < TA_COUNT(cases); c++) {
        for (int i = 0; i < 5; i++)
            frames[i].pts = cases[c].times[i];
        index.end_pts = NONE;
        double step = 0;
        assert_int_equal(ta_index_measure(&index, 40, &step), 0);
        assert_int_equal(index.time_jumps, cases[c].jumps);
        assert_int_equal(index.variable, cases[c].variable);
        assert_in_range(index.end_pts, cases[c].end - 1, cases[c].end);
        assert_true(step > cases[c].step - 1e-9 && step < cases[c].step + 1e-9);
        assert_int_equal(ta_index_frame_duration(&index, 0), cases[c].times[1]);
        assert_int_equal(ta_index_frame_duration(&index, 4), index.end_pts - cases[c].times[4]);
    }
    // A single frame lasts as long as the rate says.
    index.frame_count = 1;
    index.end_pts = NONE;
    double step = 0;
    assert_int_equal(ta_index_measure(&index, 40, &step), 0);
    assert_int_equal(index.end_pts, index.frames[0].pts + 40);
}

// Packets: I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8 | I12 B10 B11: open GOPs.
// Packets 0, 1, 1, 2: a third frame of packet 1 is none of the index, whether the others wait or were given.
static void test_reader_number(void **state)
{
    (void)state;
    struct ta_index_frame frames[] = {{.packet = 0}, {.packet = 1}, {.packet = 1}, {.packet = 2}};
    struct ta_index index = {.frames = frames, .frame_count = TA_COUNT(frames)};
    const size_t waiting[] = {1, 2};
    assert_int_equal(ta_reader_number(&index, 1, 0, NULL, 0), 1);
    assert_int_equal(ta_reader_number(&index, 1, 0, waiting, 1), 2);
    assert_int_equal(ta_reader_number(&index, 1, 2, NULL, 0), 2);
    assert_true(ta_reader_number(&index, 1, 0, waiting, 2) == SIZE_MAX);
    assert_true(ta_reader_number(&index, 1, 3, NULL, 0) == SIZE_MAX);
    assert_true(ta_reader_number(&index, 3, 0, (const size_t[]){3}, 1) == SIZE_MAX);
}

static void test_reader_start(void **state)
{
    (void)state;
    static const int times[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11};
    struct ta_index_packet packets[13] = {{0}};
    struct ta_index_frame frames[13] = {{0}};
    for (int i = 0; i < 13; i++) {
        packets[i].pts = times[i];
        packets[i].flags = times[i] % 6 == 0 ? TA_PACKET_KEY : 0;
        frames[times[i]] = (struct ta_index_frame){.pts = times[i], .packet = (uint32_t)i};
    }
    struct ta_index index = {.packets = packets, .packet_count = 13, .frames = frames, .frame_count = 13};
    // HEVC: a leading picture of I6 needs I0; what is shown from I6 on needs nothing before it.
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 5, 0), 0);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 6, 0), 4);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 11, 0), 4);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 12, 0), 10);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 12, 1), 4);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 12, 2), 0);
    // MPEG-4: one key further back.
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_MPEG4, 12, 0), 4);
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_MPEG4, 6, 0), 0);
    // H.264: the same for recovery points, but not for IDR pictures.
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_H264, 12, 0), 4);
    packets[10].flags |= TA_PACKET_CLEAN;
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_H264, 12, 0), 10);
    // Intra only: the frame itself.
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_DVVIDEO, 12, 0), 10);
    // No key at all.
    for (int i = 0; i < 13; i++)
        packets[i].flags = 0;
    assert_int_equal(ta_reader_start_packet(&index, AV_CODEC_ID_HEVC, 12, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_frame_flags),
        cmocka_unit_test(test_reorder),
        cmocka_unit_test(test_check_head),
        cmocka_unit_test(test_time_guess),
        cmocka_unit_test(test_repair_times),
        cmocka_unit_test(test_repair_is_monotonic),
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_reader_start),
        cmocka_unit_test(test_reader_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
