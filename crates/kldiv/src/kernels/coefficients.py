#!/usr/bin/env python3
"""Prints coefficients.rs: the polynomials of the kernels and the constants in two parts.

Each polynomial interpolates its function at the Chebyshev points of its interval, which is within a
hair of the best there is. Everything is computed in 90-digit decimals and rounded once, at the end.

    python3 coefficients.py > coefficients.rs && rustfmt coefficients.rs
"""
import struct
from decimal import Decimal as D, getcontext

getcontext().prec = 90


def series(term, stop=D(10) ** -80):
    """The function whose Taylor coefficients are term(0), term(1), ..."""

    def f(x):
        total, power, j = D(0), D(1), 0
        while True:
            step = term(j) * power
            total += step
            power *= x
            j += 1
            if abs(step) < stop and j > 20:
                return total

    return f


def factorial(n):
    return D(1) if n < 2 else n * factorial(n - 1)


def pi():
    """Machin's formula."""
    arctan = lambda n: series(lambda j: D(-1) ** j / (2 * j + 1))(D(1) / n**2) / n
    return 4 * (4 * arctan(5) - arctan(239))


cosine = lambda x: series(lambda j: D(-1) ** j / factorial(2 * j))(x * x)
PI = pi()


def fit(f, low, high, n):
    """Coefficients, lowest power first, of the degree n - 1 interpolant of f at the n Chebyshev points."""
    return interpolant(f, [(low + high) / 2 + (high - low) / 2 * cosine(PI * (2 * i + 1) / (2 * n)) for i in range(n)])


def fit_odd(f, high, n):
    """The same for s f(s²): at the squares of the Chebyshev points of s, 0 left out."""
    return interpolant(f, [high * cosine(PI * (2 * i + 1) / (4 * n + 2)) ** 2 for i in range(n)])


def interpolant(f, points):
    n, table = len(points), [f(x) for x in points]
    for level in range(1, n):
        for i in range(n - 1, level - 1, -1):
            table[i] = (table[i] - table[i - 1]) / (points[i] - points[i - level])
    result = [D(0)] * n
    for i in range(n - 1, -1, -1):  # result = result * (x - points[i]) + table[i]
        for j in range(n - 1, 0, -1):
            result[j] = result[j - 1] - points[i] * result[j]
        result[0] = table[i] - points[i] * result[0]
    return result


def error(f, low, high, coefficients):
    worst = D(0)
    for i in range(401):
        x = low + (high - low) * i / 400
        y = D(0)
        for c in reversed(coefficients):
            y = y * x + c
        worst = max(worst, abs(y / f(x) - 1))
    return worst


def f32(x):
    return struct.unpack("<f", struct.pack("<f", float(x)))[0]


def digits(x, kind):
    """The shortest decimal that reads back as the same number."""
    if kind == "f64":
        return repr(float(x))
    value = f32(x)
    for n in range(1, 10):
        text = f"{value:.{n}g}"
        if f32(text) == value:
            return repr(float(text))


def polynomial(name, says, f, low, high, n, kind):
    show(name, says, f, low, high, fit(f, low, high, n), kind)


def show(name, says, f, low, high, coefficients, kind):
    print(f"/// {says}, on [{float(low):.6g}, {float(high):.6g}], relative error {error(f, low, high, coefficients):.1e}.")
    print(f"pub(crate) const {name}: [{kind}; {len(coefficients)}] = [")
    for c in coefficients:
        print(f"    {digits(c, kind)},")
    print("];")


def two_parts(name, x, kind, bits):
    """x = HIGH + LOW, the high part with `bits` bits so that its product with a small integer is exact."""
    scale = D(2) ** (bits - 1 - int((x.ln() / D(2).ln()).to_integral_value(rounding="ROUND_FLOOR")))
    high = (x * scale).to_integral_value() / scale
    print(f"pub(crate) const {name}_HIGH: {kind} = {digits(high, kind)};")
    print(f"pub(crate) const {name}_LOW: {kind} = {digits(x - high, kind)};")


