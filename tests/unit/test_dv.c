// Raw DV: what its blocks say, and which frames a file with any damage is found to have.
#include <stdio.h>

#include <libavutil/error.h>

#include "dv_tape.h"

static void check(struct tape *t, size_t frames, int damaged, int missing, const char *what)
{
    struct ta_dv_table *table = scan(t);
    struct ta_dv_summary s;
    ta_dv_table_summarise(table, &s);
    if (table->frame_count != frames || s.damaged != damaged || s.missing != missing)
        fail_msg("%s: %zu frames, %d damaged, %d missing; expected %zu, %d, %d", what, table->frame_count,
                 (int)s.damaged, (int)s.missing, frames, damaged, missing);
    struct ta_buf b = {0};
    ta_dv_table_write(table, &b);
    struct ta_dv_table *again = ta_dv_table_parse((const uint8_t *)b.data, b.size);
    assert_non_null(again);
    assert_memory_equal(again->frames, table->frames, frames * sizeof(*table->frames));
    assert_null(ta_dv_table_parse((const uint8_t *)b.data, b.size - 1));
    ta_dv_table_destroy(&again);
    ta_buf_release(&b);
    ta_dv_table_destroy(&table);
    free(t->data);
    t->data = NULL;
}

static void test_ids(void **state)
{
    (void)state;
    for (int channel = 0; channel < TA_DV_CHANNELS; channel++)
        for (int sequence = 0; sequence < TA_DV_SEQUENCES; sequence++)
            for (int block = 0; block < TA_DV_SEQUENCE; block++) {
                uint8_t bytes[3];
                struct ta_dv_id id;
                ta_dv_write_id(bytes, channel, sequence, block);
                assert_true(ta_dv_parse_id(bytes, &id));
                assert_int_equal(id.channel, channel);
                assert_int_equal(id.sequence, sequence);
                assert_int_equal(id.block, block);
            }
    struct ta_dv_id id;
    assert_false(ta_dv_parse_id((const uint8_t[]){0, 0, 0}, &id));
    assert_false(ta_dv_parse_id((const uint8_t[]){0xff, 0xff, 0xff}, &id));
    assert_false(ta_dv_parse_id((const uint8_t[]){0x9f, 0x07, 135}, &id));
}

static void test_facts(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_411, NTSC_50, PAL_50};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct tape t = {0};
        append(&t, numbers[i], 1, i % 2, 0);
        struct ta_dv_facts f;
        ta_dv_examine(t.data, t.size, &f);
        assert_ptr_equal(f.profile, profile(numbers[i]));
        assert_true(f.tells_aspect);
        assert_int_equal(f.wide, i % 2);
        assert_int_equal(f.sound.rate, 48000);
        assert_int_equal(f.sound.bits, 16);
        assert_int_equal(f.sound.pairs, numbers[i] >= NTSC_50 ? 2 : 1);
        assert_int_equal(f.timecode, 0x01000000);
        assert_int_equal(f.date, 0x20030517);
        assert_int_equal(f.time, 0x142205);
        assert_int_equal(f.blocks, ta_dv_frame_blocks(f.profile));
        assert_int_equal(f.video, ta_dv_video_blocks(f.profile));
        free(t.data);
    }
    assert_int_equal(ta_dv_seconds(0x19700101, 0x000000), 0);
    assert_int_equal(ta_dv_seconds(0x20030517, 0x142205), 1053181325);
    assert_int_equal(ta_dv_seconds(0x20000229, 0x235959), 951868799);
    assert_true(ta_dv_seconds(TA_DV_NONE, 0) == INT64_MIN);
}

static void test_whole(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_411, NTSC_50, PAL_50};
    for (size_t i = 0; i < TA_COUNT(numbers); i++) {
        struct tape t = make_tape(numbers[i]);
        check(&t, FRAMES, 0, 0, "whole");
    }
}

// Bytes that are overwritten: the frames around them stay where they were.
static void test_zeros(void **state)
{
    (void)state;
    static const struct {
        size_t at, count; // in blocks * 80 + bytes
        int damaged, missing;
    } cases[] = {
        {1800 * 80 * 3, 512, 1, 0},          // the head of a frame
        {1800 * 80 * 3 - 100, 512, 2, 0},    // the end of one and the head of the next
        {1800 * 80 * 3 + 70000, 512, 1, 0},  // inside
        {1800 * 80 * 3 + 70000, 4096, 1, 0}, //
        {0, 512, 1, 0},                      // the head of the file
        {0, 1800 * 80 * 2, 2, 2},            //
        {1800 * 80 * 3, 1800 * 80 * 4, 4, 4},
        {1800 * 80 * 3 + 5000, 1800 * 80 * 4, 5, 3},
        {1800 * 80 * 10, 1800 * 80 * 2, 2, 2}, // the end of the file
        {1800 * 80 * 12 - 512, 512, 1, 0},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct tape t = make_tape(PAL);
        memset(t.data + cases[i].at, 0, cases[i].count);
        char what[64];
        snprintf(what, sizeof(what), "zeros %zu", i);
        check(&t, FRAMES, cases[i].damaged, cases[i].missing, what);
    }
}

