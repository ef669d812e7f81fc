// The plan: decisions from facts alone, its JSON, the timeline and the cuts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "facts.h"
#include "media/av.h"
#include "plan/decide.h"
#include "plan/plan.h"
#include "video/chain.h"

static void vhs_defaults(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 100, TA_SCAN_BFF);
    struct ta_plan *p = must_decide(&x, NULL);
    assert_string_equal(p->output, "dir/tape.restored.mp4");
    assert_int_equal(p->out_frames, 200);
    assert_int_equal(p->out_format.width, 1440);
    assert_int_equal(p->out_format.height, 1080);
    assert_int_equal(p->out_format.sar.num, p->out_format.sar.den);
    assert_int_equal(p->out_format.pix_fmt, AV_PIX_FMT_YUV420P);
    assert_int_equal(av_cmp_q(p->out_time_base, (AVRational){1001, 60000}), 0);
    char *chain = ta_chain_text(p->stages, p->stage_count);
    assert_non_null(strstr(chain, "[deinterlace.motion]"));
    assert_non_null(strstr(chain, "[denoise.motion]"));
    assert_non_null(strstr(chain, "zscale=w=1440:h=1080"));
    free(chain);
    // Three pictures are two frames, and three more for the deinterlacer, which looks as far for vectors.
    assert_int_equal(p->reach.before, 5);
    assert_int_equal(p->reach.after, 5);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void json_round_trip(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"preset", "vhs"}, {"preset", "clean"}, {"quality", "fast"},          {"encoder", "ffv1"},
        {"range", "1-2"},  {"encoder", "hevc"}, {"deinterlace-fields", "one"}};
    for (size_t i = 0; i < TA_COUNT(settings); i++) {
        struct fixture x;
        set_up(&x, 100, TA_SCAN_TFF);
        set(&x, settings[i][0], settings[i][1]);
        if (!strcmp(settings[i][1], "hevc"))
            set(&x, "resolution", "480");
        struct ta_plan *p = must_decide(&x, "o.mkv"), *q = must_decide(&x, "o.mkv"), *r = NULL;
        char *a = ta_plan_to_json(p), *b = ta_plan_to_json(q);
        assert_string_equal(a, b); // pure
        assert_int_equal(ta_plan_from_json(&r, a, strlen(a), "test", NULL), 0);
        assert_string_equal(r->json, a);
        free(a);
        free(b);
        ta_plan_destroy(&p);
        ta_plan_destroy(&q);
        ta_plan_destroy(&r);
        tear_down(&x);
    }
}

static void altered_plans_are_refused(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 100, TA_SCAN_TFF);
    struct ta_plan *p = must_decide(&x, "o.mkv"), *r = NULL;
    char *good = ta_plan_to_json(p);
    static const char *const changes[][2] = {
        {"\"version\": 1", "\"version\": 2"},
        {"\"frames\": 200", "\"frames\": 201"},
        {"\"source_frames\": 100", "\"source_frames\": 99"},
        {"\"scan\": \"tff\"", "\"scan\": \"xff\""},
        {"\"stage\": \"denoise.motion\"", "\"stage\": \"denoise.nothing\""},
        {"\"width\": 1440", "\"width\": 1442"},
        {"\"container\": \"mkv\"", "\"container\": \"zip\""},
        {"\"action\": \"copy\"", "\"action\": \"eat\""},
        {"\"kind\": \"audio\"", "\"kind\": \"smell\""},
        {"\"time_scale\": 2", "\"time_scale\": 0"},
    };
    refuse_changes(good, changes, TA_COUNT(changes));
    // Cut off anywhere: refused.
    for (size_t n = 0; n < strlen(good) - 2; n += 97)
        assert_true(ta_plan_from_json(&r, good, n, "test", NULL) < 0);
    free(good);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void progressive_is_not_doubled(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 50, TA_SCAN_PROGRESSIVE);
    struct ta_plan *p = must_decide(&x, NULL);
    assert_int_equal(p->out_frames, 50);
    assert_false(p->deinterlaced);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void mixed_runs_and_times(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 60, TA_SCAN_TFF);
    x.runs[0] = (struct ta_scan_run){0, 20, TA_SCAN_TFF};
    x.runs[1] = (struct ta_scan_run){20, 15, TA_SCAN_PROGRESSIVE};
    x.runs[2] = (struct ta_scan_run){35, 25, TA_SCAN_BFF};
    x.scan.run_count = 3;
    struct ta_plan *p = must_decide(&x, NULL);
    assert_int_equal(p->out_frames, 40 + 15 + 50);
    int64_t last = INT64_MIN, n = 0;
    for (int64_t f = 0; f < 60; f++)
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, n++) {
            int64_t t = ta_plan_time_of(p, &x.index, f, field);
            assert_int_equal(t, 2 * f + field);
            assert_true(t > last);
            last = t;
            if (!field)
                assert_int_equal(ta_plan_out_before(p, f), n);
        }
    assert_int_equal(n, p->out_frames);
    assert_int_equal(ta_plan_end_time(p, &x.index), 120);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void cuts_cover_and_tails_join(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 30, 31, 37, 38, 60, 61, 100, 1000};
    for (size_t i = 0; i < TA_COUNT(counts); i++)
        for (int scan = TA_SCAN_PROGRESSIVE; scan <= TA_SCAN_TFF; scan++) {
            struct fixture x;
            set_up(&x, counts[i], scan);
            set(&x, "segment-length", "1");
            struct ta_plan *p = must_decide(&x, NULL);
            int64_t next = 0, out = 0;
            for (int k = 0; k < p->segment_count; k++) {
                struct ta_segment s = ta_plan_segment(p, k);
                assert_int_equal(s.source_first, next);
                assert_int_equal(s.out_first, out);
                assert_true(s.out_count >= 16 || p->segment_count == 1);
                next += s.source_count;
                out += s.out_count;
            }
            assert_int_equal(next, counts[i]);
            assert_int_equal(out, p->out_frames);
            ta_plan_destroy(&p);
            tear_down(&x);
        }
}

