// Decoding a whole stream on all cores: its packets are read once, in order, and cut into ranges that are
// decoded side by side, each from key packets before it.
#ifndef TA_MEDIA_INDEX_RANGES_H
#define TA_MEDIA_INDEX_RANGES_H

#include "media/index/index.h"

// Frames of packets first..end-1 are its own. Packets from..to-1 are decoded for them: before it so that what
// its own refer to is there, after it until the decoder has given all of them.
struct ta_packet_range {
    size_t first, end, from, to;
};

// Cuts packets 0..count-1. The number of ranges; *out is to be freed. 1, and one range over all, where a
// decoder that starts in the middle may not give what one gives that comes from the start, or where ranges
// would be too large to be held in memory. It depends on the packets alone, never on the machine. `delay`:
// pictures that the decoder may hold back.
int ta_packet_ranges(struct ta_packet_range **out, const struct ta_index_packet *packets, size_t count,
                     enum AVCodecID codec, int delay);

// Threads that work on ranges. `decode` is called for range `i` with its packets from..to-1, from several
// threads at once; the packets are freed by the caller. What it returns < 0 stops everything.
struct ta_range_crew;
int ta_range_crew_create(struct ta_range_crew **out, const struct ta_packet_range *ranges, int count,
                         int (*decode)(void *arg, int i, AVPacket *const *packets), void *arg);
// The next packet in the order of the file: it is referred to, not taken. Blocks while enough is in memory.
int ta_range_crew_give(struct ta_range_crew *crew, const AVPacket *packet);
// Waits until all are done. `err`: that of the reader; what it or a worker failed with is returned.
int ta_range_crew_finish(struct ta_range_crew **crew, int err);

#endif
