// Cadence decisions on measurements made here, for which the truth is known: film frames by field.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "diagnose/cadence.h"

enum { MAX_FRAMES = 400, MAX_FIELDS = 2 * MAX_FRAMES };

static uint64_t rng_state = 1;

static int random_below(int n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((rng_state >> 33) % (unsigned)n);
}

// A picture is a number; a field shows one.
struct tape {
    int shown[MAX_FIELDS], fields, picture;
};

// `text`: how many fields each picture is shown, again and again; an edit throws away what is left of the
// last one.
static void show(struct tape *t, const char *text, int fields)
{
    size_t n = strlen(text);
    for (size_t k = 0; fields > 0; k++) {
        t->picture++;
        for (int i = 0; i < text[k % n] - '0' && fields > 0; i++, fields--)
            t->shown[t->fields++] = t->picture;
    }
    t->picture += 10;
}

// What the field metrics would say: noise puts a wrong vote into some triples and takes it from others.
static void measure(const struct tape *t, int noise_percent, bool still, struct ta_field_triple (*out)[2])
{
    memset(out, 0, (size_t)t->fields / 2 * sizeof(*out));
    for (int i = 1; i + 1 < t->fields; i++) {
        struct ta_field_triple *m = &out[i / 2][i % 2];
        bool before = t->shown[i] == t->shown[i - 1], after = t->shown[i] == t->shown[i + 1];
        *m = (struct ta_field_triple){.moved_most = 1};
        if (still)
            continue;
        int step = t->shown[i + 1] - t->shown[i - 1];
        m->moved_most = step > 5 ? 100 : step > 0 ? 20 : 1;
        if (random_below(100) < noise_percent) { // a misread, or nothing to be seen
            if (random_below(2))
                *(random_below(2) ? &m->before : &m->after) = 0.3f;
            continue;
        }
        m->before = before && !after ? 0.5f : 0.02f;
        m->after = after && !before ? 0.5f : 0.02f;
        m->torn = !before && !after ? 0.4f : 0;
    }
}

static void decide(const struct tape *t, int noise_percent, bool top_first, struct ta_film_frame *out)
{
    static struct ta_field_triple triples[MAX_FRAMES][2];
    assert_true(t->fields % 2 == 0 && t->fields <= MAX_FIELDS);
    measure(t, noise_percent, false, triples);
    assert_int_equal(
        ta_cadence_decide((const struct ta_field_triple(*)[2])triples, t->fields / 2, top_first, out), 0);
}

// Every picture with two fields side by side comes once, from its own fields; frames of two single fields are
// video, whole ones never; times rise.
static void check(const char *name, const struct tape *t, bool top_first, const struct ta_film_frame *film)
{
    int given[MAX_FIELDS] = {0};
    int64_t last = -1;
    for (int n = 0; n < t->fields / 2; n++) {
        char a = film[n].action;
        if (a == TA_FILM_DROP)
            continue;
        int64_t at = TA_FILM_PARTS * n + film[n].shift;
        if (at <= last)
            fail_msg("%s: frame %d is shown at %lld, after %lld", name, n, (long long)at, (long long)last);
        last = at;
        if (ta_film_is_video(a)) {
            assert_int_equal(a, top_first ? TA_FILM_VIDEO_TFF : TA_FILM_VIDEO_BFF);
            last += TA_FILM_PARTS / 2;
            continue;
        }
        assert_true(a == TA_FILM_KEEP || a == (top_first ? TA_FILM_TOP : TA_FILM_BOTTOM));
        int first = a == TA_FILM_KEEP ? 2 * n : 2 * n + 1;
        if (t->shown[first] != t->shown[first + 1] && first + 4 >= t->fields)
            continue; // a change at the last fields is not worth its cost
        if (t->shown[first] != t->shown[first + 1])
            fail_msg("%s: frame %d is woven from pictures %d and %d", name, n, t->shown[first],
                     t->shown[first + 1]);
        if (given[t->shown[first] % MAX_FIELDS]++)
            fail_msg("%s: picture %d comes twice", name, t->shown[first]);
    }
    for (int i = 0; i + 1 < t->fields - 4; i++)
        if (t->shown[i] == t->shown[i + 1] && !given[t->shown[i] % MAX_FIELDS])
            fail_msg("%s: picture %d is missing", name, t->shown[i]);
    for (int n = 0; n < t->fields / 2; n++) {
        const int *f = &t->shown[2 * n];
        bool single = (n == 0 || f[-1] != f[0]) && f[0] != f[1] && (2 * n + 2 == t->fields || f[2] != f[1]);
        if (single ? !ta_film_is_video(film[n].action) : ta_film_is_video(film[n].action) && f[0] == f[1])
            fail_msg("%s: frame %d: video is %d", name, n, !single);
    }
}

