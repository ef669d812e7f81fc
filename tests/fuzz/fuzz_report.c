// Reports of any content: read or refused, and what is read can be asked. What is no report is also tried as
// the plan in one that is right, since a report is mostly its plan.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "plan/plan.h"
#include "restore/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_report(const char *text, size_t size)
{
    struct ta_report report;
    if (ta_report_parse(&report, text, size, "input", NULL) < 0) {
        if (report.plan || report.streams)
            abort();
        return;
    }
    if (!report.plan || strlen(report.sha256) != 64 || report.bytes < 0 || !json_is_array(report.streams))
        abort();
    free(ta_plan_describe(report.plan, NULL, true));
    ta_report_release(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "{\"version\":1,\"output\":{\"name\":\"a.mp4\",\"bytes\":1,\"sha256\":\""
                               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
                               "\"streams\":[]},\"plan\":";
    try_report((const char *)data, size);
    struct ta_buf text = {0};
    ta_buf_puts(&text, head);
    ta_buf_append(&text, (const char *)data, size);
    ta_buf_puts(&text, "}");
    try_report(ta_buf_text(&text), text.size);
    ta_buf_release(&text);
    return 0;
}
