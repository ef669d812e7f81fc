// RNNoise as a stage: libavfilter's arnndn with weights from a file, at 48 kHz.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/stages.h"
#include "audio/voice.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "media/sound/graph.h"

enum { RATE = 48000, FRAME = 480, BLOCK = 10 * FRAME, LARGEST_FILE = 1 << 24 };

struct channel {
    struct ta_sound_graph *graph;
    float *to;
    size_t count;
};

static void destroy(void *x)
{
    struct channel *c = x;
    ta_sound_graph_destroy(&c->graph);
    free(c);
}

// A text within a graph's description: each of two readers takes one layer of backslashes off.
static void put_escaped(struct ta_buf *b, const char *text)
{
    for (; *text; text++) {
        bool inner = strchr("\\':", *text) != NULL;
        if (inner)
            ta_buf_puts(b, "\\\\");
        if (strchr("\\'[],;", *text))
            ta_buf_puts(b, "\\");
        ta_buf_putc(b, *text);
    }
}

// The share of what arnndn makes: the rest is the sound as it was.
static double mix_of(const struct ta_sound_voice_opts *o)
{
    return o->reduction >= TA_SOUND_REDUCTION_ALL ? 1 : 1 - pow(10, -o->reduction / 20);
}

static int check_file(const struct ta_sound_stage *s)
{
    const struct ta_sound_network_opts *o = s->opts;
    struct ta_buf file = {0};
    char sum[TA_SHA256_HEX] = "";
    int err = ta_file_read(o->file[0], LARGEST_FILE, &file, s->log);
    if (err >= 0)
        ta_sha256_hex(ta_buf_text(&file), file.size, sum);
    ta_buf_release(&file);
    if (err < 0 || !strcmp(sum, o->sum[0]))
        return err;
    ta_error(s->log, "%s: the network is not the one that was planned with: it has changed", o->file[0]);
    return TA_ERR_MISMATCH;
}

static void *create(const struct ta_sound_stage *s, int channels)
{
    const struct ta_sound_voice_opts *o = s->opts;
    struct channel *c = ta_xcalloc(1, sizeof *c);
    struct ta_buf text = {0};
    AVChannelLayout mono;
    (void)channels; // one
    av_channel_layout_default(&mono, 1);
    ta_buf_puts(&text, "arnndn=m=");
    put_escaped(&text, o->network.file[0]);
    ta_buf_printf(&text, ":mix=%.6f", mix_of(o));
    int err = ta_sound_graph_create(&c->graph, ta_buf_text(&text), RATE, &mono, &mono, s->log);
    ta_buf_release(&text);
    if (err < 0) {
        free(c);
        return NULL;
    }
    return c;
}

static int take(void *priv, float *const *planes, size_t samples)
{
    struct channel *c = priv;
    size_t n = TA_MIN(samples, BLOCK - c->count);
    memcpy(c->to + c->count, planes[0], n * sizeof(float));
    c->count += n;
    return n == samples ? 0 : TA_ERR_INTERNAL;
}

static int process(void *x, struct ta_sound_network *networks, float *const *planes, float keep,
                   struct ta_log *log)
{
    struct channel *c = x;
    (void)keep; // arnndn does it
    float before[BLOCK];
    (void)networks;
    memcpy(before, planes[0], sizeof before);
    c->to = planes[0];
    c->count = 0;
    int err = ta_sound_graph_run(c->graph, (float *const[]){before}, BLOCK, take, c);
    if (err >= 0 && c->count != BLOCK) {
        ta_error(log, "libavfilter's arnndn gives %zu samples for %d", c->count, BLOCK);
        err = TA_ERR_INTERNAL;
    }
    return err;
}

static const struct ta_sound_voice_info voice = {
    .rate = RATE, .block = BLOCK, .delay = FRAME, .create = create, .process = process, .destroy = destroy};

// ---- the stage ----

static const struct ta_opt options[] = {TA_SOUND_VOICE_OPTIONS, TA_SOUND_NETWORK_FILE(0, ""), {0}};

static int configure(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why)
{
    (void)out;
    int err = ta_sound_voice_check(in, why);
    if (err >= 0 && ((const struct ta_sound_voice_opts *)opts)->link && in->channels > 1) {
        ta_buf_puts(why, "cleans each channel by itself: --audio-link is for the other networks");
        err = TA_ERR_UNSUPPORTED;
    }
    return err < 0 ? err : ta_sound_network_check(opts, 1, false, why);
}

TA_SOUND_VOICE_REACH

static void describe(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text)
{
    const struct ta_sound_voice_opts *o = opts;
    (void)in;
    (void)out;
    ta_buf_puts(text, "arnndn=m=");
    put_escaped(text, o->network.file[0] ? o->network.file[0] : "");
    ta_buf_printf(text, ":mix=%g", mix_of(o));
}

static int init(struct ta_sound_stage *s)
{
    int err = check_file(s);
    return err < 0 ? err : ta_sound_voice_init(s, &voice);
}

const struct ta_sound_stage_info ta_sound_rnnoise = {
    .name = "denoise.rnnoise",
    .summary = "voices out of noise, by RNNoise's small network in libavfilter's arnndn at 48 kHz",
    TA_SOUND_VOICE_STAGE,
};