// How long the longest segment takes when all frames take as long as each other.
static double longest_seconds(const struct ta_plan *p, double whole)
{
    int64_t most = 0;
    for (int k = 0; k < p->segment_count; k++)
        most = TA_MAX(most, ta_plan_segment(p, k).out_count);
    return whole * (double)most / (double)p->out_frames;
}

static void slow_machines_get_short_segments(void **state)
{
    (void)state;
    static const struct {
        double seconds; // of one core, as tried, for a segment
        double clock;   // and by the clock
        int cores;
        bool cut;
    } cases[] = {{10, 10, 1, false},
                 {28, 28, 1, false},
                 {60, 60, 1, true},
                 {56, 28, 2, false},
                 {62, 31, 2, true},
                 {240, 240, 1, true},
                 {240, 120, 2, true},
                 {240, 15, 16, true},
                 {100, 25, 4, false},
                 // Others have the machine: little is done, and it takes long.
                 {10, 28, 1, false},
                 {10, 34, 1, true},
                 {10, 60, 2, true},
                 {10, 300, 16, true},
                 {10, 1500, 16, true}};
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 900, TA_SCAN_PROGRESSIVE);
        struct ta_plan *p = must_decide(&x, NULL);
        char *why = NULL;
        p->index = &x.index;
        int before = p->segment_count;
        // As much work as all segments take that are there before.
        struct ta_estimate e = {.cpu_seconds = cases[i].seconds * before,
                                .seconds = cases[i].clock * before,
                                .at_once = 1,
                                .tried = true};
        int own = TA_MIN(cases[i].cores, p->encoder.threads);
        assert_int_equal(ta_plan_cut_for(p, &e, cases[i].cores, &why), cases[i].cut);
        assert_int_equal(p->segment_count > before, cases[i].cut);
        assert_int_equal(why != NULL, cases[i].cut);
        double seconds = TA_MAX(longest_seconds(p, e.cpu_seconds) / own, longest_seconds(p, e.seconds));
        // What is cut leaves room for a machine that gets more to do; shorter than 18 frames is never worth
        // it.
        if (seconds > (why ? 22 : 30) && longest_seconds(p, (double)p->out_frames) > 19)
            fail_msg("case %d: %d segments of up to %.1f seconds", (int)i, p->segment_count, seconds);
        // What is promised is what holds.
        if (why && (seconds > 30) != (strstr(why, "a stop can lose about") != NULL))
            fail_msg("case %d: %.1f seconds: %s", (int)i, seconds, why);
        int64_t next = 0;
        for (int k = 0; k < p->segment_count; k++)
            next += ta_plan_segment(p, k).source_count;
        assert_int_equal(next, 900);
        free(why);
        p->index = NULL;
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

