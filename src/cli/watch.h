// Following the queue of a service.
#ifndef TA_CLI_WATCH_H
#define TA_CLI_WATCH_H

#include "cli/command.h"

struct ta_client;

// "42 %, 17.1 fps, 3:05 to go" of a job at work; else why it is where it is. To be freed.
char *ta_watch_how_far(const json_t *job);

// Until the service ends or nobody reads. On a terminal, as a table that is drawn again in its place.
enum ta_exit ta_watch_live(struct ta_cli *cli, struct ta_client *client);
// As a line for each change, or (`json`) for each event.
enum ta_exit ta_watch_lines(struct ta_cli *cli, struct ta_client *client, bool json);

#endif
