// What a notification says, in the form of each kind of receiver.
#ifndef TA_JOBS_NOTICE_H
#define TA_JOBS_NOTICE_H

#include <stdint.h>

#include <jansson.h>

#include "jobs/endpoint.h"

// What is kept of an event until it is told: {"event", "time_ms", "job" | "alert"}; a new reference. `about`
// is a job as the API shows it, or an alert; NULL for others. Taken.
json_t *ta_notice_create(enum ta_notice_event event, int64_t time_ms, json_t *about);

// In words: one line, and some more. To be freed.
char *ta_notice_title(const json_t *notice);
char *ta_notice_text(const json_t *notice);

// The body of a request, to be freed: for Discord an embed, for Slack an attachment, for others the notice
// with its words. `id` is the number of the row.
char *ta_notice_discord(const json_t *notice);
char *ta_notice_slack(const json_t *notice);
char *ta_notice_webhook(const json_t *notice, int64_t id);
// A whole message (RFC 5322), lines ending in CR LF. `host` is this machine.
char *ta_notice_mail(const json_t *notice, int64_t id, const char *from, const char *to, const char *host);
// An argument of a command, with {title}, {text}, {event}, {file} and {output} replaced, each once and as
// text.
char *ta_notice_argument(const json_t *notice, const char *argument);

#endif
