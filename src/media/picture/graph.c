#include "media/picture/graph.h"

#include <stdlib.h>
#include <string.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

struct ta_graph {
    AVFilterGraph *graph;
    AVFilterContext *source, *sink; // owned by `graph`
    char *text;
    struct ta_log *log;
    enum AVPixelFormat pix_fmt; // what push() takes
    int width, height;
    bool finished; // the end was pushed
};

static const char *format_name(enum AVPixelFormat p)
{
    const char *name = av_get_pix_fmt_name(p);
    return name ? name : "an unknown pixel format";
}

static AVRational sar_of(const struct ta_format *f)
{
    return f->sar.num > 0 && f->sar.den > 0 ? f->sar : (AVRational){0, 1};
}

// The source's options are set by name, so that those of later libav versions (colour space and range became
// part of the negotiation in 7.0) can be set where they exist.
static int create_source(struct ta_graph *g, const struct ta_format *in)
{
    g->source = avfilter_graph_alloc_filter(g->graph, avfilter_get_by_name("buffer"), "in");
    if (!g->source)
        return AVERROR(ENOMEM);
    int search = AV_OPT_SEARCH_CHILDREN;
    int ret = av_opt_set_image_size(g->source, "video_size", in->width, in->height, search);
    if (ret >= 0)
        ret = av_opt_set(g->source, "pix_fmt", format_name(in->pix_fmt), search);
    if (ret >= 0)
        ret = av_opt_set_q(g->source, "time_base", in->time_base, search);
    if (ret >= 0)
        ret = av_opt_set_q(g->source, "pixel_aspect", sar_of(in), search);
    if (ret >= 0 && in->frame_rate.num > 0 && in->frame_rate.den > 0)
        ret = av_opt_set_q(g->source, "frame_rate", in->frame_rate, search);
    if (ret >= 0 && av_opt_find(g->source, "colorspace", NULL, 0, search))
        ret = av_opt_set_int(g->source, "colorspace", in->matrix, search);
    if (ret >= 0 && av_opt_find(g->source, "range", NULL, 0, search))
        ret = av_opt_set_int(g->source, "range", in->range, search);
    return ret < 0 ? ret : avfilter_init_str(g->source, NULL);
}

static int create_sink(struct ta_graph *g)
{
    g->sink = avfilter_graph_alloc_filter(g->graph, avfilter_get_by_name("buffersink"), "out");
    return g->sink ? avfilter_init_str(g->sink, NULL) : AVERROR(ENOMEM);
}

// Where building stopped.
enum step {
    STEP_SETUP,  // our own source and sink
    STEP_PARSE,  // the text
    STEP_SHAPE,  // not one input and one output
    STEP_CONFIG, // negotiation
    STEP_DONE,
};

static void clear(struct ta_graph *g)
{
    avfilter_graph_free(&g->graph);
    g->source = g->sink = NULL;
}

// One way from source to sink, and nothing beside it.
static bool is_chain(const struct ta_graph *g)
{
    for (unsigned i = 0; i < g->graph->nb_filters; i++) {
        const AVFilterContext *f = g->graph->filters[i];
        if (f->nb_inputs != (f != g->source) || f->nb_outputs != (f != g->sink))
            return false;
    }
    return true;
}

static int parse(struct ta_graph *g, const char *text, enum step *step)
{
    AVFilterInOut *inputs = avfilter_inout_alloc();
    AVFilterInOut *outputs = avfilter_inout_alloc();
    int ret = AVERROR(ENOMEM);
    if (inputs && outputs) {
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = g->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = g->sink};
        if (inputs->name && outputs->name) {
            *step = STEP_PARSE;
            ret = avfilter_graph_parse_ptr(g->graph, text, &inputs, &outputs, NULL);
        }
    }
    if (ret >= 0 && (inputs || outputs || !is_chain(g))) {
        *step = STEP_SHAPE;
        ret = AVERROR(EINVAL);
    }
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return ret;
}

