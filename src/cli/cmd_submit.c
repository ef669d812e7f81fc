// terminalai submit: gives files to the service.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "base/words.h"
#include "cli/batch.h"
#include "cli/console.h"
#include "cli/recipe.h"
#include "cli/service.h"
#include "jobs/address.h"
#include "jobs/client.h"
#include "jobs/job.h"
#include "media/parts/name.h"
#include "recipe/options.h"

struct submit_opts {
    struct ta_service_opts service;
    char *output, *batch, *config;
    bool recursive, join, json;
    int64_t priority;
};

static const struct ta_opt submit_options[] = {
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct submit_opts, output, char *),
     .syntax = "OUT",
     .help = "file to make, or a folder for it (made when missing; needed for several inputs)",
     .letter = 'o'},
    {.name = "recursive",
     .kind = &ta_opt_switch,
     TA_FIELD(struct submit_opts, recursive, bool),
     .help = "take the video files of folders in folders too",
     .letter = 'R'},
    TA_JOIN_OPTION(struct submit_opts),
    {.name = "batch-name",
     .kind = &ta_opt_text,
     TA_FIELD(struct submit_opts, batch, char *),
     .syntax = "NAME",
     .help = "a name for these jobs, to find them together"},
    {.name = "priority",
     .kind = &ta_opt_int,
     TA_FIELD(struct submit_opts, priority, int64_t),
     .def = "0",
     .min = TA_JOB_PRIORITY_MIN,
     .max = TA_JOB_PRIORITY_MAX,
     .help = "higher ones are done first"},
    {.name = "config",
     .kind = &ta_opt_path,
     TA_FIELD(struct submit_opts, config, char *),
     .syntax = "FILE",
     .help = "read options from this YAML file instead of ~/.config/terminalai/config.yaml"},
    {.name = "json",
     .kind = &ta_opt_switch,
     TA_FIELD(struct submit_opts, json, bool),
     .help = "print the new jobs as JSON"},
    {0},
};

static char *absolute(const char *path)
{
    char *dir = ta_path_dir(path), *real = ta_path_absolute(dir),
         *whole = ta_path_join(real, ta_path_name(path));
    free(dir);
    free(real);
    return whole;
}

// A file that is named from here means another one where the service is. What has neither a dot nor a slash
// is a name of the program's own ("warm").
static json_t *value_of(const char *value)
{
    bool file = value[0] != '/' && strpbrk(value, "./") && access(value, F_OK) == 0;
    char *whole = file ? absolute(value) : NULL;
    json_t *text = json_string(whole ? whole : value);
    free(whole);
    return text;
}

// What the caller has set; the service's own configuration says the rest.
static json_t *options_of(struct ta_cli *cli)
{
    json_t *o = json_object();
    for (const char *const *name = ta_option_names(); *name; name++) {
        const char *value;
        if (ta_options_by_caller(cli->options, *name) &&
            ta_options_get(cli->options, *name, &value, NULL) >= 0)
            json_object_set_new(o, *name, value_of(value));
    }
    return o;
}

// A JSON object of one job; NULL after a message.
static json_t *job_of(struct ta_cli *cli, const struct ta_batch_item *item)
{
    const struct submit_opts *opts = cli->values;
    char *input = ta_address_is_web(item->input) ? ta_xstrdup(item->input) : ta_name_absolute(item->input),
         *output = item->output ? absolute(item->output) : NULL;
    json_t *job = NULL;
    if (!ta_utf8_valid(input) || (output && !ta_utf8_valid(output))) {
        ta_error(cli->log, "%s: the service takes names in UTF-8 alone; \"restore\" takes this one", input);
    } else {
        job = json_pack("{s:s, s:o, s:I}", "input", input, "options", options_of(cli), "priority",
                        (json_int_t)opts->priority);
        if (output)
            json_object_set_new(job, "output", json_string(output));
        if (opts->batch)
            json_object_set_new(job, "batch", json_string(opts->batch));
    }
    free(input);
    free(output);
    return job;
}

