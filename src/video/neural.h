// What the stages that run networks share: frames as numbers, and batches on their way.
#ifndef TA_VIDEO_NEURAL_H
#define TA_VIDEO_NEURAL_H

#include "base/tuning.h"
#include "infer/network_session.h"
#include "infer/picture_run.h"
#include "video/stage.h"

struct ta_pool;

enum {
    TA_NEURAL_SLOTS = 3,
    TA_NEURAL_FLOW_MAX = 2 * TA_BATCH_MAX, // pictures in a batch: fields count for themselves
};

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

// ---- the network of a stage (neural_network.c) ----

// Options that the plan sets: a stage has them as its member `network`.
struct ta_neural_network_opts {
    char *file, *sum, *engine, *runtime, *provider;
    bool on_device;
    int64_t threads, white;
};
// clang-format off
#define TA_NEURAL_TEXT(owner, member, option, text_help)                                                   \
    {.name = option, .kind = &ta_opt_text, TA_FIELD(owner, member, char *), .def = "",                     \
     .flags = TA_OPT_HIDDEN, .help = text_help}
#define TA_NEURAL_PATH(owner, member, option, text_help)                                                   \
    {.name = option, .kind = &ta_opt_path, TA_FIELD(owner, member, char *), .def = "",                     \
     .flags = TA_OPT_HIDDEN, .help = text_help}
#define TA_NEURAL_NUMBER(owner, member, option, least, most, number_help)                                  \
    {.name = option, .kind = &ta_opt_int, TA_FIELD(owner, member, int64_t), .def = #least, .min = least,   \
     .max = most, .flags = TA_OPT_HIDDEN, .help = number_help}
#define TA_NEURAL_FILE(owner)                                                                              \
    TA_NEURAL_PATH(owner, network.file, "file", "file of the network, set by the plan"),                   \
    TA_NEURAL_TEXT(owner, network.sum, "sum", "SHA-256 of the network, set by the plan")
// `what` a network gets, and `whole` what it is a part of.
#define TA_NEURAL_TILE(owner, what, whole)                                                                 \
    {.name = "tile", .kind = &ta_opt_int, TA_FIELD(owner, tile, int64_t), .def = "0", .min = 0, .max = 4096, \
     .unit = "pixels", .flags = TA_OPT_ADVANCED,                                                           \
     .help = "side of the tiles " what "that a network gets, 64 or more; 0 is the whole " whole            \
             " up to a million pixels and 512 above"}
#define TA_NEURAL_ENGINE(owner)                                                                            \
    TA_NEURAL_TEXT(owner, network.engine, "engine", "what runs it, set by the plan"),                      \
    TA_NEURAL_TEXT(owner, network.runtime, "runtime", "the engine's version, set by the plan"),            \
    TA_NEURAL_TEXT(owner, network.provider, "provider",                                                    \
                   "the engine's part that drives the device, set by the plan"),                           \
    {.name = "on-device", .kind = &ta_opt_switch, TA_FIELD(owner, network.on_device, bool), .def = "off",  \
     .flags = TA_OPT_HIDDEN, .help = "not on the CPU, set by the plan"},                                   \
    TA_NEURAL_NUMBER(owner, network.threads, "threads", 1, 1024, "of the CPU, set by the plan"),           \
    TA_NEURAL_NUMBER(owner, network.white, "white", 1, 255, "the number that is white, set by the plan")
// clang-format on
void ta_neural_set_text(char **field, const char *text);
// What was found of the network. That there is none is an error after "STAGE: why".
int ta_neural_network_set(struct ta_neural_network_opts *o, const struct ta_neural_facts *facts,
                          const char *stage, struct ta_log *log);