// Builds g->graph from `text`; an AVERROR and the step that failed. Quiet: the caller says why.
static int build(struct ta_graph *g, const char *text, const struct ta_format *in, bool convert,
                 enum step *step)
{
    *step = STEP_SETUP;
    g->graph = avfilter_graph_alloc();
    if (!g->graph)
        return AVERROR(ENOMEM);
    g->graph->nb_threads = 1;
    g->graph->thread_type = 0;
    avfilter_graph_set_auto_convert(g->graph,
                                    convert ? AVFILTER_AUTO_CONVERT_ALL : AVFILTER_AUTO_CONVERT_NONE);
    int ret = create_source(g, in);
    if (ret >= 0)
        ret = create_sink(g);
    if (ret >= 0)
        ret = parse(g, text, step);
    if (ret < 0)
        return ret;
    *step = STEP_CONFIG;
    ret = avfilter_graph_config(g->graph, NULL);
    if (ret >= 0)
        *step = STEP_DONE;
    return ret;
}

// The filter at the start of `text`: its end at a comma that is neither quoted nor escaped (or at the end).
static size_t filter_length(const char *text)
{
    size_t i = 0;
    for (bool quoted = false; text[i]; i++) {
        if (text[i] == '\'')
            quoted = !quoted;
        else if (!quoted && text[i] == '\\' && text[i + 1])
            i++;
        else if (!quoted && text[i] == ',')
            break;
    }
    return i;
}

// libav says only that something failed, so the chain is tried again filter by filter, up to the first that
// does. `g` is scratch and ends up empty.
static int explain(struct ta_graph *g, const char *text, const struct ta_format *in, int averror,
                   enum step step)
{
    enum AVPixelFormat reaches = in->pix_fmt;
    int width = in->width, height = in->height;
    char *one = NULL;
    for (size_t start = 0, end = 0;; start = end + 1) {
        end = start + filter_length(text + start);
        free(one);
        one = ta_xstrndup(text + start, end - start);
        char *prefix = ta_xstrndup(text, end);
        clear(g);
        int ret = build(g, prefix, in, false, &step);
        free(prefix);
        if (ret < 0) {
            averror = ret;
            break;
        }
        reaches = av_buffersink_get_format(g->sink);
        width = av_buffersink_get_w(g->sink);
        height = av_buffersink_get_h(g->sink);
        if (!text[end]) // each prefix works and the whole did not: can't be, but must not end in silence
            break;
    }
    clear(g);

    const char *body = one + strspn(one, " \n\t\r");
    char *name = ta_xstrndup(body, strcspn(body, "=@ \n\t\r"));
    int err = TA_ERR_INVALID;
    if (step == STEP_CONFIG) {
        // With conversions allowed the same filter works: so it was the format.
        struct ta_format before = *in;
        before.pix_fmt = reaches;
        before.width = width;
        before.height = height;
        enum step again;
        bool format = build(g, body, &before, true, &again) >= 0;
        clear(g);
        err = TA_ERR_UNSUPPORTED;
        if (format)
            ta_error(g->log, "filter %s does not take %s", name, format_name(reaches));
        else
            ta_error(g->log, "filter \"%s\" can't work on %dx%d %s: %s", body, width, height,
                     format_name(reaches), ta_av_text(averror));
    } else if (step == STEP_SHAPE || strchr(body, '[')) {
        ta_error(g->log, "filter text \"%s\" is not a chain of filters with one input and one output", text);
    } else if (step == STEP_SETUP) {
        err = ta_error_from_av(averror);
        ta_error(g->log, "filter graph for %dx%d %s can't be set up: %s", in->width, in->height,
                 format_name(in->pix_fmt), ta_av_text(averror));
    } else if (!name[0]) {
        ta_error(g->log, "filter text \"%s\" has an empty place between commas", text);
    } else if (!avfilter_get_by_name(name)) {
        ta_error(g->log, "there is no filter \"%s\" in this libavfilter", name);
    } else {
        ta_error(g->log, "filter %s does not take its options: \"%s\"", name, body);
    }
    free(name);
    free(one);
    return averror == AVERROR(ENOMEM) ? TA_ERR_NOMEM : err;
}

