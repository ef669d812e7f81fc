// Answers that are the same for as long as the program runs: made when they are first asked for, and kept.
#ifndef TA_SERVER_TABLES_H
#define TA_SERVER_TABLES_H

#include "server/request.h"

enum ta_table_name { TA_TABLE_OPTIONS = 0, TA_TABLE_SCHEMA, TA_TABLE_OPENAPI, TA_TABLE_COUNT };

struct ta_tables;
int ta_tables_create(struct ta_tables **out); // 0
void ta_tables_destroy(struct ta_tables **t); // NULL-safe
// A reference. Thread-safety: Safe.
struct ta_blob *ta_tables_get(struct ta_tables *t, enum ta_table_name name);

// Answers that hold until something changes, which their key tells: NULL, or a reference. Thread-safety:
// Safe.
struct ta_blob *ta_tables_find(struct ta_tables *t, const char *key);
// Keeps a reference of its own until room is needed.
void ta_tables_keep(struct ta_tables *t, const char *key, struct ta_blob *blob);

// The description of the API by OpenAPI 3.1, made of the table of routes and schemas.yaml. To be freed.
char *ta_openapi_text(void);

#endif
