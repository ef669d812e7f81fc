#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/opt.h"
#include "base/tree.h"

#include "capture.h"
#include "opt_kit.h"

static void test_defaults(void **state)
{
    (void)state;
    struct values v = {0};
    ta_opt_defaults(table, &v);
    assert_true(v.audio);
    assert_false(v.overwrite);
    assert_int_equal(v.crf, 18);
    assert_int_equal(v.low, 0);
    assert_int_equal(v.memory, (int64_t)2 << 30);
    assert_true(v.strength == 0.4);
    assert_int_equal(v.noise.count, 4);
    assert_true(v.noise.v[1] == 2 && v.noise.v[2] == 3);
    assert_string_equal(v.title, "Tape");
    assert_null(v.output);
    assert_int_equal(v.quality, 1);
    assert_int_equal(v.start.unit, TA_TIME_SECONDS);
    assert_true(v.start.value == 90);
    for (const struct ta_opt *o = table; o->name; o++)
        if (!ta_opt_is_default(o, &v))
            fail_msg("%s is not its own default", o->name);
    v.crf = 19;
    assert_false(ta_opt_is_default(ta_opt_find(table, "crf"), &v));
    v.noise.count = 3;
    assert_false(ta_opt_is_default(ta_opt_find(table, "noise"), &v));
    ta_opt_release(table, &v);
    assert_null(v.title);
    assert_false(ta_opt_is_default(ta_opt_find(table, "title"), &v));
    ta_opt_release(table, &v);
}

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(ta_opt_find(table, "audio"), &table[0]);
    assert_ptr_equal(ta_opt_find(table, "secret"), &table[TA_COUNT(table) - 2]);
    static const char *const wrong[] = {"", "Audio", "audi", "audio ", "free_int"};
    for (size_t i = 0; i < TA_COUNT(wrong); i++)
        assert_null(ta_opt_find(table, wrong[i]));
}

// What is accepted, and its canonical text.
static const struct {
    const char *name, *text, *canonical;
} good[] = {
    {"audio", "off", "off"},
    {"audio", "no", "off"},
    {"audio", "false", "off"},
    {"audio", "0", "off"},
    {"audio", "on", "on"},
    {"audio", "yes", "on"},
    {"audio", "true", "on"},
    {"audio", "1", "on"},
    {"crf", "0", "0"},
    {"crf", "51", "51"},
    {"crf", "+07", "7"},
    {"jobs", "9223372036854775807", "9223372036854775807"},
    {"low", "-9223372036854775808", "-9223372036854775808"},
    {"free-int", "-5", "-5"},
    {"free-int", "9223372036854775807", "9223372036854775807"},
    {"memory", "1024", "1k"},
    {"memory", "1k", "1k"},
    {"memory", "1K", "1k"},
    {"memory", "64kB", "64k"},
    {"memory", "64KiB", "64k"},
    {"memory", "1.5G", "1536M"},
    {"memory", "1T", "1T"},
    {"memory", "1025", "1025"},
    {"memory", "1025B", "1025"},
    {"memory", "1024.0", "1k"},
    {"memory", "0.1M", "104857"}, // whole bytes below
    {"budget", "0", "0"},
    {"budget", "8191P", "8191P"},
    {"budget", "9223372036854775807", "9223372036854775807"},
    {"strength", "0", "0"},
    {"strength", "1.0", "1"},
    {"strength", ".25", "0.25"},
    {"strength", "1e-3", "0.001"},
    {"strength", "-0", "0"},
    {"gain", "-1e308", "-1e+308"},
    {"gain", "0.1", "0.1"},
    {"noise", "1:2", "1:2"},
    {"noise", "1:2:3.5:4.0", "1:2:3.5:4"},
    {"any", "", ""},
    {"any", "1", "1"},
    {"any", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
    {"any", "-1.5:1e300", "-1.5:1e+300"},
    {"title", "", ""},
    {"title", "Sommer 1987 \xe2\x80\x93 \xc3\x84gypten", "Sommer 1987 \xe2\x80\x93 \xc3\x84gypten"},
    {"title", " two\nlines ", " two\nlines "},
    {"quality", "fast", "fast"},
    {"quality", "best", "best"},
    {"at", "", ""},
    {"at", "0", "0"},
    {"at", "90", "1:30"},
    {"at", "90s", "1:30"},
    {"at", "59.25", "59.25"},
    {"at", "1:23:45.5", "1:23:45.5"},
    {"at", "0:00:05", "5"},
    {"at", "5025.5s", "1:23:45.5"},
    {"at", "90:00", "1:30:00"},
    {"at", "100:00:00", "100:00:00"},
    {"at", "0.000000001", "0.000000001"},
    {"at", "1000000000", "277777:46:40"},
    {"at", "3600.100000001", "1:00:00.100000001"},
    {"at", "25%", "25%"},
    {"at", "0%", "0%"},
    {"at", "99.5%", "99.5%"},
    {"at", "100%", "100%"},
    {"at", "1200f", "1200f"},
    {"at", "0f", "0f"},
    {"at", "9007199254740992f", "9007199254740992f"},
    {"range", "", ""},
    {"range", "-", ""},
    {"range", "10-20", "10-20"},
    {"range", "1:00-2:00:00.5", "1:00-2:00:00.5"},
    {"range", "10-", "10-"},
    {"range", "-20", "-20"},
    {"range", "25%-50%", "25%-50%"},
    {"range", "0-1f", "0-1f"},
    {"range", "100f-10%", "100f-10%"}, // different units: only the source can tell
};

static void test_round_trips(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(good); i++) {
        const struct ta_opt *o = ta_opt_find(table, good[i].name);
        struct values v = {0};
        ta_opt_defaults(table, &v);
        if (ta_opt_set(o, &v, good[i].text, NULL, c.log))
            fail_msg("%s %s: %s", good[i].name, good[i].text, ta_buf_text(&c.text));
        char *text = ta_opt_text_of(o, &v);
        if (strcmp(text, good[i].canonical))
            fail_msg("%s %s became %s", good[i].name, good[i].text, text);
        assert_int_equal(ta_opt_set(o, &v, text, NULL, c.log), 0);
        char *again = ta_opt_text_of(o, &v);
        assert_string_equal(again, text);
        free(again);
        free(text);
        ta_opt_release(table, &v);
    }
    capture_expect(&c, "");
    capture_release(&c);
}

