// Runs a fuzz target on files, for compilers without libFuzzer: replay FILE_OR_FOLDER... A crash is the
// failure.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    size_t size = 0, capacity = 1 << 20;
    uint8_t *data = malloc(capacity), *grown;
    while (data) {
        size += fread(data + size, 1, capacity - size, file);
        if (size < capacity)
            break;
        grown = realloc(data, capacity *= 2);
        if (!grown)
            free(data);
        data = grown;
    }
    int ok = data && !ferror(file);
    fclose(file);
    if (ok) {
        // A block of exactly this size, so that a checker sees a read behind the end.
        uint8_t *exact = malloc(size ? size : 1);
        if (exact) {
            memcpy(exact, data, size);
            LLVMFuzzerTestOneInput(exact, size);
        }
        ok = exact != NULL;
        free(exact);
    }
    free(data);
    if (!ok)
        fprintf(stderr, "%s: can't be read\n", path);
    return ok ? 1 : -1;
}

static int run_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return run_file(path);

    struct dirent **names;
    int count = scandir(path, &names, NULL, alphasort), done = 0;
    if (count < 0) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.' && done >= 0) {
            char full[4096];
            snprintf(full, sizeof(full), "%s/%s", path, names[i]->d_name);
            int one = run_file(full);
            done = one < 0 ? -1 : done + one;
        }
        free(names[i]);
    }
    free(names);
    return done;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        int done = run_path(argv[i]);
        if (done < 0)
            return 1;
        total += done;
    }
    printf("%d inputs\n", total);
    return total > 0 ? 0 : 1; // an empty corpus tests nothing
}
