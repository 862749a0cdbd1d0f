/*
 * bench-records DIR [RECORDS]: what call records cost - to write, to search, to read page by page, to delete - and what it
 * costs to seal 10,000 secrets by a new key
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"
#include "store/store.h"

#define RECORD_OCTETS 4000 /* of a call with both legs and its ladder */
#define PAGE          200  /* main/recorddesk.c */

static uint64_t
clock_us(clockid_t which)
{
    struct timespec t;

    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* 1000 users, 20 connections; one call in 100 is in clear, one in 200 was refused. */
static enum rf_err
put(struct rf_store *s, uint32_t i, int64_t began_s)
{
    static char value[RECORD_OCTETS];
    char id[24], from[16], to[16], words[200];
    const char *const word[RF_STORE_RECORD_WORDS] = {
        from, to, to, i % 20 == 0 ? "carrier-1" : "", i % 20 == 1 ? "carrier-2" : "",
        i % 100 == 0 ? "CLEAR" : "ENCRYPTED", i % 200 == 0 ? "RF-301" : "",
    };
    struct rf_buf b = rf_buf(words, sizeof words);
    struct rf_store_write w = { .op = RF_STORE_RECORD_PUT, .expires_s = began_s + i };
    uint32_t mixed = i * 2654435761u;

    snprintf(id, sizeof id, "%08x%08x", mixed, i);
    snprintf(from, sizeof from, "%u", 1000 + mixed % 1000);
    snprintf(to, sizeof to, "%u", 1000 + mixed / 1000 % 1000);
    if (value[0] == '\0')
        memset(value, 'r', sizeof value);
    rf_store_put_words(&b, word);
    w.key = rf_span_str(id);
    w.sub = rf_buf_span(&b);
    w.value = rf_span(value, sizeof value);
    return rf_store_write(s, &w, 1, NULL, NULL, 0);
}

struct page {
    int count;
    int64_t last;
};

static bool
see(void *ctx, struct rf_span key, struct rf_span number, struct rf_span value, int64_t began_s)
{
    struct page *p = ctx;
    uint64_t n = 0;

    (void)!rf_span_u64(number, INT64_MAX, &n);
    p->count++;
    p->last = (int64_t)n;
    return true;
}

static void
search(struct rf_store *s, const char *what, struct rf_store_search by)
{
    struct page p = { 0 };
    uint64_t best_us = UINT64_MAX;

    by.limit = PAGE;
    for (int i = 0; i < 5; i++) {
        uint64_t t0 = clock_us(CLOCK_MONOTONIC), us;

        p.count = 0;
        if (rf_store_search_records(s, &by, see, &p) != RF_OK)
            printf("%s failed\n", what);
        us = clock_us(CLOCK_MONOTONIC) - t0;
        best_us = us < best_us ? us : best_us;
    }
    printf("%-24s %6.2f ms, %d records\n", what, (double)best_us / 1000, p.count);
}

/* Verifiers of so many users. */
static void
rotate(struct rf_store *s, int secrets)
{
    char name[24], value[96] = { 1 };
    struct rf_store_write w = { .op = RF_STORE_SECRET_PUT, .value = rf_span(value, sizeof value) };
    uint64_t t0;

    for (int i = 0; i < secrets; i++) {
        snprintf(name, sizeof name, "user-%d", i);
        w.key = rf_span_str(name);
        while (rf_store_write(s, &w, 1, NULL, NULL, 0) != RF_OK)
            usleep(1000);
    }
    if (rf_store_flush(s) != RF_OK)
        return;
    t0 = clock_us(CLOCK_MONOTONIC);
    if (rf_store_write(s, &(struct rf_store_write){ .op = RF_STORE_KEY_ROTATE }, 1, NULL, NULL, 0) == RF_OK &&
        rf_store_flush(s) == RF_OK)
        printf("%-24s %6.2f s, %d secrets\n", "a new key",
               (double)(clock_us(CLOCK_MONOTONIC) - t0) / 1e6, secrets);
}

int
main(int argc, char **argv)
{
    uint32_t records = argc > 2 ? (uint32_t)atoi(argv[2]) : 100000;
    struct rf_store *s = NULL;
    struct page p = { 0 };
    uint64_t t0, cpu0, all = 0;
    char why[400];

    if (argc < 2 || rf_store_open(&s, argv[1], why, sizeof why) != RF_OK) {
        fprintf(stderr, "%s\n", argc < 2 ? "usage: bench-records DIR [RECORDS]" : why);
        return 2;
    }
    rf_store_keep_records(s, 100000000, 0);
    t0 = clock_us(CLOCK_MONOTONIC);
    cpu0 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t i = 0; i < records; i++)
        while (put(s, i, 1000000) != RF_OK)
            usleep(1000);
    if (rf_store_flush(s) != RF_OK)
        return 1;
    printf("%u records of %d octets: %.1f us of CPU each, %.1f s in all\n", records, RECORD_OCTETS,
           (double)(clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu0) / records,
           (double)(clock_us(CLOCK_MONOTONIC) - t0) / 1e6);

    search(s, "newest", (struct rf_store_search){ .limit = 0 });
    search(s, "user", (struct rf_store_search){ .user = RF_SPAN_LIT("1234") });
    search(s, "nobody", (struct rf_store_search){ .user = RF_SPAN_LIT("nobody") });
    search(s, "number", (struct rf_store_search){ .number = RF_SPAN_LIT("1500") });
    search(s, "connection", (struct rf_store_search){ .connection = RF_SPAN_LIT("carrier-2") });
    search(s, "verdict CLEAR", (struct rf_store_search){ .verdict = RF_SPAN_LIT("CLEAR") });
    search(s, "verdict ENCRYPTED", (struct rf_store_search){ .verdict = RF_SPAN_LIT("ENCRYPTED") });
    search(s, "code", (struct rf_store_search){ .code = RF_SPAN_LIT("RF-301") });
    search(s, "oldest 1000 s", (struct rf_store_search){ .until_s = 1001000 });
    search(s, "user, code, oldest",
           (struct rf_store_search){ .user = RF_SPAN_LIT("1234"), .code = RF_SPAN_LIT("RF-301"), .until_s = 1050000 });
    t0 = clock_us(CLOCK_MONOTONIC);
    do {
        p.count = 0;
        if (rf_store_search_records(s, &(struct rf_store_search){ .limit = PAGE, .before = p.last }, see, &p) != RF_OK)
            return 1;
        all += (uint64_t)p.count;
    } while (p.count == PAGE);
    printf("%-24s %6.2f s, %llu records\n", "all, page by page", (double)(clock_us(CLOCK_MONOTONIC) - t0) / 1e6,
           (unsigned long long)all);

    t0 = clock_us(CLOCK_MONOTONIC);
    cpu0 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    rf_store_keep_records(s, 1000, 0);
    do {
        usleep(10000);
        p.count = 0;
        if (rf_store_search_records(s, &(struct rf_store_search){ .limit = 2000 }, see, &p) != RF_OK)
            return 1;
    } while (p.count > 1000);
    printf("%-24s %6.2f s, %.1f us of CPU each, %d are left\n", "kept to 1000",
           (double)(clock_us(CLOCK_MONOTONIC) - t0) / 1e6,
           (double)(clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu0) / records, p.count);
    rotate(s, 10000);
    rf_store_close(s);
    return 0;
}
