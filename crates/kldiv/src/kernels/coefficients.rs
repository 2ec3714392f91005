//! Made by coefficients.py, which a test runs again; change that, never this.

// The shortest digits that read back as the same number are kept, even where a constant of std is near.
#![allow(clippy::approx_constant, clippy::excessive_precision)]

/// 2R(z) = 2(atanh(s)/s - 1)/z with z = s², on [0, 0.0402002], relative error 3.9e-17.
pub(crate) const ATANH_F64: [f64; 8] = [
    0.6666666666666666,
    0.40000000000008085,
    0.285714285672117,
    0.22222223059033036,
    0.18181736789201602,
    0.15388901197185678,
    0.13209052444000552,
    0.13614059585772761,
];
/// 2R(z) = 2(atanh(s)/s - 1)/z with z = s², on [0, 0.0402002], relative error 6.0e-9.
pub(crate) const ATANH_F32: [f32; 4] = [
    0.6666667,
    0.40000317,
    0.28532344,
    0.23755349,
];
/// E(r) = (exp(r) - 1 - r)/r², on [-0.346608, 0.346608], relative error 2.2e-16.
pub(crate) const EXP_F64: [f64; 10] = [
    0.5000000000000001,
    0.16666666666666669,
    0.04166666666662413,
    0.008333333333330062,
    0.0013888888917213717,
    0.00019841269863053618,
    2.4801521295954376e-05,
    2.7557268459997064e-06,
    2.7620088445409746e-07,
    2.510038549551032e-08,
];
/// E(r) = (exp(r) - 1 - r)/r², on [-0.346608, 0.346608], relative error 1.3e-7.
pub(crate) const EXP_F32: [f32; 5] = [
    0.5,
    0.16666576,
    0.041666556,
    0.008363179,
    0.0013926184,
];
/// E(r) = (exp(r) - 1 - r)/r², on [-2, 2], relative error 2.7e-18.
pub(crate) const EXP_WIDE_F64: [f64; 18] = [
    0.5,
    0.16666666666666666,
    0.04166666666666663,
    0.008333333333333331,
    0.0013888888888891197,
    0.00019841269841270936,
    2.4801587300995483e-05,
    2.7557319223705004e-06,
    2.755731930001314e-07,
    2.505210842152821e-08,
    2.087675150417348e-09,
    1.6059041233681633e-10,
    1.147097775321909e-11,
    7.647273957195198e-13,
    4.7737580214960735e-14,
    2.8087409252747675e-15,
    1.6376126325516946e-16,
    8.580357849794261e-18,
];
/// E(r) = (exp(r) - 1 - r)/r², on [-2, 2], relative error 1.3e-8.
pub(crate) const EXP_WIDE_F32: [f32; 10] = [
    0.5,
    0.16666667,
    0.041666612,
    0.008333329,
    0.0013889988,
    0.0001984211,
    2.472499e-05,
    2.7498768e-06,
    2.9721255e-07,
    2.6708717e-08,
];
/// ln 2 in two parts; the high one times an exponent is exact.
pub(crate) const LN2_F64_HIGH: f64 = 0.6931471805598903;
pub(crate) const LN2_F64_LOW: f64 = 5.497923018708371e-14;
pub(crate) const LN2_F32_HIGH: f32 = 0.69314575;
pub(crate) const LN2_F32_LOW: f32 = 1.4286068e-06;