static const char *const patterns[] = {"23", "32", "2332", "2", "2224", "3", "222222222223"};

static void test_patterns(void **state)
{
    (void)state;
    static struct ta_film_frame film[MAX_FRAMES];
    for (size_t p = 0; p < TA_COUNT(patterns); p++)
        for (int phase = 0; phase < 10; phase++)
            for (int top = 0; top < 2; top++) {
                struct tape t = {0};
                show(&t, patterns[p], 200 + phase);
                t.fields -= phase; // begun earlier than the tape
                memmove(t.shown, t.shown + phase, (size_t)t.fields * sizeof *t.shown);
                decide(&t, 0, top, film);
                check(patterns[p], &t, top, film);
            }
}

// Long cadences are a single run; its film frames have even distances.
static void test_even_times(void **state)
{
    (void)state;
    static const char *const even[] = {"23", "2332", "2224"};
    static struct ta_film_frame film[MAX_FRAMES];
    for (size_t p = 0; p < TA_COUNT(even); p++) {
        struct tape t = {0};
        show(&t, even[p], 200);
        decide(&t, 0, true, film);
        struct ta_film_run *runs;
        int run_count, frames = 0;
        assert_int_equal(ta_film_compress(film, NULL, 0, 100, &runs, &run_count), 0);
        assert_int_equal(run_count, 1);
        assert_int_equal(runs[0].period, 5);
        for (int n = 0; n < 100; n++)
            if (ta_film_gives(film[n].action))
                assert_int_equal(TA_FILM_PARTS * n + film[n].shift, frames++ * TA_FILM_PARTS * 5 / 4);
        assert_int_equal(frames, 80);
        free(runs);
    }
}

static void test_edits(void **state)
{
    (void)state;
    static struct ta_film_frame film[MAX_FRAMES];
    for (int round = 0; round < 200; round++) {
        struct tape t = {0};
        rng_state = (uint64_t)round;
        while (t.fields < MAX_FIELDS - 100) {
            // An edit may throw away any part of a cycle, but cuts between frames.
            int skip = random_below(10), start = t.fields;
            show(&t, random_below(3) ? "23" : "2332", 30 + 2 * random_below(30) + skip);
            t.fields -= skip;
            memmove(t.shown + start, t.shown + start + skip, (size_t)(t.fields - start) * sizeof *t.shown);
            t.fields -= t.fields % 2;
        }
        decide(&t, 0, round % 2, film);
        check("edits", &t, round % 2, film);
    }
}

static void test_inserts(void **state)
{
    (void)state;
    static struct ta_film_frame film[MAX_FRAMES];
    for (int round = 0; round < 100; round++) {
        struct tape t = {0};
        rng_state = (uint64_t)round;
        for (int i = 0; i < 5; i++)
            show(&t, i % 2 ? "1" : patterns[random_below(4)], 30 + 2 * random_below(30));
        decide(&t, 0, round % 2, film);
        check("inserts", &t, round % 2, film);
    }
}

// A tenth of the measurements wrong or missing changes nothing, a few frames at edits excepted.
static void test_noise(void **state)
{
    (void)state;
    static struct ta_film_frame film[MAX_FRAMES];
    for (int round = 0; round < 50; round++) {
        struct tape t = {0};
        rng_state = (uint64_t)round + 1000;
        show(&t, patterns[round % 4], 400);
        decide(&t, 10, round % 2, film);
        check("noise", &t, round % 2, film);
    }
}

