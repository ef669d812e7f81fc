// What a DV tape or a recorder's disc says of itself beside its pictures: recordings that become chapters,
// date and timecode that become tags, and what is to be told of a tape's frames.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "plan/decide.h"
#include "plan/json_read.h"

enum { MAX_CHAPTERS = 100000, MAX_TITLE = 1024 };

static int64_t source_time(const struct ta_index *index, size_t frame)
{
    int64_t t = frame < index->frame_count ? index->frames[frame].pts : index->end_pts;
    return av_rescale_q(t, index->time_base, AV_TIME_BASE_Q);
}

// ---- recorders ----
// They put recordings one behind the other into one file, each with a clock of its own.

static bool is_vro(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && !strcasecmp(name + n - 4, ".vro");
}

static void add_chapter(struct ta_plan *p, int64_t start, char *title)
{
    if (p->chapter_count)
        p->chapters[p->chapter_count - 1].end = start;
    p->chapters = ta_xrealloc(p->chapters, (size_t)(p->chapter_count + 1) * sizeof(*p->chapters));
    p->chapters[p->chapter_count++] = (struct ta_mux_chapter){.start = start, .end = start, .title = title};
}

static bool makes_chapters(const struct ta_decision *d)
{
    return d->recipe->chapters == TA_CHAPTERS_AUTO && !d->facts->source->chapter_count;
}

// The first frame of a recording; frame_count when the file holds none.
static size_t first_frame_of(const struct ta_index *index, const struct ta_recording *r, size_t from)
{
    size_t i = from;
    while (i < index->frame_count) {
        int64_t pos = index->packets[index->frames[i].packet].pos;
        if (pos >= r->byte)
            break;
        i++;
    }
    if (i < index->frame_count && index->packets[index->frames[i].packet].pos >= r->byte + r->bytes)
        return index->frame_count;
    if (i == index->frame_count || !r->later_us)
        return i;
    int64_t begin = source_time(index, i) + r->later_us;
    // A frame that begins up to half a millisecond sooner is the one that is meant.
    while (i < index->frame_count && source_time(index, i) + 500 < begin)
        i++;
    return i;
}

static char *recording_title(const struct ta_recording *r, int number)
{
    if (!r->listed)
        return ta_xstrdup("Not in the recorder's list");
    if (*r->title && *r->date)
        return ta_xprintf("%s (%s)", r->title, r->date);
    if (*r->title || *r->date)
        return ta_xstrdup(*r->title ? r->title : r->date);
    return ta_xprintf("Recording %d", number);
}

// By the list beside the file. False when that can't be.
static bool choose_listed_chapters(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    const struct ta_recorder *r = d->facts->source->recorder;
    bool make = makes_chapters(d);
    int held = 0;
    if (d->facts->source->recorder_why)
        ta_decision_tell(d, "recordings", "the recorder's list can't be read (%s)",
                         d->facts->source->recorder_why);
    size_t last = 0;
    for (int i = 0; r && i < r->recording_count; i++) {
        size_t frame = first_frame_of(index, &r->recordings[i], last);
        if (frame == index->frame_count)
            continue;
        held++;
        if (make && !p->chapter_count && frame > 0)
            add_chapter(p, source_time(index, 0), ta_xstrdup("Not in the recorder's list"));
        if (make && (!p->chapter_count || frame > last))
            add_chapter(p, source_time(index, frame), recording_title(&r->recordings[i], held));
        last = frame;
    }
    if (!held)
        return false;
    if (make)
        p->chapters[p->chapter_count - 1].end = source_time(index, index->frame_count);
    ta_decision_tell(d, "recordings", "%d in it, by the recorder's list%s", held,
                     make ? ": a chapter for each" : "");
    return true;
}

static void choose_clock_chapters(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    int count = index->clock_count + 1;
    if (!is_vro(p->input) || choose_listed_chapters(d) || !index->clock_count)
        return;
    bool make = makes_chapters(d);
    ta_decision_tell(d, "recordings", "%d in it, by its clock%s", count, make ? ": a chapter for each" : "");
    for (int i = 0; make && i < count; i++)
        add_chapter(p, source_time(index, i ? index->clocks[i - 1].frame : 0),
                    ta_xprintf("Recording %d", i + 1));
    if (make)
        p->chapters[p->chapter_count - 1].end = source_time(index, index->frame_count);
}

