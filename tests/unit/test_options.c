// No option is parsed and ignored: each, set away from its default, changes the plan (not only the recipe
// that it quotes), and each option of a stage changes the pictures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libavutil/log.h>
#include <libavutil/pixdesc.h>

#include "capture.h"
#include "facts.h"
#include "video/chain.h"

// What an option is set to, and what must be set with it to matter. Options that are not listed get a value
// by their kind; options of a stage get their stage chosen; choices of a stage start from the preset "clean".
static const struct {
    const char *name, *value;
    const char *with[3][2];
} settings[] = {
    {"preset", "clean", {{0}}},
    {"resolution", "240", {{0}}},
    {"aspect", "16:9", {{0}}},
    {"encoder", "hevc", {{0}}},
    {"range", "10f-20f", {{0}}},
    {"segment-length", "0.5", {{0}}},
    {"dither", "ordered", {{"quality", "best"}}}, // else it is what auto is
    {"preset-speed", "medium", {{"quality", "best"}}},
    {"deinterlace", "off", {{"preset", "vhs"}}},
    {"deinterlace", "ivtc", {{"deinterlace", "yadif"}}}, // what is video in it is bwdif's
    {"deinterlace-effort", "good", {{"deinterlace", "motion"}, {"quality", "best"}}},
    {"deinterlace-effort", "best", {{"deinterlace", "motion"}}},
    {"deinterlace-video", "motion", {{"deinterlace", "ivtc"}}},
    {"denoise", "off", {{"preset", "vhs"}}},
    {"denoise-motion-effort", "good", {{"denoise", "motion"}, {"quality", "best"}}},
    {"denoise-motion-effort", "best", {{"denoise", "motion"}}},
    {"denoise-motion-radius", "2", {{"denoise", "motion"}}},
    {"denoise-motion-sigma-luma", "6", {{"denoise", "motion"}}},
    {"denoise-motion-sigma-chroma", "6", {{"denoise", "motion"}}},
    {"denoise-strength", "9:9:9:9", {{0}}},
    {"mask-mode", "black", {{"mask-bottom", "8"}, {"mask-mode", "repeat"}}}, // else it is what auto is
    {"mask-mode", "repeat", {{"mask-bottom", "8"}}},
    {"mask-mode", "mirror", {{"mask-bottom", "8"}}},
    {"colour-levels", "0.05:0.95", {{0}}},
    {"colour-levels", "0:1:1.2", {{0}}},
    {"colour-gain", "1.1:1:0.9", {{0}}},
    {"colour-gamma", "1.2", {{0}}},
    {"colour-gamma", "1:1.1:1", {{0}}},
    {"colour-lut", "vhs_restore", {{0}}},
    {"colour-lut", "warm_vintage", {{0}}},
    {"colour-lut", "cool_modern", {{0}}},
    {"colour-lut-strength", "0.5", {{"colour-lut", "warm_vintage"}}},
    {"hdr", "hdr10", {{"encoder", "ffv1"}, {"preset", "clean"}}}, // the encoder of SDR has 8 bits
    {"hdr", "hlg", {{"encoder", "ffv1"}, {"preset", "clean"}}},
    {"scale-kernel", "bilinear", {{"resolution", "240"}}},
    {"scale-kernel", "bicubic", {{"resolution", "240"}}},
    {"scale-kernel", "lanczos", {{"resolution", "240"}}},
    {"scale-kernel", "spline36", {{"resolution", "240"}, {"quality", "fast"}}},
};

