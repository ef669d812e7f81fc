// NVIDIA VFX: effects, their images and streams.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/vfx_parts.h"

// One picture at a time, in memory of its own.
struct slot {
    void *effect, *stream;
    // Where the caller's rows go, on the device, and back. `staging` is the vendor's for transfers.
    struct ta_vfx_image host_in, in, out, host_out, staging;
};

struct ta_vfx {
    struct ta_vfx_engine *e;
    struct ta_vfx_config config;
    bool checked; // a picture that is not black came out
    struct slot slots[TA_VFX_STREAMS_MAX];
};

static bool keeps_size(int quality)
{
    return quality >= TA_VFX_DENOISE_LOW && quality <= TA_VFX_DEBLUR_ULTRA;
}

static bool is_quality(int quality)
{
    return (quality >= TA_VFX_BICUBIC && quality <= TA_VFX_ULTRA) || keeps_size(quality) ||
           (quality >= TA_VFX_CLEAN_LOW && quality <= TA_VFX_CLEAN_ULTRA);
}

int ta_vfx_check(const struct ta_vfx_config *c, struct ta_buf *why)
{
    bool same = c->width == c->out_width && c->height == c->out_height;
    if (c->width < 1 || c->height < 1 || c->streams < 1 || c->streams > TA_VFX_STREAMS_MAX ||
        !is_quality(c->quality)) {
        ta_buf_puts(why, "is asked for something that it has not");
        return TA_ERR_UNSUPPORTED;
    }
    if ((c->kind == TA_VFX_TRUE_HDR || keeps_size(c->quality)) && !same) {
        ta_buf_puts(why, "leaves the size alone with this");
        return TA_ERR_UNSUPPORTED;
    }
    if (c->out_width < c->width || c->out_height < c->height ||
        c->out_width > (int64_t)c->width * TA_VFX_FACTOR_MAX ||
        c->out_height > (int64_t)c->height * TA_VFX_FACTOR_MAX) {
        ta_buf_printf(why, "enlarges 1 to %d times in each direction, not %dx%d to %dx%d", TA_VFX_FACTOR_MAX,
                      c->width, c->height, c->out_width, c->out_height);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int allocate(const struct ta_vfx *v, struct ta_vfx_image *image, bool is_out, unsigned memory)
{
    const struct ta_vfx_config *c = &v->config;
    bool deep = is_out && c->kind == TA_VFX_TRUE_HDR;
    return v->e->NvCVImage_Alloc(
        image, (unsigned)(is_out ? c->out_width : c->width), (unsigned)(is_out ? c->out_height : c->height),
        deep ? VFX_RGB10A2 : VFX_RGBA, deep ? VFX_P32 : VFX_U8, VFX_CHUNKY, memory, VFX_ALIGN);
}

static int allocate_all(const struct ta_vfx *v, struct slot *s)
{
    int status = allocate(v, &s->in, false, VFX_GPU);
    if (!status)
        status = allocate(v, &s->out, true, VFX_GPU);
    if (!status)
        status = allocate(v, &s->host_in, false, VFX_PINNED);
    if (!status)
        status = allocate(v, &s->host_out, true, VFX_PINNED);
    return status;
}

static int set_options(const struct ta_vfx *v, void *effect)
{
    const struct ta_vfx_config *c = &v->config;
    const struct ta_vfx_engine *e = v->e;
    if (c->kind == TA_VFX_SUPER_RES)
        return e->NvVFX_SetU32(effect, "QualityLevel", (unsigned)c->quality);
    int status = e->NvVFX_SetU32(effect, "Contrast", c->contrast);
    if (!status)
        status = e->NvVFX_SetU32(effect, "Saturation", c->saturation);
    if (!status)
        status = e->NvVFX_SetU32(effect, "MiddleGray", c->middle_grey);
    if (!status)
        status = e->NvVFX_SetU32(effect, "Luminance", c->luminance);
    return status;
}

// In the order that the vendor's programs have: all is set before the effect is loaded.
static int start_slot(struct ta_vfx *v, struct slot *s, struct ta_log *log)
{
    const struct ta_vfx_engine *e = v->e;
    const char *name = v->config.kind == TA_VFX_SUPER_RES ? "VideoSuperRes" : "TrueHDR";
    int err = ta_vfx_status(e, e->NvVFX_CudaStreamCreate(&s->stream), "reaching the card", log);
    if (err >= 0)
        err = ta_vfx_status(e, e->NvVFX_CreateEffect(name, &s->effect), name, log);
    if (err >= 0)
        err = ta_vfx_status(e, allocate_all(v, s), "allocating pictures", log);
    if (err < 0)
        return err;
    int status = e->NvVFX_SetCudaStream(s->effect, "CudaStream", s->stream);
    if (!status)
        status = e->NvVFX_SetImage(s->effect, "SrcImage0", &s->in);
    if (!status)
        status = e->NvVFX_SetImage(s->effect, "DstImage0", &s->out);
    if (!status)
        status = set_options(v, s->effect);
    err = ta_vfx_status(e, status, "setting the effect up", log);
    if (err < 0)
        return err;
    return ta_vfx_status(e, e->NvVFX_Load(s->effect), "loading the effect", log);
}

int ta_vfx_create(struct ta_vfx **out, struct ta_engine *engine, const struct ta_vfx_config *config,
                  struct ta_log *log)
{
    struct ta_buf why = {0};
    struct ta_vfx *v = ta_xcalloc(1, sizeof *v);
    v->e = (struct ta_vfx_engine *)engine;
    v->config = *config;
    int err = ta_vfx_check(config, &why);
    if (err < 0)
        ta_error(log, "NVIDIA VFX %s", ta_buf_text(&why));
    for (int i = 0; i < config->streams && err >= 0; i++)
        err = start_slot(v, &v->slots[i], log);
    *out = v;
    if (err < 0)
        ta_vfx_destroy(out);
    ta_buf_release(&why);
    return err;
}

void ta_vfx_destroy(struct ta_vfx **out)
{
    struct ta_vfx *v = *out;
    *out = NULL;
    for (int i = 0; v && i < v->config.streams; i++) {
        struct slot *s = &v->slots[i];
        struct ta_vfx_image *images[] = {&s->host_in, &s->in, &s->out, &s->host_out, &s->staging};
        if (s->stream)
            v->e->NvVFX_CudaStreamSynchronize(s->stream);
        if (s->effect)
            v->e->NvVFX_DestroyEffect(s->effect);
        for (size_t k = 0; k < TA_COUNT(images); k++)
            if (images[k]->pixels)
                v->e->NvCVImage_Dealloc(images[k]);
        if (s->stream)
            v->e->NvVFX_CudaStreamDestroy(s->stream);
    }
    free(v);
}

static void copy_rows(uint8_t *to, ptrdiff_t to_pitch, const uint8_t *from, ptrdiff_t from_pitch, int width,
                      int height)
{
    for (int y = 0; y < height; y++)
        memcpy(to + y * to_pitch, from + y * from_pitch, (size_t)width * 4);
}

static int start_picture(struct ta_vfx *v, struct slot *s)
{
    const struct ta_vfx_engine *e = v->e;
    int status = e->NvCVImage_Transfer(&s->host_in, &s->in, 1, s->stream, &s->staging);
    if (!status)
        status = e->NvVFX_Run(s->effect, 1);
    if (!status)
        status = e->NvCVImage_Transfer(&s->out, &s->host_out, 1, s->stream, &s->staging);
    return status;
}

// Is there a pixel that is clearly not black?
static bool is_lit(const uint8_t *pixels, ptrdiff_t pitch, int width, int height)
{
    enum { DARK = 40 }; // of 255
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const uint8_t *p = pixels + y * pitch + (ptrdiff_t)x * 4;
            if (p[0] > DARK || p[1] > DARK || p[2] > DARK)
                return true;
        }
    return false;
}

static bool is_black(const struct slot *s, const struct ta_vfx_config *c)
{
    const uint8_t *p = s->host_out.pixels;
    for (int y = 0; y < c->out_height; y++)
        for (int x = 0; x < c->out_width; x++) {
            const uint8_t *at = p + (ptrdiff_t)y * s->host_out.pitch + (ptrdiff_t)x * 4;
            int last = c->kind == TA_VFX_TRUE_HDR ? at[3] & 0x3f : 0;
            if (at[0] | at[1] | at[2] | last)
                return false;
        }
    return true;
}

static int look_at_first(struct ta_vfx *v, int count, struct ta_log *log)
{
    const struct ta_vfx_config *c = &v->config;
    for (int i = 0; i < count && !v->checked; i++) {
        const struct slot *s = &v->slots[i];
        if (!is_lit(s->host_in.pixels, s->host_in.pitch, c->width, c->height))
            continue; // says nothing
        if (is_black(s, c)) {
            ta_error(
                log,
                "NVIDIA VFX made a black picture of one that is not, without an error: a fault that is "
                "known of some drivers with some cards; try another driver, or do without (--scale resize)");
            return TA_ERR_INTERNAL;
        }
        v->checked = true;
    }
    return 0;
}

int ta_vfx_run(struct ta_vfx *v, const uint8_t *const *in, ptrdiff_t in_pitch, uint8_t *const *out,
               ptrdiff_t out_pitch, int count, struct ta_log *log)
{
    const struct ta_vfx_config *c = &v->config;
    int status = 0, started = 0;
    ta_require(log, count >= 1 && count <= c->streams, TA_ERR_USAGE);
    for (; started < count && !status; started++) {
        struct slot *s = &v->slots[started];
        copy_rows(s->host_in.pixels, s->host_in.pitch, in[started], in_pitch, c->width, c->height);
        status = start_picture(v, s);
    }
    // Also after a failure: what is at work must not write into memory that goes.
    for (int i = 0; i < started; i++) {
        int one = v->e->NvVFX_CudaStreamSynchronize(v->slots[i].stream);
        status = status ? status : one;
    }
    int err = ta_vfx_status(v->e, status, "running the effect", log);
    if (err >= 0)
        err = look_at_first(v, count, log);
    for (int i = 0; i < count && err >= 0; i++)
        copy_rows(out[i], out_pitch, v->slots[i].host_out.pixels, v->slots[i].host_out.pitch, c->out_width,
                  c->out_height);
    return err;
}
