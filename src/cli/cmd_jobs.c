// terminalai jobs: the queue of the service, shown and changed.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "base/words.h"
#include "cli/console.h"
#include "cli/service.h"
#include "cli/table.h"
#include "cli/watch.h"
#include "jobs/client.h"
#include "jobs/job.h"

struct jobs_opts {
    struct ta_service_opts service;
    char *state, *batch;
    int64_t limit, before, priority;
    bool json;
};

static const struct ta_opt jobs_options[] = {
    {.name = "state",
     .kind = &ta_opt_text,
     TA_FIELD(struct jobs_opts, state, char *),
     .syntax = "STATE,...",
     .help = "list, clear: only jobs in these states, with commas between: queued, downloading, "
             "planning, running, paused, done, failed, cancelled"},
    {.name = "batch-name",
     .kind = &ta_opt_text,
     TA_FIELD(struct jobs_opts, batch, char *),
     .syntax = "NAME",
     .help = "list: only jobs that were submitted under this name"},
    {.name = "limit",
     .kind = &ta_opt_int,
     TA_FIELD(struct jobs_opts, limit, int64_t),
     .def = "100",
     .min = 1,
     .max = 1000,
     .help = "list: the newest so many"},
    {.name = "before",
     .kind = &ta_opt_int,
     TA_FIELD(struct jobs_opts, before, int64_t),
     .def = "0",
     .max = 1e15,
     .help = "move: in front of this job; 0: behind all"},
    {.name = "priority",
     .kind = &ta_opt_int,
     TA_FIELD(struct jobs_opts, priority, int64_t),
     .def = "0",
     .min = TA_JOB_PRIORITY_MIN,
     .max = TA_JOB_PRIORITY_MAX,
     .help = "priority: the new one; higher ones are done first"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct jobs_opts, json, bool),
     .help = "print what the service answers, as JSON; watch: one event a line"},
    {0},
};

static enum ta_exit print_json(struct ta_cli *cli, const json_t *o)
{
    char *text = ta_json_text(o);
    enum ta_exit status = ta_cli_output(cli, text);
    free(text);
    return status;
}

// In the place of a job that nothing was done to or can be said of.
static json_t *refused(struct ta_cli *cli, const char *id, int err)
{
    const struct ta_problem *failure = ta_cli_end(cli, err, id);
    json_t *o = ta_cli_json_failed(cli, "id", id, failure, err);
    json_object_set_new(o, "id", json_integer(strtoll(id, NULL, 10)));
    return o;
}

static void add_job(struct ta_table *t, const json_t *job)
{
    char *text = ta_watch_how_far(job);
    ta_table_cell(t, "%" PRId64, (int64_t)json_integer_value(json_object_get(job, "id")));
    ta_table_cell(t, "%s", ta_json_member_text(job, "state"));
    ta_table_cell(t, "%" PRId64, (int64_t)json_integer_value(json_object_get(job, "priority")));
    ta_table_cell(t, "%s", ta_json_member_text(job, "input"));
    ta_table_cell(t, "%s", text);
    free(text);
}

static enum ta_exit list_jobs(struct ta_cli *cli, struct ta_client *client)
{
    const struct jobs_opts *opts = cli->values;
    json_t *answer, *job;
    size_t i;
    struct ta_buf path = {0};
    struct ta_table t = {.columns = 5};
    ta_buf_printf(&path, "/api/v1/jobs?order=newest&limit=%" PRId64, opts->limit);
    if (opts->state)
        ta_buf_printf(&path, "&state=%s", opts->state);
    if (opts->batch) {
        ta_buf_puts(&path, "&batch=");
        for (const unsigned char *c = (const unsigned char *)opts->batch; *c; c++)
            ta_buf_printf(&path, "%%%02X", *c);
    }
    int err = ta_client_ask(client, "GET", ta_buf_text(&path), NULL, &answer);
    ta_buf_release(&path);
    if (err < 0)
        return ta_cli_fail(cli, err);
    if (!json_array_size(json_object_get(answer, "jobs")) && !opts->json)
        ta_console_print(cli->console, "there are no jobs");
    json_array_foreach(json_object_get(answer, "jobs"), i, job) add_job(&t, job);
    const char *more = json_is_true(json_object_get(answer, "paused")) ? "the queue is paused\n" : NULL;
    return ta_cli_show_list(cli, opts->json, answer, &t, more);
}

