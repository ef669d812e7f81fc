#include "video/motion.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include "base/env.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/av.h"
#include "video/bwdif_field.h"
#include "video/motion_parts.h"

enum { ROWS = TA_MOTION_SLICE * TA_MOTION_STEP }; // of a slice of a picture

// ---- memory: measured and laid out by the same words ----

// Gives pieces of one block of memory; counts only where there is none yet.
struct layout {
    uint8_t *memory;
    int64_t used;
    int nth;
};

static void *piece(struct layout *l, int64_t bytes)
{
    l->used = (l->used + TA_MOTION_ALIGNMENT - 1) / TA_MOTION_ALIGNMENT * TA_MOTION_ALIGNMENT;
    void *at = l->memory ? l->memory + l->used : NULL;
    l->used += bytes;
    return at;
}

static ptrdiff_t padded_step(int width, int bytes)
{
    int64_t n = ((int64_t)width + 2 * TA_MOTION_PAD) * bytes;
    return (ptrdiff_t)((n + TA_MOTION_ALIGNMENT - 1) / TA_MOTION_ALIGNMENT * TA_MOTION_ALIGNMENT / bytes);
}

// Planes that lie at the same place of a page would fight for the same sets of a cache.
static int64_t stagger(struct layout *l)
{
    return (l->nth++ * 7 & 63) * TA_MOTION_ALIGNMENT;
}

static void lay_plane(struct layout *l, struct ta_motion_plane *p)
{
    p->step = padded_step(p->width, sizeof *p->at);
    int64_t rows = p->height + 2 * TA_MOTION_PAD;
    piece(l, stagger(l));
    uint16_t *at = piece(l, rows * p->step * (int64_t)sizeof *p->at);
    p->at = at ? at + TA_MOTION_PAD * p->step + TA_MOTION_PAD : NULL;
}

static void lay_bytes_plane(struct layout *l, struct ta_motion_bytes_plane *p)
{
    p->step = padded_step(p->width, 1);
    piece(l, stagger(l));
    uint8_t *at = piece(l, (p->height + 2 * TA_MOTION_PAD) * p->step);
    p->at = at ? at + TA_MOTION_PAD * p->step + TA_MOTION_PAD : NULL;
}

static void lay_search_pictures(struct layout *l, const struct ta_format *in,
                                struct ta_motion_bytes_plane *pictures)
{
    for (int i = 0; i < TA_MOTION_LEVELS; i++) {
        pictures[i].width = AV_CEIL_RSHIFT(in->width, i);
        pictures[i].height = AV_CEIL_RSHIFT(in->height, i);
        lay_bytes_plane(l, &pictures[i]);
    }
}

static void lay_picture(struct layout *l, const struct ta_format *in, struct ta_motion_picture *picture)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    for (int i = 0; i < av_pix_fmt_count_planes(in->pix_fmt); i++) {
        bool chroma = (i == 1 || i == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        struct ta_motion_plane *p = &picture->planes[i];
        p->shift_x = chroma ? d->log2_chroma_w : 0;
        p->shift_y = chroma ? d->log2_chroma_h : 0;
        p->width = AV_CEIL_RSHIFT(in->width, p->shift_x);
        p->height = AV_CEIL_RSHIFT(in->height, p->shift_y);
        lay_plane(l, p);
    }
}

static void lay_moment(struct layout *l, const struct ta_motion *m, const struct ta_format *in,
                       struct ta_motion_moment *moment)
{
    lay_picture(l, in, &moment->picture);
    lay_search_pictures(l, in, moment->search);
    moment->sums = piece(l, m->coarse_across * m->coarse_down * (int64_t)sizeof *moment->sums);
    for (int k = -m->settings.radius; k <= m->settings.radius; k++)
        if (k)
            moment->vectors[k + TA_MOTION_RADIUS] = piece(l, (int64_t)m->across * m->down *
                                                                 (int64_t)sizeof **moment->vectors);
}

