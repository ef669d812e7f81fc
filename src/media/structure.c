#include "media/structure.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/crc.h>
#include <libavutil/intreadwrite.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/av.h"

#define WINDOW_BYTES (1 << 17) // holds the largest page of Ogg
#define LITTLE_BYTES 4096      // read at a time where only heads are looked at
#define NO_UNIT 0              // what a format says of a place: else the length of the unit there
#define BEYOND_END -1          // ... of which the last part is missing
#define MAX_SERIALS 64
#define STRIDES 1024           // packets of one size that are passed over before another place is looked for
#define SAMPLE_BYTES (1 << 25) // of streams that are looked at for scrambling alone
#define TAIL_BYTES 64          // so little behind the last unit is no loss

struct walk {
    ta_structure_read *read;
    void *priv;
    int64_t size; // of the file
    int err;
    int64_t start, length; // of the window
    bool searching;        // for the next unit behind a damaged place: nothing is noted
    bool strict;           // only what is hardly there by chance counts
    struct ta_structure *out;
    int64_t packet_bytes; // ASF, MPEG-TS: all have this size, so the next one is looked for by it at first
    bool corrects_errors; // ASF: packets begin with error correction
    struct {
        uint32_t serial, next;
        bool known; // `next`
        bool ended;
    } pages[MAX_SERIALS]; // Ogg
    int serial_count;
    int64_t payloads, scrambled; // MPEG
    uint8_t window[WINDOW_BYTES];
};

struct structure_format {
    const char *demuxer;
    int64_t (*begin)(struct walk *w, int64_t *end); // first unit, and where units end; -1: not this format
    int64_t (*unit)(struct walk *w, int64_t at);
    void (*finish)(struct walk *w);
    bool only_scrambling; // damage is seen elsewhere
};

// `count` bytes at `at`, valid until the next call; NULL where the file has fewer.
static const uint8_t *look(struct walk *w, int64_t at, int64_t count)
{
    if (at < 0 || count > WINDOW_BYTES || count > w->size - at || w->err < 0)
        return NULL;
    if (at < w->start || at + count > w->start + w->length) {
        int64_t got = w->read(w->priv, at, w->window, TA_MIN(TA_MAX(count, LITTLE_BYTES), w->size - at));
        w->start = at;
        w->length = got < 0 ? 0 : got;
        if (got < 0)
            w->err = (int)got;
    }
    return at + count <= w->start + w->length ? w->window + (at - w->start) : NULL;
}

static int64_t within(const struct walk *w, int64_t at, int64_t length)
{
    return length > w->size - at ? BEYOND_END : length;
}

// ---- Flash video: tags, each followed by its length ----

static int64_t flv_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 9);
    (void)end;
    return p && !memcmp(p, "FLV", 3) ? (int64_t)AV_RB32(p + 5) + 4 : -1;
}

static bool flv_tag(const uint8_t *p)
{
    int type = p[0] & 0x1f;
    return !(p[0] & 0xc0) && (type == 8 || type == 9 || type == 18) && !AV_RB24(p + 8);
}

static int64_t flv_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, 11);
    if (!p || !flv_tag(p))
        return p ? NO_UNIT : BEYOND_END;
    w->out->encrypted |= !w->searching && (p[0] & 0x20);
    int64_t length = 11 + (int64_t)AV_RB24(p + 1);
    if (at + length == w->size)
        return length;
    p = look(w, at + length, 4);
    if (!p)
        return BEYOND_END;
    // Some writers put anything there.
    if (AV_RB32(p) == length)
        return length + 4;
    p = look(w, at + length + 4, 11);
    return p && !w->strict && flv_tag(p) ? length + 4 : NO_UNIT;
}

// ---- Windows Media: packets of one size ----

static const uint8_t asf_header[16] = {0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11,
                                       0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};
static const uint8_t asf_data[16] = {0x36, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11,
                                     0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c};
