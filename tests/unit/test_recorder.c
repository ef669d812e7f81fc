// Recorders' lists (VR_MANGR.IFO), and that none harms. What they say is tested in
// tests/media/test_recorder.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/mem.h"
#include "media/parts/recorder.h"

#include "capture.h"

static struct ta_buf list;

static int read_list(void **state)
{
    (void)state;
    char *path = ta_xprintf("%s/tests/fuzz/corpus/recorder/split", getenv("TA_SOURCE_ROOT"));
    int err = ta_file_read(path, 1 << 20, &list, NULL);
    free(path);
    return err;
}

static int forget_list(void **state)
{
    (void)state;
    ta_buf_release(&list);
    return 0;
}

// Of a buffer of its own size, so that reading beyond it is seen.
static int parse(struct ta_recorder **r, const char *data, size_t size)
{
    struct ta_buf why = {0};
    char *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    int err = ta_recorder_parse(r, exact, size, &why);
    assert_int_equal(err<0, why.size> 0);
    free(exact);
    ta_buf_release(&why);
    return err;
}

static void test_read(void **state)
{
    (void)state;
    struct ta_recorder *r;
    assert_int_equal(parse(&r, list.data, list.size), 0);
    assert_int_equal(r->recording_count, 2);
    assert_string_equal(r->recordings[0].title, "クリス");
    assert_string_equal(r->recordings[0].date, "2004-12-24 18:30:00");
    assert_int_equal(r->recordings[0].bytes, 350 * 2048);
    assert_string_equal(r->recordings[1].title, "b");
    assert_string_equal(r->recordings[1].date, "");
    assert_int_equal(r->recordings[1].byte, 350 * 2048);
    assert_int_equal(r->recordings[1].later_us, 2000000);
    assert_int_equal(r->bytes, 1250 * 2048);
    assert_int_equal(r->aspect_num, 16);
    ta_recorder_destroy(&r);
}

static void test_hostile(void **state)
{
    (void)state;
    static const char values[] = {0, 1, 0x7f, (char)0x80, (char)0xff};
    struct ta_recorder *r;
    size_t used = list.size;
    while (used > 0 && !list.data[used - 1])
        used--;
    for (size_t size = 0; size < used; size++) {
        if (parse(&r, list.data, size) >= 0)
            ta_recorder_destroy(&r);
    }
    for (size_t at = 0; at < used; at++) {
        char was = list.data[at];
        for (size_t v = 0; v < TA_COUNT(values); v++) {
            list.data[at] = values[v];
            if (parse(&r, list.data, list.size) >= 0) {
                assert_in_range(r->recording_count, 1, TA_RECORDER_MAX);
                ta_recorder_destroy(&r);
            }
        }
        list.data[at] = was;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, read_list, forget_list);
}
