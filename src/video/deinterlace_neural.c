// Deinterlacing by a network: the missing lines of each field from it and its neighbours in time, as a
// network of purpose "deinterlace" makes them (models/manifest.yaml). Lines that are there stay.
#include "video/deinterlace_neural.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tuning.h"
#include "infer/network_session.h"
#include "media/av.h"
#include "video/deinterlace.h"
#include "video/neural.h"
#include "video/stages.h"

enum { PLANES = 3, FIELDS = 3, AROUND = 3 }; // frames before, here and behind

struct neural_opts {
    struct ta_deinterlace_opts base; // first: what the stages of the slot share
    char *model;
    int64_t tile;
    struct ta_neural_network_opts network; // set by the plan
};

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    {.name = "model",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, model, char *),
     .def = "",
     .syntax = "NAME|FILE",
     .help = "the network of --deinterlace neural: one of purpose deinterlace in a manifest, by its name or "
             "file; without it " TA_DEINTERLACE_NETWORK},
    TA_NEURAL_TILE(struct neural_opts, "of a field ", "field"),
    TA_NEURAL_FILE(struct neural_opts),
    TA_NEURAL_ENGINE(struct neural_opts),
    {0},
};

int ta_deinterlace_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log)
{
    return ta_neural_network_set(&((struct neural_opts *)opts)->network, facts,
                                 ta_stage_deinterlace_neural.name, log);
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct neural_opts *o = opts;
    int err = ta_neural_network_check(&o->network, why);
    if (err >= 0)
        err = ta_neural_tile_check(o->tile, why);
    if (err < 0)
        return err;
    if (in->height % 2) {
        ta_buf_printf(why, "takes pictures of an even number of lines, not %d", in->height);
        return TA_ERR_UNSUPPORTED;
    }
    err = ta_deinterlace_configure(opts, in, out, why);
    return err < 0 ? err : ta_neural_format(in, 1, out, why);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    ta_neural_network_runtime(&((const struct neural_opts *)opts)->network, text);
}

static size_t picture_numbers(const struct ta_format *f)
{
    return (size_t)PLANES * (size_t)f->width * (size_t)f->height;
}

static struct ta_picture_run_params run_params(const struct neural_opts *o, const struct ta_format *in,
                                               int batch)
{
    int height = in->height / 2;
    return (struct ta_picture_run_params){
        .use = {.planes = FIELDS * PLANES, .factor = 1},
        .made = PLANES,
        .width = in->width,
        .height = height,
        .tile = ta_neural_tile(o->tile, in->width, height),
        .batch = batch,
    };
}

// Of a frame, for each of its fields: three fields in and the lines that are made.
static int64_t bytes_each(const struct neural_opts *o, const struct ta_format *f)
{
    const struct ta_picture_run_params run = run_params(o, f, 1);
    int64_t field = (int64_t)(picture_numbers(f) / 2 * sizeof(float));
    return ta_deinterlace_fields(o) * (field * (FIELDS + 1) * TA_NEURAL_SLOTS + ta_picture_run_bytes(&run));
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    const struct neural_opts *o = opts;
    int64_t frame = av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1);
    ta_neural_network_needs(&o->network, bytes_each(o, in), env, n);
    n->bytes += (int64_t)((AROUND + 1) * picture_numbers(in) * sizeof(float));
    // Frames that wait with their numbers: what they were made of, and what they became.
    n->bytes += n->frames * TA_NEURAL_SLOTS * TA_MAX(frame, 0) * (1 + ta_deinterlace_fields(opts));
}

struct moment {
    AVFrame *frame;
    float *numbers;
};

struct priv {
    struct ta_neural_work work;
    struct moment at[AROUND];
    bool has;        // a frame in at[2]
    float *made;     // a frame that is put together of its rows; of the thread that drains
    bool keeps_luma; // rows of brightness that are there can be copied
};

