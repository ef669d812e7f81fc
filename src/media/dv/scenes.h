// Where recordings begin on a DV tape: the date or the timecode of its frames jumps.
#ifndef TA_MEDIA_DV_SCENES_H
#define TA_MEDIA_DV_SCENES_H

#include "media/dv/facts.h"

struct ta_dv_scene {
    uint32_t frame;                // where it begins
    uint32_t timecode, date, time; // at its beginning; TA_DV_NONE: the tape does not tell
};

// What is known at a frame.
struct ta_dv_moment {
    uint32_t frame;
    int64_t seconds; // by the date; INT64_MIN
    int64_t count;   // frames by the timecode; INT64_MIN
    uint32_t timecode, date, time;
};

// Zero-initialised is a valid start.
struct ta_dv_scenes {
    struct ta_dv_scene *list; // owned; the first one is frame 0's
    size_t count, capacity;
    struct ta_dv_moment now;   // the last one that went on as it should
    struct ta_dv_moment first; // one that did not, and that others may follow
    struct ta_dv_moment other; // the last of these
    int followed;              // how many did; -1: there is none
};
// Frames come in order, with ascending numbers. TA_ERR_NOMEM when there is no memory.
int ta_dv_scenes_add(struct ta_dv_scenes *s, uint32_t frame, const struct ta_dv_facts *facts);
void ta_dv_scenes_release(struct ta_dv_scenes *s);

// The name of a scene: "2003-05-17 14:22:05", or "timecode 00:10:00:00" where there is no date; into `text`.
const char *ta_dv_scene_title(const struct ta_dv_scene *scene, char text[TA_DV_TEXT]);
// The timecode so many frames on. `fps`: 25 or 30.
uint32_t ta_dv_timecode_later(uint32_t timecode, int64_t frames, int fps);

#endif
