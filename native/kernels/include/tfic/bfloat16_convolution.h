/* Convolution of bfloat16 by AVX512-BF16, AMX or Arm's bf16. Contract and reference:
 * src/Tfic/Kernels/BFloat16Convolution. */
#ifndef TFIC_BFLOAT16_CONVOLUTION_H
#define TFIC_BFLOAT16_CONVOLUTION_H

#include "tfic/native.h"

/*
 * Rows first_row ... end_row - 1 of an output. With row = y * stride + ky - top and padded = outputs rounded up to a
 * multiple of 16:
 *
 *   value = bias[o] + sum over ky with 0 <= row < rows, j < run of
 *           weight[o][ky][j] * input[row][origin + x * step + j]
 *
 * in float32, in the order and with the roundings of vdpbf16ps, tdpbf16ps or BFDOT, then value < 0 ? value * slope :
 * value. It goes to output[y - first_row][x][o] as float32, to narrow[y - first_row][narrow_origin + x * outputs + o]
 * as bfloat16, to nearest, ties to even, or to both; a null pointer where it is not wanted. bfloat16 are the upper
 * halves of float32. Lengths are numbers of elements. They are checked.
 */
typedef struct tfic_bfloat16_convolution_call {
    const uint16_t* input; /* rows x pitch */
    int64_t input_length;
    int64_t pitch;
    int64_t origin;
    const uint16_t* weights; /* [padded / 16][kernel_height][run / 2][16][2] */
    int64_t weights_length;
    const float* bias; /* [padded] */
    float* output;     /* (end_row - first_row) x columns x outputs */
    int64_t output_length;
    uint16_t* narrow; /* (end_row - first_row) x narrow_pitch */
    int64_t narrow_length;
    int64_t narrow_pitch;
    int64_t narrow_origin;
    int32_t rows, outputs, kernel_height, run, step, stride, top, columns, first_row, end_row;
    float slope;
} tfic_bfloat16_convolution_call;

/* 1 if tfic_bfloat16_convolution can run on this processor, else 0. */
TFIC_API int32_t tfic_bfloat16_convolution_supported(void) TFIC_NOEXCEPT;

TFIC_API int32_t tfic_bfloat16_convolution(const tfic_bfloat16_convolution_call* call) TFIC_NOEXCEPT;

/* The same by AMX's matrix registers: whether this processor can and this process may, and the convolution. */
TFIC_API int32_t tfic_bfloat16_convolution_amx_supported(void) TFIC_NOEXCEPT;

TFIC_API int32_t tfic_bfloat16_convolution_amx(const tfic_bfloat16_convolution_call* call) TFIC_NOEXCEPT;

#endif
