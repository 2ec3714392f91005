# Families of distributions: their parameters, in the order of the columns, and their numbers in C.

kl_families <- list(
  normal = c("loc", "scale"),
  laplace = c("loc", "scale"),
  gumbel = c("loc", "scale"),
  logistic = c("loc", "scale"),
  moyal = c("loc", "scale"),
  cauchy = c("loc", "scale"),
  lognormal = c("loc", "scale"),
  halfnormal = c("scale"),
  exponential = c("rate"),
  gamma = c("concentration", "rate"),
  inversegamma = c("concentration", "rate"),
  chi2 = c("df"),
  chi = c("df"),
  beta = c("concentration1", "concentration0"),
  kumaraswamy = c("concentration1", "concentration0"),
  continuousbernoulli = c("probs"),
  uniform = c("low", "high"),
  weibull = c("scale", "concentration"),
  pareto = c("scale", "alpha"),
  studentt = c("df", "loc", "scale"),
  vonmises = c("loc", "concentration"),
  bernoulli = c("probs"),
  bernoulli_logits = c("logits"),
  categorical = c("probs"),
  categorical_logits = c("logits"),
  binomial = c("total_count", "probs"),
  negativebinomial = c("total_count", "probs"),
  geometric = c("probs"),
  poisson = c("rate"),
  multinomial = c("total_count", "probs"),
  dirichlet = c("concentration"),
  mvnormal = c("loc", "covariance_matrix"),
  mvnormal_tril = c("loc", "scale_tril"),
  mvnormal_precision = c("loc", "precision_matrix"),
  mvnormal_diag = c("loc", "scale_diag"),
  mvnormal_lowrank = c("loc", "cov_diag", "cov_factor"),
  wishart = c("df", "covariance_matrix"),
  inversewishart = c("df", "scale_matrix")
)

family_number <- function(name) {
  number <- if (is.character(name) && length(name) == 1L) match(name, names(kl_families)) else NA
  if (is.na(number)) stop(kldiv_condition(15L, sprintf("there is no family %s", deparse(name)[1L])))
  number
}

kl_distribution <- function(family, ...) {
  given <- list(...)
  wanted <- kl_families[[family_number(family)]]
  if (is.null(names(given))) names(given) <- wanted[seq_along(given)]
  if (length(given) != length(wanted) || !setequal(names(given), wanted)) {
    stop(kldiv_condition(15L, sprintf("a %s distribution has the parameters %s", family,
      paste(wanted, collapse = ", "))))
  }
  # C has matrices row by row.
  params <- lapply(given[wanted], function(x) as.double(if (is.matrix(x)) t(x) else x))
  structure(list(family = family, params = unlist(params, use.names = FALSE),
    dim = if (family == "mvnormal_lowrank") length(given$loc) else 0L), class = "kl_distribution")
}

print.kl_distribution <- function(x, ...) {
  cat(sprintf("<%s: %s>\n", x$family, paste(format(x$params, ...), collapse = ", ")))
  invisible(x)
}

kl_between <- function(p, q = NULL, ...) {
  if (!inherits(p, "kl_distribution") || !(is.null(q) || inherits(q, "kl_distribution"))) {
    stop(kldiv_condition(14L, "p and q have to be made by kl_distribution()"))
  }
  other <- if (is.null(q)) p$family else q$family
  dim <- max(p$dim, q$dim)
  if (dim > 0L) kl_family(p$family, p$params, other, q$params, ..., dim = dim) else
    kl_family(p$family, p$params, other, q$params, ...)
}

kl_family <- function(p_family, p, q_family, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  rows <- rows_of(p, q)
  answer(.Call(call_family, family_number(p_family), p, family_number(q_family), q, rows, options_for(rows, ...)))
}

kl_family_grad <- function(p_family, p, q_family, q, ..., upstream = NULL) {
  p <- operand(p, "p")
  q <- operand(q, "q")
  rows <- rows_of(p, q)
  answer(.Call(call_family_grad, family_number(p_family), p, family_number(q_family), q, rows,
    options_for(rows, ...), per_row(upstream, rows)), function(list) {
    list(value = list[[1L]], p = like(p, list[[2L]]), q = like(q, list[[3L]]))
  })
}
