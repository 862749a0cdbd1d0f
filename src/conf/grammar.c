#include "conf/grammar.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

struct rf_conf_text {
    struct rf_conf_text *next;
    size_t n;
    char octet[];
};

/* What is being read: one text, and where it came from. */
struct reader {
    struct rf_conf_tree *tree;
    struct rf_conf_problem *problem;
    struct rf_conf_origin at;
    const char *path; /* NULL: not a file, so no imports */
    int import_depth;
};

static enum rf_err read_file(struct rf_conf_tree *t, struct rf_conf_node *parent, int depth, const char *path,
                             int import_depth, struct rf_conf_origin by, struct rf_conf_problem *problem);

void
rf_conf_say(struct rf_conf_problem *problem, struct rf_conf_origin at, const char *format, ...)
{
    va_list ap;

    problem->at = at;
    va_start(ap, format);
    vsnprintf(problem->sentence, sizeof problem->sentence, format, ap);
    va_end(ap);
}

void
rf_conf_tree_init(struct rf_conf_tree *t)
{
    *t = (struct rf_conf_tree){ 0 };
    rf_arena_init(&t->arena, 16 * (size_t)RF_CONF_TEXT_MAX);
    t->root.is_block = true;
}

void
rf_conf_tree_fini(struct rf_conf_tree *t)
{
    while (t->texts != NULL) {
        struct rf_conf_text *text = t->texts;

        t->texts = text->next;
        rf_wipe(text->octet, text->n);
        free(text);
    }
    rf_arena_wipe(&t->arena);
}

/* --- words --------------------------------------------------------------------------------------------- */

/* One UTF-8 sequence at p (RFC 3629), 0 when it is none. */
static size_t
utf8_sequence(const uint8_t *p, size_t n)
{
    size_t need = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                  : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

    if (need == 0 || need > n)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return need;
}

