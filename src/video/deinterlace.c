// Deinterlacing by libavfilter. bwdif: "Bob Weaver Deinterlacing Filter"; yadif: "yet another deinterlacing
// filter"; w3fdif: Weston's three-field filter. All obey the interlaced flag and the field order of each
// frame, which the segment sets from the plan's scan runs: other frames pass untouched, once.
//
// Each runs in a graph of its own, because of how bwdif starts: it takes the first interlaced frame it ever
// sees for the first of the film, however many progressive ones came before, and makes one of its fields
// without its neighbours. Pixels would depend on where the film was cut. So a film that starts progressive
// gets a frame ahead of it whose output is dropped.
#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "media/format.h"
#include "media/graph.h"
#include "video/stages.h"

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

enum w3fdif_filter { W3FDIF_SIMPLE = 0, W3FDIF_COMPLEX };

struct deinterlace_opts {
    int fields;
    int w3fdif_filter; // in w3fdif's table only
};

const struct ta_choice ta_fields_choices[] = {
    {"both", "a frame for each field: 29.97 interlaced becomes 59.94 progressive, all motion kept"},
    {"one", "a frame for each frame: half the motion, half the size"},
    {0},
};

static const struct ta_choice w3fdif_choices[] = {
    {"simple", "two lines of the field and three of its neighbours: faster"},
    {"complex", "four lines of the field and five of its neighbours: sharper"},
    {0},
};

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct deinterlace_opts),
    {0},
};

static const struct ta_opt w3fdif_options[] = {
    TA_FIELDS_OPTION(struct deinterlace_opts),
    {.name = "w3fdif-filter",
     .kind = &ta_opt_choice,
     TA_FIELD(struct deinterlace_opts, w3fdif_filter, int),
     .def = "complex",
     .choices = w3fdif_choices,
     .flags = TA_OPT_ADVANCED,
     .help = "filter of w3fdif"},
    {0},
};

static struct ta_reach reach(const void *opts, const struct ta_format *in)
{
    (void)opts;
    (void)in;
    return (struct ta_reach){1, 1};
}

static int fields(const void *opts)
{
    return ((const struct deinterlace_opts *)opts)->fields == TA_FIELDS_BOTH ? 2 : 1;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    if (in->width < 3 || in->height < 4) {
        ta_buf_printf(why, "needs pictures of at least 3x4, not %dx%d", in->width, in->height);
        return TA_ERR_UNSUPPORTED;
    }
    // libavfilter counts in half units, whether it gives one frame or two.
    out->time_base = av_mul_q(in->time_base, (AVRational){1, 2});
    if (fields(opts) == 2 && in->frame_rate.num)
        out->frame_rate = av_mul_q(in->frame_rate, (AVRational){2, 1});
    out->scan = TA_SCAN_PROGRESSIVE;
    out->mixed_scan = false;
    return 0;
}

static int describe(const char *filter, const void *opts, struct ta_buf *text)
{
    // parity=auto reads the frame's own order; deint=interlaced passes progressive frames through.
    ta_buf_printf(text, "%s=mode=%s:parity=auto:deint=interlaced", filter,
                  fields(opts) == 2 ? "send_field" : "send_frame");
    return 0;
}

static int describe_bwdif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("bwdif", opts, text);
}

static int describe_yadif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                          struct ta_buf *text)
{
    (void)in;
    (void)out;
    return describe("yadif", opts, text);
}

static int describe_w3fdif(const void *opts, const struct ta_format *in, const struct ta_format *out,
                           struct ta_buf *text)
{
    (void)in;
    (void)out;
    const struct deinterlace_opts *o = opts;
    ta_buf_printf(text, "w3fdif=filter=%s:mode=%s:parity=auto:deint=interlaced",
                  w3fdif_choices[o->w3fdif_filter].name, fields(opts) == 2 ? "field" : "frame");
    return 0;
}