static void lay_out(struct layout *l, struct ta_motion *m, const struct ta_format *in)
{
    for (int i = 0; i < m->settings.frames && m->settings.fields; i++)
        lay_picture(l, in, &m->held[i].woven);
    for (int i = 0; i < m->moment_count; i++)
        lay_moment(l, m, in, &m->moments[i]);
    for (int i = 0; i < m->settings.spares; i++)
        lay_picture(l, in, &m->spares[i]);
    for (size_t i = 0; i < TA_COUNT(m->lit); i++)
        lay_search_pictures(l, in, m->lit[i]);
    for (size_t i = 0; i < TA_COUNT(m->coarse); i++)
        m->coarse[i] = piece(l, (int64_t)m->coarse_across * m->coarse_down * (int64_t)sizeof *m->coarse[i]);
    int64_t places = (m->coarse_down / (TA_MOTION_SLICE / 2) + 1) * 2 * TA_MOTION_PREDICTIONS *
                     (int64_t)m->across;
    m->places = piece(l, places * (int64_t)sizeof *m->places);
    m->slices = 0;
    for (int i = 0; i < m->planes; i++)
        m->slices += (m->moments[0].picture.planes[i].height + ROWS - 1) / ROWS;
    for (int i = 0; i < m->settings.takers; i++) {
        struct ta_motion_taker *t = &m->takers[i];
        t->above = piece(l, m->across * (int64_t)sizeof *t->above);
        t->below = piece(l, m->across * (int64_t)sizeof *t->below);
        int64_t size = TA_MOTION_BLOCK * TA_MOTION_BLOCK * (int64_t)sizeof *t->between[0];
        for (int k = 0; k < 2; k++)
            t->between[k] = m->settings.fine ? piece(l, m->across * size) : NULL;
    }
}

void ta_motion_count_blocks(const struct ta_format *in, int *across, int *down)
{
    *across = (in->width + TA_MOTION_STEP - 1) / TA_MOTION_STEP + 1;
    *down = (in->height + TA_MOTION_STEP - 1) / TA_MOTION_STEP + 1;
}

static struct ta_motion *describe(const struct ta_motion_settings *settings, const struct ta_format *in)
{
    struct ta_motion *m = ta_xcalloc(1, sizeof *m);
    m->settings = *settings;
    m->planes = av_pix_fmt_count_planes(in->pix_fmt);
    m->depth = av_pix_fmt_desc_get(in->pix_fmt)->comp[0].depth;
    ta_motion_count_blocks(in, &m->across, &m->down);
    m->coarse_across = m->across / 2 + 1;
    m->coarse_down = m->down / 2 + 1;
    m->moment_count = settings->moments ? settings->moments : settings->frames * (settings->fields ? 2 : 1);
    m->held = ta_xcalloc((size_t)settings->frames, sizeof *m->held);
    m->moments = ta_xcalloc((size_t)m->moment_count, sizeof *m->moments);
    m->spares = ta_xcalloc((size_t)settings->spares + 1, sizeof *m->spares);
    m->takers = ta_xcalloc((size_t)settings->takers + 1, sizeof *m->takers);
    for (int i = 0; i < m->moment_count; i++)
        m->moments[i].number = -1;
    return m;
}

int64_t ta_motion_bytes(const struct ta_motion_settings *settings, const struct ta_format *in)
{
    struct ta_motion *m = describe(settings, in);
    struct layout l = {0};
    lay_out(&l, m, in);
    ta_motion_destroy(&m);
    return l.used;
}

int ta_motion_create(struct ta_motion **out, const struct ta_motion_settings *settings,
                     const struct ta_format *in, const struct ta_env *env)
{
    struct ta_motion *m = describe(settings, in);
    m->dsp = ta_motion_dsp();
    m->bwdif = ta_bwdif_dsp();
    m->pool = env->pool;
    struct layout l = {0};
    lay_out(&l, m, in);
    m->memory = av_mallocz((size_t)l.used);
    *out = NULL;
    if (!m->memory) {
        ta_motion_destroy(&m);
        return TA_ERR_NOMEM;
    }
    l = (struct layout){.memory = m->memory};
    lay_out(&l, m, in);
    *out = m;
    return 0;
}