// Options, or single values of them, that change nothing in a plan that is made from given facts, and where
// they are tested.
static const char *const elsewhere[][2] = {
    {"hardware", "needs a device: tests/media/test_cli.py"},
    {"scale", "needs an engine: tests/media/test_neural.py"},
    {"scale-model", "needs an engine: tests/media/test_neural.py"},
    {"deinterlace neural", "needs an engine: tests/media/test_deinterlace_neural.py"},
    {"deinterlace-model", "needs an engine: tests/media/test_deinterlace_neural.py"},
    {"deinterlace-tile", "needs an engine: tests/media/test_deinterlace_neural.py"},
    {"scale-tile", "needs an engine: tests/media/test_neural.py"},
    {"scale-blend", "needs an engine: tests/media/test_neural.py"},
    {"hdr-method", "needs an engine: tests/media/test_hdr_rtx.py"},
    {"hdr-rtx-contrast", "needs an engine: tests/media/test_hdr_rtx.py"},
    {"hdr-rtx-saturation", "needs an engine: tests/media/test_hdr_rtx.py"},
    {"hdr-rtx-middle-grey", "needs an engine: tests/media/test_hdr_rtx.py"},
    {"scale-rtx-quality", "needs an engine: tests/media/test_scale_rtx.py"},
    {"audio-codec", "needs a source with sound: tests/media/test_archive.py"},
    {"audio-enhance", "needs a source with sound: tests/media/test_sound.py"},
    {"pictures", "another kind of plan: tests/media/test_audio.py"},
    {"audio-model", "needs a network: tests/media/test_sound_networks.py"},
    {"audio-reduction", "needs a network: tests/media/test_sound_networks.py"},
    {"audio-link", "needs a network: tests/media/test_sound_networks.py"},
    {"audio-extend", "needs a network: tests/media/test_sound_networks.py"},
    {"audio-hum", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-buzz", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-clicks", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-channels", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-layout", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-upmix", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-lfe", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-rear-delay", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-centre", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-gain", "needs a source with sound: tests/media/test_sound.py"},
    {"loudness", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-drift", "needs a source with sound: tests/media/test_sound.py"},
    {"audio-bitrate", "needs a source with sound: tests/media/test_sound.py"},
    {"scan", "what is measured before planning: tests/media/test_options.py"},
    {"mask-torn", "needs a tape: tests/media/test_presets.py"},
    {"sharpen-limit", "needs noise: tests/media/test_presets.py"},
    {"colour-stretch", "needs a tape: tests/media/test_presets.py"},
    {"programme", "which pictures are indexed: tests/media/test_broadcast.py"},
};

// Options of running never change the result: why each is there.
static const char *const running[][2] = {
    {"jobs", "how many segments at once"},
    {"memory", "how many segments at once"},
    {"work-dir", "where unfinished work lies"},
    {"keep-work", "what stays after success"},
    {"restart", "what an earlier run left"},
    {"no-resume", "what an earlier run left"},
    {"overwrite", "what stood there before"},
    {"strict", "which damage is a failure"},
    {"verify", "how the result is checked"},
    {"max-temp-size", "when to stop"},
    {"max-work-size", "when to stop"},
    {"no-cache", "what is kept of the source"},
    {"engine", "the plan keeps it in the stage: tests/media/test_neural.py"},
    {"device", "the plan keeps it in the stage: tests/media/test_neural.py"},
    {"engine-library", "where the engine is"},
    {"engine-fallback", "what is done when a device fails"},
    {"batch", "the pictures are the same: tests/media/test_neural.py"},
};

static const char *listed(const char *const list[][2], size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i][0], name))
            return list[i][1];
    return NULL;
}

enum { FRAMES = 24, WIDTH = 96, HEIGHT = 80 };

// Video, then film.
static struct ta_film_run film[] = {
    {.first = 0, .count = FRAMES / 2, .period = 1, .pattern = {{TA_FILM_VIDEO_TFF, 0}}},
    {.first = FRAMES / 2, .count = FRAMES / 2, .period = 1, .pattern = {{TA_FILM_KEEP, 0}}},
};

static struct ta_dv_scene scenes[] = {{0, 0, 0x20030517, 0x142205}, {FRAMES / 2, 0, 0x20030518, 0x090000}};

static void set_up_small(struct fixture *x)
{
    set_up(x, FRAMES, TA_SCAN_TFF);
    x->index.scenes = scenes;
    x->index.scene_count = TA_COUNT(scenes);
    x->scan.film = film;
    x->scan.film_count = TA_COUNT(film);
    x->index.format.pix_fmt = AV_PIX_FMT_YUV420P;
    x->index.format.width = WIDTH;
    x->index.format.height = HEIGHT;
    x->index.format.sar = (AVRational){1, 1};
    set(x, "resolution", "source");
}

