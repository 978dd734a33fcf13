#include "tfic/quantised_convolution.h"

#include "arm_features.h"
#include "output_tiles.h"
#include "quantised_tiles.h"

#if defined(TFIC_VNNI) || defined(TFIC_ARM)
#include <cstring>
#endif

namespace {

using Call = tfic_quantised_convolution_call;

using tfic::Group, tfic::in_range;

// Keeps sums in 32 bits: 2^16 * 255 * 128 < 2^31.
constexpr int32_t MaxRun = 1 << 16;

bool is_valid(const Call& c) {
    if (c.input == nullptr || c.scales == nullptr || c.zeros == nullptr || c.weights == nullptr ||
        c.weight_scales == nullptr || c.weight_sums == nullptr || c.bias == nullptr || c.output == nullptr)
        return false;
    if (!tfic::has_valid_sizes(c, 4, MaxRun)) return false;
    if (!in_range(c.residual_mode, TFIC_RESIDUAL_NONE, TFIC_RESIDUAL_AFTER_ACTIVATION) ||
        (c.residual == nullptr) != (c.residual_mode == TFIC_RESIDUAL_NONE))
        return false;

    return c.output_length / c.outputs / c.columns >= c.end_row - c.first_row;
}

#ifdef TFIC_VNNI

bool can_dot() { return tfic::quantised::has_vnni(); }

// Does M for the numbers of all positions of a tile. Sums have names of their own, a0 ... c7, since compilers keep
// arrays of this size in memory.
#define TFIC_POSITIONS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)

// The empty statement keeps a sum in a register; gcc 12 would store it at each step.
#define TFIC_ADD(SUM, X, W)                   \
    do {                                      \
        SUM = _mm512_dpbusd_epi32(SUM, X, W); \
        __asm__("" : "+v"(SUM));              \
    } while (0)

// The sums of one row of the kernel: Positions neighbours, `step` bytes apart, times Groups groups of 16 outputs. Each
// step loads Groups vectors of weights and Positions broadcasts of four activations for Positions * Groups
// multiplications, so the multiplier and not the loads sets the pace.
template <int Positions, int Groups>
TFIC_VNNI_TARGET inline void sum_row(const uint8_t* input, int64_t step, int64_t run, const int8_t* weights,
                                     int64_t per_group, const __m512i (&first)[Groups],
                                     __m512i (&sums)[Positions][Groups]) {
#define TFIC_DECLARE(P)                                                                          \
    __m512i a##P = first[0], b##P = first[Groups > 1 ? 1 : 0], c##P = first[Groups > 2 ? 2 : 0]; \
    const uint8_t* p##P = input + P * step;
    TFIC_POSITIONS(TFIC_DECLARE)
#undef TFIC_DECLARE

    int64_t j = 0;
    do {
        const int8_t* at = weights + j * Group;
        const __m512i wa = _mm512_loadu_si512(at);
        const __m512i wb = Groups > 1 ? _mm512_loadu_si512(at + per_group) : wa;
        const __m512i wc = Groups > 2 ? _mm512_loadu_si512(at + 2 * per_group) : wa;
#define TFIC_STEP(P)                               \
    if (Positions > P) {                           \
        int32_t four;                              \
        std::memcpy(&four, p##P + j, sizeof four); \
        const __m512i x = _mm512_set1_epi32(four); \
        TFIC_ADD(a##P, x, wa);                     \
        if (Groups > 1) TFIC_ADD(b##P, x, wb);     \
        if (Groups > 2) TFIC_ADD(c##P, x, wc);     \
    }
        TFIC_POSITIONS(TFIC_STEP)
#undef TFIC_STEP
        j += 4;
    } while (j < run);

#define TFIC_KEEP(P)                                                            \
    if (Positions > P) {                                                        \
        sums[Positions > P ? P : 0][0] = a##P;                                  \
        if (Groups > 1) sums[Positions > P ? P : 0][Groups > 1 ? 1 : 0] = b##P; \
        if (Groups > 2) sums[Positions > P ? P : 0][Groups > 2 ? 2 : 0] = c##P; \
    }
    TFIC_POSITIONS(TFIC_KEEP)
#undef TFIC_KEEP
}

// One tile, all rows of the kernel. Between them the values wait on the stack.
template <int Positions, int Groups>
struct Tile {
    TFIC_VNNI_TARGET static void run(const Call& c, int64_t group, int64_t y, int64_t x);
};

template <int Positions, int Groups>
TFIC_VNNI_TARGET void Tile<Positions, Groups>::run(const Call& c, int64_t group, int64_t y, int64_t x) {
    const int64_t per_row = Group * c.run;
    const int64_t per_group = per_row * c.kernel_height;
    const int64_t top = y * c.stride - c.top;

    __m512 values[Positions][Groups];
    for (int g = 0; g < Groups; g++)
        for (int p = 0; p < Positions; p++) values[p][g] = _mm512_loadu_ps(c.bias + (group + g) * Group);

    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        const int64_t row = top + ky;
        if (row < 0 || row >= c.rows) continue;

        __m512i first[Groups], sums[Positions][Groups];
        for (int g = 0; g < Groups; g++) first[g] = tfic::quantised::less_zeros(c, row, ky, group + g);
        sum_row<Positions, Groups>(c.input + row * c.pitch + c.origin + x * c.step, c.step, c.run,
                                   c.weights + group * per_group + ky * per_row, per_group, first, sums);

        for (int g = 0; g < Groups; g++) {
            const __m512 scale = tfic::quantised::scale_of(c, row, ky, group + g);
            for (int p = 0; p < Positions; p++) values[p][g] = tfic::quantised::add(sums[p][g], scale, values[p][g]);
        }
    }

    const __m512 slope = _mm512_set1_ps(c.slope);
    for (int g = 0; g < Groups; g++)
        for (int p = 0; p < Positions; p++) tfic::quantised::store(c, y, x + p, group + g, values[p][g], slope);
}

#endif

#ifdef TFIC_ARM

// Up to four neighbours in a row times one group of 16 outputs. USDOT adds the products of four bytes to a sum, as
// vpdpbusd does.
template <int Positions>
__attribute__((target("arch=armv8.2-a+i8mm"))) void arm_tile(const Call& c, int64_t group, int64_t y, int64_t x) {
    const int64_t per_row = Group * c.run, top = y * c.stride - c.top, padded = tfic::padded_outputs(c);
    float32x4_t values[Positions][tfic::ArmVectors];
    for (int p = 0; p < Positions; p++)
        for (int v = 0; v < tfic::ArmVectors; v++) values[p][v] = vld1q_f32(c.bias + group * Group + 4 * v);

    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        const int64_t row = top + ky;
        if (row < 0 || row >= c.rows) continue;

        // The zero point is taken off all at once: sum of w * (q - zero) = sum of w * q - zero * sum of w.
        const int64_t at = ky * padded + group * Group;
        int32x4_t sums[Positions][tfic::ArmVectors];
        for (int p = 0; p < Positions; p++)
            for (int v = 0; v < tfic::ArmVectors; v++)
                sums[p][v] = vmulq_n_s32(vld1q_s32(c.weight_sums + at + 4 * v), -c.zeros[row]);
        const uint8_t* input = c.input + row * c.pitch + c.origin + x * c.step;
        const int8_t* weights = c.weights + (group * c.kernel_height + ky) * per_row;
        for (int64_t j = 0; j < c.run; j += 4) {
            int8x16_t w[tfic::ArmVectors];
            for (int v = 0; v < tfic::ArmVectors; v++) w[v] = vld1q_s8(weights + j * Group + 16 * v);
            for (int p = 0; p < Positions; p++) {
                uint32_t four;
                std::memcpy(&four, input + p * c.step + j, sizeof four);
                const uint8x16_t bytes = vreinterpretq_u8_u32(vdupq_n_u32(four));
                for (int v = 0; v < tfic::ArmVectors; v++) sums[p][v] = vusdotq_s32(sums[p][v], bytes, w[v]);
            }
        }
        for (int v = 0; v < tfic::ArmVectors; v++) {
            const float32x4_t scale = vmulq_n_f32(vld1q_f32(c.weight_scales + at + 4 * v), c.scales[row]);
            for (int p = 0; p < Positions; p++)
                values[p][v] = vfmaq_f32(values[p][v], vcvtq_f32_s32(sums[p][v]), scale);
        }
    }

    const int64_t left = c.outputs - group * Group, there = left < Group ? left : Group;
    for (int p = 0; p < Positions; p++) {
        const int64_t at = ((y - c.first_row) * c.columns + x + p) * c.outputs + group * Group;
        float finished[Group];
        for (int v = 0; v < tfic::ArmVectors; v++) vst1q_f32(finished + 4 * v, values[p][v]);
        for (int64_t o = 0; o < there; o++) {
            float value = finished[o];
            if (c.residual_mode == TFIC_RESIDUAL_BEFORE_ACTIVATION) value += c.residual[at + o];
            if (value < 0) value *= c.slope;
            if (c.residual_mode == TFIC_RESIDUAL_AFTER_ACTIVATION) value += c.residual[at + o];
            c.output[at + o] = value;
        }
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

bool can_dot() { return tfic::has_arm(tfic::ArmI8mm); }

#endif

}  // namespace

int32_t tfic_quantised_convolution_supported(void) noexcept {
#if defined(TFIC_VNNI) || defined(TFIC_ARM)
    return can_dot() ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_quantised_convolution(const tfic_quantised_convolution_call* call) noexcept {
    if (call == nullptr || !is_valid(*call)) return TFIC_INVALID_ARGUMENT;
#if defined(TFIC_VNNI) || defined(TFIC_ARM)
    if (!can_dot()) return TFIC_UNSUPPORTED;
    tfic::convolve<Tile>(*call);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}

int32_t tfic_quantised_convolution_amx_supported(void) noexcept {
#if defined(TFIC_VNNI) && defined(TFIC_AMX)
    return can_dot() && tfic::can_use_amx(25) ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_quantised_convolution_amx(const tfic_quantised_convolution_call* call) noexcept {
    if (call == nullptr || !is_valid(*call)) return TFIC_INVALID_ARGUMENT;
#if defined(TFIC_VNNI) && defined(TFIC_AMX)
    if (!tfic_quantised_convolution_amx_supported()) return TFIC_UNSUPPORTED;
    tfic::quantised::matrix_convolve<tfic::AmxTiles>(*call);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}
