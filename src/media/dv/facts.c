#include "media/dv/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"

// Packs of five bytes: a number that says what they are, four bytes of content.
enum pack {
    PACK_TIMECODE = 0x13,
    PACK_AUDIO_SOURCE = 0x50,
    PACK_AUDIO_DATE = 0x52,
    PACK_AUDIO_TIME = 0x53,
    PACK_VIDEO_SOURCE = 0x60,
    PACK_VIDEO_CONTROL = 0x61,
    PACK_VIDEO_DATE = 0x62,
    PACK_VIDEO_TIME = 0x63,
};
enum { PACK_BYTES = 5, VAUX_PACKS = 15, SUBCODE_PACKS = 6, SUBCODE_STEP = 8 };
// Where libav's decoder looks for the pack of the source and, behind it, of its control: the last block of
// VAUX in the first sequence.
#define SOURCE_AT (TA_DV_BLOCK * 5 + 48)
#define SUPER_16_9 2
#define WIDE_16_9 7

bool ta_dv_parse_id(const uint8_t *bytes, struct ta_dv_id *out)
{
    static const int counts[] = {1, 2, 3, 9, 135};
    int section = bytes[0] >> 5;
    // The low four bits of the first byte are the tape's or the recorder's own.
    if (section > TA_DV_VIDEO || !(bytes[0] & 0x10) || (bytes[1] & 3) != 3 ||
        bytes[1] >> 4 >= TA_DV_SEQUENCES || bytes[2] >= counts[section])
        return false;
    int number = bytes[2], block = number;
    switch (section) {
    case TA_DV_SUBCODE:
        block = 1 + number;
        break;
    case TA_DV_VAUX:
        block = 3 + number;
        break;
    case TA_DV_AUDIO:
        block = 6 + 16 * number;
        break;
    case TA_DV_VIDEO:
        block = 7 + number / 15 * 16 + number % 15;
        break;
    default:
        break;
    }
    *out = (struct ta_dv_id){
        .section = (enum ta_dv_section)section,
        .channel = (bytes[1] >> 3 & 1) + (bytes[1] & 4 ? 0 : 2),
        .sequence = bytes[1] >> 4,
        .number = number,
        .block = block,
    };
    return true;
}

void ta_dv_write_id(uint8_t *bytes, int channel, int sequence, int block)
{
    int section = TA_DV_HEADER, number = block;
    if (block >= 6) {
        bool audio = (block - 6) % 16 == 0;
        section = audio ? TA_DV_AUDIO : TA_DV_VIDEO;
        number = audio ? (block - 6) / 16 : (block - 7) / 16 * 15 + (block - 7) % 16;
    } else if (block >= 3) {
        section = TA_DV_VAUX;
        number = block - 3;
    } else if (block >= 1) {
        section = TA_DV_SUBCODE;
        number = block - 1;
    }
    bytes[0] = (uint8_t)(section << 5 | 0x1f);
    bytes[1] = (uint8_t)(sequence << 4 | (channel & 1) << 3 | (channel & 2 ? 0 : 4) | 3);
    bytes[2] = (uint8_t)number;
}

void ta_dv_vote_cast(struct ta_dv_vote *v, uint32_t value)
{
    if (!v->count)
        v->value = value;
    v->count += v->value == value ? 1 : -1;
}

static bool is_bcd(uint32_t value, uint32_t limit)
{
    return (value & 15) <= 9 && value >> 4 <= 9 && value <= limit;
}

static void vote_timecode(struct ta_dv_vote *v, const uint8_t *p)
{
    uint32_t frame = p[1] & 0x3f, second = p[2] & 0x7f, minute = p[3] & 0x7f, hour = p[4] & 0x3f;
    if (is_bcd(frame, 0x29) && is_bcd(second, 0x59) && is_bcd(minute, 0x59) && is_bcd(hour, 0x23))
        ta_dv_vote_cast(v, (uint32_t)(p[1] & 0x40) << 25 | hour << 24 | minute << 16 | second << 8 | frame);
}

static void vote_date(struct ta_dv_vote *v, const uint8_t *p)
{
    uint32_t day = p[2] & 0x3f, month = p[3] & 0x1f, year = p[4];
    // Two digits of the year. There was no DV before the nineties; 1970 is what programs write that know
    // none.
    if (!is_bcd(year, 0x99) || (year >= 0x70 && year < 0x80) || !is_bcd(month, 0x12) || !month ||
        !is_bcd(day, 0x31) || !day)
        return;
    ta_dv_vote_cast(v, (year >= 0x80 ? 0x1900u : 0x2000u) << 16 | year << 16 | month << 8 | day);
}