static const uint8_t asf_file[16] = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                     0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
static const uint8_t asf_encryption[][16] = {
    {0xfb, 0xb3, 0x11, 0x22, 0x23, 0xbd, 0xd2, 0x11, 0xb4, 0xb7, 0x00, 0xa0, 0xc9, 0x55, 0xfc, 0x6e},
    {0x14, 0xe6, 0x8a, 0x29, 0x22, 0x26, 0x17, 0x4c, 0xb9, 0x35, 0xda, 0xe0, 0x7e, 0xe9, 0x28, 0x9c},
    {0x33, 0x85, 0x05, 0x43, 0x81, 0x69, 0xe6, 0x49, 0x9b, 0x74, 0xad, 0x12, 0xcb, 0x86, 0xd5, 0x8c},
};

// The file's own words on itself, of the object in its head.
static void asf_take_file(struct walk *w, int64_t at, uint64_t *packets)
{
    const uint8_t *p = look(w, at, 104);
    if (!p)
        return;
    bool live = AV_RL32(p + 88) & 1; // nothing of the rest is said then
    uint64_t duration = AV_RL64(p + 64) / 10, preroll = AV_RL64(p + 80);
    *packets = live ? 0 : AV_RL64(p + 56);
    if (AV_RL32(p + 92) == AV_RL32(p + 96))
        w->packet_bytes = AV_RL32(p + 96);
    if (!live && preroll < INT32_MAX && duration > preroll * 1000 && duration < (uint64_t)1 << 48)
        w->out->duration_us = (int64_t)(duration - preroll * 1000);
}

static int64_t asf_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 30);
    if (!p || memcmp(p, asf_header, 16) != 0)
        return -1;
    uint64_t packets = 0, head = AV_RL64(p + 16);
    int64_t at = 30;
    while ((uint64_t)at < head && (p = look(w, at, 24)) != NULL) {
        uint64_t length = AV_RL64(p + 16);
        for (size_t i = 0; i < TA_COUNT(asf_encryption); i++)
            w->out->encrypted |= !memcmp(p, asf_encryption[i], 16);
        if (length < 24 || length > (uint64_t)(w->size - at))
            return -1;
        if (!memcmp(p, asf_file, 16))
            asf_take_file(w, at, &packets);
        at += (int64_t)length;
    }
    p = look(w, at, 50);
    if (!p || memcmp(p, asf_data, 16) != 0 || w->packet_bytes < 64 || w->packet_bytes > WINDOW_BYTES)
        return -1;
    at += 50;
    p = look(w, at, 1);
    w->corrects_errors = p && (*p & 0x80);
    uint64_t room = (uint64_t)(INT64_MAX - at) / (uint64_t)w->packet_bytes;
    if (packets > 0 && packets < room) {
        *end = at + (int64_t)packets * w->packet_bytes;
        w->out->cut_off = *end > w->size;
    }
    return at;
}

// A number of 0, 1, 2 or 4 bytes, by its two bits of type; moves *p on. `end` bounds the packet.
static uint32_t asf_number(const uint8_t **p, const uint8_t *end, int type)
{
    static const int sizes[] = {0, 1, 2, 4};
    int size = sizes[type & 3];
    const uint8_t *at = *p;
    if (end - at < size) {
        *p = end;
        return UINT32_MAX;
    }
    *p += size;
    return size == 0 ? 0 : size == 1 ? *at : size == 2 ? AV_RL16(at) : AV_RL32(at);
}

// One payload's head at *p: does it fit? Moves *p behind its data where the packet has several.
static bool asf_payload(const uint8_t **p, const uint8_t *end, int property, int length_type)
{
    if (end - *p < 1)
        return false;
    ++*p; // stream number
    asf_number(p, end, property >> 4);
    uint32_t offset = asf_number(p, end, property >> 2), extra = asf_number(p, end, property);
    if (extra > (uint64_t)(end - *p))
        return false;
    uint32_t object = extra >= 8 ? AV_RL32(*p) : 0;
    *p += extra;
    if (extra == 1 || length_type == 0) // of several pictures, or the rest of the packet
        return extra == 1 || !object || offset < object;
    uint32_t length = asf_number(p, end, length_type);
    if (length > (uint64_t)(end - *p) || (object && (uint64_t)offset + length > object))
        return false;
    *p += length;
    return true;
}

