// Whatever sizes and lengths a caller passes, tfic_integer_convolution refuses them or stays within its buffers, and
// then gives the sums of its formula. (.NET passes lengths that fit; a C caller may not.)
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fuzz_input.h"
#include "tfic/integer_convolution.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    FuzzInput in(data, size);
    int32_t sizes[5];  // height, width, inputs, outputs, kernel size
    for (int32_t& s : sizes) s = in.take<uint8_t>() % 8 == 0 ? in.take<int32_t>() : in.take<uint8_t>() % 40;
    if (in.take<uint8_t>() % 4 != 0) {
        sizes[2] &= ~1;
        sizes[4] = 1 + 2 * (in.take<uint8_t>() % 2);
    }
    const auto [height, width, inputs, outputs, k] = sizes;

    // What is needed, where that is little; then sometimes one less, or any length.
    const auto wanted = [&](__int128 length) {
        if (length < 0 || length > 200000) length = in.take<uint16_t>();
        switch (in.take<uint8_t>() % 16) {
            case 0:
                return length == 0 ? int64_t{0} : static_cast<int64_t>(length - 1);
            case 1:
                return static_cast<int64_t>(in.take<uint16_t>());
            default:
                return static_cast<int64_t>(length);
        }
    };
    const __int128 k2 = static_cast<__int128>(k) * k;
    const __int128 padded = (static_cast<__int128>(outputs) + 15) / 16 * 16;
    // Exactly as long as they are said to be: a byte beyond is found by the address sanitizer.
    std::vector<int16_t> input(wanted((__int128{height} + k - 1) * (__int128{width} + k - 1) * inputs));
    std::vector<int16_t> packed(wanted(padded * inputs * k2));
    std::vector<int32_t> bias(wanted(padded));
    std::vector<int32_t> output(wanted(__int128{height} * width * outputs));
    for (auto& v : input) v = in.take<int16_t>() / 2;
    for (auto& v : packed) v = in.take<int8_t>();
    for (auto& v : bias) v = in.take<int16_t>();

    const auto length = [](const auto& v) { return static_cast<int64_t>(v.size()); };
    const int32_t status =
        tfic_integer_convolution(input.data(), length(input), packed.data(), length(packed), bias.data(), length(bias),
                                 height, width, inputs, outputs, k, output.data(), length(output));
    if (status != TFIC_OK) return 0;

    const int64_t pairs = inputs / 2;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
            for (int64_t o = 0; o < outputs; o++) {
                int64_t sum = bias[o];
                for (int64_t ky = 0; ky < k; ky++)
                    for (int64_t kx = 0; kx < k; kx++)
                        for (int64_t i = 0; i < inputs; i++)
                            sum += int64_t{input[((y + ky) * (width + k - 1) + x + kx) * inputs + i]} *
                                   packed[((((o / 16 * k + ky) * k + kx) * pairs + i / 2) * 16 + o % 16) * 2 + i % 2];
                if (output[(y * width + x) * outputs + o] != static_cast<int32_t>(sum)) std::abort();
            }
    return 0;
}
