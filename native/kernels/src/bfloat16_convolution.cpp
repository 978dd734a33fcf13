#include "tfic/bfloat16_convolution.h"

#include "arm_features.h"
#include "bfloat16_tiles.h"
#include "output_tiles.h"

#if defined(TFIC_BF16) || defined(TFIC_ARM)
#include <cstring>
#endif

namespace {

using Call = tfic_bfloat16_convolution_call;

using tfic::Group, tfic::in_range;

constexpr int32_t MaxRun = 1 << 20;

bool is_valid(const Call& c) {
    if (c.input == nullptr || c.weights == nullptr || c.bias == nullptr || (c.output == nullptr && c.narrow == nullptr))
        return false;
    if (!tfic::has_valid_sizes(c, 2, MaxRun)) return false;

    const int64_t rows = c.end_row - c.first_row;
    if (c.output != nullptr && c.output_length / c.outputs / c.columns < rows) return false;
    return c.narrow == nullptr ||
           (in_range(c.narrow_pitch, 1, tfic::MaxPitch) && in_range(c.narrow_origin, 0, c.narrow_pitch) &&
            c.narrow_length >= (rows - 1) * c.narrow_pitch + c.narrow_origin + int64_t{c.columns} * c.outputs);
}

#ifdef TFIC_BF16

using tfic::bfloat16::has_bf16, tfic::bfloat16::store, tfic::bfloat16::lanes_of;

// Does M for the numbers of all positions of a tile. Sums have names of their own, a0 ... c7, since compilers keep
// arrays of this size in memory.
#define TFIC_POSITIONS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)

// The empty statement keeps a sum in a register; gcc 12 would store it at each step.
#define TFIC_ADD(SUM, X, W)                \
    do {                                   \
        SUM = _mm512_dpbf16_ps(SUM, X, W); \
        __asm__("" : "+v"(SUM));           \
    } while (0)

// One tile: Positions neighbours in a row times Groups groups of 16 outputs, whose sums stay in registers. Each step
// loads Groups vectors of weights and Positions broadcasts of two activations for Positions * Groups multiplications,
// so the multiplier and not the loads sets the pace.
template <int Positions, int Groups>
struct Tile {
    TFIC_BF16_TARGET static void run(const Call& c, int64_t group, int64_t y, int64_t x);
};

template <int Positions, int Groups>
TFIC_BF16_TARGET void Tile<Positions, Groups>::run(const Call& c, int64_t group, int64_t y, int64_t x) {
    const int64_t per_row = Group * c.run;
    const int64_t per_group = per_row * c.kernel_height;
    const int64_t top = y * c.stride - c.top;
    const int64_t step = c.step;
    const float* bias = c.bias + group * Group;

#define TFIC_DECLARE(P)                                              \
    __m512 a##P = _mm512_loadu_ps(bias);                             \
    __m512 b##P = Groups > 1 ? _mm512_loadu_ps(bias + Group) : a##P; \
    __m512 c##P = Groups > 2 ? _mm512_loadu_ps(bias + 2 * Group) : a##P;
    TFIC_POSITIONS(TFIC_DECLARE)
#undef TFIC_DECLARE

    const int64_t first = top < 0 ? -top : 0;
    const int64_t end = c.rows - top < c.kernel_height ? c.rows - top : c.kernel_height;
    for (int64_t ky = first; ky < end; ky++) {
        const uint16_t* input = c.input + (top + ky) * c.pitch + c.origin + x * step;
        const uint16_t* weights = c.weights + group * per_group + ky * per_row;
#define TFIC_PLACE(P) const uint16_t* p##P = input + P * step;
        TFIC_POSITIONS(TFIC_PLACE)
#undef TFIC_PLACE
        int64_t j = 0;
        do {
            const uint16_t* at = weights + j * Group;
            const __m512bh wa = (__m512bh)_mm512_loadu_si512(at);
            const __m512bh wb = Groups > 1 ? (__m512bh)_mm512_loadu_si512(at + per_group) : wa;
            const __m512bh wc = Groups > 2 ? (__m512bh)_mm512_loadu_si512(at + 2 * per_group) : wa;
#define TFIC_STEP(P)                                             \
    if (Positions > P) {                                         \
        int32_t two;                                             \
        std::memcpy(&two, p##P + j, sizeof two);                 \
        const __m512bh two16 = (__m512bh)_mm512_set1_epi32(two); \
        TFIC_ADD(a##P, two16, wa);                               \
        if (Groups > 1) TFIC_ADD(b##P, two16, wb);               \
        if (Groups > 2) TFIC_ADD(c##P, two16, wc);               \
    }
            TFIC_POSITIONS(TFIC_STEP)
#undef TFIC_STEP
            j += 2;
        } while (j < c.run);
    }

    const __m512 slope = _mm512_set1_ps(c.slope);
    const __mmask16 last = lanes_of(c, group + Groups - 1);
    const __mmask16 whole = 0xFFFF;
#define TFIC_STORE(P)                                                                          \
    if (Positions > P) {                                                                       \
        store(c, y, x + P, group, a##P, slope, Groups > 1 ? whole : last);                     \
        if (Groups > 1) store(c, y, x + P, group + 1, b##P, slope, Groups > 2 ? whole : last); \
        if (Groups > 2) store(c, y, x + P, group + 2, c##P, slope, last);                      \
    }
    TFIC_POSITIONS(TFIC_STORE)
#undef TFIC_STORE
}

#endif

#ifdef TFIC_ARM

// The bfloat16 that is nearest, ties to even; what float32 cannot hold with full precision becomes zero.
uint16_t rounded(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40);
    if ((bits & 0x7F800000) == 0) return static_cast<uint16_t>(bits >> 16 & 0x8000);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// Up to four neighbours in a row times one group of 16 outputs. BFDOT adds the products of two pairs to a sum, as
// vdpbf16ps does, but rounds to odd.
template <int Positions>
__attribute__((target("arch=armv8.2-a+bf16"))) void arm_tile(const Call& c, int64_t group, int64_t y, int64_t x) {
    const int64_t per_row = Group * c.run, top = y * c.stride - c.top;
    float32x4_t sums[Positions][tfic::ArmVectors];
    for (int p = 0; p < Positions; p++)
        for (int v = 0; v < tfic::ArmVectors; v++) sums[p][v] = vld1q_f32(c.bias + group * Group + 4 * v);

    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        if (top + ky < 0 || top + ky >= c.rows) continue;
        const uint16_t* input = c.input + (top + ky) * c.pitch + c.origin + x * c.step;
        const uint16_t* weights = c.weights + (group * c.kernel_height + ky) * per_row;
        for (int64_t j = 0; j < c.run; j += 2) {
            bfloat16x8_t w[tfic::ArmVectors];
            for (int v = 0; v < tfic::ArmVectors; v++)
                w[v] = vreinterpretq_bf16_u16(vld1q_u16(weights + j * Group + 8 * v));
            for (int p = 0; p < Positions; p++) {
                uint32_t two;
                std::memcpy(&two, input + p * c.step + j, sizeof two);
                const bfloat16x8_t pair = vreinterpretq_bf16_u32(vdupq_n_u32(two));
                for (int v = 0; v < tfic::ArmVectors; v++) sums[p][v] = vbfdotq_f32(sums[p][v], pair, w[v]);
            }
        }
    }

    const int64_t left = c.outputs - group * Group, there = left < Group ? left : Group, row = y - c.first_row;
    for (int p = 0; p < Positions; p++) {
        const int64_t at = (x + p) * c.outputs + group * Group;
        float values[Group];
        for (int v = 0; v < tfic::ArmVectors; v++) {
            const uint32x4_t negative = vcltq_f32(sums[p][v], vdupq_n_f32(0));
            vst1q_f32(values + 4 * v, vbslq_f32(negative, vmulq_n_f32(sums[p][v], c.slope), sums[p][v]));
        }
        if (c.output != nullptr)
            std::memcpy(c.output + row * c.columns * c.outputs + at, values, there * sizeof *values);
        for (int64_t o = 0; c.narrow != nullptr && o < there; o++)
            c.narrow[row * c.narrow_pitch + c.narrow_origin + at + o] = rounded(values[o]);
    }
}

template <int Positions, int Groups>
struct Tile {
    static void run(const Call& c, int64_t group, int64_t y, int64_t x) {
        constexpr int Together = Positions < tfic::ArmPositions ? Positions : tfic::ArmPositions;
        for (int g = 0; g < Groups; g++)
            for (int p = 0; p < Positions; p += Together) arm_tile<Together>(c, group + g, y, x + p);
    }
};

bool has_bf16() { return tfic::has_arm(tfic::ArmBf16); }

#endif

}  // namespace

int32_t tfic_bfloat16_convolution_supported(void) noexcept {
#if defined(TFIC_BF16) || defined(TFIC_ARM)
    return has_bf16() ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_bfloat16_convolution(const tfic_bfloat16_convolution_call* call) noexcept {
    if (call == nullptr || !is_valid(*call)) return TFIC_INVALID_ARGUMENT;
#if defined(TFIC_BF16) || defined(TFIC_ARM)
    if (!has_bf16()) return TFIC_UNSUPPORTED;
    tfic::convolve<Tile>(*call);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}

int32_t tfic_bfloat16_convolution_amx_supported(void) noexcept {
#if defined(TFIC_BF16) && defined(TFIC_AMX)
    return has_bf16() && tfic::can_use_amx(22) ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_bfloat16_convolution_amx(const tfic_bfloat16_convolution_call* call) noexcept {
    if (call == nullptr || !is_valid(*call)) return TFIC_INVALID_ARGUMENT;
#if defined(TFIC_BF16) && defined(TFIC_AMX)
    if (!tfic_bfloat16_convolution_amx_supported()) return TFIC_UNSUPPORTED;
    tfic::bfloat16::matrix_convolve<tfic::AmxTiles>(*call);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}
