#include "media/dv/mend.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

#define TOGETHER 5 // video blocks that are coded together

// A block as it is where no frame is whole: gray, or without content.
static void write_empty(uint8_t *block, const AVDVProfile *p, int slot)
{
    static const int luma_and_chroma[] = {4, 18, 32, 46, 60, 70};
    int sequence = slot / TA_DV_SEQUENCE;
    memset(block, 0xff, TA_DV_BLOCK);
    ta_dv_write_id(block, sequence / p->difseg_size, sequence % p->difseg_size, slot % TA_DV_SEQUENCE);
    if (block[0] >> 5 == TA_DV_HEADER)
        block[3] = (uint8_t)(p->dsf << 7 | 0x3f);
    if (block[0] >> 5 != TA_DV_VIDEO)
        return;
    block[3] = 0x0f;
    for (size_t i = 0; i < TA_COUNT(luma_and_chroma); i++) { // no level, and the code for nothing more
        block[luma_and_chroma[i]] = 0x00;
        block[luma_and_chroma[i] + 1] = 0x06;
    }
}

static bool whole_group(const uint8_t *there, int sequence_at, int first)
{
    bool whole = true;
    for (int i = 0; i < TOGETHER; i++)
        whole &= there[sequence_at + 7 + (first + i) / 15 * 16 + (first + i) % 15];
    return whole;
}

void ta_dv_mend(uint8_t *data, const uint8_t *there, const uint8_t *like, const AVDVProfile *p, bool wide)
{
    for (int slot = 0; slot < ta_dv_frame_blocks(p); slot++) {
        int at = slot % TA_DV_SEQUENCE, video = at < 7 ? -1 : (at - 6) % 16 - 1 + (at - 6) / 16 * 15;
        bool is_video = at >= 7 && (at - 6) % 16 != 0;
        bool good = is_video ? whole_group(there, slot - at, video / TOGETHER * TOGETHER) : there[slot];
        uint8_t *block = data + (size_t)slot * TA_DV_BLOCK;
        if (!good && like)
            memcpy(block, like + (size_t)slot * TA_DV_BLOCK, TA_DV_BLOCK);
        else if (!good)
            write_empty(block, p, slot);
    }
    ta_dv_write_facts(data, p, wide);
}

// ---- packets ----

bool ta_dv_is_whole(const uint8_t *data, size_t size, const struct ta_dv_facts *facts)
{
    struct ta_dv_id id;
    const AVDVProfile *p = facts->profile;
    return p && size >= (size_t)p->frame_size && facts->video >= ta_dv_video_blocks(p) &&
           ta_dv_parse_id(data, &id) && id.section == TA_DV_HEADER && !id.sequence && !id.channel;
}

struct ta_dv_mender {
    uint8_t *last, *data;       // the last whole frame, and the one that is made
    const AVDVProfile *profile; // of the last one; NULL: there was none
    bool wide;
    uint8_t there[TA_DV_MAX_FRAME / TA_DV_BLOCK];
};

struct ta_dv_mender *ta_dv_mender_create(void)
{
    struct ta_dv_mender *m = ta_xcalloc(1, sizeof(*m));
    m->last = ta_xcalloc(1, TA_DV_MAX_FRAME);
    m->data = ta_xcalloc(1, TA_DV_MAX_FRAME);
    return m;
}

void ta_dv_mender_destroy(struct ta_dv_mender **m)
{
    if (!*m)
        return;
    free((*m)->last);
    free((*m)->data);
    ta_freep(m);
}

void ta_dv_mender_restart(struct ta_dv_mender *m)
{
    m->profile = NULL;
}

static int slot_of(const uint8_t *bytes, const AVDVProfile *p)
{
    struct ta_dv_id id;
    if (!ta_dv_parse_id(bytes, &id) || id.sequence >= p->difseg_size || id.channel >= p->n_difchan)
        return -1;
    return (id.channel * p->difseg_size + id.sequence) * TA_DV_SEQUENCE + id.block;
}

// Puts each block of a packet where it says that it belongs, up to the next frame's.
static void place_blocks(struct ta_dv_mender *m, const AVPacket *packet, const AVDVProfile *p)
{
    int before = -1;
    memset(m->there, 0, sizeof(m->there));
    for (int at = 0, expected = 0; at + TA_DV_BLOCK <= packet->size;) {
        int slot = slot_of(packet->data + at, p);
        // Where bytes are missing or too many a block is believed if another follows it.
        bool follows = at + 2 * TA_DV_BLOCK <= packet->size &&
                       slot_of(packet->data + at + TA_DV_BLOCK, p) == slot + 1;
        if (slot < 0 || (at != expected && !follows)) {
            if (at == expected && before >= 0)
                m->there[before] = 0; // what is wrong here began somewhere in the block before
            at++;
            continue;
        }
        if (slot <= before)
            break;
        memcpy(m->data + (size_t)slot * TA_DV_BLOCK, packet->data + at, TA_DV_BLOCK);
        m->there[slot] = 1;
        before = slot;
        at += TA_DV_BLOCK;
        expected = at;
    }
}

int ta_dv_mender_run(struct ta_dv_mender *m, AVPacket *packet)
{
    struct ta_dv_facts f;
    ta_dv_examine(packet->data, (size_t)packet->size, &f);
    const AVDVProfile *p = f.profile ? f.profile : m->profile;
    if (!p || p->frame_size > TA_DV_MAX_FRAME)
        return 0;
    if (ta_dv_is_whole(packet->data, (size_t)packet->size, &f)) {
        memcpy(m->last, packet->data, (size_t)p->frame_size);
        m->profile = p;
        m->wide = f.wide;
        return 0;
    }
    place_blocks(m, packet, p);
    bool same = m->profile == p;
    ta_dv_mend(m->data, m->there, same ? m->last : NULL, p, f.tells_aspect ? f.wide : same && m->wide);
    int ret = av_packet_make_writable(packet);
    if (ret >= 0 && packet->size < p->frame_size)
        ret = av_grow_packet(packet, p->frame_size - packet->size);
    if (ret < 0)
        return TA_ERR_NOMEM;
    av_shrink_packet(packet, p->frame_size);
    memcpy(packet->data, m->data, (size_t)p->frame_size);
    return 0;
}
