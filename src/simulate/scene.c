#include "simulate/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "draw/font.h"
#include "simulate/parts.h"
#include "simulate/sound.h"
#include "simulate/tape.h"

static const struct ta_part_info *const parts[] = {&ta_part_railway, &ta_part_windmill, &ta_part_card};
enum { PARTS = TA_COUNT(parts), CUT_SECONDS = 5 };

static const char *const dates[PARTS][2] = {
    {"JUL 14 1992", "PM 8:47:%02d"}, {"AUG 02 1992", "AM 10:12:%02d"}, {NULL, NULL}};

struct ta_scene {
    struct ta_scene_opts opts;
    int fields_a_second; // nominal
    double field_rate;
    void *part[PARTS];
    struct ta_font *letters, *outline;
    struct ta_tape *tape;
};

static int parse_size(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why)
{
    (void)o;
    struct ta_scene_size *size = field;
    if (!strcmp(text, "480") || !strcmp(text, "720x480"))
        *size = (struct ta_scene_size){720, 480};
    else if (!strcmp(text, "576") || !strcmp(text, "720x576"))
        *size = (struct ta_scene_size){720, 576};
    else {
        ta_buf_puts(why, "must be 480 or 576");
        return TA_ERR_INVALID;
    }
    return 0;
}

static void format_size(const struct ta_opt *o, const void *field, struct ta_buf *out)
{
    (void)o;
    ta_buf_printf(out, "%d", ((const struct ta_scene_size *)field)->height);
}

static const struct ta_opt_kind size_kind = {
    .name = "size", .syntax = "480|576", .parse = parse_size, .format = format_size};

static const struct ta_choice orders[] = {
    // in the order of enum ta_scan_type
    {"progressive", "both fields of one moment"},
    {"tff", "top field first, as broadcast and DVD have it"},
    {"bff", "bottom field first, as DV has it"},
    {0},
};

const struct ta_opt ta_scene_options[] = {
    {.name = "size",
     .kind = &size_kind,
     TA_FIELD(struct ta_scene_opts, size, struct ta_scene_size),
     .def = "480",
     .help = "lines: 480 (60 fields a second, as in America and Japan) or 576 (50 fields)"},
    {.name = "frames",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_scene_opts, frames, int64_t),
     .def = "450",
     .min = 1,
     .max = 1000000,
     .help = "length in frames; a second has 30, or 25 with 576 lines"},
    {.name = "field-order",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_scene_opts, scan, int),
     .def = "bff",
     .choices = orders,
     .help = "which field of a frame comes first"},
    {.name = "noise",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_scene_opts, noise, double),
     .def = "4",
     .min = 0,
     .max = 20,
     .help = "noise of the picture, in 8-bit codes; 4 is a good tape, 8 a worn one"},
    {.name = "jitter",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_scene_opts, jitter, double),
     .def = "0",
     .min = 0,
     .max = 8,
     .unit = "pixels",
     .help = "how far lines lie beside their place",
     .flags = TA_OPT_ADVANCED},
    {.name = "dropouts",
     .kind = &ta_opt_float,
     TA_FIELD(struct ta_scene_opts, dropouts, double),
     .def = "0",
     .min = 0,
     .max = 100,
     .help = "white streaks in a field, on average",
     .flags = TA_OPT_ADVANCED},
    {.name = "seed",
     .kind = &ta_opt_int,
     TA_FIELD(struct ta_scene_opts, seed, int64_t),
     .def = "1",
     .min = 0,
     .max = UINT32_MAX,
     .help = "number that noise and landscape follow from",
     .flags = TA_OPT_ADVANCED},
    {0},
};

static int check_opts(const struct ta_scene_opts *o, struct ta_log *log)
{
    const char *wrong = NULL;
    if (o->width != 720 || (o->height != 480 && o->height != 576))
        wrong = "the size must be 720x480 or 720x576";
    else if (o->frames < 1)
        wrong = "there must be a frame at least";
    else if (o->scan < TA_SCAN_PROGRESSIVE || o->scan > TA_SCAN_BFF)
        wrong = "unknown field order";
    else if (!(o->noise >= 0 && o->noise <= 20 && o->jitter >= 0 && o->jitter <= 8 && o->dropouts >= 0 &&
               o->dropouts <= 100))
        wrong = "noise, jitter or dropouts out of range";
    if (!wrong)
        return 0;
    ta_error(log, "scene: %s", wrong);
    return TA_ERR_INVALID;
}

static int64_t fields_a_cut(const struct ta_scene *s)
{
    return (int64_t)s->fields_a_second * CUT_SECONDS;
}

