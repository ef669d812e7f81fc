// A preview is a plan: that of the whole file, narrowed to an excerpt, with a board in place of the output's
// pictures.
#include <terminalai/preview.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/path.h"
#include "base/log.h"
#include "base/mem.h"
#include "draw/board.h"
#include "pictures/compose.h"
#include "media/encode/encoder_hardware.h"
#include "plan/sound.h"
#include "plan/decide.h"
#include "show/preview.h"

#include <libavutil/pixdesc.h>

// ---- the excerpt ----

static int parse_start(const char *text, struct ta_time *out, struct ta_log *log)
{
    struct ta_buf why = {0};
    int err = ta_time_parse(text, out, &why);
    if (err < 0)
        ta_error(log, "\"%s\" for start: %s", text, ta_buf_text(&why));
    ta_buf_release(&why);
    return err;
}

int ta_excerpt_find(const struct ta_plan *p, const char *start, double duration, struct ta_excerpt *out,
                    struct ta_log *log)
{
    struct ta_time at;
    int err = parse_start(start, &at, log);
    if (err < 0)
        return err;
    int64_t end = p->first_frame + p->frame_count, first = ta_plan_frame_of(p, p->index, &at);
    double unit = av_q2d(p->index->time_base);
    if (first < p->first_frame || first >= end) {
        ta_error(log, "%s: no frame to show at %s: there are %.3f seconds, source frames %lld to %lld",
                 p->input, start, (double)(p->index->end_pts - p->index->frames[0].pts) * unit,
                 (long long)p->first_frame, (long long)(end - 1));
        return TA_ERR_INVALID;
    }
    // With inverse telecine not every frame has a picture.
    first = ta_plan_giving(p, first);
    while (first == end || (first > p->first_frame && ta_plan_fields_of(p, first) == 0))
        first--;
    int64_t length = (int64_t)(duration / unit + 0.5), last = first + 1;
    while (last < end && p->index->frames[last].pts - p->index->frames[first].pts < length)
        last++;
    *out = (struct ta_excerpt){.first = first, .end = last};
    return 0;
}

// The plan of the excerpt alone. What was decided for the whole file stays.
static int narrow(struct ta_plan *p, const struct ta_excerpt *e)
{
    const struct ta_index *index = p->index;
    int kept = 0;
    for (int i = 0; i < p->run_count; i++) {
        struct ta_scan_run r = p->runs[i];
        int64_t first = TA_MAX(r.first, e->first), last = TA_MIN(r.first + r.count, e->end);
        if (first < last)
            p->runs[kept++] = (struct ta_scan_run){first, last - first, r.type};
    }
    p->run_count = kept;
    p->first_frame = e->first;
    p->frame_count = e->end - e->first;
    if (p->film && ta_plan_narrow_film(p) < 0)
        return TA_ERR_NOMEM;
    p->out_frames = ta_plan_out_before(p, e->end);
    p->range_start = av_rescale_q(index->frames[e->first].pts, index->time_base, AV_TIME_BASE_Q);
    p->range_end = AV_NOPTS_VALUE;
    if (e->end < (int64_t)index->frame_count)
        p->range_end = av_rescale_q(index->frames[e->end].pts, index->time_base, AV_TIME_BASE_Q);
    int64_t before = p->offset;
    p->offset = index->frames[e->first].pts * p->time_scale;
    ta_plan_narrow_sound(p, before);
    for (int i = 0; i < p->stream_count; i++)
        p->streams[i].start = AV_NOPTS_VALUE;
    return 0;
}

// ---- labels ----

static void append_rate(struct ta_buf *out, AVRational rate)
{
    double fps = rate.den ? av_q2d(rate) : 0;
    if (fps > 0 && fps - (int)fps < 0.005)
        ta_buf_printf(out, ", %d fps", (int)fps);
    else if (fps > 0)
        ta_buf_printf(out, ", %.2f fps", fps);
}

char *ta_show_source_detail(const struct ta_plan *p)
{
    const struct ta_format *f = &p->source_format;
    struct ta_buf b = {0};
    ta_buf_printf(&b, "%dx%d%s", f->width, f->height, f->scan == TA_SCAN_PROGRESSIVE ? "" : " interlaced");
    append_rate(&b, f->frame_rate);
    return ta_buf_take(&b);
}

char *ta_show_result_detail(const struct ta_plan *p, const struct ta_format *chain, bool with_preset)
{
    const char *preset = json_string_value(json_object_get(json_object_get(p->recipe, "preset"), "value"));
    struct ta_buf b = {0};
    ta_buf_printf(&b, "%dx%d", chain->width, chain->height);
    append_rate(&b, chain->frame_rate);
    if (preset && with_preset)
        ta_buf_printf(&b, ", %s", ta_path_name(preset));
    return ta_buf_take(&b);
}

// ---- the plan ----

