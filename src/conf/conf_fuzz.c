/* Any text: it loads or is refused with a sentence; its normal form is a fixed point and loads alike. */
#include <stdint.h>
#include <stdlib.h>

#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(void *ctx, const char *name, const char *value, struct rf_conf_origin origin)
{
    rf_assert(name[0] != '\0' && value != NULL);
    rf_assert(strcmp(rf_conf_text(ctx, name), value) == 0);
}

static enum rf_err
try_load(struct rf_span text, bool as_store)
{
    struct rf_conf_sources from = { .file_text = { "", 0 }, .file_name = "fuzz" };
    struct rf_conf_problem problem;
    struct rf_conf *c = NULL;
    enum rf_err err;

    if (as_store)
        from.store_text = text;
    else
        from.file_text = rf_span(text.p != NULL ? text.p : "", text.n);
    err = rf_conf_load_from(&c, &from, &problem);
    if (err) {
        rf_assert(problem.sentence[0] != '\0');
        return err;
    }
    rf_conf_visit(c, look, c);
    rf_conf_unref(c);
    return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rf_span text = rf_span(data, size);
    struct rf_conf_problem problem;
    size_t cap = 16 * size + 1024;
    char *once_mem = malloc(cap), *twice_mem = malloc(cap);
    struct rf_buf once = rf_buf(once_mem, cap), twice = rf_buf(twice_mem, cap);
    enum rf_err err = try_load(text, false);

    /* `file:` of a fuzzed text may name what changes between two reads; what is compared below has no files. */
    if (rf_span_find_str(text, RF_SPAN_LIT("file:")) == size &&
        rf_conf_format(text, &once, &problem) == RF_OK) {
        rf_assert(rf_conf_format(rf_buf_span(&once), &twice, &problem) == RF_OK);
        rf_assert(rf_span_eq(rf_buf_span(&once), rf_buf_span(&twice)));
        rf_assert(try_load(rf_buf_span(&once), false) == err);
        rf_assert(try_load(rf_buf_span(&once), true) == err);
    }
    free(once_mem);
    free(twice_mem);
    return 0;
}
