// The index as bytes: what is saved is loaded, and nothing garbled is.
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

#include "base/dir.h"
#include "base/file.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/mem.h"
#include "media/index/index_build.h"
#include "media/index/index_frames.h"
#include "media/reader_start.h"

static struct ta_index *make_index(void)
{
    struct ta_index *index = ta_xcalloc(1, sizeof(*index));
    *index = (struct ta_index){
        .source = {.size_bytes = 123456789012, .mtime_ns = 1700000000123456789},
        .video = 1,
        .time_base = {1, 90000},
        .packets = ta_xcalloc(3, sizeof(struct ta_index_packet)),
        .packet_count = 3,
        .frames = ta_xcalloc(2, sizeof(struct ta_index_frame)),
        .frame_count = 2,
        .end_pts = 9000,
        .streams = ta_xcalloc(2, sizeof(struct ta_index_stream)),
        .stream_count = 2,
        .clocks = ta_xcalloc(1, sizeof(struct ta_index_clock)),
        .clock_count = 1,
        .undecodable_start = 1,
        .time_jumps = 2,
        .variable = 3,
        .format = {.pix_fmt = AV_PIX_FMT_YUV422P10,
                   .width = 720,
                   .height = 576,
                   .sar = {16, 15},
                   .scan = TA_SCAN_TFF,
                   .frame_rate = {25, 1},
                   .time_base = {1, 90000}},
    };
    memset(index->source.head_tail, 'a', 64);
    ta_format_resolve_colour(&index->format);
    for (int i = 0; i < 3; i++)
        index->packets[i] = (struct ta_index_packet){
            .pts = i ? 3600 * i : AV_NOPTS_VALUE,
            .dts = -i,
            .pos = (int64_t)i << 40,
            .size = 1000u + (unsigned)i,
            .check = 0xdeadbeef + (unsigned)i,
            .flags = TA_PACKET_KEY | TA_PACKET_CLEAN,
            .repeat_pict = (uint16_t)i,
        };
    index->frames[0] = (struct ta_index_frame){.pts = -3600, .packet = 2, .flags = TA_FRAME_TIME_GUESSED};
    index->frames[1] = (struct ta_index_frame){.pts = 0, .packet = 1, .flags = TA_FRAME_INTERLACED};
    index->clocks[0] = (struct ta_index_clock){.offset = -5, .frame = 1};
    index->streams[1] = (struct ta_index_stream){-1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 3, 15, 16};
    index->faults = (struct ta_index_faults){
        .places = 1, .cut_off = true, .stated = 20, .held = 10, .missing_time = 3, .late_start = 4};
    index->video_id = 0x100;
    index->splice_count = 1;
    index->splices = calloc(1, sizeof(*index->splices));
    index->splices[0] = (struct ta_splice){.from = 1, .to = 1, .fill = 0, .fill_bytes = 1, .copies = 3};
    index->routes_count = 2;
    index->routes = calloc(2, sizeof(*index->routes));
    struct ta_routes *r = &index->routes[1];
    *r = (struct ta_routes){.packet_bytes = 192, .start_count = 2, .route_count = 1, .table_count = 1};
    r->starts = calloc(2, sizeof(*r->starts));
    r->starts[0] = 4;
    r->starts[1] = 1000;
    r->routes = calloc(1, sizeof(*r->routes));
    r->routes[0] = (struct ta_route){.from = 500, .pid = 0x200, .to = 0x100, .counter = 7};
    r->tables = calloc(1, sizeof(*r->tables));
    r->tables[0] = (struct ta_route_table){
        .from = 400, .pid = 32, .size = 3, .before = "abc", .after = "xyz"};
    assert_int_equal(ta_index_seal(index), 0);
    return index;
}

