// Programs of others: yt-dlp, commands of notifications. Never through a shell.
#ifndef TA_JOBS_PROGRAM_H
#define TA_JOBS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct ta_buf;

struct ta_program {
    char *const *argv;     // NULL-terminated; looked for in $PATH when it has no slash
    const char *dir;       // works there; NULL: where this process does
    const char *temporary; // its folder for temporary files (TMPDIR); NULL: that of this process
    const char *input;     // its standard input; NULL: nothing
    int seconds;           // then it is ended; 0: no limit
    // Called for each line of its standard output, without the newline; longer ones are cut at 64 KiB. May be
    // NULL.
    void (*line)(void *priv, const char *text);
    bool both; // for lines of standard error too
    // Asked ten times a second while it runs: is it to be ended? May be NULL.
    bool (*canceled)(void *priv);
    void *priv;
    struct ta_buf *errors; // the last 4 KiB that it wrote to standard error; may be NULL
};

// Runs it, with a process group of its own, which ends with it and with the calling thread, and no descriptor
// but the three. Blocks. Its status (0..255; 128 and the signal that ended it), or TA_ERR_NOT_FOUND there is
// no such program, CANCELED, BUSY it took too long, LIMIT no process can be started.
int ta_program_run(const struct ta_program *p);
// Is there one of this name in $PATH?
bool ta_program_exists(const char *name);

#endif
