// Journal lines of any content. A line's checksum would stop nearly all of them, so the input is also tried
// as the entry of a line with a right one. An accepted line is written and read again without a change.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/mem.h"
#include "restore/work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_line(const char *line, size_t size)
{
    struct ta_done done, again;
    char stem[TA_STEM_SIZE], same[TA_STEM_SIZE];
    if (!ta_journal_parse(line, size, stem, &done))
        return;
    if (!strchr(stem, '-') || strchr(stem, '/') || done.bytes <= 0)
        abort();
    char *text = ta_journal_task_line(stem, &done);
    if (!ta_journal_parse(text, strlen(text), same, &again) || strcmp(stem, same) != 0 ||
        again.bytes != done.bytes || strcmp(again.sha256, done.sha256) != 0 ||
        memcmp(&again.counts, &done.counts, sizeof done.counts) != 0)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_line((const char *)data, size);

    json_t *entry = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (entry) {
        char *text = json_dumps(entry, JSON_COMPACT), sum[TA_SHA256_HEX];
        ta_sha256_hex(text, strlen(text), sum);
        char *line = ta_xprintf("{\"entry\":%s,\"sha256\":\"%s\"}", text, sum);
        try_line(line, strlen(line));
        free(line);
        free(text);
    }
    json_decref(entry);
    return 0;
}
