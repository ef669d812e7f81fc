// Plans from elsewhere: every member dropped, and every value of another type, size or meaning. What is read
// all the same is a plan that can be run, and says nothing that this program would not have said.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "capture.h"
#include "facts.h"
#include "media/av.h"
#include "plan/plan.h"

// Where another value may stand: words for a person, what the source is, numbers within their ranges. '*' is
// any one name or number, a last "**" any path. Everything else has one right value.
static const char *const free_values[] = {
    "recipe/**",
    "diagnosis/**",
    "decisions/**",
    "warnings/**",
    "source/path",
    "source/size",
    "source/mtime_ns",
    "source/files/**",
    "output/framemd5",
    "video/chain",
    "video/first_frame",
    "streams/*/reason",
    "streams/*/source_codec",
    "streams/*/start_us",
    "time/offset",
    "time/range_start",
    "time/range_end",
    "video/stages/*/options/**",
    "video/redo/*/changes/**",
    "video/redo/*/chain",
    "video/redo/*/stages/*/options/**",
    "container",
    "container/chapters",
    "container/chapters/**",
    "container/tags",
    "tasks",
    "tasks/*/needs",
    "tasks/*/kind", // whether the program can make it is asked when it is run
    "tasks/*/expect/**",
    "tasks/*/index",
    "video/encoder/reproducible",
    "video/redo/*/encoder/reproducible",
    "video/parts/*/**",
    "streams/*/bit_rate",
    "streams/*/codec",
    "video/show/names/**",
    "video/show/details/**",
};
// What may be missing.
static const char *const optional[] = {
    "video/film",
    "video/show",
    "video/parts",
    "video/redo",
    "tasks",
    "container",
    "container/chapters",
    "container/tags",
    "container/tags/*",
    "streams/*/reason",
    "streams/*/bit_rate",
    "streams/*/start_us",
    "time/range_start",
    "time/range_end",
    "video/chain",
    "video/redo/*/chain",
    "tasks/*/expect",
    "recipe/*",
    "diagnosis/**",
    "source/files/**",
    "video/redo/*/changes/*",
    "video/encoder/reproducible",
    "video/redo/*/encoder/reproducible",
    "warnings/*/*",
    "video/film/runs/*/repeat",
    "warnings/*/**",
};

static bool matches(const char *path, const char *pattern)
{
    for (;;) {
        size_t n = strcspn(path, "/"), m = strcspn(pattern, "/");
        if (m == 2 && !strncmp(pattern, "**", 2))
            return true;
        if (!(m == 1 && *pattern == '*') && (n != m || strncmp(path, pattern, n) != 0))
            return false;
        path += n;
        pattern += m;
        if (!*path || !*pattern)
            return !*path && (!*pattern || !strcmp(pattern, "/**"));
        path++;
        pattern++;
    }
}

static bool is_listed(const char *path, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (matches(path, list[i]))
            return true;
    return false;
}

struct walk {
    json_t *root;
    struct capture log;
    const char *good; // the plan's own text
    int tried, accepted, members;
};

// Is it read? If not, one line says why.
static bool accepts(struct walk *w, const char *path, const char *what, bool *same)
{
    char *text = json_dumps(w->root, JSON_COMPACT | JSON_ENCODE_ANY);
    struct ta_plan *plan = NULL, *again = NULL;
    ta_buf_clear(&w->log.text);
    int err = ta_plan_from_json(&plan, text, strlen(text), "walk", w->log.log);
    w->tried++;
    if (err < 0) {
        const char *said = ta_buf_text(&w->log.text), *end = strchr(said, '\n');
        if (plan || strncmp(said, "error ", 6) || !end || end[1] || strlen(said) > 2000)
            fail_msg("%s %s: refused with %d, and said: %s", path, what, err, said);
    } else {
        *same = !strcmp(ta_plan_json(plan), w->good);
        if (!*same &&
            ta_plan_from_json(&again, ta_plan_json(plan), strlen(ta_plan_json(plan)), "again", NULL) < 0)
            fail_msg("%s %s: accepted, but what is written of it is not", path, what);
        // What would start other stages: this machine either can do it, or says in one line that it can't.
        if (!*same && strstr(path, "/stages/") &&
            ta_plan_check(plan, &(struct ta_env){.log = w->log.log}) < 0 &&
            !strstr(ta_buf_text(&w->log.text), "error "))
            fail_msg("%s %s: accepted, and not refused with a word: %s", path, what,
                     ta_buf_text(&w->log.text));
        w->accepted++;
    }
    ta_plan_destroy(&again);
    ta_plan_destroy(&plan);
    free(text);
    return err >= 0;
}