#define RANGE_TEXT "must be START-END, where either may be empty"
#define TIME_TEXT "must be a time such as 90, 1:23:45.5, 25% or 1200f"
#define SIZE_TEXT "must be a size such as 2G, 500M or 64k"

static const struct {
    const char *name, *text, *reason;
} bad[] = {
    {"audio", "", "must be on or off"},
    {"audio", "On", "must be on or off"},
    {"audio", "2", "must be on or off"},
    {"crf", "", "must be a whole number"},
    {"crf", "18.5", "must be a whole number"},
    {"crf", "1e1", "must be a whole number"},
    {"crf", "18 ", "must be a whole number"},
    {"crf", "52", "must lie in 0..51"},
    {"crf", "-1", "must lie in 0..51"},
    {"crf", "99999999999999999999", "must lie in 0..51"},
    {"crf", "-99999999999999999999", "must lie in 0..51"},
    {"jobs", "0", "must be at least 1"},
    {"jobs", "-99999999999999999999", "must be at least 1"},
    {"jobs", "99999999999999999999", "is too large"},
    {"low", "0", "must be at most -1"},
    {"low", "-99999999999999999999", "is too small"},
    {"free-int", "99999999999999999999", "is too large"},
    {"memory", "", SIZE_TEXT},
    {"memory", "G", SIZE_TEXT},
    {"memory", "-1", SIZE_TEXT},
    {"memory", "2 G", SIZE_TEXT},
    {"memory", "2GG", SIZE_TEXT},
    {"memory", "2Gi", SIZE_TEXT},
    {"memory", "2iB", SIZE_TEXT},
    {"memory", "2m", SIZE_TEXT},
    {"memory", "1e6", SIZE_TEXT},
    {"memory", "1.2.3k", SIZE_TEXT},
    {"memory", "1024.5", "must be whole bytes"},
    {"memory", "1023", "must lie in 1k..1T"},
    {"memory", "2T", "must lie in 1k..1T"},
    {"memory", "8192P", "is too large"},
    {"memory", "8192.0P", "is too large"},
    {"budget", "9223372036854775808", "is too large"},
    {"strength", "", "must be a number"},
    {"strength", "nan", "must be a number"},
    {"strength", "inf", "must be a number"},
    {"strength", "0x1", "must be a number"},
    {"strength", "0,5", "must be a number"},
    {"strength", "1.01", "must lie in 0..1"},
    {"strength", "-0.01", "must lie in 0..1"},
    {"gain", "1e999", "is too large"},
    {"noise", "", "must be 2 to 4 numbers joined by \":\""},
    {"noise", "1", "must be 2 to 4 numbers joined by \":\""},
    {"noise", "1:2:3:4:5", "must be 2 to 4 numbers joined by \":\""},
    {"noise", "1:", "number 2 must be a number"},
    {"noise", ":1", "number 1 must be a number"},
    {"noise", "1:2:x", "number 3 must be a number"},
    {"noise", "1:101", "number 2 must lie in 0..100"},
    {"noise", "x", "must be a number"},
    {"any", "1:2:3:4:5:6:7:8:9", "must be 1 to 8 numbers joined by \":\""},
    {"title", "caf\xe9", "must be UTF-8"},
    {"quality", "", "must be fast, good or best"},
    {"quality", "Fast", "must be fast, good or best"},
    {"quality", "1", "must be fast, good or best"},
    {"scan", "interlace", "must be auto, progressive, interlaced or telecine; did you mean \"interlaced\"?"},
    {"scan", "zzz", "must be auto, progressive, interlaced or telecine"},
    {"at", "x", TIME_TEXT},
    {"at", "-1", TIME_TEXT},
    {"at", "1:2:3", TIME_TEXT},
    {"at", "1:60", TIME_TEXT},
    {"at", "1:60:00", TIME_TEXT},
    {"at", "1:00:00:00", TIME_TEXT},
    {"at", "1.5:00", TIME_TEXT},
    {"at", "1:30.5:00", TIME_TEXT},
    {"at", "1:30s", TIME_TEXT},
    {"at", ":30", TIME_TEXT},
    {"at", "1:", TIME_TEXT},
    {"at", "1.", TIME_TEXT},
    {"at", ".5", TIME_TEXT},
    {"at", "1e3", TIME_TEXT},
    {"at", "0.0000000001", TIME_TEXT},
    {"at", "90m", TIME_TEXT},
    {"at", "100.1%", "must be at most 100%"},
    {"at", "1.5f", "must be a whole number of frames"},
    {"at", "1000000001", "is too large"},
    {"at", "277777:46:41", "is too large"},
    {"at", "9007199254740993f0", TIME_TEXT},
    {"at", "99999999999999999f", "is too large"},
    {"range", "90", RANGE_TEXT},
    {"range", "a-b", "the start " TIME_TEXT},
    {"range", "1-b", "the end " TIME_TEXT},
    {"range", "1-2-3", "the end " TIME_TEXT},
    {"range", "--", "the end " TIME_TEXT},
    {"range", "101%-", "the start must be at most 100%"},
    {"range", "20-10", "the end must lie after the start"},
    {"range", "20-20", "the end must lie after the start"},
    {"range", "50%-25%", "the end must lie after the start"},
    {"range", "-0", "the end must lie after the start"},
    {"range", "5f-0", "the end must lie after the start"},
};