static enum ta_exit show_job(struct ta_cli *cli, struct ta_client *client, const char *id)
{
    const struct jobs_opts *opts = cli->values;
    static const char *const keys[] = {"state", "input", "output", "batch", "reason"};
    json_t *job = NULL, *history = NULL, *change;
    size_t i;
    char *path = ta_xprintf("/api/v1/jobs/%s", id), *more = ta_xprintf("%s/history", path);
    struct ta_buf out = {0};
    ta_cli_begin(cli);
    int err = ta_client_ask(client, "GET", path, NULL, &job);
    if (err >= 0)
        err = ta_client_ask(client, "GET", more, NULL, &history);
    enum ta_exit status = ta_exit_from_error(err);
    if (!err && opts->json) {
        json_object_update(job, history);
        status = print_json(cli, job);
    } else if (opts->json) {
        job = refused(cli, id, err);
        print_json(cli, job);
    } else if (!err) {
        ta_buf_printf(&out, "job %s\n", id);
        for (i = 0; i < TA_COUNT(keys); i++)
            if (*ta_json_member_text(job, keys[i]))
                ta_buf_printf(&out, "  %-8s %s\n", keys[i], ta_json_member_text(job, keys[i]));
        char *text = ta_watch_how_far(job);
        if (strcmp(text, ta_json_member_text(job, "reason")))
            ta_buf_printf(&out, "  %-8s %s\n", "progress", text);
        free(text);
        json_array_foreach(json_object_get(history, "changes"), i, change) ta_buf_printf(
            &out, "  then     %s%s%s\n", ta_json_member_text(change, "state"),
            *ta_json_member_text(change, "reason") ? ": " : "", ta_json_member_text(change, "reason"));
        status = ta_cli_show(cli, ta_buf_text(&out));
    }
    json_decref(job);
    json_decref(history);
    ta_buf_release(&out);
    free(path);
    free(more);
    return status;
}

static enum ta_exit watch_jobs(struct ta_cli *cli, struct ta_client *client)
{
    const struct jobs_opts *opts = cli->values;
    if (!opts->json && isatty(STDOUT_FILENO))
        return ta_watch_live(cli, client);
    enum ta_exit status = opts->json ? TA_EXIT_OK : list_jobs(cli, client);
    return status ? status : ta_watch_lines(cli, client, opts->json);
}

// ---- changing ----

static enum ta_exit change_jobs(struct ta_cli *cli, struct ta_client *client, const char *action)
{
    const struct jobs_opts *opts = cli->values;
    enum ta_exit status = TA_EXIT_OK;
    json_t *all = json_array();
    for (int i = 1; i < cli->operand_count; i++) {
        json_t *answer = NULL, *body = NULL;
        bool moves = !strcmp(action, "move"), weighs = !strcmp(action, "priority"),
             removes = !strcmp(action, "remove"), itself = moves || weighs || removes;
        const char *method = removes ? "DELETE" : itself ? "PATCH" : "POST";
        char *path = itself ? ta_xprintf("/api/v1/jobs/%s", cli->operands[i])
                            : ta_xprintf("/api/v1/jobs/%s/%s", cli->operands[i], action);
        if (moves)
            body = json_pack("{s:I}", "before", (json_int_t)opts->before);
        else if (weighs)
            body = json_pack("{s:I}", "priority", (json_int_t)opts->priority);
        ta_cli_begin(cli);
        int err = ta_client_ask(client, method, path, body, &answer);
        free(path);
        if (err < 0) {
            err = err == TA_ERR_INVALID ? TA_ERR_IO : err;
            status = ta_exit_worse(status, ta_exit_from_error(err));
            answer = refused(cli, cli->operands[i], err);
        }
        json_array_append_new(all, answer);
    }
    if (opts->json)
        status = ta_exit_worse(status, print_json(cli, all));
    json_decref(all);
    return status;
}

static enum ta_exit change_queue(struct ta_cli *cli, struct ta_client *client, const char *action)
{
    const struct jobs_opts *opts = cli->values;
    json_t *answer = NULL;
    bool clear = !strcmp(action, "clear");
    char *path = clear ? ta_xprintf("/api/v1/jobs%s%s", opts->state ? "?state=" : "",
                                    opts->state ? opts->state : "")
                       : ta_xprintf("/api/v1/queue/%s", action);
    int err = ta_client_ask(client, clear ? "DELETE" : "POST", path, NULL, &answer);
    free(path);
    if (err < 0)
        return ta_cli_fail(cli, err);
    int64_t removed = json_integer_value(json_object_get(answer, "removed"));
    enum ta_exit status = TA_EXIT_OK;
    if (opts->json)
        status = print_json(cli, answer);
    else if (clear)
        ta_console_print(cli->console, "%" PRId64 " %s taken out of the list", removed,
                         ta_plural(removed, "job", "jobs"));
    json_decref(answer);
    return status;
}

