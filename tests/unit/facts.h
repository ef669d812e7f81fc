// Facts to plan from, made by hand. Include after cmocka.h.
#ifndef TA_TESTS_UNIT_FACTS_H
#define TA_TESTS_UNIT_FACTS_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/encode/encoder_hardware.h"
#include "plan/plan.h"
#include "restore/plan_check.h"
#include "restore/survey.h"

// A video stream of `count` frames with times first, first+step, ... and one sound
// stream.
struct fixture {
    struct ta_source_facts source;
    struct ta_index index;
    struct ta_scan_result scan;
    struct ta_scan_run runs[4];
    struct ta_hardware_facts hardware;
    struct ta_named_file file; // value NULL: found by the options
    struct ta_options *options;
};

static inline void set_up(struct fixture *x, int64_t count, enum ta_scan_type scan)
{
    memset(x, 0, sizeof *x);
    struct ta_stream_facts *v = ta_source_facts_add(&x->source, TA_STREAM_VIDEO);
    assert_non_null(v);
    v->par->codec_type = AVMEDIA_TYPE_VIDEO;
    v->par->codec_id = AV_CODEC_ID_DVVIDEO;
    v->time_base = x->index.time_base = (AVRational){1001, 30000};
    struct ta_stream_facts *a = ta_source_facts_add(&x->source, TA_STREAM_AUDIO);
    assert_non_null(a);
    a->par->codec_type = AVMEDIA_TYPE_AUDIO;
    a->par->codec_id = AV_CODEC_ID_PCM_S16LE;
    a->par->sample_rate = 48000;
    av_channel_layout_default(&a->par->ch_layout, 2);
    a->time_base = (AVRational){1, 48000};
    a->start = 0;
    x->index.video = 0;
    x->index.frames = ta_xcalloc((size_t)count, sizeof *x->index.frames);
    x->index.frame_count = (size_t)count;
    for (int64_t i = 0; i < count; i++)
        x->index.frames[i] = (struct ta_index_frame){.pts = i, .packet = (uint32_t)i};
    x->index.end_pts = count;
    strcpy(x->index.checksum, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    strcpy(x->index.source.head_tail, x->index.checksum);
    x->index.format = (struct ta_format){.pix_fmt = AV_PIX_FMT_YUV411P,
                                         .width = 720,
                                         .height = 480,
                                         .sar = {8, 9},
                                         .frame_rate = {30000, 1001},
                                         .time_base = {1001, 30000},
                                         .primaries = AVCOL_PRI_SMPTE170M,
                                         .transfer = AVCOL_TRC_SMPTE170M,
                                         .matrix = AVCOL_SPC_SMPTE170M,
                                         .range = AVCOL_RANGE_MPEG};
    x->runs[0] = (struct ta_scan_run){0, count, scan};
    x->scan = (struct ta_scan_result){.runs = x->runs, .run_count = 1, .type = scan, .confidence = 1};
    assert_int_equal(ta_options_create(&x->options, NULL), 0);
}

static inline void tear_down(struct fixture *x)
{
    free(x->index.frames);
    ta_source_facts_release(&x->source);
    ta_options_destroy(&x->options);
}

static inline void set(struct fixture *x, const char *name, const char *value)
{
    assert_int_equal(ta_options_set(x->options, TA_LAYER_CALLER, name, value, NULL), 0);
}

// By the facts alone. Files that options name are found as a survey finds them, unless the test gives one.
static inline int decide_only(struct fixture *x, const char *output, struct ta_plan **plan)
{
    struct ta_survey *survey = NULL;
    bool own = x->file.value != NULL;
    assert_int_equal(ta_survey_create(&survey, "dir/tape.avi", NULL, NULL), 0);
    if (!own)
        ta_survey_find_files(survey, x->options);
    struct ta_plan_facts facts = {.hardware = &x->hardware,
                                  .files = own ? &x->file : survey->named,
                                  .file_count = own ? 1 : survey->named_count,
                                  .input = "dir/tape.avi",
                                  .output = output,
                                  .options = x->options,
                                  .index = &x->index,
                                  .scan = &x->scan,
                                  .source = &x->source};
    int err = ta_plan_decide(plan, &facts, NULL);
    ta_survey_destroy(&survey);
    return err;
}

// And can this machine do it?
static inline int decide(struct fixture *x, const char *output, struct ta_plan **plan)
{
    int err = decide_only(x, output, plan);
    if (err >= 0 && (err = ta_plan_check(*plan, NULL)) < 0)
        ta_plan_destroy(plan);
    return err;
}

static inline struct ta_plan *must_decide(struct fixture *x, const char *output)
{
    struct ta_plan *p = NULL;
    assert_int_equal(decide(x, output, &p), 0);
    return p;
}

// Each change makes the plan one that is not accepted.
static inline void refuse_changes(const char *good, const char *const changes[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ta_plan *r = NULL;
        const char *at = strstr(good, changes[i][0]);
        if (!at)
            print_message("not in the plan: %s\n%s", changes[i][0], good);
        assert_non_null(at);
        struct ta_buf b = {0};
        ta_buf_append(&b, good, (size_t)(at - good));
        ta_buf_puts(&b, changes[i][1]);
        ta_buf_puts(&b, at + strlen(changes[i][0]));
        int err = ta_plan_from_json(&r, b.data, b.size, "test", NULL);
        if (err >= 0)
            print_message("accepted: %s\n", changes[i][1]);
        assert_true(err < 0);
        assert_null(r);
        ta_buf_release(&b);
    }
}

#endif