// A moving picture with soft and hard edges, noise, blocks and a highlight.
static AVFrame *picture(const struct ta_format *fmt, int64_t number)
{
    AVFrame *f = av_frame_alloc();
    f->format = fmt->pix_fmt;
    f->width = fmt->width;
    f->height = fmt->height;
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    uint32_t seed = (uint32_t)number * 2654435761u + 1;
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < f->height >> !!p; y++)
            for (int x = 0; x < f->width >> !!p; x++) {
                seed = seed * 1664525u + 1013904223u;
                int at = x + (int)number * 2 + (y & 1);
                int value = 60 + (at * 3 & 63) + (at % 24 < 9 ? 50 : 0) + x / 8 % 2 * 9 + (int)(seed >> 28);
                if (y < 8 && x < 16 >> !!p)
                    value = p ? 128 : 250; // whiter than white
                f->data[p][y * f->linesize[p] + x] = (uint8_t)value;
            }
    ta_format_tag_frame(fmt, f);
    ta_frame_set_interlaced(f, true, true);
    f->pts = number;
    return f;
}

static int add_to_sum(void *receiver, AVFrame *f)
{
    uint64_t *sum = receiver;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    int bytes = d->comp[0].depth > 8 ? 2 : 1;
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++)
        for (int y = 0; y < AV_CEIL_RSHIFT(f->height, p ? d->log2_chroma_h : 0); y++)
            for (int x = 0; x < bytes * AV_CEIL_RSHIFT(f->width, p ? d->log2_chroma_w : 0); x++)
                *sum = (*sum ^ f->data[p][y * f->linesize[p] + x]) * 1099511628211u;
    av_frame_free(&f);
    return 0;
}

// A checksum of what the plan's chain makes.
static uint64_t pictures_of(const struct ta_plan *p)
{
    uint64_t sum = 14695981039346656037u;
    struct ta_chain *c = NULL;
    assert_int_equal(ta_chain_create(&c, p->stages, p->stage_count, NULL), 0);
    for (int i = 0; i < 3; i++) {
        AVFrame *f = picture(&p->source_format, i);
        if (p->film)
            ta_film_mark(f, ta_plan_film_of(p, i));
        assert_int_equal(ta_chain_push(c, f, add_to_sum, &sum), 0);
    }
    assert_int_equal(ta_chain_push(c, NULL, add_to_sum, &sum), 0);
    ta_chain_destroy(&c);
    return sum;
}

// The plan without the words that quote options.
static char *essence(const struct ta_plan *p)
{
    char *text = ta_plan_to_json(p);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(root);
    json_object_del(root, "recipe");
    json_object_del(root, "decisions");
    json_object_del(root, "warnings");
    text = json_dumps(root, JSON_SORT_KEYS);
    json_decref(root);
    return text;
}

struct outcome {
    char *essence;
    uint64_t pictures;
};

static struct outcome plan_with(const char *const with[3][2], const char *name, const char *value)
{
    struct fixture x;
    set_up_small(&x);
    for (int i = 0; with && i < 3 && with[i][0]; i++)
        set(&x, with[i][0], with[i][1]);
    if (name)
        set(&x, name, value);
    struct ta_plan *p = NULL;
    if (decide(&x, "o.mkv", &p) < 0)
        fail_msg("no plan with --%s %s", name ? name : "", value ? value : "");
    struct outcome o = {essence(p), pictures_of(p)};
    ta_plan_destroy(&p);
    tear_down(&x);
    return o;
}

static void check(const char *const with[3][2], const char *name, const char *value, bool of_stage)
{
    struct outcome a = plan_with(with, NULL, NULL), b = plan_with(with, name, value);
    if (!strcmp(a.essence, b.essence))
        fail_msg(
            "--%s %s changes nothing in the plan: if another option must be set with it, `settings` says so",
            name, value);
    if (of_stage && a.pictures == b.pictures)
        fail_msg("--%s %s does not change the pictures", name, value);
    free(a.essence);
    free(b.essence);
}

