// Folders and other things that the environment names. They are asked for here, once, and handed down.
#ifndef TA_RECIPE_FOLDERS_H
#define TA_RECIPE_FOLDERS_H

#include <terminalai/survey.h>

// $TMPDIR or /tmp. To be freed.
char *ta_temporary_folder(void);
// Makes a new folder in it, NAME-XXXXXX, for this user alone. To be freed, and removed by the caller; NULL
// after a message.
char *ta_temporary_folder_create(const char *name, struct ta_log *log);
// A file or folder of the user's configuration ($XDG_CONFIG_HOME, else ~/.config), "config.yaml"; to be
// freed. NULL when there is no home.
char *ta_config_path(const char *name);
// The same of what the user has got for the program ($XDG_DATA_HOME, else ~/.local/share), "models".
char *ta_data_path(const char *name);
// A file of the user's state, "performance_metrics.jsonl"; "" is the folder. To be freed; NULL when there is
// no home.
char *ta_state_path(const char *name);
// A variable that the user named for this, or that says where programs are; borrowed, NULL when it is not
// set.
const char *ta_environment_text(const char *name);
// The environment for a program that is started: this one's without variables whose names begin with one of
// `without`, and with `with` ("NAME=value"); both end with NULL, or are NULL. To be freed by the next.
char **ta_environment_for_child(const char *const *without, const char *const *with);
void ta_environment_free(char **environment); // NULL is fine

#endif
