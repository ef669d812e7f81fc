#include "media/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/sha256.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"

#define HASHED_PART ((int64_t)1 << 20)

// Feeds file bytes from..to-1 to the hash. 0 or an errno.
static int hash_range(int fd, int64_t from, int64_t to, struct ta_sha256 *hash)
{
    char block[65536];
    while (from < to) {
        size_t want = (size_t)TA_MIN((int64_t)sizeof(block), to - from);
        ssize_t got = pread(fd, block, want, (off_t)from);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EIO; // it has shrunk meanwhile
        ta_sha256_update(hash, block, (size_t)got);
        from += got;
    }
    return 0;
}

int ta_fingerprint_read_file(const char *path, struct ta_fingerprint *out, struct ta_log *log)
{
    *out = (struct ta_fingerprint){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), number = 0; // a pipe would wait for a writer
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        number = errno;
        goto end;
    }
    if (!S_ISREG(st.st_mode)) {
        number = EINVAL;
        goto end;
    }
    int64_t size = st.st_size;
    struct ta_sha256 *hash = ta_sha256_create();
    number = hash_range(fd, 0, TA_MIN(size, HASHED_PART), hash);
    if (!number)
        number = hash_range(fd, TA_MAX(size - HASHED_PART, TA_MIN(size, HASHED_PART)), size, hash);
    out->size_bytes = size;
    out->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    ta_sha256_finish(&hash, out->head_tail);
end:
    if (fd >= 0)
        close(fd);
    if (number) {
        ta_error(log, "%s: can't be read: %s", path, strerror(number));
        return ta_error_from_errno(number);
    }
    return 0;
}

int ta_source_files(const char *path, char ***files, struct ta_log *log)
{
    *files = NULL;
    if (ta_name_title(path, NULL) < 0)
        return ta_name_files(path, files);
    struct ta_title *title;
    int err = ta_title_load(&title, path, log);
    if (err < 0)
        return err;
    *files = title->files;
    int count = title->file_count;
    title->files = NULL;
    ta_title_destroy(&title);
    return count;
}

// Of a title of a DVD not all bytes of its files count.
static int add_title(const char *path, struct ta_buf *all, int64_t *bytes, struct ta_log *log)
{
    struct ta_title *title;
    int err = ta_title_load(&title, path, log);
    if (err < 0)
        return err;
    for (int i = 0; i < title->extent_count; i++)
        ta_buf_printf(all, "%d %lld %lld\n", title->extents[i].file, (long long)title->extents[i].offset,
                      (long long)title->extents[i].length);
    *bytes = title->bytes;
    ta_title_destroy(&title);
    return 0;
}

int ta_fingerprint_read(const char *path, struct ta_fingerprint *out, struct ta_log *log)
{
    if (!ta_name_is_several(path))
        return ta_fingerprint_read_file(path, out, log);
    *out = (struct ta_fingerprint){0};
    char **files;
    struct ta_buf all = {0};
    int err = ta_source_files(path, &files, log);
    if (err < 0)
        return err;
    for (char **f = files; *f && err >= 0; f++) {
        struct ta_fingerprint one;
        err = ta_fingerprint_read_file(*f, &one, log);
        ta_buf_printf(&all, "%lld %lld %s\n", (long long)one.size_bytes, (long long)one.mtime_ns,
                      one.head_tail);
        out->size_bytes += one.size_bytes;
        out->mtime_ns = f == files ? one.mtime_ns : TA_MAX(out->mtime_ns, one.mtime_ns);
    }
    ta_name_files_free(&files);
    if (err >= 0 && ta_name_title(path, NULL) >= 0)
        err = add_title(path, &all, &out->size_bytes, log);
    ta_sha256_hex(ta_buf_text(&all), all.size, out->head_tail);
    ta_buf_release(&all);
    return err;
}

bool ta_fingerprint_equal(const struct ta_fingerprint *a, const struct ta_fingerprint *b)
{
    return a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns &&
           !strcmp(a->head_tail, b->head_tail);
}
