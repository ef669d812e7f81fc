// An index from its bytes: nothing of it is believed before it was looked at.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/index/index_build.h"
#include "media/index/index_form.h"

#define FRAME_BYTES 16
#define STREAM_BYTES 136
#define CLOCK_BYTES 12
#define PART_BYTES 24 // at least
#define SCENE_BYTES 16
#define PATCH_BYTES (9 + TA_PATCH_BYTES)
#define SPLICE_BYTES 40
#define MAX_STREAMS 100000
#define MAX_FILE ((size_t)1 << 36)
#define MAX_ZEROS ((int64_t)1 << 40)
#define MAX_TIME ((int64_t)1 << 61)

// Reads on only while everything was there; `bad` says that it was not.
struct cursor {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *take(struct cursor *c, uint64_t size)
{
    if (c->bad || (uint64_t)(c->end - c->at) < size) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->at;
    c->at += size;
    return p;
}

static uint32_t get32(struct cursor *c)
{
    const uint8_t *p = take(c, 4);
    return p ? AV_RL32(p) : 0;
}

static int64_t get64(struct cursor *c)
{
    const uint8_t *p = take(c, 8);
    return p ? (int64_t)AV_RL64(p) : 0;
}

// A count of things of `size` bytes each, all of which must be there.
static size_t get_count(struct cursor *c, int64_t count, size_t size)
{
    if (c->bad || count < 0 || (uint64_t)count > (uint64_t)(c->end - c->at) / size) {
        c->bad = true;
        return 0;
    }
    return (size_t)count;
}

static int parse_format(struct ta_index *index, struct cursor *c, const char *name, struct ta_log *log)
{
    size_t size = get_count(c, get32(c), 1);
    const uint8_t *text = take(c, size);
    if (!text || size > 4096) {
        c->bad = true;
        return 0;
    }
    json_t *root = NULL;
    int err = ta_json_parse((const char *)text, size, name, &root, log);
    if (err >= 0)
        err = ta_format_from_json(&index->format, root, name, log);
    json_decref(root);
    return err;
}

static int get_small(struct cursor *c)
{
    int64_t value = get64(c);
    c->bad |= value < 0 || value > INT32_MAX;
    return c->bad ? 0 : (int)value;
}

static int parse_streams(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), STREAM_BYTES);
    if (c->bad || count > MAX_STREAMS) {
        c->bad = true;
        return 0;
    }
    index->streams = calloc(count ? count : 1, sizeof(*index->streams));
    if (!index->streams)
        return TA_ERR_NOMEM;
    index->stream_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        struct ta_index_stream *s = &index->streams[i];
        int64_t *const fields[] = {&s->first_pts, &s->end_pts,  &s->packets,      &s->bytes, &s->gaps,
                                   &s->overlaps,  &s->gap_time, &s->overlap_time, &s->lost,  &s->encrypted};
        for (size_t k = 0; k < TA_COUNT(fields); k++)
            *fields[k] = get64(c);
        s->programme = get_small(c);
        s->rate = get_small(c);
        s->channels = get_small(c);
        s->least_channels = get_small(c);
        s->layout_changes = get64(c);
        s->rate_changes = get64(c);
        s->layer = get_small(c);
        c->bad |= s->packets < 0 || s->bytes < 0 || s->gaps < 0 || s->overlaps < 0 || s->lost < 0 ||
                  s->encrypted < 0 || s->layer > 3;
    }
    return 0;
}

static int parse_packets(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get64(c), TA_INDEX_PACKET_BYTES);
    if (c->bad || count >= UINT32_MAX) {
        c->bad = true;
        return 0;
    }
    index->packets = calloc(count ? count : 1, sizeof(*index->packets));
    if (!index->packets)
        return TA_ERR_NOMEM;
    index->packet_count = count;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *p = take(c, TA_INDEX_PACKET_BYTES);
        if (!p)
            break;
        index->packets[i] = (struct ta_index_packet){
            .pts = (int64_t)AV_RL64(p),
            .dts = (int64_t)AV_RL64(p + 8),
            .pos = (int64_t)AV_RL64(p + 16),
            .size = AV_RL32(p + 24),
            .check = AV_RL32(p + 28),
            .flags = AV_RL16(p + 32),
            .repeat_pict = AV_RL16(p + 34),
        };
        const struct ta_index_packet *q = &index->packets[i];
        c->bad |= (q->pts != AV_NOPTS_VALUE && llabs(q->pts) > MAX_TIME) || q->size > INT32_MAX;
    }
    return 0;
}

