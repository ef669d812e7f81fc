#include "media/dv/scenes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

// Dates tick once a second, timecodes with each frame; both may be read wrongly for a frame or two.
#define JUMP_SECONDS 1.5
#define FOLLOWERS 2

static int from_bcd(uint32_t value)
{
    return (int)((value >> 4 & 15) * 10 + (value & 15));
}

// Frames since 00:00:00:00. With dropped numbers, two at the start of each minute but every tenth.
static int64_t count_of(uint32_t timecode, int fps)
{
    if (timecode == TA_DV_NONE)
        return INT64_MIN;
    int64_t minutes = from_bcd(timecode >> 24 & 0x7f) * 60 + from_bcd(timecode >> 16);
    int64_t count = (minutes * 60 + from_bcd(timecode >> 8)) * fps + from_bcd(timecode);
    return timecode >> 31 && fps == 30 ? count - 2 * (minutes - minutes / 10) : count;
}

static uint32_t to_bcd(int64_t n)
{
    return (uint32_t)(n / 10 % 10 << 4 | n % 10);
}

uint32_t ta_dv_timecode_later(uint32_t timecode, int64_t frames, int fps)
{
    int64_t count = count_of(timecode, fps) + frames, day = 24 * 3600 * (int64_t)fps;
    if (timecode >> 31 && fps == 30) {
        day -= 2 * (24 * 60 - 24 * 6);
        count %= day;
        int64_t tens = count / 17982, rest = count % 17982; // frames of ten minutes
        count += 18 * tens + (rest >= 2 ? 2 * ((rest - 2) / 1798) : 0);
    } else {
        count %= day;
    }
    return (timecode & 0x80000000u) | to_bcd(count / fps / 3600) << 24 | to_bcd(count / fps / 60 % 60) << 16 |
           to_bcd(count / fps % 60) << 8 | to_bcd(count % fps);
}

static struct ta_dv_moment moment_of(uint32_t frame, const struct ta_dv_facts *f, int fps)
{
    return (struct ta_dv_moment){
        .frame = frame,
        .seconds = ta_dv_seconds(f->date, f->time),
        .count = count_of(f->timecode, fps),
        .timecode = f->timecode,
        .date = f->date,
        .time = f->time,
    };
}

// Does `next` come after `before` as the frames between say? What either does not tell is no objection. Where
// dates agree, a small step of the timecode is frames that were lost when the tape was copied.
static bool goes_on(const struct ta_dv_moment *before, const struct ta_dv_moment *next, int fps)
{
    int64_t frames = (int64_t)next->frame - before->frame;
    bool dated = before->seconds != INT64_MIN && next->seconds != INT64_MIN;
    if (dated && fabs((double)(next->seconds - before->seconds) - (double)frames / fps) > JUMP_SECONDS)
        return false;
    return before->count == INT64_MIN || next->count == INT64_MIN ||
           llabs(next->count - before->count - frames) <= (dated ? fps : fps / 5);
}

static void merge(struct ta_dv_moment *to, const struct ta_dv_moment *next, int fps)
{
    int64_t frames = (int64_t)next->frame - to->frame;
    to->frame = next->frame;
    if (next->count != INT64_MIN) {
        to->count = next->count;
        to->timecode = next->timecode;
    } else if (to->count != INT64_MIN) {
        to->count += frames;
    }
    if (next->seconds != INT64_MIN) {
        to->seconds = next->seconds;
        to->date = next->date;
        to->time = next->time;
    } else if (to->seconds != INT64_MIN) {
        to->seconds += frames / fps;
    }
}

static int add(struct ta_dv_scenes *s, uint32_t frame, const struct ta_dv_moment *m)
{
    int err = ta_try_grow((void **)&s->list, &s->capacity, s->count + 1, sizeof(*s->list));
    if (err < 0)
        return err;
    s->list[s->count++] = (struct ta_dv_scene){frame, m->timecode, m->date, m->time};
    return 0;
}

int ta_dv_scenes_add(struct ta_dv_scenes *s, uint32_t frame, const struct ta_dv_facts *facts)
{
    int fps = facts->profile && facts->profile->dsf ? 25 : 30;
    struct ta_dv_moment m = moment_of(frame, facts, fps);
    if (!s->count) {
        s->now = m;
        s->followed = -1;
        return add(s, 0, &m);
    }
    if (m.seconds == INT64_MIN && m.count == INT64_MIN)
        return 0;
    if (goes_on(&s->now, &m, fps)) {
        struct ta_dv_scene *scene = &s->list[s->count - 1];
        if (scene->date == TA_DV_NONE) {
            scene->date = m.date;
            scene->time = m.time;
        }
        if (scene->timecode == TA_DV_NONE)
            scene->timecode = m.timecode;
        merge(&s->now, &m, fps);
        s->followed = -1;
        return 0;
    }
    if (s->followed < 0 || !goes_on(&s->other, &m, fps)) {
        s->first = s->other = m;
        s->followed = 0;
        return 0;
    }
    merge(&s->other, &m, fps);
    if (++s->followed < FOLLOWERS)
        return 0;
    s->now = s->other;
    s->followed = -1;
    return add(s, s->first.frame, &s->first);
}

void ta_dv_scenes_release(struct ta_dv_scenes *s)
{
    free(s->list);
    *s = (struct ta_dv_scenes){0};
}

const char *ta_dv_scene_title(const struct ta_dv_scene *scene, char text[TA_DV_TEXT])
{
    char timecode[TA_DV_TEXT];
    if (scene->date != TA_DV_NONE && scene->time != TA_DV_NONE)
        return ta_dv_date_text(scene->date, scene->time, " ", "", text);
    if (scene->timecode != TA_DV_NONE)
        snprintf(text, TA_DV_TEXT, "timecode %.20s", ta_dv_timecode_text(scene->timecode, timecode));
    else
        snprintf(text, TA_DV_TEXT, "recording");
    return text;
}
