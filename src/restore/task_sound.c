// The task kind "sound": a piece of a track, decoded with its reach and put through the track's stages.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/chain.h"
#include "audio/text.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound.h"
#include "media/mux/pcm_reader.h"
#include "media/sound/piece.h"
#include "plan/sound.h"
#include "restore/sound.h"
#include "restore/sound_format.h"
#include "restore/task_kind.h"
#include "restore/work.h"

enum { BLOCK = TA_SOUND_BLOCK };
static const double SPEED = 200; // times real time: a guess

struct piece {
    const struct ta_task_run *run;
    const struct ta_sound_plan *sound;
    struct ta_log *log;
    int64_t first, end;  // what is made
    int64_t from, until; // what is read
    struct ta_streams *streams;
    struct ta_pcm_reader *reader;
    struct ta_sound_chain *chain;
    struct ta_pcm_piece_writer *writer;
    float *in[TA_SOUND_CHANNELS], *out[TA_SOUND_CHANNELS];
    int64_t pushed, drop, left; // samples; of what comes out of the chain
    int64_t bad;                // no numbers
};

static int open_source(struct piece *p, const struct ta_sound_anchor *anchor)
{
    const struct ta_plan *plan = p->run->work->plan;
    const struct ta_cancel *cancel = p->run->env->cancel;
    bool anchored = anchor->pts != AV_NOPTS_VALUE;
    AVRational tb = AV_TIME_BASE_Q;
    int64_t start = AV_NOPTS_VALUE;
    if (anchored) {
        // The anchor's time by the source's clock.
        start = ta_rescale(anchor->place, av_inv_q(p->sound->true_rate), tb) +
                av_rescale_q(plan->offset, plan->out_time_base, tb);
    }
    int err = ta_streams_open(&p->streams, plan->input, plan->index, start, AV_NOPTS_VALUE, cancel, p->log);
    if (err >= 0)
        err = ta_sound_prepare(plan, p->streams);
    const AVStream *st = err >= 0 ? ta_streams_get(p->streams, p->sound->stream) : NULL;
    if (err >= 0 && !st) {
        ta_error(p->log, "%s: stream %d of the plan is not in the file", plan->input, p->sound->stream);
        err = TA_ERR_MISMATCH;
    }
    if (err >= 0)
        err = ta_pcm_reader_open(&p->reader, p->streams, p->sound->stream,
                                 av_rescale_q(plan->offset, plan->out_time_base, tb), NULL, p->log);
    if (err < 0)
        return err;
    struct ta_pcm_spec spec = {AV_SAMPLE_FMT_FLTP, p->sound->in.rate, {0}};
    ta_sound_layout(&p->sound->in, &spec.layout);
    ta_pcm_reader_set_true_rate(p->reader, p->sound->true_rate);
    ta_pcm_reader_set_piece(p->reader, anchor->pts, anchor->place, p->until);
    err = ta_pcm_reader_set_spec(p->reader, &spec);
    av_channel_layout_uninit(&spec.layout);
    return err;
}

static void close_source(struct piece *p)
{
    ta_pcm_reader_close(&p->reader);
    ta_streams_close(&p->streams);
}

// What has come out of the chain, without what was only read for its sake.
static int write_ready(struct piece *p)
{
    int err = 0;
    for (size_t ready; err >= 0 && (ready = ta_sound_chain_ready(p->chain)) > 0;) {
        size_t n = TA_MIN(ready, BLOCK);
        float *at[TA_SOUND_CHANNELS];
        ta_sound_chain_take(p->chain, p->out, n);
        int64_t skip = TA_MIN((int64_t)n, p->drop), use = TA_MIN((int64_t)n - skip, p->left);
        for (int c = 0; c < p->sound->out.channels; c++)
            at[c] = p->out[c] + skip;
        p->drop -= skip;
        p->left -= use;
        if (use > 0)
            err = ta_pcm_piece_write(p->writer, at, (size_t)use);
    }
    return err;
}

static int push(struct piece *p, float *const *planes, int n)
{
    // What is no number would stay in every filter for ever.
    const struct ta_sound_dsp *dsp = ta_sound_dsp();
    for (int c = 0; c < p->sound->in.channels; c++) {
        size_t bad = dsp->bad(planes[c], (size_t)n);
        p->bad += (int64_t)bad;
        for (int i = 0; bad && i < n; i++)
            if (!isfinite(planes[c][i]))
                planes[c][i] = 0;
    }
    p->pushed += n;
    int err = ta_sound_chain_push(p->chain, planes, (size_t)n);
    if (err >= 0)
        err = write_ready(p);
    ta_task_tell(p->run, 0.95 * (double)p->pushed / (double)TA_MAX(p->until - p->from, 1));
    return err;
}

static int push_silence(struct piece *p, int64_t count)
{
    int err = 0;
    for (int64_t n; count > 0 && err >= 0; count -= n) {
        n = TA_MIN(count, BLOCK);
        for (int c = 0; c < p->sound->in.channels; c++)
            memset(p->in[c], 0, (size_t)n * sizeof **p->in);
        err = push(p, p->in, (int)n);
    }
    return err;
}

