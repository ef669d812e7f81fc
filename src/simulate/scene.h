// Procedural moving scene and a first tape model: what `make demo` restores. No files needed; the same
// options give the same bytes on every machine: own integer and IEEE arithmetic, encoders whose
// result depends on neither processor nor threads.
#ifndef TA_SIMULATE_SCENE_H
#define TA_SIMULATE_SCENE_H

#include <stdint.h>

#include "base/opt.h"
#include "media/format.h"

struct ta_log;

struct ta_scene_size {
    int width, height;
};

struct ta_scene_opts {
    union { // 720x480 (525 lines, 30000/1001 frames a second) or 720x576 (625 lines, 25)
        struct ta_scene_size size;
        struct {
            int width, height;
        };
    };
    int64_t frames; // interlaced frames; each takes two moments of the scene
    int scan;       // enum ta_scan_type
    double noise;   // luma noise sigma in 8-bit codes, band-limited like tape noise; chroma gets half as much
    double jitter;  // sigma in pixels of each line's place
    double dropouts; // a field, on average
    int64_t seed;
};
// Ends with name NULL; "size", "frames", "field-order", "noise", "jitter", "dropouts", "seed".
extern const struct ta_opt ta_scene_options[];

// What is painted in advance (takes about a second for each shot that `frames` reaches). Read-only once
// created. Thread-safety: Safe, except create and destroy.
struct ta_scene;
// TA_ERR_INVALID for options that the table would refuse.
int ta_scene_create(struct ta_scene **out, const struct ta_scene_opts *o, struct ta_log *log);
void ta_scene_destroy(struct ta_scene **s);

// Both fill an 8-bit 4:2:2 frame of the scene's size, which is allocated when `out` has no picture yet.
// TA_ERR_NOMEM, or TA_ERR_INVALID when `out` holds another kind of picture or t is beyond the options'
// frames.

// Scene at field time t (0, 1, 2, ... at twice the frame rate), progressive, no noise: the truth. A landscape
// in several depths with a train, a mill and a balloon over fine detail, a test card with rolling titles; a
// cut every 5 seconds.
int ta_scene_render(const struct ta_scene *s, int64_t t, AVFrame *out);
// Frame n as the tape gives it: woven from two moments (one when progressive), less contrast, luma of 3 MHz
// with overshoot, chroma of 0.5 MHz that lies 2 pixels and a line off, noise, torn lines at the bottom.
int ta_scene_tape_frame(const struct ta_scene *s, int64_t n, AVFrame *out);
// Sound of the scene: stereo 48 kHz s16, `count` samples from `first` on: a slow melody, hiss, a click at
// each cut. Any division into calls gives the same samples.
void ta_scene_sound(const struct ta_scene *s, int64_t first, int count, int16_t *interleaved);

// Writes a tape file: DV25 with PCM when `path` ends in .avi, FFV1 4:2:2 with PCM for .mkv, MPEG-2 with MP2
// for .mpg. It is written under a temporary name and replaces `path` at the end; on failure nothing is left.
// DV is flagged bottom field first whatever the scene is, as that is all it knows.
int ta_scene_write_tape(const struct ta_scene_opts *o, const char *path, struct ta_log *log);

#endif
