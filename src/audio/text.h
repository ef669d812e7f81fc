// A chain in libavfilter's words, built once for each distinct configuration.
#ifndef TA_AUDIO_TEXT_H
#define TA_AUDIO_TEXT_H

#include "audio/stage.h"

struct ta_tuning;

// The texts that were built, of one process; those used longest ago go first. Thread-safety: Safe.
struct ta_sound_texts;
struct ta_sound_text_counts {
    int64_t hits, misses; // asked for, and found or built
};
int ta_sound_texts_create(struct ta_sound_texts **out);
void ta_sound_texts_destroy(struct ta_sound_texts **t);
struct ta_sound_text_counts ta_sound_texts_counts(struct ta_sound_texts *t);

// The text of the stages, to be freed; "" for none. `texts` NULL, or the switch filter_chain_cache off: it is
// built each time, as it was done before. `tuning` NULL: the defaults.
char *ta_sound_text(struct ta_sound_texts *texts, const struct ta_sound_stage_plan *stages, int count,
                    const struct ta_tuning *tuning);

#endif