void ta_motion_destroy(struct ta_motion **motion)
{
    struct ta_motion *m = *motion;
    *motion = NULL;
    if (!m)
        return;
    for (int i = 0; i < m->settings.frames; i++)
        av_frame_free(&m->held[i].frame);
    av_freep(&m->memory);
    free(m->held);
    free(m->moments);
    free(m->spares);
    free(m->takers);
    free(m);
}

// ---- frames and moments ----

void ta_motion_push(struct ta_motion *m, AVFrame *frame)
{
    if (!frame) {
        m->ended = true;
        return;
    }
    struct ta_motion_held *h = &m->held[m->count % m->settings.frames];
    av_frame_free(&h->frame);
    h->frame = frame;
    h->widened = false;
    m->count++;
}

int64_t ta_motion_count(const struct ta_motion *m)
{
    return m->count;
}

bool ta_motion_ended(const struct ta_motion *m)
{
    return m->ended;
}

static bool holds(const struct ta_motion *m, int64_t frame)
{
    return frame >= 0 && frame < m->count && frame >= m->count - m->settings.frames;
}

const AVFrame *ta_motion_frame(const struct ta_motion *m, int64_t frame)
{
    return holds(m, frame) ? m->held[frame % m->settings.frames].frame : NULL;
}

static int64_t frame_of(const struct ta_motion *m, int64_t moment)
{
    return m->settings.fields && moment >= 0 ? moment / 2 : moment;
}

bool ta_motion_has(const struct ta_motion *m, int64_t moment)
{
    return holds(m, frame_of(m, moment));
}

bool ta_motion_is_whole(const struct ta_motion *m, int64_t moment)
{
    return !m->settings.fields || !ta_frame_is_interlaced(ta_motion_frame(m, frame_of(m, moment)));
}

bool ta_motion_is_top(const struct ta_motion *m, int64_t moment)
{
    return ta_frame_is_top_first(ta_motion_frame(m, frame_of(m, moment))) == (moment % 2 == 0);
}

struct ta_motion_picture *ta_motion_spare(struct ta_motion *m, int i)
{
    return &m->spares[i];
}

void ta_motion_blocks(const struct ta_motion *m, int *across, int *down)
{
    *across = m->across;
    *down = m->down;
}

void ta_motion_extend(const struct ta_motion_plane *p, int first, int end)
{
    for (int y = first; y < end; y++) {
        uint16_t *row = p->at + y * p->step, *left = row - TA_MOTION_PAD, *right = row + p->width;
        for (int i = 0; i < TA_MOTION_PAD; i++)
            left[i] = row[0];
        for (int i = 0; i < TA_MOTION_PAD; i++)
            right[i] = right[-1];
    }
}

static void extend_up_and_down(const struct ta_motion_plane *p)
{
    size_t bytes = ((size_t)p->width + 2 * TA_MOTION_PAD) * sizeof *p->at;
    for (int y = 1; y <= TA_MOTION_PAD; y++) {
        memcpy(p->at - y * p->step - TA_MOTION_PAD, p->at - TA_MOTION_PAD, bytes);
        const uint16_t *last = p->at + (p->height - 1) * p->step - TA_MOTION_PAD;
        memcpy(p->at + (p->height - 1 + y) * p->step - TA_MOTION_PAD, last, bytes);
    }
}

void ta_motion_extend_all(const struct ta_motion_plane *p)
{
    ta_motion_extend(p, 0, p->height);
    extend_up_and_down(p);
}

// Work over slices of all planes' rows.
struct rows_work {
    struct ta_motion *m;
    struct ta_motion_held *here, *earlier, *later;
    const struct ta_motion_picture *to;
    bool whole, second, keep_top, alone;
};

