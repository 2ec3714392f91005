# Thin calls of libkldiv. A matrix has a distribution in each row; a vector is one row, or stands for each.

# Doubles as they are, without a copy; whole numbers and logicals as doubles.
operand <- function(x, name, optional = FALSE) {
  if (is.null(x) && optional) {
    return(NULL)
  }
  if (!is.numeric(x) && !is.logical(x)) {
    stop(kldiv_condition(14L, sprintf("%s is %s; it has to be a numeric vector or matrix", name, class(x)[1L])))
  }
  if (length(dim(x)) > 2L) shape_mismatch(sprintf("%s has %d dimensions", name, length(dim(x))))
  if (!is.double(x)) storage.mode(x) <- "double"
  x
}

# How many rows a call has: those of its matrices, or one.
rows_of <- function(...) {
  for (x in list(...)) {
    if (is.matrix(x)) {
      return(nrow(x))
    }
  }
  1L
}

per_row <- function(x, rows, name = "upstream") {
  if (is.null(x)) {
    return(NULL)
  }
  x <- as.double(x)
  check_length(name, length(x), rows)
  x
}

# A result of the shape of an input: a vector where that is one.
like <- function(x, written) if (is.null(written) || is.matrix(x) || nrow(written) != 1L) written else drop(written)

kl <- function(p, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  rows <- rows_of(p, q)
  answer(.Call(call_kl, p, q, rows, options_for(rows, ...)))
}

kl_rows <- function(p, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  rows <- rows_of(p, q)
  answer(.Call(call_rows, p, q, rows, options_for(rows, ...)))
}

kl_terms <- function(p, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  rows <- rows_of(p, q)
  answer(.Call(call_terms, p, q, rows, options_for(rows, ...)), function(list) like(p, list[[1L]]))
}

kl_explain <- function(p, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  rows <- rows_of(p, q)
  answer(.Call(call_explain, p, q, rows, options_for(rows, ...)), function(list) {
    table <- as.data.frame(list[[1L]])
    names(table) <- c("p", "q", "ratio", "log_ratio", "contribution", "share")
    if (!is.null(names(p))) rownames(table) <- make.unique(names(p))
    table
  })
}

kl_pairwise <- function(p, q, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  answer(.Call(call_pairwise, p, q, options_for(rows_of(p), ...)), function(list) {
    cells <- t(list[[1L]])
    dimnames(cells) <- list(rownames(p), rownames(q))
    cells
  })
}

kl_nearest <- function(p, q, k, ...) {
  p <- operand(p, "p")
  q <- operand(q, "q")
  k <- neighbours(k, rows_of(q))
  answer(.Call(call_nearest, p, q, k, options_for(rows_of(p), ...)), function(list) {
    list(index = t(list[[1L]]), divergence = t(list[[2L]]))
  })
}

neighbours <- function(k, most) {
  if (!is.numeric(k) || length(k) != 1L || is.na(k) || k < 0 || k > most || k != trunc(k)) {
    stop(kldiv_condition(15L, sprintf("k is %s; it has to be a whole number from 0 to %.0f", format(k)[1L], most)))
  }
  as.double(k)
}

kl_loss <- function(input, target, ...) {
  input <- operand(input, "input")
  target <- operand(target, "target")
  rows <- rows_of(input, target)
  answer(.Call(call_loss, input, target, rows, options_for(rows, ...)))
}

kl_loss_pointwise <- function(input, target, ...) {
  input <- operand(input, "input")
  target <- operand(target, "target")
  rows <- rows_of(input, target)
  answer(.Call(call_loss_pointwise, input, target, rows, options_for(rows, ...)),
    function(list) like(input, list[[1L]]))
}

kl_loss_grad <- function(input, target, ..., upstream = NULL, want = c("input", "target")) {
  input <- operand(input, "input")
  target <- operand(target, "target")
  rows <- rows_of(input, target)
  upstream <- operand(upstream, "upstream", optional = TRUE)
  answer(.Call(call_loss_grad, input, target, rows, options_for(rows, ...), upstream, "input" %in% want,
    "target" %in% want), function(list) list(input = like(input, list[[1L]]), target = like(input, list[[2L]])))
}

kl_logits <- function(a, b, ...) {
  a <- operand(a, "a")
  b <- operand(b, "b")
  rows <- rows_of(a, b)
  answer(.Call(call_logits, a, b, rows, options_for(rows, ...)))
}