static void choose_chapters(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    char text[TA_DV_TEXT];
    p->no_chapters = d->recipe->chapters == TA_CHAPTERS_OFF;
    choose_clock_chapters(d);
    if (index->scene_count < 2)
        return;
    const char *first = ta_dv_scene_title(&index->scenes[0], text);
    if (!makes_chapters(d)) {
        ta_decision_tell(d, "recordings", "%d on the tape, the first one of %s", index->scene_count, first);
        return;
    }
    ta_decision_tell(d, "recordings", "%d on the tape, the first one of %s: a chapter for each",
                     index->scene_count, first);
    for (int i = 0; i < index->scene_count; i++)
        add_chapter(p, source_time(index, index->scenes[i].frame),
                    ta_xstrdup(ta_dv_scene_title(&index->scenes[i], text)));
    p->chapters[p->chapter_count - 1].end = source_time(index, index->frame_count);
}

static bool source_has(const struct ta_source_facts *s, const char *key)
{
    bool has = av_dict_get(s->metadata, key, NULL, 0) != NULL;
    for (int i = 0; i < s->stream_count; i++)
        has |= av_dict_get(s->streams[i].metadata, key, NULL, 0) != NULL;
    return has;
}

// Seconds since 1970 by the recorder's clock, which knows no zones.
static void set_creation_time(struct ta_decision *d, int64_t seconds)
{
    char text[64];
    struct tm tm;
    time_t t = (time_t)seconds;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
    av_dict_set(&d->plan->tags, "creation_time", text, 0);
    ta_decision_tell(d, "recorded", "%.10s %.8s by the recorder's clock", text, text + 11);
}

// A recorder's list says when the pieces of its file were recorded.
static void choose_recorder_tag(struct ta_decision *d)
{
    const struct ta_index *index = d->facts->index;
    const struct ta_recorder *r = d->facts->source->recorder;
    struct tm tm = {0};
    if (!r || source_has(d->facts->source, "creation_time") ||
        (size_t)d->plan->first_frame >= index->frame_count)
        return;
    int64_t pos = index->packets[index->frames[d->plan->first_frame].packet].pos;
    for (int i = 0; i < r->recording_count; i++) {
        const struct ta_recording *one = &r->recordings[i];
        if (pos < one->byte || pos >= one->byte + one->bytes ||
            !strptime(one->date, "%Y-%m-%d %H:%M:%S", &tm))
            continue;
        size_t first = first_frame_of(index, &(struct ta_recording){.byte = one->byte, .bytes = one->bytes},
                                      0);
        int64_t later = source_time(index, (size_t)d->plan->first_frame) - source_time(index, first);
        set_creation_time(d, (int64_t)timegm(&tm) + later / AV_TIME_BASE);
        return;
    }
}

// Date and timecode of the output's first picture. Raw DV has them nowhere else; what a container says of
// itself stands.
static void choose_tags(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    const struct ta_dv_scene *scene = NULL;
    for (int i = 0; i < index->scene_count && (int64_t)index->scenes[i].frame <= p->first_frame; i++)
        scene = &index->scenes[i];
    if (!scene) {
        choose_recorder_tag(d);
        return;
    }
    int64_t frames = p->first_frame - scene->frame, seconds = ta_dv_seconds(scene->date, scene->time);
    double later = (double)(index->frames[p->first_frame].pts - index->frames[scene->frame].pts) *
                   av_q2d(index->time_base);
    if (seconds != INT64_MIN && (index->dv || !source_has(d->facts->source, "creation_time"))) {
        set_creation_time(d, seconds + (int64_t)later);
    }
    if (scene->timecode != TA_DV_NONE && (index->dv || !source_has(d->facts->source, "timecode"))) {
        char text[TA_DV_TEXT];
        int fps = index->format.height == 576 ? 25 : 30;
        ta_dv_timecode_text(ta_dv_timecode_later(scene->timecode, frames, fps), text);
        av_dict_set(&p->tags, "timecode", text, 0);
    }
}

void ta_plan_choose_scenes(struct ta_decision *d)
{
    choose_chapters(d);
    choose_tags(d);
}

