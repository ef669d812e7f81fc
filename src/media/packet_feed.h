// The packets of an indexed file from a given one on, each checked against the index. Finds its place by
// seeking in time, else by bytes, else by reading from the start; what it gives is the same whichever way
// worked.
#ifndef TA_MEDIA_PACKET_FEED_H
#define TA_MEDIA_PACKET_FEED_H

#include "media/index/index.h"

struct ta_feed; // Thread-safety: Unsafe

// `index` and `cancel` must outlive the feed. TA_ERR_MISMATCH when the file is not the one that was indexed.
int ta_feed_open(struct ta_feed **out, const char *path, const struct ta_index *index,
                 const struct ta_cancel *cancel, struct ta_log *log);
const AVStream *ta_feed_stream(const struct ta_feed *f); // the video stream, for opening a decoder
// Packet `ordinal` will be the next one.
int ta_feed_start(struct ta_feed *f, uint32_t ordinal);
// 1: a packet and its number; 0: the last one was given; TA_ERR_*.
int ta_feed_next(struct ta_feed *f, AVPacket *packet, uint32_t *ordinal);
int64_t ta_feed_packets_read(const struct ta_feed *f); // those of the video stream, skipped ones included
void ta_feed_close(struct ta_feed **f);

#endif
