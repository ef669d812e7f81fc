// What is told of a restoration that has ended: to people, as an event, as JSON.
#include "cli/outcome.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/console.h"
#include "plan/plan.h"
#include "restore/outcome.h"

static void append_counted(struct ta_buf *out, int64_t count, const char *one, const char *many)
{
    ta_buf_printf(out, "%" PRId64 " %s", count, ta_plural(count, one, many));
}

// "tape.restored.mp4: 1440x1080, 600 frames, 0:20 of video, 12.3 MB; took 0:35, 17.1 fps, 0.57x"
static void say_done(struct ta_restore_call *run, const struct ta_plan *plan,
                     const struct ta_restore_result *r)
{
    struct ta_console *console = run->cli->console;
    struct ta_buf line = {0};
    double rate = run->view.frame_rate;
    const char *output = ta_plan_output(plan);
    if (ta_console_is_quiet(console))
        return;
    ta_buf_printf(&line, "%s: ", strcmp(output, "-") ? output : "standard output");
    if (plan->sound_only && !plan->sound_count) {
        ta_buf_puts(&line, "sound as it was");
    } else if (plan->sound_only) {
        ta_append_span(&line, ta_plan_seconds(plan));
        ta_buf_puts(&line, " of sound");
    } else {
        ta_buf_printf(&line, "%dx%d, ", plan->out_format.width, plan->out_format.height);
        append_counted(&line, r->frames, "frame", "frames");
    }
    if (rate > 0 && !plan->sound_only) {
        ta_buf_puts(&line, ", ");
        ta_append_span(&line, ta_plan_seconds(plan));
        ta_buf_puts(&line, " of video");
    }
    ta_buf_puts(&line, ", ");
    ta_append_bytes(&line, r->bytes);
    ta_buf_puts(&line, "; took ");
    ta_append_span(&line, r->wall_seconds);
    if (r->wall_seconds > 0 && !r->tasks_reused && !plan->sound_only) {
        double fps = (double)r->frames / r->wall_seconds;
        ta_buf_printf(&line, ", %.1f fps", fps);
        if (rate > 0)
            ta_buf_printf(&line, ", %.2fx", fps / rate);
    }
    if (r->tasks_reused) {
        bool segments = r->tasks_reused == r->segments_reused;
        ta_buf_puts(&line, ", ");
        append_counted(&line, r->tasks_reused, segments ? "segment" : "task",
                       segments ? "segments" : "tasks");
        ta_buf_puts(&line, " from an earlier run");
    }
    ta_console_print(console, "%s", line.data);
    ta_buf_clear(&line);
    if (r->warnings > 0) {
        append_counted(&line, r->warnings, "warning", "warnings");
        if (r->concealed > 0) {
            ta_buf_puts(&line, "; ");
            append_counted(&line, r->concealed, "frame that could not be decoded shows its neighbour",
                           "frames that could not be decoded show their neighbours");
        }
        if (r->damaged > 0) {
            ta_buf_puts(&line, "; ");
            append_counted(&line, r->damaged, "frame is damaged in the source",
                           "frames are damaged in the source");
        }
        if (strcmp(output, "-"))
            ta_buf_printf(&line, "; see %s.json", output);
        ta_console_print(console, "%s", line.data);
    }
    ta_buf_release(&line);
}

// As an event, and with the others; takes it.
static void add_result(struct ta_restore_call *run, json_t *result)
{
    json_object_set_new(result, "problems", ta_problems_to_json(ta_console_problems(run->cli->console)));
    json_t *event = json_pack("{s:s}", "event", "result");
    json_object_update(event, result);
    ta_progress_event(&run->view, event);
    json_array_append_new(run->results, result);
}

void ta_restore_call_already(struct ta_restore_call *run, const char *input, const char *output,
                             const struct ta_output_found *found)
{
    const struct ta_plan *plan = found->report.plan;
    struct ta_restore_result r = {.already = true, .frames = plan->out_frames, .bytes = found->report.bytes};
    ta_progress_end(&run->view);
    ta_cli_end(run->cli, 0, input);
    if (!ta_console_is_quiet(run->cli->console))
        ta_console_print(run->cli->console, "%s: already done, of %s with these options%s", output, input,
                         found->kept ? "; its work is kept for --redo" : "");
    json_t *result = ta_outcome_json(input, plan, &r, 0, NULL);
    json_object_set_new(result, "output", ta_json_any_text(output));
    add_result(run, result);
}

enum ta_exit ta_restore_call_finish(struct ta_restore_call *run, const char *input,
                                    const struct ta_plan *plan, const struct ta_restore_result *r, int err)
{
    struct ta_cli *cli = run->cli;
    ta_progress_end(&run->view);
    const struct ta_problem *failure = ta_cli_end(cli, err, input);
    if (err == TA_ERR_CANCELED && !ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "%s: interrupted", input);
    else if (!err)
        say_done(run, plan, r);
    // What is lost otherwise is said even when little is to be said.
    if (failure && *failure->advice && (r->resumable || !ta_console_is_quiet(cli->console)))
        ta_console_print(cli->console, "%s", failure->advice);
    add_result(run, ta_outcome_json(input, plan, r, err, failure));
    enum ta_exit status = (enum ta_exit)ta_exit_status(
        !err && r->losses > 0 ? TA_SEVERITY_LOSS : TA_SEVERITY_NONE, err);
    // While planning, a wrong value is the user's; later it would be ours.
    if (plan && err == TA_ERR_INVALID)
        status = TA_EXIT_FAILED;
    ta_outcome_keep_record(r, (int)status, cli->log);
    return status;
}

enum ta_exit ta_restore_call_write(struct ta_restore_call *run, enum ta_exit status)
{
    json_t *all = json_object();
    json_object_set(all, "files", run->results);
    json_object_set_new(all, "exit_code", json_integer(status));
    // Behind progress events, the object keeps to one line as they do.
    char *text = run->view.mode == TA_PROGRESS_JSON ? json_dumps(all, JSON_COMPACT) : ta_json_text(all);
    size_t length = strlen(text);
    char *line = ta_xprintf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
    enum ta_exit written = TA_EXIT_OK;
    run->cli->written = true;
    if (run->data == stdout)
        written = ta_cli_output(run->cli, line);
    else
        fputs(line, run->data);
    free(line);
    free(text);
    json_decref(all);
    return ta_exit_worse(status, written);
}
