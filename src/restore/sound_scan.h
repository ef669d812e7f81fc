// Listening to whole tracks before planning: where their samples lie, and what is to be heard in them.
#ifndef TA_RESTORE_SOUND_SCAN_H
#define TA_RESTORE_SOUND_SCAN_H

#include "media/facts.h"
#include "plan/sound.h"
#include "restore/callbacks.h"

// Decodes every track of sound, one after the other; *out is an array of *count, to be freed with
// ta_sound_scan_free(). A track that can't be decoded has no facts, which is no error. `correct_drift`: a
// sound card's clock that surely runs off gives the facts' true rate, and places are counted by it. 0,
// TA_ERR_CANCELED, TA_ERR_NOMEM, or why the source can't be read.
int ta_sound_scan(const char *input, const struct ta_index *index, const struct ta_source_facts *source,
                  bool correct_drift, struct ta_meter *meter, struct ta_sound_facts **out, int *count,
                  struct ta_log *log);
// Hears six excerpts of twenty seconds, or what is shorter whole, where nothing is asked of sound: what was
// heard is all that these facts have. Says nothing of what can't be read. 0, TA_ERR_CANCELED or TA_ERR_NOMEM.
int ta_sound_glance(const char *input, const struct ta_index *index, const struct ta_source_facts *source,
                    const struct ta_cancel *cancel, struct ta_sound_facts **out, int *count);
void ta_sound_scan_free(struct ta_sound_facts **facts, int *count);

#endif
