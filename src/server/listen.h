// Sockets that the service listens on.
#ifndef TA_SERVER_LISTEN_H
#define TA_SERVER_LISTEN_H

struct ta_log;

// A descriptor for "127.0.0.1:7860", "[::1]:7860" or "localhost:7860", and the port that it got; TA_ERR_*.
int ta_listen_on(const char *address, int *port, struct ta_log *log);
// A descriptor for a Unix socket that only the user may connect to. One that a service before this one has
// left is replaced.
int ta_listen_at(const char *path, struct ta_log *log);

#endif