static void ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        int64_t first, count;
    } cases[] = {
        {"0-1.001", 0, 30},  {"1.001-2.002", 30, 30}, {"50%-", 150, 150},     {"-25%", 0, 75},
        {"10f-20f", 10, 10}, {"1:00-", 0, 0},         {"290f-400f", 290, 10}, {"20f-20f", 0, 0},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 300, TA_SCAN_TFF);
        if (ta_options_set(x.options, TA_LAYER_CALLER, "range", cases[i].range, NULL) < 0) {
            assert_int_equal(cases[i].count, 0);
        } else {
            struct ta_plan *p = NULL;
            int err = decide(&x, NULL, &p);
            if (!cases[i].count) {
                assert_true(err < 0);
            } else {
                assert_int_equal(err, 0);
                assert_int_equal(p->first_frame, cases[i].first);
                assert_int_equal(p->frame_count, cases[i].count);
                assert_int_equal(ta_plan_time_of(p, &x.index, p->first_frame, 0), 0);
                assert_int_equal(ta_plan_fields_of(p, p->first_frame + p->frame_count - 1), 2);
            }
            ta_plan_destroy(&p);
        }
        tear_down(&x);
    }
}

static void sound_that_starts_first(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 30, TA_SCAN_PROGRESSIVE);
    for (int i = 0; i < 30; i++)
        x.index.frames[i].pts += 3; // 100.1 ms
    x.index.end_pts += 3;
    x.source.streams[1].start = 2400; // 50 ms
    struct ta_plan *p = must_decide(&x, NULL);
    double first = (double)ta_plan_time_of(p, &x.index, 0, 0) * av_q2d(p->out_time_base);
    assert_true(first > 0.0500 && first < 0.0502);
    assert_true(llabs(p->streams[1].start) <= 50); // microseconds: half a unit
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        int w, h, sar_n, sar_d, rotation;
        const char *resolution;
        int out_w, out_h;
    } cases[] = {
        {720, 480, 8, 9, 0, "auto", 1440, 1080},   {720, 480, 32, 27, 0, "auto", 1920, 1080},
        {720, 576, 16, 15, 0, "auto", 1440, 1080}, {720, 576, 64, 45, 0, "720", 1280, 720},
        {1280, 720, 1, 1, 0, "auto", 1280, 720},   {1440, 1080, 4, 3, 0, "auto", 1440, 1080},
        {640, 480, 1, 1, 90, "1080", 1080, 810},   {640, 480, 1, 1, 270, "auto", 1080, 810},
        {321, 241, 1, 1, 0, "source", 322, 242},   {320, 240, 1, 1, 0, "640x360", 640, 360},
        {320, 240, 1, 1, 0, "2160", 2880, 2160},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_PROGRESSIVE);
        x.index.format.width = cases[i].w;
        x.index.format.height = cases[i].h;
        x.index.format.pix_fmt = AV_PIX_FMT_YUV420P;
        x.index.format.sar = (AVRational){cases[i].sar_n, cases[i].sar_d};
        x.index.format.rotation = cases[i].rotation;
        set(&x, "resolution", cases[i].resolution);
        struct ta_plan *p = must_decide(&x, NULL);
        assert_int_equal(p->out_format.width, cases[i].out_w);
        assert_int_equal(p->out_format.height, cases[i].out_h);
        // The display aspect is kept, to the rounding of a line or column.
        double before = (double)cases[i].w * cases[i].sar_n / cases[i].sar_d / cases[i].h;
        double after = (double)cases[i].out_w * p->out_format.sar.num / p->out_format.sar.den /
                       cases[i].out_h;
        assert_true(after / before > 0.99 && after / before < 1.01);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

