# Holds the package to testdata's tables, with the tolerances of its README.
library(kldiv)

folder <- Sys.getenv("KLDIV_TESTDATA")
if (folder == "" || !requireNamespace("jsonlite", quietly = TRUE)) {
  cat("tables.R: skipped, it takes the package jsonlite and the folder KLDIV_TESTDATA\n")
  quit()
}

# ---- reading ----

table <- function(name) {
  cases <- jsonlite::fromJSON(file.path(folder, name), simplifyVector = FALSE, bigint_as_char = TRUE)
  stopifnot(length(cases) > 0)
  cases
}

# Numbers one after the other, row by row; NULL is undefined.
numbers <- function(x) {
  if (is.null(x)) {
    return(NA_real_)
  }
  if (is.list(x)) {
    return(unlist(lapply(x, numbers)))
  }
  if (is.character(x)) as.double(sub("^(-?)inf$", "\\1Inf", x)) else as.double(x)
}
by_row <- function(x, rows, cols) matrix(numbers(x), rows, cols, byrow = TRUE)
in_rows <- function(x) if (is.matrix(x)) as.vector(t(x)) else x

# ---- judging ----

# Each value within a tolerance of its own; what is undefined is passed over.
near <- function(what, got, want, tolerance) {
  stopifnot(length(got) == length(want))
  tolerance <- rep_len(tolerance, length(want))
  within <- ifelse(is.infinite(want) | is.infinite(got), got == want, abs(got - want) <= tolerance)
  bad <- which(!is.na(want) & !(within %in% TRUE))
  if (length(bad) > 0) {
    i <- bad[1]
    stop(sprintf("%s [%d]: got %.17g, want %.17g within %g", what, i, got[i], want[i], tolerance[i]))
  }
}
tiny <- 2^-1074
# R has no f32: such inputs are given as the doubles that they are, and held to the tolerance of their own type.
u <- function(case) if (identical(case$dtype, "f32")) 2^-24 else 2^-53

# ---- the tables ----

fields <- list(kl = list(), generalized = list(measure = "generalized"), reverse = list(measure = "reverse"),
  jensen_shannon = list(measure = "jensen_shannon"), jeffreys = list(measure = "jeffreys"),
  entropy = list(measure = "entropy"), cross_entropy = list(measure = "cross_entropy"),
  renyi_0_5 = list(measure = "renyi", alpha = 0.5), renyi_2 = list(measure = "renyi", alpha = 2))
for (case in table("discrete.json")) {
  p <- numbers(case$p)
  q <- numbers(case$q)
  for (field in names(fields)) {
    k <- if (startsWith(field, "renyi") && "subnormal" %in% unlist(case$tags)) 64 else 16
    got <- do.call(kl, c(list(p, q), fields[[field]]))
    near(paste(case$name, field), got, numbers(case$expect[[field]]),
      k * u(case) * numbers(case$mag[[field]]) + (case$n + 2) * tiny)
    stopifnot(got == do.call(kl_rows, c(list(p, q), fields[[field]])))
  }
}

codes <- c(negative = "negative", nan = "nan", infinite = "infinite", length_mismatch = "shape_mismatch",
  empty = "empty")
for (case in table("invalid.json")) {
  sides <- list(p = as.double(numbers(case$p)), q = as.double(numbers(case$q)))
  for (call in list(kl, kl_rows)) {
    e <- tryCatch(call(sides$p, sides$q), kldiv_error = function(e) e)
    wanted <- if (is.null(case$expect$error_any_of)) case$expect$error else unlist(case$expect$error_any_of)
    if (!inherits(e, "kldiv_error") || !(e$code %in% codes[wanted])) stop(case$name)
    if (!is.null(case$expect$argument) && !is.null(case$expect$index)) {
      col <- case$expect$index + 1
      stopifnot(e$operand == match(case$expect$argument, c("p", "q")), e$row == 1, e$col == col,
        identical(e$value, sides[[case$expect$argument]][col]) || is.nan(e$value), is.nan(e$results))
    }
  }
}

for (case in table("counts.json")) {
  p <- numbers(case$p_counts)
  q <- numbers(case$q_counts)
  if (any(c(p, q) > 2^53)) next # counts are doubles in R
  relative <- if (grepl("^(near_equal|proportional_smoothed|large_counts)", case$name)) 1e-10 else 1e-14
  for (field in c("kl", "kl_reverse", "psi", "js")) {
    measure <- c(kl = "kl", kl_reverse = "reverse", psi = "jeffreys", js = "jensen_shannon")[[field]]
    want <- numbers(case$expect[[field]])
    near(paste(case$name, field), kl(p, q, measure = measure, normalization = "normalize", smoothing = case$alpha),
      want, relative * abs(want))
  }
}

for (case in table("pairwise.json")) {
  p <- by_row(case$p, case$m, case$d)
  q <- by_row(case$q, case$k, case$d)
  got <- kl_pairwise(p, q)
  near(case$name, in_rows(got), numbers(case$expect$kl), 16 * u(case) * numbers(case$mag$kl) + (case$d + 2) * tiny)
  nearest <- kl_nearest(p, q, case$k)
  stopifnot(nearest$divergence == got[cbind(rep(seq_len(case$m), case$k), as.vector(nearest$index))],
    nearest$divergence == t(apply(nearest$divergence, 1, sort)) | case$k == 1)
}

