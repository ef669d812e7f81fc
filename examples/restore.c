// Restores one file with the library: restore INPUT OUTPUT [OPTION=VALUE...], for example "restore tape.avi
// tape.mp4 preset=vhs". Build it against an installed library: cc restore.c $(pkg-config --cflags --libs
// terminalai)
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static bool is_canceled(void *priv)
{
    (void)priv;
    return interrupted != 0;
}

static void show_progress(void *priv, const struct ta_progress *progress)
{
    (void)priv;
    fprintf(stderr, "\r%-8s %5.1f %%  %6.1f frames/s ", ta_phase_name(progress->phase), 100 * progress->total,
            progress->fps);
    if (progress->phase == TA_PHASE_DONE)
        fputc('\n', stderr);
}

// "crf=16" as an option of the caller's layer.
static int set_option(struct ta_options *options, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals) {
        fprintf(stderr, "%s: write OPTION=VALUE\n", text);
        return TA_ERR_USAGE;
    }
    *equals = '\0';
    return ta_options_set(options, TA_LAYER_CALLER, text, equals + 1, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: restore INPUT OUTPUT [OPTION=VALUE...]\n");
        return 2;
    }
    signal(SIGINT, on_interrupt);

    const struct ta_callbacks callbacks = {.progress = show_progress, .canceled = is_canceled};
    struct ta_log *log = NULL;
    struct ta_options *options = NULL;
    struct ta_plan *plan = NULL;
    struct ta_restore_result result = {0};

    int err = ta_log_create(&log, NULL, NULL);
    if (err >= 0)
        err = ta_options_create(&options, log);
    for (int i = 3; i < argc && err >= 0; i++)
        err = set_option(options, argv[i]);
    if (err >= 0)
        err = ta_plan_create(&plan, argv[1], argv[2], options, &callbacks, log);
    if (err >= 0)
        err = ta_restore(plan, options, &callbacks, &result, log);
    if (err >= 0)
        printf("%s: %lld frames, %lld of them concealed\n", argv[2], (long long)result.frames,
               (long long)result.concealed);
    else
        fprintf(stderr, "restore: %s\n", ta_error_text(err));

    ta_plan_destroy(&plan);
    ta_options_destroy(&options);
    ta_log_destroy(&log);
    return err >= 0 ? 0 : 1;
}
