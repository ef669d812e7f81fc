// Option values of every kind: the first byte chooses the option, the rest is the text. A value that is
// accepted has a canonical text that gives the same value again, and survives JSON.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    bool on;
    int64_t count;
    double share;
    struct ta_floats strengths;
    char *name;
    int choice;
    int64_t limit;
    struct ta_time start;
    struct ta_range range;
};

static const struct ta_choice choices[] = {{"fast", NULL}, {"good", NULL}, {"best", "slow"}, {NULL, NULL}};

static const struct ta_opt table[] = {
    {.name = "on", .kind = &ta_opt_switch, TA_FIELD(struct values, on, bool), .def = "on"},
    {.name = "count", .kind = &ta_opt_int, TA_FIELD(struct values, count, int64_t), .min = -5, .max = 51},
    {.name = "share", .kind = &ta_opt_float, TA_FIELD(struct values, share, double), .def = "0.5", .max = 1},
    {.name = "strengths",
     .kind = &ta_opt_floats,
     TA_FIELD(struct values, strengths, struct ta_floats),
     .max = 255},
    {.name = "name", .kind = &ta_opt_text, TA_FIELD(struct values, name, char *)},
    {.name = "choice", .kind = &ta_opt_choice, TA_FIELD(struct values, choice, int), .choices = choices},
    {.name = "limit", .kind = &ta_opt_bytes, TA_FIELD(struct values, limit, int64_t)},
    {.name = "start", .kind = &ta_opt_time, TA_FIELD(struct values, start, struct ta_time)},
    {.name = "range", .kind = &ta_opt_range, TA_FIELD(struct values, range, struct ta_range)},
    {0},
};

static void expect_same(const struct values *a, const struct values *b)
{
    for (const struct ta_opt *o = table; o->name; o++) {
        char *first = ta_opt_text_of(o, a), *second = ta_opt_text_of(o, b);
        if (strcmp(first, second) != 0)
            abort();
        free(first);
        free(second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct ta_opt *o = &table[data[0] % (TA_COUNT(table) - 1)];
    char *text = ta_xstrndup((const char *)data + 1, size - 1);
    struct values a = {0}, b = {0}, c = {0};
    ta_opt_defaults(table, &a);
    ta_opt_defaults(table, &b);

    if (ta_opt_set(o, &a, text, "input", NULL) < 0) {
        expect_same(&a, &b); // a refused value changes nothing
    } else {
        char *canonical = ta_opt_text_of(o, &a);
        if (ta_opt_set(o, &b, canonical, "canonical", NULL) < 0)
            abort();
        expect_same(&a, &b);
        free(canonical);

        json_t *json = ta_opt_to_json(table, &a);
        if (ta_opt_from_json(table, &c, json, "json", NULL) < 0)
            abort();
        expect_same(&a, &c);
        json_decref(json);
    }
    ta_opt_release(table, &a);
    ta_opt_release(table, &b);
    ta_opt_release(table, &c);
    free(text);
    return 0;
}
