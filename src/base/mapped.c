#include "base/mapped.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __linux__
#include <malloc.h>

struct mapping {
    uintptr_t begin, end;
    bool ours; // of a file, private, and nobody may write to it
};

static void give_back(const struct mapping *m, bool clean)
{
    // A page that was ever written (what the linker has relocated) is nowhere but in memory: such a mapping
    // stays.
    if (m->ours && clean && m->end > m->begin)
        madvise((void *)m->begin, m->end - m->begin, MADV_DONTNEED);
}

void ta_mapped_give_back(void)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    char line[4096], rights[8] = "", path[8] = "";
    unsigned long long begin, end, dirty = 0;
    struct mapping now = {0};
    bool clean = false;
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %7s", &begin, &end, rights, path) >= 3) {
            give_back(&now, clean);
            now = (struct mapping){.begin = (uintptr_t)begin,
                                   .end = (uintptr_t)end,
                                   .ours = rights[1] == '-' && rights[3] == 'p' && path[0] == '/'};
            clean = true;
            path[0] = '\0';
        } else if (sscanf(line, "Private_Dirty: %llu", &dirty) == 1 ||
                   sscanf(line, "Shared_Dirty: %llu", &dirty) == 1 ||
                   sscanf(line, "Anonymous: %llu", &dirty) == 1) {
            clean = clean && !dirty;
        }
    }
    if (f) {
        give_back(&now, clean);
        fclose(f);
    }
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
#else
void ta_mapped_give_back(void)
{
}
#endif

void ta_mapped_share_heaps(void)
{
#if defined(__linux__) && defined(__GLIBC__)
    mallopt(M_ARENA_MAX, 2);
#endif
}
