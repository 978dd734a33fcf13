// Shapes for the tests of convolutions, and what follows from one.
#pragma once

#include <cstdint>

struct Case {
    int32_t rows, columns, channels, outputs, kernel_height, kernel_width, stride, border;

    int32_t run() const { return kernel_width * channels; }

    // Outputs with those that fill up the last group of 16.
    int32_t all() const { return (outputs + 15) / 16 * 16; }

    int64_t pitch() const { return int64_t{columns + 2 * border} * channels; }

    // Padded above and below by half the kernel, to the sides by the border.
    int32_t top() const { return kernel_height / 2; }
    int32_t out_rows() const { return (rows + 2 * top() - kernel_height) / stride + 1; }
    int32_t out_columns() const { return (columns + 2 * border - kernel_width) / stride + 1; }

    // A call of this shape, still without pointers, whose runs are padded to `padded_run` elements.
    template <class Call>
    Call call(int64_t input_length, int64_t weights_length, int32_t padded_run) const {
        Call c = {};
        c.input_length = input_length;
        c.pitch = pitch();
        c.weights_length = weights_length;
        c.rows = rows;
        c.outputs = outputs;
        c.kernel_height = kernel_height;
        c.run = padded_run;
        c.step = stride * channels;
        c.stride = stride;
        c.top = top();
        c.columns = out_columns();
        c.end_row = out_rows();
        c.slope = 0.125f;
        return c;
    }
};
