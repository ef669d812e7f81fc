// The tuning file, changed by its lines.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tuning.h"
#include "perf/patch.h"
#include "recipe/folders.h"

enum { FILE_LIMIT = 1 << 20 };

static bool *switch_of(struct ta_tuning *t, const char *id)
{
    for (const struct ta_opt *o = ta_tuning_options; o->name; o++)
        if (!strcmp(o->name, id))
            return (bool *)((char *)t + o->offset);
    return NULL;
}

// "ID: value   # why" with another value; the rest of the line as it is.
static void put_line(const char *line, size_t size, const char *id, bool on, struct ta_buf *out)
{
    size_t begin = strlen(id) + 1, end;
    while (begin < size && (line[begin] == ' ' || line[begin] == '\t'))
        begin++;
    for (end = begin; end < size && line[end] != ' ' && line[end] != '\t' && line[end] != '\r'; end++)
        ;
    ta_buf_append(out, line, strlen(id) + 1);
    if (begin == strlen(id) + 1)
        ta_buf_putc(out, ' ');
    else
        ta_buf_append(out, line + strlen(id) + 1, begin - strlen(id) - 1);
    ta_buf_puts(out, on ? "on" : "off");
    ta_buf_append(out, line + end, size - end);
}

static int id_of_line(const char *line, size_t size, const bool which[TA_PATCH_COUNT])
{
    for (int i = 0; i < TA_PATCH_COUNT; i++) {
        size_t n = strlen(ta_patches[i].id);
        if (which[i] && size > n && !strncmp(line, ta_patches[i].id, n) && line[n] == ':')
            return i;
    }
    return -1;
}

static void edit_lines(const char *before, const bool which[TA_PATCH_COUNT], bool on, struct ta_buf *after)
{
    bool seen[TA_PATCH_COUNT] = {false};
    for (const char *p = before; *p;) {
        size_t size = strcspn(p, "\n");
        int i = id_of_line(p, size, which);
        if (i >= 0) {
            put_line(p, size, ta_patches[i].id, on, after);
            seen[i] = true;
        } else {
            ta_buf_append(after, p, size);
        }
        if (p[size])
            ta_buf_putc(after, '\n');
        p += size + (p[size] != 0);
    }
    for (int i = 0; i < TA_PATCH_COUNT; i++) {
        if (!which[i] || seen[i] || on) // what no line speaks of is applied
            continue;
        if (after->size && after->data[after->size - 1] != '\n')
            ta_buf_putc(after, '\n');
        ta_buf_printf(after, "%s: off\n", ta_patches[i].id);
    }
}

// Reads a text as the program reads its file.
static int read_text(const char *text, struct ta_tuning *t, struct ta_log *log)
{
    char *dir = ta_temporary_folder(), *path = ta_path_join(dir, "ta-tuning-XXXXXX");
    int fd = mkstemp(path), err = fd < 0 ? ta_error_from_errno(errno) : 0;
    if (err < 0)
        ta_error(log, "%s: %s", path, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
    else
        err = ta_file_write_fd(fd, text, strlen(text)) < 0 ? TA_ERR_IO : 0;
    if (err >= 0)
        err = ta_tuning_load(t, path, NULL) ? 0 : TA_ERR_FORMAT;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    free(dir);
    return err;
}

static bool is_set(struct ta_tuning *t, const bool which[TA_PATCH_COUNT], bool on)
{
    for (int i = 0; i < TA_PATCH_COUNT; i++)
        if (which[i] && *switch_of(t, ta_patches[i].id) != on)
            return false;
    return true;
}

int ta_patch_edit(const char *before, const bool which[TA_PATCH_COUNT], bool on, struct ta_buf *after,
                  struct ta_log *log)
{
    struct ta_tuning old, now;
    struct ta_buf text = {0};
    ta_tuning_defaults(&old);
    int err = before ? read_text(before, &old, log) : 0;
    if (err == TA_ERR_FORMAT)
        ta_error(log, "the tuning file can't be read, so that all of it is applied; mend or remove it first");
    if (err >= 0 && before)
        edit_lines(before, which, on, &text);
    bool good = err >= 0 && before && read_text(ta_buf_text(&text), &now, log) >= 0 &&
                is_set(&now, which, on);
    if (good) { // nothing else may have changed
        struct ta_tuning wanted = old;
        for (int i = 0; i < TA_PATCH_COUNT; i++)
            if (which[i])
                *switch_of(&wanted, ta_patches[i].id) = on;
        good = !memcmp(&wanted, &now, sizeof now);
    }
    if (err >= 0 && good) {
        ta_buf_append(after, text.data, text.size);
    } else if (err >= 0) {
        for (int i = 0; i < TA_PATCH_COUNT; i++)
            if (which[i])
                *switch_of(&old, ta_patches[i].id) = on;
        ta_tuning_text(&old, after);
    }
    ta_buf_release(&text);
    return err;
}

static bool has_line(const char *text, const char *line, size_t size)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        if (n == size && !strncmp(p, line, n))
            return true;
        p += n + (p[n] != 0);
    }
    return false;
}

