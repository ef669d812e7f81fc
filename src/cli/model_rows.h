// What is known of networks, for lists. Each makes an object to be freed.
#ifndef TA_CLI_MODEL_ROWS_H
#define TA_CLI_MODEL_ROWS_H

#include <jansson.h>

struct ta_model;
struct ta_models;
struct ta_table;

// Of a manifest's entry: name, summary, purpose, factor, planes, input, output, layout, range, colour,
// licence, bytes, sha256, source, file, pair, manifest, path, state. `full`: the state by the checksum.
json_t *ta_model_row(const struct ta_model *m, const char *folder, int full);
// Of a file, by reading and running it: file, bytes, sha256, name (where the checksum is a known one's),
// fits, why and what is in it. `named` and `cache` as for ta_model_look().
json_t *ta_model_file_row(const struct ta_models *models, const char *path, const char *named,
                          const char *cache);

void ta_model_add_row(struct ta_table *t, const json_t *row);      // of a table with three columns
void ta_model_add_file_row(struct ta_table *t, const json_t *row); // likewise

#endif
