// What follows the sums of the bfloat16 convolutions, and their form for matrix registers.
#pragma once

#include "matrix_tiles.h"
#include "tfic/bfloat16_convolution.h"

#if (defined(__x86_64__) || defined(_M_X64)) && (defined(__GNUC__) || defined(__clang__))
#define TFIC_BF16 1
#include <immintrin.h>

namespace tfic::bfloat16 {

using Call = tfic_bfloat16_convolution_call;

#define TFIC_BF16_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

inline bool has_bf16() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

// Activation and store of 16 outputs of one position.
TFIC_BF16_TARGET inline void store(const Call& c, int64_t y, int64_t x, int64_t group, __m512 value, __m512 slope,
                                   __mmask16 there) {
    value = _mm512_mask_mul_ps(value, _mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_LT_OQ), value, slope);
    const int64_t row = y - c.first_row, at = x * c.outputs + group * Group;
    if (c.output != nullptr) _mm512_mask_storeu_ps(c.output + row * c.columns * c.outputs + at, there, value);
    if (c.narrow != nullptr)
        _mm256_mask_storeu_epi16(c.narrow + row * c.narrow_pitch + c.narrow_origin + at, there,
                                 (__m256i)_mm512_cvtneps_pbh(value));
}

// Lanes of a group that hold an output.
inline __mmask16 lanes_of(const Call& c, int64_t group) {
    const int64_t left = c.outputs - group * Group;
    return static_cast<__mmask16>(left >= Group ? 0xFFFF : (1 << left) - 1);
}

template <class Tiles, int Groups>
TFIC_BF16_TARGET void matrix_block(const Call& c, Tiles& tiles, int64_t group, int64_t y, int64_t x, int64_t there) {
    const int64_t per_row = Group * c.run, per_group = per_row * c.kernel_height, top = y * c.stride - c.top;
    tiles.template zero<0>();
    tiles.template zero<2>();
    if constexpr (Groups > 1) {
        tiles.template zero<1>();
        tiles.template zero<3>();
    }
    for (int64_t ky = 0; ky < c.kernel_height; ky++) {
        if (top + ky < 0 || top + ky >= c.rows) continue;
        add_row<Tiles, uint16_t, uint16_t, Groups>(tiles, c.input + (top + ky) * c.pitch + c.origin + x * c.step,
                                                   c.step, there, c.run, c.weights + group * per_group + ky * per_row,
                                                   per_group, [](Tiles& t) {
                                                       t.template add_products_of_bfloat16<0, 4, 6>();
                                                       t.template add_products_of_bfloat16<2, 5, 6>();
                                                       if constexpr (Groups > 1) {
                                                           t.template add_products_of_bfloat16<1, 4, 7>();
                                                           t.template add_products_of_bfloat16<3, 5, 7>();
                                                       }
                                                   });
    }

    alignas(64) float sums[2 * Groups][TileRows][TileRows];
    tiles.template store<0>(sums[0]);
    tiles.template store<2>(sums[Groups]);
    if constexpr (Groups > 1) {
        tiles.template store<1>(sums[1]);
        tiles.template store<3>(sums[3]);
    }
    const __m512 slope = _mm512_set1_ps(c.slope);
    for (int g = 0; g < Groups; g++) {
        const __m512 bias = _mm512_loadu_ps(c.bias + (group + g) * Group);
        for (int64_t p = 0; p < there; p++)
            store(c, y, x + p, group + g,
                  _mm512_add_ps(bias, _mm512_load_ps(sums[p / TileRows * Groups + g][p % TileRows])), slope,
                  lanes_of(c, group + g));
    }
}

// A whole call; it has been checked.
template <class Tiles>
void matrix_convolve(const Call& c) {
    Tiles tiles;
    for_blocks(
        c, [&](auto... block) { matrix_block<Tiles, 1>(c, tiles, block...); },
        [&](auto... block) { matrix_block<Tiles, 2>(c, tiles, block...); });
}

}  // namespace tfic::bfloat16
#endif