static void vote_time(struct ta_dv_vote *v, const uint8_t *p)
{
    uint32_t second = p[2] & 0x7f, minute = p[3] & 0x7f, hour = p[4] & 0x3f;
    if (is_bcd(second, 0x59) && is_bcd(minute, 0x59) && is_bcd(hour, 0x23))
        ta_dv_vote_cast(v, hour << 16 | minute << 8 | second);
}

static void add_pack(struct ta_dv_votes *v, const struct ta_dv_id *id, const uint8_t *p)
{
    switch (p[0]) {
    case PACK_TIMECODE:
        if (id->section == TA_DV_SUBCODE)
            vote_timecode(&v->timecode, p);
        break;
    case PACK_VIDEO_SOURCE:
        if (id->section == TA_DV_VAUX)
            ta_dv_vote_cast(&v->stype, p[3] & 0x1f);
        break;
    case PACK_VIDEO_CONTROL:
        if (id->section == TA_DV_VAUX)
            ta_dv_vote_cast(&v->display, p[2] & 7);
        break;
    case PACK_AUDIO_SOURCE:
        // The second half of the sequences may hold channels of their own.
        if (id->section == TA_DV_AUDIO && id->channel == 0)
            ta_dv_vote_cast(&v->sound[id->sequence >= 5], AV_RB32(p + 1) & 0xff0f1f3f);
        break;
    case PACK_AUDIO_DATE:
    case PACK_VIDEO_DATE:
        vote_date(&v->date, p);
        break;
    case PACK_AUDIO_TIME:
    case PACK_VIDEO_TIME:
        vote_time(&v->time, p);
        break;
    default:
        break;
    }
}

void ta_dv_votes_add(struct ta_dv_votes *v, const struct ta_dv_id *id, const uint8_t *block)
{
    v->blocks++;
    v->last_sequence = TA_MAX(v->last_sequence, id->sequence);
    switch (id->section) {
    case TA_DV_HEADER:
        ta_dv_vote_cast(&v->system, block[3] >> 7);
        ta_dv_vote_cast(&v->track_pitch, block[4] & 7);
        break;
    case TA_DV_SUBCODE:
        for (int i = 0; i < SUBCODE_PACKS; i++)
            add_pack(v, id, block + 6 + SUBCODE_STEP * i);
        break;
    case TA_DV_VAUX:
        for (int i = 0; i < VAUX_PACKS; i++)
            add_pack(v, id, block + 3 + PACK_BYTES * i);
        break;
    case TA_DV_AUDIO:
        add_pack(v, id, block + 3);
        break;
    case TA_DV_VIDEO:
        v->video++;
        v->marked += block[3] >> 4 != 0;
        break;
    }
}

// libav's profile for what the blocks say.
static const AVDVProfile *find_profile(unsigned system, unsigned stype, unsigned track_pitch)
{
    uint8_t head[DV_PROFILE_BYTES] = {0};
    head[0] = 0x1f;
    head[3] = (uint8_t)(system << 7 | 0x3f);
    head[4] = (uint8_t)(0xf8 | track_pitch);
    head[SOURCE_AT] = PACK_VIDEO_SOURCE;
    head[SOURCE_AT + 3] = (uint8_t)(system << 5 | stype);
    return av_dv_frame_profile(NULL, head, sizeof(head));
}

int ta_dv_profile_number(const AVDVProfile *p)
{
    if (!p)
        return -1;
    bool digital_s = p->dsf && !p->video_stype && p->pix_fmt == AV_PIX_FMT_YUV411P;
    return p->dsf | (digital_s ? 2 : 0) | p->video_stype << 2;
}

const AVDVProfile *ta_dv_profile(int number)
{
    if (number < 0 || number > 0x7f)
        return NULL;
    const AVDVProfile *p = find_profile((unsigned)number & 1, (unsigned)number >> 2, number & 2 ? 1 : 0);
    return p && ta_dv_profile_number(p) == number ? p : NULL;
}

static void decide_sound(const struct ta_dv_votes *v, const AVDVProfile *p, struct ta_dv_sound *out)
{
    static const int rates[] = {48000, 44100, 32000};
    static const int pairs[] = {1, 0, 2, 4};
    *out = (struct ta_dv_sound){0};
    const struct ta_dv_vote *vote = &v->sound[v->sound[0].count ? 0 : 1];
    if (!vote->count)
        return;
    unsigned rate = vote->value >> 3 & 7, bits = vote->value & 7, stype = vote->value >> 8 & 0x1f;
    if (rate >= TA_COUNT(rates) || bits > 1 || stype >= TA_COUNT(pairs))
        return;
    out->rate = rates[rate];
    out->bits = bits ? 12 : 16;
    out->locked = !(vote->value >> 31);
    out->samples = p->audio_min_samples[rate] + (int)(vote->value >> 24 & 0x3f);
    // Four channels on a tape of 25 Mbit/s are the two halves of the sequences, of 12 bits each.
    out->pairs = bits && out->rate == 32000 && pairs[stype] == 1 ? 2 : pairs[stype];
    // What the blocks have room for.
    int room = (bits ? 24 : 36) * 9 * p->difseg_size / 2;
    if (out->samples > room || !out->pairs || (!bits && out->pairs > p->n_difchan))
        *out = (struct ta_dv_sound){0};
}

