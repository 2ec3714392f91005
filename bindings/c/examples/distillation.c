/*
 * Teaching a small model what a large one knows.
 *
 * Both models give a number, a logit, to every class; softmax makes probabilities of them. The student is to come near
 * the teacher, and how far off it is, row by row, is
 *
 *     D(softmax(teacher / T) || softmax(student / T))
 *
 * The temperature T flattens both, so that the student also learns which of the wrong classes are nearly right. One
 * call of kldiv_logits_grad gives the divergences and the direction in which each logit of the student should move.
 * Neither softmax is ever written to memory.
 */
#include <kldiv.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 4       /* examples in the batch */
#define CLASSES 300
#define FORBIDDEN 7  /* a class that cannot occur, padding say: both models have -INFINITY there */
#define KEPT 10      /* of the teacher's classes, for the last part */
#define STEPS 5
#define RATE 100.0f

static const double temperature = 2;

static void check(kldiv_status status)
{
    kldiv_error error;

    if (status == KLDIV_OK)
        return;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    fprintf(stderr, "distillation: %s\n", error.message);
    exit(EXIT_FAILURE);
}

/* Logits between -4 and 4: the same on every machine. */
static float next_logit(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 16) / 8192.0f - 4.0f;
}

/*
 * The mean loss of the batch, and its gradient to whatever type and layout `grad` has; NULL: no gradient.
 *
 * The gradient that the library gives falls with T^2, so it is customary to multiply the loss by T^2. A factor of the
 * loss is a factor of its gradient, and goes in as `upstream`: what comes down from whatever the loss is part of.
 */
static double loss(const kldiv_view *teacher, const kldiv_view *student, const kldiv_view_mut *grad)
{
    double divergence[ROWS], upstream[ROWS], sum = 0;
    kldiv_options options = KLDIV_OPTIONS_INIT;

    options.temperature = temperature;
    for (size_t row = 0; row < ROWS; row++)
        upstream[row] = temperature * temperature / ROWS;
    check(kldiv_logits_grad(teacher, student, &options, upstream, divergence, NULL, grad));
    for (size_t row = 0; row < ROWS; row++)
        sum += upstream[row] * divergence[row];
    return sum;
}

/* Compares the gradient with what the loss does when one logit moves a little to either side: do they agree? */
static int gradient_is_right(const kldiv_view *teacher, const float *student, const float *grad)
{
    static double moved[ROWS * CLASSES]; /* doubles: a float could not be moved by so little */
    const double step = 1.0 / 4096;
    double furthest = 0, largest = 0;
    kldiv_view view = KLDIV_VIEW_F64(moved, ROWS, CLASSES);

    for (size_t i = 0; i < ROWS * CLASSES; i++)
        moved[i] = student[i];
    printf("class   gradient     difference quotient\n");
    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        double quotient = 0; /* what is forbidden stays forbidden, wherever it is moved */
        if (i % CLASSES != FORBIDDEN) {
            moved[i] = student[i] + step;
            double above = loss(teacher, &view, NULL);
            moved[i] = student[i] - step;
            double below = loss(teacher, &view, NULL);
            moved[i] = student[i];
            quotient = (above - below) / (2 * step);
        }
        furthest = fmax(furthest, fabs(grad[i] - quotient));
        largest = fmax(largest, fabs(quotient));
        if (i < 10)
            printf("%5d  %11.8f  %11.8f\n", (int)i, grad[i], quotient);
    }
    printf("largest difference of all %d: %.1e of the largest gradient\n\n", ROWS * CLASSES, furthest / largest);
    return furthest <= 1e-6 * largest; /* floats carry seven digits */
}

/* A teacher has many logits. Often only the largest are kept, and which classes they belong to. */
static void keep_the_likeliest(const float *teacher, float *values, int64_t *indices)
{
    for (size_t row = 0; row < ROWS; row++) {
        const float *logits = teacher + row * CLASSES;
        for (size_t k = 0; k < KEPT; k++) {
            int64_t best = -1;
            for (int64_t candidate = 0; candidate < CLASSES; candidate++) {
                int taken = 0;
                for (size_t earlier = 0; earlier < k; earlier++)
                    taken |= indices[row * KEPT + earlier] == candidate;
                if (!taken && (best < 0 || logits[candidate] > logits[best]))
                    best = candidate;
            }
            indices[row * KEPT + k] = best;
            values[row * KEPT + k] = logits[best];
        }
    }
}

int main(void)
{
    static float teacher[ROWS * CLASSES], student[ROWS * CLASSES], grad[ROWS * CLASSES];
    kldiv_view teacher_view = KLDIV_VIEW_F32(teacher, ROWS, CLASSES);
    kldiv_view student_view = KLDIV_VIEW_F32(student, ROWS, CLASSES);
    kldiv_view_mut grad_view = KLDIV_VIEW_F32(grad, ROWS, CLASSES);
    uint32_t state = 1;

    for (size_t i = 0; i < ROWS * CLASSES; i++) {
        teacher[i] = i % CLASSES == FORBIDDEN ? -INFINITY : next_logit(&state);
        student[i] = i % CLASSES == FORBIDDEN ? -INFINITY : next_logit(&state);
    }

    double before = loss(&teacher_view, &student_view, &grad_view);
    if (!gradient_is_right(&teacher_view, student, grad)) {
        fprintf(stderr, "distillation: the gradient is not the loss's\n");
        return EXIT_FAILURE;
    }

    /* Down the slope. A forbidden class has gradient 0 and stays at -INFINITY. */
    for (int step = 0; step < STEPS; step++) {
        double now = loss(&teacher_view, &student_view, &grad_view);
        printf("step %d: loss %.6f\n", step, now);
        if (step > 0 && !(now < before)) {
            fprintf(stderr, "distillation: the loss does not fall\n");
            return EXIT_FAILURE;
        }
        before = now;
        for (size_t i = 0; i < ROWS * CLASSES; i++)
            student[i] -= RATE * grad[i];
    }

    /* With a few of the teacher's classes: its softmax is over these alone, the student's over all. The logits may stay
       where they are; KLDIV_TOPK_LOGPROBS_TAIL takes log-probabilities and keeps what is missing as one more class. */
    float values[ROWS * KEPT];
    int64_t indices[ROWS * KEPT];
    double all[ROWS], few[ROWS];
    kldiv_view kept = KLDIV_VIEW_F32(values, ROWS, KEPT);
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.temperature = temperature;
    keep_the_likeliest(teacher, values, indices);
    check(kldiv_logits(&teacher_view, &student_view, &options, all));
    check(kldiv_logits_topk(&kept, indices, &student_view, &options, NULL, few, &grad_view));
    printf("\n     of all classes   of the teacher's %d likeliest\n", KEPT);
    for (size_t row = 0; row < ROWS; row++)
        printf("row %d      %.6f   %.6f\n", (int)row, all[row], few[row]);

    return EXIT_SUCCESS;
}
