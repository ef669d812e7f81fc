// VR_MANGR.IFO, a video recorder's list of what its VR_MOVIE.VRO holds (DVD-VR: recorders, camcorders that
// write discs): recordings, each with its place, title and time. A parser of bytes alone: it opens nothing
// and trusts no number that it has not checked (it is fuzzed). Thread-safety: Safe.
//
// Nothing official of the form is public. What is read is what several public readers agree upon.
#ifndef TA_MEDIA_PARTS_RECORDER_H
#define TA_MEDIA_PARTS_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ta_buf;

enum { TA_RECORDER_MAX = 4096 }; // recordings

struct ta_recording {
    int64_t byte, bytes; // the piece of the .VRO that it begins in; whole sectors
    int64_t later_us;    // it begins so much later than that piece's first picture
    char *title;         // UTF-8; "" when the recorder has none
    char date[20];       // "2005-03-01 20:15:00", by the recorder's clock; "" when that was not set
    bool listed;         // false: a piece that no programme of the list plays; without a title
};

struct ta_recorder {
    struct ta_recording *recordings; // in the order of their places in the .VRO, each there once
    int recording_count;
    int64_t bytes; // up to where they reach
    int aspect_num,
        aspect_den; // what all of them are to be shown in: 4:3 or 16:9; 0/0: they differ, or none says it
};

// TA_ERR_FORMAT, with the reason in `why`, when it is no such file, or where what it says makes no sense.
int ta_recorder_parse(struct ta_recorder **out, const void *data, size_t size, struct ta_buf *why);
void ta_recorder_destroy(struct ta_recorder **r);

#endif
