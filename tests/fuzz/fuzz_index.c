// Index files of any content. The checksum at the end would stop nearly all of them, so the input stands for
// what precedes it.
#include <stdint.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "base/mem.h"
#include "media/index/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ta_index *index = NULL;
    if (ta_index_parse(&index, data, size, "input", NULL) < 0 && index)
        abort();
    ta_index_destroy(&index);

    struct ta_buf sealed = {0};
    char sum[TA_SHA256_HEX];
    ta_sha256_hex(data, size, sum);
    ta_buf_append(&sealed, data, size);
    ta_buf_append(&sealed, sum, TA_SHA256_HEX - 1);
    if (ta_index_parse(&index, sealed.data, sealed.size, "sealed", NULL) >= 0) {
        for (size_t i = 0; i < index->frame_count; i++)
            if (ta_index_frame_duration(index, i) <= 0 || index->frames[i].packet >= index->packet_count)
                abort();
        if (index->video < 0 || index->video >= index->stream_count || index->time_base.den <= 0)
            abort();
    } else if (index) {
        abort();
    }
    ta_index_destroy(&index);
    ta_buf_release(&sealed);
    return 0;
}
