// Where to begin decoding, as a pure function of the index.
#ifndef TA_MEDIA_READER_START_H
#define TA_MEDIA_READER_START_H

#include "media/index/index.h"
#include "media/index/index_frames.h"

#define TA_READER_ATTEMPTS 4

// The packet from which decoding gives frame `first` and all after it exactly as decoding from the start of
// the file does: the last key packet that is shown at or before frame `first` (so that its leading pictures
// are not wanted), one key further back where the codec's key packets promise less, and further still with
// each `attempt` from 1 on.
uint32_t ta_reader_start_packet(const struct ta_index *index, enum AVCodecID codec, size_t first,
                                int attempt);

// A decoder gives frames of a packet whose first frame by the index is `number`: which of them is this one?
// Those before `next` were given away, and `waiting` (numbers) came already; SIZE_MAX when it has no more.
size_t ta_reader_number(const struct ta_index *index, size_t number, size_t next, const size_t *waiting,
                        int waiting_count);

#endif
