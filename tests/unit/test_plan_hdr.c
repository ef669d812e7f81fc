// HDR in the plan: where the stage stands, the encoder and pixel format that follow, what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <terminalai/error.h>

#include "capture.h"
#include "facts.h"
#include "media/av.h"
#include "plan/plan.h"

static const struct ta_stage_plan *stage_of(const struct ta_plan *p, const char *name)
{
    for (int i = 0; i < p->stage_count; i++)
        if (!strcmp(p->stages[i].info->name, name))
            return &p->stages[i];
    return NULL;
}

static void hdr_is_planned(void **state)
{
    (void)state;
    static const struct {
        const char *hdr, *quality, *encoder, *output, *is_encoder;
        enum AVPixelFormat pix_fmt;
    } cases[] = {
        {"hdr10", "good", "auto", NULL, "hevc", AV_PIX_FMT_YUV420P10},
        {"hdr10", "fast", "auto", "o.mkv", "hevc", AV_PIX_FMT_YUV420P10},
        {"hlg", "fast", "auto", "o.webm", "av1", AV_PIX_FMT_YUV420P10},
        {"hlg", "best", "prores", "o.mov", "prores", AV_PIX_FMT_YUV422P10},
        {"hdr10", "fast", "ffv1", "o.mkv", "ffv1", AV_PIX_FMT_YUV422P10}, // of 4:1:1
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_TFF);
        set(&x, "hdr", cases[i].hdr);
        set(&x, "quality", cases[i].quality);
        set(&x, "encoder", cases[i].encoder);
        struct ta_plan *p = must_decide(&x, cases[i].output), *again = NULL;
        bool hlg = !strcmp(cases[i].hdr, "hlg");
        assert_string_equal(p->encoder.name, cases[i].is_encoder);
        assert_int_equal(p->out_format.pix_fmt, cases[i].pix_fmt);
        assert_int_equal(p->out_format.primaries, AVCOL_PRI_BT2020);
        assert_int_equal(p->out_format.transfer, hlg ? AVCOL_TRC_ARIB_STD_B67 : AVCOL_TRC_SMPTE2084);
        assert_int_equal(p->out_format.matrix, AVCOL_SPC_BT2020_NCL);
        assert_int_equal(p->out_format.range, AVCOL_RANGE_MPEG);
        assert_int_equal(p->out_format.chroma_location, AVCHROMA_LOC_TOPLEFT);
        assert_int_equal(ta_plan_hdr10_peak(p->stages, p->stage_count), hlg ? 0 : 400);
        // At the final size, before the one step to fewer bits.
        const struct ta_stage_plan *s = stage_of(p, hlg ? "hdr.hlg" : "hdr.hdr10");
        assert_ptr_equal(s, &p->stages[p->stage_count - 2]);
        assert_int_equal(s->in.width, 1440);
        assert_int_equal(s->in.pix_fmt, AV_PIX_FMT_YUV444P16);
        assert_string_equal(p->stages[p->stage_count - 1].info->name, "format.depth");
        char *text = ta_plan_to_json(p);
        assert_int_equal(ta_plan_from_json(&again, text, strlen(text), "test", NULL), 0);
        assert_string_equal(again->json, text);
        free(text);
        ta_plan_destroy(&again);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
}

static void hdr_peak_is_planned(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 20, TA_SCAN_PROGRESSIVE);
    set(&x, "hdr", "hdr10");
    set(&x, "hdr-peak", "650");
    struct ta_plan *p = must_decide(&x, NULL), *r = NULL;
    assert_int_equal(ta_plan_hdr10_peak(p->stages, p->stage_count), 650);
    assert_non_null(strstr(av_dict_get(p->encoder.options, "x265-params", NULL, 0)->value, "L(6500000,1)"));
    // Another peak in the plan's text is checked as one on the command line is.
    char *good = ta_plan_to_json(p), *at = strstr(good, "\"peak\": 650");
    assert_non_null(at);
    memcpy(at, "\"peak\": 150", 11);
    assert_true(ta_plan_from_json(&r, good, strlen(good), "test", NULL) < 0);
    free(good);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void hdr_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *encoder, *peak, *hdr;
        enum AVColorTransferCharacteristic transfer;
        const char *words;
    } cases[] = {
        {"h264", "400", "hlg", AVCOL_TRC_SMPTE170M, "h264 encoder has no 10 bit, which --hdr hlg needs"},
        {"hevc", "400", "hdr10", AVCOL_TRC_SMPTE2084, "HDR already (smpte2084)"},
        {"hevc", "400", "hdr10", AVCOL_TRC_LOG, "does not know the transfer log100"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        set_up(&x, 20, TA_SCAN_PROGRESSIVE);
        x.index.format.transfer = cases[i].transfer;
        set(&x, "hdr", cases[i].hdr);
        set(&x, "encoder", cases[i].encoder);
        set(&x, "hdr-peak", cases[i].peak);
        struct ta_plan *p = NULL;
        struct capture c;
        capture_init(&c);
        struct ta_plan_facts facts = {.input = "dir/tape.avi",
                                      .options = x.options,
                                      .index = &x.index,
                                      .scan = &x.scan,
                                      .source = &x.source};
        assert_true(ta_plan_decide(&p, &facts, c.log) < 0);
        capture_expect_error(&c, cases[i].words);
        assert_null(p);
        capture_release(&c);
        tear_down(&x);
    }
}

// Each is a warning of its own, and the plan is what it would be without them.
static void options_in_vain(void **state)
{
    (void)state;
    struct fixture x;
    set_up(&x, 20, TA_SCAN_PROGRESSIVE);
    set(&x, "hdr", "sdr");
    set(&x, "hdr-peak", "400");
    set(&x, "denoise", "off");
    set(&x, "denoise-strength", "1:1:1:1");
    struct ta_plan *p = must_decide(&x, NULL);
    static const char *const names[] = {"denoise-strength", "hdr-peak"};
    size_t k, found = 0;
    json_t *warning;
    json_array_foreach(p->warnings, k, warning)
    {
        const char *code = json_string_value(json_object_get(warning, "code"));
        if (strcmp(code, "option-without-effect") != 0)
            continue;
        assert_true(found < TA_COUNT(names));
        json_t *where = json_object_get(warning, "where");
        assert_string_equal(json_string_value(json_object_get(where, "option")), names[found++]);
    }
    assert_int_equal(found, 2);
    assert_null(stage_of(p, "hdr.hdr10"));
    ta_plan_destroy(&p);
    tear_down(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hdr_is_planned),
        cmocka_unit_test(hdr_peak_is_planned),
        cmocka_unit_test(hdr_that_cannot_be),
        cmocka_unit_test(options_in_vain),
    };
    ta_av_listen();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
