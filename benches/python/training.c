/* The fused loops that a C programmer would write, for gcc -O3 -march=native -ffast-math: one pass for what a pass can
 * do, glibc's vector exponentials and logarithms, f32 sums. Nothing is checked, and -infinity is not allowed. */
#include <math.h>
#include <stddef.h>

float fused_loss(const float *restrict input, const float *restrict target, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += target[i] * (logf(target[i]) - input[i]);
    return sum;
}

void fused_loss_grad(const float *restrict target, float by, float *restrict grad, size_t n)
{
    for (size_t i = 0; i < n; i++)
        grad[i] = -by * target[i];
}

/* The maxima, then the three sums. */
static void maxima(const float *restrict a, const float *restrict b, size_t n, float *max_a, float *max_b)
{
    float x = -INFINITY, y = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x = a[i] > x ? a[i] : x;
        y = b[i] > y ? b[i] : y;
    }
    *max_a = x;
    *max_b = y;
}

void fused_logits(const float *a, const float *b, size_t rows, size_t cols, double *out)
{
    for (size_t row = 0; row < rows; row++, a += cols, b += cols) {
        const float *restrict p = a, *restrict q = b;
        float max_a, max_b, sum_a = 0, sum_b = 0, sum = 0;
        maxima(p, q, cols, &max_a, &max_b);
        for (size_t i = 0; i < cols; i++) {
            const float x = p[i] - max_a, y = q[i] - max_b, e = expf(x);
            sum_a += e;
            sum_b += expf(y);
            sum += e * (x - y);
        }
        out[row] = sum / sum_a - logf(sum_a) + logf(sum_b);
    }
}

/* The same, and q - p in a second look. */
void fused_logits_grad(const float *a, const float *b, size_t rows, size_t cols, double *out, float *grad)
{
    for (size_t row = 0; row < rows; row++, a += cols, b += cols, grad += cols) {
        const float *restrict p = a, *restrict q = b;
        float *restrict g = grad;
        float max_a, max_b, sum_a = 0, sum_b = 0, sum = 0;
        maxima(p, q, cols, &max_a, &max_b);
        for (size_t i = 0; i < cols; i++) {
            const float x = p[i] - max_a, y = q[i] - max_b, e = expf(x);
            sum_a += e;
            sum_b += expf(y);
            sum += e * (x - y);
        }
        const float lse_a = max_a + logf(sum_a), lse_b = max_b + logf(sum_b);
        out[row] = sum / sum_a - logf(sum_a) + logf(sum_b);
        for (size_t i = 0; i < cols; i++)
            g[i] = expf(q[i] - lse_b) - expf(p[i] - lse_a);
    }
}

void fused_vae_grad(const float *restrict mu, const float *restrict logvar, size_t rows, size_t cols, double *restrict out,
              float *restrict grad_mu, float *restrict grad_logvar)
{
    for (size_t row = 0; row < rows; row++) {
        float sum = 0;
        for (size_t i = row * cols; i < (row + 1) * cols; i++) {
            const float e = expf(logvar[i]);
            sum += mu[i] * mu[i] + e - 1 - logvar[i];
            grad_mu[i] = mu[i];
            grad_logvar[i] = 0.5f * (e - 1);
        }
        out[row] = 0.5f * sum;
    }
}
