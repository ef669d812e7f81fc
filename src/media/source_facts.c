#include "media/source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/channel_layout.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "media/parts/disc.h"
#include "media/parts/packets.h"

// Text from a file: old files hold Latin-1 where UTF-8 is meant.
json_t *ta_source_text_json(const char *text)
{
    if (ta_utf8_valid(text))
        return json_string(text);
    struct ta_buf b = {0};
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < 0x80) {
            ta_buf_putc(&b, (char)*c);
        } else {
            ta_buf_putc(&b, (char)(0xc0 | *c >> 6));
            ta_buf_putc(&b, (char)(0x80 | (*c & 0x3f)));
        }
    }
    json_t *value = json_string(ta_buf_text(&b));
    ta_buf_release(&b);
    return value;
}

static void set_text(json_t *o, const char *key, const char *text)
{
    if (text && *text)
        json_object_set_new(o, key, ta_source_text_json(text));
}

static void set_int(json_t *o, const char *key, int64_t value)
{
    json_object_set_new(o, key, json_integer(value));
}

static void set_rational(json_t *o, const char *key, AVRational r)
{
    if (r.num > 0 && r.den > 0)
        json_object_set_new(o, key, ta_json_rational(r));
}

static void set_seconds(json_t *o, const char *key, int64_t time, AVRational base)
{
    if (time != AV_NOPTS_VALUE)
        json_object_set_new(o, key, json_real((double)time * base.num / base.den));
}

// Tags in the file's order; keys that have a place of their own are left out.
static void set_metadata(json_t *o, AVDictionary *dict, const char *const *skip)
{
    json_t *tags = json_object();
    for (AVDictionaryEntry *e = NULL; (e = av_dict_get(dict, "", e, AV_DICT_IGNORE_SUFFIX));) {
        bool skipped = false;
        for (size_t i = 0; skip && skip[i]; i++)
            skipped |= !av_strcasecmp(e->key, skip[i]);
        if (!skipped && ta_utf8_valid(e->key))
            json_object_set_new(tags, e->key, ta_source_text_json(e->value));
    }
    if (json_object_size(tags))
        json_object_set(o, "metadata", tags);
    json_decref(tags);
}

static json_t *dispositions(int flags)
{
    json_t *list = json_array();
    for (int bit = 0; bit < 31; bit++) {
        const char *name = flags & (1 << bit) ? av_disposition_to_string(1 << bit) : NULL;
        if (name)
            json_array_append_new(list, json_string(name));
    }
    return list;
}

static const char *field_order_name(enum AVFieldOrder order)
{
    switch (order) {
    case AV_FIELD_PROGRESSIVE:
        return "progressive";
    case AV_FIELD_TT:
    case AV_FIELD_BT:
        return "tff";
    case AV_FIELD_BB:
    case AV_FIELD_TB:
        return "bff";
    default:
        return "unknown";
    }
}

static void set_video(json_t *o, const struct ta_source *s, AVStream *st)
{
    const AVCodecParameters *p = st->codecpar;
    set_int(o, "width", p->width);
    set_int(o, "height", p->height);
    AVRational sar = av_guess_sample_aspect_ratio(s->fmt, st, NULL), dar = {0, 1};
    set_rational(o, "sar", sar);
    if (sar.num > 0 && p->width > 0 && p->height > 0) {
        av_reduce(&dar.num, &dar.den, (int64_t)p->width * sar.num, (int64_t)p->height * sar.den, 1 << 20);
        set_rational(o, "dar", dar);
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p->format);
    if (d) {
        set_text(o, "pix_fmt", d->name);
        set_int(o, "depth", d->comp[0].depth);
    }
    set_text(o, "field_order", field_order_name(p->field_order));
    set_rational(o, "frame_rate", ta_usual_frame_rate(av_guess_frame_rate(s->fmt, st, NULL), 1e-5));
    set_rational(o, "average_frame_rate", st->avg_frame_rate);
    set_rational(o, "real_base_frame_rate", st->r_frame_rate);
    set_int(o, "reorder_delay", p->video_delay);
    // As stated in the file: what it does not state is left out here and filled in by
    // ta_source_video_format().
    if (p->color_range != AVCOL_RANGE_UNSPECIFIED)
        set_text(o, "range", p->color_range == AVCOL_RANGE_JPEG ? "full" : "limited");
    if (p->color_primaries != AVCOL_PRI_UNSPECIFIED)
        set_text(o, "primaries", av_color_primaries_name(p->color_primaries));
    if (p->color_trc != AVCOL_TRC_UNSPECIFIED)
        set_text(o, "transfer", av_color_transfer_name(p->color_trc));
    if (p->color_space != AVCOL_SPC_UNSPECIFIED)
        set_text(o, "matrix", av_color_space_name(p->color_space));
    if (p->chroma_location != AVCHROMA_LOC_UNSPECIFIED)
        set_text(o, "chroma_location", av_chroma_location_name(p->chroma_location));
    if (ta_stream_side_data(st, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, NULL))
        json_object_set_new(o, "mastering_display", json_true());
    if (ta_stream_side_data(st, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, NULL))
        json_object_set_new(o, "content_light_level", json_true());
    if (ta_stream_side_data(st, AV_PKT_DATA_STEREO3D, NULL))
        json_object_set_new(o, "stereo3d", json_true());
    int rotation = ta_stream_rotation(st);
    if (rotation)
        set_int(o, "rotation", rotation);
}

