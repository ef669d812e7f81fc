// Cadence: which fields of telecined video belong to one film frame. The decision part, without any I/O.
#ifndef TA_DIAGNOSE_CADENCE_H
#define TA_DIAGNOSE_CADENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "diagnose/field_metrics.h"
#include "media/film.h"

// Decides for all frames of a file at once. Known cadences (2:2 in either phase, 2:3, 2:3:3:2, 2:2:2:4, 3:3)
// and video are the states of a model; the fields take the way through them that contradicts the fewest
// measurements, and every change of state (an edit, an insert) must be worth a few. So noise breaks no
// cadence, stills keep the one around them, and edits lie at the very field.
//
// A film frame of which an edit left a single field is dropped, as it can't be woven; the frame before lasts
// on. Two such fields in one frame are video.
//
// `triples` holds the triples of the field order for each frame; `out` gets an action for each.
// 0 or TA_ERR_NOMEM.
int ta_cadence_decide(const struct ta_field_triple (*triples)[2], int64_t count, bool top_first,
                      struct ta_film_frame *out);

#endif