static void test_lost_and_inserted(void **state)
{
    (void)state;
    static const int numbers[] = {NTSC, PAL, PAL_50};
    for (size_t n = 0; n < TA_COUNT(numbers); n++) {
        size_t frame = (size_t)profile(numbers[n])->frame_size;
        static const size_t counts[] = {1, 79, 80, 3000, 11999, 50000};
        for (size_t i = 0; i < TA_COUNT(counts); i++) {
            struct tape t = make_tape(numbers[n]);
            cut(&t, 4 * frame + 20000, counts[i]);
            check(&t, FRAMES, 1, 0, "lost inside");
            t = make_tape(numbers[n]);
            cut(&t, 4 * frame, counts[i]);
            check(&t, FRAMES, 1, 0, "lost at the head");
            t = make_tape(numbers[n]);
            cut(&t, 0, counts[i]);
            check(&t, FRAMES, 1, 0, "lost at the start");
            t = make_tape(numbers[n]);
            t.size -= counts[i];
            check(&t, FRAMES, 1, 0, "lost at the end");
            t = make_tape(numbers[n]);
            cut(&t, 4 * frame - counts[i] / 2, counts[i]);
            // Whether the last block of a frame is whole can't be seen where the next frame's head is
            // missing.
            check(&t, FRAMES, counts[i] <= 80 ? 1 : 2, 0, "lost across");
            t = make_tape(numbers[n]);
            insert(&t, 4 * frame + 20000, counts[i], -1);
            check(&t, FRAMES, 1, 0, "inserted");
            t = make_tape(numbers[n]);
            insert(&t, 0, counts[i], -1);
            check(&t, FRAMES, 0, 0, "inserted at the start");
            t = make_tape(numbers[n]);
            insert(&t, t.size, counts[i], -1);
            check(&t, FRAMES, 0, 0, "inserted at the end");
        }
        // So much that the end of a later frame comes to stand behind the beginning of an earlier one.
        struct tape t = make_tape(numbers[n]);
        cut(&t, 4 * frame + 20000, 2 * frame + 30000);
        check(&t, FRAMES - 1, 2, 0, "frames lost");
        t = make_tape(numbers[n]);
        insert(&t, 6 * frame + 333, 3 * frame + 17, -1);
        cut(&t, 2 * frame + 40, 500);
        memset(t.data + 3 * frame, 0, 2048);
        check(&t, FRAMES, 3, 0, "several");
    }
}

static void test_systems(void **state)
{
    (void)state;
    struct tape t = make_tape(PAL);
    append(&t, NTSC, 5, true, 2);
    struct ta_dv_table *table = scan(&t);
    struct ta_dv_summary s;
    ta_dv_table_summarise(table, &s);
    assert_int_equal(table->frame_count, FRAMES + 5);
    assert_int_equal(table->profile, PAL);
    assert_int_equal(table->rate, 48);
    assert_int_equal(s.damaged, 0);
    assert_int_equal(s.other_system, 5);
    assert_int_equal(s.other_aspect, 5);
    assert_int_equal(s.other_rate, 5);
    assert_int_equal(s.rate_changes, 1);
    ta_dv_table_destroy(&table);
    free(t.data);

    // A wrong bit in some headers is no other system.
    t = make_tape(PAL);
    for (int i = 0; i < 5; i++)
        t.data[3 * 144000 + i * 12000 + 3] ^= 0x80;
    check(&t, FRAMES, 0, 0, "bits");
}

struct calls {
    int count, stop_at; // -1: never
    int64_t last;
};

static bool count_call(void *priv, int64_t position)
{
    struct calls *c = priv;
    c->last = position;
    return c->count++ == c->stop_at;
}

// Whoever waits for a long tape is told how far it is, and may end it.
static void test_watched(void **state)
{
    (void)state;
    struct tape t = make_tape(PAL);
    const struct ta_dv_file file = {read_tape, &t, (int64_t)t.size};
    struct ta_dv_table *table = NULL;
    struct calls all = {.stop_at = -1}, one = {.stop_at = 1};
    assert_int_equal(ta_dv_scan(&table, &file, false, count_call, &all), 0);
    assert_true(all.count >= (int)(t.size >> 20));
    assert_in_range(all.last, t.size / 2, t.size);
    ta_dv_table_destroy(&table);
    assert_int_equal(ta_dv_scan(&table, &file, false, count_call, &one), AVERROR_EXIT);
    assert_null(table);
    assert_int_equal(one.count, 2);
    free(t.data);
}

static void test_not_dv(void **state)
{
    (void)state;
    struct tape t = {ta_xcalloc(1, 1 << 20), 1 << 20};
    struct ta_dv_file file = {read_tape, &t, (int64_t)t.size};
    struct ta_dv_table *table = NULL;
    assert_false(ta_dv_probe(&file));
    assert_int_equal(ta_dv_scan(&table, &file, false, NULL, NULL), AVERROR_INVALIDDATA);
    for (size_t i = 0; i < t.size; i++)
        t.data[i] = (uint8_t)(rand() >> 7);
    assert_false(ta_dv_probe(&file));
    free(t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_lost_and_inserted),
        cmocka_unit_test(test_systems),
        cmocka_unit_test(test_not_dv),
        cmocka_unit_test(test_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