def eighths(kind, mantissa):
    """2^(j/8), as it is added to a shifted j: its bits less those of j shifted to the third place below the exponent."""
    pack = {"f32": ("<f", "<i"), "f64": ("<d", "<q")}[kind]
    print("/// The powers of 2 with exponents of 0, 1/8, ..., 7/8, their bits less as many eighths of an exponent's step.")
    print(f"pub(crate) const EIGHTHS_{kind.upper()}: [{kind}; 8] = [")
    for j in range(8):
        bits = struct.unpack(pack[1], struct.pack(pack[0], float(D(2) ** (D(j) / 8))))[0] - (j << (mantissa - 3))
        print(f"    {digits(D(struct.unpack(pack[0], struct.pack(pack[1], bits))[0]), kind)},")
    print("];")


def stirling(z):
    """x (ln Γ(x) - (x - 1/2) ln x + x - ln(2π)/2) with z = 1/x², from the asymptotic series of x + 60."""
    numerators = [1, -1, 1, -1, 1, -691, 1, -3617, 43867, -174611, 77683]
    denominators = [12, 360, 1260, 1680, 1188, 360360, 156, 122400, 244188, 125400, 5796]
    x = 1 / z.sqrt()
    far, product = x + 60, D(1)
    for k in range(1, 60):
        product *= x + k
    half = D(1) / 2
    rest = sum(D(a) / b / far ** (2 * k + 1) for k, (a, b) in enumerate(zip(numerators, denominators)))
    return x * (rest + (far - half) * far.ln() - (x + half) * x.ln() - product.ln() - 60)


def mills_rest(u):
    """(1 - z M(z))/√(2π), M the Mills ratio of the normal distribution and u what 5/(5 + z) is mapped to, -1 at z = 9."""
    z = 140 / (9 * u + 19) - 5
    half = z * z / 2
    term = total = z
    j = 1
    while term > D(10) ** -80:
        j += 2
        term *= z * z / j
        total += term
    return (1 - z * ((PI / 2).sqrt() * half.exp() - total)) / (2 * PI).sqrt()


def exponential_mean(z):
    """What the mean of exp(x η) on (0, 1) exceeds 1/2 by, over η; z = η²."""
    x = z.sqrt()
    return (1 / (1 - (-x).exp()) - 1 / x - D("0.5")) / x


def exponential_variance(z):
    x = z.sqrt()
    return 1 / z - (-x).exp() / (1 - (-x).exp()) ** 2


def exponential_entropy(z):
    x = z.sqrt()
    return (((1 - (-x).exp()) / x).ln() + x * (D("0.5") - x * exponential_mean(z))) / z


def cells(start, bits, n, kind):
    """Tables and a polynomial for logarithms of numbers from `start` to twice that.

    Whichever cell of the range a number z lies in (there are 2^bits, even in the bits of z), that cell's inverse brings
    it to 1 + r. The cell of 1 has 1 itself, so that the logarithms of what is near 1 keep their digits.
    """
    first = struct.unpack("<q", struct.pack("<d", start))[0]
    edges = [D(struct.unpack("<d", struct.pack("<q", first + (i << 52 - bits)))[0]) for i in range(2**bits + 1)]
    rounded = {"f64": float, "f32": f32}[kind]
    inverses, low, high = [], D(0), D(0)
    for a, b in zip(edges, edges[1:]):
        inverse = D(1) if a < 1 < b else D(rounded(2 / (a + b)))
        inverses.append(inverse)
        low, high = min(low, a * inverse - 1), max(high, b * inverse - 1)
    print("/// Where the cells begin.")
    print(f"pub(crate) const CELLS_{kind.upper()}: {kind} = {digits(D(start), kind)};")
    for name, says, table in [
        ("INVERSES", "1 over a number of each cell", inverses),
        ("LN_INVERSES", "-ln of those", [-x.ln() for x in inverses]),
    ]:
        print(f"/// {says}.")
        print(f"pub(crate) const {name}_{kind.upper()}: [{kind}; {2**bits}] = [")
        for x in table:
            print(f"    {digits(x, kind)},")
        print("];")
    polynomial(f"LN_1P_{kind.upper()}", "L(r) = (ln(1 + r) - r)/r²", ln_1p_rest, low, high, n, kind)


