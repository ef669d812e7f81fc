// What the commands that make a plan share: restore and plan.
#ifndef TA_CLI_RECIPE_H
#define TA_CLI_RECIPE_H

#include <terminalai/plan.h>

#include "cli/command.h"

struct ta_progress_view;

// Loads the layers and refuses a recipe or a way to run that can't be used, once and before any file is
// touched. TA_EXIT_OK or the status.
enum ta_exit ta_cli_check_recipe(struct ta_cli *cli, const char *config_path);
// The extension of outputs that are named here: the first container of the recipe's encoder.
const char *ta_cli_output_extension(struct ta_cli *cli);
// Callbacks that show progress and stop when interrupted.
struct ta_callbacks ta_cli_callbacks(struct ta_progress_view *view);

#endif
