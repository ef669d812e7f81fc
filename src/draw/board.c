#include "draw/board.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "draw/font.h"

enum {
    ALIGNMENT = 64,
    FONTS = 4,       // sizes kept: labels of one board have few
    MIN_LETTERS = 7, // pixels of the smallest capitals
    MIN_STRIP = 20,
    MAX_STRIP = 88,
};
static const double BACKGROUND = 0.09, BRIGHT = 0.95, DIM = 0.62;

struct ta_board {
    struct ta_format format;
    AVBufferPool *pool;
    int depth, shift_x, shift_y; // chroma
    struct {
        int height; // of a capital
        struct ta_font *font;
    } fonts[FONTS];
    int font_count;
};

bool ta_board_takes(enum AVPixelFormat p)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    return d && d->nb_components == 3 && av_pix_fmt_count_planes(p) == 3 &&
           !(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT |
                         AV_PIX_FMT_FLAG_BITSTREAM)) &&
           d->comp[0].shift == 0 && d->comp[0].depth <= 16 && d->log2_chroma_w <= 2 && d->log2_chroma_h <= 2;
}

enum AVPixelFormat ta_board_format(enum AVPixelFormat p)
{
    enum AVPixelFormat plain = ta_pix_fmt_plain(p);
    if (ta_board_takes(plain))
        return plain;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(p);
    int depth = d ? d->comp[0].depth : 8;
    enum AVPixelFormat base = AV_PIX_FMT_YUV444P;
    if (d && d->nb_components < 3)
        base = AV_PIX_FMT_YUV420P;
    else if (d && !(d->flags & AV_PIX_FMT_FLAG_RGB) && d->log2_chroma_w)
        base = d->log2_chroma_h ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV422P;
    enum AVPixelFormat deep = ta_pix_fmt_with_depth(base, depth);
    return deep != AV_PIX_FMT_NONE ? deep : base;
}

int ta_board_create(struct ta_board **out, const struct ta_format *f)
{
    *out = NULL;
    int size = av_image_get_buffer_size(f->pix_fmt, f->width, f->height, ALIGNMENT);
    if (size < 0 || !ta_board_takes(f->pix_fmt))
        return TA_ERR_UNSUPPORTED;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->pix_fmt);
    struct ta_board *b = ta_xcalloc(1, sizeof *b);
    b->format = *f;
    b->depth = d->comp[0].depth;
    b->shift_x = d->log2_chroma_w;
    b->shift_y = d->log2_chroma_h;
    b->pool = av_buffer_pool_init((size_t)size + ALIGNMENT, NULL);
    if (!b->pool)
        ta_board_destroy(&b);
    *out = b;
    return b ? 0 : TA_ERR_NOMEM;
}

void ta_board_destroy(struct ta_board **board)
{
    struct ta_board *b = *board;
    *board = NULL;
    if (!b)
        return;
    for (int i = 0; i < b->font_count; i++)
        ta_font_destroy(&b->fonts[i].font);
    av_buffer_pool_uninit(&b->pool);
    free(b);
}

// ---- filling ----

static unsigned luma_code(const struct ta_board *b, double luma)
{
    bool full = b->format.range == AVCOL_RANGE_JPEG;
    // In HDR white is where the pictures' white is.
    if (b->format.transfer == AVCOL_TRC_SMPTE2084)
        luma *= 0.58;
    else if (b->format.transfer == AVCOL_TRC_ARIB_STD_B67)
        luma *= 0.75;
    double v = full ? luma * ((1 << b->depth) - 1) : (16 + 219 * luma) * (1 << (b->depth - 8));
    return (unsigned)(v + 0.5);
}

static void fill(const struct ta_board *b, AVFrame *f, int plane, int x, int y, int w, int h, unsigned code)
{
    for (int row = y; row < y + h; row++) {
        uint8_t *line = f->data[plane] + (ptrdiff_t)row * f->linesize[plane];
        if (b->depth == 8)
            memset(line + x, (int)code, (size_t)w);
        else
            for (int i = x; i < x + w; i++)
                ((uint16_t *)line)[i] = (uint16_t)code;
    }
}

static int up(int size, int shift)
{
    return (size + (1 << shift) - 1) >> shift;
}

void ta_board_box(const struct ta_board *b, AVFrame *f, int x, int y, int w, int h, double luma)
{
    int x1 = TA_MIN(x + w, f->width), y1 = TA_MIN(y + h, f->height);
    x = TA_MAX(x, 0);
    y = TA_MAX(y, 0);
    if (x >= x1 || y >= y1)
        return;
    fill(b, f, 0, x, y, x1 - x, y1 - y, luma_code(b, luma));
    for (int p = 1; p < 3; p++)
        fill(b, f, p, x >> b->shift_x, y >> b->shift_y, up(x1, b->shift_x) - (x >> b->shift_x),
             up(y1, b->shift_y) - (y >> b->shift_y), 1u << (b->depth - 1));
}