// A still scene keeps the cadence around it; a film of stills keeps its frames.
static void test_still(void **state)
{
    (void)state;
    static struct ta_field_triple triples[MAX_FRAMES][2];
    static struct ta_film_frame film[MAX_FRAMES];
    struct tape t = {0};
    show(&t, "23", 400);
    measure(&t, 0, false, triples);
    for (int n = 60; n < 140; n++)
        for (int k = 0; k < 2; k++)
            triples[n][k] = (struct ta_field_triple){.moved_most = 1};
    assert_int_equal(ta_cadence_decide((const struct ta_field_triple(*)[2])triples, 200, true, film), 0);
    check("still scene", &t, true, film);
    measure(&t, 0, true, triples);
    assert_int_equal(ta_cadence_decide((const struct ta_field_triple(*)[2])triples, 200, true, film), 0);
    for (int n = 0; n < 200; n++)
        assert_int_equal(film[n].action, TA_FILM_KEEP);
}

static void test_short(void **state)
{
    (void)state;
    struct ta_field_triple triples[3][2] = {0};
    struct ta_film_frame film[3];
    for (int64_t n = 0; n <= 3; n++) {
        assert_int_equal(ta_cadence_decide((const struct ta_field_triple(*)[2])triples, n, true, film), 0);
        for (int64_t i = 0; i < n; i++)
            assert_int_equal(film[i].action, TA_FILM_KEEP);
    }
}

static void test_compress(void **state)
{
    (void)state;
    static struct ta_film_frame film[MAX_FRAMES];
    static int32_t repeats[MAX_FRAMES];
    for (int round = 0; round < 200; round++) {
        rng_state = (uint64_t)round;
        int count = 1 + random_below(MAX_FRAMES - 1), kinds = 1 + random_below(4),
            period = 1 + random_below(14);
        for (int n = 0; n < count; n++) {
            bool fresh = n < period || random_below(40) == 0;
            film[n] = fresh ? (struct ta_film_frame){"cdtv"[random_below(kinds)], (int8_t)random_below(kinds)}
                            : film[n - period];
            repeats[n] = random_below(50) == 0;
        }
        struct ta_film_run *runs;
        int run_count;
        assert_int_equal(ta_film_compress(film, round % 2 ? repeats : NULL, 1000, count, &runs, &run_count),
                         0);
        int64_t next = 1000;
        for (int i = 0; i < run_count; i++) {
            assert_int_equal(runs[i].first, next);
            next += runs[i].count;
            struct ta_buf text = {0};
            struct ta_film_run again = runs[i];
            ta_film_write_pattern(&runs[i], &text);
            assert_int_equal(ta_film_read_pattern(&again, ta_buf_text(&text)), 0);
            assert_memory_equal(&again, &runs[i], sizeof again);
            ta_buf_release(&text);
        }
        assert_int_equal(next, 1000 + count);
        for (int n = 0; n < count; n++) {
            const struct ta_film_run *r = ta_film_find(runs, run_count, 1000 + n);
            struct ta_film_frame f = ta_film_at(r, 1000 + n);
            assert_int_equal(f.action, film[n].action);
            assert_int_equal(f.shift, film[n].shift);
            assert_int_equal(r->repeat, round % 2 ? repeats[n] : 0);
        }
        assert_null(ta_film_find(runs, run_count, 999));
        assert_null(ta_film_find(runs, run_count, 1000 + count));
        free(runs);
    }
}

static void test_pattern_text(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",   "q", "c+", "c+0", "c-0", "c+25", "c-99999999999999999999", "cc+3-3", "+3", "ccccccccccccc",
        "c 3"};
    struct ta_film_run run = {0};
    for (size_t i = 0; i < TA_COUNT(wrong); i++)
        assert_true(ta_film_read_pattern(&run, wrong[i]) < 0);
    assert_int_equal(ta_film_read_pattern(&run, "cc+3t+6dc-3"), 0);
    assert_int_equal(run.period, 5);
    assert_int_equal(run.pattern[4].shift, -3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),     cmocka_unit_test(test_even_times),
        cmocka_unit_test(test_edits),        cmocka_unit_test(test_inserts),
        cmocka_unit_test(test_noise),        cmocka_unit_test(test_still),
        cmocka_unit_test(test_short),        cmocka_unit_test(test_compress),
        cmocka_unit_test(test_pattern_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
