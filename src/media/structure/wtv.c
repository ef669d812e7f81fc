#include "media/structure/wtv.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "media/structure/walk.h"

enum {
    SECTOR = 4096,
    BLOCK = 256 << 10, // of the recording; may begin at any sector
    LIST = SECTOR / 4, // places that a sector lists
    // In the head of the file: how large the directory is, and the sector that it stands in.
    SIZE_AT = 48,
    SECTOR_AT = 56,
    HEAD_BYTES = 60,
    // An entry of the directory: length, bytes of the file, letters of the name; the name and its place.
    ENTRY_BYTES = 40,
    PLACE_BYTES = 8,
    // A chunk: identity, length with this head, stream, number.
    CHUNK_BYTES = 32,
    LONGEST_CHUNK = 64 << 20,
    FEW_CHUNKS = 4,       // in a row
    FIRST_END = 64 << 20, // it begins before
};

static const uint8_t file_id[16] = {0xb7, 0xd8, 0x00, 0x20, 0x37, 0x49, 0xda, 0x11,
                                    0xa6, 0x4e, 0x00, 0x07, 0xe9, 0x5e, 0xad, 0x8d};
static const uint8_t entry_id[16] = {0x92, 0xb7, 0x74, 0x91, 0x59, 0x70, 0x70, 0x44,
                                     0x88, 0xdf, 0x06, 0x3b, 0x82, 0xcc, 0x21, 0x3d};
static const uint8_t recording[16] = {'t', 0, 'i', 0, 'm', 0, 'e', 0, 'l', 0, 'i', 0, 'n', 0, 'e', 0};

// ---- the directory ----

struct place { // of the recording
    int64_t sector, bytes;
    int depth;     // sectors with lists between this one and the blocks
    int64_t block; // bytes of one: small files consist of sectors
};

struct file {
    ta_structure_read *read;
    void *priv;
    int64_t size;
};

static bool read_all(const struct file *f, int64_t at, void *data, int64_t size)
{
    return at >= 0 && size <= f->size - at && f->read(f->priv, at, data, size) == size;
}

static bool find_recording(const uint8_t *p, int size, struct place *out)
{
    while (size >= ENTRY_BYTES + PLACE_BYTES && !memcmp(p, entry_id, sizeof(entry_id))) {
        int length = AV_RL16(p + 16), name = (int)TA_MIN(AV_RL32(p + 32), SECTOR) * 2;
        if (length < ENTRY_BYTES + PLACE_BYTES || length > size || name > length - ENTRY_BYTES - PLACE_BYTES)
            return false;
        const uint8_t *after = p + ENTRY_BYTES + name;
        bool is = name >= (int)sizeof(recording) && !memcmp(p + ENTRY_BYTES, recording, sizeof(recording)) &&
                  (name == (int)sizeof(recording) || !AV_RL16(p + ENTRY_BYTES + sizeof(recording)));
        *out = (struct place){AV_RL32(after), (int64_t)(AV_RL64(p + 24) & 0xffffffffffff),
                              (int)TA_MIN(AV_RL32(after + 4), 3), p[31] & 0x80 ? SECTOR : BLOCK};
        if (is)
            return true;
        p += length;
        size -= length;
    }
    return false;
}

// 1: the recording was found; 0: what says where it is does not stand where it should; -1: this is no such
// file.
static int find_place(const struct file *f, struct place *out)
{
    uint8_t head[HEAD_BYTES], directory[SECTOR];
    if (!read_all(f, 0, head, HEAD_BYTES) || memcmp(head, file_id, sizeof(file_id)) != 0)
        return -1;
    int64_t at = (int64_t)AV_RL32(head + SECTOR_AT) * SECTOR, bytes = AV_RL32(head + SIZE_AT);
    return at && bytes <= SECTOR && read_all(f, at, directory, bytes) &&
           find_recording(directory, (int)bytes, out) && (out->sector + 1) * SECTOR <= f->size;
}

bool ta_wtv_is_cut(ta_structure_read *read, void *priv, int64_t size)
{
    struct place place;
    return find_place(&(struct file){read, priv, size}, &place) == 0;
}