atanh_rest = series(lambda j: D(2) / (2 * j + 3))
exp_rest = series(lambda j: 1 / factorial(j + 2))
ln_1p_rest = series(lambda j: D(-1) ** (j + 1) / (j + 2))
exp_slope = series(lambda j: 1 / factorial(j + 1))
ln2 = D(2).ln()
# The integer estimate of log2(q'/p) is off by at most 0.0861 (the largest log2(1+m) - m), so |s| <= 0.2004.
z_max = D("0.2005") ** 2
# One rounding of x / ln 2 to an integer, and a little more for the rounding of the product.
half_ln2 = ln2 / 2 * D("1.0001")

print("//! Made by coefficients.py, which a test runs again; change that, never this.")
print()
print("// The shortest digits that read back as the same number are kept, even where a constant of std is near.")
print("#![allow(clippy::approx_constant, clippy::excessive_precision)]")
print()
ATANH = "2R(z) = 2(atanh(s)/s - 1)/z with z = s²"
EXP = "E(r) = (exp(r) - 1 - r)/r²"
# What it adds to a logarithm is small where s is, and may be less exact there.
show("ATANH_F64", ATANH, atanh_rest, D(0), z_max, fit_odd(atanh_rest, z_max, 7), "f64")
show("ATANH_F32", ATANH, atanh_rest, D(0), z_max, fit_odd(atanh_rest, z_max, 3), "f32")
for kind, bits, n in [("f64", 52, 7), ("f32", 23, 3)]:
    in_steps = lambda z: atanh_rest(z) * 2**bits / ln2
    show(f"ATANH_IN_STEPS_{kind.upper()}", f"2^{bits}/ln 2 of that", in_steps, D(0), z_max, fit_odd(in_steps, z_max, n), kind)
polynomial("EXP_F64", EXP, exp_rest, -half_ln2, half_ln2, 10, "f64")
polynomial("EXP_F32", EXP, exp_rest, -half_ln2, half_ln2, 5, "f32")
polynomial("EXP_WIDE_F64", EXP, exp_rest, D(-2), D(2), 18, "f64")
polynomial("EXP_WIDE_F32", EXP, exp_rest, D(-2), D(2), 10, "f32")
SLOPE = "(exp(r) - 1)/r"
polynomial("EXP_EIGHTH_F64", SLOPE, exp_slope, -half_ln2 / 8, half_ln2 / 8, 7, "f64")
polynomial("EXP_EIGHTH_F32", SLOPE, exp_slope, -half_ln2 / 8, half_ln2 / 8, 3, "f32")
eighths("f64", 52)
eighths("f32", 23)
polynomial("STIRLING_F64", "x r(x) with z = 1/x² and r(x) = ln Γ(x) - (x - 1/2) ln x + x - ln(2π)/2", stirling, D("1e-9"), D(1) / 64, 7, "f64")
polynomial("MILLS_REST", "(1 - z M(z))/√(2π), M the Mills ratio, by u = (140/(5 + z) - 19)/9", mills_rest, D(-1), D(1), 20, "f64")
polynomial("SLOPE_MEAN", "(m - 1/2)/η by η², m the mean of a density exp(ηx) on (0, 1)", exponential_mean, D("1e-20"), D(4), 11, "f64")
polynomial("SLOPE_ENTROPY", "Its entropy over η², by η²", exponential_entropy, D("1e-20"), D(4), 11, "f64")
polynomial("SLOPE_VARIANCE", "Its variance by η²", exponential_variance, D("1e-20"), D(4), 11, "f64")
print("/// ln 2 in two parts; the high one times an exponent is exact.")
two_parts("LN2_F64", ln2, "f64", 42)
two_parts("LN2_F32", ln2, "f32", 16)
cells(0.703125, 4, 8, "f64")
cells(0.796875, 2, 5, "f32")
