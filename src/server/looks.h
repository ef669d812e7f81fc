// Asking about files: what routes_looks.c shares with routes_work.c.
#ifndef TA_SERVER_LOOKS_H
#define TA_SERVER_LOOKS_H

#include "server/asker.h"
#include "server/roots.h"

// A name for a file, made of what it depends on. To be freed.
char *ta_look_digest(const char *key);
// Width, frame and format, or the side, of a picture from the query; false after a refusal.
bool ta_look_picture_size(struct ta_request *r, json_t *look);
bool ta_look_side(struct ta_request *r, json_t *look);
// Asks (takes `look`) and waits; the answer holds for as long as `state` is the same.
bool ta_look_ask(struct ta_request *r, json_t *look, const char *state, enum ta_ask_line line);
// For ta_route.look: what the source is now that a query, or a body, names.
void ta_look_query(struct ta_request *r);
void ta_look_body(struct ta_request *r);
// The same of a job's output. (routes_work.c)
void ta_look_job(struct ta_request *r);
// Is the source there, and in a folder that clients may use? False after a refusal. (routes_jobs.c)
bool ta_route_check_source(struct ta_request *r, const char *input);

#endif
