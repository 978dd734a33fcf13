#include "tfic/bfloat16_convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "bfloat16_tiles.h"
#include "convolution_case.h"

namespace {

struct Data {
    std::vector<uint16_t> input, weights;
    std::vector<float> bias;
    std::vector<double> expected, magnitude;
    tfic_bfloat16_convolution_call call;
};

float value_of(uint16_t upper) {
    const uint32_t bits = static_cast<uint32_t>(upper) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t round_to_nearest_even(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

Data make(const Case& c) {
    std::mt19937 random(c.rows * 1009 + c.columns * 31 + c.channels * 7 + c.outputs);
    const auto real = [&] { return static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 1000; };
    Data d;
    const int32_t run = c.run(), run2 = (run + 1) / 2 * 2, all = c.all();
    const int64_t pitch = c.pitch();
    d.input.resize(c.rows * pitch + 1);
    for (auto& element : d.input) element = round_to_nearest_even(real());
    d.weights.assign(int64_t{all} * c.kernel_height * run2, 0);
    d.bias.assign(all, 0);
    const auto weight = [&](int32_t o, int32_t ky, int32_t j) -> uint16_t& {
        return d.weights[(((int64_t{o / 16} * c.kernel_height + ky) * (run2 / 2) + j / 2) * 16 + o % 16) * 2 + j % 2];
    };
    for (int32_t o = 0; o < c.outputs; o++) {
        d.bias[o] = real();
        for (int32_t ky = 0; ky < c.kernel_height; ky++)
            for (int32_t j = 0; j < run; j++) weight(o, ky, j) = round_to_nearest_even(real());
    }

    const int32_t top = c.top(), out_rows = c.out_rows(), out_columns = c.out_columns();
    for (int32_t y = 0; y < out_rows; y++)
        for (int32_t x = 0; x < out_columns; x++)
            for (int32_t o = 0; o < c.outputs; o++) {
                double value = d.bias[o], magnitude = std::abs(d.bias[o]);
                for (int32_t ky = 0; ky < c.kernel_height; ky++) {
                    const int32_t row = y * c.stride + ky - top;
                    if (row < 0 || row >= c.rows) continue;
                    for (int32_t j = 0; j < run; j++) {
                        const double product = double{value_of(weight(o, ky, j))} *
                                               value_of(d.input[row * pitch + int64_t{x} * c.stride * c.channels + j]);
                        value += product;
                        magnitude += std::abs(product);
                    }
                }
                d.expected.push_back(value < 0 ? value * 0.125 : value);
                d.magnitude.push_back(magnitude);
            }

    d.call = c.call<tfic_bfloat16_convolution_call>(static_cast<int64_t>(d.input.size()),
                                                    static_cast<int64_t>(d.weights.size()), run2);
    return d;
}

tfic_bfloat16_convolution_call bind(Data& d, std::vector<float>& output) {
    tfic_bfloat16_convolution_call call = d.call;
    call.input = d.input.data();
    call.weights = d.weights.data();
    call.bias = d.bias.data();
    call.output = output.data();
    call.output_length = static_cast<int64_t>(d.expected.size());
    return call;
}

constexpr Case Cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 0},  {3, 1, 5, 17, 3, 3, 1, 1},  {2, 11, 6, 48, 3, 3, 1, 1}, {5, 18, 8, 64, 3, 3, 2, 1},
    {3, 9, 7, 96, 1, 1, 1, 0}, {2, 17, 3, 33, 3, 3, 1, 1}, {1, 14, 9, 16, 1, 7, 1, 3}, {2, 8, 96, 31, 3, 3, 1, 1},
};

// Compares a kernel with the formula; it must write no further than the output.
template <class Kernel>
void expect_the_formula(const Case& c, Kernel kernel) {
    Data d = make(c);
    std::vector<float> output(d.expected.size() + 16, 42.0f);
    kernel(bind(d, output));
    EXPECT_EQ(std::vector<float>(16, 42.0f), std::vector<float>(output.end() - 16, output.end()));

    // A rounding for each product and one for the activation; Arm rounds to odd, which is off by up to twice as much.
    double roundings = c.kernel_height * c.kernel_width * c.channels + 1;
#ifdef __aarch64__
    roundings *= 2;
#endif
    for (size_t i = 0; i < d.expected.size(); i++)
        ASSERT_NEAR(d.expected[i], output[i], roundings * d.magnitude[i] / (1 << 24)) << c.outputs << " outputs";
}

TEST(BFloat16Convolution, IsTheFormulaWithinItsRoundings) {
    if (!tfic_bfloat16_convolution_supported()) GTEST_SKIP() << "this processor has neither AVX512-BF16 nor Arm's bf16";
    for (const Case& c : Cases)
        expect_the_formula(c, [](const auto& call) { ASSERT_EQ(TFIC_OK, tfic_bfloat16_convolution(&call)); });
}

// Blocks of 32 columns and two groups, with and without rests; runs of several registers, with and without.
constexpr Case MatrixCases[] = {
    {2, 31, 4, 32, 3, 3, 1, 1},  {3, 32, 32, 16, 3, 3, 1, 1}, {2, 33, 40, 48, 3, 3, 1, 1},
    {1, 97, 64, 33, 1, 3, 1, 1}, {5, 70, 16, 40, 3, 3, 2, 1},
};

#ifdef TFIC_BF16
TEST(BFloat16Convolution, MatrixRegistersGiveTheFormulaToo) {
    if (!tfic::bfloat16::has_bf16()) GTEST_SKIP() << "this processor has neither AVX512-BF16 nor Arm's bf16";
    const auto emulated = [](const auto& call) { tfic::bfloat16::matrix_convolve<tfic::EmulatedTiles>(call); };
    for (const Case& c : Cases) expect_the_formula(c, emulated);
    for (const Case& c : MatrixCases) expect_the_formula(c, emulated);
}
#endif

TEST(BFloat16Convolution, MatrixInstructionsGiveTheFormula) {
    if (!tfic_bfloat16_convolution_amx_supported()) GTEST_SKIP() << "this processor has no AMX-BF16";
    const auto amx = [](const auto& call) { ASSERT_EQ(TFIC_OK, tfic_bfloat16_convolution_amx(&call)); };
    for (const Case& c : Cases) expect_the_formula(c, amx);
    for (const Case& c : MatrixCases) expect_the_formula(c, amx);
}

TEST(BFloat16Convolution, WritesTheSameInBFloat16BetweenTheBorders) {
    if (!tfic_bfloat16_convolution_supported()) GTEST_SKIP() << "this processor has neither AVX512-BF16 nor Arm's bf16";
    for (const Case& c : Cases) {
        Data d = make(c);
        std::vector<float> output(d.expected.size());
        tfic_bfloat16_convolution_call call = bind(d, output);
        const int64_t run = int64_t{call.columns} * c.outputs, pitch = run + 2 * c.outputs;
        std::vector<uint16_t> narrow(call.end_row * pitch, 0x4242);
        call.narrow = narrow.data();
        call.narrow_length = static_cast<int64_t>(narrow.size());
        call.narrow_pitch = pitch;
        call.narrow_origin = c.outputs;
        ASSERT_EQ(TFIC_OK, tfic_bfloat16_convolution(&call));
        for (int64_t i = 0; i < static_cast<int64_t>(narrow.size()); i++) {
            const int64_t at = i % pitch - c.outputs;
            const bool inside = at >= 0 && at < run;
            ASSERT_EQ(inside ? round_to_nearest_even(output[i / pitch * run + at]) : 0x4242, narrow[i]);
        }

        // And alone.
        std::vector<uint16_t> alone(narrow.size(), 0x4242);
        call.narrow = alone.data();
        call.output = nullptr;
        ASSERT_EQ(TFIC_OK, tfic_bfloat16_convolution(&call));
        EXPECT_EQ(narrow, alone);
    }
}

TEST(BFloat16Convolution, RefusesWhatDoesNotFit) {
    Data d = make({4, 9, 6, 20, 3, 3, 1, 1});
    std::vector<float> output(d.expected.size());
    std::vector<uint16_t> narrow(d.expected.size());
    tfic_bfloat16_convolution_call good = bind(d, output);
    good.narrow = narrow.data();
    good.narrow_length = static_cast<int64_t>(narrow.size());
    good.narrow_pitch = 180;
    const auto refused = [&](auto change) {
        tfic_bfloat16_convolution_call bad = good;
        change(bad);
        EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_bfloat16_convolution(&bad));
        EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_bfloat16_convolution_amx(&bad));
    };
    EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_bfloat16_convolution(nullptr));
    refused([](auto& c) { c.input = nullptr; });
    refused([](auto& c) { c.output = nullptr, c.narrow = nullptr; });
    refused([](auto& c) { c.input_length = c.pitch * 4 - 8; });
    refused([](auto& c) { c.weights_length--; });
    refused([](auto& c) { c.output_length--; });
    refused([](auto& c) { c.narrow_length--; });
    refused([](auto& c) { c.narrow_pitch = 181; });
    refused([](auto& c) { c.narrow_origin = 1; });
    refused([](auto& c) { c.run = 17; });
    refused([](auto& c) { c.rows = 5; });
    refused([](auto& c) { c.columns = 12; });
    refused([](auto& c) { c.end_row = 0; });
    refused([](auto& c) { c.first_row = -1; });
    refused([](auto& c) { c.rows = c.columns = c.outputs = 2147483647; });
}

}  // namespace
