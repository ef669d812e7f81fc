// The list of commands and what they share.
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "cli/console.h"
#include "cli/table.h"
#include "restore/outcome.h"

const struct ta_command *const ta_commands[] = {
    &ta_command_restore,
    &ta_command_audio,
    &ta_command_resume,
    &ta_command_status,
    &ta_command_plan,
    &ta_command_preview,
    &ta_command_compare,
    &ta_command_task,
    &ta_command_segment,
    &ta_command_join,
    &ta_command_probe,
    &ta_command_verify,
    &ta_command_clean,
    &ta_command_presets,
    &ta_command_encoders,
    &ta_command_engines,
    &ta_command_models,
    &ta_command_doctor,
    &ta_command_simulate,
    &ta_command_serve,
    &ta_command_submit,
    &ta_command_jobs,
    &ta_command_worker,
    &ta_command_perf,
    &ta_command_perf_profile,
    &ta_command_perf_memory,
    &ta_command_perf_metrics,
    &ta_command_perf_report,
    &ta_command_perf_tune,
    &ta_command_perf_analyze,
    &ta_command_perf_patch,
    &ta_command_perf_bench,
    &ta_command_completion,
    &ta_command_help,
    NULL,
};

static const struct {
    const char *link, *command;
} links[] = {
    {"performance_profiler", "perf profile"},
    {"analyze_performance", "perf analyze"},
    {"performance_patches", "perf patch"},
};

const char *ta_command_of_link(const char *argv0)
{
    const char *slash = argv0 ? strrchr(argv0, '/') : NULL, *name = slash ? slash + 1 : argv0;
    for (size_t i = 0; name && i < TA_COUNT(links); i++)
        if (!strcmp(links[i].link, name))
            return links[i].command;
    return NULL;
}

bool ta_command_is_of(const struct ta_command *command, const struct ta_command *family)
{
    const char *space = strchr(command->name, ' ');
    return space && (!family || (strlen(family->name) == (size_t)(space - command->name) &&
                                 !strncmp(family->name, command->name, (size_t)(space - command->name))));
}

const char *ta_command_last_word(const struct ta_command *command)
{
    const char *space = strchr(command->name, ' ');
    return space ? space + 1 : command->name;
}

const struct ta_command *ta_command_member(const struct ta_command *family, const char *word)
{
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if (ta_command_is_of(*c, family) && !strcmp(ta_command_last_word(*c), word))
            return *c;
    return NULL;
}

const struct ta_command *ta_command_find(const char *name)
{
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if (!strcmp((*c)->name, name))
            return *c;
    return NULL;
}

const char *ta_command_nearest(const struct ta_command *family, const char *name)
{
    const char *names[TA_COUNT(ta_commands)];
    size_t count = 0;
    for (const struct ta_command *const *c = ta_commands; *c; c++)
        if (family ? ta_command_is_of(*c, family) : !ta_command_is_of(*c, NULL))
            names[count++] = ta_command_last_word(*c);
    names[count] = NULL;
    return ta_nearest(name, names);
}

bool ta_cli_is_action(struct ta_cli *cli, const char *word)
{
    enum { ACTIONS_MAX = 32 };
    const char *names[ACTIONS_MAX + 1] = {0};
    struct ta_buf all = {0};
    int count = 0;
    for (const struct ta_choice *a = cli->command->actions; a->name && count < ACTIONS_MAX; a++) {
        if (!strcmp(a->name, word)) {
            ta_buf_release(&all);
            return true;
        }
        ta_buf_printf(&all, "%s%s", count ? ", " : "", a->name);
        names[count++] = a->name;
    }
    const char *nearest = ta_nearest(word, names);
    if (nearest)
        ta_cli_usage(cli, "unknown action \"%s\"; did you mean \"%s\"?", word, nearest);
    else
        ta_cli_usage(cli, "unknown action \"%s\": it is one of %s", word, ta_buf_text(&all));
    ta_buf_release(&all);
    return false;
}

enum ta_exit ta_cli_usage(struct ta_cli *cli, const char *format, ...)
{
    if (format) {
        va_list args;
        va_start(args, format);
        ta_log_vmessage(cli->log, TA_LOG_ERROR, format, args);
        va_end(args);
    }
    if (cli->command)
        ta_console_print(cli->console, "see \"terminalai %s --help\"", cli->command->name);
    else
        ta_console_print(cli->console, "see \"terminalai --help\"");
    return ta_cli_fail(cli, TA_ERR_USAGE);
}

enum ta_exit ta_cli_fail(struct ta_cli *cli, int err)
{
    cli->err = err;
    ta_cli_end(cli, err, cli->command ? cli->command->name : "terminalai");
    return ta_exit_from_error(err);
}

