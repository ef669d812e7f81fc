#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/tree.h"

#include "capture.h"

// What YAML text means, as JSON.
static const struct {
    const char *yaml, *json;
} good[] = {
    {"", "null"},
    {"# only a comment\n", "null"},
    {"---\n", "null"},
    {"---\n...\n", "null"},
    {"%YAML 1.2\n---\na: 1\n", "{\"a\":1}"},
    {"a: 1\nb: text\n", "{\"a\":1,\"b\":\"text\"}"},
    {"{\"a\": [1, 2.5, true, null, \"x\"]}", "{\"a\":[1,2.5,true,null,\"x\"]}"},
    {"- a\n- - b\n  - c\n- {d: e}\n", "[\"a\",[\"b\",\"c\"],{\"d\":\"e\"}]"},
    {"z: 1\na: 2\nm: 3\n", "{\"z\":1,\"a\":2,\"m\":3}"}, // in the order of the text
    {"a:\n  b:\n    c: []\n  d: {}\n", "{\"a\":{\"b\":{\"c\":[]},\"d\":{}}}"},
    // Scalars of the core schema.
    {"[null, Null, NULL, ~, ]", "[null,null,null,null]"},
    {"a:\nb: ~\n", "{\"a\":null,\"b\":null}"},
    {"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]"},
    {"[0, -1, +7, 007, 0o17, 0x1F, 0xff]", "[0,-1,7,7,15,31,255]"},
    {"[9223372036854775807, -9223372036854775808, 0x7fffffffffffffff]",
     "[9223372036854775807,-9223372036854775808,9223372036854775807]"},
    {"[1.5, -0.25, .5, 5., 1e3, +12.0E-1]", "[1.5,-0.25,0.5,5.0,1000.0,1.2]"},
    // Text, although other schemas say otherwise.
    {"[yes, no, on, off, y, N, 1:30, 3:2:3:2, 2024-01-02, 1_000, 0b11, 08x, 0o8, 0x, 0xg, nan, inf, '', \"\"]",
     "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"N\",\"1:30\",\"3:2:3:2\",\"2024-01-02\",\"1_000\",\"0b11\",\"08x\","
     "\"0o8\",\"0x\",\"0xg\",\"nan\",\"inf\",\"\",\"\"]"},
    {"['1', \"true\", 'null', \"~\"]", "[\"1\",\"true\",\"null\",\"~\"]"},
    {"[-, +, ., 1e, e3, -.]", "[\"-\",\"+\",\".\",\"1e\",\"e3\",\"-.\"]"},
    {"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}"},
    {"a: >-\n  folded\n  text\n", "{\"a\":\"folded text\"}"},
    {"a: \"\\u00fc \\x41 \\\"\"", "{\"a\":\"\xc3\xbc A \\\"\"}"},
    {"\xc3\xbc: \xe2\x82\xac", "{\"\xc3\xbc\":\"\xe2\x82\xac\"}"},
    {"\xef\xbb\xbf"
     "a: 1",
     "{\"a\":1}"}, // byte order mark
    {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
    {"1: a\ntrue: b\n~: c\n'': d\n", "{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\",\"\":\"d\"}"},
    {"<<: x", "{\"<<\":\"x\"}"},
    {"text", "\"text\""},
    {"42", "42"},
};

static void expect_yaml(const char *yaml, const char *json, struct capture *c)
{
    json_t *root;
    int ret = ta_yaml_parse(yaml, strlen(yaml), "t.yaml", &root, NULL, c->log);
    if (ret)
        fail_msg("%s: %s", yaml, ta_buf_text(&c->text));
    char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    assert_string_equal(text, json);
    free(text);
    json_decref(root);
}

static void test_yaml(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(good); i++)
        expect_yaml(good[i].yaml, good[i].json, &c);
    capture_expect(&c, "");
    capture_release(&c);
}

