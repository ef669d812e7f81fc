// The terminal: log messages and the status line share standard error without disturbing each other; the log
// file.
#ifndef TA_CLI_CONSOLE_H
#define TA_CLI_CONSOLE_H

#include <stdbool.h>

#include <terminalai/problem.h>

struct ta_buf;
struct ta_common_opts;
struct ta_guard;

// Thread-safety: Safe, except create, configure and destroy.
struct ta_console;

int ta_console_create(struct ta_console **out);
struct ta_log *ta_console_log(struct ta_console *c); // lives as long as the console
// Verbosity, --log-level and --log-file, which must not be a guarded file nor one that holds anything but a
// log. TA_ERR_* after a message.
int ta_console_configure(struct ta_console *c, const struct ta_common_opts *common,
                         const struct ta_guard *guard);
void ta_console_destroy(struct ta_console **c);

// Is standard error a terminal that understands a rewritten line?
bool ta_console_is_terminal(const struct ta_console *c);
bool ta_console_is_quiet(const struct ta_console *c);
// Columns of the terminal behind a descriptor; $COLUMNS, else 80, when it is none.
int ta_console_columns(int fd);

// Appends `text` with control characters and what is no UTF-8 made visible ("\x1b"): the name of a file can't
// drive the terminal then.
void ta_console_visible(struct ta_buf *out, const char *text);

// Shows `line` as the status line, which messages push down; "" removes it. Nothing when standard error is no
// terminal.
void ta_console_status(struct ta_console *c, const char *line);
// For a process that runs for months: when the log file has so many bytes it is put aside as PATH.1, the one
// of before as PATH.2, and so on; `files` with the one that is written. What is no plain file is left alone.
void ta_console_rotate(struct ta_console *c, int64_t bytes, int files);
// A line for people on standard error, whatever the log level; control characters are made visible.
void ta_console_print(struct ta_console *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
// What was told since the list was last cleared.
struct ta_problems *ta_console_problems(struct ta_console *c);

#endif
