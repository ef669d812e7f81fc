// A file of raw DV as a list of frames: which blocks of the file make up each, and what these say.
#ifndef TA_MEDIA_DV_TABLE_H
#define TA_MEDIA_DV_TABLE_H

#include <stdatomic.h>

#include "base/mem.h"
#include "media/dv/facts.h"

struct ta_dv_piece {
    int64_t offset;        // in the file, bytes
    uint32_t first, count; // blocks: place in the frame, and how many
};

struct ta_dv_frame {
    uint32_t first_piece;
    uint16_t piece_count; // 0: the frame is missing
    uint16_t missing;     // blocks of it that are
    uint8_t profile;      // ta_dv_profile_number()
    uint8_t wide;         // 0, 1
    uint8_t rate;         // of the sound in kHz, rounded down: 48, 44, 32; 0: no sound
    uint8_t bits, pairs, locked;
    uint16_t samples;
};

// Read-only once it is made, so threads may share it.
struct ta_dv_table {
    atomic_int holders;
    struct ta_dv_frame *frames;
    size_t frame_count, frame_capacity;
    struct ta_dv_piece *pieces;
    size_t piece_count, piece_capacity;
    int64_t file_bytes;
    int64_t lost_bytes; // of the file that belong to no frame
    // What most frames are.
    uint8_t profile, wide;
    uint8_t rate, pairs;           // of the sound; pairs: the most that a part has
    uint8_t in_avi;                // 0, 1: the file is an AVI of type 1, each of whose chunks is a frame
    uint32_t timecode, date, time; // of the first frame that has one
};

struct ta_dv_table *ta_dv_table_create(void);
// A table belongs to all who hold it; the last destroy() frees it. Any thread.
struct ta_dv_table *ta_dv_table_ref(struct ta_dv_table *t);
void ta_dv_table_destroy(struct ta_dv_table **t);

// What a person should know.
struct ta_dv_summary {
    int64_t damaged; // frames of which something is missing
    int64_t missing; // ... of these, frames of which nothing is there
    int64_t other_system;
    int64_t other_aspect; // whole frames only
    int64_t other_rate;   // frames whose sound has another rate
    int64_t silent;       // whole frames without sound in a file that has some
    int rate_changes, system_changes, aspect_changes;
};
void ta_dv_table_summarise(const struct ta_dv_table *t, struct ta_dv_summary *out);

// Serialised form, for the index. parse() trusts no number: NULL when it contradicts itself.
void ta_dv_table_write(const struct ta_dv_table *t, struct ta_buf *out);
struct ta_dv_table *ta_dv_table_parse(const uint8_t *data, size_t size);

int ta_dv_rate_hz(int khz);

// Reads `size` bytes at `offset` into `buffer`; how many there were, or an AVERROR.
struct ta_dv_file {
    int (*read)(void *priv, int64_t offset, uint8_t *buffer, int size);
    void *priv;
    int64_t bytes;
};
// Is this raw DV? Looks at the first megabytes.
bool ta_dv_probe(const struct ta_dv_file *file);

// Finds all frames of raw DV or (`in_avi`) of an AVI that holds it with its sound (type 1), whose other
// chunks lie between frames. 0; an AVERROR of reading; AVERROR(ENOMEM); AVERROR_INVALIDDATA when there is no
// frame. `stop` (may be NULL) is called for each megabyte or so, with the byte that is read next:
// AVERROR_EXIT once it says true.
int ta_dv_scan(struct ta_dv_table **out, const struct ta_dv_file *file, bool in_avi,
               bool (*stop)(void *priv, int64_t position), void *priv);

#endif
