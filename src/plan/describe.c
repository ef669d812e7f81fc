// A plan in words, and what callers of the library ask of it.
#include <stdlib.h>

#include <libavutil/pixdesc.h>

#include "base/mem.h"
#include "base/problem.h"
#include "base/words.h"
#include "plan/plan.h"
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

char *ta_plan_describe(const struct ta_plan *p)
{
    struct ta_buf b = {0};
    ta_buf_puts(&b, "source    ");
    ta_buf_name(&b, p->input);
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
    json_array_foreach(p->decisions, i, item)
        ta_buf_printf(&b, "  %-12s %s\n", json_string_value(json_object_get(item, "what")),
                      json_string_value(json_object_get(item, "why")));
    char *chain = ta_chain_text(p->stages, p->stage_count);
    ta_buf_printf(&b, "chain     %s\n", chain[0] ? chain : "(pictures pass untouched)");
    free(chain);
    ta_buf_printf(&b, "encoder   %s, %s, %d %s", p->encoder.codec, av_get_pix_fmt_name(p->encoder.pix_fmt),
                  p->encoder.threads, ta_plural(p->encoder.threads, "thread", "threads"));
    const AVDictionaryEntry *e = NULL;
    while ((e = av_dict_get(p->encoder.options, "", e, AV_DICT_IGNORE_SUFFIX)))
        ta_buf_printf(&b, ", %s=%s", e->key, e->value);
    struct ta_estimate disk;
    ta_plan_estimate(p, &disk);
    if (disk.peak_bytes)
        ta_buf_printf(
            &b, "\ndisk      %s%.1f MB for the output, %.1f MB while it is made (segments and joined file)",
            disk.exact ? "" : "about ", (double)disk.output_bytes / 1e6, (double)disk.peak_bytes / 1e6);
    else
        ta_buf_printf(&b, "\ndisk      nothing; %.1f MB go to standard output",
                      (double)disk.output_bytes / 1e6);
    ta_buf_puts(&b, "\nstreams\n");
    describe_streams(p, &b);
    if (json_array_size(p->warnings))
        ta_buf_puts(&b, "warnings\n");
    json_array_foreach(p->warnings, i, item)
    {
        struct ta_problem *problem = ta_problem_from_json(item);
        if (problem)
            ta_buf_printf(&b, "  %s\n", problem->message);
        ta_problem_destroy(&problem);
    }
    return ta_buf_take(&b);
}