struct deinterlace_priv {
    struct ta_graph *graph;
    bool started;
    int64_t first; // number of the first frame; what comes out with a time before it is dropped
};

static int init(struct ta_stage *s)
{
    struct deinterlace_priv *p = s->priv;
    struct ta_buf text = {0};
    struct ta_format got;
    int err = s->info->describe(s->opts, &s->in, &s->out, &text);
    if (err >= 0)
        err = ta_graph_create(&p->graph, ta_buf_text(&text), &s->in, &got, s->log);
    if (err >= 0 && (got.pix_fmt != s->out.pix_fmt || av_cmp_q(got.time_base, s->out.time_base) != 0)) {
        ta_error(s->log, "internal: %s gives another format than planned", s->info->name);
        err = TA_ERR_INTERNAL;
    }
    ta_buf_release(&text);
    return err;
}

static int push(struct ta_stage *s, AVFrame *in)
{
    struct deinterlace_priv *p = s->priv;
    int err = ta_graph_push(p->graph, in);
    while (err >= 0) {
        AVFrame *out = NULL;
        err = ta_graph_pull(p->graph, &out);
        if (err < 0 || !out)
            break;
        if (out->pts < 2 * p->first)
            av_frame_free(&out);
        else
            err = ta_stage_emit(s, out);
    }
    return err;
}

// The frame ahead of the first one: the same picture, interlaced.
static int push_ahead(struct ta_stage *s, const AVFrame *first)
{
    if (ta_frame_is_interlaced(first))
        return 0;
    AVFrame *ahead = av_frame_clone(first);
    if (!ahead)
        return TA_ERR_NOMEM;
    ta_frame_set_interlaced(ahead, true, ta_frame_is_top_first(first));
    ahead->pts = first->pts - 1;
    return push(s, ahead);
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct deinterlace_priv *p = s->priv;
    int err = 0;
    if (in && !p->started) {
        p->started = true;
        p->first = in->pts;
        err = push_ahead(s, in);
    }
    if (err < 0) {
        av_frame_free(&in);
        return err;
    }
    return in || p->started ? push(s, in) : 0;
}

static void release(struct ta_stage *s)
{
    struct deinterlace_priv *p = s->priv;
    if (p)
        ta_graph_destroy(&p->graph);
}

static const char *const bwdif_filters[] = {"bwdif", NULL};
static const char *const yadif_filters[] = {"yadif", NULL};
static const char *const w3fdif_filters[] = {"w3fdif", NULL};

const struct ta_stage_info ta_stage_bwdif = {
    .name = "deinterlace.bwdif",
    .summary = "motion adaptive deinterlacing, w3fdif and yadif combined (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deinterlace_opts),
    .priv_size = sizeof(struct deinterlace_priv),
    .filters = bwdif_filters,
    .reach = reach,
    .fields = fields,
    .configure = configure,
    .describe = describe_bwdif,
    .init = init,
    .process = process,
    .release = release,
};

const struct ta_stage_info ta_stage_yadif = {
    .name = "deinterlace.yadif",
    .summary = "motion adaptive, edge directed deinterlacing (libavfilter)",
    .options = options,
    .options_size = sizeof(struct deinterlace_opts),
    .priv_size = sizeof(struct deinterlace_priv),
    .filters = yadif_filters,
    .reach = reach,
    .fields = fields,
    .configure = configure,
    .describe = describe_yadif,
    .init = init,
    .process = process,
    .release = release,
};

const struct ta_stage_info ta_stage_w3fdif = {
    .name = "deinterlace.w3fdif",
    .summary = "deinterlacing by fixed filters over three fields (libavfilter)",
    .options = w3fdif_options,
    .options_size = sizeof(struct deinterlace_opts),
    .priv_size = sizeof(struct deinterlace_priv),
    .filters = w3fdif_filters,
    .reach = reach,
    .fields = fields,
    .configure = configure,
    .describe = describe_w3fdif,
    .init = init,
    .process = process,
    .release = release,
};