// Where the recording ends by its lists; -1 where they don't tell.
static int64_t listed_end(const struct file *f, const struct place *p)
{
    int64_t block = TA_MAX(p->bytes - 1, 0) / p->block, at = p->sector, inside = p->bytes - block * p->block;
    int64_t span = p->depth == 2 ? LIST : 1;
    if (p->depth > 2)
        return -1;
    for (int depth = p->depth; depth > 0; depth--, span = 1) {
        uint8_t entry[4];
        if (block / span >= LIST || !read_all(f, at * SECTOR + block / span * 4, entry, sizeof(entry)))
            return -1;
        at = AV_RL32(entry);
        block %= span;
    }
    return at * SECTOR + inside;
}

static void put32(struct ta_buf *b, int64_t value)
{
    uint8_t bytes[4];
    AV_WL32(bytes, (uint32_t)value);
    ta_buf_append(b, bytes, sizeof(bytes));
}

static void fill_sector(struct ta_buf *b, int64_t behind)
{
    while ((behind + (int64_t)b->size) % SECTOR)
        ta_buf_putc(b, 0);
}

bool ta_wtv_directory(ta_structure_read *read, void *priv, int64_t size, struct ta_buf *out,
                      struct ta_patch *head)
{
    uint8_t id[sizeof(file_id)], bytes[8];
    if (size <= SECTOR || !read_all(&(struct file){read, priv, size}, 0, id, sizeof(id)) ||
        memcmp(id, file_id, sizeof(id)) != 0)
        return false;
    int64_t length = size - SECTOR, blocks = (length + BLOCK - 1) / BLOCK, lists = (blocks + LIST - 1) / LIST;
    fill_sector(out, size);
    int64_t sector = (size + (int64_t)out->size) / SECTOR;
    *head = (struct ta_patch){.at = SIZE_AT, .size = SECTOR_AT + 4 - SIZE_AT};
    AV_WL32(head->bytes, ENTRY_BYTES + sizeof(recording) + PLACE_BYTES);
    AV_WL32(head->bytes + SECTOR_AT - SIZE_AT, (uint32_t)sector);
    // The entry
    ta_buf_append(out, entry_id, sizeof(entry_id));
    put32(out, ENTRY_BYTES + sizeof(recording) + PLACE_BYTES);
    put32(out, 0);
    AV_WL64(bytes, (uint64_t)length);
    ta_buf_append(out, bytes, sizeof(bytes));
    put32(out, sizeof(recording) / 2);
    put32(out, 0);
    ta_buf_append(out, recording, sizeof(recording));
    put32(out, sector + 1);
    put32(out, lists > 1 ? 2 : 1);
    fill_sector(out, size);
    // Its lists
    for (int64_t i = 0; lists > 1 && i < lists; i++)
        put32(out, sector + 2 + i);
    fill_sector(out, size);
    for (int64_t i = 0; i < blocks; i++)
        put32(out, 1 + i * (BLOCK / SECTOR));
    fill_sector(out, size);
    return true;
}

// ---- the walk ----

struct wtv {
    int64_t block;       // where one of the blocks begins; others stand BLOCK apart, before and behind
    int64_t latest, end; // of the latest chunk; -1: none yet
    bool cut;
};

// Most identities of chunks are of one family.
static bool is_known(const uint8_t *p)
{
    static const uint8_t family[15] = {0xc3, 0xd2, 0xc2, 0x7e, 0x9a, 0xda, 0x11, 0x8b,
                                       0xf7, 0x00, 0x07, 0xe9, 0x5e, 0xad, 0x8d};
    static const uint8_t time[16] = {0x5b, 0x05, 0xe6, 0x1b, 0x97, 0xa9, 0x49, 0x43,
                                     0x88, 0x17, 0x1a, 0x65, 0x5a, 0x29, 0x8a, 0x97};
    return !memcmp(p + 1, family, sizeof(family)) || !memcmp(p, time, sizeof(time));
}

static int64_t chunk_length(struct ta_walk *w, int64_t at, bool *known)
{
    const uint8_t *p = ta_walk_look(w, at, CHUNK_BYTES);
    *known = p && is_known(p);
    if (!p)
        return TA_WALK_BEYOND_END;
    uint32_t length = AV_RL32(p + 16);
    bool can = length >= CHUNK_BYTES && length <= LONGEST_CHUNK;
    return can ? ta_walk_within(w, at, ((int64_t)length + 7) / 8 * 8) : TA_WALK_NO_UNIT;
}