static void append_lines(const char *from, const char *other, char sign, struct ta_buf *out)
{
    for (const char *p = from; *p;) {
        size_t n = strcspn(p, "\n");
        if (!has_line(other, p, n))
            ta_buf_printf(out, "%c%.*s\n", sign, (int)n, p);
        p += n + (p[n] != 0);
    }
}

void ta_patch_diff(const char *before, const char *after, struct ta_buf *out)
{
    append_lines(before ? before : "", after, '-', out);
    append_lines(after, before ? before : "", '+', out);
}

// ---- a change ----

struct change {
    const struct ta_patch_change *c;
    struct ta_log *log;
    struct ta_buf before, after;
    bool existed;
    char *backup; // its file
};

static void tell(const struct change *x, const char *text)
{
    if (x->c->told && *text)
        x->c->told(x->c->priv, text);
}

static char *backup_file(const struct ta_patch_change *c)
{
    const char *id = "all";
    int count = 0;
    for (int i = 0; i < TA_PATCH_COUNT; i++) {
        if (c->which[i]) {
            id = ta_patches[i].id;
            count++;
        }
    }
    return ta_xprintf("%s.before-%s", c->file, count == 1 ? id : "all");
}

static int read_before(struct change *x)
{
    x->existed = access(x->c->file, F_OK) == 0;
    return x->existed ? ta_file_read(x->c->file, FILE_LIMIT, &x->before, x->log) : 0;
}

// Was the file, as it is, made out of the backup by the same change? Then that is what comes back.
static bool use_backup(struct change *x, struct ta_buf *old)
{
    struct ta_buf made = {0};
    bool is = !x->c->on && access(x->backup, R_OK) == 0 &&
              ta_file_read(x->backup, FILE_LIMIT, old, NULL) >= 0 &&
              ta_patch_edit(old->size ? old->data : NULL, x->c->which, true, &made, NULL) >= 0 &&
              made.size == x->before.size && (!made.size || !memcmp(made.data, x->before.data, made.size));
    ta_buf_release(&made);
    return is;
}

static int write_file(const struct change *x, const struct ta_buf *text)
{
    char *dir = ta_path_dir(x->c->file);
    int err = ta_dir_create_above(x->c->file, 0777, x->log);
    if (err >= 0)
        err = ta_dir_create(dir, x->log);
    if (err >= 0)
        err = ta_file_write_atomic(x->c->file, ta_buf_text(text), text->size, x->log);
    free(dir);
    return err;
}

static void tell_gain(const struct ta_patch_change *c, const struct ta_patch *p, const struct ta_gain *g)
{
    if (!c->told)
        return;
    char *text = ta_xprintf(
        "%s: %s; %.3g times as fast as without (95 %%: %.3g to %.3g; %d pairs; %.4g for %.4g %s)\n", p->id,
        g->same ? "the same comes out" : "something else comes out", g->ratio, g->low, g->high, g->pairs,
        g->with, g->without, p->unit);
    c->told(c->priv, text);
    free(text);
}

