// The networks that are known on this machine. The environment is asked here and nowhere below.
#ifndef TA_RECIPE_MODELS_H
#define TA_RECIPE_MODELS_H

#include "infer/models.h"

struct ta_stage_info;

// The user's own manifest (models.yaml in the folder of the configuration), then the built-in one. Of entries
// of one name the first counts. To be released, also after a failure.
int ta_models_load(struct ta_models *models, struct ta_log *log);
// Where their files are, which may not exist: $XDG_DATA_HOME/terminalai/models, else below ~/.local/share. To
// be freed; NULL when there is no home.
char *ta_models_folder(void);
// Is a file of this name in it? Whether its bytes are right is not looked at.
bool ta_models_has(const char *name);

// What an option of a stage names (stage.h, find_file): for those that name a network, ta_models_find().
// *path is to be freed, and NULL after a failure.
int ta_stage_find_file(const struct ta_stage_info *stage, const char *value, char **path, char sum[65],
                       struct ta_log *log);

// ta_model_find() with these.
int ta_models_find(struct ta_model_found *found, const char *value, struct ta_log *log);

#endif