// What is left keeps its pixels' shape: the output's size follows from it.
static void cropped_sizes(void **state)
{
    (void)state;
    static const struct {
        int w, h, sar_n, sar_d, rotation;
        const char *side, *lines, *resolution;
        int out_w, out_h;
    } cases[] = {
        {720, 480, 8, 9, 0, "bottom", "8", "auto", 1464, 1080},
        {720, 480, 8, 9, 0, "bottom", "8", "source", 720, 472},
        {720, 576, 16, 15, 0, "bottom", "8", "576", 778, 576},
        {720, 480, 8, 9, 0, "left", "16", "480", 626, 480},
        {1280, 720, 1, 1, 0, "left", "320", "auto", 960, 720}, // what was large enough stays as it is
        {640, 480, 1, 1, 90, "top", "40", "1080", 1080, 864},
        {320, 240, 1, 1, 0, "top", "40", "640x400", 640, 400},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_PROGRESSIVE);
        x.index.format.width = cases[i].w;
        x.index.format.height = cases[i].h;
        x.index.format.pix_fmt = AV_PIX_FMT_YUV420P;
        x.index.format.sar = (AVRational){cases[i].sar_n, cases[i].sar_d};
        x.index.format.rotation = cases[i].rotation;
        char *name = ta_xprintf("crop-%s", cases[i].side);
        set(&x, name, cases[i].lines);
        free(name);
        set(&x, "resolution", cases[i].resolution);
        struct ta_plan *p = must_decide(&x, NULL);
        assert_int_equal(p->out_format.width, cases[i].out_w);
        assert_int_equal(p->out_format.height, cases[i].out_h);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

// A crop alone leaves samples as they are, in the source's own pixel format.
static void lossless_crop(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 20, TA_SCAN_BFF);
    set(&x, "preset", "clean");
    set(&x, "encoder", "ffv1");
    set(&x, "crop-bottom", "6");
    set(&x, "mask-left", "5");
    struct ta_plan *p = must_decide(&x, "o.mkv");
    assert_int_equal(p->stage_count, 2);
    assert_int_equal(p->out_format.pix_fmt, AV_PIX_FMT_YUV411P);
    assert_int_equal(p->out_format.height, 474);
    assert_int_equal(p->reach.before + p->reach.after, 0);
    ta_plan_destroy(&p);
    tear_down(&x);
}

// Warnings for what is legal and seldom meant.
static void doubtful_wishes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *with[2][2];
        const char *warning; // NULL: none
    } cases[] = {
        {{{"deblock", "weak"}, {"crop-top", "4"}}, "moves the grid"},
        {{{"deblock", "weak"}, {"crop-top", "16"}}, NULL},
        {{{"deblock", "weak"}, {"crop-bottom", "4"}}, NULL},
        {{{"deinterlace", "off"}, {"sharpen", "cas"}}, "mixes the fields"},
        {{{"deinterlace", "off"}, {"denoise", "hqdn3d"}}, "mixes the fields"},
        {{{"deinterlace", "off"}, {"denoise", "recursive"}}, NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_TFF);
        set(&x, "denoise", "off");
        for (int k = 0; k < 2; k++)
            set(&x, cases[i].with[k][0], cases[i].with[k][1]);
        struct ta_plan *p = must_decide(&x, NULL);
        char *text = json_dumps(p->warnings, 0);
        if (cases[i].warning)
            assert_non_null(strstr(text, cases[i].warning));
        else
            assert_int_equal(json_array_size(p->warnings), 0);
        free(text);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

static void wrong_wishes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *output;
    } cases[] = {
        {"encoder", "h265000", NULL}, {"encoder", "prores", "o.mp4"},
        {"encoder", "auto", "o.xyz"}, {"crop-bottom", "478", NULL},
        {"crop-left", "3", NULL},     {"encoder", "h264", "o.webm"},
        {"preset", "vsh", NULL},      {"resolution", "20000x20000", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_PROGRESSIVE);
        set(&x, cases[i].name, cases[i].value);
        struct ta_plan *p = NULL;
        assert_true(decide(&x, cases[i].output, &p) < 0);
        assert_null(p);
        tear_down(&x);
    }
    // An option of a stage that was not chosen.
    struct fixture x;
    set_up(&x, 20, TA_SCAN_PROGRESSIVE);
    assert_true(ta_options_set(x.options, TA_LAYER_CALLER, "denoise-strenth", "1:1:1:1", NULL) < 0);
    tear_down(&x);
}