static void test_bad_values(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(bad); i++) {
        const struct ta_opt *o = ta_opt_find(table, bad[i].name);
        struct values v = {0};
        ta_opt_defaults(table, &v);
        int ret = ta_opt_set(o, &v, bad[i].text, "preset.yaml:3", c.log);
        if (ret != TA_ERR_INVALID)
            fail_msg("%s \"%s\" gives %d", bad[i].name, bad[i].text, ret);
        struct ta_buf expected = {0};
        ta_buf_puts(&expected, "error terminalai: preset.yaml:3: ");
        ta_buf_quote(&expected, bad[i].text);
        ta_buf_printf(&expected, " for %s: %s\n", bad[i].name, bad[i].reason);
        capture_expect(&c, expected.data);
        ta_buf_release(&expected);
        assert_true(ta_opt_is_default(o, &v)); // the old value is left
        ta_opt_release(table, &v);
    }
    struct values v = {0};
    assert_int_equal(ta_opt_set(ta_opt_find(table, "crf"), &v, "x\n", NULL, c.log), TA_ERR_INVALID);
    capture_expect(&c, "error terminalai: \"x\\n\" for crf: must be a whole number\n");
    // An option that is named by the place is not named again.
    static const struct {
        const char *where, *said;
    } named[] = {
        {"--crf", "--crf: \"x\": must"},
        {"TERMINALAI_CRF", "TERMINALAI_CRF: \"x\": must"},
        {"--scrf", "--scrf: \"x\" for crf: must"},
        {"crf", "crf: \"x\": must"},
        {"crf.yaml:3", "crf.yaml:3: \"x\" for crf: must"},
        {"--", "--: \"x\" for crf: must"},
    };
    for (size_t i = 0; i < TA_COUNT(named); i++) {
        assert_int_equal(ta_opt_set(ta_opt_find(table, "crf"), &v, "x", named[i].where, c.log),
                         TA_ERR_INVALID);
        char *said = ta_xprintf("error terminalai: %s be a whole number\n", named[i].said);
        capture_expect(&c, said);
        free(said);
    }
    assert_int_equal(ta_opt_set(ta_opt_find(table, "crf"), &v, "x", NULL, NULL), TA_ERR_INVALID);
    capture_release(&c);
}

