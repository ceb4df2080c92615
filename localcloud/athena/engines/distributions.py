"""DuckDB macros for the normal, beta and Student distributions.

They fold series and continued fractions step by step: about 15 digits, checked against Python's functions.
"""

from math import log, pi, sqrt

# Terms of the continued fraction, evaluated from its end; enough for the accepted parameters.
_TERMS = 200

MACROS = (
    # Near zero, erf as its series, whose terms are all positive; further out, erfc as a continued fraction.
    "athena_erf_near(x) AS list_reduce(list_transform(range(1, 60), lambda i:"
    " struct_pack(n := CAST(i AS DOUBLE), term := CAST(0 AS DOUBLE), total := CAST(0 AS DOUBLE))),"
    " lambda s, e: struct_pack(n := e.n, term := s.term * 2 * x * x / (2 * e.n + 1),"
    " total := s.total + s.term * 2 * x * x / (2 * e.n + 1)),"
    " struct_pack(n := CAST(0 AS DOUBLE), term := x, total := x)).total"
    f" * {2 / sqrt(pi)!r}e0 * exp(-x * x)",
    "athena_erfc_far(x) AS exp(-x * x) / (list_reduce(list_transform(range(120, 0, -1), lambda i:"
    f" CAST(i AS DOUBLE)), lambda f, n: x + n / 2 / f, x) * {sqrt(pi)!r}e0)",
    "athena_erf(x) AS CASE WHEN isnan(x) THEN x ELSE sign(x) END"
    " * CASE WHEN abs(x) < 2 THEN athena_erf_near(abs(x))"
    " WHEN abs(x) > 6 OR isnan(x) THEN 1 ELSE 1 - athena_erfc_far(abs(x)) END",
    "athena_normal_cdf(x) AS 0.5e0 * (1 + athena_erf(x / sqrt(2e0)))",
    # The odd and even terms of the incomplete beta function's continued fraction.
    "athena_beta_term(a, b, x, n) AS CASE WHEN n % 2 = 1"
    " THEN -(a + n // 2) * (a + b + n // 2) * x / ((a + n - 1) * (a + n))"
    " ELSE (n // 2) * (b - n // 2) * x / ((a + n - 1) * (a + n)) END",
    f"athena_beta_fraction(a, b, x) AS list_reduce(list_transform(range({_TERMS}, 0, -1), lambda n:"
    " athena_beta_term(a, b, x, n)), lambda f, term: 1 + term / f, CAST(1 AS DOUBLE))",
    "athena_beta_part(a, b, x) AS exp(a * ln(x) + b * ln(1 - x) - ln(a)"
    " - lgamma(a) - lgamma(b) + lgamma(a + b)) / athena_beta_fraction(a, b, x)",
    # Where the fraction would converge slowly, use that of the complement.
    "athena_beta(a, b, x) AS CASE WHEN x <= 0 THEN 0 WHEN x >= 1 THEN 1"
    " WHEN x > (a + 1) / (a + b + 2) THEN 1 - athena_beta_part(b, a, 1 - x)"
    " ELSE athena_beta_part(a, b, x) END",
    "athena_student(t, n) AS CASE WHEN isnan(t) THEN t WHEN t = 0 THEN 0.5e0"
    " WHEN t < 0 THEN athena_beta(n / 2, 0.5e0, n / (n + t * t)) / 2"
    " ELSE 1 - athena_beta(n / 2, 0.5e0, n / (n + t * t)) / 2 END",
    "athena_student_density(t, n) AS exp(lgamma((n + 1) / 2) - lgamma(n / 2)"
    f" - ({log(pi)!r}e0 + ln(n)) / 2 - (n + 1) / 2 * ln(1 + t * t / n))",
)
