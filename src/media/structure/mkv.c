// Matroska: elements; segments and clusters are looked into.
#include <string.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/structure/walk.h"

#define CLUSTER 0x1f43b675
#define SEGMENT 0x18538067
#define TRACKS 0x1654ae6b
#define TIMECODE 0xe7
#define SIMPLE_BLOCK 0xa3
#define BLOCK_GROUP 0xa0
#define BLOCK 0xa1
#define BACK 1000      // how far times of blocks go back within a cluster at most, ms
#define NO_BLOCKS 1500 // between the last block of a cluster and the next cluster at most, ms

static int64_t mkv_begin(struct ta_walk *w, int64_t *end)
{
    const uint8_t *p = ta_walk_look(w, 0, 4);
    (void)end;
    w->mkv.end = INT64_MAX;
    return p && AV_RB32(p) == 0x1a45dfa3 ? 0 : -1;
}

static int id_bytes(uint8_t first)
{
    return first & 0x80 ? 1 : first & 0x40 ? 2 : first & 0x20 ? 3 : first & 0x10 ? 4 : 0;
}

static uint32_t number_of(const uint8_t *p, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

// A length of up to `have` bytes: how many it takes, 0 when it is none. *length = -1: open.
static int read_length(const uint8_t *p, int64_t have, int64_t *length)
{
    if (have < 1 || !*p)
        return 0;
    int bytes = 1;
    while (!(*p & 0x80 >> (bytes - 1)))
        bytes++;
    if (bytes > have)
        return 0;
    uint64_t value = *p & (0xff >> bytes);
    for (int i = 1; i < bytes; i++)
        value = value << 8 | p[i];
    *length = value == ((uint64_t)1 << 7 * bytes) - 1 ? -1 : (int64_t)value;
    return bytes;
}

// ---- encryption ----

struct track {
    bool pictures, encrypted;
};

// What the elements from p to end say of a track, and the elements in them.
static void look_at_track(const uint8_t *p, const uint8_t *end, struct track *t)
{
    static const uint32_t opened[] = {0x6d80, 0x6240}; // content encodings, one of them
    while (end - p >= 2) {
        int bytes = id_bytes(*p);
        int64_t length = 0;
        if (!bytes || end - p < bytes)
            return;
        uint32_t id = number_of(p, bytes);
        p += bytes;
        bytes = read_length(p, end - p, &length);
        p += bytes;
        if (!bytes || length < 0 || length > end - p)
            return;
        if (id == 0x83) // type
            t->pictures = length == 1 && *p == 1;
        if (id == 0x5035 ||
            (id == 0x5033 && length > 0 && p[length - 1] == 1)) // encryption, type of encoding
            t->encrypted = true;
        if (id == opened[0] || id == opened[1])
            look_at_track(p, p + length, t);
        p += length;
    }
}

static void look_at_tracks(struct ta_walk *w, int64_t at, int64_t size)
{
    size = TA_MIN(size, TA_WALK_WINDOW_BYTES);
    const uint8_t *p = ta_walk_look(w, at, size), *end = p + size;
    while (p && end - p >= 2) {
        int64_t length = 0;
        int bytes = id_bytes(*p), more = bytes ? read_length(p + bytes, end - p - bytes, &length) : 0;
        if (!more || length < 0 || length > end - p - bytes - more)
            return;
        bool entry = bytes == 1 && *p == 0xae;
        struct track t = {0};
        p += bytes + more;
        if (entry)
            look_at_track(p, p + length, &t);
        w->out->encrypted |= t.pictures && t.encrypted;
        p += length;
    }
}

// ---- units ----

// The track and the time of the block whose content is at `at`: false when there can be none.
static bool read_block(struct ta_walk *w, int64_t at, int64_t length, int *track, int *time)
{
    const uint8_t *p = length >= 4 ? ta_walk_look(w, at, 4) : NULL;
    if (!p || !(p[0] & 0x80) || (p[3] & 0x70))
        return false;
    *track = p[0] & 0x7f;
    *time = (int16_t)AV_RB16(p + 1);
    return *track > 0 && *track < 63;
}

// The same of the element at `content`, which is a block or a group with one.
static bool find_block(struct ta_walk *w, uint32_t id, int64_t content, int64_t length, int *track, int *time)
{
    if (id == SIMPLE_BLOCK)
        return read_block(w, content, length, track, time);
    int64_t inner = 0, have = TA_MIN(length, 9);
    const uint8_t *p = id == BLOCK_GROUP && have > 1 ? ta_walk_look(w, content, have) : NULL;
    int bytes = p && *p == BLOCK ? read_length(p + 1, have - 1, &inner) : 0;
    return bytes && inner >= 0 && inner <= length - 1 - bytes &&
           read_block(w, content + 1 + bytes, inner, track, time);
}

static void void_out(struct ta_walk *w, int64_t from, int64_t to)
{
    uint8_t head[9] = {0xec};
    int64_t length = to - from;
    if (length < 2)
        return;
    if (length <= 127) {
        head[1] = (uint8_t)(0x80 | (length - 2));
        ta_walk_patch(w, from, head, 2);
    } else if (length < (int64_t)1 << 40) {
        head[1] = 1;
        AV_WB64(head + 1, (uint64_t)(length - 9) | (uint64_t)1 << 56);
        ta_walk_patch(w, from, head, 9);
    }
}

// A cluster follows one in which a place was passed over.
static void end_mended(struct ta_walk *w, int64_t at)
{
    struct ta_walk_mkv *m = &w->mkv;
    bool known = m->time >= 0 && m->next_time >= 0;
    if (m->mended && known && m->next_time - m->time - m->last > NO_BLOCKS) {
        // What seemed to belong to it were blocks of a cluster whose head is gone, with times that nobody
        // knows.
        while (w->out->patch_count > m->patches)
            w->out->patch_count--;
    } else if (m->cluster && at < m->end && m->end != INT64_MAX) {
        // Bytes are gone, whole blocks if nothing was found before: its length is no longer true. Open, then.
        w->out->breaks += !m->mended;
        uint8_t open[8] = {0};
        open[0] = (uint8_t)(0xff >> (m->size_bytes - 1));
        memset(open + 1, 0xff, sizeof(open) - 1);
        ta_walk_patch(w, m->cluster + 4, open, (size_t)m->size_bytes);
    }
    m->mended = false;
    m->end = INT64_MAX;
}

static void begin_cluster(struct ta_walk *w, int64_t at, int size_bytes, int64_t length)
{
    struct ta_walk_mkv *m = &w->mkv;
    int64_t content = at + 4 + size_bytes, number = 0;
    const uint8_t *p = ta_walk_look(w, content, TA_MIN(w->size - content, 12));
    int bytes = p && *p == TIMECODE ? read_length(p + 1, 8, &number) : 0;
    if (bytes && number > 0 && number <= 4 && (p = ta_walk_look(w, content + 1 + bytes, number)) != NULL)
        m->next_time = number_of(p, (int)number);
    end_mended(w, at);
    *m = (struct ta_walk_mkv){.cluster = at,
                              .size_bytes = size_bytes,
                              .end = length < 0 ? INT64_MAX : content + length,
                              .time = m->next_time,
                              .next_time = -1,
                              .tracks = m->tracks,
                              .patches = w->out->patch_count};
}

// What ends a cluster may begin one.
static void end_cluster(struct ta_walk *w, int64_t at, uint32_t id, int size_bytes, int64_t length)
{
    w->mkv.next_time = -1;
    if (id == CLUSTER)
        begin_cluster(w, at, size_bytes, length);
    else
        end_mended(w, at);
}

// Is this block, which was found behind a damaged place, one of the cluster that was damaged?
static bool belongs_here(struct ta_walk *w, int64_t at, int track, int time)
{
    struct ta_walk_mkv *m = &w->mkv;
    if (!m->cluster || m->astray || !(m->tracks >> track & 1))
        return false;
    // Those of the next one begin anew.
    m->astray = at >= m->end || time < m->last - BACK;
    return !m->astray;
}

static int64_t mkv_unit(struct ta_walk *w, int64_t at)
{
    static const uint32_t known[] = {SEGMENT, CLUSTER,      0x1a45dfa3,  0x114d9b74, 0x1549a966,
                                     TRACKS,  0x1c53bb6b,   0x1941a469,  0x1043a770, 0x1254c367, // long
                                     0x5854,  0xec,         0xbf,        TIMECODE,   0xa7,
                                     0xab,    SIMPLE_BLOCK, BLOCK_GROUP, 0xaf};
    const uint8_t *p = ta_walk_look(w, at, TA_MIN(w->size - at, 12));
    int bytes = p ? id_bytes(*p) : 0;
    if (!p || !bytes || w->size - at < bytes)
        return p && !bytes ? TA_WALK_NO_UNIT : TA_WALK_BEYOND_END;
    uint32_t id = number_of(p, bytes);
    bool is_known = false, block = id == SIMPLE_BLOCK || id == BLOCK_GROUP;
    for (size_t i = 0; i < TA_COUNT(known); i++)
        is_known |= id == known[i];
    if (!is_known || (w->strict && bytes < 4 && !block))
        return TA_WALK_NO_UNIT;
    int64_t length = 0;
    int size_bytes = read_length(p + bytes, w->size - at - bytes, &length);
    if (!size_bytes)
        return w->size - at < 12 ? TA_WALK_BEYOND_END : TA_WALK_NO_UNIT;
    int64_t content = at + bytes + size_bytes, end = length < 0 ? INT64_MAX : content + length;
    if (bytes == 4 && !w->searching)
        end_cluster(w, at, id, size_bytes, length);
    if (id == SEGMENT || id == CLUSTER)
        return bytes + size_bytes;
    if (length < 0 || (bytes < 4 && !w->searching && at < w->mkv.end && end > w->mkv.end))
        return TA_WALK_NO_UNIT;
    if (id == TRACKS && !w->searching)
        look_at_tracks(w, content, TA_MIN(length, w->size - content));
    int track = 0, time = 0;
    bool found = block && find_block(w, id, content, length, &track, &time);
    if (w->strict && block) {
        // Two more behind it, since a block's head is hardly one.
        w->strict = false;
        int64_t next = found && end < w->size ? mkv_unit(w, end) : found ? 1 : TA_WALK_NO_UNIT;
        bool chain = next == TA_WALK_BEYOND_END ||
                     (next > 0 && (end + next >= w->size || mkv_unit(w, end + next) != TA_WALK_NO_UNIT));
        w->strict = true;
        if (!chain || !belongs_here(w, at, track, time))
            return TA_WALK_NO_UNIT;
    }
    if (found && !w->searching) {
        w->mkv.tracks |= (int64_t)1 << track;
        w->mkv.last = time;
    }
    return length > w->size - content ? TA_WALK_BEYOND_END : end - at;
}

static void mkv_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    const uint8_t *p = ta_walk_look(w, to, 1);
    w->mkv.astray = false;
    if (!p || id_bytes(*p) == 4 || !w->mkv.cluster)
        return; // libav finds what is not in a cluster
    if (!w->mkv.mended)
        w->mkv.patches = w->out->patch_count;
    w->mkv.mended = true;
    void_out(w, from, to);
}

static void mkv_finish(struct ta_walk *w)
{
    w->mkv.next_time = -1;
    if (!w->out->cut_off)
        end_mended(w, w->size);
}

const struct ta_walk_format ta_walk_mkv = {mkv_begin, mkv_unit, mkv_finish, mkv_broken, NULL};
