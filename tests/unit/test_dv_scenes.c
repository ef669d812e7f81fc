// Recordings on a DV tape: timecodes, dates, and where these jump.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "media/dv/scenes.h"

enum { PAL = 1 };

static void test_timecodes(void **state)
{
    (void)state;
    static const struct {
        uint32_t from;
        int64_t frames;
        int fps;
        uint32_t to;
    } cases[] = {
        {0x00000000, 25, 25, 0x00000100},    {0x00595924, 1, 25, 0x01000000}, {0x23595924, 1, 25, 0x00000000},
        {0x80005929, 1, 30, 0x80010002}, // numbers 0 and 1 of a minute are dropped
        {0x80085929, 1, 30, 0x80090002},     {0x80095929, 1, 30, 0x80100000}, // but not of a tenth one
        {0x80000000, 17982, 30, 0x80100000}, {0xa3595929, 1, 30, 0x80000000}, {0x00005929, 1, 30, 0x00010000},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++)
        assert_int_equal(ta_dv_timecode_later(cases[i].from, cases[i].frames, cases[i].fps), cases[i].to);
}

static void test_scenes(void **state)
{
    (void)state;
    struct ta_dv_scenes s = {0};
    char text[TA_DV_TEXT];
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t second = (i / 25) / 10 << 4 | i / 25 % 10, start = i < 100 ? 0x10 : i < 200 ? 0x20 : 0x30;
        struct ta_dv_facts f = {
            .profile = ta_dv_profile(PAL),
            .timecode = ta_dv_timecode_later(0x00000000, i, 25),
            .date = 0x20030517,
            .time = 0x140000 | start << 8 | second,
        };
        if (i >= 300) { // the date is lost, then the timecode starts anew
            f.date = f.time = TA_DV_NONE;
            f.timecode = ta_dv_timecode_later(0x00000000, i < 350 ? i : i - 350, 25);
        }
        if (i == 50 || i == 51) // misread
            f.date = 0x20130517;
        if (i % 7 == 3) // nothing could be read
            f = (struct ta_dv_facts){.profile = ta_dv_profile(PAL),
                                     .timecode = TA_DV_NONE,
                                     .date = TA_DV_NONE,
                                     .time = TA_DV_NONE};
        assert_int_equal(ta_dv_scenes_add(&s, i, &f), 0);
    }
    static const uint32_t begins[] = {0, 100, 200, 350};
    assert_int_equal(s.count, TA_COUNT(begins));
    for (size_t i = 0; i < TA_COUNT(begins); i++)
        assert_in_range(s.list[i].frame, begins[i],
                        begins[i] + 1); // the very first may be one that tells nothing
    assert_string_equal(ta_dv_scene_title(&s.list[1], text), "2003-05-17 14:20:04");
    assert_string_equal(ta_dv_scene_title(&s.list[3], text), "timecode 00:00:00:00");
    ta_dv_scenes_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timecodes),
        cmocka_unit_test(test_scenes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