enum { OTHERS = 20, LONG = 70000 };

static json_t *other(int i)
{
    static char much[LONG];
    static const char *const texts[] = {"",           "../../../etc/passwd", "/dev/zero", "a=b:c,d;e|f",
                                        "while(1,0)", "\x1b[2J\r\t",         "-1/0",      "nan",
                                        much};
    memset(much, 'x', sizeof much - 1);
    switch (i) {
    case 0:
        return json_null();
    case 1:
        return json_true();
    case 2:
        return json_false();
    case 3:
        return json_integer(-1);
    case 4:
        return json_integer(0);
    case 5:
        return json_integer(INT64_MAX);
    case 6:
        return json_integer(INT64_MIN);
    case 7:
        return json_integer((int64_t)INT32_MAX + 1);
    case 8:
        return json_real(1e300);
    case 9:
        return json_array();
    case 10:
        return json_object();
    default:
        return json_string(texts[i - 11]);
    }
}

static void try_others(struct walk *w, const char *path, void (*put)(json_t *, const void *, json_t *),
                       json_t *node, const void *key)
{
    // Each member gets every fourth, and the next one others; all of them in the long run.
    int step = getenv("TA_TEST_LONG") ? 1 : 4;
    for (int i = w->members++ % step; i < OTHERS; i += step) {
        char what[32];
        bool same = false;
        snprintf(what, sizeof what, "as other value %d", i);
        put(node, key, other(i));
        if (accepts(w, path, what, &same) && !same && !is_listed(path, free_values, TA_COUNT(free_values)))
            fail_msg("%s %s: believed", path, what);
    }
}

static void put_member(json_t *node, const void *key, json_t *value)
{
    json_object_set_new(node, key, value);
}

static void put_item(json_t *node, const void *key, json_t *value)
{
    json_array_set_new(node, *(const size_t *)key, value);
}

static void walk(struct walk *w, json_t *node, const char *path);

static void walk_member(struct walk *w, json_t *node, const char *name, const char *at)
{
    json_t *was = json_incref(json_object_get(node, name));
    bool same = false;
    try_others(w, at, put_member, node, name);
    json_object_set(node, name, was);
    walk(w, was, at);
    json_object_del(node, name);
    if (accepts(w, at, "dropped", &same) && !is_listed(at, optional, TA_COUNT(optional)))
        fail_msg("%s: dropped, and nobody noticed", at);
    json_object_set_new(node, name, was); // at the end: the order of members is none of reading's business
}

static void walk(struct walk *w, json_t *node, const char *path)
{
    const char *slash = *path ? "/" : "", *key;
    json_t *value, *names = json_array();
    size_t i;
    json_object_foreach(node, key, value) json_array_append_new(names, json_string(key));
    json_array_foreach(names, i, value)
    {
        char *at = ta_xprintf("%s%s%s", path, slash, json_string_value(value));
        walk_member(w, node, json_string_value(value), at);
        free(at);
    }
    json_decref(names);
    for (i = 0; json_is_array(node) && i < json_array_size(node); i++) {
        char *at = ta_xprintf("%s%s%zu", path, slash, i);
        json_t *was = json_incref(json_array_get(node, i));
        try_others(w, at, put_item, node, &i);
        json_array_set_new(node, i, was);
        walk(w, was, at);
        free(at);
    }
}

static void walk_json(json_t *root)
{
    struct walk w = {.root = root};
    struct ta_plan *plan = NULL;
    bool same = false;
    char *text = json_dumps(root, 0);
    capture_init(&w.log);
    int err = ta_plan_from_json(&plan, text, strlen(text), "good", w.log.log);
    if (err < 0)
        fail_msg("%s", ta_buf_text(&w.log.text));
    char *good = ta_xstrdup(ta_plan_json(plan));
    w.good = good;
    assert_true(accepts(&w, "", "as it is", &same) && same);
    walk(&w, root, "");
    assert_true(accepts(&w, "", "as it was", &same) && same);
    print_message("%d plans tried, %d of them can be run\n", w.tried, w.accepted);
    assert_true(w.tried > 500 && w.accepted < w.tried / 2);
    ta_plan_destroy(&plan);
    capture_release(&w.log);
    free(good);
    free(text);
    json_decref(root);
}

