// What becomes of the frames of telecined video: an action a frame, and run-length lists of them. Measured by
// the scan, written into the plan's timeline, executed by the stage deinterlace.ivtc.
#ifndef TA_MEDIA_FILM_H
#define TA_MEDIA_FILM_H

#include <stdbool.h>
#include <stdint.h>

struct AVFrame;
struct ta_buf;

// A film frame is woven from a top and a bottom field of one moment. Both lie in one video frame, or in two
// that follow each other; it counts as made from the first of these.
enum ta_film_action {
    TA_FILM_DROP = 'd',       // gives nothing: its fields are those of neighbours, or had no partner
    TA_FILM_KEEP = 'c',       // both fields of this frame
    TA_FILM_TOP = 't',        // its bottom field with the top field of the next frame
    TA_FILM_BOTTOM = 'b',     // its top field with the bottom field of the next frame
    TA_FILM_VIDEO_TFF = 'v',  // fields of two moments, top first: for a deinterlacer
    TA_FILM_VIDEO_BFF = 'w',  // ... bottom first
    TA_FILM_UNSEEN_TFF = 'x', // video that the deinterlacer looks at only for its neighbours' sake
    TA_FILM_UNSEEN_BFF = 'y',
};

enum {
    TA_FILM_PARTS = 12,      // a frame's duration is divided into so many parts for `shift`
    TA_FILM_MAX_PERIOD = 12, // frames of a pattern
    TA_FILM_MAX_SHIFT = 2 * TA_FILM_PARTS,
    TA_FILM_MAX_REPEAT = 1 << 20,
};

struct ta_film_frame {
    char action;  // enum ta_film_action
    int8_t shift; // time of what it gives after its own start (before: < 0), in parts of a frame's duration
};

// Frames first..first+count-1 repeat a pattern of actions.
struct ta_film_run {
    int64_t first, count;
    int period;
    struct ta_film_frame pattern[TA_FILM_MAX_PERIOD];
    int repeat; // times more that each output frame is shown (constant rate)
};

// The shortest list that a greedy search finds. `repeats` (a number a frame) may be NULL. *runs is to be
// freed by the caller. 0 or TA_ERR_NOMEM.
int ta_film_compress(const struct ta_film_frame *frames, const int32_t *repeats, int64_t first, int64_t count,
                     struct ta_film_run **runs, int *run_count);
// The run of a list (ascending, without gaps) that holds `frame`; NULL when none does.
const struct ta_film_run *ta_film_find(const struct ta_film_run *runs, int run_count, int64_t frame);
struct ta_film_frame ta_film_at(const struct ta_film_run *run, int64_t frame);
bool ta_film_gives(char action);    // at least one output frame
bool ta_film_is_video(char action); // ... made by a deinterlacer
char ta_film_left_out(char action); // what becomes of a frame whose output is not wanted

// A pattern as text: its actions, each followed by its shift unless that is 0: "cc+3t+6dc-3".
void ta_film_write_pattern(const struct ta_film_run *run, struct ta_buf *out);
int ta_film_read_pattern(struct ta_film_run *run, const char *text); // 0 or TA_ERR_FORMAT

// The action travels with the frame from the segment to the stage.
void ta_film_mark(struct AVFrame *frame, char action);
char ta_film_marked(const struct AVFrame *frame);

#endif
