// Does an encoder of the table really work here?
#include "media/encode/encoder_check.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder.h"
#include "media/encode/encoder_hardware.h"

#define TEST_FRAMES 5

// A frame whose planes rise from line to line, another for each `n`; NULL when out of memory.
static AVFrame *make_frame(const struct ta_format *f, int n)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = f->pix_fmt;
    frame->width = f->width;
    frame->height = f->height;
    ta_format_tag_frame(f, frame);
    if (av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    int bytes = d->comp[0].depth > 8 ? 2 : 1;
    for (int p = 0; p < av_pix_fmt_count_planes(f->pix_fmt); p++) {
        int shift_w = p == 1 || p == 2 ? d->log2_chroma_w : 0,
            shift_h = p == 1 || p == 2 ? d->log2_chroma_h : 0;
        for (int y = 0; y < f->height >> shift_h; y++) {
            uint8_t *row = frame->data[p] + (ptrdiff_t)y * frame->linesize[p];
            for (int x = 0; x < (f->width >> shift_w) * bytes; x += bytes) {
                row[x] = (uint8_t)(16 + (x + y + 8 * n) % 200);
                if (bytes == 2)
                    row[x + 1] = 1;
            }
        }
    }
    return frame;
}

static int encode(struct ta_encoder *e, const struct ta_format *f, AVPacket *packet, struct ta_log *log)
{
    int packets = 0, err = 0;
    for (int n = 0; n <= TEST_FRAMES && err >= 0; n++) {
        AVFrame *frame = n < TEST_FRAMES ? make_frame(f, n) : NULL;
        if (n < TEST_FRAMES && !frame)
            return TA_ERR_NOMEM;
        err = ta_encoder_send(e, frame);
        while (err >= 0 && (err = ta_encoder_receive(e, packet)) > 0) {
            packets++;
            av_packet_unref(packet);
        }
    }
    if (err >= 0 && packets != TEST_FRAMES) {
        ta_error(log, "it gave %d packets for %d frames", packets, TEST_FRAMES);
        return TA_ERR_INTERNAL;
    }
    return err;
}

int ta_encoder_try(const struct ta_encoder_settings *s, const struct ta_format *f, struct ta_buf *why)
{
    struct ta_encoder *e = NULL;
    struct ta_log *log;
    if (why)
        ta_buf_clear(why);
    int err = ta_log_keep_first(&log, why);
    if (err < 0)
        return err;
    err = ta_encoder_open(&e, s, f, log);
    if (err >= 0) {
        AVPacket *packet = av_packet_alloc();
        err = packet ? encode(e, f, packet, log) : TA_ERR_NOMEM;
        av_packet_free(&packet);
    }
    ta_encoder_close(&e);
    ta_log_destroy(&log);
    if (err < 0 && why && !why->size)
        ta_buf_puts(why, ta_error_text(err));
    return err;
}

static int plan_software(struct ta_encoder_settings *settings, const struct ta_encoder_info *info,
                         const struct ta_encoder_wish *wish, const struct ta_format *f, struct ta_buf *why)
{
    struct ta_log *log;
    int err = ta_log_keep_first(&log, why);
    if (err < 0)
        return err;
    err = ta_encoder_plan(settings, info, wish, f, log);
    ta_log_destroy(&log);
    return err;
}

int ta_encoder_test(const struct ta_encoder_info *info, const struct ta_hardware_kind *hardware,
                    struct ta_buf *why)
{
    struct ta_format f = {
        .pix_fmt = AV_PIX_FMT_YUV420P,
        .width = 640,
        .height = 480,
        .sar = {1, 1},
        .frame_rate = {30000, 1001},
        .time_base = {1001, 30000},
        .primaries = AVCOL_PRI_UNSPECIFIED,
        .transfer = AVCOL_TRC_UNSPECIFIED,
        .matrix = AVCOL_SPC_UNSPECIFIED,
    };
    ta_format_resolve_colour(&f);
    struct ta_encoder_wish wish = {.crf = 18, .quality = "fast"};
    struct ta_encoder_settings settings;
    struct ta_buf own = {0};
    why = why ? why : &own;
    ta_buf_clear(why);
    int err = hardware ? ta_hardware_plan(&settings, info, hardware, &wish, &f, why)
                       : plan_software(&settings, info, &wish, &f, why);
    if (err >= 0) {
        f.pix_fmt = settings.pix_fmt;
        err = ta_encoder_try(&settings, &f, why);
    }
    ta_encoder_settings_release(&settings);
    ta_buf_release(&own);
    return err;
}
