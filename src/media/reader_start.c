#include "media/reader_start.h"

#include "base/mem.h"

// Does decoding that begins at this key packet give everything from it on exactly?
static bool is_sure_start(enum AVCodecID codec, unsigned flags)
{
    switch (codec) {
    case AV_CODEC_ID_H264: // a recovery point may need more pictures until all is right
        return flags & TA_PACKET_CLEAN;
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
        return true;
    case AV_CODEC_ID_FFV1:
        return false;
    default:
        break;
    }
    const AVCodecDescriptor *d = avcodec_descriptor_get(codec);
    return d && (d->props & AV_CODEC_PROP_INTRA_ONLY);
}

uint32_t ta_reader_start_packet(const struct ta_index *index, enum AVCodecID codec, size_t first, int attempt)
{
    if (codec == AV_CODEC_ID_H261)
        return 0; // neither libav's parser nor its decoder tells a key picture
    static const int further[TA_READER_ATTEMPTS] = {0, 1, 3, 10};
    int back = further[TA_MIN(attempt, TA_READER_ATTEMPTS - 1)];
    // Everything that is shown from `first` on must be decoded at or after the start.
    uint32_t earliest = UINT32_MAX;
    for (size_t i = first; i < index->frame_count && i < first + 4 * TA_REORDER_MAX; i++)
        earliest = TA_MIN(earliest, index->frames[i].packet);
    bool sure = false;
    for (size_t i = first + 1; i-- > 0;) {
        const struct ta_index_frame *f = &index->frames[i];
        unsigned flags = index->packets[f->packet].flags;
        if (!(flags & TA_PACKET_KEY) || f->packet > earliest)
            continue;
        // The first key found is one further back from an unsure one, unless it is sure itself.
        if (!sure && is_sure_start(codec, flags))
            sure = true;
        else if (!sure) {
            sure = true;
            continue;
        }
        if (back-- == 0)
            return f->packet;
    }
    return 0;
}

size_t ta_reader_number(const struct ta_index *index, size_t number, size_t next, const size_t *waiting,
                        int waiting_count)
{
    uint32_t packet = index->frames[number].packet;
    // Several frames of one packet come one after the other.
    for (; number < index->frame_count && index->frames[number].packet == packet; number++) {
        bool came = number < next;
        for (int i = 0; i < waiting_count; i++)
            came |= waiting[i] == number;
        if (!came)
            return number;
    }
    return SIZE_MAX;
}
