// Inverse telecine in the plan: the timeline, ranges, gaps, and altered plans that are refused.
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
#include "plan/plan.h"
#include "video/chain.h"

// Film runs as in plans: "FIRST+COUNT:PATTERN ...".
static struct ta_film_run film_runs[8];

static void set_film(struct fixture *x, const char *const *patterns, const int64_t *counts)
{
    int64_t first = 0;
    x->scan.film = film_runs;
    x->scan.full = true;
    for (x->scan.film_count = 0; patterns[x->scan.film_count]; x->scan.film_count++) {
        struct ta_film_run *r = &film_runs[x->scan.film_count];
        *r = (struct ta_film_run){.first = first, .count = counts[x->scan.film_count]};
        assert_int_equal(ta_film_read_pattern(r, patterns[x->scan.film_count]), 0);
        first += r->count;
    }
    assert_int_equal(first, x->index.frame_count);
    set(x, "deinterlace", "ivtc");
    set(x, "encoder", "ffv1"); // quick to open
    set(x, "resolution", "source");
}

static const char *const hybrid[] = {"cc+3t+6dc-3", "d", "v", "t+6dc-3cc+3", NULL};
static const int64_t hybrid_counts[] = {100, 1, 59, 140};

// Every output frame in order: where it is made, and that times rise.
static void check_timeline(const struct fixture *x, const struct ta_plan *p)
{
    int64_t last = INT64_MIN, n = 0;
    for (int64_t f = p->first_frame; f < p->first_frame + p->frame_count; f++) {
        assert_int_equal(ta_plan_out_before(p, f), n);
        for (int field = 0; field < ta_plan_fields_of(p, f); field++, n++) {
            int64_t t = ta_plan_time_of(p, &x->index, f, field);
            assert_true(t > last);
            last = t;
        }
    }
    assert_int_equal(n, p->out_frames);
    assert_true(ta_plan_end_time(p, &x->index) > last);
    for (int k = 0; k < p->segment_count; k++) {
        struct ta_segment s = ta_plan_segment(p, k);
        int64_t first, end;
        assert_true(s.out_count >= 16);
        if (k)
            assert_true(ta_plan_fields_of(p, s.source_first) > 0);
        ta_plan_segment_input(p, &s, &x->index, &first, &end);
        assert_true(first <= s.source_first && end >= s.source_first + s.source_count);
        assert_true(first >= p->first_frame && end <= (int64_t)x->index.frame_count);
    }
}

static void film_timeline(void **state)
{
    (void)state;
    for (int fields = 1; fields <= 2; fields++)
        for (int rate = 0; rate < 2; rate++) {
            struct fixture x;
            set_up(&x, 300, TA_SCAN_TFF);
            set_film(&x, hybrid, hybrid_counts);
            set(&x, "segment-length", "0.4");
            set(&x, "deinterlace-fields", fields == 2 ? "both" : "one");
            set(&x, "deinterlace-rate", rate ? "constant" : "variable");
            struct ta_plan *p = must_decide(&x, "o.mkv");
            int video = rate ? 59 * 4 / 5 : 59 * fields;
            assert_true(llabs(p->out_frames - (80 + video + 112)) <= 2);
            if (!rate)
                assert_int_equal(p->out_frames, 80 + video + 112);
            check_timeline(&x, p);
            // 2:3 gives even distances.
            double last = 0;
            for (int64_t f = 0, n = 0; f < 100; f++)
                if (ta_plan_fields_of(p, f)) {
                    double t = (double)ta_plan_time_of(p, &x.index, f, 0) * av_q2d(p->out_time_base);
                    if (n++)
                        assert_true(t - last > 0.0416 && t - last < 0.0418);
                    last = t;
                }
            assert_int_equal(rate ? av_cmp_q(p->out_format.frame_rate, (AVRational){24000, 1001}) : 0, 0);
            struct ta_plan *q = NULL;
            char *text = ta_plan_to_json(p);
            assert_int_equal(ta_plan_from_json(&q, text, strlen(text), "test", NULL), 0);
            assert_string_equal(q->json, text);
            check_timeline(&x, q);
            free(text);
            ta_plan_destroy(&p);
            ta_plan_destroy(&q);
            tear_down(&x);
        }
}

