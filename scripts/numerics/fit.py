#!/usr/bin/env python3
"""Derives the coefficients of primitives/numerics/src/scalar/coefficients.rs.

    scripts/numerics/fit.py            print every constant
    scripts/numerics/fit.py --check    compare them with the committed file; also check 10,000 sampled values of
                                       exp and ln, evaluated exactly as the Rust code does, against mpmath

Method. Each function is reduced to a polynomial on a short interval. A Remez exchange in 60 digits finds the polynomial
with the least maximal weighted error. Its coefficients are then rounded to binary32 one at a time, lowest degree first
(where rounding hurts most), and the remaining ones are fitted again after each, so that they make up for it. Last, a
search moves single coefficients and pairs of them by a few ulps as long as that lowers the maximal weighted error on
a fine grid. Needs only mpmath (`pip install mpmath`).
"""

import itertools
import pathlib
import re
import struct
import sys

from mpmath import mp, mpf

mp.dps = 60
TABLE = pathlib.Path(__file__).parents[2] / "primitives/numerics/src/scalar/coefficients.rs"


# --- binary32 -------------------------------------------------------------------------------------------------------


def nearest(value):
    """The bits of the binary32 number nearest to an mpf (ties to even); overflow gives an infinity."""
    value = mpf(value)
    sign = 0x80000000 if value < 0 else 0
    value = abs(value)
    if value == 0:
        return sign
    exponent = max(int(mp.floor(mp.log(value, 2))), -126)
    if exponent > -126 and mp.ldexp(1, exponent) > value:
        exponent -= 1
    units = mp.ldexp(value, 23 - exponent)
    whole = int(mp.floor(units))
    rest = units - whole
    if rest > 0.5 or (rest == 0.5 and whole & 1):
        whole += 1
    return sign | min(((exponent + 126) << 23) + whole, 0x7F800000)


def exact(bits):
    """The value of binary32 bits."""
    return mpf(struct.unpack("<f", struct.pack("<I", bits))[0])


def rounded(value):
    return exact(nearest(value))


def ulp(value):
    """The spacing of binary32 at `value`."""
    return mp.ldexp(1, max(int(mp.floor(mp.log(abs(value), 2))), -126) - 23)


# --- fitting --------------------------------------------------------------------------------------------------------


def horner(coefficients, x):
    """`coefficients` from the lowest degree upwards."""
    total = 0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def grid(low, high, points):
    """Chebyshev points: dense where the error of a minimax polynomial peaks."""
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * i / (points - 1)) for i in range(points)]