static int drain(void *priv, const struct ta_neural_picture *what, const float *in, const float *out,
                 AVFrame **made);

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const struct neural_opts *o = s->opts;
    size_t numbers = picture_numbers(&s->in);
    const struct ta_neural_work_params params = {
        .network = &o->network,
        .planes = PLANES,
        .run = run_params(o, &s->in, TA_MAX(1, s->frames) * ta_deinterlace_fields(o)),
        .in_numbers = FIELDS * numbers / 2,
        .out_numbers = numbers / 2,
        .drain = drain,
    };
    p->made = malloc(numbers * sizeof(float));
    bool memory = p->made != NULL;
    for (int i = 0; i < AROUND; i++)
        memory &= (p->at[i].numbers = malloc(numbers * sizeof(float))) != NULL;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    p->keeps_luma = s->in.pix_fmt == s->out.pix_fmt && !ta_format_is_rgb(&s->in) && !d->comp[0].shift;
    return memory ? ta_neural_work_start(&p->work, s, &params) : ta_stage_no_memory(s);
}

// ---- fields ----

// The rows of one field of a picture; upside down where the network is to see them so.
static void take_field(const struct ta_format *f, const float *picture, int parity, bool turned, float *to)
{
    size_t w = (size_t)f->width, h = (size_t)f->height / 2;
    for (int plane = 0; plane < PLANES; plane++)
        for (size_t y = 0; y < h; y++) {
            size_t row = 2 * (turned ? h - 1 - y : y) + (size_t)parity;
            memcpy(to + ((size_t)plane * h + y) * w, picture + ((size_t)plane * 2 * h + row) * w,
                   w * sizeof *to);
        }
}

static void put_field(const struct ta_format *f, const float *rows, int parity, bool turned, float *picture)
{
    size_t w = (size_t)f->width, h = (size_t)f->height / 2;
    for (int plane = 0; plane < PLANES; plane++)
        for (size_t y = 0; y < h; y++) {
            size_t row = 2 * (turned ? h - 1 - y : y) + (size_t)parity;
            memcpy(picture + ((size_t)plane * 2 * h + row) * w, rows + ((size_t)plane * h + y) * w,
                   w * sizeof *rows);
        }
}

// The rows of brightness that the field has, as they were.
static void keep_rows(const struct ta_stage *s, const AVFrame *in, int parity, AVFrame *out)
{
    size_t bytes = (size_t)s->in.width * (ta_format_depth(&s->in) > 8 ? 2 : 1);
    for (int y = parity; y < s->in.height; y += 2)
        memcpy(out->data[0] + (ptrdiff_t)y * out->linesize[0], in->data[0] + (ptrdiff_t)y * in->linesize[0],
               bytes);
}

// Fields whose missing rows lie below are seen upside down by the network, which makes the row above each.
static bool is_turned(int parity)
{
    return parity == 0;
}

static int drain(void *priv, const struct ta_neural_picture *what, const float *in, const float *out,
                 AVFrame **made)
{
    const struct ta_neural_work *work = priv;
    struct ta_stage *s = work->stage;
    struct priv *p = s->priv;
    const float *here = in + picture_numbers(&s->in) / 2; // between the field before and the one behind
    put_field(&s->in, here, what->parity, is_turned(what->parity), p->made);
    put_field(&s->in, out, 1 - what->parity, is_turned(what->parity), p->made);
    int err = ta_neural_drain(p->work.pictures, what->source, p->made, made, s->log);
    if (err < 0)
        return err;
    if (p->keeps_luma && av_frame_make_writable(*made) < 0) {
        av_frame_free(made);
        return ta_stage_no_memory(s);
    }
    if (p->keeps_luma)
        keep_rows(s, what->source, what->parity, *made);
    ta_frame_set_interlaced(*made, false, false);
    (*made)->pts = what->pts;
    return 0;
}

// The rows that a field lacks go on their way.
static int give_field(struct ta_stage *s, bool second)
{
    struct priv *p = s->priv;
    const struct moment *here = &p->at[1];
    int parity = ta_frame_is_top_first(here->frame) != second ? 0 : 1;
    bool turned = is_turned(parity);
    size_t field = picture_numbers(&s->in) / 2;
    float *fields = NULL;
    int err = ta_neural_flow_room(p->work.flow, &fields, s->emit, s->receiver);
    if (err < 0)
        return err;
    take_field(&s->in, p->at[second ? 1 : 0].numbers, 1 - parity, turned, fields);
    take_field(&s->in, here->numbers, parity, turned, fields + field);
    take_field(&s->in, p->at[second ? 2 : 1].numbers, 1 - parity, turned, fields + 2 * field);
    const struct ta_neural_picture what = {
        .source = av_frame_clone(here->frame),
        .pts = second ? here->frame->pts + p->at[2].frame->pts : 2 * here->frame->pts,
        .parity = parity,
    };
    return what.source ? ta_neural_flow_add(p->work.flow, &what, s->emit, s->receiver)
                       : ta_stage_no_memory(s);
}

