// The mark near the end of a segment file: what NUT does not hold, and what proves the file whole.
#ifndef TA_MEDIA_MUX_SEGFILE_INFO_H
#define TA_MEDIA_MUX_SEGFILE_INFO_H

#include "base/mem.h"
#include "media/av.h"

// Presentation times are stored this much later: NUT takes no negative times and libavformat no pts before
// its dts, which is the packet's place. It is also the largest reorder distance that H.264, H.265 and AV1
// allow.
#define TA_SEGFILE_SHIFT 16

struct ta_segfile_info {
    int64_t packets;
    int64_t reorder;               // the largest of (place - pts)
    uint32_t crc;                  // of all before the mark
    uint32_t index_crc;            // of all behind it: NUT's index
    AVRational time_base;          // in which pts are ordinals
    AVCodecParameters *parameters; // all but extradata
};

// CRC-32 of bytes that follow those of `before`; of the first ones it is TA_SEGFILE_CRC (not 0, which sees no
// zeros in front).
#define TA_SEGFILE_CRC UINT32_MAX
uint32_t ta_segfile_crc(uint32_t before, const void *data, size_t size);

// The mark as a NUT info packet, so that other programs read over it. It ends with TA_SEGFILE_TAIL bytes of
// known form.
void ta_segfile_info_write(const struct ta_segfile_info *info, struct ta_buf *out);

#define TA_SEGFILE_MAGIC "\nterminalai-segment "
#define TA_SEGFILE_TAIL (sizeof(TA_SEGFILE_MAGIC) - 1 + 8 + 4)
// The size of a whole mark, from its tail; 0 when it is none.
size_t ta_segfile_info_size(const uint8_t tail[TA_SEGFILE_TAIL]);
// Fills *info (whose parameters the caller allocated) from a whole mark. TA_ERR_DAMAGED unless each byte is
// as written; quiet.
int ta_segfile_info_parse(struct ta_segfile_info *info, const uint8_t *data, size_t size);

#endif
