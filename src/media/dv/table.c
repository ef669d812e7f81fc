#include "media/dv/table.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#define MAGIC "TADV0002"
#define HEAD_BYTES (8 + 8 + 8 + 5 + 12 + 4 + 4)
#define FRAME_BYTES 16
#define PIECE_BYTES 16

struct ta_dv_table *ta_dv_table_create(void)
{
    struct ta_dv_table *t = ta_xcalloc(1, sizeof(*t));
    atomic_init(&t->holders, 1);
    t->timecode = t->date = t->time = TA_DV_NONE;
    return t;
}

struct ta_dv_table *ta_dv_table_ref(struct ta_dv_table *t)
{
    if (t)
        atomic_fetch_add(&t->holders, 1);
    return t;
}

void ta_dv_table_destroy(struct ta_dv_table **t)
{
    if (*t && atomic_fetch_sub(&(*t)->holders, 1) == 1) {
        free((*t)->frames);
        free((*t)->pieces);
        free(*t);
    }
    *t = NULL;
}

int ta_dv_rate_hz(int khz)
{
    return khz == 44 ? 44100 : khz * 1000;
}

void ta_dv_table_summarise(const struct ta_dv_table *t, struct ta_dv_summary *out)
{
    *out = (struct ta_dv_summary){0};
    int rate = 0, profile = -1, wide = -1;
    for (size_t i = 0; i < t->frame_count; i++) {
        const struct ta_dv_frame *f = &t->frames[i];
        out->damaged += f->missing > 0;
        out->missing += !f->piece_count;
        if (!f->piece_count)
            continue;
        out->other_system += f->profile != t->profile;
        out->system_changes += profile >= 0 && f->profile != profile;
        profile = f->profile;
        if (f->rate) {
            out->other_rate += f->rate != t->rate;
            out->rate_changes += rate && rate != f->rate;
            rate = f->rate;
        }
        if (f->missing)
            continue;
        out->silent += t->rate && !f->rate;
        out->other_aspect += f->wide != t->wide;
        out->aspect_changes += wide >= 0 && f->wide != wide;
        wide = f->wide;
    }
}

static void put(struct ta_buf *b, uint64_t value, int bytes)
{
    uint8_t text[8];
    AV_WL64(text, value);
    ta_buf_append(b, text, (size_t)bytes);
}

void ta_dv_table_write(const struct ta_dv_table *t, struct ta_buf *out)
{
    ta_buf_append(out, MAGIC, 8);
    put(out, (uint64_t)t->file_bytes, 8);
    put(out, (uint64_t)t->lost_bytes, 8);
    put(out, t->profile, 1);
    put(out, t->wide, 1);
    put(out, t->rate, 1);
    put(out, t->pairs, 1);
    put(out, t->in_avi, 1);
    put(out, t->timecode, 4);
    put(out, t->date, 4);
    put(out, t->time, 4);
    put(out, t->frame_count, 4);
    put(out, t->piece_count, 4);
    for (size_t i = 0; i < t->frame_count; i++) {
        const struct ta_dv_frame *f = &t->frames[i];
        put(out, f->first_piece, 4);
        put(out, f->piece_count, 2);
        put(out, f->missing, 2);
        put(out, f->profile, 1);
        put(out, f->wide, 1);
        put(out, f->rate, 1);
        put(out, f->bits, 1);
        put(out, f->pairs, 1);
        put(out, f->locked, 1);
        put(out, f->samples, 2);
    }
    for (size_t i = 0; i < t->piece_count; i++) {
        put(out, (uint64_t)t->pieces[i].offset, 8);
        put(out, t->pieces[i].first, 4);
        put(out, t->pieces[i].count, 4);
    }
}

static bool is_rate(int khz)
{
    return khz == 0 || khz == 32 || khz == 44 || khz == 48;
}