static int parse_frames(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get64(c), FRAME_BYTES);
    if (c->bad)
        return 0;
    index->frames = calloc(count ? count : 1, sizeof(*index->frames));
    if (!index->frames)
        return TA_ERR_NOMEM;
    index->frame_count = count;
    int64_t before = -MAX_TIME;
    for (size_t i = 0; i < count && !c->bad; i++) {
        struct ta_index_frame *f = &index->frames[i];
        f->pts = get64(c);
        f->packet = get32(c);
        f->flags = get32(c);
        c->bad |= f->pts <= before || f->packet >= index->packet_count;
        before = f->pts;
    }
    c->bad |= !count || index->end_pts <= before || index->end_pts > MAX_TIME;
    return 0;
}

static int parse_clocks(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), CLOCK_BYTES);
    if (c->bad || count > index->frame_count) {
        c->bad = true;
        return 0;
    }
    index->clocks = count ? calloc(count, sizeof(*index->clocks)) : NULL;
    if (count && !index->clocks)
        return TA_ERR_NOMEM;
    index->clock_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        struct ta_index_clock *k = &index->clocks[i];
        k->offset = get64(c);
        k->frame = get32(c);
        c->bad |= k->frame >= index->frame_count || (i && k->frame <= index->clocks[i - 1].frame) ||
                  k->offset > MAX_TIME || k->offset < -MAX_TIME;
    }
    return 0;
}

static int parse_scenes(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), SCENE_BYTES);
    if (c->bad || count > index->frame_count) {
        c->bad = true;
        return 0;
    }
    index->scenes = count ? calloc(count, sizeof(*index->scenes)) : NULL;
    if (count && !index->scenes)
        return TA_ERR_NOMEM;
    index->scene_count = (int)count;
    for (size_t i = 0; i < count; i++) {
        struct ta_dv_scene *s = &index->scenes[i];
        s->frame = get32(c);
        s->timecode = get32(c);
        s->date = get32(c);
        s->time = get32(c);
        c->bad |= s->frame >= index->frame_count ||
                  (i ? s->frame <= index->scenes[i - 1].frame : s->frame != 0);
    }
    return 0;
}

static int parse_patches(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), PATCH_BYTES);
    if (c->bad || count > TA_STRUCTURE_MAX) {
        c->bad = true;
        return 0;
    }
    index->patches = count ? calloc(count, sizeof(*index->patches)) : NULL;
    if (count && !index->patches)
        return TA_ERR_NOMEM;
    index->patch_count = (int)count;
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        struct ta_patch *p = &index->patches[i];
        p->at = get64(c);
        const uint8_t *bytes = take(c, 1 + TA_PATCH_BYTES);
        if (!bytes)
            break;
        p->size = *bytes;
        memcpy(p->bytes, bytes + 1, TA_PATCH_BYTES);
        c->bad |= p->at < before || p->at > index->source.size_bytes || p->size > TA_PATCH_BYTES;
        before = p->at;
    }
    return 0;
}

static int parse_splices(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), SPLICE_BYTES);
    if (c->bad || count > TA_STRUCTURE_MAX) {
        c->bad = true;
        return 0;
    }
    index->splices = count ? calloc(count, sizeof(*index->splices)) : NULL;
    if (count && !index->splices)
        return TA_ERR_NOMEM;
    index->splice_count = (int)count;
    int64_t before = 0, size = index->source.size_bytes;
    for (size_t i = 0; i < count; i++) {
        struct ta_splice *s = &index->splices[i];
        s->from = get64(c);
        s->to = get64(c);
        s->fill = get64(c);
        s->fill_bytes = get64(c);
        s->copies = get_small(c);
        c->bad |= s->from < before || s->to < s->from || s->to > size || s->fill < TA_SPLICE_ZEROS ||
                  s->fill > size || s->fill_bytes < 0 ||
                  (s->fill >= 0 ? s->fill_bytes > size - s->fill : s->fill_bytes > MAX_ZEROS);
        before = s->to;
    }
    return 0;
}