// A path from the root and a checksum?
bool ta_neural_is_file(const char *path, const char *sum);
// Do they name a network and an engine? Else TA_ERR_INVALID with the reason.
int ta_neural_network_check(const struct ta_neural_network_opts *o, struct ta_buf *why);
int ta_neural_tile_check(int64_t tile, struct ta_buf *why);
// The side of tiles for pictures of this size where `tile` is asked for; 0: whole pictures.
int ta_neural_tile(int64_t tile, int width, int height);
void ta_neural_network_runtime(const struct ta_neural_network_opts *o, struct ta_buf *text);
// How many pictures at a time: as asked for or tuned, on devices 16, fewer where memory is short. `each`:
// bytes that one takes.
void ta_neural_network_needs(const struct ta_neural_network_opts *o, int64_t each, const struct ta_env *env,
                             struct ta_stage_needs *n);

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
// What a picture's numbers were made of, and what its frame is to be: the caller's, for drain().
struct ta_neural_picture {
    AVFrame *source;
    int64_t pts;
    int parity;
};
struct ta_neural_flow_params {
    struct ta_neural_pictures *pictures;
    struct ta_picture_run *run;
    struct ta_network *network;     // that buffers are asked of; NULL: ordinary memory
    size_t in_numbers, out_numbers; // of a picture
    int batch;
    bool overlap; // false: one picture at a time in the caller's thread, with memory taken for each
    // The frame of a picture, from what the network got and made; in a thread of its own. NULL: from what it
    // made alone, by ta_neural_drain().
    int (*drain)(void *priv, const struct ta_neural_picture *what, const float *in, const float *out,
                 AVFrame **made);
    // The CPU takes over after this error? Returns true when `run` was given another network.
    bool (*recover)(void *priv, int err);
    void *priv;
    const struct ta_cancel *cancel;
    struct ta_log *log;
};
// A batch of none or of more than TA_NEURAL_FLOW_MAX is TA_ERR_INVALID after a message.
int ta_neural_flow_create(struct ta_neural_flow **out, const struct ta_neural_flow_params *params);
// Takes the frames, `batch` of them at most, also on failure; frames that are done come out by `emit`, in
// order. count == 0: all that are left.
int ta_neural_flow_push(struct ta_neural_flow *f, AVFrame **in, int count,
                        int (*emit)(void *receiver, AVFrame *frame), void *receiver);
// The same picture by picture: where the numbers of the next one go, then the picture itself (its frame is
// taken, also on failure), which is on its way when the batch is full, or sent as it is. finish(): all come
// out.
int ta_neural_flow_room(struct ta_neural_flow *f, float **to, int (*emit)(void *receiver, AVFrame *frame),
                        void *receiver);
int ta_neural_flow_add(struct ta_neural_flow *f, const struct ta_neural_picture *what,
                       int (*emit)(void *receiver, AVFrame *frame), void *receiver);
int ta_neural_flow_send(struct ta_neural_flow *f);
int ta_neural_flow_finish(struct ta_neural_flow *f, int (*emit)(void *receiver, AVFrame *frame),
                          void *receiver);
// Ends both threads, after the batch that each is at; nothing comes out any more. NULL-safe.
void ta_neural_flow_stop(struct ta_neural_flow *f);
void ta_neural_flow_destroy(struct ta_neural_flow **f); // stops it first
struct ta_neural_flow_stats {
    int64_t batches, allocations; // of buffers for numbers
    int64_t bytes;                // of them, at most at a time
    int64_t pinned;               // of the allocations, those that the engine served
    int64_t starved;              // how often the engine, done with one, had to wait for the next
    double seconds;               // from the first batch's computing to the last one's end
};
// When all are out, or after stop().
void ta_neural_flow_get_stats(const struct ta_neural_flow *f, struct ta_neural_flow_stats *stats);
// Says in the log what became of both, likewise; `planned`: bytes of buffers.
void ta_neural_flow_tell(const struct ta_stage *s, const struct ta_neural_flow *f,
                         const struct ta_picture_run *run, int64_t planned);

// ---- a network at work in a stage (neural_work.c) ----

struct ta_neural_work_params {
    const struct ta_neural_network_opts *network; // kept
    const char *pair, *pair_sum;                  // to blend with, where `share` is above 0
    double share;
    int planes;                       // of the pictures that become numbers
    struct ta_picture_run_params run; // but for the network; `batch` where batches are made
    size_t in_numbers, out_numbers;   // of a picture
    int (*drain)(void *priv, const struct ta_neural_picture *what, const float *in, const float *out,
                 AVFrame **made); // as of the flow, with the work as `priv`; may be NULL
};
struct ta_neural_work {
    struct ta_neural_pictures *pictures;
    struct ta_neural_flow *flow;
    // Its own.
    struct ta_stage *stage;
    const struct ta_neural_network_opts *network;
    struct ta_network_plan plan;
    const struct ta_session *session, *on_cpu;
    struct ta_picture_run *run;
};
// Loads the network, or shares it, and makes what pictures pass through. 0, or TA_ERR_* after a message; then
// and otherwise to be ended. When a device fails, the CPU takes over if it may, which is told.
int ta_neural_work_start(struct ta_neural_work *w, struct ta_stage *s, const struct ta_neural_work_params *p);
// `planned`: bytes of buffers. Nothing but zeros is ended already.
void ta_neural_work_end(struct ta_neural_work *w, int64_t planned);

#endif