static int64_t asf_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, w->packet_bytes);
    if (!p)
        return BEYOND_END;
    const uint8_t *end = p + w->packet_bytes;
    if (w->corrects_errors) {
        if (p[0] != 0x82 || p[1] || p[2])
            return NO_UNIT;
        p += 3;
    }
    int flags = *p++, property = *p++;
    if (flags & 0x80)
        return NO_UNIT;
    uint32_t length = asf_number(&p, end, flags >> 5);
    asf_number(&p, end, flags >> 1);
    uint32_t padding = asf_number(&p, end, flags >> 3);
    if (length > w->packet_bytes || padding > (uint64_t)(end - p) || end - p - padding < 7)
        return NO_UNIT;
    end -= padding;
    p += 6; // time and duration
    int count = 1, type = 0;
    if (flags & 1) {
        count = *p & 63;
        type = *p++ >> 6;
    }
    for (int i = 0; i < count; i++)
        if (!asf_payload(&p, end, property, type))
            return NO_UNIT;
    return w->packet_bytes;
}

// ---- Ogg: numbered pages with checksums ----

static int64_t ogg_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 4);
    (void)end;
    return p && !memcmp(p, "OggS", 4) ? 0 : -1;
}

static void ogg_follow(struct walk *w, const uint8_t *p)
{
    uint32_t serial = AV_RL32(p + 14), number = AV_RL32(p + 18);
    int i = 0;
    while (i < w->serial_count && w->pages[i].serial != serial)
        i++;
    if (i == MAX_SERIALS)
        return;
    if (i == w->serial_count)
        w->pages[w->serial_count++].serial = serial;
    else if (w->pages[i].known && w->pages[i].next != number && !(p[5] & 2))
        w->out->breaks++; // pages are missing without a trace
    w->pages[i].next = number + 1;
    w->pages[i].known = true;
    w->pages[i].ended = p[5] & 4;
}

static int64_t ogg_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, 27);
    if (!p)
        return BEYOND_END;
    if (memcmp(p, "OggS", 4) != 0 || p[4])
        return NO_UNIT;
    int64_t segments = p[26], length = 27 + segments;
    if (!(p = look(w, at, length)))
        return BEYOND_END;
    for (int64_t i = 0; i < segments; i++)
        length += p[27 + i];
    if (!(p = look(w, at, length)))
        return BEYOND_END;
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE);
    static const uint8_t zeros[4] = {0};
    uint32_t sum = av_crc(table, 0, p, 22);
    sum = av_crc(table, sum, zeros, 4);
    sum = av_crc(table, sum, p + 26, (size_t)length - 26);
    if (av_bswap32(sum) != AV_RL32(p + 22))
        return NO_UNIT;
    if (!w->searching)
        ogg_follow(w, p);
    return length;
}

static void ogg_finish(struct walk *w)
{
    for (int i = 0; i < w->serial_count; i++)
        w->out->cut_off |= !w->pages[i].ended;
}

// ---- MXF: keys, lengths, values ----

static int64_t mxf_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 4);
    (void)end;
    return p && AV_RB32(p) == 0x060e2b34 ? 0 : -1; // what runs in before the head is not looked at
}