static enum ta_exit show(struct ta_cli *cli, const json_t *jobs)
{
    const struct submit_opts *opts = cli->values;
    struct ta_buf out = {0};
    const json_t *job;
    size_t i;
    if (opts->json) {
        char *text = ta_json_text(jobs);
        enum ta_exit status = ta_cli_output(cli, text);
        free(text);
        return status;
    }
    json_array_foreach(json_object_get(jobs, "jobs"), i, job)
    {
        ta_buf_printf(&out, "job %" PRId64 ": ", (int64_t)json_integer_value(json_object_get(job, "id")));
        ta_buf_name(&out, ta_json_member_text(job, "input"));
        ta_buf_puts(&out, " -> ");
        ta_buf_name(&out, ta_json_member_text(job, "output"));
        ta_buf_putc(&out, '\n');
    }
    enum ta_exit status = ta_console_is_quiet(cli->console) ? TA_EXIT_OK
                                                            : ta_cli_show(cli, ta_buf_text(&out));
    ta_buf_release(&out);
    return status;
}

static enum ta_exit run_submit(struct ta_cli *cli)
{
    const struct submit_opts *opts = cli->values;
    struct ta_client *client;
    struct ta_batch batch;
    json_t *list = json_array(), *answer = NULL;
    enum ta_exit status = ta_cli_check_recipe(cli, opts->config);
    struct ta_batch_wish wish = {.output = opts->output,
                                 .extension = status ? NULL : ta_cli_output_extension(cli),
                                 .options = status ? NULL : cli->options,
                                 .recursive = opts->recursive,
                                 .elsewhere = true,
                                 .join = opts->join};
    int err = status ? 0 : ta_batch_collect(&batch, cli->operands, cli->operand_count, &wish, cli->log);
    if (status || err < 0) {
        json_decref(list);
        return status ? status : ta_cli_fail(cli, err);
    }
    for (int i = 0; i < batch.count && !err; i++) {
        json_t *job = job_of(cli, &batch.items[i]);
        err = job ? json_array_append_new(list, job) : TA_ERR_INVALID;
    }
    status = err ? TA_EXIT_FAILED : ta_service_client(cli, &opts->service, &client);
    if (!status) {
        err = ta_client_ask(client, "POST", "/api/v1/jobs", json_pack("{s:O}", "jobs", list), &answer);
        status = err < 0 ? ta_cli_fail(cli, err) : show(cli, answer);
        ta_client_destroy(&client);
    }
    json_decref(answer);
    json_decref(list);
    ta_batch_release(&batch);
    return status;
}

static const struct ta_example submit_examples[] = {
    {"terminalai submit tape.avi", "the service makes tape.restored.mp4 beside it"},
    {"terminalai submit tapes/ -o restored/ --preset vhs --batch-name shelf",
     "a whole folder, under one name"},
    {"terminalai submit https://example.org/film.mp4 -o film.mp4",
     "downloads it first; films of pages by yt-dlp, where that is installed"},
    {"terminalai submit urgent.avi --priority 10", "before all that wait"},
    {"terminalai submit tapes/ --recursive --json", "for programs: the new jobs with their numbers"},
    {0},
};

static const struct ta_command_group submit_groups[] = {
    {"What to submit", submit_options, 0},
    {"Where the service is", ta_service_options, offsetof(struct submit_opts, service)},
    {0},
};

static const char *const submit_often[] = {"output", "recursive", "join",    "batch-name", "priority",
                                           "json",   "preset",    "quality", NULL};

const struct ta_command ta_command_submit = {
    .name = "submit",
    .operands = "INPUT...",
    .summary = "give files to the service, to be restored when it is their turn",
    .description =
        "Gives each INPUT to the service (\"terminalai serve\"), with the options of \"restore\"; a "
        "folder stands for the video files in it, an address is downloaded. All are accepted or none. "
        "\"terminalai jobs\" shows how far they are.",
    .examples = submit_examples,
    .often = submit_often,
    .groups = submit_groups,
    .values_size = sizeof(struct submit_opts),
    .recipe = true,
    .operand_kind = TA_OPERAND_FILE,
    .min_operands = 1,
    .max_operands = -1,
    .run = run_submit,
};
