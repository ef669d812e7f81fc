// The chain: which stages, in which formats, to which size, for which encoder.
#include "plan/chain_parts.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/encode/encoder_row.h"
#include "video/chain.h"
#include "video/deinterlace.h"
#include "video/deinterlace_neural.h"
#include "video/denoise.h"
#include "video/neural.h"
#include "video/edges.h"
#include "video/stages.h"

enum { MIN_SIDE = 8 }; // smaller pictures are no recording; encoders and filters refuse them one by one
#define NOISY 3.0      // standard deviation in steps of 8 bits

// The same values in another order of bytes: packed formats unpacked, or packed for an encoder that wants it.
static int add_repack(struct ta_decision *d, enum AVPixelFormat to)
{
    struct ta_planar_opts *o = ta_chain_add_stage(d, &ta_stage_planar);
    ta_chain_set_pix_fmt(&o->pix_fmt, to);
    return ta_chain_finish_stage(d);
}

static int add_planar(struct ta_decision *d)
{
    enum AVPixelFormat planar = ta_pix_fmt_planar(d->cur.pix_fmt);
    if (planar == d->cur.pix_fmt)
        return 0;
    const char *name = av_get_pix_fmt_name(d->cur.pix_fmt);
    if (planar == AV_PIX_FMT_NONE) {
        ta_error(d->log, "%s: pictures in %s can't be worked on", d->facts->input,
                 name ? name : "an unknown pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    return add_repack(d, planar);
}

// Delivery formats are limited range, as players expect; lossless ones keep what the source has.
static int final_range(const struct ta_decision *d)
{
    return d->encoder->lossless ? TA_RANGE_KEEP : TA_RANGE_LIMITED;
}

int ta_chain_add_depth(struct ta_decision *d, enum AVPixelFormat to, int range)
{
    bool limit = range == TA_RANGE_LIMITED && d->cur.range == AVCOL_RANGE_JPEG && !ta_format_is_rgb(&d->cur);
    if (to == d->cur.pix_fmt && !limit)
        return 0;
    int dither = ta_chain_dither_to(d, to);
    struct ta_convert_opts *o = ta_chain_add_stage(d, &ta_stage_depth);
    o->kernel = TA_KERNEL_SPLINE36;
    ta_chain_set_pix_fmt(&o->pix_fmt, to);
    o->dither = dither;
    o->range = range;
    return ta_chain_finish_stage(d);
}

// A stage that the recipe asks for, before it is placed.
struct chosen {
    const struct ta_slot *slot; // NULL for none
    const struct ta_stage_info *info;
    const char *choice; // NULL where the slot has none
};

enum { MAX_CHOSEN = 16 };

static void set_measured(struct ta_decision *d, const struct chosen *c, void *opts, struct ta_buf *why)
{
    struct ta_tape t = ta_plan_tape(d->facts);
    struct ta_stage_measured m = {.known = t.known && t.sure > 0,
                                  .noise_luma = t.luma,
                                  .noise_chroma = t.chroma,
                                  .black = t.black,
                                  .white = t.white,
                                  .torn = t.torn};
    if (c->info->set_measured)
        c->info->set_measured(opts, &m, why);
}

// Leaves out a stage whose options change nothing, and says so of options that the caller set in vain.
static int leave_out_neutral(struct ta_decision *d, struct chosen *c)
{
    const struct ta_opt *table = c->info->options;
    void *opts = ta_xcalloc(1, c->info->options_size);
    int err = ta_options_stage(d->facts->options, c->slot->name, table, opts, d->log);
    struct ta_buf why = {0};
    if (err >= 0) {
        set_measured(d, c, opts, &why);
        if (c->info->neutral(opts, &d->cur))
            c->info = NULL;
        if (!c->info && why.size)
            ta_decision_tell(d, c->slot->name, "%s", ta_buf_text(&why));
        for (const struct ta_opt *o = table; !c->info && !why.size && o->name; o++) {
            char *name = ta_xprintf("%s-%s", c->slot->name, o->name);
            if (!ta_opt_is_default(o, opts) && ta_options_by_caller(d->facts->options, name))
                ta_decision_warn(d, TA_PROBLEM_OPTION_WITHOUT_EFFECT,
                                 &(struct ta_problem_about){.option = name},
                                 "--%s changes nothing with the other options as they are", name);
            free(name);
        }
        ta_opt_release(table, opts);
    }
    ta_buf_release(&why);
    free(opts);
    return err;
}

// The stage by --hdr-method.
static int choose_hdr_method(struct ta_decision *d, struct chosen *c)
{
    static const char *const of_rtx[] = {"hdr-rtx-contrast", "hdr-rtx-saturation", "hdr-rtx-middle-grey"};
    const char *method;
    int err = ta_options_get(d->facts->options, "hdr-method", &method, NULL);
    if (err < 0)
        return err;
    if (!strcmp(method, "rtx")) {
        if (c->info != &ta_stage_hdr10) {
            ta_error(d->log, "--hdr-method rtx makes hdr10, not %s", c->choice);
            return TA_ERR_USAGE;
        }
        c->info = &ta_stage_hdr_rtx;
        return 0;
    }
    for (size_t i = 0; i < TA_COUNT(of_rtx); i++)
        if (ta_options_by_caller(d->facts->options, of_rtx[i]))
            ta_chain_tell_vain(d, of_rtx[i], "it is for --hdr-method rtx");
    return 0;
}

// What the recipe puts in a slot; info stays NULL for its first choice ("off") and for options that change
// nothing.
static int choose_stage(struct ta_decision *d, const struct ta_slot *slot, struct chosen *c)
{
    *c = (struct chosen){.slot = slot};
    if (slot->option) {
        int err = ta_options_slot(d->facts->options, slot->name, &c->choice);
        if (err < 0)
            return err;
        if (!strcmp(c->choice, slot->option->choices[0].name)) {
            ta_chain_tell_vain_options(d, slot->name, NULL, NULL);
            return 0;
        }
        c->info = ta_slot_chosen(slot->name, c->choice);
    } else {
        c->info = ta_slot_stage(slot->name);
    }
    if (!c->info) {
        ta_error(d->log, "there is no stage %s for %s", c->choice ? c->choice : "", slot->name);
        return TA_ERR_NOT_FOUND;
    }
    if (!strcmp(slot->name, "hdr")) {
        int err = choose_hdr_method(d, c);
        if (err < 0)
            return err;
    }
    ta_chain_tell_vain_options(d, slot->name, c->info->options, NULL);
    if (!c->info->neutral || (slot->option && !c->info->set_measured))
        return 0;
    return leave_out_neutral(d, c);
}

// "bottom 8, mode repeat": what the recipe says, for slots that have no choice to tell.
static void tell_options(struct ta_decision *d, const struct chosen *c, const void *opts)
{
    struct ta_buf text = {0};
    for (const struct ta_opt *o = c->info->options; o->name; o++) {
        if (ta_opt_is_default(o, opts))
            continue;
        char *value = ta_opt_text_of(o, opts);
        ta_buf_printf(&text, "%s%s %s", text.size ? ", " : "", o->name, value);
        free(value);
    }
    ta_decision_tell(d, c->slot->name, "%s", ta_buf_text(&text));
    ta_buf_release(&text);
}

// These look at neighbouring lines.
static void warn_of_woven_fields(struct ta_decision *d, const struct chosen *c)
{
    static const char *const slots[] = {"deblock", "denoise", "sharpen"};
    for (size_t i = 0; !c->info->by_field && i < TA_COUNT(slots); i++)
        if (d->cur.scan != TA_SCAN_PROGRESSIVE && !strcmp(c->slot->name, slots[i]))
            ta_decision_warn(d, TA_PROBLEM_FIELDS_MIXED, &(struct ta_problem_about){.stage = c->info->name},
                             "%s mixes the fields of interlaced pictures, because deinterlacing is off",
                             c->info->name);
}

// What was found of the file that the recipe names for this stage; NULL when it names none.
static const struct ta_named_file *named_file(struct ta_decision *d, const struct chosen *c)
{
    const char *value = "";
    char *name = c->info->file_option ? ta_xprintf("%s-%s", c->slot->name, c->info->file_option) : NULL;
    if (name)
        ta_options_get(d->facts->options, name, &value, NULL);
    for (int i = 0; name && i < d->facts->file_count; i++)
        if (d->facts->files[i].stage == c->info && !strcmp(d->facts->files[i].value, value)) {
            free(name);
            return &d->facts->files[i];
        }
    free(name);
    return NULL;
}

static int add_chosen(struct ta_decision *d, const struct chosen *c)
{
    warn_of_woven_fields(d, c);
    void *opts = ta_chain_add_stage(d, c->info);
    int err = 0;
    if (c->info->options) {
        ta_opt_release(c->info->options, opts);
        memset(opts, 0, c->info->options_size);
        err = ta_options_stage(d->facts->options, c->slot->name, c->info->options, opts, d->log);
        struct ta_buf why_measured = {0};
        if (err >= 0)
            set_measured(d, c, opts, &why_measured);
        if (err >= 0 && why_measured.size)
            ta_decision_tell_more(d, c->slot->name, "%s", ta_buf_text(&why_measured));
        else if (err >= 0 && !c->slot->option)
            tell_options(d, c, opts);
        ta_buf_release(&why_measured);
    }
    if (err >= 0 && c->info->set_quality)
        c->info->set_quality(opts, d->recipe->quality);
    if (err >= 0 && c->info == &ta_stage_deinterlace_neural)
        err = ta_deinterlace_neural_prepare(opts, d->facts->fields, d->log);
    if (err >= 0 && c->info == &ta_stage_deinterlace_neural && d->facts->fields->on_device)
        ta_chain_tell_device(d, d->facts->fields->provider);
    if (err >= 0 && c->info == &ta_stage_hdr_rtx && d->facts->nvvfx) {
        ta_chain_tell_device(d, "NVIDIA VFX");
        struct ta_hdr_opts *o = opts;
        free(o->runtime);
        o->runtime = ta_xstrdup(d->facts->nvvfx);
    }
    if (err >= 0 && c->info == &ta_stage_denoise_motion)
        ta_plan_set_noise(d, opts);
    if (err >= 0 && c->info->prepare)
        err = c->info->prepare(opts, &d->plan->source_format, named_file(d, c), d->log);
    return err < 0 ? err : ta_chain_finish_stage(d);
}

// Inverse telecine, and behind it what deinterlaces the rest: frames of film pass it untouched.
static int add_ivtc(struct ta_decision *d)
{
    const struct ta_stage_info *info = &ta_stage_ivtc;
    struct ta_ivtc_opts *o = ta_chain_add_stage(d, info);
    ta_opt_release(info->options, o);
    memset(o, 0, info->options_size);
    int err = ta_options_stage(d->facts->options, "deinterlace", info->options, o, d->log);
    bool both = o->fields == TA_FIELDS_BOTH && o->rate == TA_IVTC_VARIABLE;
    // The deinterlacer doubles it.
    free(o->frame_rate);
    o->frame_rate = ta_xprintf("%d/%d", d->film_rate.num, d->film_rate.den * (both ? 2 : 1));
    int video = o->video, effort = o->effort;
    if (err >= 0)
        err = ta_chain_finish_stage(d);
    if (err < 0)
        return err;
    const struct ta_stage_info *behind = video == TA_IVTC_MOTION ? &ta_stage_deinterlace_motion
                                                                 : &ta_stage_bwdif;
    void *opts = ta_chain_add_stage(d, behind);
    err = ta_opt_set(ta_opt_find(behind->options, "fields"), opts, both ? "both" : "one", NULL, d->log);
    if (err >= 0 && video == TA_IVTC_MOTION)
        err = ta_opt_set(ta_opt_find(behind->options, "effort"), opts, ta_effort_choices[effort].name, NULL,
                         d->log);
    if (err >= 0 && behind->set_quality)
        behind->set_quality(opts, d->recipe->quality);
    return err < 0 ? err : ta_chain_finish_stage(d);
}

// The format to work in: three planes of YUV for stages that need it, and enough bits.
static enum AVPixelFormat work_format(const struct ta_decision *d, bool needs_yuv, bool hdr)
{
    enum AVPixelFormat f = d->cur.pix_fmt;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f);
    if (needs_yuv) {
        if (ta_format_is_rgb(&d->cur))
            f = ta_pix_fmt_with_depth(AV_PIX_FMT_YUV444P, desc->comp[0].depth);
        else if (desc->nb_components < 3)
            f = ta_pix_fmt_with_depth(AV_PIX_FMT_YUV420P, desc->comp[0].depth);
        else if (ta_format_has_alpha(&d->cur)) {
            enum AVPixelFormat base = desc->log2_chroma_h   ? AV_PIX_FMT_YUV420P
                                      : desc->log2_chroma_w ? AV_PIX_FMT_YUV422P
                                                            : AV_PIX_FMT_YUV444P;
            f = ta_pix_fmt_with_depth(base, desc->comp[0].depth);
        }
    }
    int depth = desc->comp[0].depth;
    bool eight = d->recipe->quality == TA_QUALITY_FAST && depth == 8 && !hdr;
    int want = eight ? 8 : TA_MAX(depth, 10);
    enum AVPixelFormat deep = ta_pix_fmt_with_depth(f, want);
    if (deep != AV_PIX_FMT_NONE || want == 8)
        return deep != AV_PIX_FMT_NONE ? deep : f;
    // 4:1:1 and 4:1:0 exist with 8 bit only. The next finer subsampling keeps all they have and, for 4:1:1,
    // mixes no lines.
    const AVPixFmtDescriptor *base = av_pix_fmt_desc_get(f);
    deep = ta_pix_fmt_with_depth(base->log2_chroma_h ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV422P, want);
    return deep != AV_PIX_FMT_NONE ? deep : f;
}

int ta_plan_encoder_for(const struct ta_recipe_opts *recipe, const struct ta_encoder_info *info,
                        const struct ta_format *in, int hdr_peak, const struct ta_hardware_facts *hardware,
                        struct ta_encoder_settings *out, struct ta_log *log)
{
    static const char *const qualities[] = {"fast", "good", "best"};
    struct ta_encoder_wish wish = {.crf = recipe->crf,
                                   .quality = qualities[recipe->quality],
                                   .hardware = recipe->hardware ? hardware : NULL,
                                   .hdr_peak = hdr_peak};
    if (recipe->preset_speed > 0)
        wish.speed = ta_speed_choices[recipe->preset_speed].name;
    return ta_encoder_plan(out, info, &wish, in, log);
}

static int plan_encoder(struct ta_decision *d, const struct ta_format *in, const struct chosen *hdr)
{
    struct ta_hdr_opts o = {0};
    int err = hdr ? ta_options_stage(d->facts->options, "hdr", hdr->info->options, &o, d->log) : 0;
    int peak = hdr && hdr->info != &ta_stage_hlg ? (int)o.peak : 0;
    if (hdr)
        ta_opt_release(hdr->info->options, &o);
    if (err >= 0)
        err = ta_plan_encoder_for(d->recipe, d->encoder, in, peak, d->facts->hardware, &d->plan->encoder,
                                  d->log);
    const AVPixFmtDescriptor *desc = err >= 0 ? av_pix_fmt_desc_get(d->plan->encoder.pix_fmt) : NULL;
    if (hdr && desc && desc->comp[0].depth < 10) {
        ta_error(d->log, "the %s encoder has no 10 bit, which --hdr %s needs: use hevc or av1",
                 d->encoder->name, hdr->choice);
        return TA_ERR_USAGE;
    }
    if (err >= 0 && d->recipe->hardware)
        ta_decision_tell(d, "hardware", "%s: not the same bytes on every machine and run",
                         d->plan->encoder.codec);
    return err;
}

static void tell_choice(struct ta_decision *d, const struct chosen *c)
{
    const char *named = c->choice;
    ta_options_get(d->facts->options, c->slot->name, &named, NULL);
    if (strcmp(named, c->choice) != 0)
        ta_decision_tell(d, c->slot->name, "%s: the preset's %s gives way to %s", c->choice, named,
                         d->recipe->quality == TA_QUALITY_FAST ? "--quality fast" : "options that it lacks");
    else
        ta_decision_tell(d, c->slot->name, "%s", c->choice);
}

// The stages of the recipe in the order of the chain. Deinterlacing is for interlaced pictures only.
static int choose_stages(struct ta_decision *d, struct chosen *chosen, int *count)
{
    bool interlaced = d->cur.scan != TA_SCAN_PROGRESSIVE;
    *count = 0;
    for (const struct ta_slot *slot = ta_slots; slot->name; slot++) {
        if (slot->planned)
            continue;
        struct chosen c;
        int err = choose_stage(d, slot, &c);
        if (err < 0)
            return err;
        bool deinterlaces = !strcmp(slot->name, "deinterlace");
        if (c.info == &ta_stage_ivtc) {
            if ((err = ta_plan_choose_film(d, &interlaced)) < 0)
                return err;
            d->cur.scan = d->plan->source_format.scan;
            d->cur.mixed_scan = d->plan->source_format.mixed_scan;
            ta_decision_tell(d, slot->name,
                             interlaced ? "ivtc: film frames are woven from their fields"
                                        : "off: all frames are whole");
        } else if (deinterlaces)
            ta_decision_tell(d, slot->name, "%s: %s", c.info && interlaced ? c.choice : "off",
                             !interlaced ? "the frames are progressive"
                             : c.info    ? "the frames are interlaced"
                                         : "switched off; fields stay woven");
        else if (slot->option && (c.info || !strcmp(c.choice, slot->option->choices[0].name)))
            tell_choice(d, &c);
        if (c.info && (!deinterlaces || interlaced))
            chosen[(*count)++] = c;
    }
    return 0;
}

// Stages next to each other that need the same vectors search once: where a picture is a field's moment, what
// the deinterlacer has found goes on with it. Where the mean behind it evens out noise over many moments
// anyway, it looks at the nearest alone: half of the work of putting neighbours together, for 0.1 dB.
static void share_vectors(struct ta_plan *p)
{
    for (int i = 0; i + 1 < p->stage_count; i++) {
        const struct ta_stage_plan *s = &p->stages[i], *next = s + 1;
        if (s->info != &ta_stage_deinterlace_motion || next->info != &ta_stage_denoise_motion)
            continue;
        struct ta_deinterlace_opts *o = s->opts;
        const struct ta_denoise_motion_opts *noise = next->opts;
        if (ta_deinterlace_fields(o) == 2)
            o->vectors = next->info->reach(next->opts, &next->in).before;
        if (o->vectors && o->effort == TA_EFFORT_GOOD && noise->strength * noise->sigma_luma >= NOISY)
            o->neighbours = 1;
    }
}

static int add_all_chosen(struct ta_decision *d, const struct chosen *chosen, int from, int count)
{
    for (int i = from; i < count; i++) {
        int err = chosen[i].info == &ta_stage_ivtc ? add_ivtc(d) : add_chosen(d, &chosen[i]);
        if (err < 0)
            return err;
        const struct ta_stage_plan *s = &d->plan->stages[d->plan->stage_count - 1];
        if (!strcmp(chosen[i].slot->name, "deinterlace")) {
            d->plan->deinterlaced = true;
            d->plan->fields = s->info->fields ? s->info->fields(s->opts) : 1;
        }
    }
    share_vectors(d->plan);
    return 0;
}

// Blocks lie on a grid from the corner of the source; deblocking looks for it at the corner of what is left.
static void warn_of_moved_blocks(struct ta_decision *d)
{
    const struct ta_plan *p = d->plan;
    const struct ta_stage_plan *crop = NULL;
    for (int i = 0; i < p->stage_count; i++) {
        const struct ta_stage_plan *s = &p->stages[i];
        if (s->info == &ta_stage_crop)
            crop = s;
        if (!crop || (s->info != &ta_stage_deblock_weak && s->info != &ta_stage_deblock_strong))
            continue;
        const AVPixFmtDescriptor *f = av_pix_fmt_desc_get(s->in.pix_fmt);
        struct ta_edges e = ta_edges_stored(crop->opts, crop->in.rotation);
        const int64_t *block = ta_stage_option(s, "block");
        int64_t wide = *block << f->log2_chroma_w, high = *block << f->log2_chroma_h;
        if (e.left % wide || e.top % high)
            ta_decision_warn(
                d, TA_PROBLEM_DEBLOCK_GRID,
                &(struct ta_problem_about){
                    .stage = s->info->name,
                    .args = json_pack("{s:I, s:I}", "columns", (json_int_t)wide, "lines", (json_int_t)high)},
                "cropping moves the grid of blocks that deblocking expects: cut multiples of "
                "%lld %s at the left and %lld %s at the top",
                (long long)wide, ta_plural(wide, "column", "columns"), (long long)high,
                ta_plural(high, "line", "lines"));
    }
}

// HDR is made at the final size, of full chroma in 16 bits.
static int add_hdr(struct ta_decision *d, const struct chosen *hdr, int w, int h)
{
    int err = w != d->cur.width || h != d->cur.height
                  ? ta_chain_add_scale(d, w, h, AV_PIX_FMT_YUV444P16, TA_RANGE_KEEP)
                  : ta_chain_add_depth(d, AV_PIX_FMT_YUV444P16, TA_RANGE_KEEP);
    if (err >= 0)
        err = add_chosen(d, hdr);
    if (err < 0)
        return err;
    const struct ta_hdr_opts *o = d->plan->stages[d->plan->stage_count - 1].opts;
    if (hdr->info == &ta_stage_hdr_rtx)
        ta_decision_tell(d, "light", "by NVIDIA's TrueHDR, up to %d cd/m2", (int)o->peak);
    else
        ta_decision_tell(d, "light", "SDR white at 203 cd/m2, what is brighter up to %d", (int)o->peak);
    if (!strcmp(d->plan->container->name, "y4m"))
        ta_decision_warn(
            d, TA_PROBLEM_HDR_TAGS_LOST,
            &(struct ta_problem_about){.option = "hdr", .args = json_pack("{s:s}", "range", hdr->choice)},
            "y4m has no place for HDR tags: tell the program that reads it that these are %s "
            "pictures",
            hdr->choice);
    return 0;
}

// The last steps: HDR, and the encoder's pixel format at the final size. `work` is what an HDR output is like
// but for its bits.
static int add_end(struct ta_decision *d, int w, int h, const struct chosen *hdr, enum AVPixelFormat work)
{
    struct ta_plan *p = d->plan;
    struct ta_format encoded = d->cur;
    encoded.width = w;
    encoded.height = h;
    if (hdr)
        encoded.pix_fmt = work;
    int err = plan_encoder(d, &encoded, hdr);
    if (err >= 0 && hdr)
        err = add_hdr(d, hdr, w, h);
    if (err < 0)
        return err;
    bool scale = w != d->cur.width || h != d->cur.height;
    // Encoders that want packed pixels (RGB in FFV1) get them in a last step.
    enum AVPixelFormat last = p->encoder.pix_fmt, planar = ta_pix_fmt_planar(last);
    if (scale)
        err = ta_chain_add_scale(d, w, h, planar, final_range(d));
    else if (last != d->cur.pix_fmt)
        err = ta_chain_add_depth(d, planar, final_range(d));
    else
        err = ta_chain_add_depth(d, last, final_range(d));
    if (err >= 0 && last != planar && d->cur.pix_fmt != last)
        err = add_repack(d, last);
    return err;
}

static void tell_alpha(struct ta_decision *d)
{
    const char *encoder = d->encoder->name;
    ta_decision_tell(d, "alpha", "transparency is left out: %s does not carry it here", encoder);
    // A palette nearly always has a place for alpha and next to never uses it: no warning there.
    if (d->plan->source_format.pix_fmt != AV_PIX_FMT_PAL8)
        ta_decision_warn(
            d, TA_PROBLEM_TRANSPARENCY_DROPPED,
            &(struct ta_problem_about){.option = "encoder", .args = json_pack("{s:s}", "encoder", encoder)},
            "the %s encoder keeps no transparency: it is dropped", encoder);
}

int ta_plan_choose_chain(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    d->cur = p->source_format;
    if (d->cur.width < MIN_SIDE || d->cur.height < MIN_SIDE) {
        ta_error(d->log, "%s: pictures of %dx%d are too small to restore; %dx%d is the least",
                 d->facts->input, d->cur.width, d->cur.height, MIN_SIDE, MIN_SIDE);
        return TA_ERR_UNSUPPORTED;
    }
    struct chosen chosen[MAX_CHOSEN];
    int count = 0, err = choose_stages(d, chosen, &count);
    if (err < 0 || (err = add_planar(d)) < 0)
        return err;

    // HDR is the last slot that recipes fill, and the only one behind the scaling.
    const struct chosen *hdr = count && !strcmp(chosen[count - 1].slot->name, "hdr") ? &chosen[--count]
                                                                                     : NULL;

    int kept = 0;
    while (kept < count && chosen[kept].info->keeps_samples)
        kept++;
    err = add_all_chosen(d, chosen, 0, kept);
    if (err < 0)
        return err;

    // The size is known before the other stages are placed; it decides whether anything is worked on at all.
    struct ta_format sizing = d->cur;
    bool needs_yuv = hdr && hdr->info->needs_yuv;
    for (int i = kept; i < count; i++) {
        needs_yuv |= chosen[i].info->needs_yuv;
        if (!strcmp(chosen[i].slot->name, "deinterlace"))
            d->cur.scan = TA_SCAN_PROGRESSIVE;
    }
    int w = 0, h = 0;
    const char *why = "";
    err = ta_chain_choose_size(d, &w, &h, &why);
    d->cur = sizing;
    if (err < 0)
        return err;
    bool scale = w != sizing.width || h != sizing.height;
    ta_decision_tell(d, "size", "%dx%d to %dx%d: %s", sizing.width, sizing.height, w, h, why);
    if (!scale)
        ta_chain_tell_vain_scale(d);
    enum AVPixelFormat work = work_format(d, needs_yuv, hdr);
    if (count > kept || (scale && !hdr))
        err = ta_chain_add_depth(d, work, TA_RANGE_KEEP);
    if (err >= 0)
        err = add_all_chosen(d, chosen, kept, count);
    if (err < 0)
        return err;
    warn_of_moved_blocks(d);
    if (scale && d->cur.scan != TA_SCAN_PROGRESSIVE)
        ta_decision_warn(d, TA_PROBLEM_FIELDS_SCALED, &(struct ta_problem_about){.option = "deinterlace"},
                         "interlaced pictures are scaled field by field, because deinterlacing is off");
    err = add_end(d, w, h, hdr, work);
    p->out_format = d->cur;
    p->out_format.mixed_scan = false;
    if (err >= 0 && ta_format_has_alpha(&p->source_format) && !ta_format_has_alpha(&p->out_format))
        tell_alpha(d);
    return err;
}

int ta_plan_hdr10_peak(const struct ta_stage_plan *stages, int count)
{
    for (int i = 0; i < count; i++)
        if (stages[i].info == &ta_stage_hdr10 || stages[i].info == &ta_stage_hdr_rtx)
            return (int)((const struct ta_hdr_opts *)stages[i].opts)->peak;
    return 0;
}
