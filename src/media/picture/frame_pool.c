#include "media/picture/frame_pool.h"

#include <stdbool.h>
#include <stdlib.h>

#include <libavutil/buffer.h>
#include <libavutil/common.h>
#include <libavutil/pixdesc.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include "base/mem.h"

enum { MAX_PLANES = 4 };

struct ta_frame_pool {
    AVBufferPool *buffers;
    enum AVPixelFormat pix_fmt;
    int width, height;
    int planes;
    int linesize[MAX_PLANES];
    size_t offset[MAX_PLANES];
};

struct ta_frame_pool *ta_frame_pool_create(enum AVPixelFormat pix_fmt, int width, int height)
{
    struct ta_frame_pool *p = ta_xcalloc(1, sizeof *p);
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
    p->pix_fmt = pix_fmt;
    p->width = width;
    p->height = height;
    p->planes = av_pix_fmt_count_planes(pix_fmt);
    size_t size = 0;
    for (int i = 0; i < p->planes; i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        int plane_width = chroma ? AV_CEIL_RSHIFT(width, d->log2_chroma_w) : width;
        int plane_height = chroma ? AV_CEIL_RSHIFT(height, d->log2_chroma_h) : height;
        p->linesize[i] = FFALIGN(plane_width * (d->comp[0].depth > 8 ? 2 : 1), TA_FRAME_ALIGNMENT);
        p->offset[i] = size;
        size += (size_t)p->linesize[i] * (size_t)plane_height;
    }
    // Encoders' kernels may read a little past the end.
    p->buffers = av_buffer_pool_init(size + 2 * TA_FRAME_ALIGNMENT, NULL);
    if (!p->buffers)
        ta_freep(&p);
    return p;
}

void ta_frame_pool_destroy(struct ta_frame_pool **pool)
{
    if (*pool)
        av_buffer_pool_uninit(&(*pool)->buffers);
    ta_freep(pool);
}

#ifdef __SANITIZE_THREAD__

static void give_back(void *ref, uint8_t *data)
{
    AVBufferRef *own = ref;
    __tsan_release(data);
    av_buffer_unref(&own);
}

AVBufferRef *ta_buffer_get(AVBufferPool *pool)
{
    AVBufferRef *own = av_buffer_pool_get(pool), *told = NULL;
    if (!own)
        return NULL;
    __tsan_acquire(own->data);
    told = av_buffer_create(own->data, own->size, give_back, own, 0);
    if (!told)
        av_buffer_unref(&own);
    return told;
}

#else

AVBufferRef *ta_buffer_get(AVBufferPool *pool)
{
    return av_buffer_pool_get(pool);
}

#endif

AVFrame *ta_frame_pool_get(struct ta_frame_pool *pool)
{
    AVFrame *f = av_frame_alloc();
    if (!f)
        return NULL;
    f->buf[0] = ta_buffer_get(pool->buffers);
    if (!f->buf[0]) {
        av_frame_free(&f);
        return NULL;
    }
    const uintptr_t mask = TA_FRAME_ALIGNMENT - 1;
    uint8_t *base = (uint8_t *)(((uintptr_t)f->buf[0]->data + mask) & ~mask);
    for (int i = 0; i < pool->planes; i++) {
        f->data[i] = base + pool->offset[i];
        f->linesize[i] = pool->linesize[i];
    }
    f->extended_data = f->data;
    f->format = pool->pix_fmt;
    f->width = pool->width;
    f->height = pool->height;
    return f;
}

AVFrame *ta_frame_pool_writable(struct ta_frame_pool *pool, AVFrame *in)
{
    if (av_frame_is_writable(in))
        return in;
    AVFrame *out = ta_frame_pool_get(pool);
    if (out && av_frame_copy_props(out, in) < 0)
        av_frame_free(&out);
    return out;
}
