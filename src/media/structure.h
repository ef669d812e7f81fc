// What a container's own structure says of damage. libavformat's demuxers look for the next thing they know
// where a file is damaged, and say nothing of it: here a file is walked from unit to unit, and where what
// follows is none, that is counted. Nothing is decoded.
#ifndef TA_MEDIA_STRUCTURE_H
#define TA_MEDIA_STRUCTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/patch.h"
#include "media/routes.h"

struct ta_cancel;

// MPEG-TS and PVA: packets of a stream that are missing between two of its packets, by their counter.
struct ta_structure_gap {
    int64_t from, to; // bytes at which the two begin
    int pid;          // or stream; -1: no packets stand there at all
    bool at_unit;     // the second one begins a picture or a frame of sound: it may have been cut there
};

struct ta_structure {
    int64_t breaks;      // places where no unit follows the one before; none of MPEG-TS and PVA, see `gaps`
    int64_t lost_bytes;  // from there to the next unit
    bool cut_off;        // the file ends within a unit, or without the mark of its end
    bool encrypted;      // what is in it can't be read without a key
    int64_t duration_us; // as the head of the file says (ASF); -1 when that says nothing, or libav knows
    // MP4: the track that has least of the length that its head or its edits state, by the list of its
    // samples; both 0 where none lacks any.
    int64_t track_stated_us, track_held_us;
    struct ta_structure_gap *gaps; // in the order of `to`, TA_STRUCTURE_MAX at most
    int gap_count;
    // With these a demuxer reads on behind the breaks of formats whose demuxers would pass over more (FLV,
    // fragmented MP4, Matroska). Ascending, TA_STRUCTURE_MAX at most.
    struct ta_patch *patches;
    int patch_count;
    struct ta_splice *splices; // the same for pictures without a head of their own (y4m)
    int splice_count;
    struct ta_routes routes; // MPEG-TS: streams whose packet identifiers change
};

enum { TA_STRUCTURE_MAX = 4096 };

// Reads up to `size` bytes at `position`: how many there were, or a negative TA_ERR_*.
typedef int64_t ta_structure_read(void *priv, int64_t position, uint8_t *data, int64_t size);

// Walks a file of `size` bytes as the libavformat demuxer of that name takes it. Demuxers that are not known
// here find nothing wrong. 0, or what `read` returned; TA_ERR_CANCELED. Safe with any content. `out` is to be
// released in any case.
int ta_structure_walk(struct ta_structure *out, const char *demuxer, ta_structure_read *read, void *priv,
                      int64_t size, const struct ta_cancel *cancel);
// The same for a file. What can't be opened or read has no structure to complain of: never fails but for
// TA_ERR_CANCELED.
int ta_structure_check(struct ta_structure *out, const char *demuxer, const char *path,
                       const struct ta_cancel *cancel);
void ta_structure_release(struct ta_structure *s);

#endif
