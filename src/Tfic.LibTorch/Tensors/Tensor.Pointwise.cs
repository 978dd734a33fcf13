using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor abs() => Aten.Call("abs", this);

        public Tensor abs_() => Aten.Call("abs_", this);

        public Tensor absolute() => Aten.Call("absolute", this);

        public Tensor absolute_() => Aten.Call("absolute_", this);

        public Tensor ceil() => Aten.Call("ceil", this);

        public Tensor ceil_() => Aten.Call("ceil_", this);

        public Tensor cos() => Aten.Call("cos", this);

        public Tensor cos_() => Aten.Call("cos_", this);

        public Tensor cosh() => Aten.Call("cosh", this);

        public Tensor cosh_() => Aten.Call("cosh_", this);

        public Tensor acos() => Aten.Call("acos", this);

        public Tensor acos_() => Aten.Call("acos_", this);

        public Tensor acosh() => Aten.Call("acosh", this);

        public Tensor acosh_() => Aten.Call("acosh_", this);

        public Tensor asin() => Aten.Call("asin", this);

        public Tensor asin_() => Aten.Call("asin_", this);

        public Tensor asinh() => Aten.Call("asinh", this);

        public Tensor asinh_() => Aten.Call("asinh_", this);

        public Tensor atan() => Aten.Call("atan", this);

        public Tensor atan_() => Aten.Call("atan_", this);

        public Tensor atanh() => Aten.Call("atanh", this);

        public Tensor atanh_() => Aten.Call("atanh_", this);

        public Tensor sin() => Aten.Call("sin", this);

        public Tensor sin_() => Aten.Call("sin_", this);

        public Tensor sinh() => Aten.Call("sinh", this);

        public Tensor sinh_() => Aten.Call("sinh_", this);

        public Tensor sinc() => Aten.Call("sinc", this);

        public Tensor sinc_() => Aten.Call("sinc_", this);

        public Tensor tan() => Aten.Call("tan", this);

        public Tensor tan_() => Aten.Call("tan_", this);

        public Tensor tanh() => Aten.Call("tanh", this);

        public Tensor tanh_() => Aten.Call("tanh_", this);

        public Tensor digamma() => Aten.Call("digamma", this);

        public Tensor digamma_() => Aten.Call("digamma_", this);

        public Tensor lgamma() => Aten.Call("lgamma", this);

        public Tensor lgamma_() => Aten.Call("lgamma_", this);

        public Tensor erf() => Aten.Call("erf", this);

        public Tensor erf_() => Aten.Call("erf_", this);

        public Tensor erfc() => Aten.Call("erfc", this);

        public Tensor erfc_() => Aten.Call("erfc_", this);

        public Tensor erfinv() => Aten.Call("erfinv", this);

        public Tensor erfinv_() => Aten.Call("erfinv_", this);

        public Tensor exp() => Aten.Call("exp", this);

        public Tensor exp_() => Aten.Call("exp_", this);

        public Tensor exp2() => Aten.Call("exp2", this);

        public Tensor exp2_() => Aten.Call("exp2_", this);

        public Tensor expm1() => Aten.Call("expm1", this);

        public Tensor expm1_() => Aten.Call("expm1_", this);

        public Tensor fix() => Aten.Call("fix", this);

        public Tensor fix_() => Aten.Call("fix_", this);

        public Tensor floor() => Aten.Call("floor", this);

        public Tensor floor_() => Aten.Call("floor_", this);

        public Tensor frac() => Aten.Call("frac", this);

        public Tensor frac_() => Aten.Call("frac_", this);

        public Tensor i0() => Aten.Call("i0", this);

        public Tensor i0_() => Aten.Call("i0_", this);

        public Tensor log() => Aten.Call("log", this);

        public Tensor log_() => Aten.Call("log_", this);

        public Tensor log10() => Aten.Call("log10", this);

        public Tensor log10_() => Aten.Call("log10_", this);

        public Tensor log1p() => Aten.Call("log1p", this);

        public Tensor log1p_() => Aten.Call("log1p_", this);

        public Tensor log2() => Aten.Call("log2", this);

        public Tensor log2_() => Aten.Call("log2_", this);

        public Tensor logical_not() => Aten.Call("logical_not", this);

        public Tensor logical_not_() => Aten.Call("logical_not_", this);

        public Tensor neg() => Aten.Call("neg", this);

        public Tensor neg_() => Aten.Call("neg_", this);

        public Tensor reciprocal() => Aten.Call("reciprocal", this);

        public Tensor reciprocal_() => Aten.Call("reciprocal_", this);

        public Tensor rsqrt() => Aten.Call("rsqrt", this);

        public Tensor rsqrt_() => Aten.Call("rsqrt_", this);

        public Tensor sgn() => Aten.Call("sgn", this);

        public Tensor sgn_() => Aten.Call("sgn_", this);

        public Tensor sigmoid() => Aten.Call("sigmoid", this);

        public Tensor sigmoid_() => Aten.Call("sigmoid_", this);

        public Tensor sign() => Aten.Call("sign", this);

        public Tensor sign_() => Aten.Call("sign_", this);

        public Tensor sqrt() => Aten.Call("sqrt", this);

        public Tensor sqrt_() => Aten.Call("sqrt_", this);

        public Tensor trunc() => Aten.Call("trunc", this);

        public Tensor trunc_() => Aten.Call("trunc_", this);

        public Tensor rad2deg() => Aten.Call("rad2deg", this);

        public Tensor rad2deg_() => Aten.Call("rad2deg_", this);

        public Tensor deg2rad() => Aten.Call("deg2rad", this);

        public Tensor deg2rad_() => Aten.Call("deg2rad_", this);

        public Tensor relu() => Aten.Call("relu", this);

        public Tensor relu_() => Aten.Call("relu_", this);

        public Tensor relu6() => Aten.Call("relu6", this);

        public Tensor relu6_() => Aten.Call("relu6_", this);

        public Tensor selu() => Aten.Call("selu", this);

        public Tensor selu_() => Aten.Call("selu_", this);

        public Tensor silu() => Aten.Call("silu", this);

        public Tensor silu_() => Aten.Call("silu_", this);

        public Tensor hardsigmoid() => Aten.Call("hardsigmoid", this);

        public Tensor hardsigmoid_() => Aten.Call("hardsigmoid_", this);

        public Tensor hardswish() => Aten.Call("hardswish", this);

        public Tensor hardswish_() => Aten.Call("hardswish_", this);

        public Tensor bitwise_not() => Aten.Call("bitwise_not", this);

        public Tensor bitwise_not_() => Aten.Call("bitwise_not_", this);

        public Tensor arccos() => Aten.Call("arccos", this);

        public Tensor arccos_() => Aten.Call("arccos_", this);

        public Tensor arccosh() => Aten.Call("arccosh", this);

        public Tensor arccosh_() => Aten.Call("arccosh_", this);

        public Tensor arcsin() => Aten.Call("arcsin", this);

        public Tensor arcsin_() => Aten.Call("arcsin_", this);

        public Tensor arcsinh() => Aten.Call("arcsinh", this);

        public Tensor arcsinh_() => Aten.Call("arcsinh_", this);

        public Tensor arctan() => Aten.Call("arctan", this);

        public Tensor arctan_() => Aten.Call("arctan_", this);

        public Tensor arctanh() => Aten.Call("arctanh", this);

        public Tensor arctanh_() => Aten.Call("arctanh_", this);

        public Tensor conj_physical() => Aten.Call("conj_physical", this);

        public Tensor conj_physical_() => Aten.Call("conj_physical_", this);

        public Tensor negative() => Aten.Call("negative", this);

        public Tensor square() => Aten.Call("square", this);

        public Tensor positive() => Aten.Call("positive", this);

        public Tensor angle() => Aten.Call("angle", this);

        public Tensor signbit() => Aten.Call("signbit", this);

        public Tensor isnan() => Aten.Call("isnan", this);

        public Tensor isinf() => Aten.Call("isinf", this);

        public Tensor isfinite() => Aten.Call("isfinite", this);

        public Tensor isposinf() => Aten.Call("isposinf", this);

        public Tensor isneginf() => Aten.Call("isneginf", this);

        public Tensor log_sigmoid() => Aten.Call("log_sigmoid", this);

        public Tensor inverse() => Aten.Call("inverse", this);

        public Tensor det() => Aten.Call("det", this);

        public Tensor logdet() => Aten.Call("logdet", this);

        public Tensor trace() => Aten.Call("trace", this);

        public Tensor atan2(Tensor other) => Aten.Call("atan2", this, other);

        public Tensor atan2_(Tensor other) => Aten.Call("atan2_", this, other);

        public Tensor copysign(Tensor other) => Aten.Call("copysign.Tensor", this, other);

        public Tensor copysign_(Tensor other) => Aten.Call("copysign_.Tensor", this, other);

        public Tensor heaviside(Tensor other) => Aten.Call("heaviside", this, other);

        public Tensor heaviside_(Tensor other) => Aten.Call("heaviside_", this, other);

        public Tensor hypot(Tensor other) => Aten.Call("hypot", this, other);

        public Tensor nextafter(Tensor other) => Aten.Call("nextafter", this, other);

        public Tensor nextafter_(Tensor other) => Aten.Call("nextafter_", this, other);

        public Tensor logical_and(Tensor other) => Aten.Call("logical_and", this, other);

        public Tensor logical_and_(Tensor other) => Aten.Call("logical_and_", this, other);

        public Tensor logical_or(Tensor other) => Aten.Call("logical_or", this, other);

        public Tensor logical_or_(Tensor other) => Aten.Call("logical_or_", this, other);

        public Tensor logical_xor(Tensor other) => Aten.Call("logical_xor", this, other);

        public Tensor logical_xor_(Tensor other) => Aten.Call("logical_xor_", this, other);

        public Tensor bitwise_and(Tensor other) => Aten.Call("bitwise_and.Tensor", this, other);

        public Tensor bitwise_and_(Tensor other) => Aten.Call("bitwise_and_.Tensor", this, other);

        public Tensor bitwise_or(Tensor other) => Aten.Call("bitwise_or.Tensor", this, other);

        public Tensor bitwise_or_(Tensor other) => Aten.Call("bitwise_or_.Tensor", this, other);

        public Tensor bitwise_xor(Tensor other) => Aten.Call("bitwise_xor.Tensor", this, other);

        public Tensor bitwise_xor_(Tensor other) => Aten.Call("bitwise_xor_.Tensor", this, other);

        public Tensor logaddexp(Tensor other) => Aten.Call("logaddexp", this, other);

        public Tensor logaddexp2(Tensor other) => Aten.Call("logaddexp2", this, other);

        public Tensor fmax(Tensor other) => Aten.Call("fmax", this, other);

        public Tensor fmin(Tensor other) => Aten.Call("fmin", this, other);

        public Tensor maximum(Tensor other) => Aten.Call("maximum", this, other);

        public Tensor minimum(Tensor other) => Aten.Call("minimum", this, other);

        public Tensor eq(Tensor target) => Aten.Call("eq.Tensor", this, target);

        public Tensor eq(Scalar target) => Aten.Call("eq.Scalar", this, target);

        public Tensor eq_(Tensor target) => Aten.Call("eq_.Tensor", this, target);

        public Tensor eq_(Scalar target) => Aten.Call("eq_.Scalar", this, target);

        public Tensor ne(Tensor target) => Aten.Call("ne.Tensor", this, target);

        public Tensor ne(Scalar target) => Aten.Call("ne.Scalar", this, target);

        public Tensor ne_(Tensor target) => Aten.Call("ne_.Tensor", this, target);

        public Tensor ne_(Scalar target) => Aten.Call("ne_.Scalar", this, target);

        public Tensor not_equal(Tensor target) => ne(target);

        public Tensor lt(Tensor target) => Aten.Call("lt.Tensor", this, target);

        public Tensor lt(Scalar target) => Aten.Call("lt.Scalar", this, target);

        public Tensor lt_(Tensor target) => Aten.Call("lt_.Tensor", this, target);

        public Tensor lt_(Scalar target) => Aten.Call("lt_.Scalar", this, target);

        public Tensor less(Tensor target) => lt(target);

        public Tensor le(Tensor target) => Aten.Call("le.Tensor", this, target);

        public Tensor le(Scalar target) => Aten.Call("le.Scalar", this, target);

        public Tensor le_(Tensor target) => Aten.Call("le_.Tensor", this, target);

        public Tensor le_(Scalar target) => Aten.Call("le_.Scalar", this, target);

        public Tensor less_equal(Tensor target) => le(target);

        public Tensor gt(Tensor target) => Aten.Call("gt.Tensor", this, target);

        public Tensor gt(Scalar target) => Aten.Call("gt.Scalar", this, target);

        public Tensor gt_(Tensor target) => Aten.Call("gt_.Tensor", this, target);

        public Tensor gt_(Scalar target) => Aten.Call("gt_.Scalar", this, target);

        public Tensor greater(Tensor target) => gt(target);

        public Tensor ge(Tensor target) => Aten.Call("ge.Tensor", this, target);

        public Tensor ge(Scalar target) => Aten.Call("ge.Scalar", this, target);

        public Tensor ge_(Tensor target) => Aten.Call("ge_.Tensor", this, target);

        public Tensor ge_(Scalar target) => Aten.Call("ge_.Scalar", this, target);

        public Tensor greater_equal(Tensor target) => ge(target);

        public Tensor add(Tensor target) => Aten.Call("add.Tensor", this, target);

        public Tensor add(Tensor target, Scalar alpha) => Aten.Call("add.Tensor", this, target, alpha);

        public Tensor add(Scalar scalar) => Aten.Call("add.Scalar", this, scalar);

        public Tensor add(Scalar scalar, Scalar alpha) => Aten.Call("add.Scalar", this, scalar, alpha);

        public Tensor add_(Tensor target) => Aten.Call("add_.Tensor", this, target);

        public Tensor add_(Tensor target, Scalar alpha) => Aten.Call("add_.Tensor", this, target, alpha);

        public Tensor add_(Scalar scalar) => Aten.Call("add_.Scalar", this, scalar);

        public Tensor add_(Scalar scalar, Scalar alpha) => Aten.Call("add_.Scalar", this, scalar, alpha);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => Aten.Call("addcdiv", this, tensor1, tensor2);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Aten.Call("addcdiv", this, tensor1, tensor2, value);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Aten.Call("addcdiv_", this, tensor1, tensor2);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Aten.Call("addcdiv_", this, tensor1, tensor2, value);

        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Aten.Call("addcmul", this, tensor1, tensor2, value);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Aten.Call("addcmul_", this, tensor1, tensor2, value);

        public Tensor sub(Tensor target) => Aten.Call("sub.Tensor", this, target);

        public Tensor sub(Scalar target) => Aten.Call("sub.Scalar", this, target);

        public Tensor sub_(Tensor target) => Aten.Call("sub_.Tensor", this, target);

        public Tensor sub_(Scalar target) => Aten.Call("sub_.Scalar", this, target);

        public Tensor subtract(Tensor target) => Aten.Call("sub.Tensor", this, target);

        public Tensor subtract(Scalar target) => Aten.Call("sub.Scalar", this, target);

        public Tensor subtract_(Tensor target) => Aten.Call("sub_.Tensor", this, target);

        public Tensor subtract_(Scalar target) => Aten.Call("sub_.Scalar", this, target);

        public Tensor mul(Tensor target) => Aten.Call("mul.Tensor", this, target);

        public Tensor mul(Scalar target) => Aten.Call("mul.Scalar", this, target);

        public Tensor mul_(Tensor target) => Aten.Call("mul_.Tensor", this, target);

        public Tensor mul_(Scalar target) => Aten.Call("mul_.Scalar", this, target);

        public Tensor multiply(Tensor target) => Aten.Call("mul.Tensor", this, target);

        public Tensor multiply(Scalar target) => Aten.Call("mul.Scalar", this, target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div.Tensor_mode", this, target, ModeText(rounding_mode));

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div.Scalar_mode", this, target, ModeText(rounding_mode));

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div_.Tensor_mode", this, target, ModeText(rounding_mode));

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div_.Scalar_mode", this, target, ModeText(rounding_mode));

        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div.Tensor_mode", this, target, ModeText(rounding_mode));

        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div.Scalar_mode", this, target, ModeText(rounding_mode));

        public Tensor divide_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div_.Tensor_mode", this, target, ModeText(rounding_mode));

        public Tensor divide_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            Aten.Call("div_.Scalar_mode", this, target, ModeText(rounding_mode));

        public Tensor true_divide(Tensor other) => Aten.Call("true_divide.Tensor", this, other);

        public Tensor true_divide(Scalar other) => Aten.Call("true_divide.Scalar", this, other);

        public Tensor true_divide_(Tensor other) => Aten.Call("true_divide_.Tensor", this, other);

        public Tensor floor_divide(Tensor other) => Aten.Call("floor_divide", this, other);

        public Tensor floor_divide(Scalar other) => Aten.Call("floor_divide.Scalar", this, other);

        public Tensor floor_divide_(Tensor other) => Aten.Call("floor_divide_.Tensor", this, other);

        public Tensor remainder(Tensor target) => Aten.Call("remainder.Tensor", this, target);

        public Tensor remainder(Scalar scalar) => Aten.Call("remainder.Scalar", this, scalar);

        public Tensor remainder_(Tensor target) => Aten.Call("remainder_.Tensor", this, target);

        public Tensor remainder_(Scalar scalar) => Aten.Call("remainder_.Scalar", this, scalar);

        public Tensor fmod(Tensor target) => Aten.Call("fmod.Tensor", this, target);

        public Tensor fmod(Scalar scalar) => Aten.Call("fmod.Scalar", this, scalar);

        public Tensor pow(Tensor exponent) => Aten.Call("pow.Tensor_Tensor", this, exponent);

        public Tensor pow(Scalar exponent) => Aten.Call("pow.Tensor_Scalar", this, exponent);

        public Tensor pow_(Tensor exponent) => Aten.Call("pow_.Tensor", this, exponent);

        public Tensor pow_(Scalar exponent) => Aten.Call("pow_.Scalar", this, exponent);

        public Tensor round(long decimals = 0) => Aten.Call("round.decimals", this, decimals);

        public Tensor round_(long decimals = 0) => Aten.Call("round_.decimals", this, decimals);

        public Tensor xlogy(Tensor y) => Aten.Call("xlogy.Tensor", this, y);

        public Tensor lerp(Tensor end, Tensor weight) => Aten.Call("lerp.Tensor", this, end, weight);

        public Tensor lerp_(Tensor end, Tensor weight) => Aten.Call("lerp_.Tensor", this, end, weight);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Aten.Call("clamp", this, min, max);

        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Aten.Call("clamp.Tensor", this, min, max);

        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);

        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Aten.Call("clamp_", this, min, max);

        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Aten.Call("clamp_.Tensor", this, min, max);

        public Tensor clamp_max(Scalar max) => Aten.Call("clamp_max", this, max);

        public Tensor clamp_max_(Scalar max) => Aten.Call("clamp_max_", this, max);

        public Tensor clamp_min(Scalar min) => Aten.Call("clamp_min", this, min);

        public Tensor clamp_min_(Scalar min) => Aten.Call("clamp_min_", this, min);

        public Tensor nan_to_num(double nan = 0, double? posinf = null, double? neginf = null) =>
            Aten.Call("nan_to_num", this, nan, posinf, neginf);

        public Tensor logit(double? eps = null) => Aten.Call("logit", this, eps);

        public Tensor threshold(Scalar threshold, Scalar value) => Aten.Call("threshold", this, threshold, value);

        public Tensor leaky_relu(Scalar negative_slope) => Aten.Call("leaky_relu", this, negative_slope);

        public Tensor leaky_relu_(Scalar negative_slope) => Aten.Call("leaky_relu_", this, negative_slope);

        public Tensor elu(double alpha = 1) => Aten.Call("elu", this, alpha);

        public Tensor gelu() => Aten.Call("gelu", this);

        public Tensor glu(long dim = -1) => Aten.Call("glu", this, dim);

        public Tensor hardtanh(Scalar min, Scalar max) => Aten.Call("hardtanh", this, min, max);

        public Tensor prelu(Tensor target) => Aten.Call("prelu", this, target);

        public Tensor softplus(double beta = 1, double threshold = 20) => Aten.Call("softplus", this, beta, threshold);

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) =>
            Aten.Call("isclose", this, other, rtol, atol, nanEqual);

        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            Aten.CallScalar("allclose", this, target, rtol, atol, equal_nan).Bits != 0;

        /// <summary>Compares element by element, as TorchSharp's method of this name does.</summary>
        public Tensor equal(Tensor target) => eq(target);

        public Tensor where(Tensor condition, Tensor y) => Aten.Call("where.self", condition, this, y);

        public Tensor masked_fill(Tensor mask, Scalar value) => Aten.Call("masked_fill.Scalar", this, mask, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Aten.Call("masked_fill_.Scalar", this, mask, value);

        private static Value ModeText(RoundingMode mode) => mode == RoundingMode.None ? Value.None : mode.ToString();
    }
}