static void set_audio(json_t *o, const AVCodecParameters *p)
{
    char layout[128];
    set_int(o, "sample_rate", p->sample_rate);
    set_int(o, "channels", p->ch_layout.nb_channels);
    if (av_channel_layout_describe(&p->ch_layout, layout, sizeof(layout)) > 0)
        set_text(o, "layout", layout);
    set_text(o, "sample_format", av_get_sample_fmt_name(p->format));
    int bits = p->bits_per_raw_sample ? p->bits_per_raw_sample : p->bits_per_coded_sample;
    if (bits)
        set_int(o, "bits", bits);
    if (p->initial_padding)
        set_int(o, "initial_padding", p->initial_padding);
}

// Four letters where it is meant so ("dvsd"), else the number that it is in AVI, WAVE and transport streams.
static void set_codec_tag(json_t *o, uint32_t tag)
{
    char text[16];
    bool letters = tag != 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)(tag >> 8 * i);
        letters &= c >= 0x20 && c < 0x7f;
        text[i] = (char)c;
    }
    text[4] = '\0';
    if (!letters)
        snprintf(text, sizeof text, "0x%04" PRIx32, tag);
    if (tag)
        set_text(o, "codec_tag", text);
}

static json_t *stream_facts(const struct ta_source *s, unsigned i)
{
    AVStream *st = s->fmt->streams[i];
    const AVCodecParameters *p = st->codecpar;
    const char *type = av_get_media_type_string(p->codec_type);
    json_t *o = json_object();
    set_int(o, "index", i);
    set_text(o, "type", type ? type : "unknown");
    if ((int)i == s->video)
        json_object_set_new(o, "main", json_true());
    set_text(o, "codec", avcodec_get_name(p->codec_id));
    const AVCodecDescriptor *d = avcodec_descriptor_get(p->codec_id);
    if (d)
        set_text(o, "codec_long_name", d->long_name);
    set_codec_tag(o, p->codec_tag);
    set_text(o, "profile", avcodec_profile_name(p->codec_id, p->profile));
    if (p->level > 0)
        set_int(o, "level", p->level);
    if (s->fmt->iformat->flags & AVFMT_SHOW_IDS)
        set_int(o, "id", st->id);
    const AVDictionaryEntry *e = av_dict_get(st->metadata, "language", NULL, 0);
    if (e && strcmp(e->value, "und") != 0)
        set_text(o, "language", e->value);
    e = av_dict_get(st->metadata, "title", NULL, 0);
    if (e)
        set_text(o, "title", e->value);
    json_object_set_new(o, "dispositions", dispositions(st->disposition));

    if (p->codec_type == AVMEDIA_TYPE_VIDEO)
        set_video(o, s, st);
    else if (p->codec_type == AVMEDIA_TYPE_AUDIO)
        set_audio(o, p);
    else if (p->codec_type == AVMEDIA_TYPE_SUBTITLE && p->width > 0) {
        set_int(o, "width", p->width);
        set_int(o, "height", p->height);
    }
    json_object_set_new(o, "time_base", ta_json_rational(st->time_base));
    set_seconds(o, "start_seconds", st->start_time, st->time_base);
    set_seconds(o, "duration_seconds", st->duration, st->time_base);
    if (p->bit_rate > 0)
        set_int(o, "bit_rate", p->bit_rate);
    if (st->nb_frames > 0)
        set_int(o, "frames", st->nb_frames);
    static const char *const own[] = {"language", "title", NULL};
    set_metadata(o, st->metadata, own);
    return o;
}

static json_t *chapter_facts(const AVChapter *c)
{
    json_t *o = json_object();
    set_seconds(o, "start_seconds", c->start, c->time_base);
    set_seconds(o, "end_seconds", c->end, c->time_base);
    const AVDictionaryEntry *e = av_dict_get(c->metadata, "title", NULL, 0);
    if (e)
        set_text(o, "title", e->value);
    return o;
}

// The tape's or camera's time code, wherever the container keeps it.
static const char *timecode(const struct ta_source *s)
{
    const AVDictionaryEntry *e = av_dict_get(s->fmt->metadata, "timecode", NULL, 0);
    if (!e && s->video >= 0)
        e = av_dict_get(s->fmt->streams[s->video]->metadata, "timecode", NULL, 0);
    for (unsigned i = 0; !e && i < s->fmt->nb_streams; i++)
        e = av_dict_get(s->fmt->streams[i]->metadata, "timecode", NULL, 0);
    return e ? e->value : NULL;
}

