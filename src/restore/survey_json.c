// survey.json: what was measured of a source, kept in the cache beside its index, and in work folders.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/folder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "base/tree_limits.h"
#include "restore/survey.h"

static void checksum_of(const json_t *measures, char out[TA_SHA256_HEX])
{
    char *text = ta_json_text(measures);
    ta_sha256_hex(text, strlen(text), out);
    free(text);
}

json_t *ta_survey_reading_json(const struct ta_survey *s, const struct ta_survey_reading *r)
{
    json_t *list = json_array();
    for (int depth = 0; depth < 2; depth++)
        for (int i = 0; r->measured[depth] && i < s->rows; i++)
            json_array_append_new(list, ta_measured_json(&r->measured[depth][i]));
    if (!json_array_size(list)) {
        json_decref(list);
        return NULL;
    }
    char sum[TA_SHA256_HEX];
    checksum_of(list, sum);
    return json_pack("{s:i, s:s, s:s, s:o}", "version", TA_SURVEY_VERSION, "index_sha256", r->index->checksum,
                     "measures_sha256", sum, "measures", list);
}

// The measures of one depth; NULL unless there is one for each row of the table.
static struct ta_measured *read_depth(const struct ta_survey *s, const json_t *list, enum ta_depth depth)
{
    struct ta_measured *out = ta_xcalloc((size_t)s->rows + 1, sizeof *out);
    int found = 0;
    size_t n;
    json_t *o;
    json_array_foreach((json_t *)list, n, o)
    {
        struct ta_measured m;
        if (ta_measured_read(&m, o, "survey.json", NULL) < 0)
            continue;
        int row = 0;
        while (row < s->rows && strcmp(s->table[row]->name, m.name))
            row++;
        if (row < s->rows && m.depth == depth && !out[row].name) {
            out[row] = m;
            found++;
        } else {
            struct ta_measured *rest = ta_xcalloc(1, sizeof *rest);
            *rest = m;
            ta_measured_free(&rest, 1);
        }
    }
    if (found < s->rows)
        ta_measured_free(&out, s->rows);
    return out;
}

bool ta_survey_reading_take(struct ta_survey *s, struct ta_survey_reading *r, const json_t *root)
{
    const json_t *list = json_object_get(root, "measures");
    bool any = false;
    for (int depth = 0; depth < 2; depth++) {
        if (!r->measured[depth])
            r->measured[depth] = read_depth(s, list, (enum ta_depth)depth);
        any |= r->measured[depth] != NULL;
    }
    return any;
}

// Takes `root`; NULL when it is of another index.
static json_t *checked(json_t *root, const char *index_checksum)
{
    char sum[TA_SHA256_HEX] = "";
    const char *of = json_string_value(json_object_get(root, "index_sha256")),
               *stated = json_string_value(json_object_get(root, "measures_sha256"));
    json_t *list = json_object_get(root, "measures");
    if (json_is_array(list))
        checksum_of(list, sum);
    if (json_integer_value(json_object_get(root, "version")) != TA_SURVEY_VERSION || !of ||
        strcmp(of, index_checksum) || !stated || strcmp(stated, sum)) {
        json_decref(root);
        return NULL;
    }
    return root;
}

json_t *ta_survey_load(const char *path, const char *index_checksum)
{
    json_t *root = NULL;
    return ta_json_load(path, &root, NULL) < 0 ? NULL : checked(root, index_checksum);
}

json_t *ta_survey_load_in(const struct ta_folder *folder, const char *name, const char *index_checksum)
{
    struct ta_buf text = {0};
    json_t *root = NULL;
    if (ta_folder_read(folder, name, TA_TREE_SIZE_MAX, &text, NULL) >= 0 &&
        ta_json_parse(ta_buf_text(&text), text.size, name, &root, NULL) >= 0)
        root = checked(root, index_checksum);
    ta_buf_release(&text);
    return root;
}

int ta_survey_save_in(const json_t *root, const struct ta_folder *folder, const char *name,
                      struct ta_log *log)
{
    char *text = ta_json_text(root);
    int err = ta_folder_write(folder, name, text, strlen(text), log);
    free(text);
    return err;
}

int ta_survey_save(const json_t *root, const char *path, struct ta_log *log)
{
    char *text = ta_json_text(root);
    int err = ta_file_write_atomic(path, text, strlen(text), log);
    free(text);
    return err;
}
