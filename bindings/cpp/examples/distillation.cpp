/*
 * Teaching a small model what a large one knows.
 *
 * Both models give a number, a logit, to every class; softmax makes probabilities of them. How far the student is off,
 * example by example, is D(softmax(teacher / T) || softmax(student / T)), where the temperature T flattens both, so
 * that the student also learns which of the wrong classes are nearly right. One call gives the divergences and the
 * direction in which each logit of the student should move. Neither softmax is ever written to memory.
 */
#include <kldiv.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <vector>

namespace {

constexpr std::size_t examples = 4, classes = 300;
constexpr std::size_t forbidden = 7; /* a class that cannot occur, padding say */
constexpr double temperature = 2;
constexpr float rate = 100;

/* Logits between -4 and 4: the same on every machine. */
float next_logit(std::uint32_t &state)
{
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 16) / 8192.0f - 4.0f;
}

double mean(const std::vector<double> &values)
{
    double sum = 0;
    for (const double value : values)
        sum += value;
    return sum / static_cast<double>(values.size());
}

} // namespace

int main()
{
    std::vector<float> teacher(examples * classes), student(examples * classes), grad(examples * classes);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < teacher.size(); i++) {
        teacher[i] = i % classes == forbidden ? -std::numeric_limits<float>::infinity() : next_logit(state);
        student[i] = i % classes == forbidden ? -std::numeric_limits<float>::infinity() : next_logit(state);
    }
    const kldiv::view teacher_view(teacher.data(), examples, classes), student_view(student.data(), examples, classes);
    const kldiv::view_mut grad_view(grad.data(), examples, classes);

    /* The gradient falls with T^2, so it is customary to multiply the loss by T^2: a factor of the loss is a factor of
       its gradient, and goes in as what comes down from the loss. */
    const std::vector<double> upstream(examples, temperature * temperature / examples);
    const auto options = kldiv::options().temperature(temperature);
    std::vector<double> divergence(examples);

    double before = std::numeric_limits<double>::infinity();
    for (int step = 0; step < 5; step++) {
        kldiv::logits_grad_into(teacher_view, student_view, upstream, divergence, nullptr, grad_view, options);
        const double loss = temperature * temperature * mean(divergence);
        std::printf("step %d: loss %.6f\n", step, loss);
        if (!(loss < before))
            return EXIT_FAILURE;
        before = loss;
        for (std::size_t i = 0; i < student.size(); i++)
            student[i] -= rate * grad[i]; /* the forbidden class has gradient 0 and stays where it is */
    }

    /* Often only the teacher's likeliest classes are kept, and which they are. */
    constexpr std::size_t kept = 10;
    std::vector<float> values;
    std::vector<std::int64_t> indices;
    for (std::size_t row = 0; row < examples; row++) {
        const float *logits = &teacher[row * classes];
        std::vector<std::int64_t> order(classes);
        std::iota(order.begin(), order.end(), 0);
        const auto likelier = [&](std::int64_t i, std::int64_t j) { return logits[i] > logits[j]; };
        std::partial_sort(order.begin(), order.begin() + kept, order.end(), likelier);
        for (std::size_t k = 0; k < kept; k++) {
            values.push_back(logits[order[k]]);
            indices.push_back(order[k]);
        }
    }
    const std::vector<double> few =
        kldiv::logits_topk(kldiv::view(values.data(), examples, kept), indices, student_view, options);
    std::printf("of the %d likeliest classes: %.6f\n", static_cast<int>(kept), mean(few));
}
