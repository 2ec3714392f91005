# A call's choices, as C takes them.

enumerations <- list(
  measure = c("kl", "generalized", "reverse", "jeffreys", "jensen_shannon", "jensen_shannon_distance", "renyi",
    "entropy", "cross_entropy"),
  normalization = c("as_given", "normalize", "require"),
  reduction = c("sum", "mean", "batchmean"),
  invalid = c("error", "nan"),
  estimator = c("k1", "k2", "k3"),
  topk = c("logits_renormalized", "logprobs_tail", "logprobs_renormalized")
)

kl_options <- function(measure = "kl", normalization = "as_given", reduction = "sum", invalid = "error",
                       estimator = "k1", topk = "logits_renormalized", log_target = FALSE, log_density = FALSE,
                       threads = 0, dim = 0, base = 0, alpha = 0, temperature = 0, js_weight = 0, smoothing = 0,
                       mass_tolerance = 0, rel_tolerance = 0, mask = NULL, weights = NULL) {
  chosen <- function(name, value) {
    number <- if (is.character(value) && length(value) == 1L) match(value, enumerations[[name]]) else NA
    if (is.na(number)) {
      wrong_option(name, sprintf("has to be one of %s", paste0('"', enumerations[[name]], '"', collapse = ", ")))
    }
    number - 1L
  }
  flag <- function(name, value) {
    if (!is.logical(value) || length(value) != 1L || is.na(value)) wrong_option(name, "has to be TRUE or FALSE")
    as.integer(value)
  }
  whole <- function(name, value) {
    if (!is.numeric(value) || length(value) != 1L || !is.finite(value) || value < 0 || value > .Machine$integer.max ||
      value != trunc(value)) {
      wrong_option(name, "has to be a whole number, at least 0")
    }
    as.integer(value)
  }
  real <- function(name, value) {
    if (!is.numeric(value) || length(value) != 1L) wrong_option(name, "has to be a number")
    as.double(value)
  }
  if (!is.null(mask) && (!is.logical(mask) || anyNA(mask))) wrong_option("mask", "has to be TRUE or FALSE for each row")
  if (!is.null(weights) && !is.numeric(weights)) wrong_option("weights", "has to be a number for each row")
  structure(list(
    c(chosen("measure", measure), chosen("normalization", normalization), chosen("reduction", reduction),
      chosen("invalid", invalid), flag("log_target", log_target), whole("threads", threads),
      chosen("estimator", estimator), chosen("topk", topk), flag("log_density", log_density), whole("dim", dim)),
    c(real("base", base), real("alpha", alpha), real("temperature", temperature), real("js_weight", js_weight),
      real("smoothing", smoothing), real("mass_tolerance", mass_tolerance), real("rel_tolerance", rel_tolerance)),
    if (is.null(mask)) NULL else as.raw(mask),
    if (is.null(weights)) NULL else as.double(weights)
  ), class = "kl_options")
}

# Those of a call, whose mask and weights are of so many rows.
options_for <- function(rows, ...) {
  given <- list(...)
  options <- if (length(given) == 1L && inherits(given[[1L]], "kl_options")) given[[1L]] else kl_options(...)
  for (i in 3:4) {
    if (!is.null(options[[i]])) {
      check_length(c("mask", "weights")[i - 2L], length(options[[i]]), rows)
    }
  }
  options
}
