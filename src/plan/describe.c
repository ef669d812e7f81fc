// A plan in words, and what callers of the library ask of it.
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "base/problem.h"
#include "base/words.h"
#include "plan/plan.h"
#include "plan/sound.h"
#include "video/chain.h"

const char *ta_plan_json(const struct ta_plan *plan)
{
    return plan->json;
}

const char *ta_plan_input(const struct ta_plan *plan)
{
    return plan->input;
}

const char *ta_plan_output(const struct ta_plan *plan)
{
    return plan->output;
}

int64_t ta_plan_frames(const struct ta_plan *plan)
{
    return plan->out_frames;
}

int ta_plan_segments(const struct ta_plan *plan)
{
    return plan->segment_count;
}

static void describe_streams(const struct ta_plan *p, struct ta_buf *out)
{
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        ta_buf_printf(out, "  stream %-2d %-10s %-12s %s", s->stream, ta_stream_kind_name(s->kind),
                      s->source_codec, ta_stream_action_name(s->action));
        if (s->action == TA_STREAM_TRANSCODE)
            ta_buf_printf(out, " to %s", s->codec);
        if (s->reason[0])
            ta_buf_printf(out, ": %s", s->reason);
        ta_buf_putc(out, '\n');
    }
}

// ---- what it costs ----

static void append_size(struct ta_buf *out, int64_t bytes)
{
    if (bytes < 95000)
        ta_buf_printf(out, "%.1f kB", (double)bytes / 1e3);
    else if (bytes >= 995000000)
        ta_buf_printf(out, "%.2f GB", (double)bytes / 1e9);
    else
        ta_buf_printf(out, "%.1f MB", (double)bytes / 1e6);
}

static void append_time(struct ta_buf *out, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < 60)
        ta_buf_printf(out, "%d %s", (int)TA_MAX(s, 1), ta_plural(TA_MAX(s, 1), "second", "seconds"));
    else if (s < 3600)
        ta_buf_printf(out, "%d:%02d minutes", (int)(s / 60), (int)(s % 60));
    else
        ta_buf_printf(out, "%lld:%02d hours", (long long)(s / 3600), (int)(s / 60 % 60));
}

// Of sound alone: what is copied is as large as it was, the rest at most as large as samples are.
static int64_t sound_size(const struct ta_plan *p)
{
    enum { SAMPLE_BYTES = 3 };
    bool copied = false;
    double sum = 0;
    for (int i = 0; i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        const struct ta_sound_plan *sound = ta_sound_of_stream(p, s->stream);
        copied |= s->action == TA_STREAM_COPY;
        if (sound && s->bit_rate)
            sum += (double)s->bit_rate / 8 * ta_plan_seconds(p);
        else if (sound)
            sum += (double)(sound->end - sound->start) * sound->out.channels * SAMPLE_BYTES;
    }
    return (int64_t)sum + (copied || !sum ? p->source.size_bytes : 0);
}

static char *describe_sound_costs(const struct ta_plan *p, const struct ta_estimate *e)
{
    struct ta_buf b = {0};
    int64_t size = sound_size(p);
    ta_buf_puts(&b, "size      no more than about ");
    append_size(&b, size);
    ta_buf_puts(&b, "\ndisk      no more than about ");
    append_size(&b, TA_MAX(e->peak_bytes - e->output_bytes, 0) + size);
    ta_buf_puts(&b, " while it is made (pieces and joined file)\ntime      not tried\n");
    return ta_buf_take(&b);
}

char *ta_plan_describe_costs(const struct ta_plan *p, const struct ta_estimate *e)
{
    if (p->sound_only)
        return describe_sound_costs(p, e);
    struct ta_buf b = {0};
    double seconds = ta_plan_seconds(p);
    ta_buf_printf(&b, "size      %s", e->exact ? "" : "about ");
    append_size(&b, e->output_bytes);
    if (seconds > 0)
        ta_buf_printf(&b, ", %.1f Mbit/s", (double)e->output_bytes * 8e-6 / seconds);
    if (!e->exact && !e->tried)
        ta_buf_puts(&b, "; noise may make it several times as much");
    ta_buf_printf(&b, "%s\ndisk      ", strcmp(p->output, "-") ? "" : ", to standard output");
    if (e->peak_bytes) {
        ta_buf_puts(&b, e->exact ? "" : "about ");
        append_size(&b, e->peak_bytes);
        ta_buf_puts(&b, " while it is made (segments and joined file)");
    } else {
        ta_buf_puts(&b, "nothing");
    }
    ta_buf_puts(&b, "\ntime      ");
    if (e->seconds > 0) {
        ta_buf_puts(&b, "about ");
        append_time(&b, e->seconds);
        ta_buf_printf(&b, " on this machine, %.1f frames a second", (double)p->out_frames / e->seconds);
    } else {
        ta_buf_puts(&b, "not tried");
    }
    ta_buf_putc(&b, '\n');
    return ta_buf_take(&b);
}