static json_t *plan_json(enum ta_scan_type scan, const char *output, const char *const settings[][2],
                         size_t count)
{
    struct fixture x;
    set_up(&x, 80, scan);
    for (size_t i = 0; i < count; i++)
        set(&x, settings[i][0], settings[i][1]);
    struct ta_plan *p = must_decide(&x, output);
    char *text = ta_plan_to_json(p);
    json_t *root = json_loads(text, 0, NULL), *recipe = json_object();
    // Its options are all alike: those that are looked at stand for them.
    static const char *const kept[] = {"crf", "preset", "scan"};
    for (size_t i = 0; i < TA_COUNT(kept); i++)
        json_object_set(recipe, kept[i], json_object_get(json_object_get(root, "recipe"), kept[i]));
    json_object_set_new(root, "recipe", recipe);
    free(text);
    ta_plan_destroy(&p);
    tear_down(&x);
    return root;
}

static void vhs(void **state)
{
    (void)state;
    walk_json(plan_json(TA_SCAN_BFF, "x.mp4", NULL, 0));
}

static void all_slots(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"crop-top", "4"},
        {"crop-bottom", "8"},
        {"mask-left", "4"},
        {"deblock", "weak"},
        {"denoise", "hqdn3d"},
        {"sharpen", "cas"},
        {"colour-lut", "vhs_restore"},
        {"encoder", "hevc"},
        {"range", "0:00.1-0:02"},
        {"hdr", "hdr10"},
    };
    walk_json(plan_json(TA_SCAN_TFF, "x.mkv", settings, TA_COUNT(settings)));
}

// Members that no recipe above gives: several files, chapters, tags, tasks, redone ranges, other pictures.
static void rare_members(void **state)
{
    (void)state;
    static const char *const settings[][2] = {
        {"segment-length", "1"}, {"denoise", "off"}, {"encoder", "ffv1"}, {"resolution", "source"}};
    json_t *root = plan_json(TA_SCAN_TFF, "x.mkv", settings, TA_COUNT(settings));
    json_t *video = json_object_get(root, "video"), *cuts = json_object_get(video, "cuts");
    assert_true(json_array_size(cuts) > 2);
    json_object_set_new(root, "version", json_integer(2));
    json_object_set_new(json_object_get(root, "source"), "files",
                        json_pack("[{s:s}, {s:s}]", "name", "a", "name", "b"));
    json_object_set_new(root, "container",
                        json_pack("{s:[{s:i, s:i, s:s}], s:{s:s, s:s}}", "chapters", "start", 0, "end",
                                  1000000, "title", "1996-05-12 10:00:00", "tags", "creation_time",
                                  "1996-05-12T10:00:00.000000Z", "timecode", "00:00:10;00"));
    json_object_set_new(root, "tasks",
                        json_pack("[{s:s, s:s, s:i, s:{s:i}, s:[]}, {s:s, s:s, s:i, s:[s]}]", "kind", "tally",
                                  "stem", "tally-0", "index", 0, "expect", "samples", 5, "needs", "kind",
                                  "video", "stem", "seg-00001", "index", 1, "needs", "tally-0"));
    json_object_set_new(video, "parts",
                        json_pack("[{s:i, s:i, s:i, s:i, s:s, s:b, s:[i, i, i, i]}]", "first", 10, "count", 5,
                                  "width", 352, "height", 480, "sar", "20/11", "interlaced", 1, "place", 0, 0,
                                  720, 480));
    json_object_set_new(video, "base_cuts", json_deep_copy(cuts));
    json_object_set_new(
        video, "redo",
        json_pack("[{s:O, s:I, s:O, s:s, s:O, s:O, s:{s:{s:s, s:s}}}]", "first", json_array_get(cuts, 0),
                  "count", json_integer_value(json_array_get(cuts, 1)), "stages",
                  json_object_get(video, "stages"), "chain", "", "reach", json_object_get(video, "reach"),
                  "encoder", json_object_get(video, "encoder"), "changes", "denoise", "was", "off", "is",
                  "hqdn3d"));
    json_t *whole = json_deep_copy(root); // nothing shared between its parts
    json_decref(root);
    walk_json(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rare_members),
        cmocka_unit_test(vhs),
        cmocka_unit_test(all_slots),
    };
    ta_av_listen();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
