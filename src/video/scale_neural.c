#include "video/scale_neural.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/tuning.h"

struct neural_opts {
    char *model;
    int64_t tile;
    double blend;
    // Set by the plan.
    char *file, *sum, *pair, *pair_sum, *engine, *runtime, *provider;
    bool on_device;
    int64_t threads, white, planes, factor, only_width, only_height;
};

enum {
    DEVICE_BATCH = 16,
    WHOLE_PIXELS = 1 << 20, // larger pictures are made of tiles ...
    USUAL_TILE = 512,       // ... of this side
    MEMORY_SHARE = 8,       // of the machine's, that batches take at most
    BAD_TILE = 63,          // 1 to this are no tiles
};

#define SET_BY_PLAN(field_name, option, text_help)                                                         \
    {                                                                                                      \
        .name = option, .kind = &ta_opt_text, TA_FIELD(struct neural_opts, field_name, char *), .def = "", \
        .flags = TA_OPT_HIDDEN, .help = text_help                                                          \
    }
#define NUMBER_BY_PLAN(field_name, option, least, most, number_help)                            \
    {                                                                                           \
        .name = option, .kind = &ta_opt_int, TA_FIELD(struct neural_opts, field_name, int64_t), \
        .def = #least, .min = least, .max = most, .flags = TA_OPT_HIDDEN, .help = number_help   \
    }

static const struct ta_opt options[] = {
    {.name = "model",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, model, char *),
     .def = "",
     .syntax = "NAME|FILE",
     .help = "the network: a name that \"terminalai models list\" has, or a file FILE.onnx"},
    {.name = "tile",
     .kind = &ta_opt_int,
     TA_FIELD(struct neural_opts, tile, int64_t),
     .def = "0",
     .min = 0,
     .max = 4096,
     .unit = "pixels",
     .flags = TA_OPT_ADVANCED,
     .help =
         "side of the tiles that a network gets, 64 or more; 0 is the whole picture up to a million pixels "
         "and 512 above"},
    {.name = "blend",
     .kind = &ta_opt_float,
     TA_FIELD(struct neural_opts, blend, double),
     .def = "0",
     .min = 0,
     .max = 1,
     .help =
         "share of the other set of weights that the manifest pairs the network with: 0 of realesr-general-x4 cleans "
         "most, 1 keeps most of the texture and of the noise"},
    {.name = "file",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, file, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "file of the network, set by the plan"},
    SET_BY_PLAN(sum, "sum", "SHA-256 of the network, set by the plan"),
    {.name = "pair",
     .kind = &ta_opt_path,
     TA_FIELD(struct neural_opts, pair, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "file of the other set of weights, set by the plan"},
    SET_BY_PLAN(pair_sum, "pair-sum", "SHA-256 of the other set of weights, set by the plan"),
    SET_BY_PLAN(engine, "engine", "what runs it, set by the plan"),
    SET_BY_PLAN(runtime, "runtime", "the engine's version, set by the plan"),
    SET_BY_PLAN(provider, "provider", "the engine's part that drives the device, set by the plan"),
    {.name = "on-device",
     .kind = &ta_opt_switch,
     TA_FIELD(struct neural_opts, on_device, bool),
     .def = "off",
     .flags = TA_OPT_HIDDEN,
     .help = "not on the CPU, set by the plan"},
    NUMBER_BY_PLAN(threads, "threads", 1, 1024, "of the CPU, set by the plan"),
    NUMBER_BY_PLAN(white, "white", 1, 255, "the number that is white, set by the plan"),
    NUMBER_BY_PLAN(planes, "planes", 1, 3, "that the network takes, set by the plan"),
    NUMBER_BY_PLAN(factor, "factor", 1, 8, "by which it enlarges, set by the plan"),
    NUMBER_BY_PLAN(only_width, "only-width", 0, 1024, "the only width it takes, set by the plan"),
    NUMBER_BY_PLAN(only_height, "only-height", 0, 1024, "the only height it takes, set by the plan"),
    {0},
};

