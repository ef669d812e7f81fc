// What the commands of the service share: where it is.
#ifndef TA_CLI_SERVICE_H
#define TA_CLI_SERVICE_H

#include "base/mem.h"
#include "cli/command.h"

struct ta_client;

// Where clients find the service. Their entries stand in a table of their own.
struct ta_service_opts {
    char *server, *socket, *token_file;
};
extern const struct ta_opt ta_service_options[];

// To be freed: the socket's default path and the state folder's; NULL without a home.
char *ta_service_socket(void);
char *ta_service_state(void);
// The token in a file: its first line, which must not be empty; only the owner may read the file. 0 and *out
// (to be freed), or TA_ERR_* after a message.
int ta_service_token(const char *path, char **out, struct ta_log *log);
// A client for the options; the status after a message when there can be none.
enum ta_exit ta_service_client(struct ta_cli *cli, const struct ta_service_opts *opts,
                               struct ta_client **out);

#endif
