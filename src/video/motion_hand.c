// Vectors that one stage has found and another one needs, on their way with the pictures.
#include <string.h>

#include <terminalai/error.h>

#include "media/picture/frame_pool.h"
#include "video/motion_parts.h"

// What a picture carries: this, then the vectors to -radius, ..., -1, 1, ..., radius.
struct handed {
    uint64_t form; // FORM: nothing else that pictures may carry begins so
    int32_t radius, across, down;
    uint8_t found[2 * TA_MOTION_RADIUS + 1]; // to `away` at [away + radius]
};
#define FORM 0x74612d766563746fu

static size_t vectors_bytes(const struct ta_motion *m)
{
    return (size_t)m->across * (size_t)m->down * sizeof(struct ta_motion_vector);
}

size_t ta_motion_handed_bytes(const struct ta_motion_settings *settings, const struct ta_format *in)
{
    struct ta_motion m = {0};
    ta_motion_count_blocks(in, &m.across, &m.down);
    return sizeof(struct handed) + 2 * (size_t)settings->radius * vectors_bytes(&m);
}

static uint8_t *vectors_of(struct handed *h, size_t bytes, int away)
{
    return (uint8_t *)(h + 1) + (size_t)(away + h->radius - (away > 0)) * bytes;
}

int ta_motion_hand_on(struct ta_motion *m, int64_t moment, AVBufferPool *pool, AVFrame *out)
{
    int radius = m->settings.radius;
    for (int k = -radius; k <= radius; k++)
        if (ta_motion_has(m, moment + k) && ta_motion_is_whole(m, moment + k))
            return 0; // two moments of the same picture: pictures that follow are no moments that follow
    AVBufferRef *ref = ta_buffer_get(pool);
    if (!ref)
        return TA_ERR_NOMEM;
    struct handed *h = (struct handed *)(void *)ref->data;
    *h = (struct handed){.form = FORM, .radius = radius, .across = m->across, .down = m->down};
    ta_motion_find(m, moment, radius);
    for (int k = -radius; k <= radius; k++) {
        const struct ta_motion_vector *v = k ? ta_motion_vectors(m, moment, k) : NULL;
        h->found[k + radius] = v != NULL;
        if (v)
            memcpy(vectors_of(h, vectors_bytes(m), k), v, vectors_bytes(m));
    }
    av_buffer_unref(&out->opaque_ref);
    out->opaque_ref = ref;
    return 0;
}

void ta_motion_take_over(struct ta_motion *m, int64_t moment, AVFrame *frame)
{
    struct handed *h = frame->opaque_ref ? (struct handed *)(void *)frame->opaque_ref->data : NULL;
    struct ta_motion_moment *to = ta_motion_moment_of(m, moment);
    if (!h || frame->opaque_ref->size < sizeof *h || h->form != FORM)
        return;
    if (h->across == m->across && h->down == m->down && h->radius >= m->settings.radius) {
        to->given = true;
        for (int k = -m->settings.radius; k <= m->settings.radius; k++) {
            bool found = k && h->found[k + h->radius];
            if (found)
                memcpy(to->vectors[k + TA_MOTION_RADIUS], vectors_of(h, vectors_bytes(m), k),
                       vectors_bytes(m));
            to->state[k + TA_MOTION_RADIUS] = found ? TA_MOTION_FOUND : TA_MOTION_LOST;
        }
    }
    av_buffer_unref(&frame->opaque_ref);
}
