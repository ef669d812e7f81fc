#include "video/chain.h"

#include <stdlib.h>

#include <libavutil/imgutils.h>

#include <terminalai/error.h>

#include "base/env.h"
#include "base/ledger.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/picture/graph.h"

// A part of the chain: one libavfilter graph for neighbouring stages of that kind, or one native stage.
struct part {
    struct ta_chain *chain;
    int index;
    struct ta_graph *graph;
    struct ta_stage stage;
    struct ta_ledger_row *row; // what it took
    AVFrame **waiting;         // for a stage that takes several at a time, stage.frames of them; else NULL
    int waiting_count;
};

struct ta_chain {
    struct part *parts;
    int part_count;
    int (*emit)(void *receiver, AVFrame *frame);
    void *receiver;
    struct ta_env env;
    struct ta_lap inner; // what those behind the running part took of its time
};

static int push_part(struct ta_chain *c, int index, AVFrame *frame);

// What part `index` gave goes to the next one or out of the chain.
static int forward(struct ta_chain *c, int index, AVFrame *frame)
{
    if (index + 1 < c->part_count)
        return push_part(c, index + 1, frame);
    if (!c->env.ledger)
        return c->emit(c->receiver, frame);
    struct ta_lap began = ta_lap_now();
    int err = c->emit(c->receiver, frame);
    struct ta_lap now = ta_lap_now();
    c->inner.wall += now.wall - began.wall;
    c->inner.cpu += now.cpu - began.cpu;
    return err;
}

static int forward_from_stage(void *receiver, AVFrame *frame)
{
    struct part *p = receiver;
    return forward(p->chain, p->index, frame);
}

static int push_graph(struct ta_chain *c, int index, AVFrame *frame)
{
    struct ta_graph *g = c->parts[index].graph;
    int err = ta_graph_push(g, frame);
    while (err >= 0) {
        AVFrame *out = NULL;
        err = ta_graph_pull(g, &out);
        if (err < 0 || !out)
            break;
        err = forward(c, index, out);
    }
    return err;
}

static int hand_over(struct part *p)
{
    int count = p->waiting_count;
    p->waiting_count = 0;
    return count ? p->stage.info->process_many(&p->stage, p->waiting, count) : 0;
}

static int push_many(struct part *p, AVFrame *frame)
{
    int err = 0;
    if (frame)
        p->waiting[p->waiting_count++] = frame;
    if (!frame || p->waiting_count == p->stage.frames)
        err = hand_over(p);
    return err < 0 || frame ? err : p->stage.info->process_many(&p->stage, NULL, 0);
}

static int run_part(struct part *p, AVFrame *frame)
{
    return p->graph     ? push_graph(p->chain, p->index, frame)
           : p->waiting ? push_many(p, frame)
                        : p->stage.info->process(&p->stage, frame);
}

// The same, with what it took in the ledger: without what those behind it took, which it calls.
static int run_noted(struct ta_chain *c, struct part *p, AVFrame *frame)
{
    struct ta_lap before = c->inner, began = ta_lap_now();
    int64_t frames = !!frame;
    c->inner = (struct ta_lap){0, 0};
    int err = run_part(p, frame);
    struct ta_lap now = ta_lap_now();
    double wall = now.wall - began.wall, cpu = now.cpu - began.cpu;
    ta_ledger_add(p->row, wall - c->inner.wall, cpu - c->inner.cpu, frames, 0);
    c->inner = (struct ta_lap){before.wall + wall, before.cpu + cpu};
    return err;
}

static int push_part(struct ta_chain *c, int index, AVFrame *frame)
{
    bool end = !frame;
    struct part *p = &c->parts[index];
    int err = p->row ? run_noted(c, p, frame) : run_part(p, frame);
    if (err >= 0 && end && index + 1 < c->part_count)
        err = push_part(c, index + 1, NULL);
    return err;
}

int ta_chain_push(struct ta_chain *c, AVFrame *frame, int (*emit)(void *receiver, AVFrame *frame),
                  void *receiver)
{
    c->emit = emit;
    c->receiver = receiver;
    if (c->part_count)
        return push_part(c, 0, frame);
    return frame ? emit(receiver, frame) : 0;
}

static bool by_libavfilter(const struct ta_stage_plan *s)
{
    return !s->info->process && !s->info->process_many;
}

// Writes the text of the libavfilter stages from `first` on; returns the number of stages written.
static int describe_run(const struct ta_stage_plan *stages, int first, int count, struct ta_buf *text)
{
    int i = first;
    for (; i < count && by_libavfilter(&stages[i]); i++) {
        if (i > first)
            ta_buf_putc(text, ',');
        int err = stages[i].info->describe(stages[i].opts, &stages[i].in, &stages[i].out, text);
        if (err < 0)
            return err;
    }
    return i - first;
}

static int create_graph_part(struct part *p, const struct ta_stage_plan *stages, int first, int count,
                             struct ta_log *log)
{
    struct ta_buf text = {0};
    int n = describe_run(stages, first, count, &text);
    struct ta_format got;
    int err = n < 0 ? n : ta_graph_create(&p->graph, ta_buf_text(&text), &stages[first].in, &got, log);
    ta_buf_release(&text);
    if (err < 0)
        return err;
    // What the stages said while planning must be what libavfilter does.
    const struct ta_format *want = &stages[first + n - 1].out;
    if (got.pix_fmt != want->pix_fmt || got.width != want->width || got.height != want->height ||
        av_cmp_q(got.time_base, want->time_base) != 0) {
        ta_error(log, "internal: %s gives another format than planned", stages[first + n - 1].info->name);
        return TA_ERR_INTERNAL;
    }
    return n;
}

