// Streams without a container (H.264, HEVC) say nothing of pictures that are missing. Their pictures are
// numbered in the order in which they are shown, and there the holes are.
#ifndef TA_MEDIA_INDEX_PICTURE_ORDER_H
#define TA_MEDIA_INDEX_PICTURE_ORDER_H

#include "media/index/index.h"

// `numbers`: of each packet, in the order of the file. How many places there are at which numbers are missing
// or come twice. Those where the stream was cut (a key picture comes next) are none; what is missing at its
// end sets *cut_off, which is left alone else. 0 also where numbers follow no rule.
int64_t ta_picture_order_gaps(const int32_t *numbers, const struct ta_index_packet *packets, size_t count,
                              bool *cut_off);

#endif
