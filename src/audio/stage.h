// Sound stages: one step on samples each, one file each, listed in stages.c, as those of pictures are
// (video/stage.h).
#ifndef TA_AUDIO_STAGE_H
#define TA_AUDIO_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/opt.h"

struct ta_buf;
struct ta_env;
struct ta_log;
struct ta_sound_stage;

// What stages negotiate: planes of float, one a channel, in libav's native order of speakers.
struct ta_sound_format {
    int rate;      // samples a second
    int channels;  // 1 to TA_SOUND_CHANNELS
    uint64_t mask; // AV_CH_*, as many as channels; 0: what the channels are is not known
};
enum { TA_SOUND_CHANNELS = 64, TA_SOUND_BLOCK = 4096 };

// {"rate": 48000, "channels": 2, "layout": "stereo"}, the layout by libav's name or "unknown".
json_t *ta_sound_format_json(const struct ta_sound_format *f);
// 0, or TA_ERR_FORMAT without a message.
int ta_sound_format_read(struct ta_sound_format *f, const json_t *o);
bool ta_sound_format_equal(const struct ta_sound_format *a, const struct ta_sound_format *b);
// "stereo", "5.1", "3 channels"; to be freed.
char *ta_sound_layout_text(const struct ta_sound_format *f);

// Samples that a stage needs before and after those it works on to give what it gives with all of them: until
// its memory of the start has faded (80 dB against an endless run).
struct ta_sound_reach {
    int64_t before, after;
};

struct ta_sound_stage_info {
    const char *name;             // "filter.highpass"; unique
    const char *summary;          // one line for docs
    const struct ta_opt *options; // NULL for none
    size_t options_size, priv_size;
    // libavfilter does it by the text of describe(). Else native.
    bool graph;
    const char *const *filters; // that describe() uses, NULL-terminated; NULL for native stages
    // Sets *out (a copy of *in when called; the rate stays) or refuses: TA_ERR_UNSUPPORTED with the reason in
    // `why`. NULL: whatever comes goes out. Pure.
    int (*configure)(const void *opts, const struct ta_sound_format *in, struct ta_sound_format *out,
                     struct ta_buf *why);
    // Output i is that of input i - latency(); the chain trims and pads, so that nothing moves. NULL: 0.
    int64_t (*latency)(const void *opts, const struct ta_sound_format *in);
    struct ta_sound_reach (*reach)(const void *opts, const struct ta_sound_format *in); // NULL: none
    // It works in blocks: only when a piece begins a multiple of so many samples behind the start of its
    // track do the blocks lie where they lie in the whole. NULL: anywhere.
    int64_t (*align)(const void *opts, const struct ta_sound_format *in);
    // What runs it beside this program and its libraries, for the journal; nothing where it is nothing.
    void (*runtime)(const void *opts, struct ta_buf *text);
    // What it does, in libavfilter's words where it has words for it: the chain's text.
    void (*describe)(const void *opts, const struct ta_sound_format *in, const struct ta_sound_format *out,
                     struct ta_buf *text);
    int (*init)(struct ta_sound_stage *s); // logs why it can't
    // Native: `samples` (at most TA_SOUND_BLOCK) of in.channels planes, which may be written to; gives as
    // many, in place, or in planes of its own by ta_sound_stage_emit() where it has set `emits`.
    int (*run)(struct ta_sound_stage *s, float *const *planes, size_t samples);
    bool emits;
    // Takes over what the stage behind it would do; both have begun and run nothing yet.
    // False: it can't. NULL: never.
    bool (*join)(struct ta_sound_stage *s, const struct ta_sound_stage *next);
    void (*release)(struct ta_sound_stage *s);
};

// A running stage. Thread-safety: Unsafe.
struct ta_sound_stage {
    const struct ta_sound_stage_info *info;
    const void *opts;
    struct ta_sound_format in, out;
    void *priv;
    const struct ta_env *env; // never NULL
    struct ta_log *log;
    int (*emit)(void *receiver, float *const *planes, size_t samples); // set by the chain
    void *receiver;
};
int ta_sound_stage_emit(struct ta_sound_stage *s, float *const *planes, size_t samples);

// All stages, NULL-terminated.
extern const struct ta_sound_stage_info *const ta_sound_stages[];
const struct ta_sound_stage_info *ta_sound_stage_find(const char *name);

// A stage in a plan: resolved options and formats.
struct ta_sound_stage_plan {
    const struct ta_sound_stage_info *info;
    void *opts; // options_size bytes, released with ta_opt_release()
    struct ta_sound_format in, out;
};
// Options at their defaults.
void ta_sound_stage_plan_init(struct ta_sound_stage_plan *p, const struct ta_sound_stage_info *info,
                              const struct ta_sound_format *in);
// Configures with p->opts; on refusal logs "STAGE: reason".
int ta_sound_stage_plan_configure(struct ta_sound_stage_plan *p, struct ta_log *log);
void ta_sound_stage_plan_release(struct ta_sound_stage_plan *p);

#endif
