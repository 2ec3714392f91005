library(kldiv)

refused <- function(code, call) {
  e <- tryCatch({
    call
    NULL
  }, kldiv_error = function(e) e)
  if (is.null(e)) stop("no error: ", deparse(substitute(call)))
  stopifnot(e$code == code, inherits(e, paste0("kldiv_error_", code)), nzchar(conditionMessage(e)))
  invisible(e)
}

# A coin.
p <- c(heads = 0.5, tails = 0.5)
q <- c(0.7, 0.3)
stopifnot(sprintf("%.4f", kl(p, q)) == "0.0872", sprintf("%.4f", kl(p, q, base = 2)) == "0.1258")
walk <- kl_explain(p, q)
stopifnot(rownames(walk) == c("heads", "tails"), round(walk$log_ratio, 3) == c(-0.336, 0.511),
  round(walk$contribution, 3) == c(-0.168, 0.255))
stopifnot(kl(c(1, 0), c(0, 1)) == Inf, identical(kl(c(TRUE, TRUE), 1:2), kl(c(1, 1), c(1, 2))))
stopifnot(identical(kl(p, q, kl_options(base = 2)), kl(p, q, base = 2)))

# A bad entry is named, and a bad row costs no other.
rows <- rbind(p, c(-1, 2), p)
e <- refused("negative", kl_rows(rows, q))
stopifnot(e$operand == 1, e$row == 2, e$col == 1, e$value == -1,
  grepl("p[1, 0] is -1", conditionMessage(e), fixed = TRUE),
  grepl("in R: row 2, column 1", conditionMessage(e), fixed = TRUE),
  identical(e$results[c(1, 3)], rep(kl(p, q), 2)), is.nan(e$results[2]))
stopifnot(is.nan(kl_rows(rows, q, invalid = "nan")[2]))
refused("nan", kl(c(NA, 1), q))
refused("nan", kl(c(NA, 1L), q))

# Vectors stand for each row; a matrix and its transpose are read where they are.
stopifnot(identical(kl_rows(rbind(p, q), q), c(kl(p, q), 0)), identical(kl_rows(p, rbind(p, q)), c(0, kl(p, q))))
stopifnot(identical(dim(kl_pairwise(rbind(a = p, b = q), rbind(x = q))), c(2L, 1L)),
  identical(rownames(kl_pairwise(rbind(a = p, b = q), rbind(x = q))), c("a", "b")))

# What makes no sense is refused.
stopifnot(is.null(refused("null_pointer", kl(p, NULL))$results))
refused("shape_mismatch", kl(p, 1))
refused("shape_mismatch", kl_rows(rbind(p, p), rbind(q, q, q)))
refused("shape_mismatch", kl_rows(rbind(p, p), q, weights = 1))
refused("shape_mismatch", kl_rows(rbind(p, p), q, mask = TRUE))
refused("shape_mismatch", kl_logits_grad(rbind(p, p), q, upstream = 1))
refused("shape_mismatch", kl_monte_carlo(c(-1, -2), -1))
refused("shape_mismatch", kl(array(1, c(1, 1, 1)), 1))
refused("empty", kl(double(0), double(0)))
refused("dtype", kl("p", q))
refused("dtype", kl(NULL, q))
refused("options", kl(p, q, measure = "manhattan"))
refused("options", kl(p, q, threads = -1))
refused("options", kl(p, q, measure = "renyi"))
refused("options", kl_nearest(rbind(p), rbind(q), 2))
refused("options", kl_distribution("norma", 0, 1))
refused("options", kl_distribution("normal", 0))
refused("index", kl_logits_topk(c(1, 2), c(1L, 3L), c(0, 0)))
refused("index", kl_logits_topk(c(1, 2), c(1L, NA), c(0, 0)))
refused("unsupported_pair", kl_between(kl_distribution("normal", 0, 1), kl_distribution("dirichlet", c(1, 2))))

# Nothing needs no room.
none <- matrix(0, 0, 3)
stopifnot(identical(kl_rows(none, none), double(0)), kl(none, none) == 0, nrow(kl_terms(none, none)) == 0)

# Distributions: parameters in any order, matrices as R has them.
normal <- kl_distribution("normal", scale = 2, loc = 1)
stopifnot(all.equal(kl_between(kl_distribution("normal", 0, 1), normal), 0.4431471805599453, tolerance = 1e-15))
factor <- matrix(c(1, 2, 0, 3), 2)
stopifnot(all.equal(kl_between(kl_distribution("mvnormal_tril", c(0, 0), factor),
  kl_distribution("mvnormal", c(0, 1), factor %*% t(factor))), sum(solve(factor, c(0, 1))^2) / 2, tolerance = 1e-14))
stopifnot(kl_between(kl_distribution("exponential", 1), measure = "entropy") == 1)

# Gradients have the shape of their input.
grad <- kl_logits_grad(c(1, 0), c(0, 0), want = "b")
stopifnot(is.null(grad$a), is.null(dim(grad$b)), grad$b[1] < 0, abs(sum(grad$b)) < 1e-16)
stopifnot(identical(dim(kl_loss_grad(matrix(-1, 2, 3), matrix(0.5, 2, 3))$input), 2:3))

# A density may call the library; what it throws goes on, and no jump leaps over C.
normal <- function(loc, scale) function(x) {
  stopifnot(kl(1, 1) == 0)
  dnorm(x, loc, scale, log = TRUE)
}
integral <- kl_quadrature(normal(0, 1), normal(1, 2), -Inf, Inf, log_density = TRUE)
stopifnot(abs(integral$value - 0.4431471805599453) <= integral$bound, integral$bound < 1e-9)
thrown <- tryCatch(kl_quadrature(function(x) stop("enough"), function(x) 1, 0, 1), error = conditionMessage)
stopifnot(thrown == "enough")
jumped <- tryCatch(callCC(function(away) kl_quadrature(function(x) away("gone"), function(x) 1, 0, 1)),
  error = function(e) "stopped")
stopifnot(jumped == "stopped")
two <- tryCatch(kl_quadrature(function(x) c(1, 1), function(x) 1, 0, 1), error = conditionMessage)
stopifnot(two == "a density has to give one number")
refused("negative", kl_quadrature(function(x) -1, function(x) 1, 0, 1))

# Parts have one sum however they are split.
part <- function(of) kl_partial_update(kl_partial(), c(0.5, 0.2, 0.3)[of], c(0.7, 0.2, 0.1)[of])
stopifnot(identical(kl_partial_merge(part(2:3), part(1)), part(1:3)),
  abs(kl_partial_value(part(1:3)) - kl(c(0.5, 0.2, 0.3), c(0.7, 0.2, 0.1))) <= 1e-16)
refused("negative", kl_partial_update(part(1), -1, 1))
refused("state", kl_partial_value(raw(8)))
refused("state", kl_partial_value(raw(length(part(1)))))
refused("state", kl_partial_merge(part(1), kl_partial(measure = "reverse")))
refused("options", kl_partial(measure = "renyi", alpha = 2))

stopifnot(kl_version() >= "0.1.0", nzchar(kl_active_isa()))
