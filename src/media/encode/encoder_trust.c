// Settings that come from a file are data, not commands: libraries know options that write files, and a plan
// may come from anywhere. So none is believed: what a plan says must be what this program chooses for such
// pictures, whatever crf and speed the user had asked for.
#include "media/encode/encoder_settings.h"

#include <math.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "media/encode/encoder_hardware.h"
#include "media/encode/encoder_row.h"

// Is `text` written as the program writes numbers, and one of those that the encoder's scale has?
static bool is_crf(const struct ta_encoder_info *info, const char *text)
{
    double value;
    if (ta_number_parse(text, &value) < 0 || !isfinite(value))
        return false;
    struct ta_buf again = {0};
    ta_number_append(&again, value);
    bool canonical = !strcmp(ta_buf_text(&again), text);
    ta_buf_release(&again);
    return canonical && value >= ta_encoder_crf(info, 0) && value <= ta_encoder_crf(info, 51);
}

// The options of `s` that are not the ones chosen, but for the crf; the first one is named.
static int count_strange(const struct ta_encoder_settings *s, const struct ta_encoder_settings *chosen,
                         bool any_crf, const char **first)
{
    int strange = 0;
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(s->options, "", e, AV_DICT_IGNORE_SUFFIX))) {
        const AVDictionaryEntry *own = av_dict_get(chosen->options, e->key, NULL, AV_DICT_MATCH_CASE);
        bool fits = own && (any_crf && !strcmp(e->key, "crf") ? is_crf(s->info, e->value)
                                                              : !strcmp(own->value, e->value));
        if (!fits && !strange++)
            *first = e->key;
    }
    e = NULL;
    while ((e = av_dict_get(chosen->options, "", e, AV_DICT_IGNORE_SUFFIX)))
        if (!av_dict_get(s->options, e->key, NULL, AV_DICT_MATCH_CASE) && !strange++)
            *first = e->key;
    if (s->threads != chosen->threads && !strange++)
        *first = "threads";
    if (s->pix_fmt != chosen->pix_fmt && !strange++)
        *first = "pix_fmt";
    return strange;
}

// The nearest of what was chosen so far.
struct nearest {
    const struct ta_encoder_settings *s;
    int least;
    const char *strange; // name of an option
};

static void compare(struct nearest *n, struct ta_encoder_settings *chosen, bool any_crf)
{
    const char *first = "";
    int strange = count_strange(n->s, chosen, any_crf, &first);
    if (strange < n->least) {
        n->least = strange;
        // The names live in either dictionary; that of the choice goes away.
        const AVDictionaryEntry *own = av_dict_get(n->s->options, first, NULL, AV_DICT_MATCH_CASE);
        n->strange = own ? own->key : "options";
    }
    ta_encoder_settings_release(chosen);
}

static void try_hardware(struct nearest *n, const struct ta_hardware_kind *kind, struct ta_encoder_wish wish,
                         const struct ta_format *in)
{
    for (int quality = 1; quality <= 51 && n->least; quality++) {
        struct ta_encoder_settings chosen;
        struct ta_buf why = {0};
        wish.crf = quality;
        if (ta_hardware_plan(&chosen, n->s->info, kind, &wish, in, &why) >= 0) {
            ta_encoder_sort_options(&chosen);
            compare(n, &chosen, false);
        }
        ta_buf_release(&why);
    }
}

int ta_encoder_settings_trust(const struct ta_encoder_settings *s, const struct ta_format *f, int hdr_peak,
                              const char *where, struct ta_log *log)
{
    static const char *const qualities[] = {"fast", "good"};
    struct nearest n = {.s = s, .least = INT32_MAX, .strange = "options"};
    struct ta_format in = *f;
    in.pix_fmt = s->pix_fmt;
    const struct ta_hardware_kind *kind = ta_hardware_of(s->codec);
    if (kind && !avcodec_find_encoder_by_name(s->codec))
        return 0; // it can't be opened here, so nothing of it is used
    for (size_t q = 0; q < TA_COUNT(qualities); q++)
        for (int speed = 0; ta_encoder_speeds[speed] && n.least; speed++) {
            struct ta_encoder_wish wish = {
                .crf = 18, .quality = qualities[q], .speed = ta_encoder_speeds[speed], .hdr_peak = hdr_peak};
            struct ta_encoder_settings chosen;
            if (kind)
                try_hardware(&n, kind, wish, &in);
            else if (ta_encoder_plan(&chosen, s->info, &wish, &in, NULL) >= 0)
                compare(&n, &chosen, true);
        }
    if (!n.least)
        return 0;
    ta_error(log, "%s: this program would not give the %s encoder such %.80s for these pictures", where,
             s->name, n.strange);
    return TA_ERR_FORMAT;
}
