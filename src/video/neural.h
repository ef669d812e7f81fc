// What the stages that run networks share: frames as numbers, and batches on their way.
#ifndef TA_VIDEO_NEURAL_H
#define TA_VIDEO_NEURAL_H

#include "infer/network_session.h"
#include "infer/picture_run.h"
#include "video/stage.h"

struct ta_pool;

enum { TA_NEURAL_BATCH_MAX = 32, TA_NEURAL_SLOTS = 3 };

// What is known of the network that a recipe wants, and of what would run it; found before planning.
struct ta_neural_facts {
    int err;   // why there is none, 0 when there is one
    char *why; // ... in words
    char *engine, *runtime, *provider;
    bool on_device; // other than the CPU
    int threads;
    char *model, sum[65]; // path from the root
    char *pair;           // of the network that it can be blended with; NULL: not asked for
    char pair_sum[65];
    int white; // the number that it has for white, 1 or 255
    struct ta_network_use use;
};
void ta_neural_facts_release(struct ta_neural_facts *f);

// ---- frames as numbers (neural_pictures.c) ----

// Frames of one format to planes of numbers and back: red, green and blue of 0..white for a network of three
// planes; luma likewise for one of one plane, whose chroma is enlarged by zimg. Matrix, range and siting are
// those of the formats; what lies beyond black and white is cut off. Gray pictures go to all three planes.
// Thread-safety: fill() and drain() may run at the same time, each in one thread.
struct ta_neural_pictures;
// The format that pictures of this one come out in; TA_ERR_UNSUPPORTED with the reason in `why`.
int ta_neural_format(const struct ta_format *in, int factor, struct ta_format *out, struct ta_buf *why);
int ta_neural_pictures_create(struct ta_neural_pictures **out, const struct ta_format *in,
                              const struct ta_format *larger, int planes, int white, struct ta_pool *pool,
                              struct ta_buf *why);
void ta_neural_pictures_destroy(struct ta_neural_pictures **p);
// planes x height x width numbers. TA_ERR_NOMEM after a message.
int ta_neural_fill(struct ta_neural_pictures *p, const AVFrame *in, float *to, struct ta_log *log);
// The frame made of numbers; `in` is what they were made of.
int ta_neural_drain(struct ta_neural_pictures *p, const AVFrame *in, const float *from, AVFrame **out,
                    struct ta_log *log);

// ---- batches on their way (neural_flow.c) ----

// Three batches: one is filled by the caller, one computes in a thread, one becomes frames in another.
struct ta_neural_flow;
struct ta_neural_flow_params {
    struct ta_neural_pictures *pictures;
    struct ta_picture_run *run;
    size_t in_numbers, out_numbers; // of a picture
    int batch;
    bool overlap; // false: one picture at a time in the caller's thread, with memory taken for each
    // The CPU takes over after this error? Returns true when `run` was given another network.
    bool (*recover)(void *priv, int err);
    void *priv;
    const struct ta_cancel *cancel;
    struct ta_log *log;
};
int ta_neural_flow_create(struct ta_neural_flow **out, const struct ta_neural_flow_params *params);
// Takes the frames, `batch` of them at most, also on failure; frames that are done come out by `emit`, in
// order. count == 0: all that are left.
int ta_neural_flow_push(struct ta_neural_flow *f, AVFrame **in, int count,
                        int (*emit)(void *receiver, AVFrame *frame), void *receiver);
void ta_neural_flow_destroy(struct ta_neural_flow **f);
struct ta_neural_flow_stats {
    int64_t batches, allocations; // of buffers for numbers
    double seconds;               // from the first batch's computing to the last one's end
};
void ta_neural_flow_get_stats(const struct ta_neural_flow *f, struct ta_neural_flow_stats *stats);

#endif
