/* Convolution of 8-bit activations by AVX512-VNNI, AMX or Arm's i8mm. Contract and reference:
 * src/Tfic/Kernels/QuantisedConvolution. */
#ifndef TFIC_QUANTISED_CONVOLUTION_H
#define TFIC_QUANTISED_CONVOLUTION_H

#include "tfic/native.h"

/* Where the second input is added. */
enum tfic_residual { TFIC_RESIDUAL_NONE = 0, TFIC_RESIDUAL_BEFORE_ACTIVATION = 1, TFIC_RESIDUAL_AFTER_ACTIVATION = 2 };

/*
 * Rows first_row ... end_row - 1 of an output. With row = y * stride + ky - top and padded = outputs rounded up to a
 * multiple of 16:
 *
 *   n(ky)  = sum over j < run of weight[o][ky][j] * (input[row][origin + x * step + j] - zeros[row])
 *   value  = bias[o], then for ky ascending, rows outside the input left out:
 *            value = fma((float)n(ky), scales[row] * weight_scales[ky][o], value)
 *   output[y - first_row][x][o] = value with residual and activation (value < 0 ? value * slope : value)
 *
 * Lengths are numbers of elements. They are checked; that sums fit 32 bits follows from run <= 65536.
 */
typedef struct tfic_quantised_convolution_call {
    const uint8_t* input; /* rows x pitch */
    int64_t input_length;
    int64_t pitch;
    int64_t origin;
    const float* scales;   /* rows */
    const int32_t* zeros;  /* rows, each 0 ... 255 */
    const int8_t* weights; /* [padded / 16][kernel_height][run / 4][16][4] */
    int64_t weights_length;
    const float* weight_scales; /* [kernel_height][padded] */
    const int32_t* weight_sums; /* [kernel_height][padded]: sum over j of weight[o][ky][j] */
    const float* bias;          /* [padded] */
    const float* residual;      /* shaped like the output; null where there is none */
    float* output;              /* (end_row - first_row) x columns x outputs */
    int64_t output_length;
    int32_t rows, outputs, kernel_height, run, step, stride, top, columns, first_row, end_row;
    int32_t residual_mode;
    float slope;
} tfic_quantised_convolution_call;

/* 1 if tfic_quantised_convolution can run on this processor, else 0. */
TFIC_API int32_t tfic_quantised_convolution_supported(void) TFIC_NOEXCEPT;

TFIC_API int32_t tfic_quantised_convolution(const tfic_quantised_convolution_call* call) TFIC_NOEXCEPT;

/* The same by AMX's matrix registers: whether this processor can and this process may, and the convolution. */
TFIC_API int32_t tfic_quantised_convolution_amx_supported(void) TFIC_NOEXCEPT;

TFIC_API int32_t tfic_quantised_convolution_amx(const tfic_quantised_convolution_call* call) TFIC_NOEXCEPT;

#endif
