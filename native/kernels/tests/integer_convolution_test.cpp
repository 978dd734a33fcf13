#include "tfic/integer_convolution.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

namespace {

struct Case {
    int32_t height, width, inputs, outputs, k;
};

struct Data {
    std::vector<int16_t> input, packed;
    std::vector<int8_t> weights;
    std::vector<int32_t> bias, expected;
};

int64_t padded(int64_t outputs) { return (outputs + 15) / 16 * 16; }

// Activations and weights at random, or all at the magnitudes that bring the sums nearest to 2^31.
Data make(const Case& c, bool worst) {
    std::mt19937 random(c.height * 1000003 + c.width * 1009 + c.inputs * 31 + c.outputs * 7 + c.k);
    Data d;
    d.input.resize(int64_t{c.height + c.k - 1} * (c.width + c.k - 1) * c.inputs);
    d.weights.resize(int64_t{c.outputs} * c.inputs * c.k * c.k);
    d.bias.assign(padded(c.outputs), 0);
    for (auto& a : d.input) a = worst ? 16383 : static_cast<int16_t>(static_cast<int>(random() % 32767) - 16383);
    for (size_t i = 0; i < d.weights.size(); i++)
        d.weights[i] = worst ? (i / (c.inputs * c.k * c.k) % 2 ? 127 : -127)
                             : static_cast<int8_t>(static_cast<int>(random() % 255) - 127);
    for (int32_t o = 0; o < c.outputs; o++)
        d.bias[o] = worst ? (o % 2 ? 1 : -1) * 900'000'000 : static_cast<int32_t>(random() % 2000001) - 1000000;

    d.packed.assign(padded(c.outputs) * c.inputs * c.k * c.k, 0);
    for (int64_t o = 0; o < c.outputs; o++)
        for (int64_t i = 0; i < c.inputs; i++)
            for (int64_t tap = 0; tap < c.k * c.k; tap++)
                d.packed[((((o / 16) * c.k * c.k + tap) * (c.inputs / 2) + i / 2) * 16 + o % 16) * 2 + i % 2] =
                    d.weights[(o * c.inputs + i) * c.k * c.k + tap];

    for (int64_t y = 0; y < c.height; y++)
        for (int64_t x = 0; x < c.width; x++)
            for (int64_t o = 0; o < c.outputs; o++) {
                int64_t sum = d.bias[o];
                for (int64_t i = 0; i < c.inputs; i++)
                    for (int64_t ky = 0; ky < c.k; ky++)
                        for (int64_t kx = 0; kx < c.k; kx++)
                            sum += int64_t{d.weights[((o * c.inputs + i) * c.k + ky) * c.k + kx]} *
                                   d.input[((y + ky) * (c.width + c.k - 1) + x + kx) * c.inputs + i];
                EXPECT_EQ(sum, static_cast<int32_t>(sum)) << "the case itself overflows";
                d.expected.push_back(static_cast<int32_t>(sum));
            }
    return d;
}

int32_t run(const Case& c, const Data& d, std::vector<int32_t>& output) {
    return tfic_integer_convolution(d.input.data(), static_cast<int64_t>(d.input.size()), d.packed.data(),
                                    static_cast<int64_t>(d.packed.size()), d.bias.data(),
                                    static_cast<int64_t>(d.bias.size()), c.height, c.width, c.inputs, c.outputs, c.k,
                                    output.data(), static_cast<int64_t>(output.size()));
}

TEST(IntegerConvolution, EqualsTheFormula) {
    if (!tfic_integer_convolution_supported()) GTEST_SKIP() << "this processor has no AVX512-VNNI";
    const Case cases[] = {
        {1, 1, 2, 1, 1},  {1, 1, 2, 1, 3},    {3, 5, 4, 15, 3},   {2, 7, 6, 16, 3},  {1, 8, 8, 17, 1},
        {4, 9, 2, 33, 3}, {3, 10, 32, 32, 3}, {1, 17, 64, 48, 1}, {2, 3, 10, 47, 5}, {5, 31, 14, 64, 3},
    };
    for (const Case& c : cases) {
        const Data d = make(c, false);
        // A guard behind the output shows whether the last group's mask holds.
        std::vector<int32_t> output(d.expected.size() + 16, 42);
        ASSERT_EQ(TFIC_OK, run(c, d, output));
        const std::vector<int32_t> guard(output.end() - 16, output.end());
        EXPECT_EQ(std::vector<int32_t>(16, 42), guard);
        output.resize(d.expected.size());
        EXPECT_EQ(d.expected, output) << c.height << 'x' << c.width << 'x' << c.inputs << " to " << c.outputs;
    }
}

TEST(IntegerConvolution, DoesNotSaturateAtTheLargestMagnitudes) {
    if (!tfic_integer_convolution_supported()) GTEST_SKIP() << "this processor has no AVX512-VNNI";
    const Case c{2, 9, 64, 20, 3};  // 576 * 127 * 16383 + 9e8 is just below 2^31
    const Data d = make(c, true);
    std::vector<int32_t> output(d.expected.size());
    ASSERT_EQ(TFIC_OK, run(c, d, output));
    EXPECT_EQ(d.expected, output);
    EXPECT_GT(std::abs(int64_t{d.expected[0]}), 2'000'000'000);
}

TEST(IntegerConvolution, RefusesWhatDoesNotFit) {
    const Case good{2, 9, 4, 20, 3};
    const Data d = make(good, false);
    std::vector<int32_t> output(d.expected.size());
    for (Case bad : {Case{0, 9, 4, 20, 3}, Case{2, 0, 4, 20, 3}, Case{2, 9, 3, 20, 3}, Case{2, 9, 4, 0, 3},
                     Case{2, 9, 4, 20, 0}, Case{3, 9, 4, 20, 3}, Case{2, 10, 4, 20, 3}, Case{2, 9, 6, 20, 3},
                     Case{2, 9, 4, 33, 3}, Case{2, 9, 4, 20, 5}, Case{2147483647, 2147483647, 16384, 20, 3}})
        EXPECT_EQ(TFIC_INVALID_ARGUMENT, run(bad, d, output));
    EXPECT_EQ(TFIC_INVALID_ARGUMENT, tfic_integer_convolution(nullptr, 1000, d.packed.data(), 1000, d.bias.data(), 32,
                                                              2, 9, 4, 20, 3, output.data(), 360));
}

}  // namespace