static const struct {
    const char *yaml;
    const char *message; // a part, or all of it after the level
} bad[] = {
    {"a: 1\nb: 2\na: 3\n", "t.yaml:3: key \"a\" appears twice\n"},
    {"x:\n  - {k: 1,\n     k: 2}\n", "t.yaml:3: key \"k\" appears twice\n"},
    {"a: &x 1\n", "t.yaml:1: anchors are not allowed\n"},
    {"a: &x [1]\n", "t.yaml:1: anchors are not allowed\n"},
    {"a: 1\n\nb: &x {c: 1}\n", "t.yaml:3: anchors are not allowed\n"},
    {"&x a: 1\n", "t.yaml:1: anchors are not allowed\n"},
    {"a: *x\n", "t.yaml:1: aliases are not allowed\n"},
    {"a: 1\n*x : 2\n", "t.yaml:2: aliases are not allowed\n"},
    {"a: !!str 1\n", "t.yaml:1: tags are not allowed\n"},
    {"a: ! 1\n", "t.yaml:1: tags are not allowed\n"},
    {"a: !x [1]\n", "t.yaml:1: tags are not allowed\n"},
    {"!!map {a: 1}\n", "t.yaml:1: tags are not allowed\n"},
    {"? [a]\n: 1\n", "t.yaml:1: a key must be a single value\n"},
    {"a: 1\n? {b: 1}\n: 1\n", "t.yaml:2: a key must be a single value\n"},
    {"a: 1\n---\nb: 2\n", "t.yaml:2: only one document is allowed\n"},
    {"--- ~\n--- ~\n", "t.yaml:2: only one document is allowed\n"},
    {"a: .inf\n", "t.yaml:1: a number must be finite\n"},
    {"\na: -.Inf\n", "t.yaml:2: a number must be finite\n"},
    {"a: .NaN\n", "t.yaml:1: a number must be finite\n"},
    {"a: 9223372036854775808\n", "t.yaml:1: a whole number is too large (put it in quotes if it is text)\n"},
    {"a: 0xffffffffffffffff\n", "t.yaml:1: a whole number is too large"},
    {"a: 1e999\n", "t.yaml:1: a number is too large"},
    {"a: \"x\\0y\"\n", "t.yaml:1: text must not hold a NUL character\n"},
    {"\"x\\0y\": 1\n", "t.yaml:1: a key must not hold a NUL character\n"},
    {"a: [1, 2\nb: 3\n", "t.yaml:"},
    {"a: b: c\n", "t.yaml:1: mapping values are not allowed in this context\n"},
    {"a: 1\n\tb: 2\n", "t.yaml:2: found "},
    {"a: 'x\n", "t.yaml:"},
    {"a: \"\\ud800\"\n", "t.yaml:1: found invalid Unicode character escape code"},
    {"a: \xff\n", "t.yaml: invalid leading UTF-8 octet at byte 4\n"},
    {"a: \x01\n", "t.yaml: control characters are not allowed at byte 4\n"},
    {"%YAML 3.0\n---\na: 1\n", "t.yaml:1: found incompatible YAML document\n"},
};

static void test_yaml_errors(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(bad); i++) {
        json_t *root = (json_t *)1;
        struct ta_marks *marks = (struct ta_marks *)1;
        int ret = ta_yaml_parse(bad[i].yaml, strlen(bad[i].yaml), "t.yaml", &root, &marks, c.log);
        if (ret != TA_ERR_FORMAT)
            fail_msg("%s: %d", bad[i].yaml, ret);
        assert_null(root);
        assert_null(marks);
        capture_expect_error(&c, bad[i].message);
        assert_int_equal(ta_yaml_parse(bad[i].yaml, strlen(bad[i].yaml), "t.yaml", &root, NULL, NULL),
                         TA_ERR_FORMAT);
    }
    capture_release(&c);
}

static void test_yaml_lines(void **state)
{
    (void)state;
    static const char yaml[] = "# comment\n"
                               "name: x\n"
                               "\n"
                               "stages:\n"
                               "  - name: a\n"
                               "  - name: b\n"
                               "    options: {crf: 1,\n"
                               "      gain: 2}\n"
                               "text: |\n"
                               "  a\n"
                               "  b\n"
                               "last: [1,\n"
                               "  2]\n";
    static const struct {
        const char *path;
        int line;
    } cases[] = {
        {"", 2},
        {"name", 2},
        {"stages", 4},
        {"stages.0", 5},
        {"stages.0.name", 5},
        {"stages.1.name", 6},
        {"stages.1", 6},
        {"stages.1.options", 7},
        {"stages.1.options.crf", 7},
        {"stages.1.options.gain", 8},
        {"text", 9},
        {"last.0", 12},
        {"last.1", 13},
        {"nothing", 0},
        {"stages.2", 0},
        {"stages.1.", 0},
        {".", 0},
    };
    json_t *root;
    struct ta_marks *marks;
    assert_int_equal(ta_yaml_parse(yaml, strlen(yaml), "t.yaml", &root, &marks, NULL), 0);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        int line = ta_marks_line(marks, cases[i].path);
        if (line != cases[i].line)
            fail_msg("\"%s\": line %d instead of %d", cases[i].path, line, cases[i].line);
    }
    assert_int_equal(ta_marks_line(NULL, "name"), 0);
    json_decref(root);
    ta_marks_destroy(&marks);
    assert_null(marks);
    ta_marks_destroy(&marks);
}

