// Inside view of the option set: the tables, typed values, and what a plan keeps of them.
#ifndef TA_RECIPE_OPTIONS_H
#define TA_RECIPE_OPTIONS_H

#include <jansson.h>
#include <libavutil/rational.h>

#include <terminalai/options.h>

#include "base/guard.h"
#include "base/opt.h"
#include "recipe/sound_options.h"

// What to make. Goes into the plan.
struct ta_recipe_opts {
    char *preset;
    char *resolution; // "auto", "source", "1080", "1440x1080"
    char *aspect;     // "auto" or "16:9": of the source's pictures as they are shown
    int quality;      // enum ta_quality
    char *encoder;    // "auto" or a row of ta_encoders
    bool hardware;
    double crf;
    int preset_speed; // index into ta_speed_choices; 0 follows the quality
    struct ta_range range;
    int64_t programme;     // of a broadcast; 0: that of the largest picture
    int scan;              // enum ta_scan_depth
    double segment_length; // seconds; 0: by the work
    int dither;            // enum ta_dither
    int audio_codec;       // enum ta_audio_codec
    int chapters;          // enum ta_chapters
    int pictures;          // enum ta_pictures
    bool framemd5;
};
// "16:9" or "2.35:1" as a number; 0/1 for "auto".
AVRational ta_aspect_from_text(const char *text);
enum ta_pictures { TA_PICTURES_RESTORE = 0, TA_PICTURES_COPY };
enum ta_chapters { TA_CHAPTERS_AUTO = 0, TA_CHAPTERS_SOURCE, TA_CHAPTERS_OFF };
enum ta_quality { TA_QUALITY_FAST = 0, TA_QUALITY_GOOD, TA_QUALITY_BEST };
enum ta_scan_depth { TA_SCAN_SAMPLE = 0, TA_SCAN_FULL };
enum ta_audio_codec {
    TA_AUDIO_CODEC_AUTO = 0,
    TA_AUDIO_CODEC_FLAC,
    TA_AUDIO_CODEC_AAC,
    TA_AUDIO_CODEC_OPUS,
    TA_AUDIO_CODEC_AC3,
    TA_AUDIO_CODEC_EAC3,
    TA_AUDIO_CODEC_PCM
};
enum ta_dither { TA_DITHER_AUTO = 0, TA_DITHER_NONE, TA_DITHER_ORDERED, TA_DITHER_ERROR_DIFFUSION };

// How to run. Never changes the output's bytes, but for engine and device, which plans keep.
struct ta_run_opts {
    int64_t jobs;   // segments at once; 0: by cores and memory
    int64_t memory; // bytes for segments that run at once; 0: by the machine
    char *work_dir; // "" beside the output
    bool keep_work, restart, no_resume, overwrite, strict;
    bool no_cache;         // asked for by ta_options_cache()
    int verify;            // enum ta_verify_depth
    int64_t max_temp_size; // bytes of segments and joined file on disk; 0: no limit
    char *engine, *device; // "auto", or the name of one
    char *engine_library;  // NULL: wherever it is found
    bool engine_fallback;
    int64_t batch;         // pictures that an engine gets at a time; 0: by the device and memory
    int64_t max_work_size; // bytes of all work folders that lie beside this one, itself included; 0: no limit
};
enum ta_verify_depth { TA_VERIFY_QUICK = 0, TA_VERIFY_FULL };

// The tables in the order of help, with the group each belongs to. A stage's options appear as "SLOT-NAME"
// ("denoise-strength").
struct ta_option_group {
    const char *title;  // "What to make", "Deinterlacing", "How to run"
    const char *prefix; // "" or the slot's name
    const struct ta_opt *table;
};
int ta_option_groups(const struct ta_option_group **groups); // the count; static
// The option by its full name, and its group (may be NULL); NULL if unknown.
const struct ta_opt *ta_option_find(const char *name, const struct ta_option_group **group);
// The name as it is listed when this is another way of spelling it ("color-gamma"), to be freed; else NULL.
char *ta_option_other_spelling(const char *name);
// Full name as the user writes it ("denoise-strength"); freed by the caller.
char *ta_option_full_name(const struct ta_option_group *group, const struct ta_opt *o);
// All full names, NULL-terminated, static for the process: for nearest-name messages and completion.
const char *const *ta_option_names(void);

// Typed values with defaults, preset and layers applied. Those that the caller holds are released with
// ta_opt_release() of the table.
extern const struct ta_choice ta_speed_choices[]; // "auto", then x264's preset names from fast to slow
extern const struct ta_opt ta_recipe_options[];
extern const struct ta_opt ta_run_options[];
// What to make: typed once, by the first that asks, and valid until the set changes. NULL after a failure.
int ta_options_recipe(struct ta_options *options, const struct ta_recipe_opts **out, struct ta_log *log);
// What to make of the sound; owns nothing.
int ta_options_sound(struct ta_options *options, struct ta_sound_recipe *out, struct ta_log *log);
int ta_options_run(struct ta_options *options, struct ta_run_opts *out, struct ta_log *log);
// What may not be written by a call with these options: the configuration and presets that were read so far,
// and what the caller adds. Borrowed.
struct ta_guard *ta_options_guard(struct ta_options *options);
// A set of its own with the same values.
void ta_options_clone(struct ta_options **out, const struct ta_options *options);
// The values of a plan's recipe, and over them what the caller of `options` has set. A preset that the caller
// names replaces what came from the plan's preset and from defaults.
int ta_options_over(struct ta_options **out, const struct ta_options *options, const json_t *recipe,
                    struct ta_log *log);
// Which stage the recipe names in a slot ("bwdif", "off"). Where a preset named it, it may be the quicker one
// that stands in for it (struct ta_stage_info).
int ta_options_slot(struct ta_options *options, const char *slot, const char **choice);
// Did the caller set it, not a preset, a file or the environment?
bool ta_options_by_caller(struct ta_options *options, const char *name);
// Where the caller set it (a file with a line), when that is not the option itself ("--NAME"); else NULL.
// Valid until the set changes.
const char *ta_options_place(struct ta_options *options, const char *name);
// Calls `visit` for each option of a stage that names a file and has a value ("none" is one), until it says
// false. Values are of the set, valid until it changes.
struct ta_stage_info;
void ta_options_each_file(struct ta_options *options,
                          bool (*visit)(void *priv, const struct ta_stage_info *stage, const char *name,
                                        const char *value),
                          void *priv);
// Typed options of a stage from the values "SLOT-...", those of a table without a slot where that is "":
// `values` zeroed, of the table's size.
int ta_options_stage(struct ta_options *options, const char *slot, const struct ta_opt *table, void *values,
                     struct ta_log *log);
// The next option of a slot that the caller set in vain: the chosen stage has none of that name (`table`;
// NULL: there is no stage), nor has `beside` (may be NULL), which another stage of the same slot takes. Its
// full name, to be freed; NULL when there is no more. *i is 0 at first.
char *ta_options_next_vain(struct ta_options *options, const char *slot, const struct ta_opt *table,
                           const struct ta_opt *beside, int *i);
// The options of all slots as the stages that are chosen take them: 0, or TA_ERR_* (logged). Warns of what
// the caller has set for a stage that does not have it or is off, as a run does; what only a source decides
// is left open.
int ta_options_check_stages(struct ta_options *options, struct ta_log *log);
// One description of ta_options_describe() as the JSON Schema of its value; a new reference.
json_t *ta_option_schema(const json_t *description);
// {"crf": {"value": "18", "from": "default"}, ...} for all options of the recipe (not those of running), in
// table order.
json_t *ta_options_recipe_json(struct ta_options *options);

#endif
