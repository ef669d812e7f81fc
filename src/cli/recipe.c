#include "cli/recipe.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "media/encoder.h"
#include "restore/options.h"

enum ta_exit ta_cli_check_recipe(struct ta_cli *cli, const char *config_path)
{
    struct ta_recipe_opts recipe = {0};
    struct ta_run_opts run = {0};
    int err = ta_cli_load_options(cli, config_path);
    if (err < 0) // a file with a wrong line is the user's to mend; one that can't be read is a failure
        return ta_exit_from_error(err == TA_ERR_FORMAT ? TA_ERR_INVALID : err);
    err = ta_options_recipe(cli->options, &recipe, cli->log);
    if (!err && strcmp(recipe.encoder, "auto") && !ta_encoder_find(recipe.encoder)) {
        const char *from = NULL, *value, *names[32];
        size_t count = 0;
        ta_options_get(cli->options, "encoder", &value, &from);
        for (const struct ta_encoder_info *e = ta_encoders; e->name && count + 1 < TA_COUNT(names); e++)
            names[count++] = e->name;
        names[count] = NULL;
        const char *nearest = ta_nearest(recipe.encoder, names);
        ta_error(cli->log, "%s: unknown encoder \"%s\"%s%s%s", from ? from : "encoder", recipe.encoder,
                 nearest ? "; did you mean \"" : " (\"terminalai encoders\" lists them)",
                 nearest ? nearest : "", nearest ? "\"?" : "");
        err = TA_ERR_INVALID;
    }
    if (!err)
        err = ta_options_run(cli->options, &run, cli->log);
    ta_opt_release(ta_recipe_options, &recipe);
    ta_opt_release(ta_run_options, &run);
    // What is wrong here is what the user wrote, also a preset that does not exist.
    return err < 0 ? TA_EXIT_USAGE : TA_EXIT_OK;
}

const char *ta_cli_output_extension(struct ta_cli *cli)
{
    const char *name = NULL;
    const struct ta_encoder_info *info = NULL;
    if (!ta_options_get(cli->options, "encoder", &name, NULL) && strcmp(name, "auto"))
        info = ta_encoder_find(name);
    if (!info)
        return "mp4";
    static const char *const containers[] = {"mp4", "mkv", "mov", "webm", "y4m", "avi", "nut"};
    size_t length = strcspn(info->containers, " ");
    for (size_t i = 0; i < TA_COUNT(containers); i++)
        if (strlen(containers[i]) == length && !strncmp(containers[i], info->containers, length))
            return containers[i];
    return "mkv";
}

static bool is_interrupted(void *priv)
{
    (void)priv;
    return ta_signals_interrupted();
}

struct ta_callbacks ta_cli_callbacks(struct ta_progress_view *view)
{
    return (struct ta_callbacks){.progress = ta_progress_show, .canceled = is_interrupted, .priv = view};
}
