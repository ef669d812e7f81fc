#include "audio/chain.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/audio_fifo.h>

#include <terminalai/error.h>

#include "audio/graph_stage.h"
#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"

enum { PADDING_MAX_SECONDS = 5 }; // beyond the declared latency: a stage that holds more is broken

struct link {
    struct ta_sound_stage stage;
    struct ta_sound_chain *chain;
    int next;    // of the chain's links
    bool joined; // the one before does its work
};

struct ta_sound_chain {
    struct link *links;
    int count;
    struct ta_sound_format in, out;
    struct ta_log *log;
    AVAudioFifo *fifo;
    int64_t latency;     // of all
    int64_t pushed;      // samples that went in, without padding
    int64_t came, given; // that came out of the last stage; of these, behind the latency, into the fifo
    bool ended;
    float *zeros[TA_SOUND_CHANNELS]; // a block of silence that stages may write to
};

int64_t ta_sound_chain_latency(const struct ta_sound_stage_plan *stages, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += stages[i].info->latency ? stages[i].info->latency(stages[i].opts, &stages[i].in) : 0;
    return sum;
}

struct ta_sound_reach ta_sound_chain_reach(const struct ta_sound_stage_plan *stages, int count)
{
    struct ta_sound_reach sum = {0};
    for (int i = 0; i < count; i++) {
        struct ta_sound_reach r = {0};
        if (stages[i].info->reach)
            r = stages[i].info->reach(stages[i].opts, &stages[i].in);
        int64_t latency = stages[i].info->latency ? stages[i].info->latency(stages[i].opts, &stages[i].in)
                                                  : 0;
        sum.before += r.before + latency;
        sum.after += r.after + latency;
    }
    return sum;
}

int64_t ta_sound_chain_align(const struct ta_sound_stage_plan *stages, int count)
{
    int64_t most = 1;
    for (int i = 0; i < count; i++)
        if (stages[i].info->align)
            most = TA_MAX(most, stages[i].info->align(stages[i].opts, &stages[i].in));
    return most;
}

// Behind the last stage. The latency's samples are dropped at the front, what is padding at the end.
static int receive(struct ta_sound_chain *c, float *const *planes, size_t samples)
{
    float *at[TA_SOUND_CHANNELS];
    int64_t first = TA_MAX(0, TA_MIN((int64_t)samples, c->latency - c->came)), n = (int64_t)samples - first;
    c->came += (int64_t)samples;
    n = TA_MIN(n, c->pushed - c->given);
    if (n <= 0)
        return 0;
    for (int i = 0; i < c->out.channels; i++)
        at[i] = planes[i] + first;
    c->given += n;
    if (av_audio_fifo_write(c->fifo, (void **)at, (int)n) >= n)
        return 0;
    ta_error(c->log, "out of memory for sound");
    return TA_ERR_NOMEM;
}

static int run_from(struct ta_sound_chain *c, int i, float *const *planes, size_t samples)
{
    for (; i < c->count; i++) {
        struct ta_sound_stage *s = &c->links[i].stage;
        if (c->links[i].joined)
            continue;
        int err = s->info->graph ? ta_sound_graph_stage_run(s, planes, samples)
                                 : s->info->run(s, planes, samples);
        if (err < 0 || s->info->graph || s->info->emits)
            return err;
    }
    return receive(c, planes, samples);
}

// What a stage gives, in blocks of at most TA_SOUND_BLOCK.
static int emit(void *receiver, float *const *planes, size_t samples)
{
    struct link *l = receiver;
    float *at[TA_SOUND_CHANNELS];
    int err = 0;
    for (size_t done = 0; done < samples && err >= 0; done += TA_SOUND_BLOCK) {
        for (int i = 0; i < l->stage.out.channels; i++)
            at[i] = planes[i] + done;
        err = run_from(l->chain, l->next, at, TA_MIN(samples - done, TA_SOUND_BLOCK));
    }
    return err;
}

static int push(struct ta_sound_chain *c, float *const *planes, size_t samples)
{
    float *at[TA_SOUND_CHANNELS];
    int err = 0;
    for (size_t done = 0; done < samples && err >= 0; done += TA_SOUND_BLOCK) {
        for (int i = 0; i < c->in.channels; i++)
            at[i] = planes[i] + done;
        err = run_from(c, 0, at, TA_MIN(samples - done, TA_SOUND_BLOCK));
    }
    return err;
}