static void test_text_is_owned(void **state)
{
    (void)state;
    const struct ta_opt *o = ta_opt_find(table, "title");
    struct values v = {0};
    char text[] = "first";
    assert_int_equal(ta_opt_set(o, &v, text, NULL, NULL), 0);
    text[0] = 'X';
    assert_string_equal(v.title, "first");
    assert_int_equal(ta_opt_set(o, &v, v.title + 2, NULL, NULL), 0); // a part of the old value
    assert_string_equal(v.title, "rst");
    assert_int_equal(ta_opt_set(o, &v, "\xff", NULL, NULL), TA_ERR_INVALID);
    assert_string_equal(v.title, "rst");
    assert_int_equal(ta_opt_set(o, &v, "", NULL, NULL), 0);
    assert_null(v.title);
}

static void test_deprecated(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct values v = {0};
    assert_int_equal(ta_opt_set(ta_opt_find(table, "old"), &v, "on", "--old", c.log), 0);
    assert_true(v.old);
    capture_expect(&c, "warn terminalai: --old: old is deprecated: use --quality\n");
    capture_release(&c);
}

static void test_json(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    struct values v = {0}, w = {0};
    ta_opt_defaults(table, &v);
    static const char *const changes[][2] = {
        {"audio", "off"},    {"crf", "20"}, {"strength", "0.25"}, {"noise", "1:2"},   {"title", "A \"B\""},
        {"quality", "best"}, {"at", "25%"}, {"range", "10-1:00"}, {"memory", "1.5G"}, {"secret", "5"},
    };
    for (size_t i = 0; i < TA_COUNT(changes); i++)
        assert_int_equal(ta_opt_set(ta_opt_find(table, changes[i][0]), &v, changes[i][1], NULL, c.log), 0);
    json_t *object = ta_opt_to_json(table, &v);
    char *text = dump(object);
    assert_string_equal(
        text, "{\"audio\":false,\"overwrite\":false,\"crf\":20,\"jobs\":1,\"low\":0,\"free-int\":0,"
              "\"memory\":\"1536M\",\"budget\":\"0\",\"strength\":0.25,\"gain\":0.0,\"noise\":\"1:2\","
              "\"any\":\"\",\"title\":\"A \\\"B\\\"\",\"output\":\"\",\"quality\":\"best\",\"scan\":"
              "\"auto\",\"at\":\"25%\",\"start\":\"1:30\",\"range\":\"10-1:00\",\"secret\":5}");
    free(text);
    assert_int_equal(ta_opt_require_all(table, object, "test", c.log), 0);
    // "low" is out of its own range while unset; all others come back.
    json_object_del(object, "low");
    assert_int_equal(ta_opt_require_all(table, object, "test", c.log), TA_ERR_FORMAT);
    capture_expect(&c, "error terminalai: test: the option \"low\" is missing\n");
    assert_int_equal(ta_opt_from_json(table, &w, object, "test", c.log), 0);
    for (const struct ta_opt *o = table; o->name; o++) {
        char *a = ta_opt_text_of(o, &v), *b = ta_opt_text_of(o, &w);
        assert_string_equal(a, b);
        free(a);
        free(b);
    }
    capture_expect(&c, "");
    json_decref(object);
    ta_opt_release(table, &v);
    ta_opt_release(table, &w);
    capture_release(&c);
}

