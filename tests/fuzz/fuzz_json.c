// JSON text of any kind: what is accepted is written and read again without a change, and the second text is
// the first.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = NULL, *again = NULL;
    if (ta_json_parse((const char *)data, size, "input", &root, NULL) < 0) {
        if (root)
            abort();
        return 0;
    }
    char *text = ta_json_text(root);
    if (ta_json_parse(text, strlen(text), "text", &again, NULL) < 0 || !json_equal(root, again))
        abort();
    char *second = ta_json_text(again);
    if (strcmp(text, second) != 0)
        abort();
    free(second);
    free(text);
    json_decref(again);
    json_decref(root);
    return 0;
}