static void test_save_and_load(void **state)
{
    (void)state;
    char dir[] = "/tmp/ta-test-index-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = ta_path_join(dir, "index.bin");
    struct ta_index *a = make_index(), *b = NULL;
    assert_int_equal(ta_index_save(a, path, NULL), 0);
    assert_int_equal(ta_index_load(&b, path, NULL), 0);
    assert_string_equal(a->checksum, b->checksum);
    assert_true(ta_fingerprint_equal(&a->source, &b->source));
    assert_int_equal(a->video, b->video);
    assert_int_equal(a->packet_count, b->packet_count);
    assert_memory_equal(a->packets, b->packets, 3 * sizeof(*a->packets));
    assert_int_equal(a->frame_count, b->frame_count);
    assert_memory_equal(a->frames, b->frames, 2 * sizeof(*a->frames));
    assert_int_equal(a->stream_count, b->stream_count);
    assert_memory_equal(a->streams, b->streams, 2 * sizeof(*a->streams));
    assert_int_equal(b->faults.places, 1);
    assert_true(b->faults.cut_off);
    assert_int_equal(b->faults.stated, 20);
    assert_int_equal(b->faults.held, 10);
    assert_int_equal(b->faults.missing_time, 3);
    assert_int_equal(b->faults.late_start, 4);
    assert_int_equal(b->video_id, 0x100);
    assert_int_equal(b->splice_count, 1);
    assert_memory_equal(a->splices, b->splices, sizeof(*b->splices));
    assert_int_equal(b->routes_count, 2);
    assert_int_equal(b->routes[0].packet_bytes, 0);
    assert_int_equal(b->routes[1].packet_bytes, 192);
    assert_memory_equal(a->routes[1].starts, b->routes[1].starts, 2 * sizeof(*b->routes[1].starts));
    assert_int_equal(b->routes[1].routes[0].pid, 0x200);
    assert_int_equal(b->routes[1].routes[0].to, 0x100);
    assert_int_equal(b->routes[1].routes[0].counter, 7);
    assert_int_equal(b->routes[1].tables[0].from, 400);
    assert_memory_equal(b->routes[1].tables[0].after, "xyz", 3);
    assert_int_equal(b->clock_count, 1);
    assert_int_equal(b->clocks[0].offset, -5);
    assert_int_equal(b->clocks[0].frame, 1);
    assert_int_equal(a->end_pts, b->end_pts);
    assert_int_equal(a->undecodable_start, b->undecodable_start);
    assert_int_equal(a->time_jumps, b->time_jumps);
    assert_int_equal(a->variable, b->variable);
    assert_memory_equal(&a->format, &b->format, sizeof(a->format));
    // Saved again it is the same file.
    char first[TA_SHA256_HEX], second[TA_SHA256_HEX];
    assert_int_equal(ta_sha256_file(path, first, NULL), 0);
    assert_int_equal(ta_index_save(b, path, NULL), 0);
    assert_int_equal(ta_sha256_file(path, second, NULL), 0);
    assert_string_equal(first, second);
    ta_index_destroy(&a);
    ta_index_destroy(&b);
    assert_int_equal(ta_dir_remove(dir, NULL), 0);
    free(path);
}

// The checksum at the end made to fit, so that what is behind it gets tested.
static void seal(struct ta_buf *b)
{
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(b->data, b->size - 64, sum);
    memcpy(b->data + b->size - 64, sum, 64);
}

static void load_bytes(struct ta_buf *b)
{
    char dir[] = "/tmp/ta-test-index-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = ta_path_join(dir, "index.bin");
    struct ta_index *index = make_index();
    assert_int_equal(ta_index_save(index, path, NULL), 0);
    assert_int_equal(ta_file_read(path, 1 << 20, b, NULL), 0);
    ta_index_destroy(&index);
    assert_int_equal(ta_dir_remove(dir, NULL), 0);
    free(path);
}

static void test_garbled(void **state)
{
    (void)state;
    struct ta_buf b = {0};
    struct ta_index *index = NULL;
    load_bytes(&b);
    assert_int_equal(ta_index_parse(&index, b.data, b.size, "whole", NULL), 0);
    ta_index_destroy(&index);
    for (size_t size = 0; size < b.size; size++) {
        assert_true(ta_index_parse(&index, b.data, size, "cut", NULL) < 0);
        assert_null(index);
    }
    for (size_t at = 0; at < b.size; at++) {
        b.data[at] ^= 0x10;
        assert_true(ta_index_parse(&index, b.data, b.size, "flipped", NULL) < 0);
        assert_null(index);
        b.data[at] ^= 0x10;
    }
    // Another version is known by its checksum; without that it is damage.
    b.data[8]++;
    assert_int_equal(ta_index_parse(&index, b.data, b.size, "version", NULL), TA_ERR_DAMAGED);
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(b.data, b.size - 64, sum);
    memcpy(b.data + b.size - 64, sum, 64);
    assert_int_equal(ta_index_parse(&index, b.data, b.size, "version", NULL), TA_ERR_UNSUPPORTED);
    ta_buf_release(&b);
}

// With a checksum that fits: refused, or an index whose numbers can be relied on.
static void test_contradictions(void **state)
{
    (void)state;
    struct ta_buf b = {0};
    load_bytes(&b);
    static const int values[] = {0, 1, 0x7f, 0x80, 0xff};
    int refused = 0, taken = 0;
    for (size_t at = 12; at + 64 < b.size; at++) {
        char old = b.data[at];
        for (size_t v = 0; v < TA_COUNT(values); v++) {
            b.data[at] = (char)values[v];
            seal(&b);
            struct ta_index *index = NULL;
            if (ta_index_parse(&index, b.data, b.size, "changed", NULL) < 0) {
                assert_null(index);
                refused++;
                continue;
            }
            taken++;
            assert_in_range(index->video, 0, index->stream_count - 1);
            assert_true(index->frame_count > 0 && index->time_base.num > 0 && index->time_base.den > 0);
            for (size_t i = 0; i < index->frame_count; i++) {
                assert_true(index->frames[i].packet < index->packet_count);
                assert_true(ta_index_frame_duration(index, i) > 0);
            }
            ta_index_destroy(&index);
        }
        b.data[at] = old;
    }
    assert_true(refused > 500 && taken > 500);
    // Bytes behind the last frame.
    struct ta_buf longer = {0};
    struct ta_index *index = NULL;
    ta_buf_append(&longer, b.data, b.size - 64);
    ta_buf_puts(&longer, "xxxx");
    ta_buf_append(&longer, b.data, 64);
    seal(&longer);
    assert_int_equal(ta_index_parse(&index, longer.data, longer.size, "longer", NULL), TA_ERR_DAMAGED);
    ta_buf_release(&longer);
    ta_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_garbled),
        cmocka_unit_test(test_contradictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
