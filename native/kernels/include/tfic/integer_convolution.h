/* Integer convolution by AVX512-VNNI. Contract and reference: src/Tfic/Kernels/IntegerConvolution. */
#ifndef TFIC_INTEGER_CONVOLUTION_H
#define TFIC_INTEGER_CONVOLUTION_H

#include "tfic/native.h"

/* 1 if tfic_integer_convolution can run on this processor, else 0. */
TFIC_API int32_t tfic_integer_convolution_supported(void) TFIC_NOEXCEPT;

/*
 * sums[y][x][o] = bias[o] + sum over ky, kx, i of weight[o][i][ky][kx] * input[y + ky][x + kx][i]
 *
 * input:   (height + k - 1) x (width + k - 1) x inputs activations; inputs is even.
 * packed:  [outputs / 16, rounded up][k][k][inputs / 2][16][2] weights; what is beyond the outputs is zero.
 * bias:    one an output, padded with zeros to a multiple of 16.
 * output:  height x width x outputs sums.
 *
 * Lengths are numbers of elements. They are checked; whether the sums fit 32 bits is the caller's to know.
 * vpdpwssd, not vpdpwssds: nothing saturates.
 */
TFIC_API int32_t tfic_integer_convolution(const int16_t* input, int64_t input_length, const int16_t* packed,
                                          int64_t packed_length, const int32_t* bias, int64_t bias_length,
                                          int32_t height, int32_t width, int32_t inputs, int32_t outputs,
                                          int32_t kernel_size, int32_t* output, int64_t output_length) TFIC_NOEXCEPT;

#endif
