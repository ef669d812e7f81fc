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

#endif
