// A viewer: a process of its own that looks at files for a service and answers one question after the other,
// so that what is wrong with a file is wrong in there.
//
// A question is a line (lines.h) "look" with "kind" and what that kind takes (viewer.c); the answer a line
// "answer" with "status" (of HTTP), "media", "head" (texts by name) and "bytes", behind which so many bytes
// follow; or with "problem" {"code", "message", "advice", "args"}. Before it lines "progress" may come.
#ifndef TA_JOBS_VIEWER_H
#define TA_JOBS_VIEWER_H

struct ta_env;

// Serves until the service hangs up. `config` as for ta_options_load_config(). 0.
int ta_viewer_run(int fd, struct ta_env *env, const char *config);

#endif