// `depth` lists inside one another; as objects when `object`.
static char *nested(int depth, bool object)
{
    struct ta_buf b = {0};
    for (int i = 0; i < depth; i++)
        ta_buf_puts(&b, object ? "{\"a\":" : "[");
    ta_buf_puts(&b, "1");
    for (int i = 0; i < depth; i++)
        ta_buf_puts(&b, object ? "}" : "]");
    return ta_buf_take(&b);
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        int depth;
        bool fits;
    } cases[] = {{1, true}, {31, true}, {32, true}, {33, false}, {1000, false}, {100000, false}};
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        for (int object = 0; object < 2; object++) {
            char *text = nested(cases[i].depth, object);
            json_t *root;
            assert_int_equal(ta_yaml_parse(text, strlen(text), "t", &root, NULL, c.log),
                             cases[i].fits ? 0 : TA_ERR_FORMAT);
            json_decref(root);
            if (cases[i].fits)
                capture_expect(&c, "");
            else
                capture_expect(&c, "error terminalai: t:1: nested more than 32 levels deep\n");
            assert_int_equal(ta_json_parse(text, strlen(text), "t", &root, c.log),
                             cases[i].fits ? 0 : TA_ERR_FORMAT);
            json_decref(root);
            if (cases[i].fits)
                capture_expect(&c, "");
            else if (cases[i].depth < 2000)
                capture_expect(&c, "error terminalai: t: nested more than 32 levels deep\n");
            else
                capture_expect_error(&c, "t:1: maximum parsing depth reached");
            free(text);
        }
    }
    capture_release(&c);
}

static void test_size(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    const size_t limit = (size_t)4 << 20;
    char *text = ta_xcalloc(limit + 2, 1);
    memset(text, ' ', limit + 1);
    text[0] = '1';
    json_t *root;
    assert_int_equal(ta_json_parse(text, limit, "big", &root, c.log), 0);
    json_decref(root);
    assert_int_equal(ta_json_parse(text, limit + 1, "big", &root, c.log), TA_ERR_INVALID);
    assert_null(root);
    capture_expect(&c, "error terminalai: big: larger than the limit of 4194304 bytes\n");
    assert_int_equal(ta_yaml_parse(text, limit, "big", &root, NULL, c.log), 0);
    json_decref(root);
    assert_int_equal(ta_yaml_parse(text, limit + 1, "big", &root, NULL, c.log), TA_ERR_INVALID);
    assert_null(root);
    capture_expect(&c, "error terminalai: big: larger than the limit of 4194304 bytes\n");
    free(text);
    capture_release(&c);
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message; // NULL: is read
    } cases[] = {
        {"{\"a\": [1, 2.5, true, null, \"x\"]}", NULL},
        {"null", NULL},
        {"\"x\"", NULL},
        {"", "t.json:1: "},
        {"{\"a\": 1,\n \"a\": 2}", "t.json:2: duplicate object key near '\"a\"'\n"},
        {"{\"a\": 1,\n\n \"b\" 2}", "t.json:3: ':' expected near '2'\n"},
        {"[1,]", "t.json:1: "},
        {"{} x", "t.json:1: end of file expected near 'x'\n"},
        {"[\"\xff\"]", "t.json:1: "},
        {"[\"\\u0000\"]", "t.json:1: \\u0000 is not allowed"},
        {"[9223372036854775808]", "t.json:1: too big integer"},
        {"[1e999]", "t.json:1: real number overflow"},
        {"[NaN]", "t.json:1: "},
    };
    struct capture c;
    capture_init(&c);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        json_t *root = (json_t *)1;
        int ret = ta_json_parse(cases[i].json, strlen(cases[i].json), "t.json", &root, c.log);
        if (ret != (cases[i].message ? TA_ERR_FORMAT : 0))
            fail_msg("%s: %d", cases[i].json, ret);
        if (cases[i].message) {
            assert_null(root);
            capture_expect_error(&c, cases[i].message);
        } else {
            assert_non_null(root);
            json_decref(root);
        }
    }
    capture_release(&c);
}