static int validate_locked(const struct ta_patch_change *c, struct ta_log *log)
{
    int result = 0;
    for (int i = 0; i < TA_PATCH_COUNT && (result >= 0 || result == TA_ERR_MISMATCH); i++) {
        struct ta_gain g = {0};
        if (!c->which[i])
            continue;
        int err = ta_patch_try(&ta_patches[i], c->program, c->pairs, &g, log);
        if (err < 0)
            return err;
        tell_gain(c, &ta_patches[i], &g);
        if (!ta_gain_holds(&g)) {
            ta_error(log, "%s does not hold here: %s", ta_patches[i].id,
                     g.same ? "it is slower with it"
                            : "what comes out with it is not what comes out without");
            result = TA_ERR_MISMATCH;
        }
        err = ta_gains_keep(c->gains, ta_patches[i].id, &g, log);
        result = err < 0 ? err : result;
    }
    return result;
}

static int apply(struct change *x)
{
    // Tried on a copy: the file never says that something is applied that does not hold.
    int err = validate_locked(x->c, x->log);
    if (err < 0) {
        tell(x, "not applied: the file is as it was\n");
        return err;
    }
    if (x->c->backup)
        err = ta_file_write_atomic(x->backup, ta_buf_text(&x->before), x->before.size, x->log);
    return err < 0 ? err : write_file(x, &x->after);
}

static int revert(struct change *x, const struct ta_buf *old, bool from_backup)
{
    int err = 0;
    if (from_backup && !old->size) // there was no file
        err = unlink(x->c->file) < 0 ? ta_error_from_errno(errno) : 0;
    else
        err = write_file(x, from_backup ? old : &x->after);
    if (err >= 0 && from_backup)
        unlink(x->backup);
    return err;
}

static int change_locked(struct change *x)
{
    struct ta_buf old = {0}, diff = {0};
    int err = read_before(x);
    bool from_backup = false;
    if (err >= 0)
        err = ta_patch_edit(x->existed ? ta_buf_text(&x->before) : NULL, x->c->which, x->c->on, &x->after,
                            x->log);
    if (err >= 0 && !x->existed && x->c->on)
        ta_buf_clear(&x->after); // without a file all is applied
    if (err >= 0) {
        from_backup = use_backup(x, &old);
        ta_patch_diff(ta_buf_text(&x->before), ta_buf_text(from_backup ? &old : &x->after), &diff);
        tell(x, diff.size  ? ta_buf_text(&diff)
                : x->c->on ? "applied already: nothing changes\n"
                           : "nothing changes\n");
    }
    if (err >= 0 && diff.size && !x->c->dry_run)
        err = x->c->on ? apply(x) : revert(x, &old, from_backup);
    ta_buf_release(&diff);
    ta_buf_release(&old);
    return err;
}

// One tool at a time changes the file, and measures; the lock ends with the process, however that ends.
static int take_lock(const struct ta_patch_change *c, int *lock, struct ta_log *log)
{
    char *dir = ta_path_dir(c->gains), *name = ta_xprintf("%s.lock", c->gains);
    int err = ta_dir_create_above(c->gains, 0777, log);
    *lock = -1;
    if (err >= 0)
        err = ta_dir_create(dir, log);
    if (err >= 0) {
        *lock = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
        if (*lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) < 0) {
            err = errno == EWOULDBLOCK ? TA_ERR_BUSY : ta_error_from_errno(errno);
            if (err == TA_ERR_BUSY)
                ta_error(
                    log,
                    "another \"perf patch\" is at work, and measures; nothing was changed; try again when it "
                    "has ended");
            else
                ta_error(log, "%s: %s", name, ta_errno_text(errno, (char[TA_ERRNO_TEXT]){0}));
        }
    }
    free(name);
    free(dir);
    return err;
}

int ta_patch_change(const struct ta_patch_change *c, struct ta_log *log)
{
    struct change x = {.c = c, .log = log, .backup = backup_file(c)};
    int lock = -1, err = c->dry_run ? 0 : take_lock(c, &lock, log);
    if (err >= 0)
        err = change_locked(&x);
    if (lock >= 0)
        close(lock);
    ta_buf_release(&x.before);
    ta_buf_release(&x.after);
    free(x.backup);
    return err;
}

int ta_patch_validate(const struct ta_patch_change *c, struct ta_log *log)
{
    int lock = -1, err = take_lock(c, &lock, log);
    if (err >= 0)
        err = validate_locked(c, log);
    if (lock >= 0)
        close(lock);
    return err;
}
