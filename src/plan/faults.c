// What the index found wrong with the file, in words.
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "plan/decide.h"

enum {
    LENGTH_TOLERANCE = 250000, // heads round, and count the last picture or do not; AV_TIME_BASE units
    LATE_START_SECONDS = 1, // a shorter one is that of any recording that begins within a group of pictures
};

// "8", "8.05": no more decimals than tell something.
static const char *seconds_text(char text[32], double seconds)
{
    snprintf(text, 32, "%.2f", seconds);
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        text[--n] = '\0';
    if (text[n - 1] == '.')
        text[--n] = '\0';
    return text;
}

static double to_seconds(int64_t t, AVRational unit)
{
    return (double)t * av_q2d(unit);
}

// How long the file is by its head and by what it holds; false where that is the same.
static bool lengths_text(const struct ta_index_faults *f, struct ta_buf *out)
{
    // Less is missing for sure where the file is known to be damaged.
    int64_t tolerance = f->cut_off || f->places ? AV_TIME_BASE / 20 : LENGTH_TOLERANCE;
    if (f->stated == AV_NOPTS_VALUE || f->held == AV_NOPTS_VALUE || f->stated - f->held <= tolerance)
        return false;
    char says[32], holds[32];
    ta_buf_printf(out, "says %s s, holds %s s", seconds_text(says, to_seconds(f->stated, AV_TIME_BASE_Q)),
                  seconds_text(holds, to_seconds(f->held, AV_TIME_BASE_Q)));
    return true;
}

// Pictures and sound that are not there, by the times of what is.
static void missing_text(const struct ta_decision *d, struct ta_buf *out)
{
    const struct ta_index *index = d->facts->index;
    const struct ta_source_facts *source = d->facts->source;
    double pictures = to_seconds(index->faults.missing_time, index->time_base), sound = 0;
    for (int i = 0; i < index->stream_count && i < source->stream_count; i++)
        if (source->streams[i].kind == TA_STREAM_AUDIO)
            sound = TA_MAX(sound, to_seconds(index->streams[i].gap_time, source->streams[i].time_base));
    char text[32];
    if (pictures >= 0.005)
        ta_buf_printf(out, "%s s of pictures", seconds_text(text, pictures));
    if (sound >= 0.005)
        ta_buf_printf(out, "%s%s s of sound", out->size ? " and " : "", seconds_text(text, sound));
    if (!out->size)
        ta_buf_puts(out, "what was there");
}

static struct ta_problem_about about_file(const struct ta_index_faults *f)
{
    json_t *args = json_pack("{s:I}", "places", (json_int_t)f->places);
    if (f->stated != AV_NOPTS_VALUE)
        json_object_set_new(args, "stated_seconds", json_real(to_seconds(f->stated, AV_TIME_BASE_Q)));
    if (f->held != AV_NOPTS_VALUE)
        json_object_set_new(args, "held_seconds", json_real(to_seconds(f->held, AV_TIME_BASE_Q)));
    return (struct ta_problem_about){.args = args};
}

// One line on what is missing, whatever is known of it.
static bool tell_missing(struct ta_decision *d)
{
    const struct ta_index_faults *f = &d->facts->index->faults;
    struct ta_buf lengths = {0}, what = {0};
    bool shorter = lengths_text(f, &lengths), told = f->places || shorter || f->cut_off;
    struct ta_problem_about about = told ? about_file(f) : (struct ta_problem_about){0};
    if (f->places) {
        missing_text(d, &what);
        ta_decision_warn(d, TA_PROBLEM_FILE_DAMAGED, &about,
                         "the file is damaged in %lld %s: %s can't be read%s%s", (long long)f->places,
                         ta_plural(f->places, "place", "places"), ta_buf_text(&what), shorter ? "; it " : "",
                         ta_buf_text(&lengths));
    } else if (shorter) {
        ta_decision_warn(d, TA_PROBLEM_FILE_SHORT, &about, "the file %s: %s", ta_buf_text(&lengths),
                         f->cut_off ? "it was cut off" : "it was cut off, or parts of it are missing");
    } else if (f->cut_off) {
        ta_decision_warn(d, TA_PROBLEM_FILE_SHORT, &about,
                         "the file ends in the middle of something: it was cut off");
    }
    ta_buf_release(&lengths);
    ta_buf_release(&what);
    return told;
}

// A list of packets may be longer than what can be read of it without any of the above.
static void tell_lost_packets(struct ta_decision *d)
{
    const struct ta_index *index = d->facts->index;
    const struct ta_source_facts *source = d->facts->source;
    for (int i = 0; i < index->stream_count && i < source->stream_count; i++) {
        const struct ta_index_stream *s = &index->streams[i];
        if (s->lost)
            ta_decision_warn(
                d, TA_PROBLEM_FILE_DAMAGED,
                &(struct ta_problem_about){.args = json_pack("{s:i, s:s, s:I, s:I}", "stream", i, "kind",
                                                             ta_stream_kind_name(source->streams[i].kind),
                                                             "lost", (json_int_t)s->lost, "packets",
                                                             (json_int_t)(s->lost + s->packets))},
                "stream %d (%s): %lld of %lld %s can't be read", i,
                ta_stream_kind_name(source->streams[i].kind), (long long)s->lost,
                (long long)(s->lost + s->packets), ta_plural(s->lost + s->packets, "packet", "packets"));
    }
}

// A recorder's list says how far its file reaches.
static void tell_short_of_list(struct ta_decision *d)
{
    const struct ta_recorder *r = d->facts->source->recorder;
    int64_t held = d->facts->index->source.size_bytes;
    if (!r || r->bytes <= held)
        return;
    json_t *args = json_pack("{s:I, s:I}", "stated_bytes", (json_int_t)r->bytes, "held_bytes",
                             (json_int_t)held);
    ta_decision_warn(d, TA_PROBLEM_FILE_SHORT, &(struct ta_problem_about){.args = args},
                     "the recorder's list says %lld bytes, the file holds %lld: it was cut off",
                     (long long)r->bytes, (long long)held);
}

void ta_plan_tell_faults(struct ta_decision *d)
{
    const struct ta_index *index = d->facts->index;
    if (!tell_missing(d)) {
        tell_lost_packets(d);
        tell_short_of_list(d);
    }
    double late = to_seconds(index->faults.late_start, index->time_base);
    char text[32];
    if (late > LATE_START_SECONDS)
        ta_decision_warn(d, TA_PROBLEM_START_LEFT_OUT,
                         &(struct ta_problem_about){.args = json_pack("{s:f}", "seconds", late)},
                         "the first %s s of pictures can't be decoded and are left out",
                         seconds_text(text, late));
}
