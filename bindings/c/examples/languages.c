/*
 * Which languages spell alike?
 *
 * Reads tables of letter counts, one language per row, and prints D(row || column) in bits: the price per letter of
 * writing the row's language in a code that was made for the column's. One call of kldiv_pairwise compares every
 * language with every other; the counts go in as they are, and the library turns them into probabilities. Then the
 * languages nearest to each, from kldiv_nearest, and the languages in clusters, from their Jensen-Shannon distances.
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

/* Counts as probabilities, without a copy, and answers in bits. */
static kldiv_options options_of(uint32_t measure, double smoothing)
{
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.measure = measure;
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    options.base = 2;
    options.smoothing = smoothing;
    return options;
}

/* d[i * rows + j] = D(language i || language j). */
static void divergences(const table *t, const kldiv_options *options, double *d)
{
    kldiv_view all = KLDIV_VIEW_U64(t->counts, t->rows, t->cols);
    check(kldiv_pairwise(&all, &all, options, d));
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

/* The nearest of all is the language itself, at 0: the two after it are its neighbours. */
static void print_nearest(const table *t, const kldiv_options *options)
{
    kldiv_view all = KLDIV_VIEW_U64(t->counts, t->rows, t->cols);
    size_t k = t->rows < 3 ? t->rows : 3;
    size_t *index = (size_t *)resize(NULL, t->rows * k * sizeof *index);
    double *d = (double *)resize(NULL, t->rows * k * sizeof *d);

    check(kldiv_nearest(&all, &all, options, k, index, d));
    for (size_t i = 0; i < t->rows; i++) {
        printf("%-12s", t->names[i]);
        for (size_t j = 0; j < k; j++)
            if (index[i * k + j] != i)
                printf("  %-12s%8.4f", t->names[index[i * k + j]], d[i * k + j]);
        printf("\n");
    }
    free(index);
    free(d);
}

/* Joins the two clusters that are nearest, on average over their pairs, until one is left, and says each step. */
static void print_clusters(const table *t, const double *d)
{
    size_t rows = t->rows;
    size_t *cluster = (size_t *)resize(NULL, rows * sizeof *cluster); /* of each language: the first one in it */
    for (size_t i = 0; i < rows; i++)
        cluster[i] = i;

    for (size_t left = rows; left > 1; left--) {
        size_t first = 0, second = 0;
        double best = HUGE_VAL;
        for (size_t a = 0; a < rows; a++)
            for (size_t b = a + 1; b < rows; b++) {
                double sum = 0;
                size_t pairs = 0;
                for (size_t i = 0; i < rows; i++)
                    for (size_t j = 0; j < rows; j++)
                        if (cluster[i] == a && cluster[j] == b) {
                            sum += d[i * rows + j];
                            pairs++;
                        }
                if (pairs > 0 && sum / (double)pairs < best) {
                    best = sum / (double)pairs;
                    first = a;
                    second = b;
                }
            }
        printf("%8.4f ", best);
        for (size_t i = 0; i < rows; i++)
            if (cluster[i] == first)
                printf(" %s", t->names[i]);
        printf("  +");
        for (size_t i = 0; i < rows; i++)
            if (cluster[i] == second) {
                printf(" %s", t->names[i]);
                cluster[i] = first;
            }
        printf("\n");
    }
    free(cluster);
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
        kldiv_options as_counted = options_of(KLDIV_MEASURE_KL, 0);
        divergences(&t, &as_counted, d);
        printf("%s: D(row || column) in bits, as counted\n\n", argv[arg]);
        print_divergences(&t, d);

        /* Half an occurrence more of every letter: what was never seen becomes rare instead of impossible. */
        kldiv_options smoothed = options_of(KLDIV_MEASURE_KL, 0.5);
        divergences(&t, &smoothed, d);
        printf("\n%s: D(row || column) in bits, with smoothing 0.5\n\n", argv[arg]);
        print_divergences(&t, d);

        printf("\n%s: nearest, with smoothing 0.5\n\n", argv[arg]);
        print_nearest(&t, &smoothed);

        /* The same both ways and never infinite: a distance that clusters can be made of. */
        kldiv_options distance = options_of(KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE, 0);
        divergences(&t, &distance, d);
        printf("\n%s: clusters by mean Jensen-Shannon distance\n\n", argv[arg]);
        print_clusters(&t, d);
        if (arg + 1 < argc)
            printf("\n\n");

        free(d);
        free(t.counts);
        free(t.names);
    }
    return EXIT_SUCCESS;
}