void ta_dv_votes_decide(const struct ta_dv_votes *v, const AVDVProfile *like, struct ta_dv_facts *out)
{
    *out = (struct ta_dv_facts){
        .blocks = v->blocks,
        .video = v->video,
        .marked = v->marked,
        .timecode = v->timecode.count ? v->timecode.value : TA_DV_NONE,
        .date = v->date.count ? v->date.value : TA_DV_NONE,
        .time = v->time.count ? v->time.value : TA_DV_NONE,
    };
    bool long_frame = v->last_sequence >= 10; // which only 625 lines have
    if (v->system.count || long_frame) {
        unsigned system = long_frame ? 1 : v->system.value;
        bool same = like && like->dsf == (int)system;
        unsigned stype = v->stype.count ? v->stype.value : same ? (unsigned)like->video_stype : 0;
        if (!v->stype.count && !v->track_pitch.count && same)
            out->profile = like;
        else
            out->profile = find_profile(system, stype, v->track_pitch.count ? v->track_pitch.value : 0);
    }
    if (!out->profile)
        out->profile = like;
    if (v->display.count) {
        out->tells_aspect = true;
        out->wide = v->display.value == SUPER_16_9 ||
                    (v->display.value == WIDE_16_9 && !v->track_pitch.value);
    }
    if (out->profile)
        decide_sound(v, out->profile, &out->sound);
}

void ta_dv_examine(const uint8_t *data, size_t size, struct ta_dv_facts *out)
{
    struct ta_dv_votes votes = {0};
    struct ta_dv_id id;
    for (; size >= TA_DV_BLOCK; data += TA_DV_BLOCK, size -= TA_DV_BLOCK)
        if (ta_dv_parse_id(data, &id))
            ta_dv_votes_add(&votes, &id, data);
    ta_dv_votes_decide(&votes, NULL, out);
}

void ta_dv_write_facts(uint8_t *frame, const AVDVProfile *p, bool wide)
{
    int number = ta_dv_profile_number(p);
    frame[0] = 0x1f;
    frame[3] = (uint8_t)(p->dsf << 7 | 0x3f);
    if (p->video_stype || number & 2)
        frame[4] = (uint8_t)((frame[4] & 0xf8) | 1);
    else
        frame[4] &= 0xf8;
    uint8_t *source = frame + SOURCE_AT;
    source[0] = PACK_VIDEO_SOURCE;
    source[3] = (uint8_t)(0xc0 | p->dsf << 5 | p->video_stype);
    source[5] = PACK_VIDEO_CONTROL;
    source[7] = (uint8_t)((source[7] & 0xf8) | (wide ? SUPER_16_9 : 0));
}

int64_t ta_dv_seconds(uint32_t date, uint32_t time)
{
    if (date == TA_DV_NONE || time == TA_DV_NONE)
        return INT64_MIN;
    int parts[7]; // pairs of digits
    for (int i = 0; i < 4; i++)
        parts[i] = (int)((date >> (24 - 8 * i) & 15) + 10 * (date >> (28 - 8 * i) & 15));
    for (int i = 0; i < 3; i++)
        parts[4 + i] = (int)((time >> (16 - 8 * i) & 15) + 10 * (time >> (20 - 8 * i) & 15));
    // Days since 1970 of the proleptic calendar, with years that begin in March.
    int64_t year = parts[0] * 100 + parts[1] - (parts[2] <= 2), month = (parts[2] + 9) % 12;
    int64_t days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + parts[3] - 1 -
                   719468;
    return ((days * 24 + parts[4]) * 60 + parts[5]) * 60 + parts[6];
}

const char *ta_dv_timecode_text(uint32_t timecode, char text[TA_DV_TEXT])
{
    uint32_t t = timecode & 0x7fffffff;
    snprintf(text, TA_DV_TEXT, "%02x:%02x:%02x%c%02x", t >> 24, t >> 16 & 255, t >> 8 & 255,
             timecode >> 31 ? ';' : ':', t & 255);
    return text;
}

const char *ta_dv_date_text(uint32_t date, uint32_t time, const char *between, const char *after,
                            char text[TA_DV_TEXT])
{
    snprintf(text, TA_DV_TEXT, "%04x-%02x-%02x%s%02x:%02x:%02x%s", date >> 16, date >> 8 & 255, date & 255,
             between, time >> 16, time >> 8 & 255, time & 255, after);
    return text;
}
