# Sums in parts. A state is a raw vector, a value like any other: it may be saved and sent.

state_of <- function(x, name) {
  if (!is.raw(x) || length(x) != .Call(call_partial_size)) {
    stop(kldiv_condition(60L, sprintf("%s is no state: %d bytes made by kl_partial()", name, .Call(call_partial_size))))
  }
  x
}

kl_partial <- function(...) answer(.Call(call_partial_init, options_for(0L, ...)))

kl_partial_update <- function(state, p, q) {
  p <- operand(p, "p")
  q <- operand(q, "q", optional = TRUE)
  answer(.Call(call_partial_update, state_of(state, "state"), p, q, rows_of(p, q)))
}

kl_partial_merge <- function(state, from) {
  answer(.Call(call_partial_merge, state_of(state, "state"), state_of(from, "from")))
}

kl_partial_value <- function(state, ...) {
  answer(.Call(call_partial_value, state_of(state, "state"), options_for(0L, ...)))
}
