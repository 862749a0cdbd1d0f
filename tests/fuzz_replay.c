/*
 * tests/fuzz_replay.c - runs a fuzz target over its corpus, one TAP line a file
 *
 * Usage: replay-NAME DIR. An input that crashes or trips a sanitizer ends the program, which the harness
 * reports as a failure of the file named last.
 */
#include <dirent.h>
#include <stdint.h>
#include <string.h>
#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t n;
    uint8_t *exact;

    if (f == NULL)
        return;
    n = fread(data, 1, sizeof data, f);
    fclose(f);
    /* An allocation of exactly n octets lets the sanitizer see a read one octet past the input. */
    exact = malloc(n > 0 ? n : 1);
    if (exact == NULL)
        abort();
    memcpy(exact, data, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    ok(true, "%s", strrchr(path, '/') + 1);
}

int
main(int argc, char **argv)
{
    char path[4096];
    struct dirent **names;
    int n;

    if (argc != 2 || (n = scandir(argv[1], &names, NULL, alphasort)) < 0) {
        ok(false, "the corpus folder can be read");
        return tap_done();
    }
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
            replay(path);
        }
        free(names[i]);
    }
    free(names);
    ok(tap_count > 0, "the corpus has seeds");
    return tap_done();
}