static void test_json_errors(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int ret;
        const char *message;
    } cases[] = {
        {"{\"crf\": 52}", TA_ERR_INVALID, "x.json: \"52\" for crf: must lie in 0..51"},
        {"{\"crf\": true}", TA_ERR_INVALID, "x.json: \"true\" for crf: must be a whole number"},
        {"{\"crf\": 18.5}", TA_ERR_INVALID, "x.json: \"18.5\" for crf: must be a whole number"},
        {"{\"title\": \"y\", \"crff\": 1}", TA_ERR_INVALID,
         "x.json: unknown option \"crff\"; did you mean \"crf\"?"},
        {"{\"zzzzz\": 1}", TA_ERR_INVALID, "x.json: unknown option \"zzzzz\"\n"},
        {"{\"secre\": 1}", TA_ERR_INVALID, "x.json: unknown option \"secre\"\n"}, // not told: it is hidden
        {"{\"crf\": null}", TA_ERR_INVALID, "x.json: crf must be a single value, not null"},
        {"{\"crf\": [1]}", TA_ERR_INVALID, "x.json: crf must be a single value, not a list"},
        {"{\"crf\": {}}", TA_ERR_INVALID, "x.json: crf must be a single value, not an object"},
        {"[]", TA_ERR_FORMAT, "x.json: options must be an object"},
        {"\"crf\"", TA_ERR_FORMAT, "x.json: options must be an object"},
    };
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        struct values v = {0}, zero = {0};
        assert_int_equal(ta_opt_from_json(table, &v, value, "x.json", c.log), cases[i].ret);
        capture_expect_error(&c, cases[i].message);
        assert_memory_equal(&v, &zero, sizeof(v)); // released
        json_decref(value);
    }
    capture_release(&c);
}

static void test_merge_with_lines(void **state)
{
    (void)state;
    static const char yaml[] = "name: test\nvideo:\n  crf: 20\n  noise: 1:2\n  # comment\n  scan: telecin\n";
    struct capture c;
    capture_init(&c);
    json_t *root;
    struct ta_marks *marks;
    assert_int_equal(ta_yaml_parse(yaml, strlen(yaml), "p.yaml", &root, &marks, c.log), 0);
    struct values v = {.overwrite = true};
    const json_t *video = json_object_get(root, "video");
    assert_int_equal(ta_opt_merge_json(table, &v, video, "p.yaml", marks, "video", c.log), TA_ERR_INVALID);
    capture_expect(
        &c, "error terminalai: p.yaml:6: \"telecin\" for scan: must be auto, progressive, interlaced or "
            "telecine; did you mean \"telecine\"?\n");
    assert_int_equal(v.crf, 20); // set before the error
    assert_true(v.overwrite);    // not named: left
    assert_int_equal(
        ta_opt_merge_json(table, &v, json_object_get(root, "name"), "p.yaml", marks, "name", c.log),
        TA_ERR_FORMAT);
    capture_expect(&c, "error terminalai: p.yaml:1: options must be an object\n");
    assert_int_equal(ta_opt_merge_json(table, &v, root, "p.yaml", marks, "", c.log), TA_ERR_INVALID);
    capture_expect(&c, "error terminalai: p.yaml:1: unknown option \"name\"\n");
    assert_int_equal(ta_opt_merge_json(table, &v, root, NULL, NULL, "", c.log), TA_ERR_INVALID);
    capture_expect(&c, "error terminalai: unknown option \"name\"\n");
    json_decref(root);
    ta_marks_destroy(&marks);
    ta_opt_release(table, &v);
    capture_release(&c);
}