int ta_sound_chain_push(struct ta_sound_chain *c, float *const *planes, size_t samples)
{
    c->pushed += (int64_t)samples;
    return push(c, planes, samples);
}

int ta_sound_chain_end(struct ta_sound_chain *c)
{
    int64_t most = c->latency + (int64_t)PADDING_MAX_SECONDS * c->in.rate, padded = 0;
    int err = 0;
    while (c->given < c->pushed && padded < most && err >= 0) {
        for (int i = 0; i < c->in.channels; i++)
            memset(c->zeros[i], 0, TA_SOUND_BLOCK * sizeof **c->zeros);
        err = push(c, c->zeros, TA_SOUND_BLOCK);
        padded += TA_SOUND_BLOCK;
    }
    if (err >= 0 && c->given < c->pushed) {
        ta_error(c->log, "internal: %lld samples of sound went into the stages, %lld came out",
                 (long long)c->pushed, (long long)c->given);
        err = TA_ERR_INTERNAL;
    }
    c->ended = true;
    return err;
}

size_t ta_sound_chain_ready(const struct ta_sound_chain *c)
{
    return (size_t)av_audio_fifo_size(c->fifo);
}

void ta_sound_chain_take(struct ta_sound_chain *c, float *const *planes, size_t samples)
{
    void *at[TA_SOUND_CHANNELS];
    for (int i = 0; i < c->out.channels; i++)
        at[i] = planes[i];
    av_audio_fifo_read(c->fifo, at, (int)samples);
}

static int start(struct ta_sound_chain *c, int i, const struct ta_sound_stage_plan *plan,
                 const struct ta_env *env)
{
    struct link *l = &c->links[i];
    l->chain = c;
    l->next = i + 1;
    l->stage = (struct ta_sound_stage){.info = plan->info,
                                       .opts = plan->opts,
                                       .in = plan->in,
                                       .out = plan->out,
                                       .env = env,
                                       .log = env->log,
                                       .emit = emit,
                                       .receiver = l};
    if (plan->info->priv_size)
        l->stage.priv = ta_xcalloc(1, plan->info->priv_size);
    c->out = plan->out;
    c->count++; // what is half begun is released, too
    if (plan->info->graph)
        return ta_sound_graph_stage_init(&l->stage);
    return plan->info->init ? plan->info->init(&l->stage) : 0;
}

static void join(struct ta_sound_chain *c)
{
    struct link *before = NULL;
    for (int i = 0; i < c->count; i++) {
        struct link *l = &c->links[i];
        l->joined = before && before->stage.info->join && before->stage.info->join(&before->stage, &l->stage);
        if (!l->joined)
            before = l;
    }
}

int ta_sound_chain_create(struct ta_sound_chain **out, const struct ta_sound_stage_plan *stages, int count,
                          const struct ta_sound_format *in, const struct ta_env *env)
{
    struct ta_sound_chain *c = ta_xcalloc(1, sizeof *c);
    c->log = env->log;
    c->in = c->out = *in;
    c->links = ta_xcalloc((size_t)count + 1, sizeof *c->links);
    c->latency = ta_sound_chain_latency(stages, count);
    for (int i = 0; i < in->channels; i++)
        c->zeros[i] = ta_xcalloc(TA_SOUND_BLOCK, sizeof **c->zeros);
    int err = 0;
    for (int i = 0; i < count && err >= 0; i++)
        err = start(c, i, &stages[i], env);
    if (err >= 0)
        join(c);
    c->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLTP, c->out.channels, 4 * TA_SOUND_BLOCK);
    if (err >= 0 && !c->fifo)
        err = TA_ERR_NOMEM;
    if (err < 0)
        ta_sound_chain_destroy(&c);
    *out = c;
    return err < 0 ? err : 0;
}

void ta_sound_chain_destroy(struct ta_sound_chain **chain)
{
    struct ta_sound_chain *c = *chain;
    *chain = NULL;
    if (!c)
        return;
    for (int i = 0; i < c->count; i++) {
        struct ta_sound_stage *s = &c->links[i].stage;
        if (s->info->graph)
            ta_sound_graph_stage_release(s);
        else if (s->info->release)
            s->info->release(s);
        free(s->priv);
    }
    for (int i = 0; i < TA_SOUND_CHANNELS; i++)
        free(c->zeros[i]);
    if (c->fifo)
        av_audio_fifo_free(c->fifo);
    free(c->links);
    free(c);
}
