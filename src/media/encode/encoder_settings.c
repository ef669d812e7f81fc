// Frozen settings: what follows from them, their JSON form, and how rows write them.
#include "media/encode/encoder_settings.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/tree.h"
#include "media/encode/encoder_hardware.h"
#include "media/encode/encoder_row.h"

#define MAX_THREADS 64

// ---- writing ----

void ta_encoder_set(struct ta_encoder_settings *s, const char *key, const char *value)
{
    if (av_dict_set(&s->options, key, value, 0) < 0)
        abort(); // out of memory; small objects abort
}

void ta_encoder_set_number(struct ta_encoder_settings *s, const char *key, double value)
{
    struct ta_buf text = {0};
    ta_number_append(&text, value);
    ta_encoder_set(s, key, ta_buf_text(&text));
    ta_buf_release(&text);
}

void ta_encoder_set_text(struct ta_encoder_settings *s, const char *key, char *value)
{
    ta_encoder_set(s, key, value);
    free(value);
}

int ta_encoder_by_size(const struct ta_format *in, int sd, int hd, int larger)
{
    int64_t pixels = (int64_t)in->width * in->height;
    return pixels <= 720 * 576 ? sd : pixels <= 1920 * 1088 ? hd : larger;
}

void ta_encoder_sort_options(struct ta_encoder_settings *s)
{
    AVDictionary **options = &s->options, *sorted = NULL;
    while (av_dict_count(*options)) {
        const AVDictionaryEntry *e = NULL, *first = NULL;
        while ((e = av_dict_get(*options, "", e, AV_DICT_IGNORE_SUFFIX)))
            if (!first || strcmp(e->key, first->key) < 0)
                first = e;
        if (av_dict_set(&sorted, first->key, first->value, 0) < 0)
            abort();
        av_dict_set(options, first->key, NULL, AV_DICT_MATCH_CASE);
    }
    av_dict_free(options);
    *options = sorted;
}

// ---- what follows from them ----

bool ta_encoder_is_software(const struct ta_encoder_settings *s)
{
    return s->info && !strcmp(s->codec, s->info->codec);
}

bool ta_encoder_is_alone(const struct ta_encoder_settings *s)
{
    return ta_encoder_is_software(s) && s->info->alone;
}

bool ta_encoder_is_reproducible(const struct ta_encoder_settings *s)
{
    return !ta_hardware_of(s->codec);
}

// The first speed that is called as the settings say; negative when none is.
static int speed_of(const struct ta_encoder_settings *s)
{
    const AVDictionaryEntry *preset = av_dict_get(s->options, "preset", NULL, 0);
    for (int k = 0; preset && ta_encoder_speeds[k]; k++)
        if (!strcmp(preset->value, ta_encoder_speed(s->info, ta_encoder_speeds[k])))
            return k;
    return -1;
}

int64_t ta_encoder_memory_by_speed(const struct ta_encoder_settings *s, int base_mib,
                                   const int frames[TA_ENCODER_SPEEDS], int64_t frame)
{
    int k = speed_of(s);
    return ((int64_t)base_mib << 20) + frames[k < 0 ? TA_ENCODER_SPEEDS - 1 : k] * frame;
}

double ta_encoder_cost(const struct ta_encoder_settings *s)
{
    static const double HARDWARE = 5; // what feeding it takes
    if (!s->info || !ta_encoder_is_software(s))
        return HARDWARE;
    int k = speed_of(s);
    return s->info->cost[k < 0 ? 0 : k];
}

int64_t ta_encoder_memory_bytes(const struct ta_encoder_settings *s, int width, int height)
{
    int64_t pixels = (int64_t)width * height;
    int64_t frame = pixels * av_get_padded_bits_per_pixel(av_pix_fmt_desc_get(s->pix_fmt)) / 8;
    if (s->info && s->info->memory)
        return s->info->memory(s, pixels, frame);
    return ((int64_t)8 << 20) + 8 * frame;
}

void ta_encoder_settings_release(struct ta_encoder_settings *s)
{
    free(s->name);
    free(s->codec);
    av_dict_free(&s->options);
    *s = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
}

json_t *ta_encoder_settings_to_json(const struct ta_encoder_settings *s)
{
    const char *pix_fmt = av_get_pix_fmt_name(s->pix_fmt);
    json_t *o = json_object(), *options = json_object();
    json_object_set_new(o, "name", json_string(s->name));
    json_object_set_new(o, "codec", json_string(s->codec));
    json_object_set_new(o, "pix_fmt", json_string(pix_fmt ? pix_fmt : "none"));
    json_object_set_new(o, "threads", json_integer(s->threads));
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(s->options, "", e, AV_DICT_IGNORE_SUFFIX)))
        json_object_set_new(options, e->key, json_string(e->value));
    json_object_set_new(o, "options", options);
    json_object_set_new(o, "reproducible", json_boolean(ta_encoder_is_reproducible(s)));
    return o;
}

// By software or by a kind of hardware.
static bool makes(const struct ta_encoder_info *info, const char *codec)
{
    const struct ta_hardware_kind *kind = ta_hardware_of(codec);
    char *name = kind ? ta_hardware_codec(info, kind) : ta_xstrdup(info->codec);
    bool same = !strcmp(name, codec);
    free(name);
    return same;
}

int ta_encoder_settings_from_json(struct ta_encoder_settings *s, const json_t *object, const char *where,
                                  struct ta_log *log)
{
    *s = (struct ta_encoder_settings){.pix_fmt = AV_PIX_FMT_NONE};
    const char *name = "", *codec = "", *pix_fmt = "", *key;
    json_t *options = NULL, *value;
    int64_t threads = 0;
    int err = ta_json_get_string(object, where, "name", &name, log);
    if (!err)
        err = ta_json_get_string(object, where, "codec", &codec, log);
    if (!err)
        err = ta_json_get_string(object, where, "pix_fmt", &pix_fmt, log);
    if (!err)
        err = ta_json_get_int(object, where, "threads", 1, MAX_THREADS, &threads, log);
    if (!err)
        err = ta_json_get_object(object, where, "options", &options, log);
    if (err < 0)
        return err;

    const struct ta_encoder_info *info = ta_encoder_find(name);
    if (!info || !makes(info, codec)) {
        ta_error(log, "%s: there is no encoder \"%.80s\" of the codec \"%.80s\"", where, name, codec);
        return TA_ERR_FORMAT;
    }
    s->pix_fmt = av_get_pix_fmt(pix_fmt);
    if (s->pix_fmt == AV_PIX_FMT_NONE) {
        ta_error(log, "%s: pix_fmt \"%.80s\" is unknown", where, pix_fmt);
        return TA_ERR_FORMAT;
    }
    s->info = info;
    s->name = ta_xstrdup(name);
    s->codec = ta_xstrdup(codec);
    s->threads = (int)threads;
    json_object_foreach(options, key, value)
    {
        if (!json_is_string(value)) {
            ta_error(log, "%s: options.%.80s must be a text", where, key);
            ta_encoder_settings_release(s);
            return TA_ERR_FORMAT;
        }
        ta_encoder_set(s, key, json_string_value(value));
    }
    ta_encoder_sort_options(s);
    return 0;
}
