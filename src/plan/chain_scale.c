// The size of the pictures, and the stages that bring them to it.
#include "plan/chain_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "media/encode/encoder_row.h"
#include "video/scale_neural.h"
#include "video/scale_rtx.h"
#include "video/stages.h"

enum {
    SD_MAX_HEIGHT = 576, // standard definition, upscaled by default ...
    HD_MIN_WIDTH = 1280, // ... unless this wide
    DEFAULT_LINES = 1080,
    MAX_SIDE = 1 << 20, // more than any picture has
};

void *ta_chain_add_stage(struct ta_decision *d, const struct ta_stage_info *info)
{
    struct ta_plan *p = d->plan;
    p->stages = ta_xrealloc(p->stages, ((size_t)p->stage_count + 1) * sizeof *p->stages);
    struct ta_stage_plan *s = &p->stages[p->stage_count++];
    ta_stage_plan_init(s, info, &d->cur);
    return s->opts;
}

int ta_chain_finish_stage(struct ta_decision *d)
{
    struct ta_stage_plan *s = &d->plan->stages[d->plan->stage_count - 1];
    int err = ta_stage_plan_configure(s, d->log);
    d->cur = s->out;
    return err;
}

void ta_chain_set_pix_fmt(char **option, enum AVPixelFormat p)
{
    free(*option);
    *option = ta_xstrdup(av_get_pix_fmt_name(p));
}

int ta_chain_dither_to(const struct ta_decision *d, enum AVPixelFormat to)
{
    const AVPixFmtDescriptor *t = av_pix_fmt_desc_get(to);
    if (!t || t->comp[0].depth >= ta_format_depth(&d->cur))
        return TA_DITHER_KIND_NONE;
    switch (d->recipe->dither) {
    case TA_DITHER_NONE:
        return TA_DITHER_KIND_NONE;
    case TA_DITHER_ORDERED:
        return TA_DITHER_KIND_ORDERED;
    case TA_DITHER_ERROR_DIFFUSION:
        return TA_DITHER_KIND_ERROR_DIFFUSION;
    default:
        return d->recipe->quality == TA_QUALITY_BEST ? TA_DITHER_KIND_ERROR_DIFFUSION
                                                     : TA_DITHER_KIND_ORDERED;
    }
}

// Pixels of a garbled shape may be a million times as wide as high.
static int even(double x)
{
    int n = 2 * (int)(fmin(x, MAX_SIDE) / 2 + 0.5);
    return n < 2 ? 2 : n;
}

// The other side for `lines` lines. Pixel aspects are often written a little off (from 704 or 720 columns):
// two columns beside 4:3 or 16:9 are these.
static int side_for(int lines, double aspect)
{
    static const double usual[] = {4.0 / 3, 16.0 / 9};
    int n = even(lines * aspect);
    for (size_t i = 0; i < TA_COUNT(usual); i++)
        if (abs(n - even(lines * usual[i])) <= 2)
            return even(lines * usual[i]);
    return n;
}

