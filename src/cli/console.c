#include "cli/console.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/utf8.h"
#include "cli/command.h"

struct part_level {
    char *part;
    enum ta_log_level level;
};

struct ta_console {
    struct ta_log *log;
    struct ta_problems *problems;
    bool terminal, colour;
    bool wraps; // long lines, at words: also a terminal that can do nothing else
    // Set by configure, read-only afterwards.
    bool quiet;
    bool show_parts; // which part speaks, in front of messages
    enum ta_log_level terminal_level, file_level;
    struct part_level *parts; // --log-level PART=LEVEL, for both
    int part_count;
    char *file_name;
    // Guarded by the lock.
    pthread_mutex_t lock;
    char *status;                     // what the status line shows; NULL when there is none
    int file;                         // -1 for none
    int64_t file_bytes, rotate_bytes; // in it; when it is put aside, 0: never
    int rotate_files;
};

// --- text that is safe on a terminal ---

void ta_console_visible(struct ta_buf *out, const char *text)
{
    ta_buf_visible(out, text, true);
}

// All of it in one write, so that a terminal never shows half a line. A standard error that is gone is
// nobody's business.
static void write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        data += n;
        size -= (size_t)n;
    }
}

// Writes `text` where the status line is, and the status line below it. Call with the lock held.
static void write_above_status(struct ta_console *c, const struct ta_buf *text)
{
    struct ta_buf all = {0};
    if (c->status)
        ta_buf_puts(&all, "\r\x1b[K");
    ta_buf_append(&all, ta_buf_text(text), text->size);
    if (c->status)
        ta_buf_puts(&all, c->status);
    write_all(STDERR_FILENO, all.data, all.size);
    ta_buf_release(&all);
}

// --- messages ---

static enum ta_log_level level_for(const struct ta_console *c, const char *component,
                                   enum ta_log_level common)
{
    size_t length = strcspn(component, " ");
    for (int i = c->part_count - 1; i >= 0; i--)
        if (!strncmp(c->parts[i].part, component, length) && !c->parts[i].part[length])
            return c->parts[i].level;
    return common;
}

// A line for people: on a terminal broken at words, so that it breaks none itself. `column`: what stands
// before it.
static void append_line(const struct ta_console *c, struct ta_buf *out, const char *text, int column)
{
    enum { INDENT = 4, LEAST = 40 };
    int width = c->wraps ? ta_console_columns(STDERR_FILENO) - 1 : INT_MAX;
    struct ta_buf line = {0};
    ta_buf_visible(&line, text, false);
    const char *rest = ta_buf_text(&line);
    for (bool first = true; width >= LEAST && *rest; first = false) {
        size_t space = strspn(rest, " "), word = strcspn(rest + space, " ");
        int columns = (int)ta_utf8_columns(rest, space + word);
        if (!first && column + columns > width && word) {
            ta_buf_printf(out, "\n%*s", INDENT, "");
            rest += space;
            column = INDENT;
            continue;
        }
        ta_buf_append(out, rest, space + word);
        column += columns;
        rest += space + word;
    }
    ta_buf_printf(out, "%s\n", rest);
    ta_buf_release(&line);
}

static void show_message(struct ta_console *c, enum ta_log_level level, const char *component,
                         const char *message)
{
    struct ta_buf line = {0};
    const char *colour = !c->colour              ? NULL
                         : level == TA_LOG_ERROR ? "\x1b[1;31m"
                         : level == TA_LOG_WARN  ? "\x1b[1;33m"
                                                 : NULL;
    const char *word = level == TA_LOG_ERROR ? "error" : level == TA_LOG_WARN ? "warning" : NULL;
    if (word)
        ta_buf_printf(&line, "%s%s:%s ", colour ? colour : "", word, colour ? "\x1b[0m" : "");
    if (c->show_parts && strcmp(component, "terminalai"))
        ta_buf_printf(&line, "[%s] ", component);
    append_line(c, &line, message, (int)line.size - (colour ? 4 + (int)strlen(colour) : 0));
    write_above_status(c, &line);
    ta_buf_release(&line);
}

