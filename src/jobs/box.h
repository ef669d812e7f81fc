// What a child of the service may do, kept to by the kernel: which files it reads and writes, whether it
// reaches the network, which calls it may make at all. It holds from the child's first instruction on, for
// all its threads and children, and can't be taken back.
//
// Files are by Landlock (Linux 5.19 and later), calls and sockets by seccomp. Where the kernel has one of
// them not, the other holds, and ta_box_gaps() says what is missing.
#ifndef TA_JOBS_BOX_H
#define TA_JOBS_BOX_H

#include <stdbool.h>

struct ta_log;

// Whole paths of files, or of folders with all that is below them. {0} lets it read what programs are made
// of.
struct ta_box {
    char **reads, **writes; // what it writes it reads, too
    int read_count, write_count;
    char *
        place; // one folder where files get their names, moved there from a folder that is written: what lies
               // there is listed, but neither read nor written, and stays unless it `replaces`; NULL: none
    char *work; // a folder that was made for it: where it stays empty it goes when the child has ended; NULL
    bool replaces;
    bool devices;  // of graphics and computing, with the local sockets and shared memory that their libraries
                   // use
    bool network;  // and what names are looked up by
    bool programs; // others than this one may be run
};
// A copy of the path, with links resolved where it is there; what is not there is nothing to read. NULL and
// "" are passed over.
void ta_box_read(struct ta_box *box, const char *path);
void ta_box_write(struct ta_box *box, const char *path);
void ta_box_set_place(struct ta_box *box, const char *path);
void ta_box_release(struct ta_box *box);
// May who is in `have` do all that `want` allows?
bool ta_box_covers(const struct ta_box *have, const struct ta_box *want);

// A box made ready in the parent, so that entering it needs no memory.
struct ta_box_ready {
    int ruleset; // -1: none
    bool network, devices;
};
// Never fails: what this kernel can't do is left out. The descriptor is closed by release().
void ta_box_make(struct ta_box_ready *out, const struct ta_box *box, struct ta_log *log);
void ta_box_ready_release(struct ta_box_ready *ready);
// In the child between fork and exec. False where the kernel refused what it had promised: the child must
// end.
bool ta_box_enter(const struct ta_box_ready *ready);

// What of it this kernel can't do, in words; "" for nothing. Static.
const char *ta_box_gaps(void);

#endif
