// FlashSR as a stage: the treble that a track lacks, guessed from what it has up to 8 kHz. The sound itself
// stays as it is: of what the network makes only that is added which lies higher than the network hears.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/network.h"
#include "audio/rate.h"
#include "audio/stages.h"
#include "audio/voice.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound_block.h"

enum {
    LOW = 16000, // rates: heard and made
    HIGH = 48000,
    RATIO = HIGH / LOW,
    BLOCK = 4000,
    AROUND = 64, // samples on both sides that have a say: twice what was measured
    WINDOW = AROUND + BLOCK + AROUND,
};

static const struct ta_sound_tensor inputs[] = {{"x", 3, {1, 1, WINDOW}}, {0}},
                                    outputs[] = {{"tanh", 3, {1, 1, WINDOW *RATIO}}, {0}};

// Samples that wait, those that came first at the front.
struct queue {
    float *at;
    size_t count, room;
};

struct channel {
    struct ta_sound_rate *down, *narrow, *wide,
        *out; // to LOW; of what was made to LOW and back; to the track's
    float *window;
    size_t fill;         // of the window
    struct queue dry;    // the track
    struct queue made;   // by the network, at HIGH
    struct queue treble; // at the track's rate
};

struct flashsr {
    struct ta_sound_network network;
    struct channel *channels;
    float *answer;
    float **ready;
    size_t room;
};

static struct flashsr *flashsr_of(const struct ta_sound_stage *s)
{
    return *(struct flashsr **)s->priv;
}

static void put(struct queue *q, const float *from, size_t count)
{
    if (q->count + count > q->room) {
        q->room = q->count + count + TA_SOUND_BLOCK;
        q->at = ta_xrealloc(q->at, q->room * sizeof *q->at);
    }
    memcpy(q->at + q->count, from, count * sizeof *from);
    q->count += count;
}

static void drop(struct queue *q, size_t count)
{
    memmove(q->at, q->at + count, (q->count - count) * sizeof *q->at);
    q->count -= count;
}

static int init(struct ta_sound_stage *s)
{
    struct flashsr *f = *(struct flashsr **)s->priv = ta_xcalloc(1, sizeof *f);
    f->answer = ta_xcalloc((size_t)WINDOW * RATIO, sizeof *f->answer);
    f->channels = ta_xcalloc((size_t)s->in.channels, sizeof *f->channels);
    f->ready = ta_xcalloc((size_t)s->in.channels, sizeof *f->ready);
    int err = ta_sound_network_open(&f->network, s, 0, inputs, outputs);
    for (int i = 0; i < s->in.channels && err >= 0; i++) {
        struct channel *c = &f->channels[i];
        c->window = ta_xcalloc(WINDOW, sizeof *c->window);
        c->fill = AROUND; // silence lies before the start
        err = ta_sound_rate_create(&c->down, s->in.rate, LOW, s->log);
        if (err >= 0)
            err = ta_sound_rate_create(&c->narrow, HIGH, LOW, s->log);
        if (err >= 0)
            err = ta_sound_rate_create(&c->wide, LOW, HIGH, s->log);
        if (err >= 0)
            err = ta_sound_rate_create(&c->out, HIGH, s->in.rate, s->log);
    }
    return err;
}

static void release(struct ta_sound_stage *s)
{
    struct flashsr *f = s->priv ? flashsr_of(s) : NULL;
    if (!f)
        return;
    ta_sound_network_close(&f->network, s);
    for (int i = 0; i < s->in.channels; i++) {
        struct channel *c = &f->channels[i];
        ta_sound_rate_destroy(&c->down);
        ta_sound_rate_destroy(&c->narrow);
        ta_sound_rate_destroy(&c->wide);
        ta_sound_rate_destroy(&c->out);
        free(c->window);
        free(c->dry.at);
        free(c->made.at);
        free(c->treble.at);
        free(f->ready[i]);
    }
    free(f->channels);
    free(f->answer);
    free(f->ready);
    ta_freep((struct flashsr **)s->priv);
}

