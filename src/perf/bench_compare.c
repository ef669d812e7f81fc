// Runs of before and of now, and the noise between them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"
#include "perf/bench.h"

// How often a value that has not changed may be called worse.
static const double BY_CHANCE = 1e-3;
// What a figure's own rounding and clocks make of it: repeats that agree by accident are no proof that there
// is no noise.
static const double LEAST_SPREAD = 0.002;
// Of values that are the same each time: what is left of a number that was written and read.
static const double ROUNDING = 1e-6;

// The probability of a Student's t above `t`, of `freedom` degrees; the finite sums for whole degrees.
static double tail(double t, int freedom)
{
    double angle = atan(t / sqrt(freedom)), square = cos(angle) * cos(angle), term = 1, sum = 0;
    if (freedom % 2) {
        term = cos(angle);
        for (int k = 1; k <= freedom - 2; k += 2) {
            sum += term;
            term *= square * (k + 1) / (k + 2);
        }
        sum = 2 / M_PI * (angle + sin(angle) * sum);
    } else {
        for (int k = 0; k <= freedom - 2; k += 2) {
            sum += term;
            term *= square * (k + 1) / (k + 2);
        }
        sum *= sin(angle);
    }
    return (1 - sum) / 2;
}

static double limit_of(int freedom)
{
    double low = 0, high = 1e4;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (tail(middle, freedom) > BY_CHANCE)
            low = middle;
        else
            high = middle;
    }
    return high;
}

struct sum {
    double mean, squares; // of what differs from the mean
    int count;
};

static struct sum sum_of(const json_t *value)
{
    const json_t *samples = json_object_get(value, "samples");
    struct sum s = {.count = (int)json_array_size(samples)};
    for (int i = 0; i < s.count; i++)
        s.mean += json_number_value(json_array_get(samples, (size_t)i)) / s.count;
    for (int i = 0; i < s.count; i++) {
        double off = json_number_value(json_array_get(samples, (size_t)i)) - s.mean;
        s.squares += off * off;
    }
    return s;
}

// By how much the means of two runs of the same thing may differ; below 0: nobody knows.
static double noise_of(const struct sum *a, const struct sum *b)
{
    int freedom = a->count + b->count - 2;
    if (freedom < 2)
        return -1;
    double spread = sqrt((a->squares + b->squares) / freedom);
    spread = fmax(spread, LEAST_SPREAD * fmax(fabs(a->mean), fabs(b->mean)));
    return limit_of(freedom) * spread * sqrt(1.0 / a->count + 1.0 / b->count);
}

static const json_t *find(const json_t *list, const json_t *value)
{
    const json_t *v;
    size_t i;
    json_array_foreach(
        list, i, v) if (!strcmp(ta_json_member_text(v, "bench"), ta_json_member_text(value, "bench")) &&
                        !strcmp(ta_json_member_text(v, "name"), ta_json_member_text(value, "name"))) return v;
    return NULL;
}

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
    return !strcmp(ta_json_member_text(a, key), ta_json_member_text(b, key));
}

static json_t *compare(const json_t *now, const json_t *before)
{
    const char *better = ta_json_member_text(now, "better"), *verdict = "same";
    struct sum b = sum_of(now), a = sum_of(before);
    bool exact = json_is_true(json_object_get(now, "exact")) &&
                 json_is_true(json_object_get(before, "exact"));
    double noise = exact ? ROUNDING * fabs(a.mean) : noise_of(&a, &b), change = b.mean - a.mean;
    if (!same_text(now, before, "command") || !same_text(now, before, "unit"))
        verdict = "other_command";
    else if (!same_text(now, before, "machine"))
        verdict = "other_machine";
    else if (noise < 0)
        verdict = "unknown";
    else if (fabs(change) > noise && strcmp(better, "neither") != 0)
        verdict = (change > 0) == !strcmp(better, "more") ? "better" : "worse";
    return json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:o, s:o, s:s}", "bench",
                     ta_json_member_text(now, "bench"), "name", ta_json_member_text(now, "name"), "unit",
                     ta_json_member_text(now, "unit"), "better", better, "before", a.mean, "now", b.mean,
                     "change", a.mean != 0 ? json_real(change / fabs(a.mean)) : json_null(), "noise",
                     noise >= 0 && a.mean != 0 ? json_real(noise / fabs(a.mean)) : json_null(), "verdict",
                     verdict);
}