// A frame that has no fields goes past the network.
static int give_whole(struct ta_stage *s)
{
    struct priv *p = s->priv;
    AVFrame *here = p->at[1].frame, *out = NULL;
    int err = ta_neural_flow_finish(p->work.flow, s->emit, s->receiver);
    if (err >= 0)
        err = ta_neural_drain(p->work.pictures, here, p->at[1].numbers, &out, s->log);
    if (err < 0)
        return err;
    if (s->in.pix_fmt == s->out.pix_fmt) { // as it is
        av_frame_free(&out);
        out = av_frame_clone(here);
    }
    if (!out)
        return ta_stage_no_memory(s);
    out->pts = 2 * here->pts;
    return ta_stage_emit(s, out);
}

static int give_frame(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!ta_frame_is_interlaced(p->at[1].frame))
        return give_whole(s);
    int err = give_field(s, false);
    return err >= 0 && ta_deinterlace_fields(s->opts) == 2 ? give_field(s, true) : err;
}

// ---- frames ----

// The next frame comes last; the one that was first gives its memory.
static void move_on(struct priv *p)
{
    struct moment first = p->at[0];
    av_frame_free(&first.frame);
    p->at[0] = p->at[1];
    p->at[1] = p->at[2];
    p->at[2] = first;
}

static int take_frame(struct ta_stage *s, AVFrame *in)
{
    struct priv *p = s->priv;
    size_t bytes = picture_numbers(&s->in) * sizeof(float);
    bool first = !p->has, end = !in;
    if (end && first)
        return 0;
    move_on(p);
    if (end) { // the last frame stands for the one behind it
        p->at[2].frame = av_frame_clone(p->at[1].frame);
        if (!p->at[2].frame)
            return ta_stage_no_memory(s);
        memcpy(p->at[2].numbers, p->at[1].numbers, bytes);
        if (p->at[0].frame)
            p->at[2].frame->pts = 2 * p->at[1].frame->pts - p->at[0].frame->pts;
    } else {
        p->at[2].frame = in;
        int err = ta_neural_fill(p->work.pictures, in, p->at[2].numbers, s->log);
        if (err < 0)
            return err;
    }
    p->has = true;
    if (first) // nothing lies before it but itself
        return 0;
    if (!p->at[0].frame)
        memcpy(p->at[0].numbers, p->at[1].numbers, bytes);
    return give_frame(s);
}

static int process_many(struct ta_stage *s, AVFrame **in, int count)
{
    int err = 0;
    for (int i = 0; i < count; i++) {
        AVFrame *frame = in[i];
        in[i] = NULL;
        if (err >= 0)
            err = take_frame(s, frame);
        else
            av_frame_free(&frame);
    }
    if (!count)
        err = take_frame(s, NULL);
    if (err < 0)
        return err;
    // What is there goes on: how many come at a time decides about speed alone.
    struct ta_neural_flow *flow = ((struct priv *)s->priv)->work.flow;
    return count ? ta_neural_flow_send(flow) : ta_neural_flow_finish(flow, s->emit, s->receiver);
}

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    for (int i = 0; i < AROUND; i++) {
        av_frame_free(&p->at[i].frame);
        free(p->at[i].numbers);
    }
    ta_neural_work_end(&p->work, bytes_each(s->opts, &s->in) * s->frames);
    free(p->made);
}

static double cost(const void *opts)
{
    return ((const struct neural_opts *)opts)->network.on_device ? 40 : 4000;
}

const struct ta_stage_info ta_stage_deinterlace_neural = {
    .name = "deinterlace.neural",
    .summary = "a network makes the missing lines of each field from three fields",
    .options = options,
    .options_size = sizeof(struct neural_opts),
    .priv_size = sizeof(struct priv),
    .engine = true,
    .thread = TA_THREAD_OWN,
    .file_option = "model",
    .reach = ta_deinterlace_reach,
    .fields = ta_deinterlace_fields,
    .configure = configure,
    .runtime = runtime,
    .needs = needs,
    .cost = cost,
    .init = init,
    .process_many = process_many,
    .release = release,
};
