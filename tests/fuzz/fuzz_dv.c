// Raw DV of any content: frames are found, kept, read back and played without a fault.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/mem.h>

#include "base/mem.h"
#include "media/dv/demux.h"

struct bytes {
    const uint8_t *data;
    int64_t size, at;
};

static int read_at(void *priv, int64_t offset, uint8_t *buffer, int size)
{
    struct bytes *b = priv;
    int got = (int)TA_MIN((int64_t)size, b->size - offset);
    memcpy(buffer, b->data + offset, (size_t)got);
    return got;
}

static int read_avio(void *opaque, uint8_t *buffer, int size)
{
    struct bytes *b = opaque;
    int got = b->at < b->size ? read_at(b, b->at, buffer, size) : 0;
    b->at += got;
    return got ? got : AVERROR_EOF;
}

static int64_t seek_avio(void *opaque, int64_t offset, int whence)
{
    struct bytes *b = opaque;
    if (whence == AVSEEK_SIZE)
        return b->size;
    return b->at = offset;
}

static void play(const struct ta_dv_table *table, struct bytes *b)
{
    AVIOContext *pb = avio_alloc_context(av_malloc(4096), 4096, 0, b, read_avio, NULL, seek_avio);
    struct ta_dv_demux *d = NULL;
    AVPacket *packet = av_packet_alloc();
    if (ta_dv_demux_create(&d, table, pb) >= 0)
        for (int i = 0; i < 64 && ta_dv_demux_read(d, packet) >= 0; i++)
            if (packet->size < 0 || packet->pts < 0)
                abort();
    ta_dv_demux_destroy(&d);
    av_packet_free(&packet);
    av_freep(&pb->buffer);
    avio_context_free(&pb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = {data, (int64_t)size, 0};
    const struct ta_dv_file file = {read_at, &b, (int64_t)size};
    struct ta_dv_table *table = NULL;
    if (ta_dv_scan(&table, &file, false, NULL, NULL) >= 0) {
        struct ta_buf text = {0};
        ta_dv_table_write(table, &text);
        struct ta_dv_table *again = ta_dv_table_parse((const uint8_t *)text.data, text.size);
        if (!again) // what was found must be fit to be kept
            abort();
        play(again, &b);
        ta_dv_table_destroy(&again);
        ta_buf_release(&text);
    }
    ta_dv_table_destroy(&table);

    table = ta_dv_table_parse(data, size);
    if (table)
        play(table, &b);
    ta_dv_table_destroy(&table);
    return 0;
}
