// Deinterlacing by a network: the missing lines of each field from it and its neighbours in time, as a
// network of purpose "deinterlace" makes them (models/manifest.yaml). Lines that are there stay.
#include "video/deinterlace_neural.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "infer/network_session.h"
#include "media/av.h"
#include "video/deinterlace.h"
#include "video/neural.h"
#include "video/stages.h"

enum { PLANES = 3, FIELDS = 3, AROUND = 3 }; // frames before, here and behind

struct neural_opts {
    struct ta_deinterlace_opts base; // first: what the stages of the slot share
    char *model;
    // Set by the plan.
    char *file, *sum, *engine, *runtime, *provider;
    bool on_device;
    int64_t threads, white;
};

#define SET_BY_PLAN(field_name, option, text_help)                                                         \
    {                                                                                                      \
        .name = option, .kind = &ta_opt_text, TA_FIELD(struct neural_opts, field_name, char *), .def = "", \
        .flags = TA_OPT_HIDDEN, .help = text_help                                                          \
    }

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct ta_deinterlace_opts),
    {.name = "model",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, model, char *),
     .def = "",
     .syntax = "NAME|FILE",
     .help = "the network of --deinterlace neural: one of purpose deinterlace in a manifest, by its name or "
             "file; without it " TA_DEINTERLACE_NETWORK},
    {.name = "file",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, file, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "file of the network, set by the plan"},
    SET_BY_PLAN(sum, "sum", "SHA-256 of the network, set by the plan"),
    SET_BY_PLAN(engine, "engine", "what runs it, set by the plan"),
    SET_BY_PLAN(runtime, "runtime", "the engine's version, set by the plan"),
    SET_BY_PLAN(provider, "provider", "the engine's part that drives the device, set by the plan"),
    {.name = "on-device",
     .kind = &ta_opt_switch,
     TA_FIELD(struct neural_opts, on_device, bool),
     .def = "off",
     .flags = TA_OPT_HIDDEN,
     .help = "not on the CPU, set by the plan"},
    {.name = "threads",
     .kind = &ta_opt_int,
     TA_FIELD(struct neural_opts, threads, int64_t),
     .def = "1",
     .min = 1,
     .max = 1024,
     .flags = TA_OPT_HIDDEN,
     .help = "of the CPU, set by the plan"},
    {.name = "white",
     .kind = &ta_opt_int,
     TA_FIELD(struct neural_opts, white, int64_t),
     .def = "1",
     .min = 1,
     .max = 255,
     .flags = TA_OPT_HIDDEN,
     .help = "the number that is white, set by the plan"},
    {0},
};

static void set_text(char **field, const char *text)
{
    free(*field);
    *field = ta_xstrdup(text);
}

int ta_deinterlace_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log)
{
    struct neural_opts *o = opts;
    if (!facts || facts->err < 0) {
        ta_error(log, "%s: %s", ta_stage_deinterlace_neural.name,
                 facts && facts->why ? facts->why : "no network was looked for");
        return facts && facts->err < 0 ? facts->err : TA_ERR_USAGE;
    }
    set_text(&o->file, facts->model);
    set_text(&o->sum, facts->sum);
    set_text(&o->engine, facts->engine);
    set_text(&o->runtime, facts->runtime);
    set_text(&o->provider, facts->provider);
    o->on_device = facts->on_device;
    o->threads = facts->threads;
    o->white = facts->white;
    return 0;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct neural_opts *o = opts;
    bool known = o->file && o->file[0] == '/' && o->sum && strlen(o->sum) == TA_SHA256_HEX - 1 && o->engine &&
                 o->runtime && o->provider;
    if (!known) {
        ta_buf_puts(why, "takes a network by a path from the root, with its checksum and engine");
        return TA_ERR_INVALID;
    }
    if (in->height % 2) {
        ta_buf_printf(why, "takes pictures of an even number of lines, not %d", in->height);
        return TA_ERR_UNSUPPORTED;
    }
    int err = ta_deinterlace_configure(opts, in, out, why);
    return err < 0 ? err : ta_neural_format(in, 1, out, why);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    const struct neural_opts *o = opts;
    ta_buf_printf(text, "%s %s %s", o->engine ? o->engine : "", o->runtime ? o->runtime : "",
                  o->provider ? o->provider : "");
}

static size_t picture_numbers(const struct ta_format *f)
{
    return (size_t)PLANES * (size_t)f->width * (size_t)f->height;
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    (void)opts;
    (void)env;
    // Three pictures and the one that is made, three fields and the lines that are made.
    n->bytes = (int64_t)(picture_numbers(in) * sizeof(float) * 6);
}

struct moment {
    AVFrame *frame;
    float *numbers;
};

struct priv {
    const struct ta_session *session, *on_cpu;
    struct ta_network_plan plan;
    struct ta_neural_pictures *pictures;
    struct moment at[AROUND];
    bool has; // a frame in at[2]
    float *fields, *missing, *made;
    bool keeps_luma; // rows of brightness that are there can be copied
};

