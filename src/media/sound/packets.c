// The file: a magic word; the description; records of packets; an empty record. Numbers are little-endian.
#include "media/sound/packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"

static const char MAGIC[8] = "TASNDP1\n";
enum { MAX_BYTES = 1 << 28, MAX_SIDE = 64, IO_SIZE = 256 << 10 };

// ---- writing ----

struct ta_packets_writer {
    FILE *file;
    char *path;
    struct ta_log *log;
    struct ta_sha256 *sha256;
    struct ta_buf record;
    int64_t packets, bytes;
};

static void put(struct ta_buf *b, int64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        ta_buf_putc(b, (char)((uint64_t)value >> (8 * i)));
}

static int write_record(struct ta_packets_writer *w)
{
    ta_sha256_update(w->sha256, w->record.data, w->record.size);
    size_t size = w->record.size;
    w->record.size = 0;
    w->bytes += (int64_t)size;
    errno = 0;
    if (fwrite(w->record.data, 1, size, w->file) == size)
        return 0;
    ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    return ta_error_from_errno(errno);
}

int ta_packets_create(struct ta_packets_writer **out, int fd, const char *path, struct ta_log *log)
{
    struct ta_packets_writer *w = ta_xcalloc(1, sizeof *w);
    w->path = ta_xstrdup(path);
    w->log = log;
    w->sha256 = ta_sha256_create();
    w->file = fdopen(fd, "wb");
    int err = w->file ? 0 : TA_ERR_NOMEM;
    if (w->file)
        setvbuf(w->file, NULL, _IOFBF, IO_SIZE);
    else
        close(fd);
    ta_buf_append(&w->record, MAGIC, sizeof MAGIC);
    if (err >= 0)
        err = write_record(w);
    if (err < 0)
        ta_packets_destroy(&w);
    *out = w;
    return err;
}

static void put_parameters(struct ta_buf *b, const AVCodecParameters *par, AVRational time_base)
{
    char layout[128] = "";
    av_channel_layout_describe(&par->ch_layout, layout, sizeof layout);
    put(b, 'P', 1);
    put(b, par->codec_id, 4);
    put(b, par->codec_tag, 4);
    put(b, par->format, 4);
    put(b, par->bit_rate, 8);
    put(b, par->bits_per_coded_sample, 4);
    put(b, par->bits_per_raw_sample, 4);
    put(b, par->profile, 4);
    put(b, par->level, 4);
    put(b, par->sample_rate, 4);
    put(b, par->block_align, 4);
    put(b, par->frame_size, 4);
    put(b, par->initial_padding, 4);
    put(b, par->trailing_padding, 4);
    put(b, par->seek_preroll, 4);
    put(b, time_base.num, 4);
    put(b, time_base.den, 4);
    put(b, (int64_t)strlen(layout), 4);
    ta_buf_puts(b, layout);
    put(b, par->extradata_size, 4);
    if (par->extradata_size > 0)
        ta_buf_append(b, par->extradata, (size_t)par->extradata_size);
}

int ta_packets_write(struct ta_packets_writer *w, const AVCodecParameters *par, AVRational time_base,
                     const AVPacket *p)
{
    struct ta_buf *b = &w->record;
    if (!w->packets++)
        put_parameters(b, par, time_base);
    put(b, 'K', 1);
    put(b, p->pts, 8);
    put(b, p->dts, 8);
    put(b, p->duration, 8);
    put(b, p->flags, 4);
    put(b, p->size, 4);
    put(b, p->side_data_elems, 4);
    if (p->size > 0)
        ta_buf_append(b, p->data, (size_t)p->size);
    for (int i = 0; i < p->side_data_elems; i++) {
        put(b, p->side_data[i].type, 4);
        put(b, (int64_t)p->side_data[i].size, 4);
        ta_buf_append(b, p->side_data[i].data, p->side_data[i].size);
    }
    return write_record(w);
}