/* Offset of the first octet that no line may hold (control characters but TAB, broken UTF-8), or n. */
static size_t
find_bad_octet(struct rf_span s)
{
    const uint8_t *p = (const uint8_t *)s.p;
    size_t i = 0;

    while (i < s.n) {
        size_t n = utf8_sequence(p + i, s.n - i);

        if (n == 0 || (p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
            break;
        i += n;
    }
    return i;
}

bool
rf_conf_word_is_valid(struct rf_span word)
{
    return find_bad_octet(word) == word.n;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* A quoted word: its escapes are undone in place, so the text must be ours. */
static enum rf_err
quoted_word(struct reader *r, char **p, char *end, struct rf_conf_word *out)
{
    char *from = *p + 1, *to = from;

    out->text.p = from;
    out->was_quoted = true;
    for (; from < end && *from != '"'; from++) {
        if (*from == '\\' && from + 1 < end && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    if (from == end) {
        rf_conf_say(r->problem, r->at, "the quote is not closed on its line");
        return RF_ERR_SYNTAX;
    }
    out->text.n = (size_t)(to - out->text.p);
    *p = from + 1;
    if (*p < end && !is_space(**p)) {
        rf_conf_say(r->problem, r->at, "a space is missing behind the closing quote");
        return RF_ERR_SYNTAX;
    }
    return RF_OK;
}

/* The words of a line, up to its comment. */
static enum rf_err
split_line(struct reader *r, char *p, char *end, struct rf_conf_word *word, size_t *words)
{
    char *start = p;

    *words = 0;
    for (;;) {
        struct rf_conf_word *w = &word[*words];
        enum rf_err err;

        while (p < end && is_space(*p))
            p++;
        if (p == end || *p == '#')
            return RF_OK;
        r->at.column = (int)(p - start) + 1;
        if (*words == RF_CONF_WORDS_MAX) {
            rf_conf_say(r->problem, r->at, "more than %d words on a line", RF_CONF_WORDS_MAX);
            return RF_ERR_RANGE;
        }
        *w = (struct rf_conf_word){ .column = r->at.column };
        ++*words;
        if (*p == '"') {
            err = quoted_word(r, &p, end, w);
            if (err)
                return err;
            continue;
        }
        w->text.p = p;
        while (p < end && !is_space(*p))
            p++;
        w->text.n = (size_t)(p - w->text.p);
        if (rf_span_find(w->text, '"') < w->text.n) {
            rf_conf_say(r->problem, r->at, "a quote in the middle of a word; put the whole word in quotes");
            return RF_ERR_SYNTAX;
        }
    }
}

static bool
is_plain(const struct rf_conf_word *w, const char *text)
{
    return !w->was_quoted && rf_span_is(w->text, text);
}

/* --- lines --------------------------------------------------------------------------------------------- */

static struct rf_conf_node *
append_node(struct reader *r, struct rf_conf_node *parent, const struct rf_conf_word *word, size_t words)
{
    struct rf_conf_node *n = rf_arena_alloc(&r->tree->arena, sizeof *n);

    if (n == NULL)
        return NULL;
    n->word = rf_arena_alloc(&r->tree->arena, words * sizeof *word);
    if (n->word == NULL)
        return NULL;
    memcpy(n->word, word, words * sizeof *word);
    n->words = words;
    n->at = r->at;
    n->at.column = word[0].column;
    if (parent->last != NULL)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    return n;
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum rf_err
import(struct reader *r, struct rf_conf_node *parent, int depth, const struct rf_conf_word *word, size_t words)
{
    char path[4096];
    struct rf_span name = words == 2 ? word[1].text : rf_span(NULL, 0);
    const char *slash = r->path != NULL ? strrchr(r->path, '/') : NULL;
    int folder = slash != NULL ? (int)(slash - r->path) + 1 : 0;
    enum rf_err err = RF_OK;
    glob_t found;

    r->at.column = word[words > 1].column;
    if (r->path == NULL) {
        rf_conf_say(r->problem, r->at, "import is for files; settings of the store cannot import");
        return RF_ERR_REFUSED;
    }
    if (name.n == 0 || words != 2) {
        rf_conf_say(r->problem, r->at, "import takes the name of a file, or DIR/*.conf");
        return RF_ERR_SYNTAX;
    }
    if (r->import_depth >= RF_CONF_IMPORT_MAX) {
        rf_conf_say(r->problem, r->at, "files import files more than %d deep; does one import itself?",
                    RF_CONF_IMPORT_MAX);
        return RF_ERR_RANGE;
    }
    if (snprintf(path, sizeof path, "%.*s%.*s", name.p[0] == '/' ? 0 : folder, folder > 0 ? r->path : "",
                 RF_SPAN_ARG(name)) >= (int)sizeof path) {
        rf_conf_say(r->problem, r->at, "the path is too long");
        return RF_ERR_RANGE;
    }
    if (rf_span_find(name, '*') == name.n)
        return read_file(r->tree, parent, depth, path, r->import_depth + 1, r->at, r->problem);

    /* A folder without such files is fine: it is where some may be put. */
    if (glob(path, GLOB_NOSORT, NULL, &found) != 0)
        return RF_OK;
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_names);
    for (size_t i = 0; i < found.gl_pathc && err == RF_OK; i++)
        err = read_file(r->tree, parent, depth, found.gl_pathv[i], r->import_depth + 1, r->at, r->problem);
    globfree(&found);
    return err;
}

static enum rf_err
out_of_memory(struct reader *r)
{
    rf_conf_say(r->problem, r->at, "the configuration is too large");
    return RF_ERR_NOMEM;
}

/* Blocks that are open: [depth] is the innermost; those up to `bottom` were opened by whoever imports this text. */
struct blocks {
    struct rf_conf_node *open[RF_CONF_DEPTH_MAX + 1];
    int depth, bottom;
};

static enum rf_err
close_block(struct reader *r, struct blocks *b, const struct rf_conf_word *word, size_t words)
{
    if (words > 1) {
        r->at.column = word[1].column;
        rf_conf_say(r->problem, r->at, "} must stand alone on its line");
        return RF_ERR_SYNTAX;
    }
    if (b->depth == b->bottom) {
        rf_conf_say(r->problem, r->at, "} closes nothing");
        return RF_ERR_SYNTAX;
    }
    b->depth--;
    return RF_OK;
}

static enum rf_err
open_block(struct reader *r, struct blocks *b, struct rf_conf_word *word, size_t words)
{
    struct rf_conf_node *node;

    if (b->depth == RF_CONF_DEPTH_MAX) {
        rf_conf_say(r->problem, r->at, "blocks stand more than %d deep", RF_CONF_DEPTH_MAX);
        return RF_ERR_RANGE;
    }
    node = append_node(r, b->open[b->depth], word, words - 1);
    if (node == NULL)
        return out_of_memory(r);
    node->is_block = true;
    b->open[++b->depth] = node;
    return RF_OK;
}

/* Braces are punctuation at the end of a line and alone on one, and nowhere else. */
static enum rf_err
check_braces(struct reader *r, const struct rf_conf_word *word, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if ((is_plain(&word[i], "{") && (i == 0 || i + 1 < words)) || is_plain(&word[i], "}")) {
            r->at.column = word[i].column;
            rf_conf_say(r->problem, r->at,
                        i == 0 ? "a block needs a name in front of {"
                               : "a block begins with { at the end of a line and ends with } on a line of its own");
            return RF_ERR_SYNTAX;
        }
    return RF_OK;
}

static enum rf_err
take_words(struct reader *r, struct blocks *b, struct rf_conf_word *word, size_t words)
{
    enum rf_err err;

    r->at.column = word[0].column;
    if (is_plain(&word[0], "}"))
        return close_block(r, b, word, words);
    err = check_braces(r, word, words);
    if (err)
        return err;
    if (is_plain(&word[0], "import"))
        return import(r, b->open[b->depth], b->depth, word, words);
    if (is_plain(&word[words - 1], "{"))
        return open_block(r, b, word, words);
    return append_node(r, b->open[b->depth], word, words) != NULL ? RF_OK : out_of_memory(r);
}

/* The lines of a text, put below `top`, which stands `depth` blocks deep. */
static enum rf_err
read_lines(struct reader *r, struct rf_conf_node *top, int depth, char *p, char *end)
{
    struct blocks b = { .depth = depth, .bottom = depth };
    struct rf_conf_word *word = malloc((RF_CONF_WORDS_MAX + 1) * sizeof *word);
    enum rf_err err = RF_OK;

    if (word == NULL)
        return out_of_memory(r);
    b.open[depth] = top;
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3; /* some editors put a byte order mark in front of UTF-8 */
    for (r->at.line = 1; p < end && err == RF_OK; r->at.line++) {
        char *eol = memchr(p, '\n', (size_t)(end - p));
        char *next = eol != NULL ? eol + 1 : end;
        size_t bad, words;

        if (eol == NULL)
            eol = end;
        if (eol > p && eol[-1] == '\r')
            eol--;
        bad = find_bad_octet(rf_span(p, (size_t)(eol - p)));
        if (bad < (size_t)(eol - p)) {
            r->at.column = (int)bad + 1;
            rf_conf_say(r->problem, r->at, "an octet that is no text (%02x)", (uint8_t)p[bad]);
            err = RF_ERR_SYNTAX;
            break;
        }
        err = split_line(r, p, eol, word, &words);
        if (!err && words > 0)
            err = take_words(r, &b, word, words);
        p = next;
    }
    free(word);
    if (err == RF_OK && b.depth > b.bottom) {
        rf_conf_say(r->problem, b.open[b.depth]->at, "the block %.*s is not closed",
                    RF_SPAN_ARG(b.open[b.depth]->word[0].text));
        err = RF_ERR_SYNTAX;
    }
    return err;
}

/* --- texts --------------------------------------------------------------------------------------------- */

/*
 * Names of files stand in origins and problems, which outlive tree and snapshot alike, so each distinct one is
 * kept for the life of the process. A daemon reads the same few files again and again.
 */
static const char *
lasting_name(const char *path)
{
    static struct name {
        struct name *next;
        char text[];
    } *names;
    static size_t count;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t octets = strlen(path) + 1;
    struct name *n;

    pthread_mutex_lock(&lock);
    for (n = names; n != NULL && strcmp(n->text, path) != 0; n = n->next)
        ;
    if (n == NULL && count < 4 * RF_CONF_FILES_MAX && (n = malloc(sizeof *n + octets)) != NULL) {
        memcpy(n->text, path, octets);
        n->next = names;
        names = n;
        count++;
    }
    pthread_mutex_unlock(&lock);
    return n != NULL ? n->text : "(a file)";
}

static struct rf_conf_text *
new_text(struct rf_conf_tree *t, size_t n)
{
    struct rf_conf_text *text;

    if (n > RF_CONF_TEXT_MAX || t->octets > RF_CONF_TEXT_MAX - n || t->files >= RF_CONF_FILES_MAX)
        return NULL;
    text = malloc(sizeof *text + n);
    if (text == NULL)
        return NULL;
    text->n = n;
    text->next = t->texts;
    t->texts = text;
    t->octets += n;
    t->files++;
    return text;
}

enum rf_err
rf_conf_tree_add(struct rf_conf_tree *t, struct rf_span text, enum rf_conf_layer layer, const char *name,
                 struct rf_conf_problem *problem)
{
    struct reader r = { .tree = t, .problem = problem, .at = { .layer = layer, .file = name } };
    struct rf_conf_text *copy = new_text(t, text.n);

    if (copy == NULL)
        return out_of_memory(&r);
    if (text.n > 0)
        memcpy(copy->octet, text.p, text.n);
    return read_lines(&r, &t->root, 0, copy->octet, copy->octet + copy->n);
}

const char *
rf_conf_take_octets(rf_conf_read_fn take, int fd, char *out, size_t n)
{
    size_t got = 0;
    char more;

    while (got < n) {
        ssize_t now = take(fd, out + got, n - got);

        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0)
            return strerror(errno);
        if (now == 0)
            return "it became shorter while it was read";
        got += (size_t)now;
    }
    return take(fd, &more, 1) > 0 ? "it became longer while it was read" : NULL;
}

static enum rf_err
read_file(struct rf_conf_tree *t, struct rf_conf_node *parent, int depth, const char *path, int import_depth,
          struct rf_conf_origin by, struct rf_conf_problem *problem)
{
    struct reader r = { .tree = t, .problem = problem, .path = path, .import_depth = import_depth };
    struct rf_conf_text *text;
    struct stat st;
    const char *why;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0) {
        enum rf_err err = errno == ENOENT ? RF_ERR_NOT_FOUND : RF_ERR_IO;

        rf_conf_say(problem, by, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return err;
    }
    /* A size beforehand, so that neither a device nor a pipe can be read without an end. */
    if (!S_ISREG(st.st_mode)) {
        rf_conf_say(problem, by, "%s is no file", path);
        close(fd);
        return RF_ERR_IO;
    }
    text = new_text(t, (size_t)st.st_size);
    if (text == NULL) {
        close(fd);
        rf_conf_say(problem, by, "the configuration is larger than %u MiB or %d files", RF_CONF_TEXT_MAX >> 20,
                    RF_CONF_FILES_MAX);
        return RF_ERR_RANGE;
    }
    why = rf_conf_take_octets(read, fd, text->octet, text->n);
    close(fd);
    if (why != NULL) {
        rf_conf_say(problem, by, "cannot read %s: %s", path, why);
        return RF_ERR_IO;
    }
    r.at = (struct rf_conf_origin){ .layer = RF_CONF_FILE, .file = lasting_name(path) };
    return read_lines(&r, parent, depth, text->octet, text->octet + text->n);
}

enum rf_err
rf_conf_tree_read(struct rf_conf_tree *t, const char *path, struct rf_conf_problem *problem)
{
    return read_file(t, &t->root, 0, path, 0,
                     (struct rf_conf_origin){ .layer = RF_CONF_FILE, .file = lasting_name(path) }, problem);
}

/* --- and back ------------------------------------------------------------------------------------------ */

static void
put_word(struct rf_buf *out, struct rf_span w, bool is_first)
{
    bool needs_quotes = w.n == 0 || w.p[0] == '#' || rf_span_is(w, "{") || rf_span_is(w, "}") ||
                        (is_first && (rf_span_is(w, "import") || rf_span_starts(w, "\xef\xbb\xbf")));

    for (size_t i = 0; i < w.n; i++)
        needs_quotes |= is_space(w.p[i]) || w.p[i] == '"';
    if (!needs_quotes) {
        rf_put(out, w);
        return;
    }
    rf_put_char(out, '"');
    for (size_t i = 0; i < w.n; i++) {
        if (w.p[i] == '"' || w.p[i] == '\\')
            rf_put_char(out, '\\');
        rf_put_char(out, w.p[i]);
    }
    rf_put_char(out, '"');
}

static void
put_nodes(struct rf_buf *out, const struct rf_conf_node *n, int depth)
{
    for (; n != NULL; n = n->next) {
        for (int i = 0; i < depth; i++)
            rf_put_str(out, "    ");
        for (size_t i = 0; i < n->words; i++) {
            if (i > 0)
                rf_put_char(out, ' ');
            put_word(out, n->word[i].text, i == 0);
        }
        if (n->is_block) {
            rf_put_str(out, " {\n");
            put_nodes(out, n->first, depth + 1);
            for (int i = 0; i < depth; i++)
                rf_put_str(out, "    ");
            rf_put_str(out, "}");
        }
        rf_put_char(out, '\n');
    }
}

void
rf_conf_tree_put(const struct rf_conf_tree *t, struct rf_buf *out)
{
    put_nodes(out, t->root.first, 0);
}

struct rf_conf_node *
rf_conf_node_add(struct rf_conf_tree *t, struct rf_conf_node *parent, const struct rf_span *word, size_t words,
                 bool is_block)
{
    struct reader r = { .tree = t };
    struct rf_conf_word copy[RF_CONF_WORDS_MAX];
    struct rf_conf_node *node;
    struct rf_conf_text *text;
    size_t octets = 0;
    char *p;

    rf_assert(words > 0 && words <= RF_CONF_WORDS_MAX);
    for (size_t i = 0; i < words; i++)
        octets += word[i].n;
    text = new_text(t, octets); /* not the arena: a word may be a password, and texts are wiped */
    if (text == NULL)
        return NULL;
    p = text->octet;
    for (size_t i = 0; i < words; i++) {
        if (word[i].n > 0)
            memcpy(p, word[i].p, word[i].n);
        copy[i] = (struct rf_conf_word){ .text = { p, word[i].n } };
        p += word[i].n;
    }
    node = append_node(&r, parent, copy, words);
    if (node != NULL)
        node->is_block = is_block;
    return node;
}

void
rf_conf_node_remove(struct rf_conf_node *parent, struct rf_conf_node *node)
{
    struct rf_conf_node *before = NULL;

    for (struct rf_conf_node *n = parent->first; n != node; n = n->next) {
        rf_assert(n != NULL);
        before = n;
    }
    if (before != NULL)
        before->next = node->next;
    else
        parent->first = node->next;
    if (parent->last == node)
        parent->last = before;
}
