#include "jobs/folders.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "jobs/watch.h"

enum { ADDED_MAX = 100, LOOK_SECONDS = 5 };

struct ta_folders {
    struct ta_jobs *jobs;
    const struct ta_watch_folder *configured;
    int configured_count;
    char *file, *config;
    struct ta_log *log;
    pthread_mutex_t lock;          // of all that follows
    json_t *entries;               // those that were added, as they were described
    json_t *unread;                // of the file, not watched for what is wrong with them, and kept in it
    struct ta_watch_folder *added; // the same, read
    int added_count;
    struct ta_watch_folder *all; // shallow copies of both, which the watch borrows
    struct ta_watch *watch;      // NULL: there is no folder
};

static int begin(struct ta_folders *f)
{
    int count = f->configured_count + f->added_count;
    f->all = ta_xrealloc(f->all, (size_t)TA_MAX(count, 1) * sizeof(*f->all));
    for (int i = 0; i < count; i++)
        f->all[i] = i < f->configured_count ? f->configured[i] : f->added[i - f->configured_count];
    return count ? ta_watch_open(&f->watch, f->jobs, f->all, count, f->log) : 0;
}

static const struct ta_watch_folder *find(const struct ta_folders *f, const char *root)
{
    for (int i = 0; i < f->configured_count; i++)
        if (!strcmp(f->configured[i].root, root))
            return &f->configured[i];
    for (int i = 0; i < f->added_count; i++)
        if (!strcmp(f->added[i].root, root))
            return &f->added[i];
    return NULL;
}

// Reads a description and keeps it. The watch has its own list, and is not told.
static int add(struct ta_folders *f, const json_t *entry, const char *where, struct ta_log *log)
{
    struct ta_watch_folder one;
    int err = ta_watch_folder_read(&one, entry, where, "watch", NULL, f->config, log);
    if (err < 0)
        return err;
    if (find(f, one.root)) {
        ta_error(log, "%s is watched already", one.root);
        err = TA_ERR_EXISTS;
    } else if (f->added_count == ADDED_MAX) {
        ta_error(log, "%d folders are watched that were added, and that is as many as can be", ADDED_MAX);
        err = TA_ERR_LIMIT;
    }
    if (err < 0) {
        ta_watch_folder_release(&one);
        return err;
    }
    f->added = ta_xrealloc(f->added, (size_t)(f->added_count + 1) * sizeof(*f->added));
    f->added[f->added_count++] = one;
    json_array_append_new(f->entries, json_deep_copy(entry));
    return 0;
}

static void take_out(struct ta_folders *f, int index)
{
    ta_watch_folder_release(&f->added[index]);
    memmove(f->added + index, f->added + index + 1, (size_t)(--f->added_count - index) * sizeof(*f->added));
    json_array_remove(f->entries, (size_t)index);
}

static int save(const struct ta_folders *f, struct ta_log *log)
{
    json_t *all = json_copy(f->entries), *root = json_pack("{s:o}", "watch", all);
    json_array_extend(all, f->unread);
    char *text = ta_json_text(root);
    int err = ta_file_write_atomic(f->file, text, strlen(text), log);
    free(text);
    json_decref(root);
    return err;
}

static void load(struct ta_folders *f)
{
    json_t *root = NULL;
    if (access(f->file, F_OK) < 0)
        return;
    if (ta_json_load(f->file, &root, f->log) < 0) {
        char *aside = ta_xprintf("%s.damaged", f->file);
        bool moved = rename(f->file, aside) == 0; // the next folder that is added would take its place
        ta_warn(f->log, "%s can't be read: the folders that were added are not watched%s%s", f->file,
                moved ? "; it was moved aside, to " : "", moved ? aside : "");
        free(aside);
        return;
    }
    const json_t *list = json_object_get(root, "watch");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (add(f, json_array_get(list, i), f->file, f->log) < 0) {
            ta_warn(f->log, "a folder of %s is not watched", f->file);
            json_array_append(f->unread, json_array_get(list, i));
        }
    json_decref(root);
}

int ta_folders_open(struct ta_folders **out, struct ta_jobs *jobs, const struct ta_watch_folder *configured,
                    int count, const char *state, const char *config, struct ta_log *log)
{
    struct ta_folders *f = ta_xcalloc(1, sizeof(*f));
    f->jobs = jobs;
    f->configured = configured;
    f->configured_count = count;
    f->file = ta_path_join(state, "folders.json");
    f->config = config ? ta_xstrdup(config) : NULL;
    f->log = log;
    f->entries = json_array();
    f->unread = json_array();
    pthread_mutex_init(&f->lock, NULL);
    load(f);
    int err = begin(f);
    if (err < 0)
        ta_folders_close(&f);
    *out = f;
    return err;
}

void ta_folders_close(struct ta_folders **out)
{
    struct ta_folders *f = *out;
    if (!f)
        return;
    ta_watch_close(&f->watch);
    while (f->added_count)
        take_out(f, f->added_count - 1);
    json_decref(f->entries);
    json_decref(f->unread);
    pthread_mutex_destroy(&f->lock);
    free(f->added);
    free(f->all);
    free(f->file);
    free(f->config);
    ta_freep(out);
}

json_t *ta_folders_json(struct ta_folders *f)
{
    pthread_mutex_lock(&f->lock);
    json_t *list = f->watch ? ta_watch_json(f->watch) : json_array(), *one;
    size_t i;
    json_array_foreach(list, i, one)
        json_object_set_new(one, "added", json_boolean((int)i >= f->configured_count));
    pthread_mutex_unlock(&f->lock);
    return list;
}

// perf-ok(block-under-lock, io-under-lock): a person adds one, and all of it is one step
int ta_folders_add(struct ta_folders *f, const json_t *entry, struct ta_log *log)
{
    pthread_mutex_lock(&f->lock);
    int err = add(f, entry, "watch", log);
    if (err >= 0 && (err = save(f, log)) < 0)
        take_out(f, f->added_count - 1);
    if (err >= 0) {
        ta_watch_close(&f->watch);
        err = begin(f);
        if (err < 0) { // as it was
            take_out(f, f->added_count - 1);
            save(f, f->log);
            begin(f);
        } else { // what is put into the folder after the answer is new, and becomes a job
            ta_watch_wait(f->watch, LOOK_SECONDS);
        }
    }
    pthread_mutex_unlock(&f->lock);
    return err;
}

// perf-ok(block-under-lock, io-under-lock): as ta_folders_add()
int ta_folders_remove(struct ta_folders *f, const char *path, struct ta_log *log)
{
    char *root = ta_path_absolute(path);
    int index = 0, err = 0;
    pthread_mutex_lock(&f->lock);
    while (index < f->added_count && strcmp(f->added[index].path, path) != 0 &&
           strcmp(f->added[index].root, root) != 0)
        index++;
    if (index == f->added_count) {
        err = find(f, root) ? TA_ERR_ACCESS : TA_ERR_NOT_FOUND;
    } else {
        json_t *entry = json_incref(json_array_get(f->entries, (size_t)index));
        json_array_remove(f->entries, (size_t)index);
        err = save(f, log);
        json_array_insert_new(f->entries, (size_t)index, entry);
        if (err >= 0) {
            ta_watch_close(&f->watch);
            take_out(f, index);
            err = begin(f);
        }
    }
    pthread_mutex_unlock(&f->lock);
    free(root);
    return err;
}
