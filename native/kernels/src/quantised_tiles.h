// What follows the sums of the convolutions of 8 bits, and their form for matrix registers.
#pragma once

#include "matrix_tiles.h"
#include "tfic/quantised_convolution.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_VNNI 1
#include <immintrin.h>

namespace tfic::quantised {

using Call = tfic_quantised_convolution_call;

#define TFIC_VNNI_TARGET __attribute__((target("avx512f,avx512bw,avx512vnni")))

inline bool has_vnni() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

// What the sums of a row of the kernel begin with, since the zero point is taken off all at once: sum of w * (q - zero)
// = sum of w * q - zero * sum of w.
TFIC_VNNI_TARGET inline __m512i less_zeros(const Call& c, int64_t row, int64_t ky, int64_t group) {
    return _mm512_mullo_epi32(_mm512_set1_epi32(-c.zeros[row]),
                              _mm512_loadu_si512(c.weight_sums + ky * padded_outputs(c) + group * Group));
}

// What a unit of these sums is worth.
TFIC_VNNI_TARGET inline __m512 scale_of(const Call& c, int64_t row, int64_t ky, int64_t group) {
    return _mm512_mul_ps(_mm512_set1_ps(c.scales[row]),
                         _mm512_loadu_ps(c.weight_scales + ky * padded_outputs(c) + group * Group));
}

// The sums of a row of the kernel, added to 16 values; with a mask, since gcc 12 warns of its own unmasked intrinsic.
TFIC_VNNI_TARGET inline __m512 add(__m512i sums, __m512 scale, __m512 values) {
    return _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(0xFFFF, sums), scale, values);
}

// Residual, activation and store of 16 outputs of one position.
TFIC_VNNI_TARGET inline void store(const Call& c, int64_t y, int64_t x, int64_t group, __m512 value, __m512 slope) {
    const int64_t left = c.outputs - group * Group;
    const __mmask16 there = static_cast<__mmask16>(left >= Group ? 0xFFFF : (1 << left) - 1);
    const int64_t at = ((y - c.first_row) * c.columns + x) * c.outputs + group * Group;
    if (c.residual_mode == TFIC_RESIDUAL_BEFORE_ACTIVATION)
        value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(there, c.residual + at));
    value = _mm512_mask_mul_ps(value, _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ), value, slope);
    if (c.residual_mode == TFIC_RESIDUAL_AFTER_ACTIVATION)
        value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(there, c.residual + at));
    _mm512_mask_storeu_ps(c.output + at, there, value);
}

template <class Tiles, int Groups>
TFIC_VNNI_TARGET void matrix_block(const Call& c, Tiles& tiles, int64_t group, int64_t y, int64_t x, int64_t there) {
    const int64_t per_row = Group * c.run, per_group = per_row * c.kernel_height, top = y * c.stride - c.top;
    alignas(64) float values[Groups][BlockPositions][TileRows];
    for (int g = 0; g < Groups; g++)
        for (int64_t p = 0; p < there; p++)
            _mm512_store_ps(values[g][p], _mm512_loadu_ps(c.bias + (group + g) * Group));

    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        const int64_t row = top + ky;
        if (row < 0 || row >= c.rows) continue;
        tiles.template zero<0>();
        tiles.template zero<2>();
        if constexpr (Groups > 1) {
            tiles.template zero<1>();
            tiles.template zero<3>();
        }
        add_row<Tiles, uint8_t, int8_t, Groups>(tiles, c.input + row * c.pitch + c.origin + x * c.step, c.step, there,
                                                c.run, c.weights + group * per_group + ky * per_row, per_group,
                                                [](Tiles& t) {
                                                    t.template add_products_of_bytes<0, 4, 6>();
                                                    t.template add_products_of_bytes<2, 5, 6>();
                                                    if constexpr (Groups > 1) {
                                                        t.template add_products_of_bytes<1, 4, 7>();
                                                        t.template add_products_of_bytes<3, 5, 7>();
                                                    }
                                                });

        alignas(64) int32_t sums[2 * Groups][TileRows][TileRows];
        tiles.template store<0>(sums[0]);
        tiles.template store<2>(sums[Groups]);
        if constexpr (Groups > 1) {
            tiles.template store<1>(sums[1]);
            tiles.template store<3>(sums[3]);
        }
        for (int g = 0; g < Groups; g++) {
            const __m512i first = less_zeros(c, row, ky, group + g);
            const __m512 scale = scale_of(c, row, ky, group + g);
            for (int64_t p = 0; p < there; p++) {
                const __m512i n = _mm512_load_si512(sums[p / TileRows * Groups + g][p % TileRows]);
                _mm512_store_ps(values[g][p], add(_mm512_add_epi32(first, n), scale, _mm512_load_ps(values[g][p])));
            }
        }
    }

    const __m512 slope = _mm512_set1_ps(c.slope);
    for (int g = 0; g < Groups; g++)
        for (int64_t p = 0; p < there; p++) store(c, y, x + p, group + g, _mm512_load_ps(values[g][p]), slope);
}

// A whole call; it has been checked.
template <class Tiles>
void matrix_convolve(const Call& c) {
    Tiles tiles;
    for_blocks(
        c, [&](auto... block) { matrix_block<Tiles, 1>(c, tiles, block...); },
        [&](auto... block) { matrix_block<Tiles, 2>(c, tiles, block...); });
}

}  // namespace tfic::quantised
#endif