static void file_message(struct ta_console *c, enum ta_log_level level, const char *component,
                         const char *message, const char *code)
{
    struct timespec now;
    struct tm parts;
    char when[32] = "";
    struct ta_buf line = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts))
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &parts);
    ta_buf_printf(&line, "%s.%03ldZ %-7s [%s] ", when, now.tv_nsec / 1000000, ta_log_level_name(level),
                  component);
    ta_buf_visible(&line, message, false);
    if (code)
        ta_buf_printf(&line, " (%s)", code);
    ta_buf_putc(&line, '\n');
    ssize_t n = write(c->file, line.data, line.size);
    c->file_bytes += n > 0 ? n : 0;
    if (n != (ssize_t)line.size) {
        int error = n < 0 ? errno : ENOSPC;
        close(c->file);
        c->file = -1;
        char *text = ta_xprintf("%s: %s; no more messages are written there", c->file_name,
                                ta_errno_text(error, (char[TA_ERRNO_TEXT]){0}));
        show_message(c, TA_LOG_WARN, "terminalai", text);
        free(text);
    }
    ta_buf_release(&line);
}

// FILE becomes FILE.1. What can't be renamed grows on.
static void put_aside(struct ta_console *c)
{
    for (int i = c->rotate_files - 1; i > 0; i--) {
        char *from = i > 1 ? ta_xprintf("%s.%d", c->file_name, i - 1) : ta_xstrdup(c->file_name),
             *to = ta_xprintf("%s.%d", c->file_name, i);
        rename(from, to);
        free(from);
        free(to);
    }
    int fd = open(c->file_name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd >= 0) {
        close(c->file);
        c->file = fd;
    }
    c->file_bytes = 0;
}

// perf-ok(io-under-lock): the lock keeps lines whole: writing is what it is for
static void on_message(void *priv, enum ta_log_level level, const char *component, const char *message,
                       const char *code)
{
    struct ta_console *c = priv;
    pthread_mutex_lock(&c->lock);
    if (c->file >= 0 && level <= level_for(c, component, c->file_level))
        file_message(c, level, component, message, code);
    if (c->file >= 0 && c->rotate_bytes && c->file_bytes >= c->rotate_bytes)
        put_aside(c);
    if (level <= level_for(c, component, c->terminal_level))
        show_message(c, level, component, message);
    pthread_mutex_unlock(&c->lock);
}

// perf-ok(io-under-lock): as on_message()
void ta_console_print(struct ta_console *c, const char *format, ...)
{
    struct ta_buf line = {0};
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    append_line(c, &line, text, 0);
    pthread_mutex_lock(&c->lock);
    write_above_status(c, &line);
    pthread_mutex_unlock(&c->lock);
    ta_buf_release(&line);
    free(text);
}

// perf-ok(io-under-lock): as on_message()
void ta_console_status(struct ta_console *c, const char *line)
{
    if (!c->terminal)
        return;
    pthread_mutex_lock(&c->lock);
    struct ta_buf text = {0};
    bool shown = c->status != NULL;
    ta_freep(&c->status);
    if (*line) {
        ta_console_visible(&text, line);
        c->status = ta_xstrdup(text.data);
    }
    if (shown || *line) {
        struct ta_buf all = {0};
        // Text first and then the rest of the old line: what stays the same is never blank.
        ta_buf_printf(&all, "\r%s\x1b[K", c->status ? c->status : "");
        write_all(STDERR_FILENO, all.data, all.size);
        ta_buf_release(&all);
    }
    pthread_mutex_unlock(&c->lock);
    ta_buf_release(&text);
}

// --- set-up ---

int ta_console_create(struct ta_console **out)
{
    struct ta_console *c = ta_xcalloc(1, sizeof(*c));
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    pthread_mutex_init(&c->lock, NULL);
    c->file = -1;
    c->terminal_level = TA_LOG_WARN;
    c->terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    c->wraps = isatty(STDERR_FILENO);
    c->colour = c->terminal && !(no_colour && *no_colour);
    int err = ta_problems_create(&c->problems);
    if (err >= 0)
        err = ta_log_create(&c->log, on_message, c);
    *out = c;
    if (err < 0) {
        ta_console_destroy(out);
        return err;
    }
    ta_log_set_level(c->log, NULL, TA_LOG_WARN);
    ta_log_collect(c->log, c->problems);
    return 0;
}

struct ta_log *ta_console_log(struct ta_console *c)
{
    return c->log;
}

// "segment=debug" or "debug"
static int apply_level(struct ta_console *c, const char *text)
{
    const char *equals = strchr(text, '=');
    int level = ta_log_level_from_name(equals ? equals + 1 : text);
    if (level < 0 || equals == text) {
        struct ta_buf quoted = {0};
        ta_buf_quote(&quoted, text);
        ta_error(
            c->log,
            "%s for log-level: must be LEVEL or PART=LEVEL with LEVEL one of quiet, error, warn, info, verbose, debug",
            quoted.data);
        ta_buf_release(&quoted);
        return TA_ERR_INVALID;
    }
    if (!equals) {
        c->terminal_level = c->file_level = (enum ta_log_level)level;
        return 0;
    }
    c->parts = ta_xrealloc(c->parts, (size_t)(c->part_count + 1) * sizeof(*c->parts));
    c->parts[c->part_count++] = (struct part_level){.part = ta_xstrndup(text, (size_t)(equals - text)),
                                                    .level = (enum ta_log_level)level};
    return 0;
}

