#include "media/mux/segfile_info.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/crc.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/tree.h"

#define VERSION 1
// libavformat keeps no longer text of an info packet, and up to this size the packet's head has one form.
#define MAX_TEXT 1000

// What NUT does not hold of the codec parameters: numbers of 32 bits, as the mark names them.
#define FIELD(key, member, min, max)                       \
    {                                                      \
        key, offsetof(AVCodecParameters, member), min, max \
    }
static const struct {
    const char *key;
    size_t offset;
    int64_t min, max;
} fields[] = {
    FIELD("codec_tag", codec_tag, 0, UINT32_MAX),
    FIELD("width", width, 1, 65535),
    FIELD("height", height, 1, 65535),
    FIELD("profile", profile, INT16_MIN, INT16_MAX),
    FIELD("level", level, INT16_MIN, INT16_MAX),
    FIELD("bits_per_coded_sample", bits_per_coded_sample, 0, 64),
    FIELD("bits_per_raw_sample", bits_per_raw_sample, 0, 64),
    FIELD("video_delay", video_delay, 0, TA_SEGFILE_SHIFT),
    FIELD("field_order", field_order, 0, AV_FIELD_BT),
    FIELD("primaries", color_primaries, 0, AVCOL_PRI_NB - 1),
    FIELD("transfer", color_trc, 0, AVCOL_TRC_NB - 1),
    FIELD("matrix", color_space, 0, AVCOL_SPC_NB - 1),
    FIELD("range", color_range, 0, AVCOL_RANGE_NB - 1),
    FIELD("chroma_location", chroma_location, 0, AVCHROMA_LOC_NB - 1),
};

uint32_t ta_segfile_crc(uint32_t before, const void *data, size_t size)
{
    return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), before, data, size);
}

static json_t *to_json(const struct ta_segfile_info *info)
{
    const AVCodecParameters *p = info->parameters;
    const char *pix_fmt = av_get_pix_fmt_name(p->format);
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(VERSION));
    json_object_set_new(o, "packets", json_integer(info->packets));
    json_object_set_new(o, "reorder", json_integer(info->reorder));
    json_object_set_new(o, "crc32", json_integer(info->crc));
    json_object_set_new(o, "index_crc32", json_integer(info->index_crc));
    json_object_set_new(o, "time_base", ta_json_rational(info->time_base));
    json_object_set_new(o, "codec", json_string(avcodec_get_name(p->codec_id)));
    json_object_set_new(o, "pix_fmt", json_string(pix_fmt ? pix_fmt : "none"));
    json_object_set_new(o, "sar", ta_json_rational(p->sample_aspect_ratio));
    for (size_t i = 0; i < TA_COUNT(fields); i++) {
        uint32_t bits;
        memcpy(&bits, (const char *)p + fields[i].offset, sizeof(bits));
        json_object_set_new(o, fields[i].key,
                            json_integer(fields[i].min < 0 ? (int32_t)bits : (int64_t)bits));
    }
    return o;
}

// NUT's variable length number: 7 bits a byte, highest first.
static void put_number(struct ta_buf *out, size_t n)
{
    for (int shift = 63; shift > 0; shift -= 7)
        if (n >> shift)
            ta_buf_putc(out, (char)(0x80 | (n >> shift)));
    ta_buf_putc(out, (char)(n & 0x7f));
}

// An info packet about the whole file with one text in it.
static void put_packet(struct ta_buf *out, const char *text)
{
    static const uint8_t start_code[8] = {'N', 'I', 0xab, 0x68, 0xb5, 0x96, 0xba, 0x78};
    static const char name[] = "terminalai";
    char tail[TA_SEGFILE_TAIL + 1];
    snprintf(tail, sizeof(tail), "%s%08x", TA_SEGFILE_MAGIC, (unsigned)strlen(text));
    struct ta_buf body = {0};
    ta_buf_append(&body, "\0\0\0\0\1", 5); // no stream, no chapter (number, start, length), one field
    put_number(&body, sizeof(name) - 1);
    ta_buf_puts(&body, name);
    put_number(&body, 2); // the signed number -1: a text follows
    put_number(&body, strlen(text) + strlen(tail));
    ta_buf_puts(&body, text);
    ta_buf_puts(&body, tail);
    uint32_t crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE), 0, (const uint8_t *)body.data, body.size);
    for (int i = 0; i < 4; i++)
        ta_buf_putc(&body, (char)(crc >> (8 * i)));
    ta_buf_append(out, start_code, sizeof(start_code));
    put_number(out, body.size);
    ta_buf_append(out, body.data, body.size);
    ta_buf_release(&body);
}

