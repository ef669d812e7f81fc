#include "video/scale_neural.h"

#include <terminalai/error.h>

#include <libavutil/imgutils.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tuning.h"

struct neural_opts {
    char *model;
    int64_t tile;
    double blend;
    // Set by the plan.
    struct ta_neural_network_opts network;
    char *pair, *pair_sum;
    int64_t planes, factor, only_width, only_height;
};

static const struct ta_opt options[] = {
    {.name = "model",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, model, char *),
     .def = "",
     .syntax = "NAME|FILE",
     .help = "the network: a name that \"terminalai models list\" has, or a file FILE.onnx"},
    TA_NEURAL_TILE(struct neural_opts, "", "picture"),
    {.name = "blend",
     .kind = &ta_opt_float,
     TA_FIELD(struct neural_opts, blend, double),
     .def = "0",
     .min = 0,
     .max = 1,
     .help =
         "share of the other set of weights that the manifest pairs the network with: 0 of realesr-general-x4 cleans "
         "most, 1 keeps most of the texture and of the noise"},
    TA_NEURAL_FILE(struct neural_opts),
    TA_NEURAL_PATH(struct neural_opts, pair, "pair", "file of the other set of weights, set by the plan"),
    TA_NEURAL_TEXT(struct neural_opts, pair_sum, "pair-sum",
                   "SHA-256 of the other set of weights, set by the plan"),
    TA_NEURAL_ENGINE(struct neural_opts),
    TA_NEURAL_NUMBER(struct neural_opts, planes, "planes", 1, 3, "that the network takes, set by the plan"),
    TA_NEURAL_NUMBER(struct neural_opts, factor, "factor", 1, 8, "by which it enlarges, set by the plan"),
    TA_NEURAL_NUMBER(struct neural_opts, only_width, "only-width", 0, 1024,
                     "the only width it takes, set by the plan"),
    TA_NEURAL_NUMBER(struct neural_opts, only_height, "only-height", 0, 1024,
                     "the only height it takes, set by the plan"),
    {0},
};

int ta_scale_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log)
{
    struct neural_opts *o = opts;
    int err = ta_neural_network_set(&o->network, facts, ta_stage_scale_neural.name, log);
    if (err < 0)
        return err;
    ta_neural_set_text(&o->pair, facts->pair ? facts->pair : "");
    ta_neural_set_text(&o->pair_sum, facts->pair ? facts->pair_sum : "");
    o->planes = facts->use.planes;
    o->factor = facts->use.factor;
    o->only_width = facts->use.width;
    o->only_height = facts->use.height;
    return 0;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct neural_opts *o = opts;
    int err = ta_neural_network_check(&o->network, why);
    if (err < 0)
        return err;
    if ((o->blend > 0 && !ta_neural_is_file(o->pair, o->pair_sum)) || (o->planes != 1 && o->planes != 3)) {
        ta_buf_puts(why,
                    "takes networks of one or three planes by paths from the root, with their checksums");
        return TA_ERR_INVALID;
    }
    if ((err = ta_neural_tile_check(o->tile, why)) < 0)
        return err;
    if (o->planes == 1 && ta_format_is_rgb(in)) {
        ta_buf_puts(why, "does not take RGB with a network for luma alone");
        return TA_ERR_UNSUPPORTED;
    }
    return ta_neural_format(in, (int)o->factor, out, why);
}

static size_t in_numbers(const struct neural_opts *o, const struct ta_format *in)
{
    return (size_t)o->planes * (size_t)in->width * (size_t)in->height;
}

static struct ta_picture_run_params run_params(const struct neural_opts *o, const struct ta_format *in,
                                               int batch)
{
    return (struct ta_picture_run_params){
        .use = {(int)o->planes, (int)o->factor, (int)o->only_width, (int)o->only_height},
        .width = in->width,
        .height = in->height,
        .tile = ta_neural_tile(o->tile, in->width, in->height),
        .batch = batch,
    };
}

// Of the numbers of one picture on its way.
static int64_t bytes_each(const struct neural_opts *o, const struct ta_format *in)
{
    const struct ta_picture_run_params run = run_params(o, in, 1);
    return (int64_t)(in_numbers(o, in) * sizeof(float)) * (1 + o->factor * o->factor) * TA_NEURAL_SLOTS +
           ta_picture_run_bytes(&run);
}

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    const struct neural_opts *o = opts;
    int64_t frame = av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1);
    ta_neural_network_needs(&o->network, bytes_each(o, in), env, n);
    // Frames that wait with their numbers: what they were made of, and what they became.
    n->bytes += n->frames * TA_NEURAL_SLOTS * TA_MAX(frame, 0) * (1 + o->factor * o->factor);
}

static int init(struct ta_stage *s)
{
    const struct neural_opts *o = s->opts;
    const struct ta_neural_work_params params = {
        .network = &o->network,
        .pair = o->pair,
        .pair_sum = o->pair_sum,
        .share = o->blend,
        .planes = (int)o->planes,
        .run = run_params(o, &s->in, s->frames),
        .in_numbers = in_numbers(o, &s->in),
        .out_numbers = in_numbers(o, &s->out),
    };
    return ta_neural_work_start(s->priv, s, &params);
}

static int process_many(struct ta_stage *s, AVFrame **in, int count)
{
    struct ta_neural_work *w = s->priv;
    return ta_neural_flow_push(w->flow, in, count, s->emit, s->receiver);
}

static void release(struct ta_stage *s)
{
    if (s->priv)
        ta_neural_work_end(s->priv, bytes_each(s->opts, &s->in) * s->frames);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    ta_neural_network_runtime(&((const struct neural_opts *)opts)->network, text);
}

static double cost(const void *opts)
{
    // The seconds that usual networks take for pictures of a million pixels.
    const struct neural_opts *o = opts;
    return o->network.on_device ? 20 : o->planes == 1 ? 300 : 2000;
}

const struct ta_stage_info ta_stage_scale_neural = {
    .name = "scale.neural",
    .summary = "a network that enlarges by a factor of its own; the exact size comes behind it",
    .options = options,
    .options_size = sizeof(struct neural_opts),
    .priv_size = sizeof(struct ta_neural_work),
    .own_factor = true,
    .engine = true,
    .thread = TA_THREAD_OWN,
    .file_option = "model",
    .configure = configure,
    .runtime = runtime,
    .needs = needs,
    .cost = cost,
    .init = init,
    .process_many = process_many,
    .release = release,
};
