# What goes wrong is a condition of class kldiv_error, and of one that is named after its code.

codes <- c("10" = "null_pointer", "11" = "misaligned", "12" = "size_overflow", "13" = "overlap", "14" = "dtype",
  "15" = "options", "20" = "shape_mismatch", "21" = "empty", "30" = "negative", "31" = "nan", "32" = "infinite",
  "33" = "zero_mass", "34" = "not_normalized", "35" = "index", "40" = "parameter", "41" = "not_positive_definite",
  "42" = "unsupported_pair", "50" = "not_converged", "51" = "degenerate", "60" = "state", "90" = "out_of_memory",
  "99" = "internal")

# These name an entry or a row.
with_col <- c(30, 31, 32, 35, 40, 41)
with_row <- c(with_col, 33, 34, 51)

kldiv_condition <- function(status, message, operand = NA, row = NA, col = NA, value = NA, results = NULL) {
  code <- codes[[as.character(status)]]
  structure(class = c(paste0("kldiv_error_", code), "kldiv_error", "error", "condition"),
    list(message = message, call = NULL, status = status, code = code, operand = operand, row = row, col = col,
      value = value, results = results))
}

wrong_option <- function(name, what) stop(kldiv_condition(15L, sprintf("option %s %s", name, what)))

shape_mismatch <- function(message) stop(kldiv_condition(20L, message))

check_length <- function(what, length, wanted) {
  if (length != wanted) shape_mismatch(sprintf("%s has %d elements; it needs %d", what, length, as.integer(wanted)))
}

# The result of a call, made of what C gave, or its condition, which has the result too if there is one. C counts from 0
# and R from 1: the fields are R's, and the message, which is C's, has both.
answer <- function(given, make = function(list) list[[1L]]) {
  error <- given[[2L]]
  if (is.null(error)) {
    return(make(given[[1L]]))
  }
  status <- error[[1L]]
  row <- if (status %in% with_row) error[[3L]] + 1 else NA
  col <- if (status %in% with_col) error[[4L]] + 1 else NA
  message <- error[[6L]]
  if (!is.na(col)) {
    message <- sprintf("%s (in R: row %.0f, column %.0f)", message, row, col)
  } else if (!is.na(row)) {
    message <- sprintf("%s (in R: row %.0f)", message, row)
  }
  written <- status >= 30 && status < 60 && status != 42
  stop(kldiv_condition(status, message, error[[2L]] + 1, row, col, error[[5L]], if (written) make(given[[1L]])))
}
