#include "audio/voice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/rate.h"
#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound_block.h"

// The networks' memory fades slowly: after so long, what comes out differs from that of an endless run by 40
// dB less than the sound. After whole ALIGN_SECONDS the places of frames are the same again, at any rate.
enum { MEMORY_SECONDS = 20, ALIGN_SECONDS = 2 };

struct channel {
    struct ta_sound_rate *down, *up;
    float *waiting; // at the network's rate, less than a block
};

struct ta_sound_voice {
    const struct ta_sound_voice_info *info;
    struct ta_sound_network networks[TA_SOUND_NETWORKS];
    struct channel *channels;
    int count, groups; // of channels; of those that are cleaned by one answer
    void **groups_state;
    float **block; // the one that is worked on
    size_t waiting;
    int64_t late; // samples that are still to be dropped
    float keep;
    // What comes out, until all channels have it.
    float **ready;
    size_t ready_count, room;
};

static struct ta_sound_voice *voice_of(const struct ta_sound_stage *s)
{
    return *(struct ta_sound_voice **)s->priv;
}

struct ta_sound_network *ta_sound_voice_network(struct ta_sound_stage *s, int which)
{
    return &voice_of(s)->networks[which];
}

int ta_sound_voice_check(const struct ta_sound_format *in, struct ta_buf *why)
{
    if (ta_sound_takes(in->rate, in->channels))
        return 0;
    ta_buf_printf(why, "does not take %d channels at %d Hz", in->channels, in->rate);
    return TA_ERR_UNSUPPORTED;
}

struct ta_sound_reach ta_sound_voice_reach(const struct ta_sound_voice_info *info,
                                           const struct ta_sound_format *in)
{
    int64_t ahead = ta_sound_rate_ahead(in->rate, info->rate) +
                    ((int64_t)(info->delay + ta_sound_rate_ahead(info->rate, in->rate)) * in->rate +
                     info->rate - 1) /
                        info->rate;
    return (struct ta_sound_reach){.before = (int64_t)MEMORY_SECONDS * in->rate, .after = ahead};
}

int64_t ta_sound_voice_align(const void *opts, const struct ta_sound_format *in)
{
    (void)opts;
    return (int64_t)ALIGN_SECONDS * in->rate;
}

int ta_sound_voice_init(struct ta_sound_stage *s, const struct ta_sound_voice_info *info)
{
    const struct ta_sound_voice_opts *o = s->opts;
    struct ta_sound_voice *v = *(struct ta_sound_voice **)s->priv = ta_xcalloc(1, sizeof *v);
    v->info = info;
    v->count = s->in.channels;
    v->groups = o->link ? 1 : v->count;
    v->late = info->delay;
    v->keep = o->reduction >= TA_SOUND_REDUCTION_ALL ? 0 : (float)pow(10, -o->reduction / 20);
    v->channels = ta_xcalloc((size_t)v->count, sizeof *v->channels);
    v->groups_state = ta_xcalloc((size_t)v->groups, sizeof *v->groups_state);
    v->block = ta_sound_planes(v->count, (size_t)info->block);
    v->ready = ta_xcalloc((size_t)v->count, sizeof *v->ready);
    int err = 0;
    for (int c = 0; c < v->count && err >= 0; c++) {
        v->channels[c].waiting = ta_xcalloc((size_t)info->block, sizeof(float));
        err = ta_sound_rate_create(&v->channels[c].down, s->in.rate, info->rate, s->log);
        if (err >= 0)
            err = ta_sound_rate_create(&v->channels[c].up, info->rate, s->in.rate, s->log);
    }
    for (int g = 0; g < v->groups && err >= 0; g++)
        if (!(v->groups_state[g] = info->create(s, v->count / v->groups))) {
            ta_error(s->log, "%s: out of memory for sound", s->info->name);
            err = TA_ERR_NOMEM;
        }
    return err;
}

void ta_sound_voice_release(struct ta_sound_stage *s)
{
    struct ta_sound_voice *v = s->priv ? voice_of(s) : NULL;
    if (!v)
        return;
    for (int i = 0; i < TA_SOUND_NETWORKS; i++)
        ta_sound_network_close(&v->networks[i], s);
    for (int c = 0; c < v->count; c++) {
        ta_sound_rate_destroy(&v->channels[c].down);
        ta_sound_rate_destroy(&v->channels[c].up);
        free(v->channels[c].waiting);
        free(v->ready[c]);
    }
    for (int g = 0; g < v->groups; g++)
        if (v->groups_state[g])
            v->info->destroy(v->groups_state[g]);
    free(v->channels);
    free(v->groups_state);
    free(v->block);
    free(v->ready);
    ta_freep((struct ta_sound_voice **)s->priv);
}

// What the network has made goes back to the sound's rate, without what comes too early.
static int give_block(struct ta_sound_voice *v)
{
    size_t skip = (size_t)TA_MIN(v->late, v->info->block), size = (size_t)v->info->block - skip, count = 0;
    v->late -= (int64_t)skip;
    for (int c = 0; c < v->count && size; c++) {
        const float *out;
        int err = ta_sound_rate_run(v->channels[c].up, v->block[c] + skip, size, &out, &count);
        if (err < 0)
            return err;
        if (!c && v->ready_count + count > v->room) {
            v->room = v->ready_count + count + TA_SOUND_BLOCK;
            for (int k = 0; k < v->count; k++)
                v->ready[k] = ta_xrealloc(v->ready[k], v->room * sizeof(float));
        }
        if (count)
            memcpy(v->ready[c] + v->ready_count, out, count * sizeof(float));
    }
    v->ready_count += count;
    return 0;
}

static int work(struct ta_sound_voice *v, struct ta_log *log)
{
    int each = v->count / v->groups, err = 0;
    for (int c = 0; c < v->count; c++)
        memcpy(v->block[c], v->channels[c].waiting, (size_t)v->info->block * sizeof(float));
    for (int g = 0; g < v->groups && err >= 0; g++)
        err = v->info->process(v->groups_state[g], v->networks, v->block + g * each, v->keep, log);
    return err < 0 ? err : give_block(v);
}

// As many samples of each channel, at the network's rate.
static int take(struct ta_sound_voice *v, const float *const *planes, size_t samples, struct ta_log *log)
{
    int err = 0;
    for (size_t done = 0; done < samples && err >= 0;) {
        size_t n = TA_MIN(samples - done, (size_t)v->info->block - v->waiting);
        for (int c = 0; c < v->count; c++)
            memcpy(v->channels[c].waiting + v->waiting, planes[c] + done, n * sizeof(float));
        done += n;
        v->waiting += n;
        if (v->waiting < (size_t)v->info->block)
            break;
        v->waiting = 0;
        err = work(v, log);
    }
    return err;
}

int ta_sound_voice_run(struct ta_sound_stage *s, float *const *planes, size_t samples)
{
    struct ta_sound_voice *v = voice_of(s);
    const float *at[TA_SOUND_CHANNELS];
    size_t count = 0;
    for (int c = 0; c < v->count; c++) {
        int err = ta_sound_rate_run(v->channels[c].down, planes[c], samples, &at[c], &count);
        if (err < 0)
            return err;
    }
    v->ready_count = 0;
    int err = take(v, at, count, s->log);
    return err < 0 || !v->ready_count ? err : ta_sound_stage_emit(s, v->ready, v->ready_count);
}
