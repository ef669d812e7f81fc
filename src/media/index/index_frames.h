// From packets and times to frames: the pure part of making an index.
#ifndef TA_MEDIA_INDEX_INDEX_FRAMES_H
#define TA_MEDIA_INDEX_INDEX_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/index/index.h"

// Largest number of packets that may be decoded before a packet and shown after it.
#define TA_REORDER_MAX 16

// How many pictures a decoder has to hold back: the largest number of packets that stand before a packet with
// an earlier time; at most TA_REORDER_MAX. Times that are missing are passed over.
int ta_index_reorder(const struct ta_index_packet *packets, size_t count);

// How the container's clock runs, in units of the video's time base.
struct ta_clock_rules {
    int64_t wrap;    // it starts at 0 again after so many; 0: never
    int64_t jump;    // a step forwards that is longer is no pause but another clock; 0: none is
    int64_t nominal; // duration of a frame to assume where times tell none
    int64_t second;  // of a second
};

// The frame list from packets alone, each packet (or pair of opposite fields) being a frame, in the order of
// times. `delay` is the reordering that the stream states. 1 and the list; 0 and *why when packets do not
// prove it (times missing or doubled or on several clocks, fields that do not pair, more reordering than
// stated); TA_ERR_NOMEM.
int ta_frames_from_packets(const struct ta_index_packet *packets, size_t count, int delay,
                           const struct ta_clock_rules *rules, struct ta_index_frame **frames,
                           size_t *frame_count, const char **why);

// Compares the list with what a decoder gave for packets 0..fed-1 (ordinals in the order they came). Returns
// how many frames of the list, all at its start, can't be decoded, or -1 when the list is wrong.
int64_t ta_frames_check_head(const struct ta_index_frame *frames, size_t frame_count, size_t fed,
                             const uint32_t *decoded, size_t decoded_count);

// The time that libav's tools show for a decoded frame: its packet's pts, unless pts have gone backwards more
// often than dts. Zero-initialise with both `last` = AV_NOPTS_VALUE. Times are as on the packets,
// AV_NOPTS_VALUE where missing.
struct ta_time_guess {
    int64_t last_pts, last_dts;
    int64_t bad_pts, bad_dts;
};
int64_t ta_time_guess_next(struct ta_time_guess *g, int64_t pts, int64_t dts);

// Makes the times of frames strictly increasing. Clocks that wrap or start anew are continued and noted in
// *clocks (allocated, for the caller to free; NULL when there is none). Times that are only in the wrong
// order are sorted; missing (AV_NOPTS_VALUE) and doubled ones are spread evenly between their neighbours and
// marked as guessed.
void ta_frames_repair_times(struct ta_index_frame *frames, size_t count, const struct ta_clock_rules *rules,
                            struct ta_index_clock **clocks, int *clock_count);

// end_pts (unless it is set already to something after the last frame), time_jumps and variable from the
// frame list; *step is the mean duration of frames without a gap after them. TA_ERR_NOMEM.
int ta_index_measure(struct ta_index *index, int64_t nominal, double *step);

#endif
