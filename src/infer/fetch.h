// Getting the files of networks that a manifest names.
#ifndef TA_INFER_FETCH_H
#define TA_INFER_FETCH_H

#include <stdbool.h>
#include <stdint.h>

struct ta_log;
struct ta_model;

enum ta_model_state { TA_MODEL_HERE, TA_MODEL_ABSENT, TA_MODEL_WRONG };

// What is in the folder under the model's name. `full`: by its checksum; else by its size alone, which costs
// nothing.
enum ta_model_state ta_model_state(const struct ta_model *m, const char *folder, bool full);

struct ta_fetch {
    const char *from; // a file or an address; NULL: what the manifest says
    int timeout_s;    // of a download
    // Bytes that are there; -1: waits for another process that fetches the same. May be NULL.
    void (*progress)(void *priv, const struct ta_model *m, int64_t have);
    void *priv;
    bool was_here; // afterwards: nothing had to be done
};

// Puts it as ta_model_file_name() into the folder, which is made where it is missing. Nothing but the bytes
// of the manifest's checksum ever has that name. What has come of a download that broke off stays beside it,
// and another call goes on there, also with another address. While another process fetches the same, waits
// for it. Blocks. TA_ERR_* after one message.
int ta_model_fetch(const struct ta_model *m, const char *folder, struct ta_fetch *fetch, struct ta_log *log);

// Removes it and what there is of a download. 0, also when there was nothing; *removed says whether.
int ta_model_remove(const struct ta_model *m, const char *folder, bool *removed, struct ta_log *log);

#endif