static bool check_frame(const struct ta_dv_table *t, const struct ta_dv_frame *f)
{
    const AVDVProfile *p = ta_dv_profile(f->profile);
    bool sound = !f->rate || ((f->bits == 12 || f->bits == 16) && f->pairs >= 1 &&
                              f->pairs <= TA_DV_CHANNELS && f->samples <= 2000);
    if (!p || !sound || !is_rate(f->rate) || f->wide > 1 || f->locked > 1 ||
        f->first_piece > t->piece_count || f->piece_count > t->piece_count - f->first_piece)
        return false;
    uint32_t at = 0, all = (uint32_t)ta_dv_frame_blocks(p), there = 0;
    for (int i = 0; i < f->piece_count; i++) {
        const struct ta_dv_piece *piece = &t->pieces[f->first_piece + (uint32_t)i];
        if (piece->first < at || piece->first >= all || !piece->count || piece->count > all - piece->first)
            return false;
        at = piece->first + piece->count;
        there += piece->count;
    }
    return there + f->missing == all;
}

static bool check(const struct ta_dv_table *t)
{
    if (!t->frame_count || t->file_bytes < 0 || t->lost_bytes < 0 || t->lost_bytes > t->file_bytes ||
        t->wide > 1 || t->in_avi > 1 || !is_rate(t->rate) || t->pairs > TA_DV_CHANNELS ||
        (t->rate && !t->pairs) || !ta_dv_profile(t->profile))
        return false;
    for (size_t i = 0; i < t->piece_count; i++) {
        const struct ta_dv_piece *p = &t->pieces[i];
        if (p->offset < 0 || p->offset > t->file_bytes ||
            p->count > (uint64_t)(t->file_bytes - p->offset) / TA_DV_BLOCK)
            return false;
    }
    for (size_t i = 0; i < t->frame_count; i++)
        if (!check_frame(t, &t->frames[i]))
            return false;
    return true;
}

struct ta_dv_table *ta_dv_table_parse(const uint8_t *data, size_t size)
{
    if (size < HEAD_BYTES || memcmp(data, MAGIC, 8) != 0)
        return NULL;
    const uint8_t *p = data + 8;
    uint64_t frames = AV_RL32(p + 33), pieces = AV_RL32(p + 37);
    if (frames * FRAME_BYTES + pieces * PIECE_BYTES != size - HEAD_BYTES)
        return NULL;
    struct ta_dv_table *t = ta_dv_table_create();
    t->file_bytes = (int64_t)AV_RL64(p);
    t->lost_bytes = (int64_t)AV_RL64(p + 8);
    t->profile = p[16];
    t->wide = p[17];
    t->rate = p[18];
    t->pairs = p[19];
    t->in_avi = p[20];
    t->timecode = AV_RL32(p + 21);
    t->date = AV_RL32(p + 25);
    t->time = AV_RL32(p + 29);
    t->frame_count = frames;
    t->piece_count = pieces;
    t->frames = calloc(frames ? frames : 1, sizeof(*t->frames));
    t->pieces = calloc(pieces ? pieces : 1, sizeof(*t->pieces));
    p = data + HEAD_BYTES;
    for (size_t i = 0; t->frames && i < frames; i++, p += FRAME_BYTES)
        t->frames[i] = (struct ta_dv_frame){
            .first_piece = AV_RL32(p),
            .piece_count = AV_RL16(p + 4),
            .missing = AV_RL16(p + 6),
            .profile = p[8],
            .wide = p[9],
            .rate = p[10],
            .bits = p[11],
            .pairs = p[12],
            .locked = p[13],
            .samples = AV_RL16(p + 14),
        };
    for (size_t i = 0; t->pieces && i < pieces; i++, p += PIECE_BYTES)
        t->pieces[i] = (struct ta_dv_piece){(int64_t)AV_RL64(p), AV_RL32(p + 8), AV_RL32(p + 12)};
    if (!t->frames || !t->pieces || !check(t))
        ta_dv_table_destroy(&t);
    return t;
}
