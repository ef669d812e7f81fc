// Encodes procedural pictures into a segment file and prints what tests compare, one "key value" a line.
//
//     encoder_tool [--encoder NAME] [--format PIX_FMT] [--size WxH] [--frames N] [--rate N/D] [--scan SCAN]
//     [--crf N]
//                  [--speed NAME] [--quality NAME] [--seed N] [--graph TEXT] [--captions] [--copies N]
//                  OUT.nut
//     encoder_tool --read FILE.nut
//     encoder_tool --test NAME
//
// With --copies N threads of one process do the same at the same time, into OUT.nut.0 and so on, and print
// their checksums alone. The pictures come in the planned pixel format; with --graph in that of --format,
// through the filters.
#include <inttypes.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>
#include <terminalai/log.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tree.h"
#include "media/encode/encoder.h"
#include "media/encode/encoder_check.h"
#include "media/encode/encoder_row.h"
#include "media/picture/graph.h"
#include "media/mux/segfile.h"

struct tool {
    const char *encoder, *graph, *output;
    struct ta_encoder_wish wish;
    struct ta_format in;
    int64_t frames;
    uint32_t seed;
    int copies;
    bool captions, quiet;
    struct ta_log *log;
};

// Everything that is known of the packets, to compare what was written with what is read.
struct packets {
    struct ta_sha256 *hash;
    int64_t count, keys;
};

static void count_packet(struct packets *p, const AVPacket *packet)
{
    int64_t head[3] = {packet->pts, packet->flags & AV_PKT_FLAG_KEY, packet->size};
    ta_sha256_update(p->hash, head, sizeof(head));
    ta_sha256_update(p->hash, packet->data, (size_t)packet->size);
    p->count++;
    p->keys += head[1] != 0;
}

static void print_packets(struct packets *p)
{
    char hex[TA_SHA256_HEX];
    ta_sha256_finish(&p->hash, hex);
    printf("packets %" PRId64 "\nkeys %" PRId64 "\npacket_hash %s\n", p->count, p->keys, hex);
}

static void print_extradata(const uint8_t *data, int size)
{
    char hex[TA_SHA256_HEX];
    ta_sha256_hex(data, (size_t)size, hex);
    printf("extradata %d %s\n", size, size ? hex : "-");
}

// A slope that moves, a box that moves the other way, and noise; other numbers for another seed.
static void fill_plane(AVFrame *f, int plane, int64_t n, uint32_t seed)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
    bool chroma = (plane == 1 || plane == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
    int depth = d->comp[0].depth, bytes = depth > 8 ? 2 : 1;
    int width = av_image_get_linesize(f->format, f->width, plane) / bytes;
    int height = chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height;
    uint32_t random = seed * 2654435761u + (uint32_t)n * 40503u + (uint32_t)plane;
    for (int y = 0; y < height; y++) {
        uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
        for (int x = 0; x < width; x++) {
            random = random * 1664525u + 1013904223u;
            int64_t v = (x * 3 + y * 2 + n * (2 + seed % 5) + 40 * plane) % 256;
            if ((x + 4 * n) % 64 < 16 && (y - 2 * n) % 48 < 12)
                v = 255 - v;
            v = 16 + v * 200 / 256 + (random >> 29);
            if (bytes == 1)
                row[x] = (uint8_t)v;
            else
                ((uint16_t *)row)[x] = (uint16_t)((v << (depth - 8)) + (random >> 12) % (1u << (depth - 8)));
        }
    }
}

static AVFrame *make_frame(const struct tool *t, const struct ta_format *format, int64_t n)
{
    AVFrame *f = av_frame_alloc();
    f->format = format->pix_fmt;
    f->width = format->width;
    f->height = format->height;
    f->pts = n;
    // Marks that must not matter.
    f->pict_type = n % 3 ? AV_PICTURE_TYPE_B : AV_PICTURE_TYPE_I;
    ta_frame_set_interlaced(f, n % 2, n % 4 < 2);
    ta_format_tag_frame(format, f);
    if (av_frame_get_buffer(f, 0) < 0)
        exit(3);
    for (int p = 0; p < av_pix_fmt_count_planes(f->format); p++)
        fill_plane(f, p, n, t->seed);
    if (t->captions) {
        AVFrameSideData *sd = av_frame_new_side_data(f, AV_FRAME_DATA_A53_CC, 9);
        static const uint8_t cc[9] = {0xfc, 0x94, 0x2c, 0xfd, 0x80, 0x80, 0xfa, 0, 0};
        memcpy(sd->data, cc, sizeof(cc));
    }
    return f;
}

static int send(struct ta_encoder *e, AVFrame *frame, struct ta_segwriter *w, struct packets *packets)
{
    AVPacket *packet = av_packet_alloc();
    int err = ta_encoder_send(e, frame);
    while (err >= 0 && (err = ta_encoder_receive(e, packet)) > 0) {
        count_packet(packets, packet);
        err = ta_segwriter_write(w, packet);
    }
    av_packet_free(&packet);
    return err;
}

