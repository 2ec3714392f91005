"""The logarithms of the densities of quadrature.json."""

import math


def _log(x):
    return math.log(x) if x > 0 else -math.inf


def _exp(x):
    return math.exp(x) if x > -745 else 0.0


def normal(loc, scale):
    return lambda x: -0.5 * ((x - loc) / scale) ** 2 - math.log(scale * math.sqrt(2 * math.pi))


def laplace(loc, scale):
    return lambda x: -abs(x - loc) / scale - math.log(2 * scale)


def _mixture(weights, parts):
    def log_density(x):
        logs = [math.log(weight) + part(x) for weight, part in zip(weights, parts)]
        largest = max(logs)
        return largest + math.log(sum(_exp(log - largest) for log in logs))

    return log_density


def normal_mixture(weights, locs, scales):
    return _mixture(weights, [normal(*part) for part in zip(locs, scales)])


def laplace_mixture(weights, locs, scales):
    return _mixture(weights, [laplace(*part) for part in zip(locs, scales)])


def cauchy(loc, scale):
    return lambda x: -math.log(math.pi * scale) - 2 * math.log(math.hypot(1, (x - loc) / scale))


def studentt(df, loc, scale):
    constant = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - math.log(scale * math.sqrt(df * math.pi))
    return lambda x: constant - (df + 1) * math.log(math.hypot(1, (x - loc) / scale / math.sqrt(df)))


def truncated_normal(loc, scale, low, high):
    whole = normal(loc, scale)
    # Of the two tails the differences of which is the mass, the smaller ones.
    a, b = ((float(x) - loc) / scale / math.sqrt(2) for x in (low, high))
    mass = (math.erfc(a) - math.erfc(b)) / 2 if a > 0 else (math.erf(b) - math.erf(a)) / 2
    return lambda x: whole(x) - math.log(mass) if float(low) <= x <= float(high) else -math.inf


def uniform(low, high):
    return lambda x: -math.log(high - low) if low <= x <= high else -math.inf


def exponential(rate):
    return lambda x: math.log(rate) - rate * x if x >= 0 else -math.inf


def gamma(concentration, rate):
    constant = concentration * math.log(rate) - math.lgamma(concentration)
    return lambda x: constant + (concentration - 1) * math.log(x) - rate * x if x > 0 else -math.inf


def lognormal(loc, scale):
    of_log = normal(loc, scale)
    return lambda x: of_log(math.log(x)) - math.log(x) if x > 0 else -math.inf


def weibull(scale, concentration):
    k, constant = concentration, math.log(concentration / scale)

    def log_density(x):
        if x <= 0:
            return -math.inf
        power = k * math.log(x / scale)
        return constant + (k - 1) * math.log(x / scale) - (math.exp(power) if power < 700 else math.inf)

    return log_density


def triangular(low, mode, high):
    def log_density(x):
        if not low < x < high:
            return -math.inf
        rising = (x - low) / (mode - low) if mode > low else math.inf
        falling = (high - x) / (high - mode) if high > mode else math.inf
        return math.log(2 / (high - low) * min(rising, falling))

    return log_density


def beta(concentration1, concentration0):
    a, b = concentration1, concentration0
    constant = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return lambda x: constant + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x) if 0 < x < 1 else -math.inf


def neglog():
    return lambda x: _log(-math.log(x)) if 0 < x < 1 else -math.inf


def cosine(amplitude, frequency):
    return lambda x: _log(1 + amplitude * math.cos(2 * math.pi * frequency * x)) if 0 <= x <= 1 else -math.inf


def quartic(loc, scale):
    constant = -math.log(2 * scale * math.gamma(1.25))
    return lambda x: constant - ((x - loc) / scale) ** 4 if abs(x) < 1e70 else -math.inf


def piecewise_constant(edges, heights):
    def log_density(x):
        for low, high, height in zip(edges, edges[1:], heights):
            if low <= x < high:
                return _log(height)
        return -math.inf

    return log_density
