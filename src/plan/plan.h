// The plan as the program sees it. Made by decide.c from facts alone; json.c writes it,
// json_read.c reads it.
#ifndef TA_PLAN_PLAN_H
#define TA_PLAN_PLAN_H

#include <jansson.h>

#include <terminalai/plan.h>

#include "diagnose/measured.h"
#include "diagnose/scan_type.h"
#include "media/encode/encoder_settings.h"
#include "media/facts.h"
#include "media/film.h"
#include "media/fit.h"
#include "media/index/index.h"
#include "media/mux/mux.h"
#include "recipe/options.h"
#include "video/edges.h"
#include "video/stage.h"

// What happens to a stream of the source. Output order: the restored video first, then the others in source
// order.
struct ta_stream_plan {
    int stream; // number in the source
    enum ta_stream_kind kind;
    char *source_codec;
    enum ta_stream_action action;
    char *codec;      // encoder for TRANSCODE, else ""
    int64_t bit_rate; // for TRANSCODE, 0: the encoder's default
    int64_t start; // sound: output time at which it starts, AV_TIME_BASE units; AV_NOPTS_VALUE when unknown
                   // or cut by a range
    char *reason;  // for TRANSCODE and DROP, else ""
};

// A range that is made with other settings than the rest.
struct ta_redo {
    int64_t first, count; // source frames
    struct ta_stage_plan *stages;
    int stage_count;
    struct ta_reach reach;
    struct ta_encoder_settings encoder;
    json_t *changes; // {"option": {"was": ..., "is": ...}}
};
// What a segment's files and journal lines go by: its number in the plan as it was without redone ranges, or
// else the checksum of all that decides its pictures.
struct ta_segment_name {
    int number; // -1: by key
    char key[65];
};

// A task that is no segment, or what a segment needs; see plan/tasks.h.
struct ta_listed_task {
    char *kind, *stem;
    int index;               // among those of its kind; of a segment its number
    int64_t frames, samples; // what the result must count; 0: nothing of that
    int *needs;              // numbers of tasks
    int need_count;
};

// The output of a preview: what is restored beside the source it is made from.
enum ta_show_layout { TA_SHOW_SIDE = 0, TA_SHOW_SPLIT, TA_SHOW_STACK };
extern const struct ta_choice ta_show_layouts[];
struct ta_show {
    int layout;             // enum ta_show_layout
    struct ta_format chain; // what the chain gives; the plan's out_format is the board that is encoded
    char *names[2];         // of source and result, for the labels
    char *details[2];       // what stands behind them
};

// No time in a plan is farther from 0, in its unit: sums of two do not overflow.
#define TA_PLAN_TIME_MAX (INT64_MAX >> 2)
// Output frames of a segment at least: as many as any encoder holds back.
enum { TA_MIN_SEGMENT_OUT = 16 };

struct ta_plan {
    struct ta_log *log;
    char *input, *output;
    // The same from any folder, for the JSON: a plan is run by programs that are started elsewhere. NULL: as
    // above.
    char *input_at, *output_at;
    char *folder;    // where it was read from; NULL when it was not
    char *read_from; // the file; NULL when it was not given as one
    const struct ta_container_info *container;
    struct ta_fingerprint source; // identity of the file that was planned for
    json_t *source_files; // where the source is several files: what they are, for the record; else NULL
    char index_checksum[65];