static void set_text(char **field, const char *text)
{
    free(*field);
    *field = ta_xstrdup(text);
}

int ta_scale_neural_prepare(void *opts, const struct ta_neural_facts *facts, struct ta_log *log)
{
    struct neural_opts *o = opts;
    if (!facts || facts->err < 0) {
        ta_error(log, "%s: %s", ta_stage_scale_neural.name,
                 facts && facts->why ? facts->why : "no network was looked for");
        return facts && facts->err < 0 ? facts->err : TA_ERR_USAGE;
    }
    set_text(&o->file, facts->model);
    set_text(&o->sum, facts->sum);
    set_text(&o->pair, facts->pair ? facts->pair : "");
    set_text(&o->pair_sum, facts->pair ? facts->pair_sum : "");
    set_text(&o->engine, facts->engine);
    set_text(&o->runtime, facts->runtime);
    set_text(&o->provider, facts->provider);
    o->on_device = facts->on_device;
    o->threads = facts->threads;
    o->white = facts->white;
    o->planes = facts->use.planes;
    o->factor = facts->use.factor;
    o->only_width = facts->use.width;
    o->only_height = facts->use.height;
    return 0;
}

static bool is_file(const char *path, const char *sum)
{
    return path && path[0] == '/' && sum && strlen(sum) == TA_SHA256_HEX - 1 &&
           strspn(sum, "0123456789abcdef") == TA_SHA256_HEX - 1;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct neural_opts *o = opts;
    bool known = is_file(o->file, o->sum) && (o->blend <= 0 || is_file(o->pair, o->pair_sum)) && o->engine &&
                 o->runtime && o->provider && (o->planes == 1 || o->planes == 3);
    if (!known) {
        ta_buf_puts(why, "takes a network by a path from the root, with its checksum and engine");
        return TA_ERR_INVALID;
    }
    if (o->tile > 0 && o->tile <= BAD_TILE) {
        ta_buf_printf(why, "takes tiles of 0 or %d pixels and more", BAD_TILE + 1);
        return TA_ERR_INVALID;
    }
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

static void needs(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *n)
{
    const struct neural_opts *o = opts;
    int64_t each = (int64_t)(in_numbers(o, in) * sizeof(float)) * (1 + o->factor * o->factor) *
                   TA_NEURAL_SLOTS;
    int batch = ta_tuning_batch(env->tuning, o->on_device ? o->provider : "cpu",
                                o->on_device ? DEVICE_BATCH : 1);
    if (env->batch > 0 && (!env->tuning || env->tuning->engine_batching))
        batch = env->batch;
    batch = TA_MAX(1, TA_MIN(batch, TA_NEURAL_BATCH_MAX));
    while (!env->batch && batch > 1 && batch * each > ta_machine_memory_bytes() / MEMORY_SHARE)
        batch /= 2;
    n->frames = batch;
    n->bytes = batch * each;
}

struct neural_priv {
    const struct ta_session *session, *on_cpu;
    struct ta_network_plan model;
    struct ta_neural_pictures *pictures;
    struct ta_picture_run *run;
    struct ta_neural_flow *flow;
};

// A device has failed, or lacks memory.
static bool recover(void *priv, int err)
{
    struct ta_stage *s = priv;
    struct neural_priv *p = s->priv;
    const struct neural_opts *o = s->opts;
    if (err == TA_ERR_DEVICE && !p->on_cpu)
        ta_network_session_lost(p->session);
    if (!o->on_device || p->on_cpu || !s->env->engine_fallback ||
        (err != TA_ERR_DEVICE && err != TA_ERR_NOMEM))
        return false;
    if (ta_network_session_get(s->env, &p->model, true, s->log, &p->on_cpu) < 0)
        return false;
    ta_warn(s->log, "%s: %s goes on with the CPU, because %s: pictures may differ a little from here on",
            s->info->name, o->engine, ta_error_text(err));
    ta_picture_run_use_network(p->run, ta_network_of(p->on_cpu));
    return true;
}

static int start(struct ta_stage *s, struct neural_priv *p)
{
    const struct neural_opts *o = s->opts;
    struct ta_network *network = ta_network_of(p->session);
    bool batching = !s->env->tuning || s->env->tuning->engine_batching;
    bool large = (int64_t)s->in.width * s->in.height > WHOLE_PIXELS;
    const struct ta_picture_run_params run = {
        .network = network,
        .use = {(int)o->planes, (int)o->factor, (int)o->only_width, (int)o->only_height},
        .width = s->in.width,
        .height = s->in.height,
        .tile = o->tile ? (int)o->tile
                : large ? USUAL_TILE
                        : 0,
        .batch = s->frames,
        .one_a_call = network->in[0].dim[0] == 1,
    };
    int err = ta_picture_run_create(&p->run, &run, s->log);
    if (err < 0)
        return err;
    const struct ta_neural_flow_params flow = {
        .pictures = p->pictures,
        .run = p->run,
        .in_numbers = in_numbers(o, &s->in),
        .out_numbers = in_numbers(o, &s->out),
        .batch = s->frames,
        .overlap = batching,
        .recover = recover,
        .priv = s,
        .cancel = s->env->cancel,
        .log = s->log,
    };
    return ta_neural_flow_create(&p->flow, &flow);
}

static int init(struct ta_stage *s)
{
    struct neural_priv *p = s->priv;
    const struct neural_opts *o = s->opts;
    struct ta_buf why = {0};
    p->model = (struct ta_network_plan){o->engine, o->runtime, o->provider, (int)o->threads, o->file,
                                        o->sum,    o->pair,    o->pair_sum, o->blend};
    int err = ta_network_session_get(s->env, &p->model, false, s->log, &p->session);
    if (err < 0)
        return err;
    err = ta_neural_pictures_create(&p->pictures, &s->in, &s->out, (int)o->planes, (int)o->white,
                                    s->env->pool, &why);
    if (err < 0)
        ta_error(s->log, "%s: %s", s->info->name, ta_buf_text(&why));
    ta_buf_release(&why);
    return err < 0 ? err : start(s, p);
}

static int process_many(struct ta_stage *s, AVFrame **in, int count)
{
    struct neural_priv *p = s->priv;
    return ta_neural_flow_push(p->flow, in, count, s->emit, s->receiver);
}

static void release(struct ta_stage *s)
{
    struct neural_priv *p = s->priv;
    if (!p)
        return;
    if (p->flow && p->run) {
        struct ta_neural_flow_stats flow;
        struct ta_picture_run_stats run;
        ta_neural_flow_get_stats(p->flow, &flow);
        ta_picture_run_get_stats(p->run, &run);
        ta_verbose(
            s->log,
            "%s: pictures %lld, calls %lld, engine busy %.3f s of %.3f, buffers %lld, batch %d, tile %d",
            s->info->name, (long long)run.pictures, (long long)run.calls, run.busy, flow.seconds,
            (long long)(flow.allocations + run.allocations), run.batch, run.tile);
    }
    ta_neural_flow_destroy(&p->flow);
    ta_picture_run_destroy(&p->run);
    ta_neural_pictures_destroy(&p->pictures);
    if (p->session)
        ta_sessions_put(s->env->sessions, &p->session);
    if (p->on_cpu)
        ta_sessions_put(s->env->sessions, &p->on_cpu);
}

static void runtime(const void *opts, struct ta_buf *text)
{
    const struct neural_opts *o = opts;
    ta_buf_printf(text, "%s %s %s", o->engine ? o->engine : "", o->runtime ? o->runtime : "",
                  o->provider ? o->provider : "");
}

static double cost(const void *opts)
{
    // The seconds that usual networks take for pictures of a million pixels.
    const struct neural_opts *o = opts;
    return o->on_device ? 20 : o->planes == 1 ? 300 : 2000;
}

const struct ta_stage_info ta_stage_scale_neural = {
    .name = "scale.neural",
    .summary = "a network that enlarges by a factor of its own; the exact size comes behind it",
    .options = options,
    .options_size = sizeof(struct neural_opts),
    .priv_size = sizeof(struct neural_priv),
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
