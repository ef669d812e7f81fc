#include "media/encode/encoder_hardware.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

const struct ta_hardware_kind ta_hardware_kinds[] = {
    {"nvenc", "NVIDIA", AV_HWDEVICE_TYPE_NONE, AV_PIX_FMT_NONE},
    {"qsv", "Intel Quick Sync", AV_HWDEVICE_TYPE_NONE, AV_PIX_FMT_NONE},
    {"vaapi", "Intel and AMD on Linux", AV_HWDEVICE_TYPE_VAAPI, AV_PIX_FMT_VAAPI},
    {"amf", "AMD", AV_HWDEVICE_TYPE_NONE, AV_PIX_FMT_NONE},
    {0},
};

// x264's speeds in the words of each kind; the ladders are the vendors' own, from fastest to best.
static const struct {
    const char *kind, *option, *values[10];
} speeds[] = {
    {"nvenc", "preset", {"p1", "p1", "p2", "p3", "p4", "p4", "p5", "p6", "p7", "p7"}},
    {"qsv",
     "preset",
     {"veryfast", "veryfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
      "veryslow"}},
    {"amf",
     "quality",
     {"speed", "speed", "speed", "speed", "balanced", "balanced", "quality", "quality", "quality",
      "quality"}},
};

const struct ta_hardware_kind *ta_hardware_of(const char *codec)
{
    const char *tail = strrchr(codec, '_');
    for (const struct ta_hardware_kind *k = ta_hardware_kinds; tail && k->name; k++)
        if (!strcmp(tail + 1, k->name))
            return k;
    return NULL;
}

char *ta_hardware_codec(const struct ta_encoder_info *info, const struct ta_hardware_kind *kind)
{
    return ta_xprintf("%s_%s", info->name, kind->name);
}

static void set(struct ta_encoder_settings *s, const char *key, const char *value)
{
    if (av_dict_set(&s->options, key, value, 0) < 0)
        abort(); // out of memory; small objects abort
}

static void set_number(struct ta_encoder_settings *s, const char *key, int value)
{
    if (av_dict_set_int(&s->options, key, value, 0) < 0)
        abort();
}

static void set_quality(struct ta_encoder_settings *s, const struct ta_hardware_kind *kind, double crf)
{
    int q = (int)lround(fmin(fmax(crf, 1), 51));
    if (!strcmp(kind->name, "nvenc")) {
        set(s, "rc", "vbr");
        set_number(s, "cq", q);
        set(s, "b", "0"); // quality alone decides
        set(s, "tune", "hq");
    } else if (!strcmp(kind->name, "qsv")) {
        set_number(s, "global_quality", q);
    } else if (!strcmp(kind->name, "vaapi")) {
        set(s, "rc_mode", "CQP");
        set_number(s, "qp", q);
    } else {
        set(s, "rc", "cqp");
        set_number(s, "qp_i", q);
        set_number(s, "qp_p", q);
    }
}

static int set_speed(struct ta_encoder_settings *s, const struct ta_hardware_kind *kind,
                     const struct ta_encoder_wish *wish, struct ta_buf *why)
{
    const char *speed = wish->speed ? wish->speed : ta_encoder_quality_speed(wish->quality);
    int n = ta_encoder_speed_number(speed);
    if (n < 0) {
        ta_buf_printf(why, "there is no encoder speed \"%s\"", speed ? speed : "");
        return TA_ERR_INVALID;
    }
    for (size_t i = 0; i < TA_COUNT(speeds); i++)
        if (!strcmp(speeds[i].kind, kind->name))
            set(s, speeds[i].option, speeds[i].values[n]);
    return 0;
}

int ta_hardware_plan(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                     const struct ta_hardware_kind *kind, const struct ta_encoder_wish *wish,
                     const struct ta_format *in, struct ta_buf *why)
{
    *out = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    char *codec = ta_hardware_codec(info, kind);
    if (!avcodec_find_encoder_by_name(codec)) {
        ta_buf_printf(why, "this libavcodec is built without %s", codec);
        free(codec);
        return TA_ERR_UNSUPPORTED;
    }
    if (in->scan != TA_SCAN_PROGRESSIVE) {
        ta_buf_puts(why, "it gets no interlaced pictures");
        free(codec);
        return TA_ERR_UNSUPPORTED;
    }
    bool ten = strcmp(info->name, "h264") != 0 &&
               !(ta_format_depth(in) <= 8 && wish->quality && !strcmp(wish->quality, "fast"));
    out->name = ta_xstrdup(info->name);
    out->codec = codec;
    out->pix_fmt = ten ? AV_PIX_FMT_P010 : AV_PIX_FMT_NV12;
    out->threads = 1;
    set(out, "flags", "+global_header+cgop+bitexact");
    set_number(out, "g", 250);
    set_quality(out, kind, wish->crf);
    int err = set_speed(out, kind, wish, why);
    if (err < 0)
        ta_encoder_settings_release(out);
    return err;
}

int ta_hardware_choose(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                       const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log)
{
    *out = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    if (info->lossless || info->lossy_intra) {
        ta_error(log, "there is no hardware for the %s encoder; it makes h264, hevc and av1", info->name);
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_buf all = {0}, why = {0};
    int err = TA_ERR_UNSUPPORTED;
    for (const struct ta_hardware_kind *k = ta_hardware_kinds; k->name && err < 0; k++) {
        ta_buf_clear(&why);
        err = ta_hardware_plan(out, info, k, wish, in, &why);
        if (err >= 0) {
            struct ta_format f = *in;
            f.pix_fmt = out->pix_fmt;
            err = ta_encoder_try(out, &f, &why);
            if (err < 0)
                ta_encoder_settings_release(out);
        }
        if (err < 0)
            ta_buf_printf(&all, "%s%s", all.size ? "; " : "", ta_buf_text(&why));
    }
    if (err < 0)
        ta_error(log, "no hardware encodes %s here (leave --hardware out to do without): %s", info->name,
                 ta_buf_text(&all));
    ta_buf_release(&why);
    ta_buf_release(&all);
    return err < 0 ? TA_ERR_UNSUPPORTED : 0;
}
