// Indexes kept from run to run. The cache is a help only: whatever goes wrong with it, the index is made
// anew.
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/dir.h"
#include "base/folder.h"
#include "base/kept.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/index/index.h"
#include "media/source.h"

#define CACHE_BYTES ((int64_t)512 << 20)
#define CACHE_VERSION 13 // raise when the same file would be indexed differently

// Made when it is not there. One of another user (of who called sudo, for example) is not used.
static bool make_own(const char *path)
{
    struct ta_folder f;
    bool made, own = ta_folder_make(&f, path, &made, NULL) >= 0 && ta_folder_own(&f, NULL) >= 0;
    ta_folder_close(&f);
    return own;
}

// The folder; NULL when there is none to be had.
static char *index_dir(const char *cache)
{
    if (!cache)
        return NULL;
    char *parent = ta_path_dir(cache);
    bool there = ta_dir_create(parent, NULL) >= 0 && make_own(cache);
    free(parent);
    if (!there)
        return NULL;
    char *dir = ta_path_join(cache, "index");
    if (!make_own(dir))
        ta_freep(&dir);
    return dir;
}

// What is indexed, by whom: another version of libavformat may read the same file differently.
char *ta_index_cache_path(const char *cache, const struct ta_fingerprint *f, bool decode_all, const char *key,
                          const char *extension)
{
    char *dir = index_dir(cache);
    if (!dir)
        return NULL;
    char sum[TA_SHA256_HEX];
    char *all = ta_xprintf("%lld %lld %s %d %d %u %u%s%s", (long long)f->size_bytes, (long long)f->mtime_ns,
                           f->head_tail, CACHE_VERSION, decode_all, avformat_version(), avcodec_version(),
                           key[0] ? " " : "", key);
    ta_sha256_hex(all, strlen(all), sum);
    free(all);
    char *name = ta_xprintf("%s.%s", sum, extension), *path = ta_path_join(dir, name);
    free(name);
    free(dir);
    return path;
}

struct ta_index *ta_index_cached(const char *path, bool decode_all, const char *cache)
{
    struct ta_index *index = NULL;
    struct ta_fingerprint f;
    if (!cache || ta_fingerprint_read(path, &f, NULL) < 0)
        return NULL;
    char *file = ta_index_cache_path(cache, &f, decode_all, "", "bin");
    if (file && access(file, R_OK) == 0 && ta_index_load(&index, file, NULL) >= 0 &&
        !ta_fingerprint_equal(&index->source, &f))
        ta_index_destroy(&index);
    free(file);
    return index;
}

int ta_index_get(struct ta_index **out, struct ta_source *source, bool decode_all, const char *cache,
                 const struct ta_progress_fn *progress, struct ta_log *log)
{
    *out = NULL;
    struct ta_fingerprint f;
    int err = ta_fingerprint_read(source->path, &f, log);
    if (err < 0)
        return err;
    char *path = ta_index_cache_path(cache, &f, decode_all, "", "bin");
    if (path && access(path, R_OK) == 0 && ta_index_load(out, path, NULL) >= 0) {
        if (ta_fingerprint_equal(&(*out)->source, &f) && ta_index_is_for(*out, source)) {
            ta_verbose(log, "%s: the index is taken from %s", source->path, path);
            utimensat(AT_FDCWD, path, NULL, 0); // used now
            goto end;
        }
        ta_index_destroy(out);
    }
    err = ta_index_create(out, source, decode_all, progress, log);
    if (err >= 0 && path && ta_index_save(*out, path, NULL) >= 0) {
        char *dir = ta_path_dir(path);
        ta_kept_prune(dir, CACHE_BYTES, INT_MAX, 0);
        free(dir);
    }
end:
    free(path);
    return err;
}