static void find_slice(const struct ta_motion_picture *p, int part, int *plane, int *first, int *end)
{
    *plane = 0;
    for (;; (*plane)++) {
        int slices = (p->planes[*plane].height + ROWS - 1) / ROWS;
        if (part < slices)
            break;
        part -= slices;
    }
    *first = part * ROWS;
    *end = TA_MIN(*first + ROWS, p->planes[*plane].height);
}

static void widen_row(const struct ta_motion *m, uint16_t *dst, const AVFrame *frame, int plane, int y, int n)
{
    const uint8_t *src = frame->data[plane] + y * (ptrdiff_t)frame->linesize[plane];
    if (m->depth == 8)
        m->dsp->widen8(dst, src, n);
    else
        m->dsp->widen16(dst, (const uint16_t *)(const void *)src, m->depth, n);
}

static void widen_slice(void *arg, int part)
{
    const struct rows_work *w = arg;
    int plane, first, end;
    find_slice(w->to, part, &plane, &first, &end);
    const struct ta_motion_plane *p = &w->to->planes[plane];
    for (int y = first; y < end; y++)
        widen_row(w->m, p->at + y * p->step, w->here->frame, plane, y, p->width);
    if (w->whole)
        ta_motion_extend(p, first, end);
}

static void bob_slice(void *arg, int part)
{
    const struct rows_work *w = arg;
    int plane, first, end;
    find_slice(w->to, part, &plane, &first, &end);
    const struct ta_motion_plane *p = &w->to->planes[plane], *here = &w->here->woven.planes[plane],
                                 *earlier = &w->earlier->woven.planes[plane],
                                 *later = &w->later->woven.planes[plane];
    const ptrdiff_t bytes = sizeof *p->at;
    struct ta_bwdif_field f = {
        .earlier = (const uint8_t *)earlier->at,
        .here = (const uint8_t *)here->at,
        .later = (const uint8_t *)later->at,
        .earlier_step = earlier->step * bytes,
        .here_step = here->step * bytes,
        .later_step = later->step * bytes,
        .step = p->step * bytes,
        .dst = (uint8_t *)p->at,
        .width = p->width,
        .height = p->height,
        .bytes = (int)bytes,
        .depth = TA_MOTION_DEPTH,
        .second = w->second,
        .keep_top = w->keep_top,
        .alone = w->alone,
    };
    ta_bwdif_field_rows(w->m->bwdif, &f, first, end);
    ta_motion_extend(p, first, end);
}

static struct ta_motion_held *woven(struct ta_motion *m, int64_t frame)
{
    struct ta_motion_held *h = &m->held[frame % m->settings.frames];
    if (!h->widened) {
        struct rows_work w = {.m = m, .here = h, .to = &h->woven};
        ta_pool_run(m->pool, m->slices, widen_slice, &w);
        h->widened = true;
    }
    return h;
}

static void make(struct ta_motion *m, struct ta_motion_moment *moment)
{
    int64_t frame = frame_of(m, moment->number);
    struct rows_work w = {.m = m, .to = &moment->picture};
    if (ta_motion_is_whole(m, moment->number)) {
        w.here = &m->held[frame % m->settings.frames];
        w.whole = true;
        ta_pool_run(m->pool, m->slices, widen_slice, &w);
    } else {
        // The first frame stands for the one before it as well, the last for the one behind it; what has no
        // neighbour there is made alone.
        bool first = !holds(m, frame - 1), last = !holds(m, frame + 1);
        w.here = woven(m, frame);
        w.earlier = woven(m, first ? frame : frame - 1);
        w.later = woven(m, last ? frame : frame + 1);
        w.second = moment->number % 2;
        w.keep_top = ta_motion_is_top(m, moment->number);
        w.alone = w.second ? last : first;
        ta_pool_run(m->pool, m->slices, bob_slice, &w);
    }
    for (int i = 0; i < m->planes; i++)
        extend_up_and_down(&moment->picture.planes[i]);
    moment->made = true;
}