static int64_t mxf_unit(struct walk *w, int64_t at)
{
    static const uint8_t encrypted[] = {0x06, 0x0e, 0x2b, 0x34, 0x02, 0x04, 0x01, 0x07,
                                        0x0d, 0x01, 0x03, 0x01, 0x02, 0x7e, 0x01};
    const uint8_t *p = look(w, at, 17);
    if (!p || AV_RB32(p) != 0x060e2b34)
        return p ? NO_UNIT : BEYOND_END;
    w->out->encrypted |= !w->searching && !memcmp(p, encrypted, sizeof(encrypted));
    int bytes = p[16] & 0x80 ? p[16] & 0x7f : 0;
    uint64_t length = p[16] & 0x7f;
    if (bytes > 8 || (p[16] == 0x80))
        return NO_UNIT;
    if (bytes) {
        if (!(p = look(w, at + 17, bytes)))
            return BEYOND_END;
        length = 0;
        for (int i = 0; i < bytes; i++)
            length = length << 8 | p[i];
    }
    return length > (uint64_t)(w->size - at) ? BEYOND_END : within(w, at, 17 + bytes + (int64_t)length);
}

// ---- Matroska: elements; segments and clusters are looked into ----

static int64_t mkv_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 4);
    (void)end;
    return p && AV_RB32(p) == 0x1a45dfa3 ? 0 : -1;
}

// An element's length from the bytes at `at`: how many these are, 0 when they are none. *length = -1: open.
static int mkv_length(struct walk *w, int64_t at, int64_t *length)
{
    const uint8_t *p = look(w, at, 1);
    if (!p || !*p)
        return 0;
    int bytes = 1;
    while (!(*p & 0x80 >> (bytes - 1)))
        bytes++;
    if (!(p = look(w, at, bytes)))
        return 0;
    uint64_t value = *p & (0xff >> bytes);
    for (int i = 1; i < bytes; i++)
        value = value << 8 | p[i];
    *length = value == ((uint64_t)1 << 7 * bytes) - 1 ? -1 : (int64_t)value;
    return bytes;
}

static int64_t mkv_unit(struct walk *w, int64_t at)
{
    static const uint32_t opened[] = {0x18538067, 0x1f43b675}; // segment, cluster
    static const uint32_t passed[] = {0x1a45dfa3, 0x114d9b74, 0x1549a966, 0x1654ae6b, 0x1c53bb6b,
                                      0x1941a469, 0x1043a770, 0x1254c367, // long
                                      0x5854,     0xec,       0xbf,       0xe7,       0xa7,
                                      0xab,       0xa3,       0xa0,       0xaf};
    const uint8_t *p = look(w, at, 1);
    if (!p)
        return BEYOND_END;
    int id_bytes = *p & 0x80 ? 1 : *p & 0x40 ? 2 : *p & 0x20 ? 3 : 4;
    if ((w->strict && id_bytes < 4) || !(*p & 0xf0))
        return NO_UNIT;
    if (!(p = look(w, at, id_bytes)))
        return BEYOND_END;
    uint32_t id = 0;
    for (int i = 0; i < id_bytes; i++)
        id = id << 8 | p[i];
    bool open = id == opened[0] || id == opened[1], known = open;
    for (size_t i = 0; i < TA_COUNT(passed); i++)
        known |= id == passed[i];
    int64_t length;
    int bytes = known ? mkv_length(w, at + id_bytes, &length) : 0;
    if (!bytes)
        return known && w->size - at < 12 ? BEYOND_END : NO_UNIT;
    if (open)
        return id_bytes + bytes;
    if (length < 0)
        return NO_UNIT;
    return length > w->size - at ? BEYOND_END : within(w, at, id_bytes + bytes + length);
}

// ---- AVI: chunks; lists are looked into ----

static int64_t avi_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 12);
    (void)end;
    return p && !memcmp(p, "RIFF", 4) ? 0 : -1;
}

