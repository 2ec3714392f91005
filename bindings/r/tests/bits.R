# Prints the lines of bindings/bits.c that are of doubles, with counts as doubles.
library(kldiv)

rows <- 7L
cols <- 37L
count <- rows * cols

# ---- inputs: 64-bit integers as four limbs of 16 bits, the lowest first, one number a row ----

shifted <- function(z, by) {
  limbs <- by %/% 16L
  bits <- by %% 16L
  at <- function(k) if (k > 4L) rep(0, nrow(z)) else z[, k]
  matrix(sapply(1:4, function(k) at(k + limbs) %/% 2^bits + (at(k + limbs + 1L) * 2^(16L - bits)) %% 65536),
    nrow = nrow(z))
}

carried <- function(z) {
  for (k in 1:4) {
    if (k < 4L) z[, k + 1L] <- z[, k + 1L] + z[, k] %/% 65536
    z[, k] <- z[, k] %% 65536
  }
  z
}

times <- function(z, factor) {
  out <- matrix(0, nrow(z), 4L)
  for (i in 1:4) for (j in 1:4) if (i + j <= 5L) out[, i + j - 1L] <- out[, i + j - 1L] + z[, i] * factor[j]
  carried(out)
}

xored <- function(a, b) matrix(as.double(bitwXor(a, b)), nrow = nrow(a))

drawn <- function(seed, n) {
  state <- times(cbind(as.double(seq_len(n)), 0, 0, 0), c(0x7C15, 0x7F4A, 0x79B9, 0x9E37))
  z <- carried(sweep(state, 2L, c(seed, 0, 0, 0), "+"))
  z <- times(xored(z, shifted(z, 30L)), c(0xE5B9, 0x1CE4, 0x476D, 0xBF58))
  z <- times(xored(z, shifted(z, 27L)), c(0x11EB, 0x1331, 0x49BB, 0x94D0))
  xored(z, shifted(z, 31L))
}

value <- function(z) as.vector(z %*% 2^c(0, 16, 32, 48))
units <- function(seed, n) (value(shifted(drawn(seed, n), 11L)) + 1) * 2^-53
reals <- function(seed, n) 16 * units(seed, n) - 8
counts <- function(seed, n) value(shifted(shifted(drawn(seed, n), 15L), 29L))
by_row <- function(x, cols = 37L) matrix(x, ncol = cols, byrow = TRUE)

# ---- output ----

line <- function(label, ...) {
  hex <- function(x) matrix(format(writeBin(as.double(x), raw(), endian = "big")), nrow = 8L)
  cat(paste(c(label, apply(hex(c(...)), 2L, paste, collapse = "")), collapse = " "), "\n", sep = "")
}
in_rows <- function(x) if (is.matrix(x)) as.vector(t(x)) else x

# ---- the rooms ----

p <- by_row(units(5, count))
q <- by_row(units(6, count))
vector <- units(2, cols)
line("kl", kl(units(1, cols), vector))
measures <- c("kl", "generalized", "reverse", "jeffreys", "jensen_shannon", "jensen_shannon_distance", "renyi",
  "entropy", "cross_entropy")
for (m in seq_along(measures)) {
  line(sprintf("rows_measure_%d", m - 1L), kl_rows(p, q, measure = measures[m], alpha = 0.5))
}
line("rows_counts", kl_rows(by_row(counts(11, count)), by_row(counts(12, count)), normalization = "normalize",
  smoothing = 0.5))
line("rows_strided", kl_rows(matrix(units(5, count), nrow = rows), rev(vector)))
line("mean", kl(p, q, reduction = "mean", base = 2, mask = c(TRUE, FALSE, TRUE, TRUE, FALSE, TRUE, TRUE),
  weights = units(13, rows)))
line("terms", in_rows(kl_terms(p, q, measure = "jeffreys")))
line("explain", in_rows(as.matrix(kl_explain(units(1, cols), vector, normalization = "normalize"))))

