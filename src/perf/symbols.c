#include "perf/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

struct symbol {
    uintptr_t begin, size; // in the file's own addresses
    const char *name;      // in the map
};

struct module {
    char *name, *unnamed; // "libx.so", "[libx.so]"
    uintptr_t base, begin, end;
    const unsigned char *map;
    size_t size;
    struct symbol *symbols;
    size_t count;
};

struct ta_symbols {
    struct module *modules;
    size_t count;
};

static bool inside(const struct module *m, uint64_t offset, uint64_t size)
{
    return offset <= m->size && size <= m->size - offset;
}

static void add_table(struct module *m, const ElfW(Shdr) * table, const ElfW(Shdr) * names)
{
    if (!inside(m, table->sh_offset, table->sh_size) || !inside(m, names->sh_offset, names->sh_size) ||
        !names->sh_size || m->map[names->sh_offset + names->sh_size - 1])
        return;
    const ElfW(Sym) *all = (const void *)(m->map + table->sh_offset);
    size_t count = table->sh_size / sizeof *all;
    m->symbols = ta_xrealloc(m->symbols, (m->count + count + 1) * sizeof *m->symbols);
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *s = &all[i];
        unsigned kind = ELF64_ST_TYPE(s->st_info);
        if ((kind == STT_FUNC || kind == STT_GNU_IFUNC) && s->st_value && s->st_name < names->sh_size)
            m->symbols[m->count++] = (struct symbol){s->st_value, s->st_size,
                                                     (const char *)m->map + names->sh_offset + s->st_name};
    }
}

static int by_place(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void read_file(struct module *m, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd >= 0 && !fstat(fd, &st) && st.st_size > (off_t)sizeof(ElfW(Ehdr))
                    ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                    : MAP_FAILED;
    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED)
        return;
    m->map = map;
    m->size = (size_t)st.st_size;
    const ElfW(Ehdr) *head = map;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 || head->e_shentsize != sizeof(ElfW(Shdr)) ||
        !inside(m, head->e_shoff, (uint64_t)head->e_shnum * sizeof(ElfW(Shdr))))
        return;
    const ElfW(Shdr) *sections = (const void *)(m->map + head->e_shoff);
    for (int i = 0; i < head->e_shnum; i++)
        if ((sections[i].sh_type == SHT_SYMTAB || sections[i].sh_type == SHT_DYNSYM) &&
            sections[i].sh_link < head->e_shnum)
            add_table(m, &sections[i], &sections[sections[i].sh_link]);
    qsort(m->symbols, m->count, sizeof *m->symbols, by_place);
}

static int add_module(struct dl_phdr_info *info, size_t size, void *priv)
{
    (void)size;
    struct ta_symbols *s = priv;
    struct module m = {.base = info->dlpi_addr, .begin = UINTPTR_MAX};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD)
            continue;
        m.begin = TA_MIN(m.begin, info->dlpi_addr + p->p_vaddr);
        m.end = TA_MAX(m.end, info->dlpi_addr + p->p_vaddr + p->p_memsz);
    }
    const char *path = info->dlpi_name && *info->dlpi_name ? info->dlpi_name
                       : s->count                          ? ""
                                                           : "/proc/self/exe";
    m.name = ta_xstrdup(s->count ? ta_path_name(path) : "terminalai");
    m.unnamed = ta_xprintf("[%s]", *m.name ? m.name : "kernel");
    if (*path)
        read_file(&m, path);
    s->modules = ta_xrealloc(s->modules, (s->count + 1) * sizeof *s->modules);
    s->modules[s->count++] = m;
    return 0;
}

void ta_symbols_create(struct ta_symbols **out)
{
    *out = ta_xcalloc(1, sizeof **out);
    dl_iterate_phdr(add_module, *out);
}

void ta_symbols_destroy(struct ta_symbols **symbols)
{
    struct ta_symbols *s = *symbols;
    *symbols = NULL;
    for (size_t i = 0; s && i < s->count; i++) {
        free(s->modules[i].name);
        free(s->modules[i].unnamed);
        free(s->modules[i].symbols);
        if (s->modules[i].map)
            munmap((void *)s->modules[i].map, s->modules[i].size);
    }
    if (s)
        free(s->modules);
    free(s);
}

void ta_symbols_find(struct ta_symbols *s, uintptr_t address, const char **function, const char **module)
{
    *function = *module = "[unknown]";
    for (size_t i = 0; i < s->count; i++) {
        const struct module *m = &s->modules[i];
        if (address < m->begin || address >= m->end)
            continue;
        *module = m->name;
        *function = m->unnamed;
        uintptr_t place = address - m->base;
        size_t low = 0, high = m->count; // the last symbol that begins at or before it
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (m->symbols[middle].begin <= place)
                low = middle + 1;
            else
                high = middle;
        }
        // Assembly gives its functions no size: then the function before counts, if it is near.
        const struct symbol *found = low ? &m->symbols[low - 1] : NULL;
        if (found && place - found->begin < (found->size ? found->size : 65536))
            *function = found->name;
        return;
    }
}
