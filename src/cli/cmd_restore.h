// What other commands share of "restore".
#ifndef TA_CLI_CMD_RESTORE_H
#define TA_CLI_CMD_RESTORE_H

#include "base/opt.h"

extern const struct ta_opt ta_restore_options[]; // its own, over values of this size
enum { TA_RESTORE_VALUES_SIZE = 128 };

#endif
