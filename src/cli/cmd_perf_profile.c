// terminalai perf profile: each part of the program at its real work, timed, sampled and counted.
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "cli/command.h"
#include "cli/console.h"
#include "perf/modules.h"
#include "perf/profile.h"

enum { FORM_BY_NAME = 0, FORM_TXT, FORM_JSON, FORM_HTML };

struct profile_opts {
    char *module, *video, *output, *baseline, *inside;
    int format, clock;
    int64_t hz;
    bool quick, allocations, count;
};

static const struct ta_choice formats[] = {
    {"auto", "by the name of the output; text where that says nothing"},
    {"txt", "text"},
    {"json", "all numbers, for programs and for --baseline"},
    {"html", "one page with a timeline, a flame graph and tables"},
    {0},
};

// In the order of enum ta_sampler_clock.
static const struct ta_choice samplers[] = {
    {"auto", "perf_event where the system allows it, else timers"},
    {"perf_event", "the kernel's counters: cycles, or its clock where the processor does not count"},
    {"timer", "timers of each thread's processor time, as fine as the kernel's ticks"},
    {0},
};

static const struct ta_opt profile_options[] = {
    {.name = "module",
     .kind = &ta_opt_text,
     TA_FIELD(struct profile_opts, module, char *),
     .def = "all",
     .syntax = "NAME",
     .help = "which part: all, video_pipeline, audio_processing, queue_manager, gui, rtx_video_sdk"},
    {.name = "test-video",
     .kind = &ta_opt_path,
     TA_FIELD(struct profile_opts, video, char *),
     .syntax = "FILE",
     .help = "the film for video_pipeline; a simulated tape of five seconds without it"},
    {.name = "output",
     .kind = &ta_opt_path,
     TA_FIELD(struct profile_opts, output, char *),
     .syntax = "FILE",
     .help = "where the report goes; standard output without it",
     .letter = 'o'},
    {.name = "format",
     .kind = &ta_opt_choice,
     TA_FIELD(struct profile_opts, format, int),
     .def = "auto",
     .choices = formats,
     .help = "how the report is written"},
    {.name = "baseline",
     .kind = &ta_opt_path,
     TA_FIELD(struct profile_opts, baseline, char *),
     .syntax = "FILE",
     .help = "a report of before, as JSON: what has become slower or larger is told"},
    {.name = "allocations",
     .kind = &ta_opt_switch,
     TA_FIELD(struct profile_opts, allocations, bool),
     .def = "on",
     .help = "do the work once more to count what is allocated"},
    {.name = "hz",
     .kind = &ta_opt_int,
     TA_FIELD(struct profile_opts, hz, int64_t),
     .def = "100",
     .min = 10,
     .max = 1000,
     .help = "samples of each thread in a second of what it computes",
     .flags = TA_OPT_ADVANCED},
    {.name = "sampler",
     .kind = &ta_opt_choice,
     TA_FIELD(struct profile_opts, clock, int),
     .def = "auto",
     .choices = samplers,
     .help = "what interrupts a thread for a sample",
     .flags = TA_OPT_ADVANCED},
    {.name = "quick",
     .kind = &ta_opt_switch,
     TA_FIELD(struct profile_opts, quick, bool),
     .help = "do as little work as shows anything, to see that all is there",
     .flags = TA_OPT_ADVANCED},
    {.name = "inside",
     .kind = &ta_opt_path,
     TA_FIELD(struct profile_opts, inside, char *),
     .help = "the process that is profiled: its numbers go there",
     .flags = TA_OPT_HIDDEN},
    {.name = "count",
     .kind = &ta_opt_switch,
     TA_FIELD(struct profile_opts, count, bool),
     .help = "inside: count allocations",
     .flags = TA_OPT_HIDDEN},
    {0},
};

// The library that counts: beside the program where it was built, else where it was installed.
static char *counting_library(const char *program)
{
    static const char *const places[] = {
        "",
        "../lib/terminalai/",
        "../lib64/terminalai/",
#ifdef TA_LIBRARY_FOLDER
        "../" TA_LIBRARY_FOLDER "/terminalai/",
#endif
    };
    char *dir = ta_path_dir(program), *found = NULL;
    for (size_t i = 0; i < TA_COUNT(places) && !found; i++) {
        char *path = ta_xprintf("%s/%sterminalai-allocs.so", dir, places[i]);
        if (access(path, R_OK) == 0)
            found = path;
        else
            free(path);
    }
    free(dir);
    return found;
}

static enum ta_exit check(struct ta_cli *cli)
{
    const struct profile_opts *o = cli->values;
    const char *names[16] = {"all"};
    size_t count = 1;
    for (const struct ta_perf_module *const *m = ta_perf_modules; *m; m++)
        names[count++] = (*m)->name;
    if (strcmp(o->module, "all") != 0 && !ta_perf_module_find(o->module)) {
        const char *nearest = ta_nearest(o->module, names);
        struct ta_buf list = {0};
        for (size_t i = 0; i < count; i++)
            ta_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
        enum ta_exit status = nearest
                                  ? ta_cli_usage(cli, "--module: there is no \"%s\"; did you mean \"%s\"?",
                                                 o->module, nearest)
                                  : ta_cli_usage(cli, "--module: there is no \"%s\"; there are %s", o->module,
                                                 ta_buf_text(&list));
        ta_buf_release(&list);
        return status;
    }
    if (o->video && access(o->video, R_OK) < 0) {
        ta_error(cli->log, "%s: there is no such file, or it can't be read", o->video);
        return ta_cli_fail(cli, TA_ERR_NOT_FOUND);
    }
    // Minutes later would be late.
    if (o->output) {
        char *dir = ta_path_dir(o->output);
        bool can = access(dir, W_OK) == 0 && (access(o->output, F_OK) < 0 || access(o->output, W_OK) == 0);
        if (!can)
            ta_error(cli->log, "%s can't be written", o->output);
        free(dir);
        return can ? TA_EXIT_OK : ta_cli_fail(cli, TA_ERR_ACCESS);
    }
    return TA_EXIT_OK;
}

