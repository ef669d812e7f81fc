// Option tables. One table a component describes its options once; command line, --help, completion, YAML,
// JSON and docs/options.md all come from it. Values live in a plain struct of the component; a table entry
// knows the field's offset.
#ifndef TA_BASE_OPT_H
#define TA_BASE_OPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ta_buf;
struct ta_log;
struct ta_marks;
struct ta_opt;

// What a field is in C; lets ta_opt_defaults() see that TA_FIELD and the kind speak of the same type.
enum ta_opt_type {
    TA_OPT_TYPE_OTHER = 0,
    TA_OPT_TYPE_BOOL,
    TA_OPT_TYPE_INT,
    TA_OPT_TYPE_INT64,
    TA_OPT_TYPE_DOUBLE,
    TA_OPT_TYPE_TEXT,
    TA_OPT_TYPE_FLOATS,
    TA_OPT_TYPE_TIME,
    TA_OPT_TYPE_RANGE,
};

// How a kind of value is read and written. `field` points at the field in the options struct. Stateless,
// shared.
struct ta_opt_kind {
    const char *name;   // "integer", "number", "text", "choice", "switch", "size", "time", ...
    const char *syntax; // for help, such as "N", "FILE", "START-END"; an option may override it; NULL for
                        // none (switches)
    // 0, or TA_ERR_INVALID with a reason in `why` that reads well after "VALUE for NAME: " ("must lie in
    // 0..51"). On success frees what the field owned before; on failure leaves the field alone.
    int (*parse)(const struct ta_opt *o, const char *text, void *field, struct ta_buf *why);
    // Appends the canonical text; parse(format(x)) == x.
    void (*format)(const struct ta_opt *o, const void *field, struct ta_buf *out);
    void (*release)(void *field); // frees what the field owns and zeroes it; NULL when it owns nothing
    enum ta_opt_type type;        // OTHER: a kind of one component alone; not checked
};

// A field is at most that many bytes.
#define TA_OPT_FIELD_MAX 256

extern const struct ta_opt_kind ta_opt_switch; // bool: on/off, yes/no, true/false, 1/0; formats as on/off
extern const struct ta_opt_kind ta_opt_int;    // int64_t in min..max
extern const struct ta_opt_kind ta_opt_float;  // double in min..max, finite
extern const struct ta_opt_kind ta_opt_floats; // struct ta_floats: "3:2:3:2", each in min..max; "" is none
extern const struct ta_opt_kind ta_opt_text;   // char *, owned, valid UTF-8; "" is NULL
extern const struct ta_opt_kind ta_opt_path; // char *, owned, any bytes: names of files need not be UTF-8; ""
                                             // (NULL) only where the default is ""
extern const struct ta_opt_kind ta_opt_choice; // int: index into choices
extern const struct ta_opt_kind ta_opt_bytes;  // int64_t: "2G", "64k", "1.5MiB", "1000"; powers of 1024
extern const struct ta_opt_kind ta_opt_time;   // struct ta_time: "1:23:45.5", "90", "90s", "25%", "1200f", ""
extern const struct ta_opt_kind ta_opt_range;  // struct ta_range: "START-END", "START-", "-END", "" (all)

struct ta_floats {
    double v[8];
    int count;
};

struct ta_time {
    enum { TA_TIME_NONE = 0, TA_TIME_SECONDS, TA_TIME_PERCENT, TA_TIME_FRAMES } unit;
    double value; // >= 0; percent 0..100; frames whole
};

struct ta_range {
    struct ta_time start, end; // unit NONE: from the start, to the end
};

enum ta_opt_flags {
    TA_OPT_ADVANCED = 1,   // hidden from short help and the basic form
    TA_OPT_HIDDEN = 2,     // works, but no help
    TA_OPT_DEPRECATED = 4, // works with a warning: `help` says what to use
};

struct ta_choice {
    const char *name; // NULL ends the list
    const char *help; // may be NULL
};

// Ends with an entry of name NULL.
struct ta_opt {
    const char *name; // words joined by '-': command line "--name", YAML and JSON key "name"
    const struct ta_opt_kind *kind;
    size_t offset; // TA_FIELD sets the next three
    size_t size;
    enum ta_opt_type type;
    const char *def; // default as text; NULL means that the zeroed field is the default
    double min, max; // integer, number, each of floats, size; min == max == 0: no limits; one side: INFINITY
    int min_count, max_count; // floats: how many; max_count 0: up to 8
    const struct ta_choice *choices;
    const char *syntax; // overrides the kind's
    const char *unit;   // "seconds", "dB"; may be NULL
    const char *help;   // one sentence, lower-case start, no full stop
    unsigned flags;
    char letter; // short option on the command line, or 0
};

// In a table entry, sets offset, size and type of a field; does not compile unless the field has exactly the
// type `want`:
//     {.name = "crf", .kind = &ta_opt_int, TA_FIELD(struct x, crf, int64_t), .def = "18", .max = 51}
#define TA_FIELD(owner, field, want)                                                               \
    .offset = offsetof(owner, field) + TA_OPT_SAME_TYPE(owner, field, want), .size = sizeof(want), \
    .type = TA_OPT_TYPE_OF(want)

// 0, or an array of negative size.
#define TA_OPT_SAME_TYPE(owner, field, want) \
    (0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((owner *)0)->field), want) ? 1 : -1]))