// What the network made of a block, less what of it the network has heard: the same through the low rate.
static int take_treble(struct channel *c, const float *made)
{
    const float *low, *same, *out;
    size_t n, count;
    put(&c->made, made, (size_t)BLOCK * RATIO);
    int err = ta_sound_rate_run(c->narrow, made, (size_t)BLOCK * RATIO, &low, &n);
    if (err >= 0)
        err = ta_sound_rate_run(c->wide, low, n, &same, &count);
    if (err < 0)
        return err;
    count = TA_MIN(count, c->made.count);
    for (size_t i = 0; i < count; i++)
        c->made.at[i] -= same[i];
    err = ta_sound_rate_run(c->out, c->made.at, count, &out, &n);
    if (err >= 0)
        put(&c->treble, out, n);
    drop(&c->made, count);
    return err;
}

static int work(struct flashsr *f, struct channel *c, struct ta_log *log)
{
    ta_sound_network_in(&f->network, 0)->data = c->window;
    ta_sound_network_out(&f->network, 0)->data = f->answer;
    int err = ta_sound_network_run(&f->network, log);
    memmove(c->window, c->window + BLOCK, (WINDOW - BLOCK) * sizeof *c->window);
    c->fill = WINDOW - BLOCK;
    return err < 0 ? err : take_treble(c, f->answer + (ptrdiff_t)AROUND * RATIO);
}

static int take(struct flashsr *f, struct channel *c, const float *plane, size_t samples, struct ta_log *log)
{
    const float *low;
    size_t count;
    put(&c->dry, plane, samples);
    int err = ta_sound_rate_run(c->down, plane, samples, &low, &count);
    for (size_t done = 0; done < count && err >= 0;) {
        size_t n = TA_MIN(count - done, WINDOW - c->fill);
        memcpy(c->window + c->fill, low + done, n * sizeof *low);
        c->fill += n;
        done += n;
        if (c->fill == WINDOW)
            err = work(f, c, log);
    }
    return err;
}

static int run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    struct flashsr *f = flashsr_of(s);
    size_t count = SIZE_MAX;
    for (int i = 0; i < s->in.channels; i++) {
        int err = take(f, &f->channels[i], planes[i], samples, s->log);
        if (err < 0)
            return err;
        count = TA_MIN(count, TA_MIN(f->channels[i].dry.count, f->channels[i].treble.count));
    }
    if (count > f->room)
        f->room = count + TA_SOUND_BLOCK;
    for (int i = 0; i < s->in.channels && count; i++) {
        struct channel *c = &f->channels[i];
        f->ready[i] = ta_xrealloc(f->ready[i], f->room * sizeof **f->ready);
        for (size_t k = 0; k < count; k++)
            f->ready[i][k] = c->dry.at[k] + c->treble.at[k];
        drop(&c->dry, count);
        drop(&c->treble, count);
    }
    return count ? ta_sound_stage_emit(s, f->ready, count) : 0;
}

// ---- the stage ----

static const struct ta_opt options[] = {TA_SOUND_NETWORK_ENGINE, TA_SOUND_NETWORK_FILE(0, ""), {0}};

static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why)
{
    (void)out;
    int err = ta_sound_voice_check(in, why);
    if (err >= 0 && in->rate <= LOW) {
        ta_buf_printf(why, "sound of %d Hz has no room for more treble", in->rate);
        err = TA_ERR_UNSUPPORTED;
    }
    return err < 0 ? err : ta_sound_network_check(opts, 1, true, why);
}

static struct ta_sound_reach reach(const void *opts, const struct ta_sound_format *in)
{
    int rate = in->rate, low = ta_sound_rate_ahead(HIGH, LOW) / RATIO + ta_sound_rate_ahead(LOW, HIGH);
    int64_t each = ta_sound_rate_ahead(rate, LOW) +
                   ((int64_t)(AROUND + low + ta_sound_rate_ahead(HIGH, rate) / RATIO) * rate + LOW - 1) / LOW;
    (void)opts;
    return (struct ta_sound_reach){each, each};
}

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    (void)opts;
    (void)in;
    (void)out;
    ta_buf_puts(text, "flashsr");
}

const struct ta_sound_stage_info ta_sound_flashsr = {
    .name = "extend.flashsr",
    .summary = "treble above 8 kHz that narrow tracks lack, guessed by the network FlashSR",
    .options = options,
    .options_size = sizeof(struct ta_sound_network_opts),
    .priv_size = sizeof(struct flashsr *),
    .emits = true,
    .configure = configure,
    .reach = reach,
    .align = ta_sound_voice_align,
    .describe = describe,
    .runtime = ta_sound_network_runtime,
    .init = init,
    .run = run,
    .release = release,
};