static int encode_all(const struct tool *t, struct ta_graph *graph, const struct ta_format *format,
                      struct ta_encoder *e, struct ta_segwriter *w, struct packets *packets)
{
    int err = 0;
    for (int64_t n = 0; n <= t->frames && err >= 0; n++) {
        AVFrame *frame = n < t->frames ? make_frame(t, graph ? &t->in : format, n) : NULL;
        if (!graph) {
            err = send(e, frame, w, packets);
            continue;
        }
        err = ta_graph_push(graph, frame);
        while (err >= 0 && (err = ta_graph_pull(graph, &frame)) >= 0 && frame)
            err = send(e, frame, w, packets);
        if (err >= 0 && n == t->frames)
            err = send(e, NULL, w, packets);
    }
    return err;
}

static int encode(const struct tool *t)
{
    struct ta_encoder_settings settings, again;
    struct ta_encoder *e = NULL;
    struct ta_segwriter *w = NULL;
    struct ta_graph *graph = NULL;
    struct ta_format format = t->in;
    const struct ta_encoder_info *info = ta_encoder_find(t->encoder);
    if (!info) {
        fprintf(stderr, "no encoder %s\n", t->encoder);
        return TA_ERR_NOT_FOUND;
    }
    int err = t->graph ? ta_graph_create(&graph, t->graph, &t->in, &format, t->log) : 0;
    if (err < 0)
        return err;
    err = ta_encoder_plan(&settings, info, &t->wish, &format, t->log);
    if (err < 0) {
        ta_graph_destroy(&graph);
        return err;
    }
    json_t *json = ta_encoder_settings_to_json(&settings);
    char *text = json_dumps(json, JSON_COMPACT);
    if (!t->quiet)
        printf("settings %s\n", text);
    free(text);
    // What is encoded went through the plan's form.
    err = ta_encoder_settings_from_json(&again, json, "settings", t->log);
    json_decref(json);
    ta_encoder_settings_release(&settings);
    if (!graph)
        format.pix_fmt = again.pix_fmt;
    ta_format_resolve_colour(&format);
    struct packets packets = {.hash = ta_sha256_create()};
    if (err >= 0)
        err = ta_encoder_open(&e, &again, &format, t->log);
    int fd = err >= 0 ? open(t->output, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
    if (err >= 0 && fd < 0) {
        err = ta_error_from_errno(errno);
        ta_error(t->log, "%s: %s", t->output, strerror(errno));
    }
    if (err >= 0)
        err = ta_segwriter_create(&w, fd, t->output, ta_encoder_context(e), t->log);
    if (err >= 0)
        err = encode_all(t, graph, &format, e, w, &packets);
    char sha256[TA_SHA256_HEX];
    int64_t frames = 0, bytes = 0;
    if (err >= 0)
        err = ta_segwriter_finish(w, &frames, &bytes, sha256);
    if (err >= 0 && t->quiet) {
        printf("sha256 %s\n", sha256);
        ta_sha256_finish(&packets.hash, sha256);
    } else if (err >= 0) {
        const AVCodecContext *c = ta_encoder_context(e);
        print_packets(&packets);
        print_extradata(c->extradata, c->extradata_size);
        printf("frames %" PRId64 "\nbytes %" PRId64 "\nsha256 %s\n", frames, bytes, sha256);
        printf("estimate_mib %" PRId64 "\npeak_mib %" PRId64 "\n",
               ta_encoder_memory_bytes(&again, format.width, format.height) >> 20, ta_peak_rss_bytes() >> 20);
    } else {
        ta_sha256_finish(&packets.hash, sha256);
    }
    ta_segwriter_destroy(&w);
    ta_encoder_close(&e);
    ta_encoder_settings_release(&again);
    ta_graph_destroy(&graph);
    return err;
}

static int encode_thread(void *arg)
{
    return encode(arg);
}

static int encode_copies(const struct tool *t)
{
    struct ta_thread *threads[16] = {NULL};
    struct tool tools[16];
    char *names[16] = {NULL};
    int err = 0;
    for (int i = 0; i < t->copies && i < 16; i++) {
        tools[i] = *t;
        tools[i].quiet = true;
        tools[i].output = names[i] = ta_xprintf("%s.%d", t->output, i);
        if (ta_thread_create(&threads[i], "copy", encode_thread, &tools[i]) < 0)
            err = TA_ERR_NOMEM;
    }
    for (int i = 0; i < 16; i++) {
        int one = ta_thread_join(&threads[i]);
        err = one < 0 ? one : err;
        free(names[i]);
    }
    return err;
}

static int read_segment(const char *path, struct ta_log *log)
{
    struct ta_segreader *r;
    int err = ta_segreader_open(&r, path, log);
    if (err < 0)
        return err;
    const AVCodecParameters *p = ta_segreader_parameters(r);
    const char *pix_fmt = av_get_pix_fmt_name(p->format);
    struct packets packets = {.hash = ta_sha256_create()};
    AVPacket *packet = av_packet_alloc();
    int64_t dts = -1 - ta_segreader_reorder(r);
    while ((err = ta_segreader_next(r, packet)) > 0) {
        count_packet(&packets, packet);
        if (packet->dts != ++dts || packet->pts < packet->dts)
            err = TA_ERR_INTERNAL;
        av_packet_unref(packet);
        if (err < 0)
            break;
    }
    print_packets(&packets);
    print_extradata(p->extradata, p->extradata_size);
    printf("frames %" PRId64 "\nreorder %d\n", ta_segreader_frames(r), ta_segreader_reorder(r));
    printf(
        "parameters %s %dx%d %s sar %d/%d field_order %d profile %d primaries %d transfer %d matrix %d range %d\n",
        avcodec_get_name(p->codec_id), p->width, p->height, pix_fmt ? pix_fmt : "-",
        p->sample_aspect_ratio.num, p->sample_aspect_ratio.den, p->field_order, p->profile,
        p->color_primaries, p->color_trc, p->color_space, p->color_range);
    av_packet_free(&packet);
    ta_segreader_close(&r);
    return err;
}

static bool parse(struct tool *t, const char *key, const char *value)
{
    if (!strcmp(key, "--encoder"))
        t->encoder = value;
    else if (!strcmp(key, "--graph"))
        t->graph = value;
    else if (!strcmp(key, "--speed"))
        t->wish.speed = value;
    else if (!strcmp(key, "--quality"))
        t->wish.quality = value;
    else if (!strcmp(key, "--crf"))
        t->wish.crf = atof(value);
    else if (!strcmp(key, "--frames"))
        t->frames = atoll(value);
    else if (!strcmp(key, "--copies"))
        t->copies = atoi(value);
    else if (!strcmp(key, "--seed"))
        t->seed = (uint32_t)atoi(value);
    else if (!strcmp(key, "--size"))
        return sscanf(value, "%dx%d", &t->in.width, &t->in.height) == 2;
    else if (!strcmp(key, "--rate"))
        return sscanf(value, "%d/%d", &t->in.frame_rate.num, &t->in.frame_rate.den) == 2;
    else if (!strcmp(key, "--format"))
        return (t->in.pix_fmt = av_get_pix_fmt(value)) != AV_PIX_FMT_NONE;
    else if (!strcmp(key, "--scan"))
        return (int)(t->in.scan = (enum ta_scan_type)ta_scan_type_from_name(value)) >= 0;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct tool t = {
        .encoder = "h264",
        .wish = {.crf = 18},
        .frames = 30,
        .seed = 1,
        .in = {.pix_fmt = AV_PIX_FMT_YUV420P,
               .width = 320,
               .height = 240,
               .sar = {8, 9},
               .frame_rate = {30000, 1001},
               .primaries = AVCOL_PRI_UNSPECIFIED,
               .transfer = AVCOL_TRC_UNSPECIFIED,
               .matrix = AVCOL_SPC_UNSPECIFIED},
    };
    if (ta_log_create(&t.log, NULL, NULL) < 0)
        return 3;
    ta_encoder_silence();
    av_log_set_level(AV_LOG_QUIET);
    const char *read = NULL, *test = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--captions")) {
            t.captions = true;
        } else if (!strncmp(argv[i], "--", 2) && i + 1 < argc) {
            const char *key = argv[i], *value = argv[++i];
            if (!strcmp(key, "--read"))
                read = value;
            else if (!strcmp(key, "--test"))
                test = value;
            else if (!parse(&t, key, value)) {
                fprintf(stderr, "%s %s?\n", key, value);
                return 2;
            }
        } else {
            t.output = argv[i];
        }
    }
    int err;
    t.in.time_base = av_inv_q(t.in.frame_rate);
    ta_format_resolve_colour(&t.in);
    if (read) {
        err = read_segment(read, t.log);
    } else if (test && ta_encoder_find(test)) {
        struct ta_buf why = {0};
        err = ta_encoder_test(ta_encoder_find(test), NULL, &why);
        printf("test %s\n", err < 0 ? ta_buf_text(&why) : "ok");
        ta_buf_release(&why);
    } else if (t.output) {
        err = t.copies ? encode_copies(&t) : encode(&t);
    } else {
        fprintf(stderr, "no output file\n");
        return 2;
    }
    ta_log_destroy(&t.log);
    if (err < 0)
        printf("error %d %s\n", err, ta_error_text(err));
    return err < 0 ? 1 : 0;
}
