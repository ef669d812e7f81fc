// Files and folders that clients name: held against the folders that were opened to them.
#ifndef TA_SERVER_ROOTS_H
#define TA_SERVER_ROOTS_H

#include <stdbool.h>

#include "server/request.h"

// Does the path, all links followed, lie in one of the folders that clients may use? What does not exist is
// judged by the folders above it.
bool ta_roots_hold(const struct ta_request *r, const char *path);
// Refuses what they do not hold.
void ta_roots_refuse(struct ta_request *r, const char *path);
// Opens a file or folder for reading: found by its links, then walked to from the root step by step without
// following any, so that no exchange of links meanwhile leads outside. A descriptor; -1 after a refusal.
// Pipes and devices are refused, too.
int ta_roots_open(struct ta_request *r, const char *path, bool folder);

#endif
