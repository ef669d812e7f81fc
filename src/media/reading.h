// Reading on behind damage: a demuxer that finds nothing at one place may find the rest of the file behind
// it.
#ifndef TA_MEDIA_READING_H
#define TA_MEDIA_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "media/av.h"

// One for each opened demuxer, zero at first. What is read depends on the file and on nothing else, so that
// every pass over it finds the same packets.
struct ta_reading {
    int64_t places;  // where nothing could be read, and something behind it
    int64_t packets; // given since the start of the file or the last seek
    int64_t unread;  // bytes before the end of the file, of which the demuxer made nothing but errors
    // Private.
    int64_t failures;  // in a row
    int64_t failed_at; // byte at which the first of them was
    int64_t stood_at;  // byte at which the last of them was
    int64_t furthest;  // byte of the packet that lies furthest in the file
    int stood;         // failures in a row that did not get the demuxer on
    int jumps;         // in a row
    bool ended;
};

// The next packet of any stream: 0; AVERROR_EOF where nothing more can be read, whatever the demuxer calls
// it; what stopped it otherwise: an AVERROR of the file system, AVERROR(ENOMEM), AVERROR_EXIT.
int ta_reading_next(struct ta_reading *r, AVFormatContext *fmt, AVPacket *packet);
// After a seek.
void ta_reading_go_on(struct ta_reading *r); // behind an end that was none
void ta_reading_restart(struct ta_reading *r);
// An AVERROR of the file system that libav makes look like the end, like damage or like a packet that is cut
// short; else 0.
int ta_reading_error(const AVFormatContext *fmt);
// Does the demuxer know each packet before it reads the first? Then how many of `stream`, else -1.
int64_t ta_reading_listed(const AVFormatContext *fmt, int stream);

#endif
