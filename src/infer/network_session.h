// Networks as sessions of the cache, for stages of pictures and of sound alike. Who plans finds the file
// (ta_model_find()) and the engine (ta_runtimes_get()) and keeps what they were; who runs asks here for the
// network, gets the one that is loaded already whenever there is one, and finds its inputs and outputs by
// ta_network_input() and ta_network_output() (infer/engine.h). A stage of several networks asks for each.
#ifndef TA_INFER_NETWORK_SESSION_H
#define TA_INFER_NETWORK_SESSION_H

#include "infer/engine.h"
#include "infer/sessions.h"

struct ta_env;

// What a plan keeps. Borrowed during the call.
struct ta_network_plan {
    const char *engine, *runtime, *provider; // ta_engine_info.name, ta_engine.version, a device's provider
    int threads;                             // of the CPU
    const char *model, *sum;                 // path from the root, and the SHA-256 of the file
    // Another set of weights of the same network, mixed in by this share; 0: none, and `other` may be NULL.
    const char *other, *other_sum;
    double share;
};

// The network, on the planned device or on the CPU, loaded by the cache (env->sessions) or by now; given back
// by ta_sessions_put(). Several users may have it and run it at the same time. Another engine, device or file
// than planned is TA_ERR_MISMATCH after a message. Blocks while it is loaded. Any thread.
int ta_network_session_get(const struct ta_env *env, const struct ta_network_plan *plan, bool on_cpu,
                           struct ta_log *log, const struct ta_session **out);
struct ta_network *ta_network_of(const struct ta_session *s);
// Its device has failed: who asks next gets it loaded anew.
void ta_network_session_lost(const struct ta_session *s);

#endif