static void test_json_text(void **state)
{
    (void)state;
    json_t *root = json_pack("{s:i, s:f, s:[], s:{}, s:[i,{s:b}], s:n, s:s, s:f, s:f, s:f, s:f}", "z", 1,
                             "real", 0.1, "none", "empty", "list", 2, "on", 1, "null", "text",
                             "\"\\\n\t\x01\x7f/\xc3\xbc", "whole", 3.0, "large", 1e300, "tiny", -5e-324,
                             "third", 1.0 / 3);
    assert_non_null(root);
    char *text = ta_json_text(root);
    assert_string_equal(text, "{\n"
                              "  \"z\": 1,\n"
                              "  \"real\": 0.1,\n"
                              "  \"none\": [],\n"
                              "  \"empty\": {},\n"
                              "  \"list\": [\n"
                              "    2,\n"
                              "    {\n"
                              "      \"on\": true\n"
                              "    }\n"
                              "  ],\n"
                              "  \"null\": null,\n"
                              "  \"text\": \"\\\"\\\\\\n\\t\\u0001\\u007f/\xc3\xbc\",\n"
                              "  \"whole\": 3.0,\n"
                              "  \"large\": 1e+300,\n"
                              "  \"tiny\": -5e-324,\n"
                              "  \"third\": 0.3333333333333333\n"
                              "}\n");
    json_t *again, *yaml;
    assert_int_equal(ta_json_parse(text, strlen(text), "t", &again, NULL), 0);
    assert_true(json_equal(root, again));
    assert_int_equal(ta_yaml_parse(text, strlen(text), "t", &yaml, NULL, NULL), 0); // JSON is YAML
    assert_true(json_equal(root, yaml));
    json_decref(yaml);
    json_decref(again);
    json_decref(root);
    free(text);
    root = json_false();
    text = ta_json_text(root);
    assert_string_equal(text, "false\n");
    free(text);
}

static void test_files(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    char path[] = "/tmp/ta-tree-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    json_t *root;
    struct ta_marks *marks;
    assert_int_equal(ta_file_write_atomic(path, "{\n\"a\":1}", 8, c.log), 0);
    assert_int_equal(ta_json_load(path, &root, c.log), 0);
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 1);
    json_decref(root);
    assert_int_equal(ta_yaml_load(path, &root, &marks, c.log), 0);
    assert_int_equal(json_integer_value(json_object_get(root, "a")), 1);
    assert_int_equal(ta_marks_line(marks, "a"), 2);
    json_decref(root);
    ta_marks_destroy(&marks);
    assert_int_equal(ta_file_write_atomic(path, "a: b: c", 7, c.log), 0);
    assert_int_equal(ta_yaml_load(path, &root, &marks, c.log), TA_ERR_FORMAT);
    assert_null(marks);
    char *part = ta_xprintf("%s:1: ", path);
    capture_expect_error(&c, part);
    assert_int_equal(ta_json_load(path, &root, c.log), TA_ERR_FORMAT);
    capture_expect_error(&c, part);
    free(part);
    close(fd);
    unlink(path);
    root = (json_t *)1;
    marks = (struct ta_marks *)1;
    assert_int_equal(ta_json_load(path, &root, c.log), TA_ERR_NOT_FOUND);
    assert_null(root);
    capture_expect_error(&c, "can't open: No such file or directory");
    assert_int_equal(ta_yaml_load(path, &root, &marks, c.log), TA_ERR_NOT_FOUND);
    assert_null(marks);
    capture_expect_error(&c, "can't open: No such file or directory");
    capture_release(&c);
}

