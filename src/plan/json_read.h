// The parts of a plan's JSON that are read in files of their own, one behind the other; each stops where the
// reading before it has failed.
#ifndef TA_PLAN_JSON_READ_H
#define TA_PLAN_JSON_READ_H

#include "base/reading.h"
#include "plan/plan.h"

// The second is that of plans whose source is several files.
enum { TA_PLAN_VERSION = 1, TA_PLAN_VERSION_FILES = 2 };

// "30000/1001" at `key`, both sides at least 1; 0/1 when wrong.
AVRational ta_read_positive(struct ta_reading *in, const json_t *o, const char *key);
// {"before": ..., "after": ...} at "reach": what the stages need, and nothing else.
struct ta_reach ta_read_reach(struct ta_reading *in, const json_t *owner, const struct ta_stage_plan *stages,
                              int count);
// "encoder", for pictures of this format: what this program chooses for them. Released also after failure.
void ta_read_encoder(struct ta_reading *in, const json_t *owner, const struct ta_format *pictures,
                     int hdr_peak, struct ta_encoder_settings *out);
// "stages" of `owner`: *stages is allocated, also on failure, and *count (0 before) of it are to be released.
void ta_read_stages(struct ta_reading *in, const json_t *owner, const struct ta_format *source,
                    struct ta_stage_plan **stages, int *count);

// Pictures that change, the member "parts" of `video`; absent in plans without.
void ta_plan_read_parts(struct ta_plan *plan, const json_t *video, struct ta_reading *in);
// The part on inverse telecine, of the member "film" of `video`; absent in plans without.
void ta_plan_read_film(struct ta_plan *plan, const json_t *video, struct ta_reading *in);
// "redo" of `video`, absent in plans without: names the segments too. When cuts and base cuts are known.
void ta_plan_read_redo(struct ta_plan *plan, const json_t *video, struct ta_reading *in);
// "tasks", absent in plans of segments that need nothing: refuses two tasks of one name, needs that are no
// task, and circles. When the segments are known.
void ta_plan_read_tasks(struct ta_plan *plan, const json_t *root, struct ta_reading *in);
// Chapters and tags, the member "container", absent in plans that leave these as the source has them.
void ta_plan_read_scenes(struct ta_plan *plan, const json_t *root, struct ta_reading *in);

// What no member says alone: all that follows from other members is what this program would have decided from
// them. Notes in `in` what is not.
void ta_plan_trust(const struct ta_plan *plan, struct ta_reading *in);

#endif