void ta_plan_tell_dv(struct ta_decision *d)
{
    const struct ta_dv_table *t = d->facts->index->dv;
    if (!t)
        return;
    struct ta_dv_summary s;
    ta_dv_table_summarise(t, &s);
    if (s.missing)
        ta_decision_tell(
            d, "DV", "%lld of its %zu frames are damaged, %lld of these gone: mended from their neighbours",
            (long long)s.damaged, t->frame_count, (long long)s.missing);
    else if (s.damaged)
        ta_decision_tell(d, "DV", "%lld of its %zu frames are damaged: mended from their neighbours",
                         (long long)s.damaged, t->frame_count);
    if (t->lost_bytes)
        ta_decision_tell(d, "DV", "%lld bytes of the file belong to no frame", (long long)t->lost_bytes);
    if (s.other_system)
        ta_decision_tell(d, "DV", "%lld of its frames are of another system: fitted in, at their own rate",
                         (long long)s.other_system);
    if (s.other_rate)
        ta_decision_tell(d, "sound", "its rate changes %d %s; %lld of %zu frames are resampled to %d Hz",
                         s.rate_changes, ta_plural(s.rate_changes, "time", "times"), (long long)s.other_rate,
                         t->frame_count, ta_dv_rate_hz(t->rate));
    if (s.silent)
        ta_decision_tell(d, "sound", "%lld frames have none: silence", (long long)s.silent);
    json_object_set_new(d->plan->diagnosis, "dv",
                        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:I}", "frames",
                                  (json_int_t)t->frame_count, "damaged", (json_int_t)s.damaged, "missing",
                                  (json_int_t)s.missing, "other_system", (json_int_t)s.other_system,
                                  "other_aspect", (json_int_t)s.other_aspect, "other_rate",
                                  (json_int_t)s.other_rate, "rate_changes", s.rate_changes, "recordings",
                                  d->facts->index->scene_count, "lost_bytes", (json_int_t)t->lost_bytes));
}

// ---- JSON ----

json_t *ta_plan_scenes_to_json(const struct ta_plan *p)
{
    if (!p->chapters && !p->no_chapters && !p->tags)
        return NULL;
    json_t *o = json_object(), *list = json_array(), *tags = json_object();
    for (int i = 0; i < p->chapter_count; i++)
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:s}", "start", (json_int_t)p->chapters[i].start, "end",
                                        (json_int_t)p->chapters[i].end, "title", p->chapters[i].title));
    if (p->chapters || p->no_chapters)
        json_object_set(o, "chapters", list);
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(p->tags, "", e, AV_DICT_IGNORE_SUFFIX)))
        json_object_set_new(tags, e->key, json_string(e->value));
    if (p->tags)
        json_object_set(o, "tags", tags);
    json_decref(list);
    json_decref(tags);
    return o;
}

static void read_chapters(struct ta_plan *p, const json_t *o, struct ta_reading *in)
{
    const json_t *list = ta_read_array(in, o, "chapters");
    size_t n = json_array_size(list);
    if (n > MAX_CHAPTERS)
        ta_read_refuse(in, "too many chapters");
    if (in->err)
        return;
    p->no_chapters = !n;
    p->chapters = n ? ta_xcalloc(n, sizeof(*p->chapters)) : NULL;
    for (size_t i = 0; i < n && !in->err; i++) {
        struct ta_mux_chapter *c = &p->chapters[p->chapter_count++];
        const json_t *item = json_array_get(list, i);
        c->start = ta_read_int(in, item, "start", -TA_PLAN_TIME_MAX, TA_PLAN_TIME_MAX);
        c->end = ta_read_int(in, item, "end", c->start, TA_PLAN_TIME_MAX);
        c->title = ta_read_copy(in, item, "title");
        if (strlen(c->title) > MAX_TITLE)
            ta_read_refuse(in, "a chapter's title is too long");
    }
}

// The two tags that choose_tags() writes, in its form: a container's others are the source's.
static void read_tag(struct ta_plan *p, const json_t *tags, const char *key, struct ta_reading *in)
{
    bool timecode = !strcmp(key, "timecode");
    const char *text = ta_read_text(in, tags, key),
               *form = timecode ? "00:00:00:00" : "0000-00-00T00:00:00.000000Z";
    bool fits = (timecode || !strcmp(key, "creation_time")) && strlen(text) == strlen(form);
    for (size_t i = 0; fits && form[i]; i++)
        fits = form[i] == '0' ? strchr(timecode ? "0123456789abcdef" : "0123456789", text[i]) != NULL
               : timecode && i == strlen("00:00:00") ? text[i] == ':' || text[i] == ';'
                                                     : text[i] == form[i];
    if (!fits)
        ta_read_refuse(in, "its tags are not those that this program writes");
    if (!in->err && av_dict_set(&p->tags, key, text, 0) < 0)
        ta_read_note(in, TA_ERR_NOMEM);
}

void ta_plan_read_scenes(struct ta_plan *p, const json_t *root, struct ta_reading *in)
{
    if (in->err || !json_object_get(root, "container"))
        return;
    const json_t *o = ta_read_object(in, root, "container");
    if (!in->err && json_object_get(o, "chapters"))
        read_chapters(p, o, in);
    json_t *tags = ta_read_object(in, o, "tags?"), *value;
    const char *key;
    json_object_foreach(tags, key, value) read_tag(p, tags, key, in);
}

void ta_plan_scenes_release(struct ta_plan *p)
{
    for (int i = 0; i < p->chapter_count; i++)
        free(p->chapters[i].title);
    ta_freep(&p->chapters);
    p->chapter_count = 0;
    av_dict_free(&p->tags);
}
