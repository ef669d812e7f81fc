// The last messages of the service's log, for clients.
#ifndef TA_SERVER_RING_H
#define TA_SERVER_RING_H

#include <stdint.h>

#include <jansson.h>

#include <terminalai/log.h>

enum { TA_RING_KEPT = 2000 };

struct ta_log_ring;
// `to` gets all messages, too; borrowed. 0 or TA_ERR_NOMEM.
int ta_log_ring_create(struct ta_log_ring **out, struct ta_log *to);
void ta_log_ring_destroy(struct ta_log_ring **ring);
// What is told to this log is kept. Lives as long as the ring.
struct ta_log *ta_log_ring_log(struct ta_log_ring *ring);

// Thread-safety: Safe. Messages after number `after` of this level and graver, at most `limit`, the newest:
// {"lines": [{"n", "time_ms", "level", "component", "text", "code"}], "last"}; a new reference. `text` (may
// be NULL) is in them.
json_t *ta_log_ring_json(struct ta_log_ring *ring, int64_t after, enum ta_log_level level, const char *text,
                         int limit);
// Calls `tell` with each message as JSON (to be freed by it), from the thread that logs; NULL: none. It must
// not log.
void ta_log_ring_on_line(struct ta_log_ring *ring, void (*tell)(void *priv, char *json), void *priv);

#endif