// ---- why ----

// A decision that is an option's value, with who said so: "recursive (preset vhs)".
static void describe_decision(const struct ta_plan *p, const json_t *item, struct ta_buf *out)
{
    const char *what = json_string_value(json_object_get(item, "what")),
               *why = json_string_value(json_object_get(item, "why"));
    const json_t *option = json_object_get(p->recipe, what);
    const char *from = json_string_value(json_object_get(option, "from")),
               *preset = json_string_value(json_object_get(json_object_get(p->recipe, "preset"), "value"));
    ta_buf_printf(out, "  %-12s %s", what, why);
    if (from && !strstr(why, ": ") && !strchr(why, '(')) {
        if (!strcmp(from, "default"))
            ta_buf_puts(out, " (the default)");
        else if (strncmp(from, "--", 2) && preset && strstr(from, preset))
            ta_buf_printf(out, " (as preset %s says)", preset);
        else
            ta_buf_printf(out, " (asked for by %s)", from);
    }
    ta_buf_putc(out, '\n');
}

static void describe_technical(const struct ta_plan *p, const struct ta_estimate *e, struct ta_buf *out)
{
    char *chain = ta_chain_text(p->stages, p->stage_count);
    ta_buf_printf(out, "chain     %s\n", chain[0] ? chain : "(pictures pass untouched)");
    free(chain);
    ta_buf_printf(out, "encoder   %s, %s, %d %s", p->encoder.codec, av_get_pix_fmt_name(p->encoder.pix_fmt),
                  p->encoder.threads, ta_plural(p->encoder.threads, "thread", "threads"));
    const AVDictionaryEntry *o = NULL;
    while ((o = av_dict_get(p->encoder.options, "", o, AV_DICT_IGNORE_SUFFIX)))
        ta_buf_printf(out, ", %s=%s", o->key, o->value);
    ta_buf_putc(out, '\n');
    if (e->cpu_seconds > 0) {
        ta_buf_puts(out, "work      about ");
        append_time(out, e->cpu_seconds);
        ta_buf_printf(out, " of processors (%.1f seconds), %d %s at once\n", e->cpu_seconds, e->at_once,
                      ta_plural(e->at_once, "segment", "segments"));
    }
}

static void describe_warnings(const struct ta_plan *p, struct ta_buf *out)
{
    size_t i;
    json_t *item;
    if (json_array_size(p->warnings))
        ta_buf_puts(out, "warnings\n");
    json_array_foreach(p->warnings, i, item)
    {
        struct ta_problem *problem = ta_problem_from_json(item);
        if (problem)
            ta_buf_printf(out, "  %s\n", problem->message);
        ta_problem_destroy(&problem);
    }
}

// Where no pictures are restored.
static void describe_sound(const struct ta_plan *p, struct ta_buf *b)
{
    size_t i;
    json_t *item;
    ta_buf_puts(b, "\noutput    ");
    ta_buf_name(b, p->output);
    double seconds = ta_plan_seconds(p);
    if (seconds > 0)
        ta_buf_printf(b, "\nsound     %.3f seconds, pictures are copied if there are any", seconds);
    ta_buf_puts(b, "\ndecisions\n");
    json_array_foreach(p->decisions, i, item) describe_decision(p, item, b);
    ta_buf_puts(b, "streams\n");
    describe_streams(p, b);
}

char *ta_plan_describe(const struct ta_plan *p, const struct ta_estimate *estimate, bool technical)
{
    struct ta_buf b = {0};
    struct ta_estimate guess;
    ta_plan_estimate(p, &guess);
    char *costs = ta_plan_describe_costs(p, estimate ? estimate : &guess);
    ta_buf_puts(&b, costs);
    free(costs);
    describe_warnings(p, &b);
    ta_buf_puts(&b, "source    ");
    ta_buf_name(&b, p->input);
    if (p->sound_only) {
        describe_sound(p, &b);
        return ta_buf_take(&b);
    }
    ta_buf_puts(&b, "\n          ");
    ta_format_describe(&p->source_format, &b);
    ta_buf_puts(&b, "\noutput    ");
    ta_buf_name(&b, p->output);
    ta_buf_puts(&b, "\n          ");
    ta_format_describe(&p->out_format, &b);
    ta_buf_printf(&b, "\nframes    %lld from %lld source %s, %.3f seconds, in %d %s\n",
                  (long long)p->out_frames, (long long)p->frame_count,
                  ta_plural(p->frame_count, "frame", "frames"), ta_plan_seconds(p), p->segment_count,
                  ta_plural(p->segment_count, "segment", "segments"));
    size_t i;
    json_t *item;
    ta_buf_puts(&b, "decisions\n");
    json_array_foreach(p->decisions, i, item) describe_decision(p, item, &b);
    if (technical)
        describe_technical(p, estimate ? estimate : &guess, &b);
    ta_buf_puts(&b, "streams\n");
    describe_streams(p, &b);
    return ta_buf_take(&b);
}
