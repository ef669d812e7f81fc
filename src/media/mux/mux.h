// Writing the delivered container: lanes of packets merged by time into one bit-exact file.
#ifndef TA_MEDIA_MUX_MUX_H
#define TA_MEDIA_MUX_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"
#include "media/mux/containers.h"
#include "media/mux/lane.h"
#include "media/mux/streams.h"

// A picture's time in the file is within a unit of the file's clock and this of what its lane said: mp4 and
// mov keep the start of a track by a clock of its own.
#define TA_MUX_TIME_ERROR 1e-6 // seconds
struct ta_mux_chapter {
    int64_t start, end; // AV_TIME_BASE units of the source's clock
    char *title;
};

struct ta_mux_params {
    const char *path; // temporary name to write, a new file; "-" is standard output (y4m only)
    bool trial;       // writes nothing: does the muxer take it? `path` is for messages
    const struct ta_container_info *container;
    struct ta_lane **lanes; // output stream order; the lanes stay the caller's
    int lane_count;
    // Chapters, global metadata (the timecode moved on to where the output begins), attachments and cover art
    // come from here; may be NULL. Tags that the container has no place for are named in one line of the log.
    const AVFormatContext *like;
    const struct ta_mux_chapter *chapters; // instead of those of `like`; NULL: those
    int chapter_count;
    bool no_chapters;         // none at all
    const AVDictionary *tags; // of the file, over those of `like`; may be NULL
    const bool *left_out; // of the streams of `like`: its cover or attachment is not wanted; NULL: all are
    int64_t offset;     // subtracted from chapter times (AV_TIME_BASE units), chapters outside start..end are
                        // left out
    int64_t start, end; // as for ta_streams_open
    bool
        faststart; // mp4, mov: index in front (moves the media data within the finished file; no second file)
    const struct ta_cancel *cancel;
    void (*progress)(void *priv, int64_t packets, int64_t bytes); // may be NULL
    void *priv;
    struct ta_log *log;
};

struct ta_mux_result {
    int64_t bytes; // size of the file
    int64_t packets;
    int64_t early; // packets left out because they start before time 0 in a container that has no such times
    int64_t refused;   // packets that the muxer did not take for what is in them, and that are left out
    int64_t dts_fixed; // decoding times moved because the container requires them to increase
};

// Writes the whole file. Bit-exact: no dates but the source's own, no random ids, same input gives the same
// bytes. Does not fsync or rename.
//
// Times. The first picture is at its time and all lanes keep their distance to it. mp4 and mov: a video track
// has its lane's time base (or a multiple: its ticks are exact), sound its sample rate; edit lists carry late
// starts and what lies before 0 (encoder delay included). mkv and webm: milliseconds, rounded to nearest;
// nothing can start before 0 but Opus's declared delay, so packets that do are left out and counted. y4m: one
// lane of raw video in a format that y4m knows, constant frame rate.
//
// `path` must be free (TA_ERR_EXISTS). On failure the file is removed. TA_ERR_NO_SPACE is told apart. What
// the container can't hold is an error here (the plan sorted it out before). `result` may be NULL.
int ta_mux_write(const struct ta_mux_params *p, struct ta_mux_result *result);

#endif