    struct ta_format source_format;
    int64_t first_frame, frame_count; // the source frames that are used (--range), numbers in the index
    int64_t out_frames;
    // Pictures that are not like source_format, and those between them: all frames of the range, fitted into
    // it. None where all are alike.
    struct ta_part *parts;
    int part_count;
    struct ta_scan_run *runs; // scan types over exactly first_frame..first_frame+frame_count-1
    int run_count;
    // Inverse telecine: what becomes of each of the same frames; NULL without.
    struct ta_film_run *film;
    int film_count;
    AVRational constant_rate; // output frames at even distances; 0/1: when the source shows them
    int64_t *film_out;        // derived: output frames before each run
    int64_t film_start;       // derived: first source frame that gives one
    bool deinterlaced;        // interlaced runs become progressive
    int fields;               // output frames for each interlaced frame: 1 or 2
    struct ta_stage_plan *stages;
    int stage_count;
    struct ta_reach reach; // source frames before and after a segment
    struct ta_format out_format;
    struct ta_show *show; // NULL but for previews
    struct ta_encoder_settings encoder;
    struct ta_redo *redos; // later ones count where they overlap; none for most plans
    int redo_count;
    // Only with redos: the cuts before these, and the segments' names.
    int64_t *base_cuts;
    int base_count; // segments of base_cuts
    struct ta_segment_name *names;
    int64_t *cuts; // source frame where each segment starts; cuts[segment_count] is the end
    int segment_count;
    // Tasks beside the segments, and segments that need something, by number; none for most plans.
    struct ta_listed_task *listed, *needing;
    int listed_count, needing_count;

    // Output time 0 is the earliest start of the kept streams (or of the range). A source time t (video time
    // base) becomes t * time_scale - offset in out_time_base = time base / time_scale.
    int time_scale; // 2 for half-way times of second fields, more where sound starts first and the unit is
                    // coarse
    AVRational out_time_base;
    int64_t offset;                 // in out_time_base
    int64_t range_start, range_end; // for the other streams, AV_TIME_BASE units; AV_NOPTS_VALUE: open

    struct ta_stream_plan *streams;
    int stream_count;
    struct ta_sound_plan *sounds; // of streams whose sound is restored, in their order (plan/sound.h)
    int sound_count;

    // Instead of the source's own; NULL: those.
    struct ta_mux_chapter *chapters;
    int chapter_count;
    int no_chapters;    // switch: none at all
    AVDictionary *tags; // of the file, over the source's own; NULL: none

    bool sound_only; // no pictures are restored: those that there are are copied, and there is no index
    int framemd5;    // switch: checksums of the output's frames are written beside it

    json_t *recipe;    // values with their origin
    json_t *diagnosis; // scan type and what the index found, with depth
    json_t *decisions; // [{what, why}]: words for a person
    json_t *warnings;  // problems; strings in plans of before

    // Shared and owned; not part of the JSON.
    struct ta_index *index;
    json_t *survey; // what was measured, as survey.json has it; NULL when not known
    char *json;     // the stable text
};

struct ta_sound_facts;
struct ta_sound_network_facts;
struct ta_sound_plan;

// Everything that the decision needs; filled by ta_plan_create() (reads files) or by tests.
struct ta_plan_facts {
    const char *input, *output; // output NULL: default name
    struct ta_options *options;
    const struct ta_index *index;
    const struct ta_scan_result *scan;
    const struct ta_measured *measured; // all that was measured, the scan type too
    int measured_count;
    const struct ta_hardware_facts *hardware; // where the recipe wants it
    const struct ta_neural_facts *neural;     // where the recipe may want a network, else NULL
    const struct ta_neural_facts *fields;     // of the network that deinterlaces, where it is wanted
    const char *nvvfx;                        // version of NVIDIA's library, where it is wanted and here
    const struct ta_named_file *files;        // that options of the recipe name
    int file_count;
    const struct ta_source_facts *source; // streams, metadata
    const struct ta_sound_facts *sounds;  // of streams whose sound was listened to
    int sound_count;
    // Of the networks that clean sound and give it treble, where they are wanted, else NULL.
    const struct ta_sound_network_facts *denoiser, *extender;
};
// Pure: no I/O but the reading of files that options name (look-up tables), whose checksums become part of
// the plan. Whether this machine can do what it says is ta_plan_check()'s. Sets everything but index and
// json.
int ta_plan_decide(struct ta_plan **out, const struct ta_plan_facts *facts, struct ta_log *log);

// Stable text and back. from_json() believes nothing: it accepts what this program could have decided, for
// whatever source, and refuses the rest with one line. It opens and builds nothing; whether this machine can
// do it is ta_plan_check()'s.
char *ta_plan_to_json(const struct ta_plan *plan);
int ta_plan_from_json(struct ta_plan **out, const char *text, size_t size, const char *name,
                      struct ta_log *log);

