// What the configuration file says to the service: "serve:", a group of its own.
#ifndef TA_CLI_SERVE_FILE_H
#define TA_CLI_SERVE_FILE_H

#include <jansson.h>

#include "cli/command.h"

struct ta_marks;

// The file: `path`, or (NULL) the user's own config.yaml if there is one. *name is its name, to be freed;
// *root what stands in it, a new reference, an empty object where there is none; *marks its lines (may be
// NULL). 0, or TA_ERR_* after a message.
int ta_serve_file_load(const char *path, char **name, json_t **root, struct ta_marks **marks,
                       struct ta_log *log);
// Sets those options of `table` in `values` that the group "serve" has and the command line has not. A list
// ("root: [a, b]") sets an option several times. 0, or TA_ERR_* after a message.
int ta_serve_file_apply(struct ta_cli *cli, const struct ta_opt *table, void *values, const char *name,
                        const json_t *root, const struct ta_marks *marks);

#endif