static void film_ranges(void **state)
{
    (void)state;
    for (int first = 0; first < 12; first++)
        for (int end = first + 1; end < first + 8; end++) {
            struct fixture x;
            set_up(&x, 300, TA_SCAN_TFF);
            set_film(&x, hybrid, hybrid_counts);
            char *range = ta_xprintf("%df-%df", 95 + first, 95 + end);
            set(&x, "range", range);
            free(range);
            struct ta_plan *p = NULL;
            bool empty = end == first + 1 && (first == 3 || first == 5); // a single frame that is dropped
            assert_int_equal(decide(&x, "o.mkv", &p) < 0, empty);
            for (int64_t f = 95 + first, n = 0; p && f < 95 + end; f++) {
                assert_int_equal(ta_plan_out_before(p, f), n);
                n += ta_plan_fields_of(p, f);
                assert_true(ta_plan_time_of(p, &x.index, f, 0) >= 0);
            }
            ta_plan_destroy(&p);
            tear_down(&x);
        }
}

// A pause in the source is filled with repeats where the rate is constant; whole frames alone need no stage.
static void film_gaps_and_whole_frames(void **state)
{
    (void)state;
    static const char *const whole[] = {"c", NULL};
    static const int64_t counts[] = {100};
    for (int rate = 0; rate < 2; rate++) {
        struct fixture x;
        set_up(&x, 100, TA_SCAN_PROGRESSIVE);
        set_film(&x, whole, counts);
        set(&x, "deinterlace-rate", rate ? "constant" : "variable");
        for (int i = 50; i < 100; i++)
            x.index.frames[i].pts += 30;
        x.index.end_pts += 30;
        struct ta_plan *p = must_decide(&x, "o.mkv");
        assert_int_equal(p->out_frames, rate ? 130 : 100);
        assert_int_equal(p->film_count, rate ? 3 : 0);
        if (rate) {
            assert_int_equal(ta_plan_copies_of(p, 49), 31);
            check_timeline(&x, p);
        }
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

// Soft telecine: frames shown for three and two fields in turn come at even distances.
static void soft_telecine(void **state)
{
    (void)state;
    static const char *const whole[] = {"c", NULL};
    static const int64_t counts[] = {100};
    for (int phase = 0; phase < 2; phase++) {
        struct fixture x;
        set_up(&x, 100, TA_SCAN_PROGRESSIVE);
        set_film(&x, whole, counts);
        x.index.time_base = x.index.format.time_base = (AVRational){1, 90000};
        int64_t t = 0;
        for (int i = 0; i < 100; i++) {
            x.index.frames[i].pts = t;
            t += (i + phase) % 2 ? 3003 : 4504;
        }
        x.index.end_pts = t;
        struct ta_plan *p = must_decide(&x, "o.mkv");
        assert_int_equal(p->out_frames, 100);
        for (int i = 2; i < 98; i++) {
            double step = (double)(ta_plan_time_of(p, &x.index, i + 1, 0) -
                                   ta_plan_time_of(p, &x.index, i, 0)) *
                          av_q2d(p->out_time_base);
            assert_true(step > 0.04169 && step < 0.04173);
        }
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

static void altered_film_is_refused(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 300, TA_SCAN_TFF);
    set_film(&x, hybrid, hybrid_counts);
    set(&x, "segment-length", "2");
    struct ta_plan *p = must_decide(&x, "o.mkv");
    char *good = ta_plan_to_json(p);
    static const char *const changes[][2] = {
        {"\"pattern\": \"cc+3t+6dc-3\"", "\"pattern\": \"cc+3t+6dq-3\""},
        {"\"pattern\": \"cc+3t+6dc-3\"", "\"pattern\": \"cc+3t+6dc-18\""},  // shown before the frame ahead
        {"\"pattern\": \"cc+3t+6dc-3\"", "\"pattern\": \"c-3c+3t+6dc-3\""}, // before the start
        {"\"pattern\": \"cc+3t+6dc-3\"", "\"pattern\": \"cc+3t+6dc+24\""},
        {"\"pattern\": \"cc+3t+6dc-3\"", "\"pattern\": \"cc+3t+6cc-3\""}, // one frame more
        {"\"pattern\": \"d\"", "\"pattern\": \"dd\""},
        {"\"pattern\": \"d\"", "\"repeat\": 3, \"pattern\": \"d\""},
        {"\"pattern\": \"v\"", "\"pattern\": \"\""},
        {"\"rate\": null", "\"rate\": \"0/1\""},
        {"\"count\": 59,\n          \"pattern\"", "\"count\": 60,\n          \"pattern\""},
    };
    refuse_changes(good, changes, TA_COUNT(changes));
    free(good);
    ta_plan_destroy(&p);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(film_timeline),
        cmocka_unit_test(film_ranges),
        cmocka_unit_test(film_gaps_and_whole_frames),
        cmocka_unit_test(soft_telecine),
        cmocka_unit_test(altered_film_is_refused),
    };
    ta_av_listen();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
