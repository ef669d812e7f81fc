// Which box the work of a job needs (box.h): exactly its files, and more only where an engine or a download
// does.
#ifndef TA_JOBS_BOX_JOB_H
#define TA_JOBS_BOX_JOB_H

#include <jansson.h>

#include "jobs/box.h"

// What is the same for all work of a service. Borrowed.
struct ta_box_rules {
    const char *config;       // the configuration that workers are given; NULL: the user's own
    const char *const *roots; // the folders that were opened to clients
    int root_count;
};

// What is worked on. "" for what is not there.
struct ta_box_work {
    const char *input, *output, *work_dir;
    const json_t *options; // an object of texts; NULL: none
    bool makes;            // writes the output; else it is looked at
    bool exactly; // and of what lies beside it nothing else, where that can be: box->work is its folder then,
                  // and the file is to be joined there (base/env.h)
};
// For restoring it, or looking at it, which reads the roots as well. A job that needs an engine gets a box
// with devices that reads the roots as well, so that its worker can go on with the next such job and keep
// what it has loaded.
void ta_box_for_work(struct ta_box *box, const struct ta_box_rules *rules, const struct ta_box_work *work);
// For a worker that is there before its first job: what the roots hold it reads and writes.
void ta_box_for_any(struct ta_box *box, const struct ta_box_rules *rules);
// For getting the film of an address into a folder, which is made.
void ta_box_for_download(struct ta_box *box, const char *folder);
// For a question to a viewer (viewer.h). It reads the roots, so that the next question needs no other viewer,
// and writes nothing but what is kept of the answer; to get a network it reaches the network and nothing
// else.
void ta_box_for_question(struct ta_box *box, const struct ta_box_rules *rules, const json_t *question);

#endif