def remez(target, weight, low, high, fixed, free):
    """The best polynomial whose lowest coefficients are `fixed` and whose next `free` ones are not.

    That is fixed(x) + x^s q(x), s = len(fixed); so q is fitted to (target - fixed) / x^s with the weight times |x|^s.
    """
    start = len(fixed)
    # At 0 the new weight vanishes, and nothing can be said about q (nor can the difference be computed near it).
    samples = [x for x in grid(low, high, 40 * (free + 1)) if abs(x) > mpf(10) ** -3]
    known = [((target(x) - horner(fixed, x)) / x**start, weight(x) * abs(x) ** start) for x in samples]
    nodes = [round(i * (len(samples) - 1) / free) for i in range(free + 1)]
    best = None
    for _ in range(30):
        matrix, right = mp.matrix(free + 1, free + 1), mp.matrix(free + 1, 1)
        for row, node in enumerate(nodes):
            for column in range(free):
                matrix[row, column] = samples[node] ** column
            matrix[row, free] = (-1) ** row / known[node][1]
            right[row] = known[node][0]
        solution = mp.lu_solve(matrix, right)
        quotient, level = [solution[i] for i in range(free)], abs(solution[free])
        errors = [(horner(quotient, x) - value) * scale for x, (value, scale) in zip(samples, known)]
        largest = max(abs(error) for error in errors)
        best = min(best, (largest, quotient), key=lambda pair: pair[0]) if best else (largest, quotient)
        # The extremum of each run of one sign; of these, as many as there are unknowns, without the smallest.
        peaks = []
        for node, error in enumerate(errors):
            if peaks and (errors[peaks[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[peaks[-1]]):
                    peaks[-1] = node
            else:
                peaks.append(node)
        height = [abs(errors[node]) for node in peaks]
        while len(peaks) > free + 1:
            least = min(range(len(peaks)), key=height.__getitem__)
            if len(peaks) == free + 2:
                least = 0 if height[0] < height[-1] else len(peaks) - 1
            elif 0 < least < len(peaks) - 1:
                # With a neighbour, so that signs still alternate.
                least -= height[least - 1] < height[least + 1]
                del peaks[least], height[least]
            del peaks[least], height[least]
        if len(peaks) < free + 1 or largest < level * mpf("1.001"):
            break
        nodes = peaks
    return list(fixed) + best[1]


def fit(target, weight, low, high, fixed, free):
    """Coefficients rounded to binary32, lowest degree first, and the maximal weighted error."""
    coefficients = [mpf(value) for value in fixed]
    for remaining in range(free, 0, -1):
        coefficients.append(rounded(remez(target, weight, low, high, coefficients, remaining)[len(coefficients)]))
    # From here on binary64 is exact enough, and much faster.
    coefficients = [float(value) for value in coefficients]
    points = [(float(x), float(target(x)), float(weight(x))) for x in grid(low, high, 501)]

    def worst(candidate):
        return max(abs((horner(candidate, x) - value) * scale) for x, value, scale in points)

    best, movable = worst(coefficients), range(len(fixed), len(coefficients))
    moves = [(i,) for i in movable] + list(itertools.combinations(movable, 2))
    improved = True
    while improved:
        improved = False
        for move in moves:
            for steps in itertools.product((-2, -1, 1, 2), repeat=len(move)):
                candidate = list(coefficients)
                for index, step in zip(move, steps):
                    candidate[index] = float(exact(nearest(candidate[index]) + step))
                error = worst(candidate)
                if error < best:
                    coefficients, best, improved = candidate, error, True
    return coefficients, best


def exp_fit():
    """exp(r) = 1 + r + c2 r^2 + ... + c6 r^6 for |r| <= ln 2 / 2, in relative error.

    The bound is a little wider than ln 2 / 2: n is the nearest integer of a rounded product."""
    bound = mp.log(2) / 2 * (1 + mpf(2) ** -17)
    return fit(mp.exp, lambda x: mp.exp(-x), -bound, bound, [1, 1], 5)


def ln_fit():
    """ln(1 + f) = f + f^2 R(f) with R(0) = -1/2, for sqrt(1/2) <= 1 + f < sqrt(2), in relative error."""

    def target(f):
        if abs(f) < mpf(10) ** -15:
            return -mpf(1) / 2 + f / 3
        return (mp.log1p(f) - f) / f**2

    def weight(f):
        return f**2 / abs(mp.log1p(f)) if f != 0 else mpf(0)

    low, high = mp.sqrt(mpf(1) / 2) - 1, mp.sqrt(mpf(2)) - 1
    return fit(target, weight, low, high, [-mpf(1) / 2], LN_FREE)


LN_FREE = 9


def constants():
    """Every constant of the table: name -> bits, or a list of bits from the highest degree down (Horner's order)."""
    ln2 = mp.log(2)
    high = rounded(ln2)
    # The least x with exp(x) >= 2^-126, and the greatest whose exp rounds to a finite number.
    least = nearest(-126 * ln2)
    if exact(least) < -126 * ln2:
        least -= 1
    limit = mp.log(mp.ldexp(1, 128) - mp.ldexp(1, 103))
    greatest = nearest(limit)
    if exact(greatest) >= limit:
        greatest -= 1
    exp, exp_error = exp_fit()
    ln, ln_error = ln_fit()
    print(f"exp polynomial: relative error 2^{mp.nstr(mp.log(exp_error, 2), 5)}", file=sys.stderr)
    print(f"ln polynomial: relative error 2^{mp.nstr(mp.log(ln_error, 2), 5)}", file=sys.stderr)
    return {
        "LOG2_E": nearest(1 / ln2),
        "ROUND": nearest(3 * 2**22),
        "LN_2_HIGH": nearest(high),
        "LN_2_LOW": nearest(ln2 - high),
        "EXP_LEAST": least,
        "EXP_GREATEST": greatest,
        "EXP_POLYNOMIAL": [nearest(c) for c in reversed(exp)],
        "LN_SPLIT": nearest(mp.sqrt(mpf(1) / 2)),
        "LN_POLYNOMIAL": [nearest(c) for c in reversed(ln)],
    }


# --- the Rust functions, operation by operation -----------------------------------------------------------------------


def exp_value(x, table):
    """The sequence of exp.rs for EXP_LEAST <= x <= EXP_GREATEST."""
    shift = exact(table["ROUND"])
    n = rounded(rounded(x * exact(table["LOG2_E"]) + shift) - shift)
    r = rounded(x - n * exact(table["LN_2_HIGH"]))
    r = rounded(r - n * exact(table["LN_2_LOW"]))
    first, *rest = (exact(bits) for bits in table["EXP_POLYNOMIAL"])
    for coefficient in rest:
        first = rounded(first * r + coefficient)
    return mp.ldexp(first, int(n))


def ln_value(bits, table):
    """The sequence of ln.rs for a normal positive x."""
    k = (bits - table["LN_SPLIT"]) >> 23
    f = exact(bits - (k << 23)) - 1
    square = rounded(f * f)
    first, *rest = (exact(value) for value in table["LN_POLYNOMIAL"])
    for coefficient in rest:
        first = rounded(first * f + coefficient)
    tail = rounded(square * first + rounded(k * exact(table["LN_2_LOW"])))
    return rounded(k * exact(table["LN_2_HIGH"]) + rounded(f + tail))


def sampled_errors(table):
    """The largest errors in ulps among 5,000 values of each function."""
    mp.dps = 40
    worst_exp = worst_ln = mpf(0)
    for i in range(5000):
        low, high = exact(table["EXP_LEAST"]), exact(table["EXP_GREATEST"])
        x = rounded(low + (high - low) * ((i * 0.6180339887498949) % 1))
        true = mp.exp(x)
        worst_exp = max(worst_exp, abs(exp_value(x, table) - true) / ulp(true))
        bits = 0x00800000 + i * 424_243 % (0x7F800000 - 0x00800000)
        if i % 2:  # Half of them near 1, where results are small.
            bits = 0x3F000000 + i * 3343 % 0x01000000
        true = mp.log(exact(bits))
        if true != 0:
            worst_ln = max(worst_ln, abs(ln_value(bits, table) - true) / ulp(true))
    return worst_exp, worst_ln


def committed():
    """The constants that coefficients.rs holds."""
    found = {}
    for name, body in re.findall(r"pub const (\w+): [^=]+ =\s*([^;]+);", TABLE.read_text()):
        values = [int(text.replace("_", ""), 16) for text in re.findall(r"0x[0-9a-f_]+", body)]
        found[name] = values if body.lstrip().startswith("[") else values[0]
    return found


def main():
    table = constants()
    for name, value in table.items():
        for bits in value if isinstance(value, list) else [value]:
            print(f"{name:15} 0x{bits:08x}  {mp.nstr(exact(bits), 12)}")
    if "--check" in sys.argv:
        if committed() != table:
            sys.exit(f"{TABLE} holds other constants:\n{committed()}")
        worst_exp, worst_ln = sampled_errors(table)
        print(f"as committed; sampled errors: exp {mp.nstr(worst_exp, 4)} ulp, ln {mp.nstr(worst_ln, 4)} ulp")
        if worst_exp >= 1 or worst_ln >= 1:
            sys.exit("an error of one ulp or more")


if __name__ == "__main__":
    main()
