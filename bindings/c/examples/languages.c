/*
 * Which languages spell alike?
 *
 * Reads tables of letter counts, one language per row, and prints D(row || column) in bits: the price per letter of
 * writing the row's language in a code that was made for the column's. One call of kldiv_rows compares one language
 * with all; the counts go in as they are, and the library turns them into probabilities.
 *
 *     languages languages/letters.tsv languages/initials.tsv
 */
#include <kldiv.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 24, LINE_SIZE = 4096 };

typedef struct table {
    size_t rows, cols;
    char (*names)[NAME_SIZE]; /* rows */
    uint64_t *counts;         /* rows x cols */
} table;

static void check(kldiv_status status)
{
    kldiv_error error;

    if (status == KLDIV_OK)
        return;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    fprintf(stderr, "languages: %s\n", error.message);
    exit(EXIT_FAILURE);
}

static void fail(const char *path, size_t line, const char *problem)
{
    fprintf(stderr, "%s:%lu: %s\n", path, (unsigned long)line, problem);
    exit(EXIT_FAILURE);
}

static void *resize(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL) {
        fprintf(stderr, "languages: out of memory\n");
        exit(EXIT_FAILURE);
    }
    return memory;
}

/* Reads a line without its end. Returns 0 at the end of the file. */
static int read_line(FILE *file, const char *path, size_t number, char line[LINE_SIZE])
{
    if (fgets(line, LINE_SIZE, file) == NULL) {
        if (ferror(file))
            fail(path, number, strerror(errno));
        return 0;
    }
    if (strchr(line, '\n') == NULL && !feof(file))
        fail(path, number, "the line is too long");
    line[strcspn(line, "\r\n")] = '\0';
    return 1;
}

/* Reads the count after the next tab and moves *cell past it. */
static uint64_t read_count(char **cell, const char *path, size_t number)
{
    char *digits = *cell + 1;
    unsigned long long count;

    if (**cell != '\t')
        fail(path, number, "fewer counts than the header has letters");
    if (*digits < '0' || *digits > '9') /* strtoull would take "-1", and make it huge */
        fail(path, number, "a count is not a number");
    errno = 0;
    count = strtoull(digits, cell, 10);
    if (errno == ERANGE)
        fail(path, number, "a count is too large");
    if (**cell != '\t' && **cell != '\0')
        fail(path, number, "a count is not a whole number");
    return (uint64_t)count;
}

static table read_table(const char *path)
{
    table t = {0, 0, NULL, NULL};
    char line[LINE_SIZE];
    size_t number = 1;
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }

    /* The header names the columns. All we need is how many. */
    if (!read_line(file, path, number, line))
        fail(path, number, "the file is empty");
    for (const char *c = line; *c != '\0'; c++)
        t.cols += *c == '\t';
    if (t.cols == 0)
        fail(path, number, "no letters in the header (cells are separated by tabs)");

    for (number = 2; read_line(file, path, number, line); number++) {
        char *cell = line + strcspn(line, "\t");
        size_t length = (size_t)(cell - line);
        if (length == 0 || length >= NAME_SIZE)
            fail(path, number, "the name of the language is missing or too long");

        t.names = (char(*)[NAME_SIZE])resize(t.names, (t.rows + 1) * sizeof *t.names);
        memcpy(t.names[t.rows], line, length);
        t.names[t.rows][length] = '\0';

        t.counts = (uint64_t *)resize(t.counts, (t.rows + 1) * t.cols * sizeof *t.counts);
        for (size_t col = 0; col < t.cols; col++)
            t.counts[t.rows * t.cols + col] = read_count(&cell, path, number);
        if (*cell != '\0')
            fail(path, number, "more counts than the header has letters");
        t.rows++;
    }
    if (t.rows < 2)
        fail(path, number, "there must be at least two languages");
    fclose(file);
    return t;
}

/* d[i * rows + j] = D(language i || language j) in bits. */
static void divergences(const table *t, double smoothing, double *d)
{
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE; /* counts become probabilities, without a copy */
    options.base = 2;
    options.smoothing = smoothing;

    kldiv_view all = KLDIV_VIEW_U64(t->counts, t->rows, t->cols);
    for (size_t i = 0; i < t->rows; i++) {
        /* As many rows as the other side has, and all the same one: a row stride of 0 stays where it is. */
        kldiv_view one = KLDIV_VIEW_U64(t->counts + i * t->cols, t->rows, t->cols);
        one.row_stride = 0;
        check(kldiv_rows(&one, &all, &options, d + i * t->rows));
    }
}

static void print_divergences(const table *t, const double *d)
{
    printf("%-12s", "");
    for (size_t j = 0; j < t->rows; j++)
        printf("%8.7s", t->names[j]);
    printf("\n");
    for (size_t i = 0; i < t->rows; i++) {
        printf("%-12s", t->names[i]);
        for (size_t j = 0; j < t->rows; j++)
            if (isinf(d[i * t->rows + j]))
                printf("%8s", "inf");
            else
                printf("%8.4f", d[i * t->rows + j]);
        printf("\n");
    }
}

static void print_nearest(const table *t, const double *d)
{
    for (size_t i = 0; i < t->rows; i++) {
        size_t nearest = i == 0; /* any other than i itself */
        for (size_t j = 0; j < t->rows; j++)
            if (j != i && d[i * t->rows + j] < d[i * t->rows + nearest])
                nearest = j;
        printf("%-12s%-12s%8.4f\n", t->names[i], t->names[nearest], d[i * t->rows + nearest]);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s languages/letters.tsv languages/initials.tsv\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (int arg = 1; arg < argc; arg++) {
        table t = read_table(argv[arg]);
        double *d = (double *)resize(NULL, t.rows * t.rows * sizeof *d);

        /* As counted. Where the row's language has a letter that the column's never has, the answer is infinite. */
        divergences(&t, 0, d);
        printf("%s: D(row || column) in bits, as counted\n\n", argv[arg]);
        print_divergences(&t, d);

        /* Half an occurrence more of every letter: what was never seen becomes rare instead of impossible. */
        divergences(&t, 0.5, d);
        printf("\n%s: D(row || column) in bits, with smoothing 0.5\n\n", argv[arg]);
        print_divergences(&t, d);

        printf("\n%s: nearest, with smoothing 0.5\n\n", argv[arg]);
        print_nearest(&t, d);
        if (arg + 1 < argc)
            printf("\n\n");

        free(d);
        free(t.counts);
        free(t.names);
    }
    return EXIT_SUCCESS;
}
