// Shared by the files that make an index (index.c, index_decode.c, index_file.c).
#ifndef TA_MEDIA_INDEX_INDEX_BUILD_H
#define TA_MEDIA_INDEX_INDEX_BUILD_H

#include "media/index/index.h"
#include "media/index/packet_facts.h"

struct ta_index_builder {
    struct ta_source *source; // the builder's own
    struct ta_index *index;
    size_t capacity; // of index->packets
    struct ta_packet_parser *parser;
    bool in_one;            // decodes with a single decoder
    const char *why_decode; // why packets do not tell the frames; NULL while they do
    int64_t packets_end;    // latest end of a packet, INT64_MIN when none tells
    struct ta_log *log;
    const struct ta_progress_fn *progress;
    double progress_from, progress_to, reported;
};

void ta_index_report(struct ta_index_builder *b, double done);
// The next packet of any stream: 1; 0 at the end (or where nothing more can be read); TA_ERR_*.
int ta_index_read_packet(struct ta_source *s, AVPacket *packet);

// Decodes the head: checks the frame list made from packets with it, drops frames that can't be decoded and
// takes the format. Sets why_decode when the list is wrong.
int ta_index_decode_head(struct ta_index_builder *b);
// Decodes everything: makes the frame list (times not repaired yet) and takes the format.
int ta_index_decode_all(struct ta_index_builder *b);

// As ta_index_create() with everything decoded, but by one decoder from start to end: slow, and the measure
// of what decoding in ranges must give.
int ta_index_create_in_one(struct ta_index **out, struct ta_source *source, struct ta_log *log);

// Sets index->checksum.
int ta_index_seal(struct ta_index *index);

#endif