static void test_json_to_text(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"18", "18"},       {"-9223372036854775808", "-9223372036854775808"},
        {"0.1", "0.1"},     {"18.0", "18"},
        {"true", "true"},   {"false", "false"},
        {"\"3:2\"", "3:2"}, {"\"\"", ""},
        {"null", NULL},     {"[]", NULL},
        {"{}", NULL},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        json_t *value = json_loads(cases[i][0], JSON_DECODE_ANY, NULL);
        char *text = ta_opt_json_to_text(value);
        if (cases[i][1])
            assert_string_equal(text, cases[i][1]);
        else
            assert_null(text);
        free(text);
        json_decref(value);
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"crf", "denoise", "denoise-strength", "resolution", "range",
                                        "on",  NULL};
    static const char *const cases[][2] = {
        {"crf", "crf"},
        {"crff", "crf"},
        {"cfr", "crf"}, // swapped letters
        {"CRF", "crf"},
        {"denois", "denoise"},
        {"dneoise", "denoise"},
        {"denoise_strength", "denoise-strength"},
        {"denoise-stregnth", "denoise-strength"},
        {"res", "resolution"}, // the start of a name
        {"resolutoin", "resolution"},
        {"rnge", "range"},
        {"arrange", "range"},
        {"o", "on"},
        {"x", NULL},
        {"", NULL},
        {"completely-else", NULL},
        {"r", NULL},
        {"no", "on"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        const char *nearest = ta_nearest(cases[i][0], names);
        const char *expected = cases[i][1];
        if (nearest != expected && (!nearest || !expected || strcmp(nearest, expected)))
            fail_msg("\"%s\": %s instead of %s", cases[i][0], nearest ? nearest : "none",
                     expected ? expected : "none");
    }
    char huge[1000];
    memset(huge, 'c', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_null(ta_nearest(huge, names));
    assert_null(ta_nearest("crf", (const char *const[]){NULL}));
    assert_null(ta_nearest("crf", (const char *const[]){huge, NULL}));
}

static void test_broken_tables(void **state)
{
    (void)state;
    static const struct {
        struct ta_opt table[2];
        const char *message;
    } cases[] = {
        {{{.name = "crf", .kind = &ta_opt_int, TA_FIELD(struct values, crf, int64_t), .def = "x"},
          {.name = NULL}},
         "option \"crf\": must be a whole number"},
        {{{.name = "crf", .kind = &ta_opt_int, TA_FIELD(struct values, crf, int64_t), .def = "5", .max = 4},
          {.name = NULL}},
         "option \"crf\": must lie in 0..4"},
        {{{.name = "crf", .kind = &ta_opt_bytes, TA_FIELD(struct values, strength, double)}, {.name = NULL}},
         "option \"crf\": the field is not of the kind's type"},
        {{{.name = "crf", .kind = &ta_opt_switch, TA_FIELD(struct values, title, char *)}, {.name = NULL}},
         "option \"crf\": the field is not of the kind's type"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            signal(SIGABRT, SIG_DFL);
            dup2(pipes[1], STDERR_FILENO);
            struct values v = {0};
            ta_opt_defaults(cases[i].table, &v);
            _exit(0);
        }
        close(pipes[1]);
        char text[1000] = "";
        ssize_t n = read(pipes[0], text, sizeof(text) - 1);
        close(pipes[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(n > 0);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        assert_non_null(strstr(text, cases[i].message));
    }
}

// Times between any two that a person can write come back exactly.
static void test_many_times(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        char text[64];
        unsigned long long whole = x % 1000000000 >> x % 29, decimals = (x >> 20) % 1000000000;
        snprintf(text, sizeof(text), "%llu.%0*llu", whole, 1 + (int)(x % 9), decimals);
        if (strlen(strchr(text, '.')) > 10)
            text[strchr(text, '.') - text + 10] = '\0';
        struct ta_time time, again;
        struct ta_buf why = {0}, out = {0};
        assert_int_equal(ta_time_parse(text, &time, &why), 0);
        ta_time_format(&time, &out);
        if (ta_time_parse(out.data, &again, &why) || again.value != time.value || again.unit != time.unit)
            fail_msg("%s became %s", text, out.data);
        ta_buf_release(&out);
        ta_buf_release(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_text_is_owned),
        cmocka_unit_test(test_deprecated),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_errors),
        cmocka_unit_test(test_merge_with_lines),
        cmocka_unit_test(test_json_to_text),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_broken_tables),
        cmocka_unit_test(test_many_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