// A value that is not the default; for choices the one of this number, NULL when there are no more.
static char *other_value(const struct ta_opt *o, int number)
{
    if (o->choices) {
        for (const struct ta_choice *c = o->choices; c->name; c++)
            if (strcmp(c->name, o->def) && number-- == 0)
                return ta_xstrdup(c->name);
        return NULL;
    }
    if (number)
        return NULL;
    double def = o->def ? strtod(o->def, NULL) : 0;
    if (o->kind == &ta_opt_switch)
        return ta_xstrdup(o->def && !strcmp(o->def, "on") ? "off" : "on");
    if (o->kind == &ta_opt_int)
        return ta_xprintf("%d", (int)def + (def + 8 <= o->max ? 8 : -8));
    if (o->kind == &ta_opt_float)
        return ta_xprintf("%g", (def + (def < o->max ? o->max : o->min)) / 2);
    fail_msg("--%s: `settings` must say what to set it to", o->name);
    return NULL;
}

// The stage of a slot that has the option, as "--SLOT CHOICE"; false when the slot has no choice.
static bool choose_stage_with(const char *slot, const char *option, const char *with[3][2])
{
    for (const struct ta_slot *s = ta_slots; s->name; s++) {
        if (strcmp(s->name, slot) || !s->option)
            continue;
        for (const struct ta_stage_info *const *i = ta_stages; *i; i++) {
            size_t n = strlen(slot);
            if (!strncmp((*i)->name, slot, n) && (*i)->name[n] == '.' && (*i)->options &&
                ta_opt_find((*i)->options, option)) {
                with[0][0] = slot;
                with[0][1] = (*i)->name + n + 1;
                return true;
            }
        }
    }
    return false;
}

static void check_option(const struct ta_option_group *group, const struct ta_opt *o)
{
    char *name = ta_option_full_name(group, o);
    bool of_stage = group->table != ta_recipe_options, is_listed = false;
    const char *with[3][2] = {{0}};
    if (group->prefix[0])
        choose_stage_with(group->prefix, o->name, with);
    else if (of_stage)
        with[0][0] = "preset", with[0][1] = "clean";
    for (size_t i = 0; i < TA_COUNT(settings); i++)
        if (!strcmp(settings[i].name, name)) {
            check(settings[i].with[0][0] ? settings[i].with : (const char *const(*)[2])with, name,
                  settings[i].value, of_stage);
            is_listed = true;
        }
    for (int n = 0; !listed(elsewhere, TA_COUNT(elsewhere), name); n++) {
        char *value = is_listed && !o->choices ? NULL : other_value(o, n);
        if (!value)
            break;
        char *both = ta_xprintf("%s %s", name, value);
        bool done = listed(elsewhere, TA_COUNT(elsewhere), both) != NULL;
        free(both);
        for (size_t i = 0; i < TA_COUNT(settings); i++)
            done |= !strcmp(settings[i].name, name) && !strcmp(settings[i].value, value);
        if (!done)
            check((const char *const(*)[2])with, name, value, of_stage);
        free(value);
    }
    free(name);
}

static void every_option_matters(void **state)
{
    (void)state;
    const struct ta_option_group *groups;
    int count = ta_option_groups(&groups), seen = 0;
    for (int g = 0; g < count; g++)
        for (const struct ta_opt *o = groups[g].table; o->name; o++) {
            if (o->flags & (TA_OPT_HIDDEN | TA_OPT_DEPRECATED))
                continue;
            if (groups[g].table != ta_run_options)
                check_option(&groups[g], o);
            else if (!listed(running, TA_COUNT(running), o->name))
                fail_msg("--%s: say in `running` why it is no part of the recipe", o->name);
            seen++;
        }
    assert_true(seen > 30);
}