static void fast_stays_8_bit(void **state)
{
    (void)state;
    static const char *const qualities[] = {"fast", "good"};
    for (int i = 0; i < 2; i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_TFF);
        set(&x, "quality", qualities[i]);
        struct ta_plan *p = must_decide(&x, NULL);
        for (int s = 0; s < p->stage_count; s++)
            if (!strncmp(p->stages[s].info->name, "denoise", 7))
                assert_int_equal(ta_format_depth(&p->stages[s].in), i ? 10 : 8);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

static void clean_lossless_does_nothing(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 20, TA_SCAN_BFF);
    set(&x, "preset", "clean");
    set(&x, "encoder", "ffv1");
    struct ta_plan *p = must_decide(&x, NULL);
    assert_int_equal(p->stage_count, 0);
    assert_int_equal(p->out_format.pix_fmt, AV_PIX_FMT_YUV411P);
    assert_int_equal(p->out_frames, 20);
    assert_int_equal(p->out_format.scan, TA_SCAN_BFF);
    ta_plan_destroy(&p);
    tear_down(&x);
}

// The clock of an mp4 file may be so fine that half its unit is no number any more.
static void test_fine_clock(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_plan *p;
    set_up(&x, 50, TA_SCAN_TFF);
    x.index.time_base = x.source.streams[0].time_base = (AVRational){1, 1800000000};
    x.index.format.time_base = x.index.time_base;
    for (int64_t i = 0; i < 50; i++)
        x.index.frames[i].pts = 1000000000 + i * 72000000;
    x.index.end_pts = 1000000000 + (int64_t)50 * 72000000;
    assert_int_equal(decide(&x, "o.mp4", &p), 0);
    assert_int_equal(p->time_scale, 1);
    assert_int_equal(p->out_time_base.den, 1800000000);
    assert_int_equal(p->fields, 2);
    int64_t first = ta_plan_time_of(p, &x.index, 0, 0);
    assert_int_equal(first, 1000000000); // the sound starts at 0
    assert_int_equal(ta_plan_time_of(p, &x.index, 0, 1) - first, 36000000);
    ta_plan_destroy(&p);

    // Times near the end of what fits, in a coarse unit: they are not multiplied beyond it.
    for (int64_t i = 0; i < 50; i++)
        x.index.frames[i].pts = ((int64_t)1 << 57) + i * 40;
    x.index.end_pts = ((int64_t)1 << 57) + 50 * 40;
    x.index.time_base = x.source.streams[0].time_base = (AVRational){1, 1000};
    assert_int_equal(decide(&x, "o.mp4", &p), 0);
    assert_true(ta_plan_time_of(p, &x.index, 1, 0) > ta_plan_time_of(p, &x.index, 0, 0));
    ta_plan_destroy(&p);
    tear_down(&x);
}

// Sound that starts first wants a fine unit, a long pause one that mp4 can count it in.
static void test_long_pause(void **state)
{
    (void)state;
    struct fixture x;
    struct ta_plan *p;
    set_up(&x, 50, TA_SCAN_PROGRESSIVE);
    x.source.streams[1].start = -48;
    assert_int_equal(decide(&x, "o.mp4", &p), 0);
    assert_int_equal(p->time_scale, 512);
    ta_plan_destroy(&p);
    const int64_t pause = 9000; // 300 s
    for (int64_t i = 25; i < 50; i++)
        x.index.frames[i].pts += pause;
    x.index.end_pts += pause;
    assert_int_equal(decide(&x, "o.mp4", &p), 0);
    assert_true(p->time_scale > 1 && (pause + 1) * 1001 * p->time_scale < INT32_MAX);
    ta_plan_destroy(&p);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fine_clock),
        cmocka_unit_test(test_long_pause),
        cmocka_unit_test(vhs_defaults),
        cmocka_unit_test(json_round_trip),
        cmocka_unit_test(altered_plans_are_refused),
        cmocka_unit_test(progressive_is_not_doubled),
        cmocka_unit_test(mixed_runs_and_times),
        cmocka_unit_test(cuts_cover_and_tails_join),
        cmocka_unit_test(slow_machines_get_short_segments),
        cmocka_unit_test(ranges),
        cmocka_unit_test(sound_that_starts_first),
        cmocka_unit_test(sizes),
        cmocka_unit_test(cropped_sizes),
        cmocka_unit_test(lossless_crop),
        cmocka_unit_test(doubtful_wishes_are_told),
        cmocka_unit_test(wrong_wishes_are_refused),
        cmocka_unit_test(fast_stays_8_bit),
        cmocka_unit_test(clean_lossless_does_nothing),
    };
    ta_av_listen();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