json_t *ta_bench_compare(const json_t *now, const json_t *before)
{
    static const char *const verdicts[] = {"worse",   "better",        "same",
                                           "unknown", "other_command", "other_machine"};
    const json_t *values = json_object_get(now, "values"), *olds = json_object_get(before, "values"), *v;
    json_t *list = json_array(), *gone = json_array(), *all = json_object();
    size_t i;
    for (size_t k = 0; k < TA_COUNT(verdicts); k++)
        json_object_set_new(all, verdicts[k], json_integer(0));
    json_array_foreach(values, i, v)
    {
        const json_t *old = find(olds, v);
        if (!old)
            continue;
        json_t *c = compare(v, old);
        const char *verdict = ta_json_member_text(c, "verdict");
        json_object_set_new(all, verdict,
                            json_integer(json_integer_value(json_object_get(all, verdict)) + 1));
        json_array_append_new(list, c);
    }
    // What was not asked for this time is not gone.
    json_array_foreach(olds, i, v)
    {
        const json_t *b;
        size_t k;
        json_array_foreach(json_object_get(now, "benches"), k,
                           b) if (!strcmp(ta_json_member_text(b, "name"), ta_json_member_text(v, "bench")) &&
                                  !find(values, v))
            json_array_append_new(gone, json_pack("{s:s, s:s}", "bench", ta_json_member_text(v, "bench"),
                                                  "name", ta_json_member_text(v, "name")));
    }
    json_object_set_new(all, "time", json_string(ta_json_member_text(before, "time")));
    json_object_set_new(all, "values", list);
    json_object_set_new(all, "gone", gone);
    return all;
}

static int count_of(const json_t *comparison, const char *key)
{
    return (int)json_integer_value(json_object_get(comparison, key));
}

void ta_bench_compare_text(const json_t *comparison, struct ta_buf *out)
{
    const json_t *v;
    size_t i;
    static const char *const told[] = {"worse", "better"};
    for (size_t k = 0; k < TA_COUNT(told); k++) {
        json_array_foreach(json_object_get(comparison, "values"), i, v)
        {
            if (strcmp(ta_json_member_text(v, "verdict"), told[k]) != 0)
                continue;
            const char *unit = ta_json_member_text(v, "unit");
            ta_buf_printf(out, "%s: %s, %s: %.5g to %.5g%s%s", told[k], ta_json_member_text(v, "bench"),
                          ta_json_member_text(v, "name"), json_number_value(json_object_get(v, "before")),
                          json_number_value(json_object_get(v, "now")), *unit ? " " : "", unit);
            if (json_is_number(json_object_get(v, "change")))
                ta_buf_printf(out, " (%+.2g %%, noise %.2g %%)",
                              100 * json_number_value(json_object_get(v, "change")),
                              100 * json_number_value(json_object_get(v, "noise")));
            ta_buf_putc(out, '\n');
        }
    }
    json_array_foreach(json_object_get(comparison, "gone"), i, v)
        ta_buf_printf(out, "not measured any more: %s, %s\n", ta_json_member_text(v, "bench"),
                      ta_json_member_text(v, "name"));
    ta_buf_printf(out, "Against %s: %d worse, %d better, %d within the noise",
                  ta_json_member_text(comparison, "time"), count_of(comparison, "worse"),
                  count_of(comparison, "better"), count_of(comparison, "same"));
    if (count_of(comparison, "unknown"))
        ta_buf_printf(out, "; %d were measured too seldom to tell", count_of(comparison, "unknown"));
    if (count_of(comparison, "other_command"))
        ta_buf_printf(out, "; %d by another command", count_of(comparison, "other_command"));
    if (count_of(comparison, "other_machine"))
        ta_buf_printf(out, "; %d on another machine", count_of(comparison, "other_machine"));
    ta_buf_puts(out, ".\n");
}
