// Stages: one step on frames each, one file each, listed in stages.c. How to add one: docs/stages.md.
#ifndef TA_VIDEO_STAGE_H
#define TA_VIDEO_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include "base/opt.h"
#include "media/format.h"

struct ta_buf;
struct ta_env;
struct ta_log;
struct ta_stage;

// Frames that a stage needs before and after the one it works on, counted in its input, to give what it gives
// with all frames. A recursive stage says how many it takes until its memory of the start has faded (80 dB
// against an endless run).
struct ta_reach {
    int before, after;
};

// Which thread of a segment's chain a stage works in.
enum ta_stage_thread {
    TA_THREAD_SHARED = 0, // that of its neighbours
    // Takes about as long as all the others together: the next of them in a chain begins a thread that those
    // behind it share.
    TA_THREAD_HEAVY,
    // Work on large pictures costs about as much as all that was done to the small ones before: the first of
    // these in a chain begins a thread that those behind it share.
    TA_THREAD_LATER,
    TA_THREAD_OWN, // one of its own: it waits for a device
};

// Frames that wait in front of a thread of TA_THREAD_HEAVY: both sides are always busy, and a picture may
// carry much.
enum { TA_STAGE_HEAVY_QUEUE = 3 };

// The recipe's quality, for set_quality().
enum { TA_STAGE_FAST = 0, TA_STAGE_GOOD, TA_STAGE_BEST };

// What was measured of the source, for set_measured(). Codes of 8 bits, limited range.
struct ta_stage_measured {
    bool known;                      // else nothing was, and the rest is 0
    double noise_luma, noise_chroma; // standard deviations
    double black, white;             // levels; 0 where they say nothing about the recording
    int torn;                        // lines at the bottom that switching heads have torn
};

// What one running instance of a stage takes, besides the frames that are on their way to it.
struct ta_stage_needs {
    int frames;    // at a time, 1 to TA_STAGE_FRAMES_MAX
    int64_t bytes; // its buffers; not what sessions hold, which all instances share
};
enum { TA_STAGE_FRAMES_MAX = 64 };

// A file that an option of a stage names, as it was found before planning; plain data.
struct ta_stage_info;
struct ta_named_file {
    const struct ta_stage_info *stage;
    char *value; // of the option
    char *path, sum[65];
    int err;   // why it can't be used, 0 when it can
    char *why; // ... in words
};

struct ta_stage_info {
    const char *name;    // "denoise.hqdn3d": unique; the part before the dot is the slot that recipes fill
    const char *choice;  // what recipes call it; NULL: the part of its name behind the dot
    const char *summary; // one line for help and docs
    // What recipes call a quicker one of the same slot. It takes this one's place where a preset chose this
    // one and the quality is fast, or the caller sets an option that only the quicker one has. NULL: none.
    const char *lighter;
    const struct ta_opt *options; // NULL for none
    size_t options_size;
    size_t priv_size; // native stages
    // libavfilter's filters that describe() uses, NULL-terminated; NULL for native stages. Checked while
    // planning.
    const char *const *filters;
    bool needs_yuv; // takes three planes of YUV and nothing else: no RGB, gray or alpha
    // Moves or covers samples and computes none: works on the source's own format, before the plan changes to
    // the one that is worked in. For slots at the start of the chain.
    bool keeps_samples;
    bool by_field; // never mixes the lines of an interlaced frame's two fields
    // Of the slot "scale": it scales by what it is, 2 for example, and has options of its own. Without it the
    // stage has those of struct ta_convert_opts (stages.h), and gives just that size and format.
    bool own_factor;
    bool engine; // runs a network: there must be sessions (infer/sessions.h) in the environment
    enum ta_stage_thread thread;
    // These options would change nothing in such pictures: the plan leaves the stage out. NULL means they
    // always do something. Asked of stages whose slot has no choice "off", and of those with set_measured().
    bool (*neutral)(const void *opts, const struct ta_format *in);
    // The option that names a file, NULL for none, and what is found of it before planning: its path from the
    // root and its checksum, both of which the plan keeps. Logs why it can't be used. find_file NULL: it is a
    // network, by file or name, and is found by recipe/models.h.
    const char *file_option;
    int (*find_file)(const char *value, char **path, char sum[65], struct ta_log *log);
    // Replaces what is "auto" in the options by what the recipe's quality asks for. While planning.
    void (*set_quality)(void *opts, int quality);
    // Replaces what is "auto" in the options by what was measured, and says so in `why` where it matters
    // ("for noise of 4.0"). While planning, before neutral() and prepare(); also twice.
    void (*set_measured)(void *opts, const struct ta_stage_measured *m, struct ta_buf *why);
    // Once while planning, before the first configure(): notes in hidden options what the file must be, so
    // that the plan alone says what is done. `file` is what was found of the one that is named; NULL: none.
    // Opens nothing; logs why it refuses. `source` is what the recipe's pictures were before the plan
    // converted them for this stage.
    int (*prepare)(void *opts, const struct ta_format *source, const struct ta_named_file *file,
                   struct ta_log *log);
    // Frames needed, for these options and this input; NULL means none. Called while planning.
    struct ta_reach (*reach)(const void *opts, const struct ta_format *in);
    // Output frames for each interlaced input frame: 1 or 2. NULL means 1. Progressive frames always give
    // one.
    int (*fields)(const void *opts);
    // Sets *out (a copy of *in when called) or refuses: TA_ERR_UNSUPPORTED with the reason in `why` ("does
    // not take gbrp"). Pure.
    int (*configure)(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why);
    // Stages that libavfilter does write their filter text. Neighbours of this kind become one graph. A
    // native stage may have it, too: it says in libavfilter's words what process() does, for reports.
    int (*describe)(const void *opts, const struct ta_format *in, const struct ta_format *out,
                    struct ta_buf *text);
    // Could it start with this environment? While planning, after configure(). Reads a model's manifest and
    // shapes and loads nothing. TA_ERR_* with the reason in `why`. NULL: whoever is configured can start.
    // Planning also tries init() of stages that need no engine.
    int (*check)(const void *opts, const struct ta_format *in, const struct ta_env *env, struct ta_buf *why);
    // Of stages with an engine: what runs it, as the plan has it ("onnx 1.32.0 CPUExecutionProvider"). Files
    // that another one has made are not used. NULL: none.
    void (*runtime)(const void *opts, struct ta_buf *text);
    // What one running instance takes; *needs is {1, 0} when called. NULL: that. While planning (for the
    // memory of segments that run at once), and before init(). Pure.
    void (*needs)(const void *opts, const struct ta_format *in, const struct ta_env *env,
                  struct ta_stage_needs *needs);
    // Milliseconds of one core for an output of a million pixels, roughly and the same on every machine.
    // NULL: as the quick ones (see ta_stage_plan_cost()). While planning; decides how long segments are.
    double (*cost)(const void *opts);
    // Native stages: starts one; may be NULL. Called once, before the first frame, in the thread that the
    // stage works in.
    int (*init)(struct ta_stage *s);
    // Native stages have one of the next two. in == NULL means end of stream. Emits with ta_stage_emit(); may
    // hold frames back. Owns `in`, also on failure.
    int (*process)(struct ta_stage *s, AVFrame *in);
    // The same for stages that take several frames at a time: as many as needs() says, fewer before the end
    // of the stream; count == 0 is the end. Owns the frames, also on failure, but not the array.
    int (*process_many)(struct ta_stage *s, AVFrame **in, int count);
    void (*release)(struct ta_stage *s);
};