int ta_cli_load_options(struct ta_cli *cli, const char *config_path)
{
    int err = ta_options_load_config(cli->options, config_path);
    int err2 = ta_options_load_environment(cli->options);
    return err < 0 ? err : err2;
}

enum ta_exit ta_cli_output(struct ta_cli *cli, const char *text)
{
    cli->written |= *text != 0;
    if (fputs(text, stdout) >= 0 && !fflush(stdout))
        return TA_EXIT_OK;
    if (errno != EPIPE) // a reader such as "head" had enough: nothing to say
        ta_error(cli->log, "standard output: %s", ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    return TA_EXIT_FAILED;
}

enum ta_exit ta_cli_show(struct ta_cli *cli, const char *text)
{
    struct ta_buf visible = {0};
    ta_console_visible(&visible, text);
    enum ta_exit status = ta_cli_output(cli, ta_buf_text(&visible));
    ta_buf_release(&visible);
    return status;
}

enum ta_exit ta_cli_show_list(struct ta_cli *cli, bool json, json_t *list, struct ta_table *table,
                              const char *more)
{
    enum ta_exit status;
    if (json) {
        char *text = ta_json_text(list);
        status = ta_cli_output(cli, text);
        free(text);
    } else {
        struct ta_buf out = {0};
        ta_table_print(table, 0, ta_console_columns(STDOUT_FILENO), &out);
        ta_buf_puts(&out, more ? more : "");
        status = ta_cli_show(cli, ta_buf_text(&out));
        ta_buf_release(&out);
    }
    ta_table_release(table);
    json_decref(list);
    return status;
}

json_t *ta_cli_json_failed(struct ta_cli *cli, const char *key, const char *subject,
                           const struct ta_problem *failure, int err)
{
    json_t *o = json_object();
    json_object_set_new(o, key, ta_json_any_text(subject));
    json_object_set_new(o, "status", json_string(err == TA_ERR_CANCELED ? "interrupted" : "failed"));
    if (failure)
        ta_outcome_failure(o, failure, err);
    json_object_set_new(o, "problems", ta_problems_to_json(ta_console_problems(cli->console)));
    return o;
}

void ta_cli_row_failed(json_t *row, int err, const char *message, const char *advice)
{
    struct ta_problems *list = NULL;
    struct ta_problem p = {.code = "",
                           .severity = TA_SEVERITY_ERROR,
                           .message = *message ? message : ta_error_text(err),
                           .advice = advice ? advice : "",
                           .frame = -1};
    if (ta_problems_create(&list) < 0)
        return;
    ta_problems_add(list, &p);
    ta_problems_fail(list, err, p.message, advice); // gives it the code of its kind
    ta_outcome_failure(row, ta_problems_error(list), err);
    json_object_set(row, "why", json_object_get(row, "message"));
    ta_problems_destroy(&list);
}

void ta_cli_json_refused(struct ta_cli *cli, enum ta_exit status, FILE *out)
{
    int err = cli->err ? cli->err : status == TA_EXIT_USAGE ? TA_ERR_USAGE : TA_ERR_IO;
    const struct ta_problem *failure = ta_cli_end(cli, err, "terminalai");
    json_t *o = json_pack("{s:s}", "status", "failed");
    if (failure)
        ta_outcome_failure(o, failure, err);
    json_object_set_new(o, "problems", ta_problems_to_json(ta_console_problems(cli->console)));
    json_object_set_new(o, "exit_code", json_integer(status));
    char *text = json_dumps(o, JSON_COMPACT);
    fprintf(out, "%s\n", text);
    fflush(out);
    free(text);
    json_decref(o);
}

enum ta_exit ta_exit_worse(enum ta_exit a, enum ta_exit b)
{
    static const enum ta_exit by_weight[] = {TA_EXIT_INTERRUPTED, TA_EXIT_USAGE, TA_EXIT_FAILED,
                                             TA_EXIT_LOSS};
    for (size_t i = 0; i < TA_COUNT(by_weight); i++)
        if (a == by_weight[i] || b == by_weight[i])
            return by_weight[i];
    return TA_EXIT_OK;
}

enum ta_exit ta_exit_from_error(int err)
{
    return (enum ta_exit)ta_exit_status(TA_SEVERITY_NONE, err);
}

void ta_cli_begin(struct ta_cli *cli)
{
    ta_problems_clear(ta_console_problems(cli->console));
}

const struct ta_problem *ta_cli_end(struct ta_cli *cli, int err, const char *subject)
{
    bool failed = ta_log_fail(cli->log, err, subject, NULL) < 0;
    return failed ? ta_problems_error(ta_console_problems(cli->console)) : NULL;
}
