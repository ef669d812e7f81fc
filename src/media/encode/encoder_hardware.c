#include "media/encode/encoder_hardware.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/encode/encoder_check.h"

static void set_nvenc(struct ta_encoder_settings *s, int quality)
{
    ta_encoder_set(s, "rc", "vbr");
    ta_encoder_set_number(s, "cq", quality);
    ta_encoder_set(s, "b", "0"); // quality alone decides
    ta_encoder_set(s, "tune", "hq");
}

static void set_qsv(struct ta_encoder_settings *s, int quality)
{
    ta_encoder_set_number(s, "global_quality", quality);
}

static void set_vaapi(struct ta_encoder_settings *s, int quality)
{
    ta_encoder_set(s, "rc_mode", "CQP");
    ta_encoder_set_number(s, "qp", quality);
}

static void set_amf(struct ta_encoder_settings *s, int quality)
{
    ta_encoder_set(s, "rc", "cqp");
    ta_encoder_set_number(s, "qp_i", quality);
    ta_encoder_set_number(s, "qp_p", quality);
}

const struct ta_hardware_kind ta_hardware_kinds[] = {
    {
        .name = "nvenc",
        .summary = "NVIDIA",
        .upload = AV_HWDEVICE_TYPE_NONE,
        .uploaded = AV_PIX_FMT_NONE,
        .speed_option = "preset",
        .speeds = {"p1", "p1", "p2", "p3", "p4", "p4", "p5", "p6", "p7", "p7"},
        .set_quality = set_nvenc,
    },
    {
        .name = "qsv",
        .summary = "Intel Quick Sync",
        .upload = AV_HWDEVICE_TYPE_NONE,
        .uploaded = AV_PIX_FMT_NONE,
        .speed_option = "preset",
        .speeds = {"veryfast", "veryfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
                   "veryslow", "veryslow"},
        .set_quality = set_qsv,
    },
    {
        .name = "vaapi",
        .summary = "Intel and AMD on Linux",
        .upload = AV_HWDEVICE_TYPE_VAAPI,
        .uploaded = AV_PIX_FMT_VAAPI,
        .set_quality = set_vaapi,
    },
    {
        .name = "amf",
        .summary = "AMD",
        .upload = AV_HWDEVICE_TYPE_NONE,
        .uploaded = AV_PIX_FMT_NONE,
        .speed_option = "quality",
        .speeds = {"speed", "speed", "speed", "speed", "balanced", "balanced", "quality", "quality",
                   "quality", "quality"},
        .set_quality = set_amf,
    },
    {0},
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

static int set_speed(struct ta_encoder_settings *s, const struct ta_hardware_kind *kind,
                     const struct ta_encoder_wish *wish, struct ta_buf *why)
{
    const char *speed = wish->speed ? wish->speed : ta_encoder_quality_speed(wish->quality);
    int n = ta_encoder_speed_number(speed);
    if (n < 0) {
        ta_buf_printf(why, "there is no encoder speed \"%s\"", speed ? speed : "");
        return TA_ERR_INVALID;
    }
    if (kind->speed_option)
        ta_encoder_set(s, kind->speed_option, kind->speeds[n]);
    return 0;
}

static bool has_ten_bits(const struct ta_encoder_info *info)
{
    for (const enum AVPixelFormat *p = info->pix_fmts; *p != AV_PIX_FMT_NONE; p++)
        if (av_pix_fmt_desc_get(*p)->comp[0].depth >= 10)
            return true;
    return false;
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
    bool ten = has_ten_bits(info) &&
               !(ta_format_depth(in) <= 8 && wish->quality && !strcmp(wish->quality, "fast"));
    out->info = info;
    out->name = ta_xstrdup(info->name);
    out->codec = codec;
    out->pix_fmt = ten ? AV_PIX_FMT_P010 : AV_PIX_FMT_NV12;
    out->threads = 1;
    ta_encoder_set(out, "flags", "+global_header+cgop+bitexact");
    ta_encoder_set_number(out, "g", 250);
    kind->set_quality(out, (int)lround(fmin(fmax(wish->crf, 1), 51)));
    int err = set_speed(out, kind, wish, why);
    if (err < 0)
        ta_encoder_settings_release(out);
    return err;
}

// perf-ok(growth-by-one): a few kinds, each of which encoded frames for it
void ta_hardware_look(struct ta_hardware_facts *out)
{
    struct ta_buf why = {0};
    *out = (struct ta_hardware_facts){0};
    for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
        for (const struct ta_hardware_kind *k = ta_hardware_kinds; (*e)->hardware && k->name; k++) {
            int err = ta_encoder_test(*e, k, &why);
            out->list = ta_xrealloc(out->list, ((size_t)out->count + 1) * sizeof *out->list);
            out->list[out->count++] = (struct ta_hardware_fact){
                .codec = ta_hardware_codec(*e, k), .why = err < 0 ? ta_xstrdup(ta_buf_text(&why)) : NULL};
        }
    ta_buf_release(&why);
}

void ta_hardware_refute(struct ta_hardware_facts *facts, const char *codec, const char *why)
{
    for (int i = 0; i < facts->count; i++)
        if (!strcmp(facts->list[i].codec, codec) && !facts->list[i].why)
            facts->list[i].why = ta_xstrdup(why);
}

void ta_hardware_facts_release(struct ta_hardware_facts *facts)
{
    for (int i = 0; i < facts->count; i++) {
        free(facts->list[i].codec);
        free(facts->list[i].why);
    }
    free(facts->list);
    *facts = (struct ta_hardware_facts){0};
}

static const char *why_not(const struct ta_hardware_facts *facts, const char *codec)
{
    for (int i = 0; i < facts->count; i++)
        if (!strcmp(facts->list[i].codec, codec))
            return facts->list[i].why;
    return "it was not tried";
}

int ta_hardware_choose(struct ta_encoder_settings *out, const struct ta_encoder_info *info,
                       const struct ta_encoder_wish *wish, const struct ta_format *in, struct ta_log *log)
{
    *out = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    if (!info->hardware) {
        struct ta_buf names = {0};
        for (const struct ta_encoder_info *const *e = ta_encoders; *e; e++)
            if ((*e)->hardware)
                ta_buf_printf(&names, "%s%s", names.size ? ", " : "", (*e)->name);
        ta_error(log, "there is no hardware for the %s encoder; it makes %s", info->name,
                 ta_buf_text(&names));
        ta_buf_release(&names);
        return TA_ERR_USAGE;
    }
    struct ta_buf all = {0}, why = {0};
    int err = TA_ERR_UNSUPPORTED;
    for (const struct ta_hardware_kind *k = ta_hardware_kinds; k->name && err < 0; k++) {
        ta_buf_clear(&why);
        err = ta_hardware_plan(out, info, k, wish, in, &why);
        const char *not = err >= 0 ? why_not(wish->hardware, out->codec) : NULL;
        if (not ) {
            ta_buf_puts(&why, not );
            ta_encoder_settings_release(out);
            err = TA_ERR_UNSUPPORTED;
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