void ta_segfile_info_write(const struct ta_segfile_info *info, struct ta_buf *out)
{
    json_t *o = to_json(info);
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        abort(); // out of memory; small objects abort
    put_packet(out, text);
    free(text);
}

static size_t text_size(const uint8_t *tail)
{
    char digits[9] = "";
    memcpy(digits, tail + sizeof(TA_SEGFILE_MAGIC) - 1, 8);
    if (memcmp(tail, TA_SEGFILE_MAGIC, sizeof(TA_SEGFILE_MAGIC) - 1) ||
        strspn(digits, "0123456789abcdef") != 8)
        return 0;
    size_t size = strtoul(digits, NULL, 16);
    return size <= MAX_TEXT ? size : 0;
}

size_t ta_segfile_info_size(const uint8_t tail[TA_SEGFILE_TAIL])
{
    size_t size = text_size(tail);
    if (!size)
        return 0;
    // How much stands around a text of this size.
    struct ta_buf packet = {0};
    char text[MAX_TEXT + 1];
    memset(text, ' ', size);
    text[size] = '\0';
    put_packet(&packet, text);
    size = packet.size;
    ta_buf_release(&packet);
    return size;
}

static int from_json(struct ta_segfile_info *info, const json_t *o)
{
    AVCodecParameters *p = info->parameters;
    const char *where = "segment", *codec = "", *pix_fmt = "";
    int64_t version = 0, crc = 0, index_crc = 0;
    int err = ta_json_get_int(o, where, "version", VERSION, VERSION, &version, NULL);
    if (!err)
        err = ta_json_get_int(o, where, "packets", 0, INT32_MAX, &info->packets, NULL);
    if (!err)
        err = ta_json_get_int(o, where, "reorder", 0, TA_SEGFILE_SHIFT, &info->reorder, NULL);
    if (!err)
        err = ta_json_get_int(o, where, "crc32", 0, UINT32_MAX, &crc, NULL);
    if (!err)
        err = ta_json_get_int(o, where, "index_crc32", 0, UINT32_MAX, &index_crc, NULL);
    if (!err)
        err = ta_json_get_rational(o, where, "time_base", &info->time_base, NULL);
    if (!err)
        err = ta_json_get_rational(o, where, "sar", &p->sample_aspect_ratio, NULL);
    if (!err)
        err = ta_json_get_string(o, where, "codec", &codec, NULL);
    if (!err)
        err = ta_json_get_string(o, where, "pix_fmt", &pix_fmt, NULL);
    for (size_t i = 0; i < TA_COUNT(fields) && !err; i++) {
        int64_t value = 0;
        err = ta_json_get_int(o, where, fields[i].key, fields[i].min, fields[i].max, &value, NULL);
        uint32_t bits = (uint32_t)value;
        memcpy((char *)p + fields[i].offset, &bits, sizeof(bits));
    }
    const AVCodecDescriptor *d = err ? NULL : avcodec_descriptor_get_by_name(codec);
    if (!d || d->type != AVMEDIA_TYPE_VIDEO || info->time_base.num <= 0)
        return TA_ERR_DAMAGED;
    info->crc = (uint32_t)crc;
    info->index_crc = (uint32_t)index_crc;
    p->codec_type = AVMEDIA_TYPE_VIDEO;
    p->codec_id = d->id;
    p->format = av_get_pix_fmt(pix_fmt);
    return 0;
}

int ta_segfile_info_parse(struct ta_segfile_info *info, const uint8_t *data, size_t size)
{
    if (size < TA_SEGFILE_TAIL)
        return TA_ERR_DAMAGED;
    const uint8_t *tail = data + size - TA_SEGFILE_TAIL;
    size_t length = text_size(tail);
    if (!length || ta_segfile_info_size(tail) != size)
        return TA_ERR_DAMAGED;
    // The same text again must give the same packet, its checksum included.
    char *text = ta_xstrndup((const char *)tail - length, length);
    struct ta_buf again = {0};
    put_packet(&again, text);
    json_t *o = NULL;
    int err = TA_ERR_DAMAGED;
    if (again.size == size && !memcmp(again.data, data, size) &&
        ta_json_parse(text, length, "segment", &o, NULL) >= 0)
        err = from_json(info, o);
    json_decref(o);
    ta_buf_release(&again);
    free(text);
    return err;
}
