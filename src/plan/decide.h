// Shared by the parts of the decision: decide.c (order, output, range, time, cuts), chain.c, film.c,
// streams.c.
#ifndef TA_PLAN_DECIDE_H
#define TA_PLAN_DECIDE_H

#include "base/problem.h"
#include "plan/plan.h"

struct ta_decision {
    const struct ta_plan_facts *facts;
    const struct ta_recipe_opts *recipe; // the options'
    const struct ta_encoder_info *encoder;
    struct ta_plan *plan;
    struct ta_log *log;
    struct ta_format cur; // after the stages placed so far
    AVRational film_rate; // nominal, of what inverse telecine gives
};

// A decision and its reason in words; more of one that was told, which stays one decision (what begins with
// the words of before is told in their place); a warning that the user should read.
void ta_decision_tell(struct ta_decision *d, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ta_decision_tell_more(struct ta_decision *d, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// `about` (what is known besides; may be NULL) as for ta_problem_at(). By the kind's severity it is a
// warning, or says that the output will lack something.
void ta_decision_warn(struct ta_decision *d, enum ta_problem_id id, const struct ta_problem_about *about,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

// Stages, size, encoder: fills stages, fields, deinterlaced, encoder and out_format.
// Can this output be made at all, by its name and the encoder? For before the source is read. NULL: nobody
// has named one. TA_ERR_* after a message.
int ta_plan_check_output(const char *input, const char *output, struct ta_options *options,
                         struct ta_log *log);
int ta_plan_choose_chain(struct ta_decision *d);
// Inverse telecine: fills film, constant_rate and the source's field order. *any is false when it would
// change nothing.
int ta_plan_choose_film(struct ta_decision *d, bool *any);

// Segments of about so many seconds for the plan's frames (0: by the work in them, which is told with *why
// when it makes them shorter than they would be; to be freed); replaces the plan's cuts. `shorter`, 1 or
// more: those by the work are so much shorter, for a machine that takes so much longer than most.
void ta_plan_choose_cuts(struct ta_plan *plan, const struct ta_index *index, double seconds, int shorter,
                         char **why);
// Shorter segments for a machine of `cores` on which one would take longer than half a minute by what was
// tried: of 20 seconds, because the machine may get slower; false when none would, and nothing is changed.
// *why as above. The plan has its index.
bool ta_plan_cut_for(struct ta_plan *plan, const struct ta_estimate *estimate, int cores, char **why);
// Seconds of one core that the whole is thought to take, by the tables of stages and encoders.
double ta_plan_work(const struct ta_plan *plan);
// The encoder's settings by the recipe, for pictures `in`. `hardware` is what works of it; may be NULL where
// the recipe wants none.
int ta_plan_encoder_for(const struct ta_recipe_opts *recipe, const struct ta_encoder_info *info,
                        const struct ta_format *in, int hdr_peak, const struct ta_hardware_facts *hardware,
                        struct ta_encoder_settings *out, struct ta_log *log);

// The shape of the source's pixels, and where pictures of another size or shape stand: fills
// source_format.sar and parts.
void ta_plan_choose_shape(struct ta_decision *d);
// Chapters and tags by the recordings on a DV tape, and what else is to be told of one.
void ta_plan_choose_scenes(struct ta_decision *d);
void ta_plan_tell_dv(struct ta_decision *d);

// Warns of what is wrong with the file as a whole.
void ta_plan_tell_faults(struct ta_decision *d);

// What was measured of a tape; all 0 where it was not. Noise in codes of 8 bits, as docs/json.md has it.
struct ta_tape {
    bool known;
    double luma, chroma, across, down, sure;
    bool coded;
    double black, white, levels_sure;
    int torn; // lines of the frame at the bottom
};
struct ta_tape ta_plan_tape(const struct ta_plan_facts *facts);
// The noise that denoise.motion is to expect, where its options leave that to the plan.
struct ta_denoise_motion_opts;
void ta_plan_set_noise(struct ta_decision *d, struct ta_denoise_motion_opts *o);
void ta_plan_tell_tape(struct ta_decision *d);

// Bits a second for sound that is encoded; 0: the encoder's default, or lossless.
int64_t ta_plan_sound_bit_rate(const char *codec, int channels);
// Of restored sound with so many channels: as asked for, else by codec. 0 or TA_ERR_*.
struct ta_stream_plan;
int ta_plan_choose_bit_rate(const struct ta_decision *d, struct ta_stream_plan *s, int channels);
// TA_ERR_USAGE, logged, where so many channels do not go into MP3 and `codec` is its encoder; else 0.
int ta_plan_check_mp3(const struct ta_decision *d, const char *codec, int channels);
// A plan without pictures to restore; `source` is what the file is known again by. As ta_plan_decide().
int ta_plan_decide_sound(struct ta_plan **out, const struct ta_plan_facts *facts,
                         const struct ta_fingerprint *source, struct ta_log *log);
// What happens to each stream of the source.
int ta_plan_choose_streams(struct ta_decision *d);
// Start of a stream by its container, in its own unit; AV_NOPTS_VALUE when unknown. Priming before it is not
// a start.
int64_t ta_plan_stream_start(const struct ta_decision *d, int stream);

#endif