static int parse_routes(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), 8);
    if (c->bad || count > MAX_STREAMS) {
        c->bad = true;
        return 0;
    }
    index->routes = count ? calloc(count, sizeof(*index->routes)) : NULL;
    if (count && !index->routes)
        return TA_ERR_NOMEM;
    index->routes_count = (int)count;
    for (size_t i = 0; i < count && !c->bad; i++) {
        size_t size = get_count(c, get64(c), 1);
        const uint8_t *data = take(c, size);
        c->bad |= size && data && !ta_routes_parse(&index->routes[i], data, size);
    }
    return 0;
}

static void parse_dv(struct ta_index *index, struct cursor *c)
{
    size_t size = get_count(c, get64(c), 1);
    const uint8_t *data = take(c, size);
    if (!data || !size)
        return;
    index->dv = ta_dv_table_parse(data, size);
    c->bad |= !index->dv || index->dv->file_bytes != index->source.size_bytes;
}

static int get_number(struct cursor *c, int max)
{
    uint32_t value = get32(c);
    c->bad |= value > (uint32_t)max;
    return c->bad ? 0 : (int)value;
}

static int parse_parts(struct ta_index *index, struct cursor *c)
{
    size_t count = get_count(c, get32(c), PART_BYTES);
    if (c->bad || count > index->frame_count || count == 1) {
        c->bad = true;
        return 0;
    }
    index->parts = count ? calloc(count, sizeof(*index->parts)) : NULL;
    if (count && !index->parts)
        return TA_ERR_NOMEM;
    index->part_count = (int)count;
    for (size_t i = 0; i < count && !c->bad; i++) {
        struct ta_index_part *p = &index->parts[i];
        p->first = get32(c);
        p->width = get_number(c, 65536);
        p->height = get_number(c, 65536);
        p->sar.num = get_number(c, INT32_MAX);
        p->sar.den = get_number(c, INT32_MAX);
        char name[32] = "";
        size_t size = get_count(c, get32(c), 1);
        const uint8_t *text = take(c, size);
        if (text && size && size < sizeof(name))
            memcpy(name, text, size);
        p->pix_fmt = av_get_pix_fmt(name);
        c->bad |= p->first >= index->frame_count || (i ? p->first <= index->parts[i - 1].first : p->first) ||
                  !p->width || !p->height || !p->sar.den || p->pix_fmt == AV_PIX_FMT_NONE;
    }
    return 0;
}

static void parse_faults(struct ta_index_faults *f, struct cursor *c)
{
    f->places = get64(c);
    int64_t cut_off = get64(c);
    f->cut_off = cut_off != 0;
    f->stated = get64(c);
    f->held = get64(c);
    f->missing_time = get64(c);
    f->late_start = get64(c);
    c->bad |= f->places < 0 || cut_off < 0 || cut_off > 1 || (f->stated < 0 && f->stated != AV_NOPTS_VALUE) ||
              (f->held < 0 && f->held != AV_NOPTS_VALUE) || f->missing_time < 0 || f->late_start < 0;
}