static int init(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const struct neural_opts *o = s->opts;
    struct ta_buf why = {0};
    size_t numbers = picture_numbers(&s->in);
    p->plan = (struct ta_network_plan){
        o->engine, o->runtime, o->provider, (int)o->threads, o->file, o->sum, NULL, NULL, 0};
    int err = ta_network_session_get(s->env, &p->plan, false, s->log, &p->session);
    if (err < 0)
        return err;
    err = ta_neural_pictures_create(&p->pictures, &s->in, &s->out, PLANES, (int)o->white, s->env->pool, &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    p->fields = malloc(numbers * FIELDS / 2 * sizeof(float));
    p->missing = malloc(numbers / 2 * sizeof(float));
    p->made = malloc(numbers * sizeof(float));
    bool memory = p->fields && p->missing && p->made;
    for (int i = 0; i < AROUND; i++)
        memory &= (p->at[i].numbers = malloc(numbers * sizeof(float))) != NULL;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    p->keeps_luma = s->in.pix_fmt == s->out.pix_fmt && !ta_format_is_rgb(&s->in) && !d->comp[0].shift;
    return err < 0 ? err : memory ? 0 : ta_stage_no_memory(s);
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

static int run(struct ta_stage *s)
{
    struct priv *p = s->priv;
    const struct neural_opts *o = s->opts;
    const struct ta_session *session = p->on_cpu ? p->on_cpu : p->session;
    int64_t h = s->in.height / 2, w = s->in.width;
    const struct ta_tensor in = {p->fields, 4, {1, FIELDS * PLANES, h, w}, NULL};
    const struct ta_tensor out = {p->missing, 4, {1, PLANES, h, w}, NULL};
    struct ta_network *n = ta_network_of(session);
    int err = n->engine->info->run(n, &in, &out, s->log);
    if (err == TA_ERR_DEVICE && !p->on_cpu)
        ta_network_session_lost(p->session);
    if ((err != TA_ERR_DEVICE && err != TA_ERR_NOMEM) || !o->on_device || p->on_cpu ||
        !s->env->engine_fallback)
        return err;
    if (ta_network_session_get(s->env, &p->plan, true, s->log, &p->on_cpu) < 0)
        return err;
    ta_warn(s->log, "%s: %s goes on with the CPU, because %s: pictures may differ a little from here on",
            s->info->name, o->engine, ta_error_text(err));
    return run(s);
}

// The rows of brightness that the field has, as they were.
static void keep_rows(const struct ta_stage *s, const AVFrame *in, int parity, AVFrame *out)
{
    size_t bytes = (size_t)s->in.width * (ta_format_depth(&s->in) > 8 ? 2 : 1);
    for (int y = parity; y < s->in.height; y += 2)
        memcpy(out->data[0] + (ptrdiff_t)y * out->linesize[0], in->data[0] + (ptrdiff_t)y * in->linesize[0],
               bytes);
}

// The network makes the row above each of a field: of fields whose missing rows lie below, all is turned
// upside down.
static int give_field(struct ta_stage *s, bool second)
{
    struct priv *p = s->priv;
    const struct moment *here = &p->at[1];
    int parity = ta_frame_is_top_first(here->frame) != second ? 0 : 1;
    bool turned = parity == 0;
    size_t field = picture_numbers(&s->in) / 2;
    take_field(&s->in, p->at[second ? 1 : 0].numbers, 1 - parity, turned, p->fields);
    take_field(&s->in, here->numbers, parity, turned, p->fields + field);
    take_field(&s->in, p->at[second ? 2 : 1].numbers, 1 - parity, turned, p->fields + 2 * field);
    int err = run(s);
    if (err < 0)
        return err;
    memcpy(p->made, here->numbers, 2 * field * sizeof *p->made);
    put_field(&s->in, p->missing, 1 - parity, turned, p->made);
    AVFrame *out = NULL;
    err = ta_neural_drain(p->pictures, here->frame, p->made, &out, s->log);
    if (err < 0)
        return err;
    if (p->keeps_luma && av_frame_make_writable(out) < 0) {
        av_frame_free(&out);
        return ta_stage_no_memory(s);
    }
    if (p->keeps_luma)
        keep_rows(s, here->frame, parity, out);
    ta_frame_set_interlaced(out, false, false);
    out->pts = second ? here->frame->pts + p->at[2].frame->pts : 2 * here->frame->pts;
    return ta_stage_emit(s, out);
}

static int give_frame(struct ta_stage *s)
{
    struct priv *p = s->priv;
    AVFrame *here = p->at[1].frame;
    if (!ta_frame_is_interlaced(here)) {
        AVFrame *out = NULL;
        int err = ta_neural_drain(p->pictures, here, p->at[1].numbers, &out, s->log);
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

static int process(struct ta_stage *s, AVFrame *in)
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
        int err = ta_neural_fill(p->pictures, in, p->at[2].numbers, s->log);
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

static void release(struct ta_stage *s)
{
    struct priv *p = s->priv;
    if (!p)
        return;
    for (int i = 0; i < AROUND; i++) {
        av_frame_free(&p->at[i].frame);
        free(p->at[i].numbers);
    }
    free(p->fields);
    free(p->missing);
    free(p->made);
    ta_neural_pictures_destroy(&p->pictures);
    if (p->session)
        ta_sessions_put(s->env->sessions, &p->session);
    if (p->on_cpu)
        ta_sessions_put(s->env->sessions, &p->on_cpu);
}

static double cost(const void *opts)
{
    return ((const struct neural_opts *)opts)->on_device ? 40 : 4000;
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
    .process = process,
    .release = release,
};