static int create_native_part(struct part *p, const struct ta_stage_plan *s, const struct ta_env *env)
{
    int err = ta_stage_plan_check(s, env);
    if (err < 0)
        return err;
    p->stage = (struct ta_stage){
        .info = s->info, .opts = s->opts, .in = s->in, .out = s->out, .log = env->log};
    p->stage.env = env;
    p->stage.frames = ta_stage_plan_needs(s, env).frames;
    p->stage.emit = forward_from_stage;
    p->stage.receiver = p;
    if (s->info->priv_size)
        p->stage.priv = ta_xcalloc(1, s->info->priv_size);
    if (s->info->process_many)
        p->waiting = ta_xcalloc((size_t)p->stage.frames, sizeof *p->waiting);
    err = s->info->init ? s->info->init(&p->stage) : 0;
    return err < 0 ? err : 1;
}

// Stages that became one graph share a row.
static void note_part(struct ta_chain *c, struct part *p, const struct ta_stage_plan *stages, int count)
{
    struct ta_buf name = {0};
    for (int i = 0; i < count && c->env.ledger; i++)
        ta_buf_printf(&name, "%s%s", i ? "+" : "", stages[i].info->name);
    p->row = ta_ledger_row(c->env.ledger, "stage", ta_buf_text(&name));
    ta_buf_release(&name);
}

int ta_chain_create(struct ta_chain **out, const struct ta_stage_plan *stages, int count,
                    const struct ta_env *env)
{
    *out = NULL;
    struct ta_chain *c = ta_xcalloc(1, sizeof *c);
    c->parts = ta_xcalloc((size_t)count + 1, sizeof *c->parts);
    c->env = env ? *env : (struct ta_env){0};
    int err = 0;
    for (int i = 0; i < count && err >= 0;) {
        struct part *p = &c->parts[c->part_count];
        *p = (struct part){.chain = c, .index = c->part_count};
        c->part_count++;
        err = by_libavfilter(&stages[i]) ? create_graph_part(p, stages, i, count, c->env.log)
                                         : create_native_part(p, &stages[i], &c->env);
        if (err > 0) {
            note_part(c, p, &stages[i], err);
            i += err;
        }
    }
    if (err < 0) {
        ta_chain_destroy(&c);
        return err;
    }
    *out = c;
    return 0;
}

static void release_part(struct part *p)
{
    ta_graph_destroy(&p->graph);
    if (p->stage.info && p->stage.info->release)
        p->stage.info->release(&p->stage);
    free(p->stage.priv);
    for (int i = 0; i < p->waiting_count; i++)
        av_frame_free(&p->waiting[i]);
    free(p->waiting);
}

int ta_chain_check(const struct ta_stage_plan *stages, int count, const struct ta_env *env)
{
    static const struct ta_env none = {0};
    env = env ? env : &none;
    int err = 0;
    for (int i = 0; i < count && err >= 0; i += TA_MAX(err, 1)) {
        struct part p = {0};
        err = by_libavfilter(&stages[i]) ? create_graph_part(&p, stages, i, count, env->log)
              : stages[i].info->engine   ? ta_stage_plan_check(&stages[i], env)
                                         : create_native_part(&p, &stages[i], env);
        release_part(&p);
    }
    return err < 0 ? err : 0;
}

void ta_chain_destroy(struct ta_chain **chain)
{
    struct ta_chain *c = *chain;
    *chain = NULL;
    if (!c)
        return;
    for (int i = 0; i < c->part_count; i++)
        release_part(&c->parts[i]);
    free(c->parts);
    free(c);
}

char *ta_chain_text(const struct ta_stage_plan *stages, int count)
{
    struct ta_buf text = {0};
    for (int i = 0; i < count; i++) {
        const struct ta_stage_plan *s = &stages[i];
        if (i)
            ta_buf_putc(&text, ',');
        if (!s->info->describe || s->info->describe(s->opts, &s->in, &s->out, &text) < 0)
            ta_buf_printf(&text, "[%s]", s->info->name);
    }
    return ta_buf_take(&text);
}

struct ta_reach ta_chain_reach(const struct ta_stage_plan *stages, int count)
{
    struct ta_reach sum = {0, 0};
    for (int i = count - 1; i >= 0; i--) {
        const struct ta_stage_plan *s = &stages[i];
        // Frames wanted of this stage's output, in its input: half as many (rounded up) where it doubles.
        // Frames that it does not double (progressive ones) would need as many as there are, so the larger
        // number counts for mixed sources.
        int per = s->info->fields && !s->in.mixed_scan && s->in.scan != TA_SCAN_PROGRESSIVE
                      ? s->info->fields(s->opts)
                      : 1;
        struct ta_reach own = s->info->reach ? s->info->reach(s->opts, &s->in) : (struct ta_reach){0, 0};
        sum.before = (sum.before + per - 1) / per + own.before;
        sum.after = (sum.after + per - 1) / per + own.after;
    }
    return sum;
}

int64_t ta_chain_bytes(const struct ta_stage_plan *stages, int count, const struct ta_env *env)
{
    static const struct ta_env none = {0};
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        const struct ta_format *in = &stages[i].in;
        struct ta_stage_needs needs = ta_stage_plan_needs(&stages[i], env ? env : &none);
        int64_t frame = av_image_get_buffer_size(in->pix_fmt, in->width, in->height, 1);
        // Those that it works on, and as many that gather meanwhile.
        sum += needs.bytes + (needs.frames > 1 ? 2 * needs.frames * TA_MAX(frame, 0) : 0);
    }
    return sum;
}