int ta_packets_finish(struct ta_packets_writer *w, int64_t *packets, int64_t *bytes, char sha256[65])
{
    put(&w->record, 'E', 1);
    int err = write_record(w);
    if (err < 0)
        return err;
    FILE *file = w->file;
    w->file = NULL;
    if (fclose(file)) {
        ta_error(w->log, "%s: %s", w->path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        return ta_error_from_errno(errno);
    }
    ta_sha256_finish(&w->sha256, sha256);
    *packets = w->packets;
    *bytes = w->bytes;
    return 0;
}

void ta_packets_destroy(struct ta_packets_writer **writer)
{
    struct ta_packets_writer *w = *writer;
    char unused[TA_SHA256_HEX];
    *writer = NULL;
    if (!w)
        return;
    if (w->sha256)
        ta_sha256_finish(&w->sha256, unused);
    if (w->file)
        fclose(w->file);
    ta_buf_release(&w->record);
    free(w->path);
    free(w);
}

// ---- the lane ----

struct packets_lane {
    struct ta_lane lane;
    FILE *file;
    char *path;
    struct ta_log *log;
    bool bad; // a number or bytes were missing
};

static int damaged(struct packets_lane *l)
{
    ta_error(l->log, "%s: is damaged", l->path);
    return TA_ERR_DAMAGED;
}

static int64_t get(struct packets_lane *l, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        int c = getc(l->file);
        l->bad |= c == EOF;
        value |= (uint64_t)(c & 255) << (8 * i);
    }
    return bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static int get_size(struct packets_lane *l)
{
    int64_t n = get(l, 4);
    l->bad |= n < 0 || n > MAX_BYTES;
    return l->bad ? 0 : (int)n;
}

static void get_bytes(struct packets_lane *l, void *to, int size)
{
    l->bad |= size > 0 && fread(to, 1, (size_t)size, l->file) != (size_t)size;
}

static int get_parameters(struct packets_lane *l)
{
    AVCodecParameters *par = l->lane.parameters = avcodec_parameters_alloc();
    if (!par)
        return TA_ERR_NOMEM;
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->codec_id = (enum AVCodecID)get(l, 4);
    par->codec_tag = (uint32_t)get(l, 4);
    par->format = (int)get(l, 4);
    par->bit_rate = get(l, 8);
    par->bits_per_coded_sample = (int)get(l, 4);
    par->bits_per_raw_sample = (int)get(l, 4);
    par->profile = (int)get(l, 4);
    par->level = (int)get(l, 4);
    par->sample_rate = (int)get(l, 4);
    par->block_align = (int)get(l, 4);
    par->frame_size = (int)get(l, 4);
    par->initial_padding = (int)get(l, 4);
    par->trailing_padding = (int)get(l, 4);
    par->seek_preroll = (int)get(l, 4);
    l->lane.time_base.num = (int)get(l, 4);
    l->lane.time_base.den = (int)get(l, 4);
    char layout[128] = "";
    int n = get_size(l);
    l->bad |= n >= (int)sizeof layout;
    if (!l->bad)
        get_bytes(l, layout, n);
    if (!l->bad)
        l->bad = av_channel_layout_from_string(&par->ch_layout, layout) < 0;
    n = get_size(l);
    if (!l->bad && n) {
        par->extradata = av_mallocz((size_t)n + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!par->extradata)
            return TA_ERR_NOMEM;
        par->extradata_size = n;
        get_bytes(l, par->extradata, n);
    }
    l->bad |= l->lane.time_base.num < 1 || l->lane.time_base.den < 1;
    return l->bad ? damaged(l) : 0;
}

static int next(struct ta_lane *lane, AVPacket *p)
{
    struct packets_lane *l = (struct packets_lane *)lane;
    int what = getc(l->file);
    if (what == 'E')
        return 0;
    if (what != 'K')
        return damaged(l);
    int64_t pts = get(l, 8), dts = get(l, 8), duration = get(l, 8);
    int flags = (int)get(l, 4), size = get_size(l), sides = get_size(l);
    if (l->bad || sides > MAX_SIDE)
        return damaged(l);
    if (size > 0 && av_new_packet(p, size) < 0)
        return TA_ERR_NOMEM;
    get_bytes(l, p->data, size);
    for (int i = 0; i < sides && !l->bad; i++) {
        int type = (int)get(l, 4), n = get_size(l);
        uint8_t *side = l->bad ? NULL
                               : av_packet_new_side_data(p, (enum AVPacketSideDataType)type, (size_t)n);
        if (side)
            get_bytes(l, side, n);
        l->bad |= !side;
    }
    if (l->bad) {
        av_packet_unref(p);
        return damaged(l);
    }
    p->pts = pts;
    p->dts = dts;
    p->duration = duration;
    p->flags = flags;
    p->time_base = lane->time_base;
    return 1;
}

static void destroy(struct ta_lane *lane)
{
    struct packets_lane *l = (struct packets_lane *)lane;
    avcodec_parameters_free(&l->lane.parameters);
    if (l->file)
        fclose(l->file);
    free(l->path);
    free(l);
}

int ta_packets_lane(struct ta_lane **out, int fd, const char *path, bool *any, struct ta_log *log)
{
    struct packets_lane *l = ta_xcalloc(1, sizeof *l);
    struct ta_lane *lane = &l->lane;
    char magic[sizeof MAGIC];
    l->path = ta_xstrdup(path);
    l->log = log;
    lane->next = next;
    lane->destroy = destroy;
    l->file = fdopen(fd, "rb");
    int err = l->file ? 0 : TA_ERR_NOMEM, what = 0;
    if (l->file)
        setvbuf(l->file, NULL, _IOFBF, IO_SIZE);
    else
        close(fd);
    if (err >= 0) {
        get_bytes(l, magic, sizeof magic);
        what = getc(l->file);
        if (l->bad || memcmp(magic, MAGIC, sizeof magic) || (what != 'P' && what != 'E'))
            err = damaged(l);
    }
    if (err >= 0 && what == 'P')
        err = get_parameters(l);
    *any = err >= 0 && what == 'P';
    if (!*any)
        ta_lane_destroy(&lane);
    *out = lane;
    return err;
}
