#include "restore/sound_result.h"

#include <math.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/problem.h"

// Counts are whole and not negative: thousandths of dB above -1000.
static int64_t to_count(double db)
{
    return isfinite(db) ? llround((TA_MAX(-999.0, TA_MIN(db, 999.0)) + 1000) * 1000) : 0;
}

static double from_count(int64_t count)
{
    return count ? (double)count / 1000 - 1000 : -INFINITY;
}

void ta_sound_result_to_done(const struct ta_sound_result *r, struct ta_done *done)
{
    ta_counts_set(&done->counts, "samples", r->samples);
    ta_counts_set(&done->counts, "packets", r->packets);
    if (!r->measured)
        return;
    ta_counts_set(&done->counts, "loudness", to_count(r->loudness));
    ta_counts_set(&done->counts, "peak", to_count(r->peak));
    ta_counts_set(&done->counts, "gain", to_count(r->level.gain));
    ta_counts_set(&done->counts, "missing", to_count(r->level.missing));
    ta_counts_set(&done->counts, "limited", to_count(r->limited));
    ta_counts_set(&done->counts, "silent", r->level.silent);
    ta_counts_set(&done->counts, "played", to_count(r->played));
}

struct ta_sound_result ta_sound_result_from_done(const struct ta_done *done)
{
    const struct ta_counts *c = &done->counts;
    struct ta_sound_result r = {.samples = ta_counts_get(c, "samples"),
                                .packets = ta_counts_get(c, "packets")};
    r.measured = ta_counts_get(c, "gain") > 0;
    if (!r.measured)
        return r;
    r.loudness = from_count(ta_counts_get(c, "loudness"));
    r.peak = from_count(ta_counts_get(c, "peak"));
    r.level.gain = from_count(ta_counts_get(c, "gain"));
    r.level.missing = from_count(ta_counts_get(c, "missing"));
    r.limited = from_count(ta_counts_get(c, "limited"));
    r.played = from_count(ta_counts_get(c, "played"));
    r.level.limited = r.limited > 0;
    r.level.silent = ta_counts_get(c, "silent") > 0;
    return r;
}

struct ta_sound_result ta_sound_result_of(const struct ta_work *work, const struct ta_sound_plan *sound)
{
    for (int i = work->plan->segment_count, n = ta_plan_tasks(work->plan), k; i < n; i++) {
        struct ta_task task = ta_plan_task(work->plan, i);
        if (ta_sound_of_task(work->plan, &task, &k) == sound && k < 0 && work->done[i].bytes)
            return ta_sound_result_from_done(&work->done[i]);
    }
    return (struct ta_sound_result){0};
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *ta_sound_results_json(const struct ta_work *work)
{
    json_t *list = json_array();
    for (int i = 0; i < work->plan->sound_count; i++) {
        const struct ta_sound_plan *s = &work->plan->sounds[i];
        struct ta_sound_result r = ta_sound_result_of(work, s);
        json_t *o = json_pack("{s:i, s:I}", "stream", s->stream, "samples", (json_int_t)r.samples);
        if (r.measured) {
            json_object_set_new(o, "loudness", number(r.loudness));
            json_object_set_new(o, "true_peak", number(r.peak));
            json_object_set_new(o, "gain", number(r.level.gain));
            json_object_set_new(o, "limited", number(r.level.limited ? r.limited : 0));
            json_object_set_new(o, "missing", number(r.level.missing));
            json_object_set_new(o, "true_peak_played", number(r.played));
        }
        json_array_append_new(list, o);
    }
    return list;
}

// An encoder can add more to full noise than holding it lower takes away.
static void tell_peaks(const struct ta_work *work, const struct ta_sound_plan *s, double played,
                       struct ta_log *log)
{
    struct ta_problem_about about = {
        .file = work->plan->input,
        .option = "loudness",
        .args = json_pack("{s:i, s:f}", "stream", s->stream, "true_peak_played", played)};
    ta_problem_at(log, TA_PROBLEM_PEAKS_OVER, &about,
                  "%s: the true peaks of stream %d reach %.1f dBTP once it is encoded, over %g, however low "
                  "it was held: --audio-codec flac or pcm keeps what the limiter gives",
                  work->plan->input, s->stream, played, s->ceiling + TA_LEVEL_ENCODER);
}

// Tracks that did not become as loud as was asked for, or whose peaks went over.
void ta_sound_tell_loudness(const struct ta_work *work, struct ta_log *log)
{
    static const double MATTERS = 0.5; // LU
    for (int i = 0; i < work->plan->sound_count; i++) {
        const struct ta_sound_plan *s = &work->plan->sounds[i];
        struct ta_sound_result sound = ta_sound_result_of(work, s);
        struct ta_problem_about about = {
            .file = work->plan->input,
            .option = "loudness",
            .args = json_pack("{s:i, s:f}", "stream", s->stream, "missing", sound.level.missing)};
        if (s->loudness < 0 && sound.level.silent)
            ta_problem_at(
                log, TA_PROBLEM_LOUDNESS_UNKNOWN, &about,
                "%s: the sound of stream %d is silent or too short to have a loudness: it stays as it is",
                work->plan->input, s->stream);
        else if (s->loudness < 0 && fabs(sound.level.missing) > MATTERS)
            ta_problem_at(
                log, TA_PROBLEM_LOUDNESS_MISSED, &about,
                "%s: the sound of stream %d stays %.1f LU below %g LUFS: louder, its peaks would be cut by "
                "more than %g dB, or go over %g dBTP once it is encoded",
                work->plan->input, s->stream, sound.level.missing, s->loudness, TA_LEVEL_LIMIT,
                TA_LEVEL_CEILING + TA_LEVEL_ENCODER);
        else
            json_decref(about.args);
        if (sound.measured && s->ceiling < 0 && sound.played > s->ceiling + TA_LEVEL_ENCODER)
            tell_peaks(work, s, sound.played, log);
    }
}
