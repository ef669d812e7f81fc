// The index as bytes, and into files.
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/pixdesc.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/sha256.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/index/index_build.h"
#include "media/index/index_form.h"

static void put32(struct ta_buf *b, uint32_t value)
{
    uint8_t bytes[4];
    AV_WL32(bytes, value);
    ta_buf_append(b, bytes, sizeof(bytes));
}

static void put64(struct ta_buf *b, int64_t value)
{
    uint8_t bytes[8];
    AV_WL64(bytes, (uint64_t)value);
    ta_buf_append(b, bytes, sizeof(bytes));
}

static void put_text(struct ta_buf *b, const char *text)
{
    put32(b, (uint32_t)strlen(text));
    ta_buf_puts(b, text);
}

static void put_packet(struct ta_buf *b, const struct ta_index_packet *p)
{
    uint8_t bytes[TA_INDEX_PACKET_BYTES];
    AV_WL64(bytes, (uint64_t)p->pts);
    AV_WL64(bytes + 8, (uint64_t)p->dts);
    AV_WL64(bytes + 16, (uint64_t)p->pos);
    AV_WL32(bytes + 24, p->size);
    AV_WL32(bytes + 28, p->check);
    AV_WL16(bytes + 32, p->flags);
    AV_WL16(bytes + 34, p->repeat_pict);
    ta_buf_append(b, bytes, sizeof(bytes));
}

static void serialise(const struct ta_index *index, struct ta_buf *b)
{
    ta_buf_append(b, TA_INDEX_MAGIC, sizeof(TA_INDEX_MAGIC));
    put32(b, TA_INDEX_VERSION);
    put64(b, index->source.size_bytes);
    put64(b, index->source.mtime_ns);
    put_text(b, index->source.head_tail);
    put32(b, (uint32_t)index->video);
    put32(b, (uint32_t)index->video_id);
    put32(b, (uint32_t)index->time_base.num);
    put32(b, (uint32_t)index->time_base.den);
    put32(b, index->decoded);
    put64(b, index->end_pts);
    put64(b, index->undecodable_start);
    put64(b, index->time_jumps);
    put64(b, index->variable);
    const struct ta_index_faults *f = &index->faults;
    const int64_t faults[] = {f->places, f->cut_off, f->stated, f->held, f->missing_time, f->late_start};
    for (size_t k = 0; k < TA_COUNT(faults); k++)
        put64(b, faults[k]);
    // By names: libav's numbers of pixel formats differ from version to version.
    json_t *format = ta_format_to_json(&index->format);
    char *text = ta_json_text(format);
    put_text(b, text);
    free(text);
    json_decref(format);

    put32(b, (uint32_t)index->stream_count);
    for (int i = 0; i < index->stream_count; i++) {
        const struct ta_index_stream *s = &index->streams[i];
        const int64_t values[] = {
            s->first_pts, s->end_pts,        s->packets,        s->bytes,        s->gaps,      s->overlaps,
            s->gap_time,  s->overlap_time,   s->lost,           s->encrypted,    s->programme, s->rate,
            s->channels,  s->least_channels, s->layout_changes, s->rate_changes, s->layer};
        for (size_t k = 0; k < TA_COUNT(values); k++)
            put64(b, values[k]);
    }
    put64(b, (int64_t)index->packet_count);
    for (size_t i = 0; i < index->packet_count; i++)
        put_packet(b, &index->packets[i]);
    put64(b, (int64_t)index->frame_count);
    for (size_t i = 0; i < index->frame_count; i++) {
        put64(b, index->frames[i].pts);
        put32(b, index->frames[i].packet);
        put32(b, index->frames[i].flags);
    }
    put32(b, (uint32_t)index->clock_count);
    for (int i = 0; i < index->clock_count; i++) {
        put64(b, index->clocks[i].offset);
        put32(b, index->clocks[i].frame);
    }
    put32(b, (uint32_t)index->scene_count);
    for (int i = 0; i < index->scene_count; i++) {
        const struct ta_dv_scene *s = &index->scenes[i];
        put32(b, s->frame);
        put32(b, s->timecode);
        put32(b, s->date);
        put32(b, s->time);
    }
    put32(b, (uint32_t)index->patch_count);
    for (int i = 0; i < index->patch_count; i++) {
        put64(b, index->patches[i].at);
        ta_buf_append(b, &index->patches[i].size, 1);
        ta_buf_append(b, index->patches[i].bytes, TA_PATCH_BYTES);
    }
    put32(b, (uint32_t)index->splice_count);
    for (int i = 0; i < index->splice_count; i++) {
        const struct ta_splice *s = &index->splices[i];
        const int64_t values[] = {s->from, s->to, s->fill, s->fill_bytes, s->copies};
        for (size_t k = 0; k < TA_COUNT(values); k++)
            put64(b, values[k]);
    }
    put32(b, (uint32_t)index->routes_count);
    for (int i = 0; i < index->routes_count; i++) {
        struct ta_buf one = {0};
        if (index->routes[i].packet_bytes)
            ta_routes_write(&index->routes[i], &one);
        put64(b, (int64_t)one.size);
        ta_buf_append(b, ta_buf_text(&one), one.size);
        ta_buf_release(&one);
    }
    struct ta_buf dv = {0};
    if (index->dv)
        ta_dv_table_write(index->dv, &dv);
    put64(b, (int64_t)dv.size);
    ta_buf_append(b, ta_buf_text(&dv), dv.size);
    ta_buf_release(&dv);
    put32(b, (uint32_t)index->part_count);
    for (int i = 0; i < index->part_count; i++) {
        const struct ta_index_part *p = &index->parts[i];
        const char *name = av_get_pix_fmt_name(p->pix_fmt);
        const int values[] = {p->width, p->height, p->sar.num, p->sar.den};
        put32(b, p->first);
        for (size_t k = 0; k < TA_COUNT(values); k++)
            put32(b, (uint32_t)values[k]);
        put_text(b, name ? name : "");
    }
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(b->data, b->size, sum);
    ta_buf_append(b, sum, TA_SHA256_HEX - 1);
}

int ta_index_seal(struct ta_index *index)
{
    struct ta_buf b = {0};
    serialise(index, &b);
    memcpy(index->checksum, b.data + b.size - (TA_SHA256_HEX - 1), TA_SHA256_HEX);
    ta_buf_release(&b);
    return 0;
}

int ta_index_save(const struct ta_index *index, const char *path, struct ta_log *log)
{
    struct ta_buf b = {0};
    serialise(index, &b);
    int err = ta_file_write_atomic(path, b.data, b.size, log);
    ta_buf_release(&b);
    return err;
}

int ta_index_save_in(const struct ta_index *index, const struct ta_folder *folder, const char *name,
                     struct ta_log *log)
{
    struct ta_buf b = {0};
    serialise(index, &b);
    int err = ta_folder_write(folder, name, b.data, b.size, log);
    ta_buf_release(&b);
    return err;
}