static int parse_body(struct ta_index *index, struct cursor *c, const char *name, struct ta_log *log)
{
    index->source.size_bytes = get64(c);
    index->source.mtime_ns = get64(c);
    size_t size = get_count(c, get32(c), 1);
    const uint8_t *text = take(c, size);
    if (!text || size != sizeof(index->source.head_tail) - 1) {
        c->bad = true;
        return 0;
    }
    memcpy(index->source.head_tail, text, size);
    uint32_t video = get32(c), id = get32(c), num = get32(c), den = get32(c), decoded = get32(c);
    index->video = (int)TA_MIN(video, INT32_MAX);
    index->video_id = (int)id;
    index->time_base = (AVRational){(int)TA_MIN(num, INT32_MAX), (int)TA_MIN(den, INT32_MAX)};
    index->decoded = decoded != 0;
    index->end_pts = get64(c);
    index->undecodable_start = get64(c);
    index->time_jumps = get64(c);
    index->variable = get64(c);
    parse_faults(&index->faults, c);
    c->bad |= video > INT32_MAX || !num || num > INT32_MAX || !den || den > INT32_MAX || decoded > 1 ||
              index->undecodable_start < 0 || index->time_jumps < 0 || index->variable < 0;
    int err = 0;
    if (!c->bad)
        err = parse_format(index, c, name, log);
    if (err >= 0 && !c->bad)
        err = parse_streams(index, c);
    if (err >= 0 && !c->bad)
        err = parse_packets(index, c);
    if (err >= 0 && !c->bad)
        err = parse_frames(index, c);
    if (err >= 0 && !c->bad)
        err = parse_clocks(index, c);
    if (err >= 0 && !c->bad)
        err = parse_scenes(index, c);
    if (err >= 0 && !c->bad)
        err = parse_patches(index, c);
    if (err >= 0 && !c->bad)
        err = parse_splices(index, c);
    if (err >= 0 && !c->bad)
        err = parse_routes(index, c);
    if (err >= 0 && !c->bad)
        parse_dv(index, c);
    if (err >= 0 && !c->bad)
        err = parse_parts(index, c);
    c->bad |= c->at != c->end || index->video >= index->stream_count;
    return err;
}

int ta_index_parse(struct ta_index **out, const void *data, size_t size, const char *name, struct ta_log *log)
{
    *out = NULL;
    const size_t sum_size = TA_SHA256_HEX - 1;
    const uint8_t *bytes = data;
    if (size < sizeof(TA_INDEX_MAGIC) + 4 + sum_size ||
        memcmp(bytes, TA_INDEX_MAGIC, sizeof(TA_INDEX_MAGIC)) != 0) {
        ta_error(log, "%s: this is no index", name);
        return TA_ERR_FORMAT;
    }
    struct cursor c = {.at = bytes + sizeof(TA_INDEX_MAGIC), .end = bytes + size - sum_size};
    uint32_t version = get32(&c);
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(bytes, size - sum_size, sum);
    if (memcmp(sum, bytes + size - sum_size, sum_size) != 0) {
        ta_error(log, "%s: the index is damaged: its checksum does not match", name);
        return TA_ERR_DAMAGED;
    }
    if (version != TA_INDEX_VERSION) {
        ta_error(log, "%s: the index has version %" PRIu32 ", this program reads %d", name, version,
                 TA_INDEX_VERSION);
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_index *index = ta_xcalloc(1, sizeof(*index));
    memcpy(index->checksum, sum, sizeof(sum));
    int err = parse_body(index, &c, name, log);
    if (err >= 0 && c.bad) {
        ta_error(log, "%s: the index contradicts itself", name);
        err = TA_ERR_DAMAGED;
    }
    if (err < 0)
        ta_index_destroy(&index);
    *out = index;
    return err;
}

int ta_index_load(struct ta_index **out, const char *path, struct ta_log *log)
{
    *out = NULL;
    struct ta_buf b = {0};
    int err = ta_file_read(path, MAX_FILE, &b, log);
    if (err >= 0)
        err = ta_index_parse(out, b.data, b.size, path, log);
    ta_buf_release(&b);
    return err;
}

int ta_index_load_in(struct ta_index **out, const struct ta_folder *folder, const char *name,
                     struct ta_log *log)
{
    *out = NULL;
    struct ta_buf b = {0};
    int err = ta_folder_read(folder, name, MAX_FILE, &b, log);
    if (err >= 0)
        err = ta_index_parse(out, b.data, b.size, name, log);
    ta_buf_release(&b);
    return err;
}