// What can't matter is said, with the place where it was set.
static void vain_options_are_told(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"denoise", "off", "denoise-strength", "1:1:1:1"},
        {"deinterlace", "off", "deinterlace-fields", "one"},
        {"sharpen", "off", "sharpen-strength", "0.2"},
        {"denoise", "hqdn3d", "denoise-nlmeans-strength", "2"},
        {"deblock", "off", "deblock-block", "16"},
        {"hdr", "sdr", "hdr-peak", "300"},
        {"deinterlace", "yadif", "deinterlace-w3fdif-filter", "simple"},
    };
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        struct fixture x;
        struct ta_plan *p = NULL;
        set_up_small(&x);
        set(&x, cases[i][0], cases[i][1]);
        assert_int_equal(ta_options_set(x.options, TA_LAYER_CALLER, cases[i][2], cases[i][3], "shelf.yaml:3"),
                         0);
        assert_int_equal(decide(&x, "o.mkv", &p), 0);
        char *told = json_dumps(p->warnings, 0),
             *wanted = ta_xprintf("shelf.yaml:3: --%s changes nothing", cases[i][2]);
        if (!strstr(told, wanted))
            fail_msg("no \"%s\" in %s", wanted, told);
        // A form is told so before there is a plan.
        struct capture c;
        capture_init(&c);
        assert_int_equal(ta_options_check_stages(x.options, c.log), 0);
        if (!strstr(ta_buf_text(&c.text), wanted))
            fail_msg("no \"%s\" in %s", wanted, ta_buf_text(&c.text));
        capture_release(&c);
        free(wanted);
        free(told);
        ta_plan_destroy(&p);
        tear_down(&x);
    }
    struct fixture x;
    struct ta_plan *p = NULL;
    set_up_small(&x);
    set(&x, "mask-mode", "mirror");
    assert_int_equal(decide(&x, "o.mkv", &p), 0);
    char *text = json_dumps(p->warnings, 0);
    assert_non_null(strstr(text, "\"--mask-mode changes nothing"));
    free(text);
    ta_plan_destroy(&p);
    tear_down(&x);
}

static void names_of_sizes_stand_for_lines(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"4k", "2160"},     {"UHD", "2160"},        {"8K", "4320"},
                                           {"hd", "720"},      {"FullHD", "1080"},     {"qhd", "1440"},
                                           {"1080p", "1080p"}, {"720x576", "720x576"}, {"source", "source"}};
    struct fixture x;
    set_up_small(&x);
    for (size_t i = 0; i < TA_COUNT(cases); i++) {
        const char *value = NULL;
        set(&x, "resolution", cases[i][0]);
        assert_true(ta_options_get(x.options, "resolution", &value, NULL) >= 0);
        assert_string_equal(value, cases[i][1]);
    }
    tear_down(&x);
}

// The recipe is typed once, for whoever asks, until a value changes.
static void test_typed_once(void **state)
{
    (void)state;
    struct ta_options *o = NULL;
    const struct ta_recipe_opts *a, *b;
    assert_int_equal(ta_options_create(&o, NULL), 0);
    assert_int_equal(ta_options_recipe(o, &a, NULL), 0);
    assert_int_equal(ta_options_recipe(o, &b, NULL), 0);
    assert_ptr_equal(a, b);
    assert_string_equal(a->encoder, "auto");
    const char *text = a->encoder;
    assert_ptr_equal(b->encoder, text);
    assert_int_equal(ta_options_set(o, TA_LAYER_CALLER, "encoder", "hevc", NULL), 0);
    assert_int_equal(ta_options_recipe(o, &a, NULL), 0);
    assert_string_equal(a->encoder, "hevc");
    // What can't be typed, because its preset is none, is no recipe.
    assert_int_equal(ta_options_set(o, TA_LAYER_CALLER, "preset", "/nowhere/none.yaml", NULL), 0);
    assert_true(ta_options_recipe(o, &a, NULL) < 0);
    assert_null(a);
    assert_int_equal(ta_options_set(o, TA_LAYER_CALLER, "preset", "vhs", NULL), 0);
    assert_int_equal(ta_options_recipe(o, &a, NULL), 0);
    assert_string_equal(a->encoder, "hevc");
    ta_options_destroy(&o);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_once),
        cmocka_unit_test(every_option_matters),
        cmocka_unit_test(vain_options_are_told),
        cmocka_unit_test(names_of_sizes_stand_for_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