// A running native stage. Thread-safety: Unsafe.
struct ta_stage {
    const struct ta_stage_info *info;
    const void *opts;
    struct ta_format in, out;
    void *priv;
    const struct ta_env *env;                    // what it may use (base/env.h); never NULL
    struct ta_log *log;                          // the environment's
    int frames;                                  // at a time: what needs() said
    int (*emit)(void *receiver, AVFrame *frame); // set by the chain
    void *receiver;
};
int ta_stage_emit(struct ta_stage *s, AVFrame *frame); // takes the frame
// Before a stage writes into a frame that others may hold: copies it where they do. On failure logs, frees it
// and returns TA_ERR_NOMEM.
int ta_stage_make_writable(struct ta_stage *s, AVFrame **frame);
// Logs that memory ran out and returns TA_ERR_NOMEM.
int ta_stage_no_memory(struct ta_stage *s);

// All stages, NULL-terminated.
extern const struct ta_stage_info *const ta_stages[];
const struct ta_stage_info *ta_stage_find(const char *name);

// Slots of a recipe in the order of the chain. A slot with choices is an option of the recipe ("--denoise
// hqdn3d"), whose first choice leaves the slot empty (but for "scale": the plan knows whether to); one
// without holds a single stage that its own options switch on ("--colour-saturation 1.1"), or is filled by
// the plan.
struct ta_slot_choice { // the field that `option` sets: index into its choices
    int stage;
};
struct ta_slot {
    const char *name;
    const char *title;           // heading in help
    const struct ta_opt *option; // the choice, a table of one entry; NULL when there is none
    bool planned; // the plan decides whether it is filled, and by which stage where there is no choice
};
extern const struct ta_slot ta_slots[]; // ends with name NULL
// What recipes call a stage.
const char *ta_stage_choice(const struct ta_stage_info *stage);
// The stage of a slot that a choice names; NULL for "off".
const struct ta_stage_info *ta_slot_chosen(const char *slot, const char *choice);
// The first stage of a slot: its only one where there is no choice.
const struct ta_stage_info *ta_slot_stage(const char *slot);
// The options of a slot's stages, each name once; static table, NULL for none. An option that several stages
// of a slot have must be the same entry in all of them.
const struct ta_opt *ta_slot_options(const char *slot);

// A stage in a plan: resolved options and formats.
struct ta_stage_plan {
    const struct ta_stage_info *info;
    void *opts; // options_size bytes, released with ta_opt_release()
    struct ta_format in, out;
};
// Options at their defaults.
void ta_stage_plan_init(struct ta_stage_plan *p, const struct ta_stage_info *info,
                        const struct ta_format *in);
// Configures with p->opts; on refusal logs "STAGE: reason".
int ta_stage_plan_configure(struct ta_stage_plan *p, struct ta_log *log);
// Can it start here? On refusal logs "STAGE: reason". Loads nothing.
int ta_stage_plan_check(const struct ta_stage_plan *p, const struct ta_env *env);
double ta_stage_plan_cost(const struct ta_stage_plan *p);
struct ta_stage_needs ta_stage_plan_needs(const struct ta_stage_plan *p, const struct ta_env *env);
void ta_stage_plan_release(struct ta_stage_plan *p);
// The field of one of its options, or NULL when it has none of this name.
const void *ta_stage_option(const struct ta_stage_plan *p, const char *name);

#endif
