#include "plan/diff.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/sha256.h"
#include "base/mem.h"
#include "base/tree.h"

enum { MAX_DERIVED = 8 };

// The plan with nothing in it but what decides the segments; NULL when the text is no JSON object.
static json_t *essence(const char *json)
{
    json_t *root = json_loads(json, 0, NULL), *item;
    const char *key;
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    json_object_del(json_object_get(root, "source"), "path");
    json_object_del(json_object_get(root, "source"), "files"); // its checksum covers them
    json_object_del(json_object_get(root, "output"), "path");
    // Redone ranges have segments of their own; the rest is what it was.
    json_t *video = json_object_get(root, "video"), *cuts = json_object_get(video, "base_cuts");
    if (cuts) {
        json_object_set(video, "cuts", cuts);
        json_object_del(video, "base_cuts");
        json_object_del(video, "redo");
    }
    json_object_foreach(json_object_get(root, "recipe"), key, item) json_object_del(item, "from");
    // Plans of before had the words alone.
    json_t *warnings = json_object_get(root, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        json_t *words = json_object_get(json_array_get(warnings, i), "message");
        if (words)
            json_array_set(warnings, i, words);
    }
    return root;
}

void ta_plan_identity(const char *json, char out[65])
{
    json_t *root = essence(json);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const char *hashed = text ? text : json;
    ta_sha256_hex(hashed, strlen(hashed), out);
    free(text);
    json_decref(root);
}

struct differences {
    struct ta_buf *out;
    int count;
};

static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return ta_xstrdup(json_string_length(value) ? json_string_value(value) : "(none)");
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    return text ? text : ta_xstrdup("(none)");
}

static void add(struct differences *d, const char *what, const json_t *before, const json_t *now)
{
    char *a = value_text(before), *b = value_text(now);
    ta_buf_printf(d->out, "%s%s: %.80s -> %.80s", d->count++ ? "; " : "", what, a, b);
    free(a);
    free(b);
}

// Options of either recipe, by name.
static void compare_recipes(struct differences *d, const json_t *before, const json_t *now)
{
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)now, key, item)
    {
        const json_t *a = json_object_get(json_object_get(before, key), "value");
        const json_t *b = json_object_get(item, "value");
        char *option = ta_xprintf("--%s", key);
        const char *from = json_string_value(json_object_get(item, "from"));
        bool new = !a &&from && !strcmp(from, "default");
        if (!json_equal(a, b) && !new)
            add(d, option, a, b);
        free(option);
    }
    json_object_foreach((json_t *)before, key, item)
    {
        if (json_object_get(now, key))
            continue;
        char *option = ta_xprintf("--%s", key);
        add(d, option, json_object_get(item, "value"), NULL);
        free(option);
    }
}

void ta_recipe_differences(const json_t *before, const json_t *now, struct ta_buf *out)
{
    struct differences d = {.out = out};
    compare_recipes(&d, before, now);
}

static void compare_sources(struct differences *d, const json_t *before, const json_t *now)
{
    const json_t *size_before = json_object_get(before, "size"), *size_now = json_object_get(now, "size");
    if (json_equal(before, now))
        return;
    const json_t *head_before = json_object_get(before, "head_tail_sha256"),
                 *head_now = json_object_get(now, "head_tail_sha256"),
                 *date_before = json_object_get(before, "mtime_ns"),
                 *date_now = json_object_get(now, "mtime_ns");
    if (!json_equal(size_before, size_now))
        add(d, "the source has changed, its bytes", size_before, size_now);
    else if (json_equal(head_before, head_now) && json_equal(date_before, date_now))
        ta_buf_printf(d->out, "%sthe program, which indexes the source in another way",
                      d->count++ ? "; " : "");
    else if (!json_equal(head_before, head_now))
        ta_buf_printf(d->out, "%sthe source has changed: its content is another", d->count++ ? "; " : "");
    else
        ta_buf_printf(d->out, "%sthe source has changed: its date is another", d->count++ ? "; " : "");
}

static void compare_rest(struct differences *d, const char *path, const json_t *before, const json_t *now)
{
    if (json_equal(before, now) || d->count >= MAX_DERIVED)
        return;
    if (!json_is_object(before) || !json_is_object(now)) {
        add(d, path, before, now);
        return;
    }
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)before, key, item)
    {
        char *place = path[0] ? ta_xprintf("%s.%s", path, key) : ta_xstrdup(key);
        compare_rest(d, place, item, json_object_get(now, key));
        free(place);
    }
    json_object_foreach((json_t *)now, key, item)
    {
        char *place = path[0] ? ta_xprintf("%s.%s", path, key) : ta_xstrdup(key);
        if (!json_object_get(before, key))
            compare_rest(d, place, NULL, item);
        free(place);
    }
}

void ta_plan_differences(const char *old_json, const char *new_json, struct ta_buf *out)
{
    json_t *before = essence(old_json), *now = essence(new_json);
    struct differences d = {.out = out};
    compare_recipes(&d, json_object_get(before, "recipe"), json_object_get(now, "recipe"));
    compare_sources(&d, json_object_get(before, "source"), json_object_get(now, "source"));
    if (!d.count)
        compare_rest(&d, "", before, now);
    json_decref(before);
    json_decref(now);
}
