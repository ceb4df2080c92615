"""The quantile function of the normal distribution as a DuckDB macro: Wichura's AS 241, 16 digits."""

_MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
     5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
     2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_NEAR = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
     6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
     5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
_FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
     1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
     1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def _polynomial(factors: tuple[float, ...]) -> str:
    text = repr(factors[-1])
    for factor in factors[-2::-1]:
        text = f"({text} * r + {factor!r}e0)" if "e" not in repr(factor) else f"({text} * r + {factor!r})"
    return text


def _ratio(pair: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    return f"{_polynomial(pair[0])} / {_polynomial(pair[1])}"


MACROS = (
    f"athena_normal_middle(q, r) AS q * {_ratio(_MIDDLE)}",
    f"athena_normal_near(r) AS {_ratio(_NEAR)}",
    f"athena_normal_far(r) AS {_ratio(_FAR)}",
    "athena_normal_tail(r) AS"
    " CASE WHEN r <= 5 THEN athena_normal_near(r - 1.6e0) ELSE athena_normal_far(r - 5) END",
    "athena_normal_quantile(p) AS CASE WHEN abs(p - 0.5e0) <= 0.425e0"
    " THEN athena_normal_middle(p - 0.5e0, 0.180625e0 - (p - 0.5e0) * (p - 0.5e0))"
    " ELSE sign(p - 0.5e0) * athena_normal_tail(sqrt(-ln(least(p, 1 - p)))) END",
)
