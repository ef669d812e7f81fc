// Folders that the environment names. They are asked for here, once, and handed down.
#ifndef TA_RECIPE_FOLDERS_H
#define TA_RECIPE_FOLDERS_H

#include <terminalai/survey.h>

// $TMPDIR or /tmp. To be freed.
char *ta_temporary_folder(void);

#endif
