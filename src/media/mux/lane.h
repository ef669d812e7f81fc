// A lane: the packets of one output stream, in decoding order, whoever makes them.
#ifndef TA_MEDIA_MUX_LANE_H
#define TA_MEDIA_MUX_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"

// A lane's next(): no packet can be given without reading far ahead; none of this lane starts before
// `horizon`.
#define TA_LANE_LATER 2

// Implementations: video segments (restore/join.c), copied streams, transcoded sound and subtitles
// (media/streams.h). Thread-safety: Unsafe.
struct ta_lane {
    // 1: a packet in lane->time_base (dts never falls, pts >= dts); 0: end; TA_LANE_LATER; < 0: TA_ERR_*,
    // logged. `packet` is empty before and after every result but 1. The first call may still refine
    // `parameters`.
    int (*next)(struct ta_lane *lane, AVPacket *packet);
    void (*destroy)(struct ta_lane *lane);
    AVRational time_base;
    AVCodecParameters *parameters; // owned by the lane
    // Set by the reader before next(), in AV_TIME_BASE units of the output's time: packets that start later
    // are not needed yet. A lane that shares its source with others then answers TA_LANE_LATER rather than
    // queue up half the file, which is what keeps memory flat with a subtitle an hour away. INT64_MAX (or a
    // lane that ignores it): waits for the packet.
    int64_t horizon;
    // What goes to the output stream beside the packets; borrowed, may be NULL: metadata (language, title,
    // ...), disposition and side data (rotation, ...) are copied from this source stream.
    const AVStream *like;
    int disposition; // AV_DISPOSITION_*: added to what `like` has
    bool copied; // packets are those of `like`: what describes its coding (encoder tag, HDR facts) is still
                 // true
    AVRational frame_rate, sar; // video; 0/1 when unknown
    // HDR10 that was made here; what `like` says of its light is not true then. The brightest that it was
    // made for, the brightest pixel and the brightest frame's average of max(R, G, B), all in cd/m2.
    struct ta_light {
        int peak; // 0: none of this
        int max_cll, max_fall;
    } light;
};

// lane->destroy(lane) and NULL. *lane may be NULL.
void ta_lane_destroy(struct ta_lane **lane);

#endif
