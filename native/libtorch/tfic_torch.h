// C interface between Tfic.LibTorch and an installed libtorch.
//
// One entry reaches every ATen operator: the dispatcher's schemas name the operator, fill what the caller leaves
// out and check what it passes. Only what has no schema (autograd's engine, tensor metadata, generators, threads)
// has an entry of its own.
//
// Every function that can fail returns 0 on success and 1 on failure, and then tfic_torch_error() has the text.
// No exception crosses this boundary. A tensor is an owned reference to libtorch's tensor; whoever receives one
// frees it with tfic_torch_free.
#ifndef TFIC_TORCH_H
#define TFIC_TORCH_H

#include <stdint.h>

#define TFIC_TORCH_ABI 1

#if defined(_WIN32)
#define TFIC_TORCH_API __declspec(dllexport)
#else
#define TFIC_TORCH_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tfic_torch_tensor tfic_torch_tensor;
typedef struct tfic_torch_operator tfic_torch_operator;

// What a tfic_torch_value holds.
enum {
    TFIC_TORCH_DEFAULT = 0,  // the schema's default
    TFIC_TORCH_NONE = 1,
    TFIC_TORCH_TENSOR = 2,       // as.tensor; a null tensor is None
    TFIC_TORCH_INT = 3,          // as.integer; also a scalar type or a memory format
    TFIC_TORCH_DOUBLE = 4,       // as.number
    TFIC_TORCH_BOOL = 5,         // as.integer
    TFIC_TORCH_INT_LIST = 6,     // as.integers[0 .. length)
    TFIC_TORCH_DOUBLE_LIST = 7,  // as.numbers[0 .. length)
    TFIC_TORCH_TENSOR_LIST = 8,  // as.tensors[0 .. length); null tensors where the schema allows None
    TFIC_TORCH_STRING = 9,       // as.text[0 .. length), UTF-8
    TFIC_TORCH_DEVICE = 10,      // as.integer: the device type in the upper, the index in the lower 32 bits
    TFIC_TORCH_GENERATOR = 11    // as.integer: as TFIC_TORCH_DEVICE, that device's default generator
};

typedef struct tfic_torch_value {
    int32_t kind;
    int32_t length;
    union {
        int64_t integer;
        double number;
        tfic_torch_tensor* tensor;
        const int64_t* integers;
        const double* numbers;
        tfic_torch_tensor* const* tensors;
        const char* text;
    } as;
} tfic_torch_value;

// TFIC_TORCH_ABI of the built library, so that a caller can refuse another one.
TFIC_TORCH_API int32_t tfic_torch_abi(void);

// The version of libtorch, such as "1.13.1".
TFIC_TORCH_API const char* tfic_torch_version(void);

// The text of this thread's last failure; valid until its next one.
TFIC_TORCH_API const char* tfic_torch_error(void);

// How many tensors have been handed out and not been freed.
TFIC_TORCH_API int64_t tfic_torch_live_tensors(void);

// Finds an operator by schema name ("aten::add") and overload ("Tensor", "" where there is none).
// The result lives as long as the process.
TFIC_TORCH_API int32_t tfic_torch_find(const char* name, const char* overload, tfic_torch_operator** op);

// Calls an operator. Arguments stand in schema order; those left out at the end take the schema's defaults.
// *results has *count values, flattened (a list of tensors is so many TFIC_TORCH_TENSOR values), and is valid
// until this thread's next call. The tensors in it belong to the caller.
TFIC_TORCH_API int32_t tfic_torch_call(const tfic_torch_operator* op, const tfic_torch_value* arguments,
                                       int32_t argument_count, const tfic_torch_value** results, int32_t* count);

TFIC_TORCH_API void tfic_torch_free(tfic_torch_tensor* tensor);

// Another owned reference to the same tensor.
TFIC_TORCH_API int32_t tfic_torch_share(tfic_torch_tensor* tensor, tfic_torch_tensor** result);

// What libtorch knows of a tensor without computing.
typedef struct tfic_torch_info {
    int64_t elements;
    int64_t storage_offset;
    int32_t dimensions;
    int32_t scalar_type;
    int32_t device_type;
    int32_t device_index;
    int32_t element_size;
    uint8_t requires_grad;
    uint8_t is_leaf;
    uint8_t is_contiguous;
    uint8_t reserved;
} tfic_torch_info;

TFIC_TORCH_API int32_t tfic_torch_describe(tfic_torch_tensor* tensor, tfic_torch_info* info);

// Writes the sizes and the strides; each must have room for `dimensions` values. Either may be null.
TFIC_TORCH_API int32_t tfic_torch_shape(tfic_torch_tensor* tensor, int64_t* sizes, int64_t* strides);

// The address of the first element (of the device's memory).
TFIC_TORCH_API int32_t tfic_torch_data(tfic_torch_tensor* tensor, void** data);

TFIC_TORCH_API int32_t tfic_torch_set_requires_grad(tfic_torch_tensor* tensor, int32_t requires_grad);
TFIC_TORCH_API int32_t tfic_torch_retain_grad(tfic_torch_tensor* tensor);

// The accumulated gradient, or null where there is none.
TFIC_TORCH_API int32_t tfic_torch_grad(tfic_torch_tensor* tensor, tfic_torch_tensor** grad);
// A null gradient clears it.
TFIC_TORCH_API int32_t tfic_torch_set_grad(tfic_torch_tensor* tensor, tfic_torch_tensor* grad);

// grad_tensors: null, or output_count tensors of which some may be null (a scalar's implied 1).
TFIC_TORCH_API int32_t tfic_torch_backward(tfic_torch_tensor* const* outputs, int32_t output_count,
                                           tfic_torch_tensor* const* grad_tensors, int32_t retain_graph,
                                           int32_t create_graph, tfic_torch_tensor* const* inputs, int32_t input_count);
// gradients has room for input_count tensors; null where an unused input was allowed.
TFIC_TORCH_API int32_t tfic_torch_gradients(tfic_torch_tensor* const* outputs, int32_t output_count,
                                            tfic_torch_tensor* const* inputs, int32_t input_count,
                                            tfic_torch_tensor* const* grad_outputs, int32_t retain_graph,
                                            int32_t create_graph, int32_t allow_unused, tfic_torch_tensor** gradients);

// Whether this thread records gradients.
TFIC_TORCH_API int32_t tfic_torch_grad_enabled(void);
TFIC_TORCH_API void tfic_torch_set_grad_enabled(int32_t enabled);

TFIC_TORCH_API int32_t tfic_torch_manual_seed(int64_t seed);
TFIC_TORCH_API int32_t tfic_torch_initial_seed(int64_t* seed);
TFIC_TORCH_API int32_t tfic_torch_rng_state(tfic_torch_tensor** state);
TFIC_TORCH_API int32_t tfic_torch_set_rng_state(tfic_torch_tensor* state);

TFIC_TORCH_API int32_t tfic_torch_threads(void);
TFIC_TORCH_API int32_t tfic_torch_set_threads(int32_t count);
TFIC_TORCH_API int32_t tfic_torch_interop_threads(void);
TFIC_TORCH_API int32_t tfic_torch_set_interop_threads(int32_t count);

// The number of CUDA devices that can be used; 0 without CUDA.
TFIC_TORCH_API int32_t tfic_torch_cuda_devices(void);
TFIC_TORCH_API int32_t tfic_torch_cuda_synchronize(int32_t index);

#ifdef __cplusplus
}
#endif

#endif
