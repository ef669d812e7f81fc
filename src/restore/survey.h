// The survey as the program sees it. Nothing in it is decided: plans decide.
#ifndef TA_RESTORE_SURVEY_H
#define TA_RESTORE_SURVEY_H

#include <terminalai/survey.h>

#include "diagnose/measure.h"
#include "media/encode/encoder_hardware.h"
#include "media/facts.h"
#include "media/index/index.h"
#include "plan/plan.h"
#include "restore/callbacks.h"
#include "video/neural.h"

// What one reading of the source gave: by packets where these tell, or all decoded.
struct ta_survey_reading {
    struct ta_index *index; // NULL until asked for
    struct ta_measured
        *measured[2]; // [enum ta_depth], lists of a row of the table each; NULL until asked for
    bool looked;      // in the cache
};

struct ta_survey {
    char *input, *cache;
    struct ta_log *log;
    const struct ta_measure_info *const *table;
    int rows;      // of the table
    int programme; // that the readings are of
    bool has_facts;
    struct ta_source_facts facts;
    json_t *files;                        // of a source that is several, see joined.h; else NULL
    struct ta_survey_reading readings[2]; // [everything decoded]
    // Of this machine and its files, as they were when first asked; not kept for later runs.
    bool has_hardware;
    struct ta_hardware_facts hardware;
    struct ta_neural_facts neural;
    struct ta_neural_facts fields; // of the network that deinterlaces
    char *nvvfx;                   // version of NVIDIA's library; NULL: not looked for, or not here
    struct ta_named_file *named;   // those that plans' options have named so far
    int named_count;
};

// What a plan asks for.
struct ta_survey_wish {
    bool decode_all;     // the index from a full decode
    int programme;       // of a broadcast; 0: that of the largest picture
    enum ta_depth depth; // of what is measured; a sample that can't tell becomes full
};

// What it gets; borrowed.
struct ta_survey_view {
    struct ta_index *index;
    const struct ta_measured *measured; // [rows]
};
int ta_survey_require(struct ta_survey *s, const struct ta_survey_wish *wish, struct ta_meter *meter,
                      struct ta_survey_view *out, struct ta_log *log);

// Tries the hardware; once.
void ta_survey_look_at_hardware(struct ta_survey *s);
// Finds the files that stages' options name; each once. One that can't be used is no error here: the plan may
// not need it.
void ta_survey_find_files(struct ta_survey *s, struct ta_options *options);

// The same of the network that deinterlaces; finds its file itself.
void ta_survey_look_at_fields(struct ta_survey *s, struct ta_options *options, const struct ta_env *env);
// Opens NVIDIA's library. That there is none is no error here.
void ta_survey_look_at_rtx(struct ta_survey *s, const struct ta_env *env);
// Opens the engine that options of running name and tries the network of the recipe; after the files were
// found. What fails is no error here either.
void ta_survey_look_at_engine(struct ta_survey *s, struct ta_options *options, const struct ta_env *env);

// Another table of measures than the program's; before anything was measured.
void ta_survey_set_measures(struct ta_survey *s, const struct ta_measure_info *const *table);
// Takes over what a plan knows of its source, so that another plan of it reads and measures nothing again.
void ta_survey_adopt(struct ta_survey *s, const struct ta_plan *plan);

// ---- survey.json (survey_json.c) ----

enum { TA_SURVEY_VERSION = 1 };
// What was measured on this index; NULL when nothing was.
json_t *ta_survey_reading_json(const struct ta_survey *s, const struct ta_survey_reading *r);
// Takes what fits index and table; true when anything did.
bool ta_survey_reading_take(struct ta_survey *s, struct ta_survey_reading *r, const json_t *root);
// A survey.json that is of the index with this checksum; NULL when it is missing, garbled or of another.
json_t *ta_survey_load(const char *path, const char *index_checksum);
int ta_survey_save(const json_t *root, const char *path, struct ta_log *log);
// The same in a folder that is held open.
json_t *ta_survey_load_in(const struct ta_folder *folder, const char *name, const char *index_checksum);
int ta_survey_save_in(const json_t *root, const struct ta_folder *folder, const char *name,
                      struct ta_log *log);

#endif