// Names of jobs are numbers: they become part of an address.
static bool are_numbers(struct ta_cli *cli)
{
    for (int i = 1; i < cli->operand_count; i++)
        if (!*cli->operands[i] || strspn(cli->operands[i], "0123456789") != strlen(cli->operands[i])) {
            ta_error(cli->log, "\"%s\" is no number of a job", cli->operands[i]);
            return false;
        }
    return true;
}

static enum ta_exit run_jobs(struct ta_cli *cli)
{
    const struct jobs_opts *opts = cli->values;
    const char *verb = cli->operand_count ? cli->operands[0] : "list";
    if (!ta_cli_is_action(cli, verb))
        return TA_EXIT_USAGE;
    int ids = TA_MAX(cli->operand_count - 1, 0);
    bool whole = !strcmp(verb, "pause") || !strcmp(verb, "resume"); // without numbers: the queue
    bool none = !strcmp(verb, "list") || !strcmp(verb, "watch") || !strcmp(verb, "clear") ||
                !strcmp(verb, "drain");
    if (none && ids)
        return ta_cli_usage(cli, "%s takes no numbers of jobs", verb);
    if (!none && !whole && !ids)
        return ta_cli_usage(cli, "%s needs the number of a job", verb);
    if (!are_numbers(cli))
        return TA_EXIT_USAGE;
    struct ta_client *client;
    enum ta_exit status = ta_service_client(cli, &opts->service, &client);
    if (status)
        return status;
    if (!strcmp(verb, "list"))
        status = list_jobs(cli, client);
    else if (!strcmp(verb, "watch"))
        status = watch_jobs(cli, client);
    else if (!strcmp(verb, "show"))
        for (int i = 1; i <= ids; i++)
            status = ta_exit_worse(status, show_job(cli, client, cli->operands[i]));
    else if (!ids)
        status = change_queue(cli, client, verb);
    else
        status = change_jobs(cli, client, verb);
    ta_client_destroy(&client);
    return status;
}

static const struct ta_choice jobs_actions[] = {
    {"list", "all jobs, the newest first: what is done where no action is given"},
    {"show", "one job, and what became of it until now"},
    {"watch", "what happens, as it happens"},
    {"pause", "a job; without ID the queue begins nothing new"},
    {"resume", "a job, or the queue, that was paused"},
    {"cancel", "a job; what is finished of it is kept"},
    {"retry", "a job that failed or was cancelled, from what is finished"},
    {"remove", "a job that has ended, from the list"},
    {"move", "a job in front of another (--before)"},
    {"priority", "a job before or behind all others (--priority)"},
    {"clear", "all that have ended, from the list (--state)"},
    {"drain", "what runs is finished, then the service ends"},
    {0},
};

static const struct ta_example jobs_examples[] = {
    {"terminalai jobs", "all jobs, the newest first"},
    {"terminalai jobs watch",
     "a table that follows what happens; elsewhere than on a terminal a line a change"},
    {"terminalai jobs cancel 12 13", "stops them; what is finished of them is kept for \"retry\""},
    {"terminalai jobs pause", "nothing new is begun; \"resume\" goes on"},
    {"terminalai jobs drain", "what runs is finished, nothing is begun, then the service ends"},
    {"terminalai jobs move 20 --before 12", "another order"},
    {"terminalai jobs clear --state done", "takes what is done out of the list"},
    {0},
};

static const struct ta_command_group jobs_groups[] = {
    {"What to show or change", jobs_options, 0},
    {"Where the service is", ta_service_options, offsetof(struct jobs_opts, service)},
    {0},
};

const struct ta_command ta_command_jobs = {
    .name = "jobs",
    .operands = "[ACTION [ID...]]",
    .summary = "show and change the queue of the service",
    .description =
        "Shows the jobs of \"terminalai serve\" and changes them. A job that is paused, cancelled or interrupted "
        "keeps its finished segments and goes on from there.",
    .actions = jobs_actions,
    .examples = jobs_examples,
    .groups = jobs_groups,
    .values_size = sizeof(struct jobs_opts),
    .operand_kind = TA_OPERAND_NONE,
    .max_operands = -1,
    .run = run_jobs,
};
