// JSON and YAML read into one kind of tree (jansson's json_t), with line numbers for messages.
#ifndef TA_BASE_TREE_H
#define TA_BASE_TREE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct ta_log;

// Where each value of a tree stood in its file: the line of its key, or where the value starts when it has
// none. Paths are keys joined by dots, list items by number: "stages.2.name"; the root is "".
struct ta_marks;
// Thread-safety: Safe.
int ta_marks_line(const struct ta_marks *marks, const char *path); // 1-based; 0 when unknown or marks == NULL
void ta_marks_destroy(struct ta_marks **marks);

// Parses YAML text (one document; JSON is YAML). Plain scalars follow the YAML 1.2 core schema (null,
// true/false, integers, floats, else strings); anchors, aliases, tags and duplicate keys are refused; depth
// <= 32, input <= 4 MiB. Keys are the text of their scalar. An empty text is null. `name` is what messages
// call the text: "FILE:LINE: what". marks may be NULL. Returns 0 (*root is a new reference), or
// TA_ERR_FORMAT, or TA_ERR_INVALID for what is too long (load: also what reading fails with); then *root =
// NULL and the error is logged.
int ta_yaml_parse(const char *text, size_t size, const char *name, json_t **root, struct ta_marks **marks,
                  struct ta_log *log);
int ta_yaml_load(const char *path, json_t **root, struct ta_marks **marks, struct ta_log *log);

// JSON text (any value); same limits, messages and results. Duplicate keys are refused.
int ta_json_parse(const char *text, size_t size, const char *name, json_t **root, struct ta_log *log);
int ta_json_load(const char *path, json_t **root, struct ta_log *log);
// Stable text: keys in insertion order, two spaces of indent, reals with the fewest digits that are re-read
// exactly (17 at most), final newline.
char *ta_json_text(const json_t *root); // freed by the caller
// A string of any text: bytes that are no UTF-8 (a file's name may hold them) become U+FFFD. A new reference;
// NULL for NULL.
json_t *ta_json_any_text(const char *text);
// The text of a member, borrowed; "" where there is none.
const char *ta_json_member_text(const json_t *object, const char *key);

// Reading with a message: each returns 0, or logs "WHERE: KEY must be ..." and returns TA_ERR_FORMAT. `where`
// names the object in messages. A key that ends in '?' ("crf?") is optional: when it is missing or null, *out
// is left as it is. Strings, arrays and objects are borrowed from `object`.
int ta_json_get_int(const json_t *object, const char *where, const char *key, int64_t min, int64_t max,
                    int64_t *out, struct ta_log *log);
// An integer or a real.
int ta_json_get_number(const json_t *object, const char *where, const char *key, double *out,
                       struct ta_log *log);
int ta_json_get_string(const json_t *object, const char *where, const char *key, const char **out,
                       struct ta_log *log);
int ta_json_get_bool(const json_t *object, const char *where, const char *key, int *out, struct ta_log *log);
int ta_json_get_array(const json_t *object, const char *where, const char *key, json_t **out,
                      struct ta_log *log);
int ta_json_get_object(const json_t *object, const char *where, const char *key, json_t **out,
                       struct ta_log *log);

#endif
