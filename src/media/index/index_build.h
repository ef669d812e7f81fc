// Shared by the files that make an index (index.c, index_decode.c, index_write.c).
#ifndef TA_MEDIA_INDEX_INDEX_BUILD_H
#define TA_MEDIA_INDEX_INDEX_BUILD_H

#include <pthread.h>

#include "media/dv/scenes.h"
#include "media/index/index.h"
#include "media/index/packet_facts.h"
#include "media/structure.h"

enum {
    TA_SHAPES_MAX = 64,  // different ones of a stream; what comes after that many counts as the last of them
    TA_SHAPE_SHIFT = 16, // in the flags of frames, while the index is made: the number of their shape
};
#define TA_SHAPE_MASK (0xffu << TA_SHAPE_SHIFT)

struct ta_shape_run { // packets from this one on have the same headers (packet_shape.h)
    uint32_t packet, key;
};

struct ta_dv_mender;
struct ta_stream_watch;

struct ta_index_builder {
    struct ta_source *source; // the builder's own
    struct ta_index *index;
    size_t capacity; // of index->packets
    struct ta_packet_parser *parser;
    bool in_one;            // decodes with a single decoder
    const char *why_decode; // why packets do not tell the frames; NULL while they do
    struct ta_structure structure;
    int64_t packets_end; // latest end of a packet, INT64_MIN when none tells
    int32_t *numbers;    // of pictures, by packets; of streams without a container alone
    size_t numbers_capacity;
    struct ta_dv_scenes scenes;      // DV: by packets
    struct ta_stream_watch *watches; // one a stream
    struct ta_shape_run *shape_runs;
    size_t shape_run_count, shape_run_capacity;
    pthread_mutex_t shape_lock;             // guards the next two while decoders run
    struct ta_format shapes[TA_SHAPES_MAX]; // as decoders tell them, in the order they were met
    int shape_count;
    int first_shape; // of the first frame that was decoded
    struct ta_log *log;
    const struct ta_progress_fn *progress;
    double progress_from, progress_to, reported;
};

void ta_index_report(struct ta_index_builder *b, double done);
// The next packet of any stream: 1; 0 at the end (or where nothing more can be read); TA_ERR_*.
int ta_index_read_packet(struct ta_source *s, AVPacket *packet);

// For the packets of this stream, in their order, where they are DV that may have lost blocks: NULL where
// they are not, or where our own demuxer has seen to it. To be destroyed.
struct ta_dv_mender *ta_index_mender(const struct ta_source *s, int stream);

// Decodes the head: checks the frame list made from packets with it, drops frames that can't be decoded and
// takes the format. Sets why_decode when the list is wrong.
int ta_index_decode_head(struct ta_index_builder *b);
// Decodes everything: makes the frame list (times not repaired yet) and takes the format.
int ta_index_decode_all(struct ta_index_builder *b);

// As ta_index_create() with everything decoded, but by one decoder from start to end: slow, and the measure
// of what decoding in ranges must give.
int ta_index_create_in_one(struct ta_index **out, struct ta_source *source, struct ta_log *log);
// Streams as they turn up, each packet, and the end (also after a failure).
void ta_index_grow_streams(struct ta_index_builder *b);
void ta_index_watch_stream(struct ta_index_builder *b, const AVPacket *packet);
void ta_index_end_streams(struct ta_index_builder *b);
// Notes what a packet says of the shape of its pictures. TA_ERR_NOMEM.
int ta_index_note_shape(struct ta_index_builder *b, uint32_t packet, uint32_t key);
// The number of a decoded frame's shape, a new one if need be.
// Thread-safety: Safe.
int ta_index_shape_of(struct ta_index_builder *b, const AVFrame *frame);
// Have decoded frames more than one size, shape or pixel format?
bool ta_index_shapes_differ(const struct ta_index_builder *b);
// Where the stream's headers change: asks the decoder what each of them means, and notes it on the frames of
// a list made from packets.
int ta_index_decode_shapes(struct ta_index_builder *b);
// From the shapes noted on the frames to parts, and to the format that most have.
void ta_index_settle_parts(struct ta_index_builder *b);

// Sets index->faults and what is lost of each stream, when all else is known. `step`: see ta_index_measure().
void ta_index_note_faults(struct ta_index_builder *b, double step);

// Sets index->checksum.
int ta_index_seal(struct ta_index *index);

#endif
