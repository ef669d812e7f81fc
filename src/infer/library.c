#include "infer/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/mem.h"

// Of an ELF file for 64 bits; others are left to the system.
struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, segment_count, section_size, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};

enum { ELF_64 = 2, ELF_LOAD = 1 };

static bool is_whole(int fd, uint64_t size)
{
    struct elf_header h;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h)
        return size >= sizeof h || pread(fd, &h, 4, 0) != 4 || memcmp(h.ident, "\177ELF", 4) != 0;
    if (memcmp(h.ident, "\177ELF", 4) != 0 || h.ident[4] != ELF_64)
        return true;
    for (int i = 0; i < h.segment_count; i++) {
        struct elf_segment s;
        uint64_t at = h.segments + (uint64_t)i * h.segment_size;
        if (at > size || pread(fd, &s, sizeof s, (off_t)at) != (ssize_t)sizeof s)
            return false;
        if (s.type == ELF_LOAD && (s.file_size > size || s.offset > size - s.file_size))
            return false;
    }
    return true;
}

int ta_library_check(const char *file, struct ta_buf *why)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    if (fd < 0 || fstat(fd, &st) < 0) {
        err = ta_error_from_errno(errno);
        ta_buf_puts(why, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        ta_buf_puts(why, "it is not a file");
        err = TA_ERR_FORMAT;
    } else if (!is_whole(fd, (uint64_t)st.st_size)) {
        ta_buf_puts(why, "its end is missing; install it again");
        err = TA_ERR_FORMAT;
    }
    if (fd >= 0)
        close(fd);
    return err;
}

static int open_library(void **out, const char *file, int how, struct ta_buf *why)
{
    *out = NULL;
    if (strchr(file, '/')) {
        int err = ta_library_check(file, why);
        if (err < 0)
            return err;
    }
    *out = dlopen(file, RTLD_NOW | how);
    if (*out)
        return 0;
    const char *text = dlerror();
    size_t name = strlen(file);
    if (!text)
        text = "it can't be opened";
    // The system knows no library of this name; what one of that name lacks is told with another name.
    if (!strchr(file, '/') && !strncmp(text, file, name) && strstr(text, "No such file"))
        return TA_ERR_NOT_FOUND;
    if (!strncmp(text, file, name)) // the caller says which file
        text += name + strspn(text + name, ": ");
    ta_buf_visible(why, text, false);
    return TA_ERR_FORMAT;
}

int ta_library_open(void **out, const char *file, struct ta_buf *why)
{
    return open_library(out, file, RTLD_LOCAL, why);
}

int ta_library_open_shared(void **out, const char *file, struct ta_buf *why)
{
    return open_library(out, file, RTLD_GLOBAL, why);
}

char *ta_library_pattern(const char *folder, const char *pattern)
{
    struct ta_buf text = {0};
    for (const char *c = folder; *c; c++) {
        if (strchr("*?[]\\", *c))
            ta_buf_putc(&text, '\\');
        ta_buf_putc(&text, *c);
    }
    ta_buf_printf(&text, "/%s", pattern);
    return ta_buf_take(&text);
}
