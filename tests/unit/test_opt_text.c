// Options in words: help, Markdown and the description for programs.
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

static void expect_help(const char *name, int width, const char *expected)
{
    struct ta_buf out = {0};
    ta_opt_help(ta_opt_find(table, name), width, &out);
    assert_string_equal(ta_buf_text(&out), expected);
    ta_buf_release(&out);
}

static void test_help(void **state)
{
    (void)state;
    expect_help("crf", 80, "  --crf N                   quality, lower is better (0..51, default 18)\n");
    expect_help("jobs", 80,
                "  -j, --jobs N              segments at the same time (at least 1, default 1)\n");
    expect_help("audio", 80, "  --[no-]audio              restore sound (default on)\n");
    expect_help("overwrite", 80, "  -y, --overwrite           replace an output that exists\n");
    expect_help("memory", 80, "  --memory SIZE             limit (1k..1T, default 2G)\n");
    expect_help("gain", 80, "  --gain X                  louder or softer (default 0 dB)\n");
    expect_help("scan", 80,
                "  --scan NAME               scan type of the source (auto, progressive,\n"
                "                            interlaced, telecine; default auto)\n");
    expect_help("quality", 80,
                "  --quality NAME            how much work to put in (default good)\n"
                "                              fast  bwdif and hqdn3d\n"
                "                              good  motion-compensated, about four times slower\n"
                "                              best\n");
    expect_help("quality", 10,
                "  --quality NAME            how much work to put\n" // 50 columns at least
                "                            in (default good)\n"
                "                              fast  bwdif and\n"
                "                                    hqdn3d\n"
                "                              good  motion-compensated,\n"
                "                                    about four\n"
                "                                    times slower\n"
                "                              best\n");
    expect_help("noise", 80,
                "  --noise LUMA:CHROMA[:LUMA:CHROMA]\n"
                "                            (0..100, default 3:2:3:2)\n");
    expect_help("output", 80, "  -o, --output FILE\n");
    expect_help("old", 80, "  --old                     deprecated: use --quality\n");
    expect_help("secret", 80, "");
}

// No line of any option is longer than the width, unless a single word is.
static void test_help_width(void **state)
{
    (void)state;
    for (int width = 50; width < 130; width += 7) {
        for (const struct ta_opt *o = table; o->name; o++) {
            struct ta_buf out = {0};
            ta_opt_help(o, width, &out);
            for (const char *line = ta_buf_text(&out); *line;) {
                size_t length = strcspn(line, "\n");
                if ((int)length > width && strchr(line + 37, ' ') && strchr(line + 37, ' ') < line + length)
                    fail_msg("%s: %zu columns of %d: %.*s", o->name, length, width, (int)length, line);
                line += length + 1;
            }
            ta_buf_release(&out);
        }
    }
}

static void expect_markdown(const char *name, const char *expected)
{
    struct ta_buf out = {0};
    ta_opt_markdown(ta_opt_find(table, name), &out);
    assert_string_equal(ta_buf_text(&out), expected);
    ta_buf_release(&out);
}

static void test_markdown(void **state)
{
    (void)state;
    expect_markdown("crf", "| `--crf N` | `18` | 0..51 | quality, lower is better |\n");
    expect_markdown("overwrite", "| `-y, --overwrite` | `off` |  | replace an output that exists |\n");
    expect_markdown("gain", "| `--gain X` | `0` | dB | louder or softer |\n");
    expect_markdown(
        "quality",
        "| `--quality NAME` | `good` | `fast`, `good`, `best` | how much work to put in<br>`fast`: "
        "bwdif and hqdn3d<br>`good`: motion-compensated, about four times slower |\n");
    expect_markdown("old", "| `--old` | `off` |  | deprecated: use --quality |\n");
    expect_markdown("secret", "");
    const struct ta_opt odd = {.name = "x", .kind = &ta_opt_text, .syntax = "A|B", .help = "a|b <c> *d*"};
    struct ta_buf out = {0};
    ta_opt_markdown(&odd, &out);
    assert_string_equal(out.data, "| `--x A\\|B` |  |  | a\\|b \\<c> \\*d\\* |\n");
    ta_buf_release(&out);
}

static void expect_description(const char *name, const char *expected)
{
    json_t *object = ta_opt_describe(ta_opt_find(table, name));
    char *text = dump(object);
    assert_string_equal(text, expected);
    free(text);
    json_decref(object);
}

static void test_describe(void **state)
{
    (void)state;
    expect_description("crf",
                       "{\"name\":\"crf\",\"kind\":\"integer\",\"default\":18,\"min\":0,\"max\":51,\"help\":"
                       "\"quality, lower is better\",\"syntax\":\"N\",\"advanced\":false}");
    expect_description(
        "jobs", "{\"name\":\"jobs\",\"kind\":\"integer\",\"default\":1,\"min\":1,\"help\":\"segments at the "
                "same time\",\"syntax\":\"N\",\"letter\":\"j\",\"advanced\":true}");
    expect_description("overwrite",
                       "{\"name\":\"overwrite\",\"kind\":\"switch\",\"default\":false,\"help\":\"replace an "
                       "output that exists\",\"letter\":\"y\",\"advanced\":false}");
    expect_description(
        "gain", "{\"name\":\"gain\",\"kind\":\"number\",\"default\":0.0,\"unit\":\"dB\",\"help\":\"louder or "
                "softer\",\"syntax\":\"X\",\"advanced\":false}");
    expect_description(
        "scan",
        "{\"name\":\"scan\",\"kind\":\"choice\",\"default\":\"auto\",\"choices\":[{\"name\":\"auto\"},"
        "{\"name\":\"progressive\"},{\"name\":\"interlaced\"},{\"name\":\"telecine\"}],\"help\":\"scan "
        "type of the source\",\"syntax\":\"NAME\",\"advanced\":false}");
    expect_description(
        "any", "{\"name\":\"any\",\"kind\":\"numbers\",\"default\":null,\"min_count\":0,\"max_count\":8,"
               "\"syntax\":\"X:X:...\",\"advanced\":false}");
    expect_description("memory",
                       "{\"name\":\"memory\",\"kind\":\"size\",\"default\":\"2G\",\"min\":1024,\"max\":"
                       "1099511627776,\"help\":\"limit\",\"syntax\":\"SIZE\",\"advanced\":false}");
    expect_description("old",
                       "{\"name\":\"old\",\"kind\":\"switch\",\"default\":false,\"help\":\"use --quality\","
                       "\"advanced\":false,\"deprecated\":true}");
    for (const struct ta_opt *o = table; o->name; o++) {
        json_t *object = ta_opt_describe(o);
        assert_string_equal(json_string_value(json_object_get(object, "name")), o->name);
        json_decref(object);
    }
}

// Tables that contradict themselves end the program at once, with the option's name.

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_help_width),
        cmocka_unit_test(test_markdown),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