for (case in table("kldivloss.json")) {
  x <- by_row(case$input, case$rows, case$cols)
  y <- by_row(case$target, case$rows, case$cols)
  log_target <- case$log_target
  for (reduction in c("sum", "mean", "batchmean")) {
    near(paste(case$name, reduction), kl_loss(x, y, reduction = reduction, log_target = log_target),
      numbers(case$expect[[reduction]]),
      16 * u(case) * numbers(case$mag[[reduction]]) + (case$rows * case$cols + 2) * tiny)
  }
  # What is subtracted in a single element; where that is no number, nothing is.
  mag <- function(gradient) {
    size <- if (log_target) exp(y) * (abs(y - x) + gradient) else
      if (gradient > 0) abs(log(y)) + abs(x) + 1 else y * (abs(log(y)) + abs(x))
    in_rows(ifelse(is.finite(size), size, 0))
  }
  near(paste(case$name, "none"), in_rows(kl_loss_pointwise(x, y, log_target = log_target)),
    numbers(case$expect$none), 16 * u(case) * mag(0) + 3 * tiny)
  grad <- kl_loss_grad(x, y, reduction = "batchmean", log_target = log_target)
  want <- numbers(case$expect$grad_input)
  near(paste(case$name, "grad_input"), in_rows(grad$input), want, 16 * u(case) * abs(want) + 3 * tiny)
  near(paste(case$name, "grad_target"), in_rows(grad$target), numbers(case$expect$grad_target),
    16 * u(case) * mag(1) + 3 * tiny)
}

for (case in table("logits.json")) {
  a <- by_row(case$a, case$rows, case$cols)
  b <- by_row(case$b, case$rows, case$cols)
  tolerance <- function(field, each) {
    16 * u(case) * rep(numbers(case$mag[[field]]), each = each) + (case$cols + 2) * tiny
  }
  got <- kl_logits_grad(a, b, temperature = case$T)
  near(paste(case$name, "kl"), got$value, numbers(case$expect$kl), tolerance("kl", 1))
  near(paste(case$name, "grad_a"), in_rows(got$a), numbers(case$expect$grad_a), tolerance("grad_a", case$cols))
  near(paste(case$name, "grad_b"), in_rows(got$b), numbers(case$expect$grad_b), tolerance("grad_b", case$cols))
  near(paste(case$name, "kl_reverse"), kl_logits(a, b, temperature = case$T, measure = "reverse"),
    numbers(case$expect$kl_reverse), tolerance("kl_reverse", 1))
}

for (case in table("vae.json")) {
  of <- function(name) if (is.null(case[[name]])) NULL else by_row(case[[name]], case$rows, case$dims)
  got <- kl_vae_grad(of("mu"), of("logvar"), of("prior_mu"), of("prior_logvar"))
  relative <- if (!is.null(case$prior_mu) && grepl("near", case$name)) 1e-12 else 4e-15
  want <- numbers(case$expect$kl_rows)
  near(case$name, got$value, want, relative * abs(want) + (case$dims + 2) * tiny)
  for (name in names(case$expect$grad_sum)) {
    want <- numbers(case$expect$grad_sum[[name]])
    near(paste(case$name, name), in_rows(got[[name]]), want, relative * abs(want) + (case$dims + 2) * tiny)
  }
}

distribution <- function(side) {
  forms <- c(scale_tril = "_tril", precision_matrix = "_precision", scale_diag = "_diag", cov_factor = "_lowrank",
    logits = "_logits")
  form <- intersect(names(forms), names(side$params))
  do.call(kl_distribution, c(list(paste0(side$family, if (length(form)) forms[[form]])), lapply(side$params, numbers)))
}
for (case in table("continuous.json")) {
  relative <- if (case$tag == "near") 1e-12 else if (startsWith(case$source, "quadrature")) 1e-9 else 1e-13
  got <- kl_between(distribution(case$p), distribution(case$q))
  want <- numbers(case$expect$kl)
  near(case$name, got, want, relative * want)
  stopifnot(got >= 0)
}

cases <- table("samples.json")
data <- Filter(function(case) case$kind == "data", cases)
names(data) <- vapply(data, function(case) case$name, "")
for (case in cases) {
  if (case$kind == "knn" && !is.null(case$expect$kl)) {
    from <- data[[case$x_ref]]
    near(case$name, kl_knn(by_row(from$x, from$n, from$d), by_row(from$y, from$m, from$d), case$k),
      numbers(case$expect$kl), 1e-12)
  } else if (case$kind == "k123") {
    log_p <- numbers(case$logp)
    log_q <- numbers(case$logq)
    r <- abs(log_p - log_q)
    for (estimator in c("k1", "k2", "k3")) {
      got <- kl_monte_carlo(log_p, log_q, estimator = estimator)
      mean <- numbers(case$expect[[estimator]]$mean)
      error <- numbers(case$expect[[estimator]]$standard_error)
      near(case$name, got$mean, mean, max(1e-13 * abs(mean), if (estimator == "k1") 1e-15 * max(r[is.finite(r)])))
      near(case$name, got$standard_error, error, 1e-13 * abs(error))
    }
  }
}
cat("tables.R: all within their tolerance\n")
