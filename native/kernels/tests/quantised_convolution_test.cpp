#include "tfic/quantised_convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "convolution_case.h"
#include "quantised_tiles.h"

namespace {

struct Data {
    std::vector<uint8_t> input;
    std::vector<float> scales, weight_scales, bias, residual, expected;
    std::vector<int32_t> zeros, sums;
    std::vector<int8_t> weights;
    tfic_quantised_convolution_call call;
};

// Drawn, or all at the ends of their types.
Data make(const Case& c, int32_t residual, bool worst) {
    std::mt19937 random(c.rows * 1009 + c.columns * 31 + c.channels * 7 + c.outputs);
    const auto real = [&] { return static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000; };
    Data d;
    const int32_t run = c.run(), run4 = (run + 3) / 4 * 4, all = c.all();
    const int64_t pitch = c.pitch();
    d.input.resize(c.rows * pitch + 3);
    for (auto& q : d.input) q = worst ? 255 : static_cast<uint8_t>(random());
    for (int32_t y = 0; y < c.rows; y++) {
        d.scales.push_back(1 + real() / 2);
        d.zeros.push_back(worst ? y % 2 * 255 : static_cast<int32_t>(random() % 256));
    }
    d.weights.assign(int64_t{all} * c.kernel_height * run4, 0);
    d.weight_scales.assign(c.kernel_height * all, 0);
    d.sums.assign(c.kernel_height * all, 0);
    d.bias.assign(all, 0);
    const auto weight = [&](int32_t o, int32_t ky, int32_t j) -> int8_t& {
        return d.weights[(((int64_t{o / 16} * c.kernel_height + ky) * (run4 / 4) + j / 4) * 16 + o % 16) * 4 + j % 4];
    };
    for (int32_t o = 0; o < c.outputs; o++) {
        d.bias[o] = real();
        for (int32_t ky = 0; ky < c.kernel_height; ky++) {
            d.weight_scales[ky * all + o] = 0.01f * (1 + real() / 2);
            for (int32_t j = 0; j < run; j++) {
                weight(o, ky, j) = worst ? static_cast<int8_t>(o % 2 ? 127 : -127)
                                         : static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
                d.sums[ky * all + o] += weight(o, ky, j);
            }
        }
    }

    const int32_t top = c.top(), out_rows = c.out_rows(), out_columns = c.out_columns();
    for (int32_t y = 0; y < out_rows; y++)
        for (int32_t x = 0; x < out_columns; x++)
            for (int32_t o = 0; o < c.outputs; o++) {
                float value = d.bias[o];
                for (int32_t ky = 0; ky < c.kernel_height; ky++) {
                    const int32_t row = y * c.stride + ky - top;
                    if (row < 0 || row >= c.rows) continue;
                    int64_t sum = 0;
                    for (int32_t j = 0; j < run; j++)
                        sum += int64_t{weight(o, ky, j)} *
                               (d.input[row * pitch + int64_t{x} * c.stride * c.channels + j] - d.zeros[row]);
                    EXPECT_EQ(sum, static_cast<int32_t>(sum));
                    value = std::fma(static_cast<float>(sum), d.scales[row] * d.weight_scales[ky * all + o], value);
                }
                d.residual.push_back(real());
                if (residual == TFIC_RESIDUAL_BEFORE_ACTIVATION) value += d.residual.back();
                if (value < 0) value *= 0.125f;
                if (residual == TFIC_RESIDUAL_AFTER_ACTIVATION) value += d.residual.back();
                d.expected.push_back(value);
            }

    d.call = c.call<tfic_quantised_convolution_call>(static_cast<int64_t>(d.input.size()),
                                                     static_cast<int64_t>(d.weights.size()), run4);
    d.call.residual_mode = residual;
    return d;
}

// Pointers last, when nothing moves any more.
tfic_quantised_convolution_call bind(Data& d, std::vector<float>& output) {
    tfic_quantised_convolution_call call = d.call;
    call.input = d.input.data();
    call.scales = d.scales.data();
    call.zeros = d.zeros.data();
    call.weights = d.weights.data();
    call.weight_scales = d.weight_scales.data();
    call.weight_sums = d.sums.data();
    call.bias = d.bias.data();
    call.residual = call.residual_mode == TFIC_RESIDUAL_NONE ? nullptr : d.residual.data();
    call.output = output.data();
    call.output_length = static_cast<int64_t>(d.expected.size());
    return call;
}

constexpr Case Cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 0},   {3, 1, 5, 17, 3, 3, 1, 1},  {2, 11, 6, 48, 3, 3, 1, 1},
    {5, 18, 8, 64, 3, 3, 2, 1}, {3, 9, 7, 96, 1, 1, 1, 0},  {2, 17, 3, 33, 3, 3, 1, 1},
    {1, 14, 9, 16, 1, 7, 1, 3}, {4, 8, 96, 31, 3, 3, 1, 1}, {2, 7, 16, 113, 3, 3, 1, 1},
};

