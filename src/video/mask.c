// Mask: lines and columns at the sides are covered instead of cut, so that the size stays. Covers a tape's
// head switching. The lines of an interlaced frame's fields are kept apart, chroma with them: a chroma line
// is covered where any luma line of its field that it belongs to is.
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"
#include "video/edges.h"
#include "video/stages.h"

enum mode { MODE_AUTO = 0, MODE_BLACK, MODE_REPEAT, MODE_MIRROR };

struct mask_opts {
    struct ta_edges edges; // as shown
    bool torn;             // also the lines that are measured as torn
    int mode;              // enum mode
};

static const struct ta_choice mode_choices[] = {
    {"auto", "mirror for lines that were measured as torn, else black"},
    {"black", "black, as a frame around the picture"},
    {"repeat", "the outermost line that stays, again and again"},
    {"mirror", "the lines next to them, in reverse order"},
    {0},
};

static const struct ta_opt options[] = {
    {.name = "top",
     .kind = &ta_opt_int,
     TA_FIELD(struct mask_opts, edges.top, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "lines",
     .help = "lines of the source covered at the top, as it is shown"},
    {.name = "bottom",
     .kind = &ta_opt_int,
     TA_FIELD(struct mask_opts, edges.bottom, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "lines",
     .help = "lines of the source covered at the bottom, such as those of a tape's head switching"},
    {.name = "left",
     .kind = &ta_opt_int,
     TA_FIELD(struct mask_opts, edges.left, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "columns",
     .help = "columns of the source covered at the left"},
    {.name = "right",
     .kind = &ta_opt_int,
     TA_FIELD(struct mask_opts, edges.right, int64_t),
     .def = "0",
     .max = TA_EDGE_MAX,
     .unit = "columns",
     .help = "columns of the source covered at the right"},
    {.name = "torn",
     .kind = &ta_opt_switch,
     TA_FIELD(struct mask_opts, torn, bool),
     .def = "off",
     .help =
         "cover the lines at the bottom that a tape's switching heads have torn, as many as are measured"},
    {.name = "mode",
     .kind = &ta_opt_choice,
     TA_FIELD(struct mask_opts, mode, int),
     .def = "auto",
     .choices = mode_choices,
     .help = "what covers them"},
    {0},
};

static void set_measured(void *opts, const struct ta_stage_measured *m, struct ta_buf *why)
{
    struct mask_opts *o = opts;
    bool covers = o->torn && m->torn > o->edges.bottom;
    if (covers) {
        o->edges.bottom = m->torn;
        ta_buf_printf(why, "the last %d lines, which are torn", m->torn);
    }
    if (o->mode == MODE_AUTO)
        o->mode = covers ? MODE_MIRROR : MODE_BLACK;
}

static bool neutral(const void *opts, const struct ta_format *in)
{
    (void)in;
    return ta_edges_none(&((const struct mask_opts *)opts)->edges);
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    (void)out;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_edges e = ta_edges_stored(&((const struct mask_opts *)opts)->edges, in->rotation);
    return ta_edges_check(&e, in, "masked", why);
}

// One plane of one field (or of a whole frame).
struct area {
    uint8_t *data;
    ptrdiff_t stride;
    int width, height;
    int bytes;                    // of a sample
    int top, right, bottom, left; // covered
    int black;
};

static uint8_t *row_of(const struct area *a, int y)
{
    return a->data + y * a->stride;
}

// Which of `count` kept lines, counted from the edge, covers line `i`, counted from the same edge outwards.
static int source_of(int i, int count, int mode)
{
    if (mode == MODE_REPEAT)
        return 0;
    int n = i % (2 * count); // there and back, where more is covered than there is to mirror
    return n < count ? n : 2 * count - 1 - n;
}

static void fill_black(const struct area *a, int y, int x, int count)
{
    uint8_t *row = row_of(a, y) + (ptrdiff_t)x * a->bytes;
    if (a->bytes == 1) {
        memset(row, a->black, (size_t)count);
        return;
    }
    for (int i = 0; i < count; i++)
        ((uint16_t *)row)[i] = (uint16_t)a->black;
}

// Lines first, over the whole width; then columns, so that corners follow from covered lines.
static void cover_lines(const struct area *a, int mode)
{
    int first = a->top, kept = a->height - a->top - a->bottom, last = first + kept - 1;
    size_t size = (size_t)a->width * (size_t)a->bytes;
    for (int i = 0; i < a->top; i++)
        if (mode <= MODE_BLACK)
            fill_black(a, first - 1 - i, 0, a->width);
        else
            memcpy(row_of(a, first - 1 - i), row_of(a, first + source_of(i, kept, mode)), size);
    for (int i = 0; i < a->bottom; i++)
        if (mode <= MODE_BLACK)
            fill_black(a, last + 1 + i, 0, a->width);
        else
            memcpy(row_of(a, last + 1 + i), row_of(a, last - source_of(i, kept, mode)), size);
}

static void copy_sample(const struct area *a, int y, int to, int from)
{
    uint8_t *row = row_of(a, y);
    if (a->bytes == 1)
        row[to] = row[from];
    else
        ((uint16_t *)row)[to] = ((uint16_t *)row)[from];
}

static void cover_columns(const struct area *a, int mode)
{
    int first = a->left, kept = a->width - a->left - a->right, last = first + kept - 1;
    for (int y = 0; y < a->height; y++) {
        if (mode <= MODE_BLACK) {
            fill_black(a, y, 0, a->left);
            fill_black(a, y, last + 1, a->right);
            continue;
        }
        for (int i = 0; i < a->left; i++)
            copy_sample(a, y, first - 1 - i, first + source_of(i, kept, mode));
        for (int i = 0; i < a->right; i++)
            copy_sample(a, y, last + 1 + i, last - source_of(i, kept, mode));
    }
}

static int black_of(const struct ta_format *f, const AVPixFmtDescriptor *d, int plane)
{
    int depth = d->comp[0].depth;
    bool chroma = !(d->flags & AV_PIX_FMT_FLAG_RGB) && (plane == 1 || plane == 2);
    if (chroma)
        return 1 << (depth - 1);
    return f->range == AVCOL_RANGE_JPEG || ta_format_is_rgb(f) ? 0 : 16 << (depth - 8);
}

static int shifted(int n, int shift)
{
    return (n + (1 << shift) - 1) >> shift;
}

// Field `field` of `count` (1: the whole frame). A frame's line y is line y / count of field y % count.
static struct area area_of(const AVFrame *f, const struct ta_stage *s, int plane, int field, int count)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    struct ta_edges e = ta_edges_stored(&((const struct mask_opts *)s->opts)->edges, s->in.rotation);
    bool chroma = !(d->flags & AV_PIX_FMT_FLAG_RGB) && (plane == 1 || plane == 2);
    int sx = chroma ? d->log2_chroma_w : 0, sy = chroma ? d->log2_chroma_h : 0;
    int plane_height = shifted(f->height, sy);
    // Lines of this field among the first n of the frame.
    int top = ((int)e.top + count - 1 - field) / count;
    int all = (f->height + count - 1 - field) / count;
    int bottom = all - (f->height - (int)e.bottom + count - 1 - field) / count;
    struct area a = {
        .data = f->data[plane] + field * (ptrdiff_t)f->linesize[plane],
        .stride = (ptrdiff_t)f->linesize[plane] * count,
        .width = shifted(f->width, sx),
        .height = (plane_height + count - 1 - field) / count,
        .bytes = d->comp[0].depth > 8 ? 2 : 1,
        .top = shifted(top, sy),
        .left = shifted((int)e.left, sx),
        .black = black_of(&s->in, d, plane),
    };
    // Whole chroma samples at the far sides, too, whatever the size.
    a.right = e.right ? a.width - ((f->width - (int)e.right) >> sx) : 0;
    a.bottom = bottom ? a.height - ((all - bottom) >> sy) : 0;
    // A field of 4:1:0 may have no whole chroma line among its last few: one stays.
    a.top = TA_MIN(a.top, a.height - 1);
    a.bottom = TA_MIN(a.bottom, a.height - 1 - a.top);
    a.left = TA_MIN(a.left, a.width - 1);
    a.right = TA_MIN(a.right, a.width - 1 - a.left);
    return a;
}

static int process(struct ta_stage *s, AVFrame *f)
{
    if (!f)
        return 0;
    int err = ta_stage_make_writable(s, &f);
    if (err < 0)
        return err;
    const struct mask_opts *o = s->opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(s->in.pix_fmt);
    int planes = d->nb_components - !!(d->flags & AV_PIX_FMT_FLAG_ALPHA); // alpha says what is seen: kept
    int fields = ta_frame_is_interlaced(f) ? 2 : 1;
    for (int p = 0; p < planes; p++)
        for (int field = 0; field < fields; field++) {
            struct area a = area_of(f, s, p, field, fields);
            cover_lines(&a, o->mode);
            cover_columns(&a, o->mode);
        }
    return ta_stage_emit(s, f);
}

const struct ta_stage_info ta_stage_mask = {
    .name = "mask.mask",
    .summary = "lines and columns at the sides covered instead of cut",
    .options = options,
    .options_size = sizeof(struct mask_opts),
    .keeps_samples = true,
    .neutral = neutral,
    .set_measured = set_measured,
    .configure = configure,
    .process = process,
};