others <- by_row(units(20, 5L * cols))
line("pairwise", in_rows(kl_pairwise(p, others)))
near <- kl_nearest(p, others, 3)
hex <- function(x) sprintf("%016x", as.integer(x))
cat("nearest ", paste(hex(in_rows(near$index) - 1L), collapse = " "), sep = "")
line("", in_rows(near$divergence))

input <- by_row(reals(14, count))
target <- by_row(units(15, count))
log_target <- by_row(reals(16, count))
for (reduction in c("sum", "mean", "batchmean")) {
  line(paste0("loss_", reduction), kl_loss(input, target, reduction = reduction))
}
line("loss_pointwise", in_rows(kl_loss_pointwise(input, target)))
grad <- kl_loss_grad(input, target, reduction = "batchmean")
line("loss_grad_input", in_rows(grad$input))
line("loss_grad_target", in_rows(grad$target))
line("loss_log_target", kl_loss(input, log_target, reduction = "batchmean", log_target = TRUE))
grad <- kl_loss_grad(input, log_target, reduction = "batchmean", log_target = TRUE, upstream = 0.5, want = "target")
line("loss_log_target_grad", in_rows(grad$target))

a <- by_row(reals(17, count))
b <- by_row(reals(18, count))
upstream <- units(13, rows)
line("logits", kl_logits(a, b, temperature = 2))
grad <- kl_logits_grad(a, b, temperature = 2, upstream = upstream)
line("logits_grad", grad$value)
line("logits_grad_a", in_rows(grad$a))
line("logits_grad_b", in_rows(grad$b))
line("logits_jensen_shannon", kl_logits(a, b, temperature = 2, measure = "jensen_shannon", js_weight = 0.25))
indices <- outer(1:rows, 0:3, function(i, j) 9L * j + i)
grad <- kl_logits_topk(by_row(reals(19, rows * 4L), 4L), indices, b, temperature = 2, upstream = upstream)
line("logits_topk", grad$value)
line("logits_topk_grad_b", in_rows(grad$b))

families <- function(label, p_family, q_family, cols, ...) {
  line(label, kl_family(p_family, by_row(units(21, rows * cols), cols), q_family, by_row(units(22, rows * cols), cols),
    ...))
}
families("family_normal", "normal", "normal", 2L)
families("family_normal_jeffreys", "normal", "normal", 2L, measure = "jeffreys", base = 2)
families("family_normal_laplace", "normal", "laplace", 2L)
families("family_dirichlet", "dirichlet", "dirichlet", 5L)
families("family_mvnormal_lowrank", "mvnormal_lowrank", "mvnormal_lowrank", 6L, dim = 2)
grad <- kl_family_grad("gamma", by_row(units(21, rows * 2L), 2L), "gamma", by_row(units(22, rows * 2L), 2L),
  upstream = upstream)
line("family_grad", grad$value)
line("family_grad_p", in_rows(grad$p))
line("family_grad_q", in_rows(grad$q))

mu <- by_row(reals(25, count))
logvar <- by_row(reals(26, count))
line("vae", kl_vae(mu, logvar))
grad <- kl_vae_grad(mu, logvar, reals(27, cols), reals(28, cols), upstream = upstream)
line("vae_prior", grad$value)
for (of in c("mu", "logvar", "prior_mu", "prior_logvar")) line(paste0("vae_grad_", of), in_rows(grad[[of]]))

line("quadrature", unlist(kl_quadrature(function(x) 2 * x, function(x) 3 * x * x, 0, 1, breaks = 0.5)))
line("knn", kl_knn(by_row(reals(29, 120L), 3L), by_row(reals(30, 150L), 3L), 2))
line("monte_carlo", unlist(kl_monte_carlo(reals(31, 100L), reals(32, 100L), estimator = "k3")))

part <- function(of) kl_partial_update(kl_partial(measure = "jeffreys"), p[of, ], q[of, ])
state <- kl_partial_merge(part(1:3), part(4:7))
line("partial", kl_partial_value(state, normalization = "normalize"))
words <- matrix(format(state), nrow = 8L)[8:1, ]
cat(paste(c("partial_state", apply(words, 2L, paste, collapse = "")), collapse = " "), "\n", sep = "")
