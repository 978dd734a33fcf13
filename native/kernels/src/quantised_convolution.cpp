#include "tfic/quantised_convolution.h"

#include "output_tiles.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_VNNI 1
#include <immintrin.h>

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

#define TFIC_TARGET __attribute__((target("avx512f,avx512bw,avx512vnni")))

bool has_vnni() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

// Does M for the numbers of all positions of a tile. Sums have names of their own, a0 ... c7, since compilers keep
// arrays of this size in memory.
#define TFIC_POSITIONS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)

// The empty statement keeps a sum in a register; gcc 12 would store it at each step.
#define TFIC_ADD(SUM, X, W)                    \
    do {                                       \
        SUM = _mm512_dpbusd_epi32(SUM, X, W);  \
        __asm__("" : "+v"(SUM));               \
    } while (0)

// The sums of one row of the kernel: Positions neighbours, `step` bytes apart, times Groups groups of 16 outputs. Each
// step loads Groups vectors of weights and Positions broadcasts of four activations for Positions * Groups
// multiplications, so the multiplier and not the loads sets the pace.
template <int Positions, int Groups>
TFIC_TARGET inline void sum_row(const uint8_t* input, int64_t step, int64_t run, const int8_t* weights,
                                int64_t per_group, const __m512i (&first)[Groups],
                                __m512i (&sums)[Positions][Groups]) {
#define TFIC_DECLARE(P)                                                  \
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

#define TFIC_KEEP(P)                                                          \
    if (Positions > P) {                                                      \
        sums[Positions > P ? P : 0][0] = a##P;                                \
        if (Groups > 1) sums[Positions > P ? P : 0][Groups > 1 ? 1 : 0] = b##P; \
        if (Groups > 2) sums[Positions > P ? P : 0][Groups > 2 ? 2 : 0] = c##P; \
    }
    TFIC_POSITIONS(TFIC_KEEP)
#undef TFIC_KEEP
}

// One tile, all rows of the kernel. Between them the values wait on the stack.
template <int Positions, int Groups>
struct Tile {
    TFIC_TARGET static void run(const Call& c, int64_t group, int64_t y, int64_t x);
};

template <int Positions, int Groups>
TFIC_TARGET void Tile<Positions, Groups>::run(const Call& c, int64_t group, int64_t y, int64_t x) {
    const int64_t padded = tfic::padded_outputs(c);
    const int64_t per_row = Group * c.run;
    const int64_t per_group = per_row * c.kernel_height;
    const int64_t top = y * c.stride - c.top;

    __m512 values[Positions][Groups];
    for (int g = 0; g < Groups; g++)
        for (int p = 0; p < Positions; p++) values[p][g] = _mm512_loadu_ps(c.bias + (group + g) * Group);

    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        const int64_t row = top + ky;
        if (row < 0 || row >= c.rows) continue;

        // The zero point is taken off all at once: sum of w * (q - zero) = sum of w * q - zero * sum of w.
        const __m512i zero = _mm512_set1_epi32(-c.zeros[row]);
        __m512i first[Groups], sums[Positions][Groups];
        for (int g = 0; g < Groups; g++)
            first[g] = _mm512_mullo_epi32(zero, _mm512_loadu_si512(c.weight_sums + ky * padded + (group + g) * Group));
        sum_row<Positions, Groups>(c.input + row * c.pitch + c.origin + x * c.step, c.step, c.run,
                                   c.weights + group * per_group + ky * per_row, per_group, first, sums);

        const __m512 row_scale = _mm512_set1_ps(c.scales[row]);
        for (int g = 0; g < Groups; g++) {
            const __m512 scale =
                _mm512_mul_ps(row_scale, _mm512_loadu_ps(c.weight_scales + ky * padded + (group + g) * Group));
            // With a mask, since gcc 12 warns of its own unmasked intrinsic.
            for (int p = 0; p < Positions; p++)
                values[p][g] = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(0xFFFF, sums[p][g]), scale, values[p][g]);
        }
    }

    const __m512 slope = _mm512_set1_ps(c.slope);
    for (int g = 0; g < Groups; g++) {
        const int64_t left = c.outputs - (group + g) * Group;
        const __mmask16 there = static_cast<__mmask16>(left >= Group ? 0xFFFF : (1 << left) - 1);
        for (int p = 0; p < Positions; p++) {
            const int64_t at = ((y - c.first_row) * c.columns + x + p) * c.outputs + (group + g) * Group;
            __m512 value = values[p][g];
            if (c.residual_mode == TFIC_RESIDUAL_BEFORE_ACTIVATION)
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(there, c.residual + at));
            value = _mm512_mask_mul_ps(value, _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ), value, slope);
            if (c.residual_mode == TFIC_RESIDUAL_AFTER_ACTIVATION)
                value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(there, c.residual + at));
            _mm512_mask_storeu_ps(c.output + at, there, value);
        }
    }
}

#endif

}  // namespace

int32_t tfic_quantised_convolution_supported(void) noexcept {
#ifdef TFIC_VNNI
    return has_vnni() ? 1 : 0;
#else
    return 0;
#endif
}

int32_t tfic_quantised_convolution(const tfic_quantised_convolution_call* call) noexcept {
    if (call == nullptr || !is_valid(*call)) return TFIC_INVALID_ARGUMENT;
#ifdef TFIC_VNNI
    if (!has_vnni()) return TFIC_UNSUPPORTED;
    tfic::convolve<Tile>(*call);
    return TFIC_OK;
#else
    return TFIC_UNSUPPORTED;
#endif
}