static int plan_board(struct ta_plan *p, const struct ta_recipe_opts *recipe, int layout, struct ta_log *log)
{
    struct ta_show *show = p->show = ta_xcalloc(1, sizeof *show);
    show->layout = layout;
    show->chain = p->out_format;
    show->names[0] = ta_xstrdup("source");
    show->names[1] = ta_xstrdup("restored");
    show->details[0] = ta_show_source_detail(p);
    show->details[1] = ta_show_result_detail(p, &show->chain, true);
    ta_show_board(show, &p->out_format);
    struct ta_encoder_settings settings = {0};
    struct ta_hardware_facts hardware = {0};
    if (recipe->hardware)
        ta_hardware_look(&hardware);
    int err = ta_plan_encoder_for(recipe, p->encoder.info, &p->out_format,
                                  ta_plan_hdr10_peak(p->stages, p->stage_count), &hardware, &settings, log);
    ta_hardware_facts_release(&hardware);
    if (err < 0)
        return err;
    ta_encoder_settings_release(&p->encoder);
    p->encoder = settings;
    p->out_format.pix_fmt = settings.pix_fmt;
    if (!ta_board_takes(settings.pix_fmt)) {
        ta_error(log, "%s: a preview can't be encoded by %s in %s; leave --encoder out", p->input,
                 settings.name, av_get_pix_fmt_name(settings.pix_fmt));
        return TA_ERR_USAGE;
    }
    struct ta_format pane = show->chain;
    struct ta_pane_maker *maker = NULL;
    pane.pix_fmt = settings.pix_fmt;
    if (pane.rotation % 180) {
        pane.width = show->chain.height;
        pane.height = show->chain.width;
    }
    err = ta_pane_maker_create(&maker, &show->chain, &pane, log);
    ta_pane_maker_destroy(&maker);
    return err;
}

static int decide(struct ta_plan *p, struct ta_options *options, const struct ta_preview_wish *wish,
                  struct ta_log *log)
{
    struct ta_excerpt excerpt;
    const struct ta_recipe_opts *recipe;
    int layout = 0;
    while (ta_show_layouts[layout].name && strcmp(ta_show_layouts[layout].name, wish->layout))
        layout++;
    if (!ta_show_layouts[layout].name) {
        ta_error(log, "there is no layout \"%s\": side, split or stack", wish->layout);
        return TA_ERR_INVALID;
    }
    int err = ta_options_recipe(options, &recipe, log);
    if (err < 0)
        return err;
    err = ta_excerpt_find(p, wish->start, wish->duration, &excerpt, log);
    if (err >= 0)
        err = plan_board(p, recipe, layout, log);
    if (err >= 0 && (err = narrow(p, &excerpt)) < 0)
        ta_error(log, "out of memory for the timeline");
    if (err >= 0) {
        ta_plan_choose_cuts(p, p->index, recipe->segment_length, 1, NULL);
        char *why = ta_xprintf("source frames %lld to %lld beside the source, %s", (long long)excerpt.first,
                               (long long)(excerpt.end - 1), ta_show_layouts[layout].help);
        json_array_append_new(p->decisions, json_pack("{s:s, s:s}", "what", "preview", "why", why));
        free(why);
        free(p->json);
        p->json = ta_plan_to_json(p);
    }
    return err;
}

// A size at which the board fits a screen, as --resolution takes it; "" when it does already, or when the
// user says which size it is to be.
static void size_for_screen(const struct ta_plan *p, struct ta_options *options, char out[32])
{
    enum { SCREEN_WIDTH = 1920, SCREEN_HEIGHT = 1080 };
    const struct ta_format *board = &p->out_format, *chain = &p->show->chain;
    const char *wanted = "";
    out[0] = 0;
    ta_options_get(options, "resolution", &wanted, NULL);
    if (strcmp(wanted, "auto") || (board->width <= SCREEN_WIDTH && board->height <= SCREEN_HEIGHT))
        return;
    bool turned = chain->rotation % 180 != 0;
    int lines = turned ? chain->width : chain->height;
    double scale = fmin((double)SCREEN_WIDTH / board->width, (double)SCREEN_HEIGHT / board->height);
    snprintf(out, 32, "%d",
             TA_MAX(16, (int)(lines * scale) / 4 * 4 - 4)); // 4: for what lies between and above
}

// The same plan at a size that fits a screen.
static int plan_smaller(struct ta_plan **out, const char *size, const char *input, const char *output,
                        struct ta_options *options, const struct ta_preview_wish *wish,
                        const struct ta_callbacks *callbacks, struct ta_log *log)
{
    struct ta_options *smaller = NULL;
    ta_plan_destroy(out);
    ta_options_clone(&smaller, options);
    int err = ta_options_set(smaller, TA_LAYER_CALLER, "resolution", size, "so that it fits a screen");
    if (err >= 0)
        err = ta_plan_create(out, input, output, smaller, callbacks, log);
    if (err >= 0)
        err = decide(*out, smaller, wish, log);
    ta_options_destroy(&smaller);
    return err;
}

int ta_preview_plan(struct ta_plan **out, const char *input, const char *output, struct ta_options *options,
                    const struct ta_preview_wish *wish, const struct ta_callbacks *callbacks,
                    struct ta_log *log)
{
    struct ta_log *own = ta_log_child(log, "preview");
    int err = ta_plan_create(out, input, output, options, callbacks, log);
    ta_log_set_about(own, input);
    if (err >= 0 && (*out)->sound_only) {
        ta_error(own, "there are no pictures to show: leave --pictures copy out");
        err = TA_ERR_USAGE;
    }
    if (err >= 0)
        err = decide(*out, options, wish, own);
    char size[32] = "";
    if (err >= 0)
        size_for_screen(*out, options, size);
    if (size[0])
        err = plan_smaller(out, size, input, output, options, wish, callbacks, own);
    if (err < 0)
        ta_plan_destroy(out);
    ta_log_fail(own, err, input, NULL);
    ta_log_destroy(&own);
    return err < 0 ? err : 0;
}