// Takes what the reader has, of from..until.
static int take_ready(struct piece *p)
{
    int err = 0;
    for (int ready; err >= 0 && (ready = ta_pcm_reader_ready(p->reader)) > 0;) {
        int n = TA_MIN(ready, BLOCK);
        float *at[TA_SOUND_CHANNELS];
        int64_t place = ta_pcm_reader_place(p->reader);
        ta_pcm_reader_take(p->reader, (uint8_t *const *)p->in, n);
        int64_t skip = TA_MIN(n, TA_MAX(p->from + p->pushed - place, 0));
        int64_t use = TA_MIN(n - skip, p->until - p->from - p->pushed);
        for (int c = 0; c < p->sound->in.channels; c++)
            at[c] = p->in[c] + skip;
        if (use > 0)
            err = push(p, at, (int)use);
    }
    return err;
}

static int read_through(struct piece *p)
{
    int err = 0;
    while (err >= 0 && p->pushed < p->until - p->from) {
        if (ta_canceled(p->run->env->cancel))
            return TA_ERR_CANCELED;
        err = take_ready(p);
        if (err < 0 || ta_pcm_reader_ended(p->reader))
            break;
        if (p->pushed < p->until - p->from)
            err = ta_pcm_reader_fill(p->reader, INT64_MAX);
    }
    // A decoder that gives less now than when the track was listened to: silence keeps what follows in place.
    if (err >= 0)
        err = push_silence(p, p->until - p->from - p->pushed);
    if (err >= 0)
        err = ta_sound_chain_end(p->chain);
    return err < 0 ? err : write_ready(p);
}

static int open_chain(struct piece *p)
{
    const struct ta_sound_plan *s = p->sound;
    char *text = ta_sound_text(p->run->env->texts, s->stages, s->stage_count, p->run->env->tuning);
    ta_verbose(p->log, "stages: %s", text);
    free(text);
    p->drop = p->first - p->from;
    p->left = p->end - p->first;
    p->pushed = p->bad = 0;
    return ta_sound_chain_create(&p->chain, s->stages, s->stage_count, &s->in, p->run->env);
}

static int open_file(struct piece *p)
{
    AVChannelLayout layout;
    int fd = ta_folder_create(&p->run->work->folder, p->run->name, p->log);
    if (fd < 0)
        return fd;
    ta_sound_layout(&p->sound->out, &layout);
    int err = ta_pcm_piece_create(&p->writer, fd, p->run->name, p->sound->out.rate, &layout, p->log);
    av_channel_layout_uninit(&layout);
    return err;
}

static int make(struct piece *p, const struct ta_sound_anchor *anchor)
{
    int err = open_source(p, anchor);
    if (err >= 0)
        err = open_chain(p);
    if (err >= 0)
        err = open_file(p);
    if (err >= 0)
        err = read_through(p);
    ta_sound_chain_destroy(&p->chain);
    close_source(p);
    return err;
}

static int run(const struct ta_task_run *t, struct ta_done *done)
{
    struct piece p = {.run = t};
    const struct ta_plan *plan = t->work->plan;
    struct ta_task task = ta_plan_task(plan, t->number);
    int k;
    int64_t samples = 0;
    p.sound = ta_sound_of_task(plan, &task, &k);
    if (!p.sound || k < 0)
        return TA_ERR_INTERNAL; // the plan was checked
    p.log = ta_log_child(t->env->log, "%s", task.stem);
    ta_log_set_about(p.log, plan->input);
    struct ta_sound_reach reach = ta_sound_chain_reach(p.sound->stages, p.sound->stage_count);
    ta_sound_piece(p.sound, k, &p.first, &p.end);
    p.from = ta_sound_piece_from(p.sound, p.first);
    p.until = TA_MIN(p.end + reach.after, p.sound->end);
    for (int c = 0; c < p.sound->in.channels; c++)
        p.in[c] = ta_xcalloc(BLOCK, sizeof **p.in);
    for (int c = 0; c < p.sound->out.channels; c++)
        p.out[c] = ta_xcalloc(BLOCK, sizeof **p.out);
    ta_turns_wait(t->turns, TA_TURN_ENCODER);
    int err = make(&p, &p.sound->anchors[k]);
    if (err == TA_ERR_NOT_FOUND && !p.writer) {
        ta_error(p.log, "%s: can't be read", plan->input);
    } else if (err == TA_ERR_NOT_FOUND) {
        // Seeking has led behind the anchor: read from the start, as listening did.
        ta_pcm_piece_destroy(&p.writer);
        ta_folder_unlink(&t->work->folder, t->name);
        err = make(&p, &(struct ta_sound_anchor){AV_NOPTS_VALUE, 0});
    }
    ta_turns_end(t->turns, TA_TURN_ENCODER);
    if (err >= 0)
        err = ta_pcm_piece_finish(p.writer, &samples, &done->bytes, done->sha256);
    ta_pcm_piece_destroy(&p.writer);
    if (err >= 0) {
        ta_counts_set(&done->counts, "samples", samples);
        ta_counts_set(&done->counts, "bad", p.bad);
    }
    for (int c = 0; c < TA_SOUND_CHANNELS; c++) {
        free(p.in[c]);
        free(p.out[c]);
    }
    ta_log_destroy(&p.log);
    return err;
}

// In output frames that take as long: one takes some 20 ms of a core.
static double cost(const struct ta_plan *plan, const struct ta_task *task)
{
    int k;
    const struct ta_sound_plan *s = ta_sound_of_task(plan, task, &k);
    return s ? (double)task->samples / s->in.rate / SPEED / 0.02 : 0;
}

const struct ta_task_kind ta_task_sound = {
    .name = "sound", .prefix = "snd", .suffix = "nut", .run = run, .temporary = true, .cost = cost};
