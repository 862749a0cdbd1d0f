/*
 * "did you mean": the name of the option table that is nearest to an unknown word.
 *
 * Two kinds of mistakes are near: a few wrong letters (edit distance with neighbours swapped), and a word left
 * out or put in between hyphens ("cipher-level" for "cipher-suite-level").
 */
#include "conf/options.h"

#define NAME_MAX_OCTETS 64

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours that make b of a. */
static size_t
edit_distance(struct rf_span a, struct rf_span b)
{
    size_t row[3][NAME_MAX_OCTETS + 1];

    if (a.n > NAME_MAX_OCTETS || b.n > NAME_MAX_OCTETS)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *above = row[(i + 2) % 3], *two_above = row[(i + 1) % 3];

        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            now[j] = least(least(above[j] + 1, now[j - 1] + 1), above[j - 1] + (a.p[i - 1] != b.p[j - 1]));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = least(now[j], two_above[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

static size_t
count_words(struct rf_span s)
{
    size_t n = s.n > 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '-';
    return n;
}

/* Words of `longer` that are missing in `shorter`, when the others stand there in order; SIZE_MAX otherwise. */
static size_t
missing_words(struct rf_span shorter, struct rf_span longer)
{
    size_t missing = 0;

    while (longer.n > 0) {
        size_t l = rf_span_find(longer, '-'), s = rf_span_find(shorter, '-');

        if (shorter.n > 0 && rf_span_eq(rf_span_sub(longer, 0, l), rf_span_sub(shorter, 0, s)))
            shorter = rf_span_sub(shorter, s + 1, shorter.n);
        else
            missing++;
        longer = rf_span_sub(longer, l + 1, longer.n);
    }
    return shorter.n == 0 ? missing : SIZE_MAX;
}

/* 0: the same; SIZE_MAX: not near. */
static size_t
how_far(struct rf_span word, struct rf_span name)
{
    size_t edits = edit_distance(word, name);
    size_t allowed = word.n <= 3 ? 1 : word.n <= 6 ? 2 : word.n / 3;
    size_t missing = least(missing_words(word, name), missing_words(name, word));

    if (missing != SIZE_MAX && missing < least(count_words(word), count_words(name)) + 1)
        return least(missing, edits);
    return edits <= allowed ? edits : SIZE_MAX;
}

struct nearest {
    struct rf_span word, name;
    size_t distance;
};

static void
consider(struct nearest *best, struct rf_span name)
{
    size_t distance = how_far(best->word, name);

    if (distance < best->distance) {
        best->distance = distance;
        best->name = name;
    }
}

static const char *
result(const struct nearest *best, char *mem, size_t size)
{
    if (best->distance == SIZE_MAX || rf_span_copy(best->name, mem, size) != RF_OK)
        return NULL;
    return mem;
}

const char *
rf_option_suggest(struct rf_span prefix, struct rf_span name, char *mem, size_t size)
{
    struct nearest best = { name, { NULL, 0 }, SIZE_MAX };

    for (size_t i = 0; i < rf_option_count(); i++) {
        struct rf_span option = rf_span_str(rf_option_at(i)->name);

        if (!rf_span_eq(rf_span_sub(option, 0, prefix.n), prefix))
            continue;
        option = rf_span_sub(option, prefix.n, option.n);
        consider(&best, rf_span_sub(option, 0, rf_span_find(option, '.')));
    }
    return result(&best, mem, size);
}

const char *
rf_choice_suggest(const char *choices, struct rf_span word, char *mem, size_t size)
{
    struct nearest best = { word, { NULL, 0 }, SIZE_MAX };
    struct rf_span left = rf_span_str(choices);

    while (left.n > 0) {
        size_t bar = rf_span_find(left, '|');

        consider(&best, rf_span_sub(left, 0, bar));
        left = rf_span_sub(left, bar + 1, left.n);
    }
    return result(&best, mem, size);
}

bool
rf_choice_has(const char *choices, struct rf_span word)
{
    struct rf_span left = rf_span_str(choices);

    while (left.n > 0) {
        size_t bar = rf_span_find(left, '|');

        if (rf_span_eq(rf_span_sub(left, 0, bar), word))
            return true;
        left = rf_span_sub(left, bar + 1, left.n);
    }
    return false;
}