#define TA_OPT_TYPE_OF(want) \
    _Generic(*(want *)0, bool                                                                                \
             : TA_OPT_TYPE_BOOL, int                                                                         \
             : TA_OPT_TYPE_INT, int64_t                                                                      \
             : TA_OPT_TYPE_INT64, double                                                                     \
             : TA_OPT_TYPE_DOUBLE, char *                                                                    \
             : TA_OPT_TYPE_TEXT, struct ta_floats                                                            \
             : TA_OPT_TYPE_FLOATS, struct ta_time                                                            \
             : TA_OPT_TYPE_TIME, struct ta_range                                                             \
             : TA_OPT_TYPE_RANGE, default                                                                    \
             : TA_OPT_TYPE_OTHER)

// The entry with this name, or NULL. A name is always written with '-'.
const struct ta_opt *ta_opt_find(const struct ta_opt *table, const char *name);
// Fills all fields from the defaults. `values` must be zeroed (or released) before. Aborts with a message
// when a table contradicts itself (a default that does not parse, a field of another type than the kind's): a
// test of each table's defaults finds that.
void ta_opt_defaults(const struct ta_opt *table, void *values);
// Sets one option. On failure logs "WHERE: VALUE for NAME: reason" (where may be NULL) and leaves the old
// value. Returns 0 or TA_ERR_INVALID.
int ta_opt_set(const struct ta_opt *o, void *values, const char *text, const char *where, struct ta_log *log);
// The canonical text of a field; freed by the caller.
char *ta_opt_text_of(const struct ta_opt *o, const void *values);
bool ta_opt_is_default(const struct ta_opt *o, const void *values);
// Frees what the fields own; those are zero then. The others are left as they are.
void ta_opt_release(const struct ta_opt *table, void *values);

// {"name": value, ...} in table order, without deprecated options: numbers as JSON numbers, switches as
// booleans, the rest as text.
json_t *ta_opt_to_json(const struct ta_opt *table, const void *values);
// The reverse, defaults for what is missing; `values` zeroed or released before. Unknown keys and bad values
// are errors that name `where` and the nearest name. Returns 0, or TA_ERR_INVALID (TA_ERR_FORMAT when
// `object` is no object), with all fields released and zero.
int ta_opt_from_json(const struct ta_opt *table, void *values, const json_t *object, const char *where,
                     struct ta_log *log);
// For what a program wrote: is every option there, so that nothing becomes a default unseen? TA_ERR_FORMAT,
// which names the first that is missing; also when `object` is no object.
int ta_opt_require_all(const struct ta_opt *table, const json_t *object, const char *where,
                       struct ta_log *log);
// Sets only what `object` holds, over what is there. Messages say "FILE:LINE" when `marks` (see tree.h; may
// be NULL) know the line; `path` is the place of `object` in that file ("video.stages.0", "" for the root).
// On failure some of the fields may have been set.
int ta_opt_merge_json(const struct ta_opt *table, void *values, const json_t *object, const char *file,
                      const struct ta_marks *marks, const char *path, struct ta_log *log);
// A JSON scalar as option text ("3:2:3:2", 18, true); NULL for objects, lists and null. Freed by the caller.
char *ta_opt_json_to_text(const json_t *value);
// Logs 'WHERE: unknown WHAT "NAME"; did you mean "NEAREST"?' and returns TA_ERR_INVALID. `what` is "option"
// or such.
int ta_opt_unknown(const struct ta_opt *table, const char *name, const char *what, const char *where,
                   struct ta_log *log);

// The name nearest to `word` among `names` (NULL-terminated) by edit distance, or NULL when nothing is near.
// Letter case and '_' for '-' count as equal.
const char *ta_nearest(const char *word, const char *const *names);

// One entry of help: "  --crf N            quality, ... (0..51, default 18)", wrapped to `width` columns with
// a hanging indent; choices that have help get lines of their own. Nothing for hidden options.
void ta_opt_help(const struct ta_opt *o, int width, struct ta_buf *out);
// An entry of a short list: the form, the help up to its first semicolon, the choices' names. `whole`:
// wrapped to `width` columns; else one line that is cut where it reads as a whole, or ends in "...".
void ta_opt_help_line(const struct ta_opt *o, bool whole, int width, struct ta_buf *out);
// JSON description for the API and the form: name, kind, default (as in ta_opt_to_json, or null), min, max,
// min_count, max_count, choices, unit, help, syntax, letter, advanced, hidden, deprecated; keys that do not
// apply are absent.
json_t *ta_opt_describe(const struct ta_opt *o);
// A row of a Markdown table for docs/options.md: | `--name SYNTAX` | default | range or choices | help |.
// Nothing for hidden options.
void ta_opt_markdown(const struct ta_opt *o, struct ta_buf *out);

// Parsing of the single kinds, also used by other parsers. TA_ERR_INVALID with a reason in `why`; *out is
// then untouched. Seconds and percent take at most nine digits after the point.
int ta_time_parse(const char *text, struct ta_time *out, struct ta_buf *why);
void ta_time_format(const struct ta_time *time, struct ta_buf *out);
int ta_bytes_parse(const char *text, int64_t *out, struct ta_buf *why);
void ta_bytes_format(int64_t bytes, struct ta_buf *out);

#endif
