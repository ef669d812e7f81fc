// What the stages of sound that run networks share: which networks a plan has found, and the sessions that
// run them. Networks of sound run on the CPU in one thread: they are small, and come one behind the other.
#ifndef TA_AUDIO_NETWORK_H
#define TA_AUDIO_NETWORK_H

#include "audio/stage.h"
#include "infer/engine.h"

struct ta_network_plan;
struct ta_session;

enum { TA_SOUND_NETWORKS = 4 }; // that one stage may need

// A stage and the networks that it needs, by their names in manifests.
struct ta_sound_network_info {
    const char *name; // as --audio-model has it
    const struct ta_sound_stage_info *stage;
    const char *models[TA_SOUND_NETWORKS + 1]; // NULL ends them
    bool runtime;                              // ONNX Runtime runs them; else libavfilter does
};
// Those that take noise away, best first; a name of NULL ends the list.
extern const struct ta_sound_network_info ta_sound_denoisers[];
// The one that gives treble back.
extern const struct ta_sound_network_info ta_sound_extender;

// What was found of them before planning.
struct ta_sound_network_facts {
    int err;   // why there is none, 0 when there is one
    char *why; // ... in words, with the command that helps
    const struct ta_sound_network_info *info;
    char *instead; // why it is not a better one; NULL: it is the best, or the one that was named
    char *engine, *runtime, *provider; // NULL where libavfilter runs it
    char *model[TA_SOUND_NETWORKS];    // paths from the root
    char sum[TA_SOUND_NETWORKS][65];
};
void ta_sound_network_facts_release(struct ta_sound_network_facts *f);

// Options that are set by the plan, the first of those of each stage of networks.
struct ta_sound_network_opts {
    char *file[TA_SOUND_NETWORKS], *sum[TA_SOUND_NETWORKS];
    char *engine, *runtime, *provider;
};
// Into a stage's options, which begin with them.
void ta_sound_network_set(void *opts, const struct ta_sound_network_facts *f);

// clang-format off
#define TA_SOUND_NETWORK_FILE(n, number)                                                                       \
    {.name = "file" number, .kind = &ta_opt_path, TA_FIELD(struct ta_sound_network_opts, file[n], char *),     \
     .def = "", .flags = TA_OPT_HIDDEN, .help = "file of a network, set by the plan"},                         \
    {.name = "sum" number, .kind = &ta_opt_text, TA_FIELD(struct ta_sound_network_opts, sum[n], char *),       \
     .def = "", .flags = TA_OPT_HIDDEN, .help = "its SHA-256, set by the plan"}
#define TA_SOUND_NETWORK_ENGINE                                                                                \
    {.name = "engine", .kind = &ta_opt_text, TA_FIELD(struct ta_sound_network_opts, engine, char *),           \
     .def = "", .flags = TA_OPT_HIDDEN, .help = "what runs them, set by the plan"},                            \
    {.name = "runtime", .kind = &ta_opt_text, TA_FIELD(struct ta_sound_network_opts, runtime, char *),         \
     .def = "", .flags = TA_OPT_HIDDEN, .help = "the engine's version, set by the plan"},                      \
    {.name = "provider", .kind = &ta_opt_text, TA_FIELD(struct ta_sound_network_opts, provider, char *),       \
     .def = "", .flags = TA_OPT_HIDDEN, .help = "its part that drives the processor, set by the plan"}
// clang-format on

// Do the options name `count` networks, and an engine if `runtime`? Else TA_ERR_INVALID with the reason.
int ta_sound_network_check(const void *opts, int count, bool runtime, struct ta_buf *why);
// What runs it, for the journal: "onnx 1.20.0 CPUExecutionProvider".
void ta_sound_network_runtime(const void *opts, struct ta_buf *text);

// An input or output as a stage fills it: what the file must call it, and its size. 0 in `dim` is any.
struct ta_sound_tensor {
    const char *name; // NULL ends a list
    int count;
    int64_t dim[TA_SHAPE_MAX];
};

// A network in use. Its tensors are the caller's: set `data` and open sides before running it.
struct ta_sound_network {
    const struct ta_session *session;
    struct ta_network *network;
    struct ta_tensor in[8], out[8]; // in the network's order
    int in_at[8], out_at[8];        // places of what the lists name
};
// Network `which` of a stage's options, loaded by the cache or now, with inputs and outputs just as in the
// lists. 0 or TA_ERR_* after a message.
int ta_sound_network_open(struct ta_sound_network *n, const struct ta_sound_stage *s, int which,
                          const struct ta_sound_tensor *in, const struct ta_sound_tensor *out);
void ta_sound_network_close(struct ta_sound_network *n, const struct ta_sound_stage *s);
// The tensor that entry `i` of the list names.
struct ta_tensor *ta_sound_network_in(struct ta_sound_network *n, int i);
struct ta_tensor *ta_sound_network_out(struct ta_sound_network *n, int i);
int ta_sound_network_run(struct ta_sound_network *n, struct ta_log *log);

#endif
