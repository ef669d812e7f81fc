// What a DV tape says of itself beside its pictures: recordings that become chapters, date and timecode that
// become tags, and what is to be told of its frames.
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

// Recorders that write DVD-VR put recordings one behind the other into one file, each with a clock of its
// own.
static bool is_vro(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && !strcasecmp(name + n - 4, ".vro");
}

static void choose_clock_chapters(struct ta_decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    int count = index->clock_count + 1;
    if (!index->clock_count || !is_vro(p->input))
        return;
    bool make = d->recipe->chapters == TA_CHAPTERS_AUTO && !d->facts->source->chapter_count;
    ta_decision_tell(d, "recordings", "%d in it, by its clock%s", count, make ? ": a chapter for each" : "");
    if (!make)
        return;
    p->chapters = ta_xcalloc((size_t)count, sizeof(*p->chapters));
    for (int i = 0; i < count; i++)
        p->chapters[p->chapter_count++] = (struct ta_mux_chapter){
            .start = source_time(index, i ? index->clocks[i - 1].frame : 0),
            .end = source_time(index, i < index->clock_count ? index->clocks[i].frame : index->frame_count),
            .title = ta_xprintf("Recording %d", i + 1),
        };
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
    if (d->recipe->chapters != TA_CHAPTERS_AUTO || d->facts->source->chapter_count) {
        ta_decision_tell(d, "recordings", "%d on the tape, the first one of %s", index->scene_count, first);
        return;
    }
    ta_decision_tell(d, "recordings", "%d on the tape, the first one of %s: a chapter for each",
                     index->scene_count, first);
    p->chapters = ta_xcalloc((size_t)index->scene_count, sizeof(*p->chapters));
    for (int i = 0; i < index->scene_count; i++) {
        size_t end = i + 1 < index->scene_count ? index->scenes[i + 1].frame : index->frame_count;
        p->chapters[p->chapter_count++] = (struct ta_mux_chapter){
            .start = source_time(index, index->scenes[i].frame),
            .end = source_time(index, end),
            .title = ta_xstrdup(ta_dv_scene_title(&index->scenes[i], text)),
        };
    }
}

static bool source_has(const struct ta_source_facts *s, const char *key)
{
    bool has = av_dict_get(s->metadata, key, NULL, 0) != NULL;
    for (int i = 0; i < s->stream_count; i++)
        has |= av_dict_get(s->streams[i].metadata, key, NULL, 0) != NULL;
    return has;
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
    if (!scene)
        return;
    int64_t frames = p->first_frame - scene->frame, seconds = ta_dv_seconds(scene->date, scene->time);
    double later = (double)(index->frames[p->first_frame].pts - index->frames[scene->frame].pts) *
                   av_q2d(index->time_base);
    if (seconds != INT64_MIN && (index->dv || !source_has(d->facts->source, "creation_time"))) {
        char text[64];
        struct tm tm;
        time_t t = (time_t)(seconds + (int64_t)later);
        gmtime_r(&t, &tm); // the recorder's clock knows no zones
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
        av_dict_set(&p->tags, "creation_time", text, 0);
        ta_decision_tell(d, "recorded", "%.10s %.8s by the recorder's clock", text, text + 11);
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
