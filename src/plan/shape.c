// The shape of the pictures as they are shown, and where those of another size or shape stand in the frame.
#include "plan/decide.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/words.h"
#include "media/fit.h"

// The nearest simple words for a shape: "4:3", "16:9", "1.85:1".
static char *aspect_text(double aspect)
{
    static const struct {
        double aspect;
        const char *text;
    } usual[] = {{4.0 / 3, "4:3"}, {16.0 / 9, "16:9"}, {1, "1:1"},        {3.0 / 2, "3:2"},
                 {5.0 / 4, "5:4"}, {3.0 / 4, "3:4"},   {9.0 / 16, "9:16"}};
    for (size_t i = 0; i < TA_COUNT(usual); i++)
        if (aspect / usual[i].aspect > 0.999 && aspect / usual[i].aspect < 1.001)
            return ta_xstrdup(usual[i].text);
    for (size_t i = 0; i < 2; i++)
        if (ta_same_aspect(aspect, usual[i].aspect))
            return ta_xprintf("about %s", usual[i].text);
    return ta_xprintf("%.2f:1", aspect);
}

static double aspect_of(const struct ta_format *f)
{
    return ta_display_aspect(f->width, f->height, f->sar);
}

static bool is_turned(const struct ta_format *f)
{
    return f->rotation % 180 != 0;
}

static char *shown_text(const struct ta_format *f, double aspect)
{
    return aspect_text(is_turned(f) ? 1 / aspect : aspect);
}

// Pixels of the shape that makes the whole picture as wide as asked, as it is shown.
static void ask_for(struct ta_format *f, AVRational aspect)
{
    if (is_turned(f))
        aspect = av_inv_q(aspect);
    av_reduce(&f->sar.num, &f->sar.den, (int64_t)aspect.num * f->height, (int64_t)aspect.den * f->width,
              1 << 20);
}

// What a recorder's list says of all its recordings; 0/0: nothing, or the file's parts differ.
static AVRational listed_aspect(const struct ta_decision *d)
{
    const struct ta_recorder *r = d->facts->source->recorder;
    return r && !d->facts->index->part_count ? (AVRational){r->aspect_num, r->aspect_den}
                                             : (AVRational){0, 0};
}

static void choose_aspect(struct ta_decision *d)
{
    struct ta_format *f = &d->plan->source_format;
    bool known = f->sar.num > 0, assumed = false;
    AVRational asked = ta_aspect_from_text(d->recipe->aspect), usual, listed = listed_aspect(d);
    if (asked.num) {
        char *was = shown_text(f, aspect_of(f));
        ask_for(f, asked);
        ta_decision_tell(d, "aspect", "%s as asked, where the file says %s", d->recipe->aspect,
                         known ? was : "nothing");
        free(was);
        return;
    }
    // Camcorders that write discs leave 4:3 in the pictures' headers, and go by their list themselves.
    if (listed.num && !(known && ta_same_aspect(aspect_of(f), av_q2d(listed)))) {
        char *was = shown_text(f, aspect_of(f));
        ask_for(f, listed);
        ta_decision_tell(d, "aspect", "%d:%d by the recorder's list, where the pictures say %s", listed.num,
                         listed.den, known ? was : "nothing");
        free(was);
        return;
    }
    usual = ta_usual_sar(f->width, f->height, &assumed);
    if (known || !assumed)
        return;
    f->sar = usual;
    ta_decision_tell(d, "aspect",
                     "4:3 is assumed for %dx%d, a size of standard definition, because the file says none "
                     "(--aspect 16:9 if it is wide)",
                     f->width, f->height);
}

// ---- parts ----

// The same picture in the same place: parts that are told together.
static bool alike(const struct ta_part *a, const struct ta_part *b)
{
    return a->width == b->width && a->height == b->height && !av_cmp_q(a->sar, b->sar) &&
           a->place.width == b->place.width && a->place.height == b->place.height;
}

static void tell_part(struct ta_decision *d, const struct ta_part *p, int64_t frames, int times)
{
    const struct ta_format *f = &d->plan->source_format;
    char *shape = shown_text(f, ta_display_aspect(p->width, p->height, p->sar));
    bool whole = p->place.width == f->width && p->place.height == f->height;
    struct ta_buf how = {0};
    if (!whole)
        ta_buf_printf(&how, "%s as %dx%d in the frame, black %s", ta_plural(frames, "stands", "stand"),
                      p->place.width, p->place.height,
                      p->place.width < f->width ? "at the sides" : "above and below");
    else if (p->width != f->width || p->height != f->height)
        ta_buf_printf(&how, "%s scaled to the frame", ta_plural(frames, "is", "are"));
    else
        ta_buf_printf(&how, "%s the frame", ta_plural(frames, "is", "are"));
    ta_decision_tell(d, "pictures", "%lld %s%s%s %s %dx%d, shown as %s: %s %s", (long long)frames,
                     ta_plural(frames, "frame", "frames"), times > 1 ? ", in several places," : "",
                     times == 1 && frames > 1 ? " in a row" : "", ta_plural(frames, "is", "are"), p->width,
                     p->height, shape, ta_plural(frames, "it", "they"), ta_buf_text(&how));
    ta_buf_release(&how);
    free(shape);
}

static void choose_parts(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    p->part_count = ta_fit_parts(d->facts->index, &p->source_format, p->first_frame, p->frame_count,
                                 &p->parts);
    // What was measured says more of fields than what the stream says.
    for (int i = 0; i < p->part_count; i++)
        for (int k = 0; k < p->run_count; k++)
            p->parts[i].interlaced |= p->runs[k].type != TA_SCAN_PROGRESSIVE &&
                                      p->runs[k].first < p->parts[i].first + p->parts[i].count &&
                                      p->parts[i].first < p->runs[k].first + p->runs[k].count;
    // Who names the shape names it for all.
    bool asked = ta_aspect_from_text(d->recipe->aspect).num > 0, plain = true;
    for (int i = 0; i < p->part_count && asked; i++) {
        p->parts[i].place = (struct ta_place){0, 0, p->source_format.width, p->source_format.height};
        p->parts[i].sar = (AVRational){0, 1};
        av_reduce(&p->parts[i].sar.num, &p->parts[i].sar.den,
                  (int64_t)p->source_format.sar.num * p->source_format.width * p->parts[i].height,
                  (int64_t)p->source_format.sar.den * p->source_format.height * p->parts[i].width, 1 << 20);
        plain &= p->parts[i].width == p->source_format.width && p->parts[i].height == p->source_format.height;
    }
    if (asked && plain) {
        ta_freep(&p->parts);
        p->part_count = 0;
    }
    for (int i = 0; i < p->part_count; i++) {
        int64_t frames = 0;
        int times = 0, first = 0;
        while (!alike(&p->parts[first], &p->parts[i]))
            first++;
        if (first < i)
            continue;
        for (int k = i; k < p->part_count; k++)
            if (alike(&p->parts[k], &p->parts[i])) {
                frames += p->parts[k].count;
                times++;
            }
        tell_part(d, &p->parts[i], frames, times);
    }
}

void ta_plan_choose_shape(struct ta_decision *d)
{
    choose_aspect(d);
    choose_parts(d);
}