int ta_board_frame(struct ta_board *b, AVFrame **out)
{
    AVFrame *f = av_frame_alloc();
    *out = NULL;
    if (f)
        f->buf[0] = av_buffer_pool_get(b->pool);
    if (!f || !f->buf[0]) {
        av_frame_free(&f);
        return TA_ERR_NOMEM;
    }
    f->format = b->format.pix_fmt;
    f->width = b->format.width;
    f->height = b->format.height;
    uint8_t *start = f->buf[0]->data;
    start += (ALIGNMENT - (uintptr_t)start % ALIGNMENT) % ALIGNMENT;
    av_image_fill_arrays(f->data, f->linesize, start, b->format.pix_fmt, f->width, f->height, ALIGNMENT);
    ta_format_tag_frame(&b->format, f);
    ta_board_box(b, f, 0, 0, f->width, f->height, BACKGROUND);
    *out = f;
    return 0;
}

void ta_board_put(const struct ta_board *b, AVFrame *f, const AVFrame *pane, int x, int y, int from,
                  int width)
{
    int w = TA_MIN(TA_MIN(width, pane->width - from), f->width - x), h = TA_MIN(pane->height, f->height - y);
    size_t bytes = b->depth > 8 ? 2 : 1;
    if (w <= 0 || h <= 0)
        return;
    for (int p = 0; p < 3; p++) {
        int sx = p ? b->shift_x : 0, sy = p ? b->shift_y : 0;
        for (int row = 0; row < up(h, sy); row++)
            memcpy(f->data[p] + (ptrdiff_t)((y >> sy) + row) * f->linesize[p] + (size_t)(x >> sx) * bytes,
                   pane->data[p] + (ptrdiff_t)row * pane->linesize[p] + (size_t)(from >> sx) * bytes,
                   (size_t)up(w, sx) * bytes);
    }
}

// ---- lettering ----

int ta_board_strip(int width, int height)
{
    int least = TA_MIN(width, height), strip = least / 18;
    strip = TA_MAX(MIN_STRIP, TA_MIN(MAX_STRIP, strip));
    return (strip + TA_BOARD_GRID - 1) / TA_BOARD_GRID * TA_BOARD_GRID;
}

static const struct ta_font *font_of(struct ta_board *b, int height)
{
    for (int i = 0; i < b->font_count; i++)
        if (b->fonts[i].height == height)
            return b->fonts[i].font;
    if (b->font_count == FONTS)
        ta_font_destroy(&b->fonts[--b->font_count].font);
    // Pixels that are not square: letters keep their shape where the board is shown.
    AVRational sar = b->format.sar;
    double narrow = sar.num > 0 && sar.den > 0 ? av_q2d(sar) : 1;
    float weight = TA_MAX(1.5f, (float)height / 7.5f);
    struct ta_font *font = ta_font_create((float)height, weight, (int)(TA_CANVAS_UNITS_X / narrow + 0.5),
                                          (int)TA_CANVAS_UNITS_Y);
    b->fonts[b->font_count].height = height;
    b->fonts[b->font_count++].font = font;
    return font;
}

static void put_letter(const struct ta_board *b, AVFrame *f, const struct ta_font *font, char letter, int x,
                       int y, int right, unsigned code)
{
    int w, h, margin;
    const uint8_t *mask = ta_font_mask(font, letter, &w, &h, &margin);
    for (int row = 0; mask && row < h; row++) {
        int yy = y - margin + row;
        if (yy < 0 || yy >= f->height)
            continue;
        uint8_t *line = f->data[0] + (ptrdiff_t)yy * f->linesize[0];
        for (int i = 0; i < w; i++) {
            int xx = x - margin + i;
            unsigned a = mask[row * w + i];
            if (!a || xx < 0 || xx >= TA_MIN(right, f->width))
                continue;
            if (b->depth == 8) {
                line[xx] = (uint8_t)((line[xx] * (255 - a) + code * a + 127) / 255);
            } else {
                uint16_t *p = (uint16_t *)line + xx;
                *p = (uint16_t)((*p * (255 - a) + code * a + 127) / 255);
            }
        }
    }
}

static void put_text(const struct ta_board *b, AVFrame *f, const struct ta_font *font, int x, int y,
                     int right, const char *text, size_t length, double luma)
{
    for (size_t i = 0; i < length; i++, x += ta_font_advance(font))
        put_letter(b, f, font, text[i], x, y, right, luma_code(b, luma));
}

void ta_board_label(struct ta_board *b, AVFrame *f, int x, int y, int width, int height,
                    enum ta_board_align align, const char *name, const char *detail)
{
    size_t main = strlen(name), more = strlen(detail);
    int letters = TA_MAX(MIN_LETTERS, height * 9 / 20), room = 0;
    const struct ta_font *font = font_of(b, letters);
    for (;; font = font_of(b, --letters)) {
        room = (width - letters) / ta_font_advance(font);
        if ((int)(main + (more ? more + 2 : 0)) <= room || letters <= MIN_LETTERS)
            break;
    }
    if ((int)(main + 2 + more) > room && more) {
        // Without the detail the name may be large again.
        ta_board_label(b, f, x, y, width, height, align, name, "");
        return;
    }
    main = TA_MIN(main, (size_t)TA_MAX(room, 0));
    int total = (int)(main + (more ? more + 2 : 0)) * ta_font_advance(font);
    int left = align == TA_BOARD_RIGHT ? x + width - total - letters / 2 : x + letters / 2;
    int top = y + (height - letters) / 2, right = x + width;
    put_text(b, f, font, left, top, right, name, main, BRIGHT);
    if (more)
        put_text(b, f, font, left + (int)(main + 2) * ta_font_advance(font), top, right, detail, more, DIM);
}