// Output size in coded orientation. Lines given by the user are lines as shown.
int ta_chain_choose_size(struct ta_decision *d, int *w, int *h, const char **why)
{
    const struct ta_format *f = &d->cur;
    const char *res = d->recipe->resolution;
    AVRational sar = f->sar.num > 0 ? f->sar : (AVRational){1, 1};
    double aspect = (double)f->width * sar.num / sar.den / f->height; // coded orientation
    bool turned = f->rotation % 180 != 0;
    bool keep = !strcmp(res, "source");
    int lines = 0;
    if (!strcmp(res, "auto")) {
        // What is cut off makes no other kind of picture.
        const struct ta_format *source = &d->plan->source_format;
        bool sd = source->height <= SD_MAX_HEIGHT && source->width < HD_MIN_WIDTH;
        bool stays_interlaced = f->scan != TA_SCAN_PROGRESSIVE;
        keep = !sd || stays_interlaced;
        lines = DEFAULT_LINES;
        *why = stays_interlaced ? "interlaced pictures keep their size"
               : sd             ? "standard definition is scaled to 1080 lines"
                                : "large enough already";
    } else if (keep) {
        *why = "as asked";
    } else if (sscanf(res, "%dx%d", w, h) == 2) {
        *why = "as asked";
        if (turned) {
            int t = *w;
            *w = *h;
            *h = t;
        }
        return 0;
    } else {
        lines = atoi(res);
        *why = "as asked";
    }
    if (keep) {
        bool odd_ok = d->encoder->lossless;
        *w = odd_ok ? f->width : (f->width + 1) & ~1;
        *h = odd_ok ? f->height : (f->height + 1) & ~1;
    } else if (turned) {
        *w = even(lines);
        *h = side_for(lines, 1 / aspect);
    } else {
        *h = even(lines);
        *w = side_for(lines, aspect);
    }
    if (*w > 65535 || *h > 65535) {
        ta_error(d->log, "%s: %d lines would make pictures of %dx%d, which nothing can play", d->facts->input,
                 lines, *w, *h);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

// The recipe's options of a stage in the slot.
static void *add_with_options(struct ta_decision *d, const struct ta_stage_info *info, int *err)
{
    void *opts = ta_chain_add_stage(d, info);
    if (info->options) {
        ta_opt_release(info->options, opts);
        memset(opts, 0, info->options_size);
    }
    *err = ta_options_stage(d->facts->options, "scale", info->options, opts, d->log);
    return opts;
}

// To exactly this size.
static int add_exact(struct ta_decision *d, const struct ta_stage_info *info, int w, int h,
                     enum AVPixelFormat to, int range)
{
    static const enum ta_scale_kernel by_quality[] = {[TA_QUALITY_FAST] = TA_KERNEL_BICUBIC,
                                                      [TA_QUALITY_GOOD] = TA_KERNEL_SPLINE36,
                                                      [TA_QUALITY_BEST] = TA_KERNEL_LANCZOS};
    int dither = ta_chain_dither_to(d, to), err;
    struct ta_convert_opts *o = add_with_options(d, info, &err);
    if (err < 0)
        return err;
    if (o->kernel == TA_KERNEL_CHOICE_AUTO)
        o->kernel = (int)by_quality[d->recipe->quality];
    ta_chain_set_pix_fmt(&o->pix_fmt, to);
    o->dither = dither;
    o->range = range;
    o->width = w;
    o->height = h;
    return ta_chain_finish_stage(d);
}

void ta_chain_tell_device(struct ta_decision *d, const char *runs)
{
    json_t *item;
    size_t i;
    json_array_foreach(
        d->plan->decisions, i,
        item) if (!strcmp(ta_json_member_text(item, "what"), "engine") &&
                  strstr(ta_json_member_text(item, "why"), runs)) return; // two stages on one card
    ta_decision_tell(
        d, "engine",
        "not reproducible: %s may make pictures that differ in their last bits by how many it gets "
        "at a time (--batch), by the card and by its driver",
        runs);
}

// By a factor that is the stage's own; the size comes as it comes.
static int add_by_factor(struct ta_decision *d, const struct ta_stage_info *info, int w, int h)
{
    if (d->cur.scan != TA_SCAN_PROGRESSIVE && !info->by_field) {
        ta_error(d->log, "%s would mix the fields of interlaced pictures, because deinterlacing is off",
                 info->name);
        return TA_ERR_USAGE;
    }
    int err;
    void *opts = add_with_options(d, info, &err);
    if (err >= 0 && info == &ta_stage_scale_neural)
        err = ta_scale_neural_prepare(opts, d->facts->neural, d->log);
    if (err >= 0 && info == &ta_stage_scale_rtx)
        ta_scale_rtx_prepare(opts, &d->cur, w, h, d->recipe->quality, d->facts->nvvfx);
    if (err >= 0 && info == &ta_stage_scale_neural && d->facts->neural->on_device)
        ta_chain_tell_device(d, d->facts->neural->provider);
    if (err >= 0 && info == &ta_stage_scale_rtx)
        ta_chain_tell_device(d, "NVIDIA VFX");
    return err < 0 ? err : ta_chain_finish_stage(d);
}

// The choice that "auto" means here.
static const char *choose_for_auto(struct ta_decision *d, int w, int h)
{
    const struct ta_neural_facts *f = d->facts->neural;
    if (!f)
        return "resize";
    bool asked = d->recipe->quality == TA_QUALITY_BEST;
    bool fields = d->cur.scan != TA_SCAN_PROGRESSIVE, larger = w > d->cur.width || h > d->cur.height;
    if (f->err >= 0 && !fields && larger && (f->on_device || asked)) {
        ta_decision_tell(d, "scaler", "neural: %s",
                         f->on_device ? "there is a device for it" : "as the best quality");
        return "neural";
    }
    ta_decision_tell(d, "scaler", "resize: %s",
                     f->err < 0 ? f->why
                     : !larger  ? "the pictures get no larger"
                     : fields   ? "networks would mix the fields of interlaced pictures"
                                : "there is no device but the CPU, and the quality is not best");
    return "resize";
}

// Options that only a network has are kept for where it is chosen.
static const struct ta_opt *beside_exact(const char *wanted)
{
    return strcmp(wanted, ta_scale_choices[0].name) ? NULL : ta_stage_scale_neural.options;
}

int ta_chain_add_scale(struct ta_decision *d, int w, int h, enum AVPixelFormat to, int range)
{
    const char *choice;
    int err = ta_options_slot(d->facts->options, "scale", &choice);
    const char *wanted = err < 0 ? "" : choice;
    if (err >= 0 && !strcmp(wanted, ta_scale_choices[0].name))
        choice = choose_for_auto(d, w, h);
    const struct ta_stage_info *info = err < 0 ? NULL : ta_slot_chosen("scale", choice);
    if (!info)
        return err < 0 ? err : TA_ERR_INTERNAL;
    ta_chain_tell_vain_options(d, "scale", info->options,
                               info->own_factor ? ta_stage_zscale.options : beside_exact(wanted));
    if (!info->own_factor)
        return add_exact(d, info, w, h, to, range);
    err = add_by_factor(d, info, w, h);
    if (err < 0)
        return err;
    bool exact = d->cur.width == w && d->cur.height == h;
    ta_decision_tell(d, "scale", "%s gives %dx%d%s%s", choice, d->cur.width, d->cur.height,
                     exact ? "" : "; the exact size comes behind it by ",
                     exact ? "" : ta_scale_choices[1].name);
    return exact ? ta_chain_add_depth(d, to, range) : add_exact(d, &ta_stage_zscale, w, h, to, range);
}

void ta_chain_tell_vain(struct ta_decision *d, const char *option, const char *why)
{
    const char *from = ta_options_place(d->facts->options, option);
    ta_decision_warn(d, TA_PROBLEM_OPTION_WITHOUT_EFFECT, &(struct ta_problem_about){.option = option},
                     "%s%s--%s changes nothing: %s", from ? from : "", from ? ": " : "", option, why);
}

void ta_chain_tell_vain_options(struct ta_decision *d, const char *slot, const struct ta_opt *table,
                                const struct ta_opt *beside)
{
    int i = 0;
    char *why = table ? ta_xprintf("the chosen %s does not have it", slot) : ta_xprintf("%s is off", slot),
         *name;
    while ((name = ta_options_next_vain(d->facts->options, slot, table, beside, &i)) != NULL) {
        ta_chain_tell_vain(d, name, why);
        free(name);
    }
    free(why);
}

void ta_chain_tell_vain_scale(struct ta_decision *d)
{
    static const char why[] = "the pictures keep their size";
    if (ta_options_by_caller(d->facts->options, "scale"))
        ta_chain_tell_vain(d, "scale", why);
    int i = 0;
    char *name;
    while ((name = ta_options_next_vain(d->facts->options, "scale", NULL, NULL, &i)) != NULL) {
        ta_chain_tell_vain(d, name, why);
        free(name);
    }
}
