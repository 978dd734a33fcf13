#include "tfic/integer_convolution.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_VNNI 1
#include <cpuid.h>
#include <immintrin.h>

#include <cstring>
#endif

namespace {

constexpr int64_t Group = 16;

// Sizes beyond this are refused before they are multiplied, so that no product below can overflow 64 bits.
constexpr int32_t MaxSize = 1 << 20;
constexpr int32_t MaxChannels = 1 << 14;
constexpr int32_t MaxKernelSize = 31;

#ifdef TFIC_VNNI

bool has_vnni() {
    // __builtin_cpu_supports reads cpuid and, through xgetbv, whether the system saves the 512-bit registers.
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

struct Shape {
    int64_t height, width, inputs, outputs, kernel_size;
};

// One tile: Positions neighbours in a row, Groups groups of 16 outputs. Every load of weights serves all positions and
// every broadcast of a pair of activations serves all groups; Positions * Groups sums stay in registers.
template <int Positions, int Groups>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void tile(const Shape& s, const int16_t* input,
                                                                 const int16_t* packed, const int32_t* bias,
                                                                 int32_t* output, int64_t last_group_outputs) {
    const int64_t stride = (s.width + s.kernel_size - 1) * s.inputs;
    const int64_t pairs = s.kernel_size * s.inputs / 2;
    const int64_t per_group = Group * s.kernel_size * s.kernel_size * s.inputs;

    __m512i sums[Positions][Groups];
    for (int g = 0; g < Groups; g++)
        for (int p = 0; p < Positions; p++) sums[p][g] = _mm512_loadu_si512(bias + g * Group);

    const int16_t* weight = packed;
    for (int64_t ky = 0; ky < s.kernel_size; ky++) {
        const int16_t* row = input + ky * stride;
        for (int64_t pair = 0; pair < pairs; pair++, row += 2, weight += 2 * Group) {
            __m512i w[Groups];
            for (int g = 0; g < Groups; g++) w[g] = _mm512_loadu_si512(weight + g * per_group);
            for (int p = 0; p < Positions; p++) {
                int32_t activations;
                std::memcpy(&activations, row + p * s.inputs, sizeof activations);
                const __m512i a = _mm512_set1_epi32(activations);
                for (int g = 0; g < Groups; g++) sums[p][g] = _mm512_dpwssd_epi32(sums[p][g], a, w[g]);
            }
        }
    }

    const __mmask16 last = static_cast<__mmask16>((1u << last_group_outputs) - 1);
    for (int p = 0; p < Positions; p++)
        for (int g = 0; g < Groups; g++)
            _mm512_mask_storeu_epi32(output + p * s.outputs + g * Group,
                                     g == Groups - 1 ? last : static_cast<__mmask16>(0xFFFF), sums[p][g]);
}

template <int Groups>
void outputs_of_groups(const Shape& s, const int16_t* input, const int16_t* packed, const int32_t* bias,
                       int32_t* output, int64_t last_group_outputs) {
    constexpr int Wide = 8;
    for (int64_t y = 0; y < s.height; y++) {
        const int16_t* in = input + y * (s.width + s.kernel_size - 1) * s.inputs;
        int32_t* out = output + y * s.width * s.outputs;
        int64_t x = 0;
        for (; x + Wide <= s.width; x += Wide)
            tile<Wide, Groups>(s, in + x * s.inputs, packed, bias, out + x * s.outputs, last_group_outputs);
        for (; x + 2 <= s.width; x += 2)
            tile<2, Groups>(s, in + x * s.inputs, packed, bias, out + x * s.outputs, last_group_outputs);
        for (; x < s.width; x++)
            tile<1, Groups>(s, in + x * s.inputs, packed, bias, out + x * s.outputs, last_group_outputs);
    }
}

void convolve(const Shape& s, const int16_t* input, const int16_t* packed, const int32_t* bias, int32_t* output) {
    const int64_t groups = (s.outputs + Group - 1) / Group;
    const int64_t per_group = Group * s.kernel_size * s.kernel_size * s.inputs;
    const int64_t last = s.outputs - (groups - 1) * Group;
    int64_t g = 0;
    for (; g + 2 <= groups; g += 2)
        outputs_of_groups<2>(s, input, packed + g * per_group, bias + g * Group, output + g * Group,
                             g + 2 == groups ? last : Group);
    if (g < groups) outputs_of_groups<1>(s, input, packed + g * per_group, bias + g * Group, output + g * Group, last);
}

#endif

bool in_range(int32_t size, int32_t most) { return size >= 1 && size <= most; }

}  // namespace

int32_t tfic_integer_convolution_supported(void) noexcept {
#ifdef TFIC_VNNI
    return has_vnni() ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_integer_convolution(const int16_t* input, int64_t input_length, const int16_t* packed,
                                 int64_t packed_length, const int32_t* bias, int64_t bias_length, int32_t height,
                                 int32_t width, int32_t inputs, int32_t outputs, int32_t kernel_size, int32_t* output,
                                 int64_t output_length) noexcept {
    if (input == nullptr || packed == nullptr || bias == nullptr || output == nullptr) return TFIC_INVALID_ARGUMENT;
    if (!in_range(height, MaxSize) || !in_range(width, MaxSize) || !in_range(inputs, MaxChannels) ||
        !in_range(outputs, MaxChannels) || !in_range(kernel_size, MaxKernelSize) || inputs % 2 != 0)
        return TFIC_INVALID_ARGUMENT;

    const int64_t k = kernel_size;
    const int64_t padded = (outputs + Group - 1) / Group * Group;
    // (2^20 + 30)^2 * 2^14 < 2^55
    if (input_length < (height + k - 1) * (width + k - 1) * inputs || packed_length < padded * inputs * k * k ||
        bias_length < padded || output_length < int64_t{height} * width * outputs)
        return TFIC_INVALID_ARGUMENT;

#ifdef TFIC_VNNI
    if (!has_vnni()) return TFIC_UNSUPPORTED;
    convolve({height, width, inputs, outputs, k}, input, packed, bias, output);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}