static void test_getters(void **state)
{
    (void)state;
    struct capture c;
    capture_init(&c);
    json_t *o = json_pack("{s:i, s:f, s:s, s:b, s:[i], s:{}, s:n}", "int", 5, "real", 1.5, "text", "x",
                          "bool", 1, "list", 1, "object", "null");
    int64_t i = 77;
    double d = 77;
    const char *s = "old";
    int b = 77;
    json_t *a = NULL;
    assert_int_equal(ta_json_get_int(o, "plan", "int", 0, 5, &i, c.log), 0);
    assert_int_equal(i, 5);
    assert_int_equal(ta_json_get_number(o, "plan", "int", &d, c.log), 0);
    assert_true(d == 5);
    assert_int_equal(ta_json_get_number(o, "plan", "real", &d, c.log), 0);
    assert_true(d == 1.5);
    assert_int_equal(ta_json_get_string(o, "plan", "text", &s, c.log), 0);
    assert_string_equal(s, "x");
    assert_int_equal(ta_json_get_bool(o, "plan", "bool", &b, c.log), 0);
    assert_int_equal(b, 1);
    assert_int_equal(ta_json_get_array(o, "plan", "list", &a, c.log), 0);
    assert_ptr_equal(a, json_object_get(o, "list"));
    assert_int_equal(ta_json_get_object(o, "plan", "object?", &a, c.log), 0);
    assert_ptr_equal(a, json_object_get(o, "object"));
    // Optional ones leave what is there, whether missing or null.
    i = 77;
    assert_int_equal(ta_json_get_int(o, "plan", "none?", 0, 5, &i, c.log), 0);
    assert_int_equal(ta_json_get_int(o, "plan", "null?", 0, 5, &i, c.log), 0);
    assert_int_equal(ta_json_get_number(o, "plan", "none?", &d, c.log), 0);
    assert_int_equal(ta_json_get_string(o, "plan", "none?", &s, c.log), 0);
    assert_int_equal(ta_json_get_bool(o, "plan", "null?", &b, c.log), 0);
    assert_int_equal(ta_json_get_array(o, "plan", "null?", &a, c.log), 0);
    assert_int_equal(ta_json_get_object(o, "plan", "none?", &a, c.log), 0);
    assert_int_equal(i, 77);
    assert_ptr_equal(a, json_object_get(o, "object"));
    capture_expect(&c, "");

#define EXPECT(call, message)              \
    assert_int_equal(call, TA_ERR_FORMAT); \
    capture_expect(&c, "error terminalai: plan: " message "\n")
    EXPECT(ta_json_get_int(o, "plan", "int", 6, 9, &i, c.log), "int must be a whole number in 6..9");
    EXPECT(ta_json_get_int(o, "plan", "int?", INT64_MIN, 4, &i, c.log),
           "int must be a whole number of at most 4");
    EXPECT(ta_json_get_int(o, "plan", "int", 6, INT64_MAX, &i, c.log),
           "int must be a whole number of at least 6");
    EXPECT(ta_json_get_int(o, "plan", "real", INT64_MIN, INT64_MAX, &i, c.log),
           "real must be a whole number");
    EXPECT(ta_json_get_int(o, "plan", "none", 0, 1, &i, c.log),
           "none is missing: it must be a whole number in 0..1");
    EXPECT(ta_json_get_int(o, "plan", "text?", 0, 1, &i, c.log), "text must be a whole number in 0..1");
    EXPECT(ta_json_get_number(o, "plan", "text", &d, c.log), "text must be a number");
    EXPECT(ta_json_get_string(o, "plan", "int", &s, c.log), "int must be text");
    EXPECT(ta_json_get_string(o, "plan", "null", &s, c.log), "null is missing: it must be text");
    EXPECT(ta_json_get_bool(o, "plan", "int", &b, c.log), "int must be true or false");
    EXPECT(ta_json_get_array(o, "plan", "object", &a, c.log), "object must be a list");
    EXPECT(ta_json_get_object(o, "plan", "list", &a, c.log), "list must be an object");
    EXPECT(ta_json_get_int(json_object_get(o, "list"), "plan", "int", 0, 1, &i, c.log),
           "int is missing: it must be a whole number in 0..1"); // not even an object
#undef EXPECT
    assert_int_equal(i, 77);
    assert_string_equal(s, "x");
    json_decref(o);
    capture_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),       cmocka_unit_test(test_yaml_errors),
        cmocka_unit_test(test_yaml_lines), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_size),       cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_text),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_getters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