int ta_scene_create(struct ta_scene **out, const struct ta_scene_opts *o, struct ta_log *log)
{
    *out = NULL;
    int err = check_opts(o, log);
    if (err < 0)
        return err;
    struct ta_scene *s = ta_xcalloc(1, sizeof(*s));
    s->opts = *o;
    s->fields_a_second = o->height == 480 ? 60 : 50;
    s->field_rate = o->height == 480 ? 60000.0 / 1001 : 50;
    uint32_t seed = (uint32_t)o->seed;
    for (int64_t i = 0; i < PARTS && i * fields_a_cut(s) < 2 * o->frames; i++)
        s->part[i] = parts[i]->create(o->width, o->height, seed * 977 + 1);
    s->letters = ta_font_create(15, 2.6f, o->width, o->height);
    s->outline = ta_font_create(15, 5.2f, o->width, o->height);
    s->tape = ta_tape_create(&(struct ta_tape_params){o->noise, o->jitter, o->dropouts, seed});
    *out = s;
    return 0;
}

void ta_scene_destroy(struct ta_scene **s)
{
    if (!*s)
        return;
    for (int i = 0; i < PARTS; i++)
        parts[i]->destroy((*s)->part[i]);
    ta_font_destroy(&(*s)->letters);
    ta_font_destroy(&(*s)->outline);
    ta_tape_destroy(&(*s)->tape);
    ta_freep(s);
}

// The date that camcorders left in the picture.
// perf-ok(format-in-frame-loop): eight bytes beside a whole drawn picture
static void draw_date(const struct ta_scene *s, struct ta_canvas *c, int part, double seconds)
{
    if (!dates[part][0])
        return;
    for (int i = 0; i < 2; i++) {
        char text[32];
        snprintf(text, sizeof(text), dates[part][i], 5 + (int)seconds);
        int x = 54, y = (394 + 24 * i) * s->opts.height / 480;
        // The outline's mask is wider by its heavier strokes.
        ta_font_draw(s->outline, c, x - 2, 2 * y - 2, text, ta_colour(0x101010), 150);
        ta_font_draw(s->letters, c, x, 2 * y, text, ta_colour(0xf4f4ee), 256);
    }
}

static void draw_moment(const struct ta_scene *s, struct ta_canvas *c, int64_t t)
{
    int64_t cut = t / fields_a_cut(s);
    int part = (int)(cut % PARTS);
    // Shots come again a little later in their course.
    double seconds = (double)(t % fields_a_cut(s)) / s->field_rate + 0.4 * (double)(cut / PARTS % 3);
    parts[part]->draw(s->part[part], c, seconds);
    draw_date(s, c, part, seconds);
}

static int prepare(const struct ta_scene *s, AVFrame *out, struct ta_canvas *c)
{
    if (!out->data[0]) {
        out->format = AV_PIX_FMT_YUV422P;
        out->width = s->opts.width;
        out->height = s->opts.height;
        if (av_frame_get_buffer(out, 0) < 0)
            return TA_ERR_NOMEM;
    }
    if (out->format != AV_PIX_FMT_YUV422P || out->width != s->opts.width || out->height != s->opts.height)
        return TA_ERR_INVALID;
    if (av_frame_make_writable(out) < 0)
        return TA_ERR_NOMEM;
    *c = (struct ta_canvas){.width = out->width, .height = out->height, .first = 0, .step = 1};
    for (int p = 0; p < 3; p++) {
        c->plane[p] = out->data[p];
        c->stride[p] = out->linesize[p];
    }
    return 0;
}

int ta_scene_render(const struct ta_scene *s, int64_t t, AVFrame *out)
{
    struct ta_canvas c;
    if (t < 0 || t >= 2 * s->opts.frames)
        return TA_ERR_INVALID;
    int err = prepare(s, out, &c);
    if (err < 0)
        return err;
    draw_moment(s, &c, t);
    return 0;
}

int ta_scene_tape_frame(const struct ta_scene *s, int64_t n, AVFrame *out)
{
    struct ta_canvas c;
    if (n < 0 || n >= s->opts.frames)
        return TA_ERR_INVALID;
    int err = prepare(s, out, &c);
    if (err < 0)
        return err;
    if (s->opts.scan == TA_SCAN_PROGRESSIVE) {
        draw_moment(s, &c, 2 * n);
    } else {
        c.step = 2;
        for (int field = 0; field < 2; field++) {
            c.first = field == 0 ? s->opts.scan == TA_SCAN_BFF : s->opts.scan == TA_SCAN_TFF;
            draw_moment(s, &c, 2 * n + field);
        }
    }
    ta_tape_play(s->tape, n, out);
    return 0;
}

void ta_scene_sound(const struct ta_scene *s, int64_t first, int count, int16_t *interleaved)
{
    ta_sound_make((uint32_t)s->opts.seed, (double)fields_a_cut(s) / s->field_rate, first, count, interleaved);
}