static void describe_output(const struct ta_graph *g, const struct ta_format *in, struct ta_format *out)
{
    *out = *in;
    out->pix_fmt = av_buffersink_get_format(g->sink);
    out->width = av_buffersink_get_w(g->sink);
    out->height = av_buffersink_get_h(g->sink);
    out->sar = av_buffersink_get_sample_aspect_ratio(g->sink);
    out->time_base = av_buffersink_get_time_base(g->sink);
    AVRational rate = av_buffersink_get_frame_rate(g->sink);
    out->frame_rate = rate.num > 0 && rate.den > 0 ? rate : (AVRational){0, 1};
}

int ta_graph_create(struct ta_graph **out_graph, const char *text, const struct ta_format *in,
                    struct ta_format *out, struct ta_log *log)
{
    *out_graph = NULL;
    if (!av_pix_fmt_desc_get(in->pix_fmt) || in->width < 1 || in->height < 1 || in->time_base.num < 1 ||
        in->time_base.den < 1) {
        ta_error(log, "filter graph: %dx%d %s with time base %d/%d is not a format", in->width, in->height,
                 format_name(in->pix_fmt), in->time_base.num, in->time_base.den);
        return TA_ERR_INVALID;
    }
    struct ta_graph *g = ta_xcalloc(1, sizeof(*g));
    g->log = log;
    g->text = ta_xstrdup(text && text[0] ? text : "null");
    g->pix_fmt = in->pix_fmt;
    g->width = in->width;
    g->height = in->height;

    int err = 0;
    enum step step;
    ta_av_setup_begin(false);
    int ret = build(g, g->text, in, false, &step);
    if (ret < 0)
        err = explain(g, g->text, in, ret, step);
    ta_av_setup_end(false);
    if (err < 0) {
        ta_graph_destroy(&g);
        return err;
    }
    if (out)
        describe_output(g, in, out);
    *out_graph = g;
    return 0;
}

int ta_graph_push(struct ta_graph *g, AVFrame *frame)
{
    int err = 0;
    if (g->finished) {
        ta_error(g->log, "filter graph \"%s\": a frame after the end", g->text);
        err = TA_ERR_USAGE;
    } else if (frame &&
               (frame->format != g->pix_fmt || frame->width != g->width || frame->height != g->height)) {
        ta_error(g->log, "filter graph \"%s\" was made for %dx%d %s, but a frame is %dx%d %s", g->text,
                 g->width, g->height, format_name(g->pix_fmt), frame->width, frame->height,
                 format_name(frame->format));
        err = TA_ERR_MISMATCH;
    } else {
        g->finished = !frame;
        int ret = av_buffersrc_add_frame_flags(g->source, frame, 0);
        if (ret < 0) {
            ta_error(g->log, "filter graph \"%s\": %s", g->text, ta_av_text(ret));
            err = ta_error_from_av(ret);
        }
    }
    av_frame_free(&frame);
    return err;
}

// perf-ok(alloc-in-frame-loop): the frame goes on to others, and its planes are of a pool
int ta_graph_pull(struct ta_graph *g, AVFrame **frame)
{
    *frame = av_frame_alloc();
    if (!*frame)
        return TA_ERR_NOMEM;
    int ret = av_buffersink_get_frame(g->sink, *frame);
    if (ret >= 0)
        return 0;
    av_frame_free(frame);
    if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
        return 0;
    ta_error(g->log, "filter graph \"%s\": %s", g->text, ta_av_text(ret));
    return ta_error_from_av(ret);
}

void ta_graph_destroy(struct ta_graph **g)
{
    if (!*g)
        return;
    clear(*g);
    free((*g)->text);
    ta_freep(g);
}

bool ta_graph_has_filter(const char *name)
{
    return avfilter_get_by_name(name) != NULL;
}
