// Restores one file with the library: a preset, a progress line, Ctrl-C that keeps what is finished.
//
//     cc restore.c -o restore $(pkg-config --cflags --libs terminalai)
//     ./restore tape.avi tape.mp4
//
// Called again after an interruption, it goes on where it stopped.
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <terminalai/terminalai.h>

static volatile sig_atomic_t stop;

static void on_interrupt(int number)
{
    (void)number;
    stop = 1;
}

// From any thread, often.
static bool is_canceled(void *priv)
{
    (void)priv;
    return stop;
}

// At most ten times a second, and when a phase begins.
static void show_progress(void *priv, const struct ta_progress *p)
{
    (void)priv;
    fprintf(stderr, "\r%-8s %5.1f%%  %lld/%lld frames  %.1f fps ", ta_phase_name(p->phase), 100 * p->total,
            (long long)p->frames_done, (long long)p->frames_total, p->fps);
    if (p->phase == TA_PHASE_DONE)
        fputc('\n', stderr);
}

static int restore(const char *input, const char *output, struct ta_options *options, struct ta_log *log)
{
    const struct ta_callbacks callbacks = {.progress = show_progress, .canceled = is_canceled};
    struct ta_restore_result result = {0};
    struct ta_plan *plan = NULL;

    // Reads and measures the source, and decides everything. Nothing is made yet.
    int err = ta_plan_create(&plan, input, output, options, &callbacks, log);
    fputc('\n', stderr); // behind the progress
    if (err < 0)
        return err;
    char *words = ta_plan_describe(plan, NULL, false);
    puts(words);
    free(words);

    err = ta_restore(plan, options, &callbacks, &result, log);
    if (err < 0)
        fputc('\n', stderr);
    else
        printf("%s: %lld frames in %.1f s, %lld warnings\n", ta_plan_output(plan), (long long)result.frames,
               result.wall_seconds, (long long)result.warnings);
    ta_plan_destroy(&plan);
    return err;
}

// What a person should know, each with a code for programs.
static void show_problems(const struct ta_problems *problems)
{
    for (size_t i = 0; i < ta_problems_count(problems); i++) {
        const struct ta_problem *p = ta_problems_get(problems, i);
        fprintf(stderr, "%s (%s): %s\n", ta_severity_name(p->severity), p->code, p->message);
        if (p->advice[0])
            fprintf(stderr, "%s\n", p->advice);
    }
}

int main(int argc, char **argv)
{
    struct ta_log *log = NULL;
    struct ta_problems *problems = NULL;
    struct ta_options *options = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: %s INPUT OUTPUT\n", argv[0]);
        return 2;
    }
    signal(SIGINT, on_interrupt);

    // Messages go to standard error when no function is given; those that matter are shown at the end.
    int err = ta_log_create(&log, NULL, NULL);
    if (err >= 0)
        err = ta_problems_create(&problems);
    if (err < 0)
        return 1;
    ta_log_set_level(log, NULL, TA_LOG_QUIET);
    ta_log_collect(log, problems);
    err = ta_options_create(&options, log);
    // The same names and values as on the command line and in configuration files: docs/options.md.
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "preset", "vhs", NULL);
    if (err >= 0)
        err = ta_options_set(options, TA_LAYER_CALLER, "resolution", "720", NULL);
    if (err >= 0)
        err = restore(argv[1], argv[2], options, log);

    show_problems(problems);
    enum ta_severity worst = ta_problems_worst(problems);
    ta_options_destroy(&options);
    ta_log_destroy(&log);
    ta_problems_destroy(&problems);
    return ta_exit_status(worst, err);
}