struct ta_motion_moment *ta_motion_moment_of(const struct ta_motion *m, int64_t number)
{
    struct ta_motion_moment *moment = &m->moments[number % m->moment_count];
    if (moment->number != number) {
        moment->number = number;
        moment->made = moment->searchable = moment->given = false;
        memset(moment->state, 0, sizeof moment->state);
    }
    return moment;
}

static struct ta_motion_moment *made(struct ta_motion *m, int64_t number)
{
    struct ta_motion_moment *moment = ta_motion_moment_of(m, number);
    if (!moment->made)
        make(m, moment);
    return moment;
}

const struct ta_motion_picture *ta_motion_picture(struct ta_motion *m, int64_t moment)
{
    return &made(m, moment)->picture;
}

// ---- vectors ----

struct ta_motion_moment *ta_motion_searchable(struct ta_motion *m, int64_t number)
{
    struct ta_motion_moment *moment = made(m, number);
    if (!moment->searchable)
        ta_motion_make_search_pictures(m, moment);
    moment->searchable = true;
    return moment;
}

static bool want(struct ta_motion *m, int64_t number, int away, struct ta_motion_search *s)
{
    if (!ta_motion_has(m, number) || !ta_motion_has(m, number + away))
        return false;
    if (ta_motion_moment_of(m, number)->state[away + TA_MOTION_RADIUS] != TA_MOTION_UNKNOWN)
        return false;
    struct ta_motion_moment *from = ta_motion_searchable(m, number);
    struct ta_motion_moment *to = ta_motion_searchable(m, number + away);
    *s = (struct ta_motion_search){
        .from = from, .to = to, .away = away, .vectors = from->vectors[away + TA_MOTION_RADIUS]};
    int way = away > 0 ? 1 : -1;
    if (away != way) {
        s->near = ta_motion_vectors(m, number, away - way);
        s->step = ta_motion_vectors(m, number + away - way, way);
    } else if (way < 0) {
        s->reverse = ta_motion_vectors(m, number - 1, 1);
    }
    return true;
}

// Those of one or two that are not known yet, together.
static void find(struct ta_motion *m, int wanted, const int64_t *numbers, const int *aways)
{
    struct ta_motion_search searches[2];
    int count = 0;
    for (int i = 0; i < wanted; i++)
        if (want(m, numbers[i], aways[i], &searches[count])) {
            searches[count].coarse = m->coarse[count];
            count++;
        }
    if (count)
        ta_motion_search(m, searches, count);
    for (int i = 0; i < count; i++) {
        struct ta_motion_moment *from = ta_motion_moment_of(m, searches[i].from->number);
        from->state[searches[i].away + TA_MOTION_RADIUS] = searches[i].lost ? TA_MOTION_LOST
                                                                            : TA_MOTION_FOUND;
    }
}

void ta_motion_find(struct ta_motion *m, int64_t moment, int radius)
{
    bool given = ta_motion_has(m, moment) && ta_motion_moment_of(m, moment)->given;
    for (int k = 1; k <= radius && !given; k++) {
        // On from where the chain has come to, then the whole way. What leads there leads the way back.
        find(m, 1, (int64_t[]){moment - k}, (int[]){1});
        find(m, 2, (int64_t[]){moment + k - 1, moment + k - 1}, (int[]){1, -1});
        if (k == 1)
            continue;
        find(m, 1, (int64_t[]){moment - k + 1}, (int[]){-1});
        find(m, 2, (int64_t[]){moment, moment}, (int[]){-k, k});
    }
}

const struct ta_motion_vector *ta_motion_vectors(const struct ta_motion *m, int64_t moment, int away)
{
    if (!ta_motion_has(m, moment) || !ta_motion_has(m, moment + away))
        return NULL;
    const struct ta_motion_moment *from = ta_motion_moment_of(m, moment);
    bool found = from->state[away + TA_MOTION_RADIUS] == TA_MOTION_FOUND;
    return found ? from->vectors[away + TA_MOTION_RADIUS] : NULL;
}
