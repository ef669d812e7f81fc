// YAML text of any kind: what is accepted survives being written as JSON and read again.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root = NULL, *again = NULL;
    struct ta_marks *marks = NULL;
    if (ta_yaml_parse((const char *)data, size, "input", &root, &marks, NULL) < 0) {
        if (root || marks)
            abort();
        return 0;
    }
    if (ta_marks_line(marks, "") < 0)
        abort();
    char *text = ta_json_text(root);
    if (ta_json_parse(text, strlen(text), "text", &again, NULL) < 0 || !json_equal(root, again))
        abort();
    free(text);
    json_decref(again);
    json_decref(root);
    ta_marks_destroy(&marks);
    return 0;
}
