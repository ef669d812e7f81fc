// What becomes of sound that is restored: decided from what was heard of each track, written to the plan's
// JSON and read back, and the tasks that follow from it.
//
// Places are counted in samples of a track, at its true rate, from output time 0; those of facts from the
// source's time 0. A track is made in pieces of whole seconds, tasks of the kind "sound"; what needs the
// whole track (loudness, encoding) is one task more, "sound-finish".
#ifndef TA_PLAN_SOUND_H
#define TA_PLAN_SOUND_H

#include <jansson.h>

#include <terminalai/task.h>

#include "audio/heard.h"
#include "audio/stage.h"
#include "plan/plan.h"
#include "recipe/options.h"

// The first sample of the frame with this time (of the stream) lies at this place.
struct ta_sound_anchor {
    int64_t pts, place;
};

// What was heard of a whole track.
struct ta_sound_facts {
    int stream;
    struct ta_sound_format format;
    int64_t start, end;   // places of its first sample and behind its last one
    AVRational true_rate; // samples in a second of the source's clock; format.rate where nothing else is sure
    double drift;         // of the sound card's clock, as measured: 1e-6 is one sample in a million too many
    double drift_sure;    // 0 to 1
    struct ta_sound_anchor *anchors; // rising
    int anchor_count;
    int64_t gaps, overlaps, decode_errors, bad_samples; // bad: no numbers
    // Of two channels: mean squares, and the mean of their product.
    double left, right, product;
    double peak; // 1 is full scale
    struct ta_sound_measured heard;
};
void ta_sound_facts_release(struct ta_sound_facts *f);

enum { TA_SOUND_PIECE_SECONDS = 600 };

struct ta_sound_plan {
    int stream; // number in the source
    struct ta_sound_format in, out;
    struct ta_sound_stage_plan *stages;
    int stage_count;
    AVRational true_rate;
    int64_t start, end;              // places
    int64_t piece;                   // samples of a piece: a whole number of seconds
    struct ta_sound_anchor *anchors; // [pieces]: where reading begins; pts AV_NOPTS_VALUE: at the start
    int64_t gaps, overlaps, decode_errors, bad_samples; // as heard
    json_t *heard;                                      // what else was, in words for the plan
    double loudness;                                    // LUFS; 0: as it comes
    double ceiling;                                     // dBTP; 0: peaks are let alone
};
void ta_sound_plans_release(struct ta_plan *plan);

// How many pieces it is made in, and the places of piece k.
int ta_sound_pieces(const struct ta_sound_plan *s);
void ta_sound_piece(const struct ta_sound_plan *s, int k, int64_t *first, int64_t *end);
// Where reading begins for a piece whose first sample is this one.
int64_t ta_sound_piece_from(const struct ta_sound_plan *s, int64_t first);
// The track that task `task` (of the kind "sound" or "sound-finish") is of; *piece is its number, -1 for the
// finish. NULL: there is none of that index.
const struct ta_sound_plan *ta_sound_of_task(const struct ta_plan *plan, const struct ta_task *task,
                                             int *piece);
// The plan of this stream's sound; NULL: it is not restored.
const struct ta_sound_plan *ta_sound_of_stream(const struct ta_plan *plan, int stream);

// Does the recipe ask for more than copies and what containers need? Then all of the sound is listened to.
bool ta_sound_is_wanted(const struct ta_recipe_opts *recipe, const struct ta_sound_recipe *sound);

struct ta_decision;
struct ta_reading;
struct ta_stream_choice;
// Decides for one stream: adds a plan, and changes what becomes of the stream. 0 or TA_ERR_*.
int ta_plan_choose_sound(struct ta_decision *d, int stream, struct ta_stream_choice *choice);
// What was heard, for the plan and for people; a new reference.
json_t *ta_sound_heard_json(const struct ta_sound_facts *f);
// The plan's range has become smaller, its offset was `offset` before: cuts the tracks to it and lists their
// tasks anew. Only while no other tasks are listed.
void ta_plan_narrow_sound(struct ta_plan *plan, int64_t offset);
// Lists the tasks of all of them, behind the segments.
void ta_plan_list_sound(struct ta_plan *plan);

// The member "sound"; NULL when there is none.
json_t *ta_sound_plans_json(const struct ta_plan *plan);
void ta_plan_read_sound(struct ta_plan *plan, const json_t *root, struct ta_reading *in);
// Are the tasks of sound just those that follow from the plans of sound, and these of streams that become it?
void ta_plan_trust_sound(const struct ta_plan *plan, struct ta_reading *in);

extern const char ta_task_sound_kind[], ta_task_sound_finish_kind[]; // "sound", "sound-finish"

#endif
