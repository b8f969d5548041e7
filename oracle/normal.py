"""Prints the coefficients of `normal` in crates/tensor/src/kernels/lanes.rs, lowest power first, and their error.

The tail of the normal distribution is e^(-u^2 / 2) * P(s) / (u + K), s = (u - K) / (u + K). P is the polynomial with the
smallest largest relative error on u in [0, 14], found by Lawson's iteration: least squares whose weights grow where the
error is large. Made with mpmath 1.3.0 and numpy 2.4.6; nothing reads its output.
"""

import mpmath
import numpy

mpmath.mp.dps = 40
K, LAST, DEGREE, POINTS = 3.5, 14, 9, 600


def truth(s):
    u = K * (1 + s) / (1 - s)
    return mpmath.erfc(u / mpmath.sqrt(2)) * mpmath.exp(u * u / 2) / 2 * (u + K)


low, high = mpmath.mpf(-1), mpmath.mpf(LAST - K) / (LAST + K)
places = [(low + high) / 2 + (high - low) / 2 * mpmath.cos(mpmath.pi * (i + 0.5) / POINTS) for i in range(POINTS)]
expected = numpy.array([float(truth(s)) for s in places])
# Divided by what is expected, so that errors are relative.
powers = numpy.vander(numpy.array([float(s) for s in places]), DEGREE + 1, increasing=True) / expected[:, None]
weights, best = numpy.ones(POINTS), (1.0, None)
for _ in range(60):
    root = numpy.sqrt(weights)
    coefficients = numpy.linalg.lstsq(powers * root[:, None], root, rcond=None)[0]
    errors = numpy.abs(powers @ coefficients - 1)
    best = min(best, (errors.max(), tuple(coefficients)), key=lambda found: found[0])
    weights = weights * errors / (weights * errors).sum()
print(f"2^{numpy.log2(best[0]):.1f}")
for coefficient in best[1]:
    print(f"{coefficient:.9g}")