// Compares a kernel with the formula; it must write no further than the output.
template <class Kernel>
void expect_the_formula(const Case& c, Kernel kernel) {
    for (int32_t residual = 0; residual < 3; residual++)
        for (bool worst : {false, true}) {
            Data d = make(c, residual, worst);
            std::vector<float> output(d.expected.size() + 16, 42.0f);
            kernel(bind(d, output));
            EXPECT_EQ(std::vector<float>(16, 42.0f), std::vector<float>(output.end() - 16, output.end()));
            output.resize(d.expected.size());
            EXPECT_EQ(d.expected, output) << c.outputs << " outputs, residual " << residual << ", worst " << worst;
        }
}

TEST(QuantisedConvolution, EqualsTheFormulaToTheLastBit) {
    if (!tfic_quantised_convolution_supported())
        GTEST_SKIP() << "this processor has neither AVX512-VNNI nor Arm's i8mm";
    for (const Case& c : Cases)
        expect_the_formula(c, [](const auto& call) { ASSERT_EQ(TFIC_OK, tfic_quantised_convolution(&call)); });
}

// Blocks of 32 columns and two groups, with and without rests; runs of several registers, with and without.
constexpr Case MatrixCases[] = {
    {2, 31, 4, 32, 3, 3, 1, 1},  {3, 32, 64, 16, 3, 3, 1, 1}, {2, 33, 40, 48, 3, 3, 1, 1},
    {1, 97, 64, 33, 1, 3, 1, 1}, {5, 70, 16, 40, 3, 3, 2, 1},
};

#ifdef TFIC_VNNI
TEST(QuantisedConvolution, MatrixRegistersGiveTheFormulaToo) {
    if (!tfic::quantised::has_vnni()) GTEST_SKIP() << "this processor has neither AVX512-VNNI nor Arm's i8mm";
    const auto emulated = [](const auto& call) { tfic::quantised::matrix_convolve<tfic::EmulatedTiles>(call); };
    for (const Case& c : Cases) expect_the_formula(c, emulated);
    for (const Case& c : MatrixCases) expect_the_formula(c, emulated);
}
#endif

TEST(QuantisedConvolution, MatrixInstructionsGiveTheFormula) {
    if (!tfic_quantised_convolution_amx_supported()) GTEST_SKIP() << "this processor has no AMX-INT8";
    const auto amx = [](const auto& call) { ASSERT_EQ(TFIC_OK, tfic_quantised_convolution_amx(&call)); };
    for (const Case& c : Cases) expect_the_formula(c, amx);
    for (const Case& c : MatrixCases) expect_the_formula(c, amx);
}

TEST(QuantisedConvolution, ComputesTheRowsThatAreAskedFor) {
    if (!tfic_quantised_convolution_supported())
        GTEST_SKIP() << "this processor has neither AVX512-VNNI nor Arm's i8mm";
    Data d = make({7, 9, 6, 20, 3, 3, 1, 1}, TFIC_RESIDUAL_NONE, false);
    std::vector<float> output(2 * 9 * 20);
    tfic_quantised_convolution_call call = bind(d, output);
    call.first_row = 3;
    call.end_row = 5;
    call.output_length = static_cast<int64_t>(output.size());
    ASSERT_EQ(TFIC_OK, tfic_quantised_convolution(&call));
    EXPECT_EQ(std::vector<float>(d.expected.begin() + 3 * 180, d.expected.begin() + 5 * 180), output);
}

TEST(QuantisedConvolution, RefusesWhatDoesNotFit) {
    Data d = make({4, 9, 6, 20, 3, 3, 1, 1}, TFIC_RESIDUAL_NONE, false);
    std::vector<float> output(d.expected.size());
    const tfic_quantised_convolution_call good = bind(d, output);
    const auto refused = [&](auto change) {
        tfic_quantised_convolution_call bad = good;
        change(bad);
        EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_quantised_convolution(&bad));
        EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_quantised_convolution_amx(&bad));
    };
    EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_quantised_convolution(nullptr));
    refused([](auto& c) { c.input = nullptr; });
    refused([](auto& c) { c.output = nullptr; });
    refused([](auto& c) { c.residual = c.bias; });
    refused([](auto& c) { c.residual_mode = 3; });
    refused([](auto& c) { c.input_length = c.pitch * 4 - 8; });
    refused([](auto& c) { c.weights_length--; });
    refused([](auto& c) { c.output_length--; });
    refused([](auto& c) { c.run = 18; });
    refused([](auto& c) { c.run = 1 << 20; });
    refused([](auto& c) { c.rows = 5; });
    refused([](auto& c) { c.columns = 12; });
    refused([](auto& c) { c.end_row = 0; });
    refused([](auto& c) { c.first_row = -1; });
    refused([](auto& c) { c.rows = c.columns = c.outputs = 2147483647; });
}

}  // namespace