// What a recorder's list says, as numbers of the file that it lists.
static json_t *recordings_facts(const struct ta_recorder *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->recording_count; i++) {
        const struct ta_recording *one = &r->recordings[i];
        json_t *o = json_object();
        set_int(o, "byte", one->byte);
        set_int(o, "size_bytes", one->bytes);
        if (one->later_us)
            json_object_set_new(o, "later_seconds", json_real((double)one->later_us / 1e6));
        set_text(o, "title", one->title);
        set_text(o, "recorded", one->date);
        json_object_set_new(o, "listed", json_boolean(one->listed));
        json_array_append_new(list, o);
    }
    return list;
}

json_t *ta_source_json(const struct ta_source *s)
{
    const AVFormatContext *fmt = s->fmt;
    json_t *o = json_object(), *streams = json_array(), *attachments = json_array(), *chapters = json_array();
    set_text(o, "format", fmt->iformat->name);
    set_text(o, "format_long_name", fmt->iformat->long_name);
    int64_t size = ta_source_bytes(s);
    if (size >= 0)
        set_int(o, "size_bytes", size);
    set_seconds(o, "start_seconds", fmt->start_time, AV_TIME_BASE_Q);
    set_seconds(o, "duration_seconds", fmt->duration, AV_TIME_BASE_Q);
    if (fmt->bit_rate > 0)
        set_int(o, "bit_rate", fmt->bit_rate);
    if (fmt->nb_programs > 1)
        set_int(o, "programs", fmt->nb_programs);
    set_text(o, "timecode", timecode(s));
    set_metadata(o, fmt->metadata, NULL);

    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        const AVStream *st = fmt->streams[i];
        json_array_append_new(streams, stream_facts(s, i));
        const AVDictionaryEntry *name = av_dict_get(st->metadata, "filename", NULL, 0);
        const AVDictionaryEntry *mime = av_dict_get(st->metadata, "mimetype", NULL, 0);
        if (st->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT ||
            (st->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
            json_t *a = json_object();
            set_int(a, "stream", i);
            set_text(a, "name", name ? name->value : NULL);
            set_text(a, "type", mime ? mime->value : NULL);
            json_array_append_new(attachments, a);
        }
    }
    for (unsigned i = 0; i < fmt->nb_chapters; i++)
        json_array_append_new(chapters, chapter_facts(fmt->chapters[i]));
    char *why;
    struct ta_recorder *recorder = ta_recorder_beside(s->path, &why);
    if (recorder)
        json_object_set_new(o, "recordings", recordings_facts(recorder));
    ta_recorder_destroy(&recorder);
    free(why);
    if (s->packets)
        json_object_set_new(o, "files", ta_packets_facts(s->packets));
    json_object_set_new(o, "streams", streams);
    json_object_set_new(o, "chapters", chapters);
    json_object_set_new(o, "attachments", attachments);
    return o;
}

static enum ta_scan_type scan_of(enum AVFieldOrder order)
{
    switch (order) { // the second letter is the field that is shown first
    case AV_FIELD_TT:
    case AV_FIELD_BT:
        return TA_SCAN_TFF;
    case AV_FIELD_BB:
    case AV_FIELD_TB:
        return TA_SCAN_BFF;
    default:
        return TA_SCAN_PROGRESSIVE;
    }
}

int ta_source_video_format(const struct ta_source *s, struct ta_format *out)
{
    if (s->video < 0) {
        bool sound = false;
        for (unsigned i = 0; i < s->fmt->nb_streams; i++)
            sound |= s->fmt->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
        ta_error(s->log, "%s: there is no video stream in it%s", s->path,
                 sound ? ": \"terminalai audio\" restores sound alone" : "");
        return TA_ERR_FORMAT;
    }
    AVStream *st = s->fmt->streams[s->video];
    const AVCodecParameters *p = st->codecpar;
    *out = (struct ta_format){
        .pix_fmt = p->format,
        .width = p->width,
        .height = p->height,
        .sar = av_guess_sample_aspect_ratio(s->fmt, st, NULL),
        .scan = scan_of(p->field_order),
        .frame_rate = ta_usual_frame_rate(av_guess_frame_rate(s->fmt, st, NULL), 1e-5),
        .time_base = st->time_base,
        .primaries = p->color_primaries,
        .transfer = p->color_trc,
        .matrix = p->color_space,
        .range = p->color_range,
        .chroma_location = p->chroma_location,
        .rotation = ta_stream_rotation(st),
    };
    if (out->sar.num <= 0 || out->sar.den <= 0)
        out->sar = (AVRational){0, 1};
    if (out->frame_rate.num <= 0 || out->frame_rate.den <= 0)
        out->frame_rate = (AVRational){0, 1};
    ta_format_resolve_colour(out);
    return 0;
}