// Is it a plan of this source? Only then may its timeline be asked, which counts in the index's times. 0, or
// TA_ERR_FORMAT after a message.
int ta_plan_fits_source(const struct ta_plan *plan, const struct ta_index *index, const char *where,
                        struct ta_log *log);
// Does an output of this name ("-": standard output) get this container?
bool ta_plan_output_fits(const struct ta_container_info *container, const char *output);

// The peak of HDR10 in cd/m2 when these stages make it, else 0.
int ta_plan_hdr10_peak(const struct ta_stage_plan *stages, int count);

// Pictures that change, the member "parts" of `video`; absent in plans without.
json_t *ta_plan_parts_to_json(const struct ta_plan *plan);
// Chapters and tags, the member "container"; NULL in plans that leave these as the source has them.
json_t *ta_plan_scenes_to_json(const struct ta_plan *plan);
void ta_plan_scenes_release(struct ta_plan *plan);

// The part on inverse telecine, of the member "film" of `video`; absent in plans without.
json_t *ta_plan_film_to_json(const struct ta_plan *plan);

// Timeline. A frame's number of output frames: 2 for interlaced frames of a plan with fields == 2, else 1;
// with inverse telecine also 0, or more where frames are repeated.
enum ta_scan_type ta_plan_scan_of(const struct ta_plan *plan, int64_t source_frame);
int ta_plan_fields_of(const struct ta_plan *plan, int64_t source_frame);
// The next source frame, this one included, that has an output frame; the end of the range where none has.
int64_t ta_plan_giving(const struct ta_plan *plan, int64_t source_frame);
// How many of these are the same picture in succession.
int ta_plan_copies_of(const struct ta_plan *plan, int64_t source_frame);
// Output frames made from source frames first_frame..source_frame-1.
int64_t ta_plan_out_before(const struct ta_plan *plan, int64_t source_frame);
// What inverse telecine does with a frame; TA_FILM_DROP for frames beside the range. Only for plans with
// film.
char ta_plan_film_of(const struct ta_plan *plan, int64_t source_frame);
// Computes what is derived from `film`. 0 or TA_ERR_NOMEM.
int ta_plan_index_film(struct ta_plan *plan);
// Cuts `film` down to the plan's range. 0 or TA_ERR_NOMEM.
int ta_plan_narrow_film(struct ta_plan *plan);
// Presentation time in out_time_base of output frame `field` (from 0) of a source frame that has it. Strictly
// increasing along the output.
int64_t ta_plan_time_of(const struct ta_plan *plan, const struct ta_index *index, int64_t source_frame,
                        int field);
int64_t ta_plan_end_time(const struct ta_plan *plan, const struct ta_index *index); // end of the last frame

// The number of the first source frame that is not before `t` (by output time, percent of the source, or
// number); the source's frame count when all are.
int64_t ta_plan_frame_of(const struct ta_plan *plan, const struct ta_index *index, const struct ta_time *t);

// Segment `k`: its source frames and output frames.
struct ta_segment {
    int index;
    int64_t source_first, source_count;
    int64_t out_first, out_count;
    // How it is made; borrowed from the plan.
    const struct ta_stage_plan *stages;
    int stage_count;
    struct ta_reach reach;
    const struct ta_encoder_settings *encoder;
};
struct ta_segment ta_plan_segment(const struct ta_plan *plan, int k);
// Any range of source frames within the plan's, as if it were a segment (index -1).
struct ta_segment ta_plan_range(const struct ta_plan *plan, int64_t first, int64_t end);

// The source frames that a segment must read, with its reach: *first..*end-1.
void ta_plan_segment_input(const struct ta_plan *plan, const struct ta_segment *segment,
                           const struct ta_index *index, int64_t *first, int64_t *end);

// What the stages cut off at the source's sides, as stored.
struct ta_edges ta_plan_cut(const struct ta_plan *plan);

void ta_show_destroy(struct ta_show **show);

// Stages as the plan's JSON has them.
json_t *ta_stages_json(const struct ta_stage_plan *stages, int count);

#endif