static bool avi_name(const struct walk *w, const uint8_t *p)
{
    static const char data[][3] = {"dc", "db", "wb", "pc", "tx"};
    bool digits = p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9', words = true, packet = false;
    for (size_t i = 0; i < TA_COUNT(data); i++)
        packet |= digits && !memcmp(p + 2, data[i], 2);
    for (int i = 0; i < 4; i++)
        words &= p[i] == ' ' || p[i] == '_' || (p[i] >= '0' && p[i] <= '9') ||
                 ((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z');
    return packet || (words && !w->strict);
}

static int64_t avi_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, 8);
    if (!p || !avi_name(w, p))
        return p ? NO_UNIT : BEYOND_END;
    int64_t length = AV_RL32(p + 4);
    if (!memcmp(p, "RIFF", 4) || !memcmp(p, "LIST", 4))
        return within(w, at, 12);
    if (8 + length > w->size - at)
        return BEYOND_END;
    if (8 + length == w->size - at || !(length & 1))
        return 8 + length;
    // Chunks are filled up to an even length, but not by all writers.
    p = look(w, at + 8 + length + 1, 4);
    if (!p || avi_name(w, p))
        return 8 + length + 1;
    p = look(w, at + 8 + length, 4);
    return 8 + length + !(p && avi_name(w, p));
}

// ---- MPEG transport and program streams: damage is flagged by demuxer and decoders, scrambling is not ----

static int64_t ts_begin(struct walk *w, int64_t *end)
{
    static const struct {
        int64_t bytes, start;
    } kinds[] = {{188, 0}, {192, 4}, {204, 0}};
    for (size_t i = 0; i < TA_COUNT(kinds); i++) {
        bool all = true;
        for (int k = 0; k < 5 && all; k++) {
            const uint8_t *p = look(w, kinds[i].start + k * kinds[i].bytes, 4);
            all = p && *p == 0x47;
        }
        if (!all)
            continue;
        w->packet_bytes = kinds[i].bytes;
        *end = SAMPLE_BYTES;
        w->out->cut_off = w->size % w->packet_bytes != 0;
        return kinds[i].start;
    }
    return -1;
}

static int64_t ts_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, 4);
    if (!p || *p != 0x47)
        return p ? NO_UNIT : BEYOND_END;
    bool null = (AV_RB16(p + 1) & 0x1fff) == 0x1fff, payload = p[3] & 0x10;
    w->payloads += payload && !null && !w->searching;
    w->scrambled += payload && !null && !w->searching && (p[3] & 0xc0);
    return within(w, at, w->packet_bytes);
}

// Tables are never scrambled, and a recording may begin before the rest is.
static void ts_finish(struct walk *w)
{
    w->out->encrypted = w->scrambled * 2 > w->payloads;
}

static int64_t ps_begin(struct walk *w, int64_t *end)
{
    const uint8_t *p = look(w, 0, 4);
    *end = SAMPLE_BYTES;
    return p && AV_RB32(p) == 0x1ba ? 0 : -1;
}

static int64_t ps_unit(struct walk *w, int64_t at)
{
    const uint8_t *p = look(w, at, 14);
    if (!p || AV_RB24(p) != 1 || p[3] < 0xb9)
        return p ? NO_UNIT : BEYOND_END;
    if (p[3] == 0xb9)
        return 4;
    if (p[3] == 0xba)
        return within(w, at, (p[4] & 0xc0) == 0x40 ? 14 + (p[13] & 7) : 12);
    if ((p[3] & 0xf0) == 0xe0 && !w->searching) { // pictures: MPEG-2 says whether they are scrambled
        w->payloads++;
        w->scrambled += (p[6] & 0xc0) == 0x80 && (p[6] & 0x30);
    }
    return within(w, at, 6 + AV_RB16(p + 4));
}

// On a DVD some sectors of a scrambled title are always clear, and menus are.
static void ps_finish(struct walk *w)
{
    w->out->encrypted = w->scrambled * 20 > w->payloads;
}

// ---- any of them ----

static const struct structure_format formats[] = {
    {"flv", flv_begin, flv_unit, NULL, false},    {"live_flv", flv_begin, flv_unit, NULL, false},
    {"asf", asf_begin, asf_unit, NULL, false},    {"ogg", ogg_begin, ogg_unit, ogg_finish, false},
    {"mxf", mxf_begin, mxf_unit, NULL, false},    {"matroska,webm", mkv_begin, mkv_unit, NULL, false},
    {"avi", avi_begin, avi_unit, NULL, false},    {"mpegts", ts_begin, ts_unit, ts_finish, true},
    {"mpeg", ps_begin, ps_unit, ps_finish, true},
};

