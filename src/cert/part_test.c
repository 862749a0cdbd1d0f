/* Names as text: what is longer than its place is cut between two characters. */
#include "cert/part.h"
#include "tap.h"

#define LETTERS 64 /* as many as an organization may have (RFC 5280 A.1) */

static const struct {
    const char *letter;
    const char *why;
} cases[] = {
    { "a", "one octet a letter" },
    { "\xd0\x96", "two: Cyrillic, Greek" },
    { "\xe6\xbc\xa2", "three: Chinese, Japanese, Korean" },
    { "\xf0\x9f\x93\x9e", "four" },
};

static X509_NAME *
name_of(const char *letter)
{
    X509_NAME *name = X509_NAME_new();
    char text[LETTERS * 4 + 1] = "";

    for (int i = 0; i < LETTERS; i++)
        strcat(text, letter);
    if (X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) != 1)
        ok(false, "a name is made");
    return name;
}

/* "O=" and whole letters, of which no more would fit. */
static bool
is_whole(const char *text, size_t size, const char *letter)
{
    size_t n = strlen(text), octets = strlen(letter), fit = (size - 1 - 2) / octets;

    return strncmp(text, "O=", 2) == 0 && n == 2 + octets * (fit < LETTERS ? fit : LETTERS);
}

int
main(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509_NAME *name = name_of(cases[i].letter);
        size_t size = 8;
        char text[300];

        for (rf_part_name(name, text, size); size < sizeof text && is_whole(text, size, cases[i].letter);)
            rf_part_name(name, text, ++size);
        ok(size == sizeof text, "a name is cut between letters of %s: %s", cases[i].why, text);
        X509_NAME_free(name);
    }
    return tap_done();
}
