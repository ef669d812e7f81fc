// Option values of every kind. What is accepted must be written so that it is read again as the same, as text
// and as JSON. The first byte picks the option, the rest is the value.
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/opt.h"
#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
    bool on;
    int64_t number, free_number, size, limited_size;
    double real, free_real;
    struct ta_floats four, any;
    char *text;
    int choice;
    struct ta_time time;
    struct ta_range range;
};

static const struct ta_choice choices[] = {
    {"auto", NULL}, {"progressive", "p"}, {"interlaced", NULL}, {NULL, NULL}};

static const struct ta_opt table[] = {
    {.name = "on", .kind = &ta_opt_switch, TA_FIELD(struct values, on, bool)},
    {.name = "number",
     .kind = &ta_opt_int,
     TA_FIELD(struct values, number, int64_t),
     .min = -5,
     .max = INFINITY},
    {.name = "free-number", .kind = &ta_opt_int, TA_FIELD(struct values, free_number, int64_t)},
    {.name = "size", .kind = &ta_opt_bytes, TA_FIELD(struct values, size, int64_t)},
    {.name = "limited-size",
     .kind = &ta_opt_bytes,
     TA_FIELD(struct values, limited_size, int64_t),
     .def = "1k",
     .min = 10,
     .max = 1e9},
    {.name = "real", .kind = &ta_opt_float, TA_FIELD(struct values, real, double), .min = -1, .max = 1},
    {.name = "free-real", .kind = &ta_opt_float, TA_FIELD(struct values, free_real, double)},
    {.name = "four",
     .kind = &ta_opt_floats,
     TA_FIELD(struct values, four, struct ta_floats),
     .def = "1:2",
     .min_count = 2,
     .max_count = 4,
     .min = 0,
     .max = 100},
    {.name = "any", .kind = &ta_opt_floats, TA_FIELD(struct values, any, struct ta_floats)},
    {.name = "text", .kind = &ta_opt_text, TA_FIELD(struct values, text, char *)},
    {.name = "choice", .kind = &ta_opt_choice, TA_FIELD(struct values, choice, int), .choices = choices},
    {.name = "time", .kind = &ta_opt_time, TA_FIELD(struct values, time, struct ta_time)},
    {.name = "range", .kind = &ta_opt_range, TA_FIELD(struct values, range, struct ta_range)},
    {.name = NULL},
};

static void check(bool ok, const char *what, const char *text, const char *again)
{
    if (ok)
        return;
    fprintf(stderr, "%s: \"%s\" became \"%s\"\n", what, text, again);
    abort();
}

static void check_value(const struct ta_opt *o, const char *text)
{
    struct values v = {0}, w = {0};
    ta_opt_defaults(table, &v);
    char *before = ta_opt_text_of(o, &v);
    int ret = ta_opt_set(o, &v, text, "fuzz", NULL);
    char *first = ta_opt_text_of(o, &v);
    if (ret < 0) {
        check(!strcmp(before, first), "a refused value changed the old one", before, first);
    } else {
        check(!ta_opt_set(o, &w, first, NULL, NULL), "the canonical text is refused", text, first);
        char *second = ta_opt_text_of(o, &w);
        check(!strcmp(first, second), "the canonical text is not stable", first, second);
        free(second);
        ta_opt_release(table, &w);
        w = (struct values){0};

        json_t *object = ta_opt_to_json(table, &v);
        char *json = ta_json_text(object);
        json_t *parsed;
        check(!ta_json_parse(json, strlen(json), "fuzz", &parsed, NULL), "the JSON text is refused", text,
              json);
        check(!ta_opt_from_json(table, &w, parsed, "fuzz", NULL), "the JSON is refused", text, json);
        second = ta_opt_text_of(o, &w);
        check(!strcmp(first, second), "JSON changes the value", first, second);
        free(second);
        free(json);
        json_decref(parsed);
        json_decref(object);
        ta_opt_release(table, &w);
    }
    free(first);
    free(before);
    ta_opt_release(table, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text = ta_xstrndup((const char *)data + 1, size - 1);
    check_value(&table[data[0] % (TA_COUNT(table) - 1)], text);

    const char *const names[] = {"crf", "denoise-strength", "resolution", text, NULL};
    const char *nearest = ta_nearest(text, names);
    size_t length = strlen(text);
    if (length && length <= 63) // it is among the names itself
        check(nearest && strlen(nearest) == length, "nothing is nearer than the word itself", text,
              nearest ? nearest : "");
    struct ta_buf quoted = {0};
    ta_buf_quote(&quoted, text);
    for (size_t i = 0; i < quoted.size; i++)
        check((unsigned char)quoted.data[i] >= 0x20 && quoted.data[i] != 0x7f,
              "a control character got through", text, quoted.data);
    ta_buf_release(&quoted);
    free(text);
    return 0;
}
