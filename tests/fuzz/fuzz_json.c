// JSON. What is read must be written so that it is read as the same tree, and written the same again.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what, const char *text)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, text);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root, *again;
    if (ta_json_parse((const char *)data, size, "fuzz", &root, NULL) < 0) {
        check(!root, "a failure left something", "");
        return 0;
    }
    char *text = ta_json_text(root);
    check(!ta_json_parse(text, strlen(text), "fuzz", &again, NULL), "refused", text);
    check(json_equal(root, again), "changed", text);
    char *second = ta_json_text(again);
    check(!strcmp(text, second), "not stable", second);

    int64_t number = 5;
    double real = 5;
    const char *string = NULL;
    int on = 5;
    json_t *list = NULL, *object = NULL;
    bool is_int = !ta_json_get_int(root, "fuzz", "a", 0, 100, &number, NULL);
    bool is_number = !ta_json_get_number(root, "fuzz", "a", &real, NULL);
    check(!is_int || (is_number && number >= 0 && number <= 100), "an integer that is no number", text);
    bool is_text = !ta_json_get_string(root, "fuzz", "a", &string, NULL);
    bool is_switch = !ta_json_get_bool(root, "fuzz", "a", &on, NULL);
    bool is_list = !ta_json_get_array(root, "fuzz", "a", &list, NULL);
    bool is_object = !ta_json_get_object(root, "fuzz", "a", &object, NULL);
    check(is_number + is_text + is_switch + is_list + is_object <= 1, "of two types", text);
    check(is_text == (string != NULL) && is_list == (list != NULL) && is_object == (object != NULL),
          "success without value", text);

    free(second);
    free(text);
    json_decref(again);
    json_decref(root);
    return 0;
}