// Does a unit stand there that another follows, or the end?
static bool goes_on_at(struct walk *w, const struct structure_format *f, int64_t at, int64_t end)
{
    w->strict = true;
    int64_t length = f->unit(w, at);
    w->strict = false;
    return length > 0 && (at + length >= end || f->unit(w, at + length) != NO_UNIT);
}

// The next place behind `at` where units go on, or the end.
static int64_t search(struct walk *w, const struct structure_format *f, int64_t at, int64_t end,
                      const struct ta_cancel *cancel)
{
    int64_t found = end;
    w->searching = true;
    for (int i = 1; found == end && w->packet_bytes && i <= STRIDES && at + i * w->packet_bytes < end; i++)
        if (goes_on_at(w, f, at + i * w->packet_bytes, end))
            found = at + i * w->packet_bytes;
    for (int64_t i = at + 1; found == end && i < end && w->err >= 0; i++) {
        if (!(i & 0xfffff) && ta_canceled(cancel))
            w->err = TA_ERR_CANCELED;
        if (goes_on_at(w, f, i, end))
            found = i;
    }
    w->searching = false;
    for (int i = 0; i < w->serial_count; i++)
        w->pages[i].known = false; // what is missing there is this break's
    return found;
}

static void walk_units(struct walk *w, const struct structure_format *f, int64_t at, int64_t end,
                       const struct ta_cancel *cancel)
{
    end = TA_MIN(end, w->size);
    for (int64_t units = 0; at < end && w->err >= 0; units++) {
        int64_t length = f->unit(w, at);
        if (length > 0) {
            at += length;
        } else {
            int64_t next = search(w, f, at, end, cancel);
            if (next < end) {
                w->out->breaks++;
                w->out->lost_bytes += next - at;
            } else {
                // Half a packet of a size that all have, or a little of anything, is told by what is missing.
                w->out->cut_off |= end - at > TAIL_BYTES || length == BEYOND_END;
            }
            at = next;
        }
        if (units % 4096 == 0 && ta_canceled(cancel))
            w->err = TA_ERR_CANCELED;
    }
}

int ta_structure_walk(struct ta_structure *out, const char *demuxer, ta_structure_read *read, void *priv,
                      int64_t size, const struct ta_cancel *cancel)
{
    *out = (struct ta_structure){.duration_us = -1};
    const struct structure_format *f = NULL;
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        if (!strcmp(formats[i].demuxer, demuxer))
            f = &formats[i];
    if (!f)
        return 0;
    struct walk *w = ta_xcalloc(1, sizeof(*w));
    w->read = read;
    w->priv = priv;
    w->size = size;
    w->out = out;
    int64_t end = size, at = f->begin(w, &end);
    if (at >= 0) {
        bool cut_off = out->cut_off;
        walk_units(w, f, at, end, cancel);
        if (f->only_scrambling) {
            out->breaks = out->lost_bytes = 0;
            out->cut_off = cut_off;
        }
        if (f->finish)
            f->finish(w);
    }
    int err = w->err;
    ta_freep(&w);
    return err;
}

static int64_t read_file(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    int fd = *(const int *)priv;
    int64_t have = 0;
    while (have < size) {
        ssize_t n = pread(fd, data + have, (size_t)(size - have), (off_t)(position + have));
        if (n < 0)
            return TA_ERR_IO;
        if (!n)
            break;
        have += n;
    }
    return have;
}

int ta_structure_check(struct ta_structure *out, const char *demuxer, const char *path,
                       const struct ta_cancel *cancel)
{
    *out = (struct ta_structure){.duration_us = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0)
        err = ta_structure_walk(out, demuxer, read_file, &fd, st.st_size, cancel);
    if (fd >= 0)
        close(fd);
    return err == TA_ERR_CANCELED ? err : 0;
}
