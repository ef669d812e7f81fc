// Loaded networks, shared by all that run in the process: loading one takes seconds and much memory, so each
// is loaded once, kept while somebody uses it, and kept idle while there is room.
#ifndef TA_INFER_SESSIONS_H
#define TA_INFER_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

struct ta_cancel;
struct ta_log;

// Thread-safety: Safe, except create and destroy.
struct ta_sessions;

// How a session is made; the cache keeps no pointer to it but `unload`.
struct ta_session_loader {
    // Makes the session and says how much memory it holds, on whatever device. Without any lock; may take
    // long, asks `cancel` now and then. 0, or TA_ERR_* after a message.
    int (*load)(void *priv, void **handle, size_t *bytes, const struct ta_cancel *cancel, struct ta_log *log);
    // Any thread, without any lock.
    void (*unload)(void *handle);
    void *priv;
};

// A session in use. One may be handed to several users at a time: what it allows them to do at once is the
// engine's business.
struct ta_session {
    void *handle; // what load() made
};

// `max_bytes`: sessions that nobody uses are unloaded, that used longest ago first, while all together hold
// more. 0 keeps none beyond its use. Returns 0.
int ta_sessions_create(struct ta_sessions **out, size_t max_bytes);
// Every session must have been put back. *c may be NULL.
void ta_sessions_destroy(struct ta_sessions **c);

// The session of this key (what decides it: model's checksum, engine, device, memory), loaded when it is not
// there. While it is being loaded by another thread, waits for that. The one who loads fails with what load()
// said, and so do those who wait, but for TA_ERR_CANCELED, which is the loader's own affair: the next in line
// loads then. A failure is not kept: the next call tries again. TA_ERR_CANCELED when `cancel` (may be NULL)
// says so.
int ta_sessions_get(struct ta_sessions *c, const char *key, const struct ta_session_loader *loader,
                    const struct ta_cancel *cancel, struct ta_log *log, const struct ta_session **out);
// Gives it back; *session becomes NULL, and may be NULL.
void ta_sessions_put(struct ta_sessions *c, const struct ta_session **session);

struct ta_sessions_stats {
    int64_t loads;    // that succeeded
    int64_t failures; // that did not, cancelled ones too
    int64_t hits;     // gets that were served by a load that was not their own
    int64_t misses;   // gets that had to load
    size_t bytes;     // held now, idle ones too
    double seconds;   // spent in load(), over all threads
};
void ta_sessions_get_stats(struct ta_sessions *c, struct ta_sessions_stats *stats);

#endif
