// What a plan is decided from is facts alone: what they say counts, whatever this machine has.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "facts.h"
#include "video/stages.h"

static void same_facts_same_bytes(void **state)
{
    (void)state;
    char *texts[2];
    for (int i = 0; i < 2; i++) {
        struct fixture x;
        struct ta_plan *p = NULL;
        set_up(&x, 200, TA_SCAN_BFF);
        assert_int_equal(decide_only(&x, "o.mkv", &p), 0);
        texts[i] = ta_plan_to_json(p);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
    assert_string_equal(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

// No such file is there: what was found of it before is what counts.
static void files_are_not_opened(void **state)
{
    (void)state;
    char value[] = "no/such/file.cube", path[] = "/no/such/file.cube", why[] = "it smells";
    struct fixture x;
    struct ta_plan *p = NULL;
    set_up(&x, 100, TA_SCAN_PROGRESSIVE);
    set(&x, "colour-lut", value);
    x.file = (struct ta_named_file){.stage = &ta_stage_colour, .value = value, .path = path};
    memset(x.file.sum, 'a', 64);
    assert_int_equal(decide_only(&x, "o.mkv", &p), 0);
    char *text = ta_plan_to_json(p);
    assert_non_null(strstr(text, path));
    assert_non_null(strstr(text, x.file.sum));
    free(text);
    ta_plan_destroy(&p);
    // One that can't be used is refused for that reason, but only where it would be used.
    x.file.err = TA_ERR_FORMAT;
    x.file.why = why;
    assert_int_equal(decide_only(&x, "o.mkv", &p), TA_ERR_FORMAT);
    set(&x, "colour-lut-strength", "0");
    assert_int_equal(decide_only(&x, "o.mkv", &p), 0);
    ta_plan_destroy(&p);
    tear_down(&x);
}

// The first kind that the facts know to work, whether it is there or not; none of them opens here.
static void hardware_is_not_opened(void **state)
{
    (void)state;
    char nvenc[] = "h264_nvenc", vaapi[] = "h264_vaapi", why[] = "no such card";
    struct ta_hardware_fact list[] = {{nvenc, why}, {vaapi, NULL}};
    struct fixture x;
    struct ta_plan *p = NULL;
    set_up(&x, 100, TA_SCAN_PROGRESSIVE);
    set(&x, "hardware", "on");
    assert_int_equal(decide_only(&x, "o.mp4", &p), TA_ERR_UNSUPPORTED); // nothing was tried
    if (!avcodec_find_encoder_by_name(vaapi) || !avcodec_find_encoder_by_name(nvenc)) {
        tear_down(&x);
        skip();
    }
    x.hardware = (struct ta_hardware_facts){list, 2};
    assert_int_equal(decide_only(&x, "o.mp4", &p), 0);
    assert_string_equal(p->encoder.codec, "h264_vaapi");
    ta_plan_destroy(&p);
    list[1].why = why;
    assert_int_equal(decide_only(&x, "o.mp4", &p), TA_ERR_UNSUPPORTED);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_facts_same_bytes),
        cmocka_unit_test(files_are_not_opened),
        cmocka_unit_test(hardware_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