static int form_of(const struct profile_opts *o)
{
    const char *extension = o->output ? ta_path_extension(o->output) : "";
    if (o->format != FORM_BY_NAME)
        return o->format;
    return !strcasecmp(extension, "json")                                    ? FORM_JSON
           : !strcasecmp(extension, "html") || !strcasecmp(extension, "htm") ? FORM_HTML
                                                                             : FORM_TXT;
}

static enum ta_exit write_report(struct ta_cli *cli, const json_t *report)
{
    const struct profile_opts *o = cli->values;
    struct ta_buf out = {0};
    int form = form_of(o);
    if (form == FORM_JSON) {
        char *text = ta_json_text(report);
        ta_buf_puts(&out, text);
        free(text);
    } else if (form == FORM_HTML) {
        ta_profile_html(report, &out);
    } else {
        ta_profile_text(report, &out);
    }
    enum ta_exit status;
    if (o->output) {
        int err = ta_file_write_atomic(o->output, ta_buf_text(&out), out.size, cli->log);
        status = err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
    } else {
        status = form == FORM_TXT ? ta_cli_show(cli, ta_buf_text(&out))
                                  : ta_cli_output(cli, ta_buf_text(&out));
    }
    ta_buf_release(&out);
    return status;
}

static void tell(void *priv, const char *text)
{
    struct ta_cli *cli = priv;
    if (!ta_console_is_quiet(cli->console))
        ta_console_print(cli->console, "at work: %s", text);
}

static enum ta_exit run_profile(struct ta_cli *cli)
{
    const struct profile_opts *o = cli->values;
    char *program = ta_path_of_program();
    if (!program) {
        ta_error(cli->log, "/proc/self/exe can't be read: profiles need Linux");
        return ta_cli_fail(cli, TA_ERR_UNSUPPORTED);
    }
    struct ta_profile_config config = {.program = program,
                                       .module = o->module,
                                       .video = o->video,
                                       .quick = o->quick,
                                       .clock = (enum ta_sampler_clock)o->clock,
                                       .hz = o->hz};
    if (o->inside) {
        int err = ta_profile_inside(&config, o->inside, o->count, cli->log);
        free(program);
        return err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
    }
    json_t *before = NULL, *report = NULL;
    enum ta_exit status = check(cli);
    if (status == TA_EXIT_OK && o->baseline) {
        int err = ta_json_load(o->baseline, &before, cli->log);
        if (err >= 0 && !json_is_array(json_object_get(before, "modules"))) {
            ta_error(cli->log, "%s is no report of perf profile as JSON", o->baseline);
            err = TA_ERR_FORMAT;
        }
        status = err < 0 ? ta_cli_fail(cli, err) : TA_EXIT_OK;
    }
    char *counting = status == TA_EXIT_OK && o->allocations ? counting_library(program) : NULL;
    if (status == TA_EXIT_OK && o->allocations && !counting)
        ta_warn(cli->log, "terminalai-allocs.so is not there: allocations are not counted");
    config.preload = counting;
    if (status == TA_EXIT_OK) {
        report = ta_profile_run(&config, tell, cli, cli->log);
        status = report ? TA_EXIT_OK : ta_cli_fail(cli, TA_ERR_IO);
    }
    if (report) {
        ta_profile_judge(report, before);
        status = write_report(cli, report);
    }
    json_decref(report);
    json_decref(before);
    free(counting);
    free(program);
    return status;
}

static const struct ta_command_group profile_groups[] = {{"What to look at", profile_options, 0}, {0}};

static const struct ta_example examples[] = {
    {"terminalai perf profile --output perf_report.txt", "all parts"},
    {"terminalai perf profile --module video_pipeline --test-video a.avi -o a.html", "a page for one tape"},
    {"terminalai perf profile --baseline before.json", "with what has become slower since"},
    {0},
};

const struct ta_command ta_command_perf_profile = {
    .name = "perf profile",
    .operands = "",
    .summary = "show where time and memory go while parts of the program work",
    .description =
        "Lets each part do its real work in a process of its own: restoring pictures, ten sound files, a queue of 100 "
        "jobs with four workers, the service with ten pages that look on, a network on a device (a stand-in where "
        "there is none). It tells time, memory, input and output, context switches, what each stage took, what "
        "threads waited for, and the functions that took the processor's time, by samples with whole stacks. "
        "Allocations are counted in a second pass, because counting takes time.\n\nFindings come from rules over "
        "these numbers, each with its figures and its threshold; where no rule is met, nothing is said. A machine "
        "that does other things besides shows in the figures by the clock.",
    .examples = examples,
    .groups = profile_groups,
    .values_size = sizeof(struct profile_opts),
    .run = run_profile,
};