// Do a few others follow up to one that is known, or the end?
static bool leads_on(struct ta_walk *w, int64_t at)
{
    bool known = false;
    for (int i = 0; i < FEW_CHUNKS && !known; i++) {
        int64_t length = chunk_length(w, at, &known);
        if (length <= 0)
            return length == TA_WALK_BEYOND_END;
        at += length;
    }
    return known;
}

// One that is known, or that such a one follows.
static int64_t wtv_unit(struct ta_walk *w, int64_t at)
{
    struct wtv *v = w->state;
    bool known;
    int64_t length = chunk_length(w, at, &known);
    if (!known && length > 0 && (w->searching || !leads_on(w, at + length)))
        return TA_WALK_NO_UNIT;
    if (!w->searching && length > 0) {
        v->latest = at;
        v->end = at + length;
    }
    return length;
}

static bool goes_on(struct ta_walk *w, int64_t at)
{
    bool known = false;
    for (int i = 0; i < FEW_CHUNKS; i++) {
        int64_t length = chunk_length(w, at, &known);
        if (length <= 0 || !known)
            return i > 1 && length == TA_WALK_BEYOND_END;
        at += length;
    }
    return true;
}

static int64_t wtv_begin(struct ta_walk *w, int64_t *end)
{
    struct place place;
    const struct file file = {w->read, w->priv, w->size};
    int found = find_place(&file, &place);
    int64_t first = SECTOR;
    bool known;
    if (found < 0)
        return -1;
    // Of the first chunks of a recording some are of other families, but not the very first.
    while (first < TA_MIN(w->size, FIRST_END) && !(chunk_length(w, first, &known) > 0 && known))
        first += SECTOR;
    if (first >= TA_MIN(w->size, FIRST_END))
        return -1;
    struct wtv *v = w->state = ta_xcalloc(1, sizeof(*v));
    *v = (struct wtv){.block = first, .latest = -1, .end = first, .cut = !found};
    int64_t listed = found ? listed_end(&file, &place) : -1;
    if (listed > first)
        *end = TA_MIN(listed, w->size);
    v->cut |= listed > w->size;
    if (first > SECTOR)
        ta_walk_splice(w, (struct ta_splice){.from = SECTOR, .to = first, .fill = TA_SPLICE_ZEROS});
    return first;
}

// A chunk of which bytes are missing is followed by the next one too early.
static int64_t wtv_within(struct ta_walk *w, int64_t from)
{
    const struct wtv *v = w->state;
    int64_t found = -1;
    w->searching = true;
    for (int64_t at = v->latest + CHUNK_BYTES; v->latest >= 0 && at < from && found < 0 && w->err >= 0; at++)
        if (goes_on(w, at))
            found = at;
    w->searching = false;
    return found;
}

static void wtv_broken(struct ta_walk *w, int64_t from, int64_t to)
{
    struct wtv *v = w->state;
    struct ta_splice splice = {.from = from, .to = to, .fill = TA_SPLICE_ZEROS};
    int64_t block = v->block + (from - v->block) / BLOCK * BLOCK;
    if (to < from) { // what is missing of the latest chunk
        splice = (struct ta_splice){to, to, TA_SPLICE_ZEROS, from - to, 1};
        v->block -= from - to;
    } else if (v->latest >= 0 && block > v->latest && (to - from) % SECTOR == 0) {
        // Lists and other files stand between two blocks, in the middle of a chunk: nothing is damaged.
        splice.from = block;
        splice.to = block + (to - from);
        v->block = splice.to;
        w->out->breaks--;
        w->out->lost_bytes -= to - from;
    } else {
        v->block += to - from;
    }
    ta_walk_splice(w, splice);
}

// Where nothing is wrong the lists of the file are as good.
static void wtv_finish(struct ta_walk *w)
{
    const struct wtv *v = w->state;
    struct ta_structure *s = w->out;
    if (!v->cut && !s->breaks) {
        s->splice_count = 0;
        return;
    }
    s->cut_off |= v->cut;
    s->splice_count = TA_MIN(s->splice_count, TA_STRUCTURE_MAX - 1);
    ta_walk_splice(w, (struct ta_splice){.from = v->end, .to = w->size, .fill = TA_SPLICE_ZEROS});
}

const struct ta_walk_format ta_walk_wtv = {wtv_begin, wtv_unit, wtv_finish, wtv_broken, wtv_within};