// "2026-11-29T15:04:05.678Z info ": does a file that is there begin as one of ours does?
static bool is_log(const char *path, const struct stat *opened)
{
    static const char form[] = "0000-00-00T00:00:00.000Z ";
    char head[sizeof form - 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is = fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == opened->st_dev && st.st_ino == opened->st_ino &&
              pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head;
    for (size_t i = 0; is && i < sizeof head; i++)
        is = form[i] == '0' ? head[i] >= '0' && head[i] <= '9' : head[i] == form[i];
    if (fd >= 0)
        close(fd);
    return is;
}

// Messages are added to a log, to a file without anything in it, and to what is no file; never to a file that
// holds something else, which a source does.
static int open_log(struct ta_console *c, const char *path, const struct ta_guard *guard)
{
    struct stat st;
    const char *why = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int error = errno;
        ta_error(c->log, "%s: cannot write the log: %s", path, strerror(error));
        if (fd >= 0)
            close(fd);
        return ta_error_from_errno(error);
    }
    if (ta_guard_find(guard, path))
        why = "this call reads it or makes it";
    else if (S_ISREG(st.st_mode) && st.st_size > 0 && !is_log(path, &st))
        why = "it holds something else";
    if (why) {
        ta_error(c->log, "%s: no log is written there: %s", path, why);
        close(fd);
        return TA_ERR_EXISTS;
    }
    c->file_name = ta_xstrdup(path);
    c->file = fd;
    return 0;
}

int ta_console_configure(struct ta_console *c, const struct ta_common_opts *common,
                         const struct ta_guard *guard)
{
    int level = TA_LOG_WARN + common->verbose;
    c->quiet = common->quiet && !common->verbose;
    c->show_parts = common->verbose > 1;
    c->terminal_level = c->quiet ? TA_LOG_ERROR : (enum ta_log_level)TA_MIN(level, (int)TA_LOG_DEBUG);
    c->file_level = TA_MAX(c->terminal_level, TA_LOG_VERBOSE);
    for (int i = 0; i < common->log_level.count; i++) {
        int err = apply_level(c, common->log_level.items[i]);
        if (err < 0)
            return err;
    }
    if (common->log_file) {
        int err = open_log(c, common->log_file, guard);
        if (err < 0)
            return err;
    }
    ta_log_set_level(c->log, NULL,
                     c->file < 0 ? c->terminal_level : TA_MAX(c->terminal_level, c->file_level));
    for (int i = 0; i < c->part_count; i++)
        ta_log_set_level(c->log, c->parts[i].part, c->parts[i].level);
    return 0;
}

void ta_console_rotate(struct ta_console *c, int64_t bytes, int files)
{
    struct stat st;
    pthread_mutex_lock(&c->lock);
    if (c->file >= 0 && fstat(c->file, &st) == 0 && S_ISREG(st.st_mode)) {
        c->file_bytes = st.st_size;
        c->rotate_bytes = bytes;
        c->rotate_files = files;
    }
    pthread_mutex_unlock(&c->lock);
}

void ta_console_destroy(struct ta_console **console)
{
    struct ta_console *c = *console;
    if (!c)
        return;
    if (c->log)
        ta_console_status(c, "");
    ta_log_destroy(&c->log);
    ta_problems_destroy(&c->problems);
    if (c->file >= 0)
        close(c->file);
    for (int i = 0; i < c->part_count; i++)
        free(c->parts[i].part);
    free(c->parts);
    free(c->file_name);
    free(c->status);
    pthread_mutex_destroy(&c->lock);
    ta_freep(console);
}

bool ta_console_is_terminal(const struct ta_console *c)
{
    return c->terminal;
}

bool ta_console_is_quiet(const struct ta_console *c)
{
    return c->quiet;
}

int ta_console_columns(int fd)
{
    struct winsize size;
    int64_t columns;
    if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col > 0)
        return size.ws_col;
    const char *text = getenv("COLUMNS");
    if (text && !ta_int_parse(text, &columns) && columns > 0 && columns < 10000)
        return (int)columns;
    return 80;
}

struct ta_problems *ta_console_problems(struct ta_console *c)
{
    return c->problems;
}