kl_logits_grad <- function(a, b, ..., upstream = NULL, want = c("a", "b")) {
  a <- operand(a, "a")
  b <- operand(b, "b")
  rows <- rows_of(a, b)
  answer(.Call(call_logits_grad, a, b, rows, options_for(rows, ...), per_row(upstream, rows), "a" %in% want,
    "b" %in% want), function(list) list(value = list[[1L]], a = like(a, list[[2L]]), b = like(b, list[[3L]])))
}

kl_logits_topk <- function(values, indices, b, ..., upstream = NULL, want = "b") {
  values <- operand(values, "values")
  b <- operand(b, "b")
  rows <- rows_of(values, b)
  if (!identical(dim(values), dim(indices)) || length(values) != length(indices)) {
    shape_mismatch("indices has another shape than values")
  }
  if (!is.integer(indices)) {
    if (!is.numeric(indices) || any(indices != trunc(indices), na.rm = TRUE)) {
      stop(kldiv_condition(14L, "indices have to be whole numbers"))
    }
    storage.mode(indices) <- "integer"
  }
  answer(.Call(call_logits_topk, values, indices, b, rows, options_for(rows, ...), per_row(upstream, rows),
    "b" %in% want), function(list) list(value = list[[1L]], b = like(b, list[[2L]])))
}

kl_vae <- function(mu, logvar, prior_mu = NULL, prior_logvar = NULL, ...) {
  mu <- operand(mu, "mu")
  logvar <- operand(logvar, "logvar")
  prior_mu <- operand(prior_mu, "prior_mu", optional = TRUE)
  prior_logvar <- operand(prior_logvar, "prior_logvar", optional = TRUE)
  rows <- rows_of(mu, logvar)
  answer(.Call(call_vae, mu, logvar, prior_mu, prior_logvar, rows, options_for(rows, ...)))
}

kl_vae_grad <- function(mu, logvar, prior_mu = NULL, prior_logvar = NULL, ..., upstream = NULL) {
  mu <- operand(mu, "mu")
  logvar <- operand(logvar, "logvar")
  prior_mu <- operand(prior_mu, "prior_mu", optional = TRUE)
  prior_logvar <- operand(prior_logvar, "prior_logvar", optional = TRUE)
  rows <- rows_of(mu, logvar)
  answer(.Call(call_vae_grad, mu, logvar, prior_mu, prior_logvar, rows, options_for(rows, ...),
    per_row(upstream, rows)), function(list) {
    list(value = list[[1L]], mu = like(mu, list[[2L]]), logvar = like(mu, list[[3L]]),
      prior_mu = like(mu, list[[4L]]), prior_logvar = like(mu, list[[5L]]))
  })
}

kl_quadrature <- function(p, q, lower, upper, breaks = NULL, ...) {
  # What goes wrong in a function is kept here: it may not leap over C.
  thrown <- NULL
  guarded <- function(density) {
    density <- match.fun(density)
    function(x) {
      tryCatch({
        y <- density(x)
        if (!is.numeric(y) || length(y) != 1L) stop("a density has to give one number")
        as.double(y)
      }, error = function(e) {
        thrown <<- e
        stop(e)
      })
    }
  }
  breaks <- if (is.null(breaks)) double(0) else as.double(breaks)
  given <- .Call(call_quadrature, guarded(p), guarded(q), as.double(lower), as.double(upper), breaks,
    options_for(0L, ...))
  if (!is.null(thrown)) stop(thrown)
  if (given[[1L]][[3L]]) stop("a density did not come back")
  answer(given, function(list) list(value = list[[1L]], bound = list[[2L]]))
}

kl_knn <- function(x, y, k, ...) {
  points <- function(x, name) if (is.matrix(x)) operand(x, name) else matrix(operand(x, name))
  x <- points(x, "x")
  y <- points(y, "y")
  k <- neighbours(k, 2^31)
  answer(.Call(call_knn, x, y, k, options_for(nrow(x), ...)))
}

kl_monte_carlo <- function(log_p, log_q, ...) {
  log_p <- operand(log_p, "log_p")
  log_q <- operand(log_q, "log_q")
  check_length("log_q", length(log_q), length(log_p))
  if (length(log_p) == 0L) stop(kldiv_condition(21L, "there are no samples"))
  answer(.Call(call_monte_carlo, log_p, log_q, options_for(length(log_p), ...)), function(list) {
    list(mean = list[[1L]], standard_error = list[[2L]])
  })
}

kl_version <- function() {
  number <- .Call(call_version)
  numeric_version(sprintf("%d.%d.%d", number %/% 10000L, number %/% 100L %% 100L, number %% 100L))
}

kl_active_isa <- function() .Call(call_active_isa)
