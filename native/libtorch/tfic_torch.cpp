#include "tfic_torch.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// An operator is looked up once and stays; the dispatcher's handle is small and is copied into it.
struct tfic_torch_operator {
    c10::OperatorHandle handle;
};

namespace {

// Differs between versions (c10::optional, later std::optional), so it is taken from where it is used.
using OptionalTensor = decltype(std::declval<const c10::IValue&>().toOptional<at::Tensor>());

std::atomic<int64_t> live_tensors{0};
thread_local std::string last_error;
thread_local std::vector<tfic_torch_value> results_of_call;

template <typename Function>
int32_t guarded(Function&& function) noexcept {
    try {
        function();
        return 0;
    } catch (const c10::Error& error) {
        // what() has a C++ stack trace after the message; nobody who calls from C# can use that.
        last_error = error.what_without_backtrace();
    } catch (const std::exception& error) {
        last_error = error.what();
    } catch (...) {
        last_error = "libtorch threw an unknown exception";
    }
    return 1;
}

// A handle is the tensor's implementation pointer with one reference that the holder owns.
tfic_torch_tensor* give(at::Tensor tensor) {
    if (!tensor.defined()) {
        return nullptr;
    }
    live_tensors.fetch_add(1, std::memory_order_relaxed);
    return reinterpret_cast<tfic_torch_tensor*>(tensor.unsafeReleaseTensorImpl());
}

at::Tensor borrow(tfic_torch_tensor* tensor) {
    if (tensor == nullptr) {
        return {};
    }
    return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(
        reinterpret_cast<c10::TensorImpl*>(tensor)));
}

at::Tensor required(tfic_torch_tensor* tensor) {
    if (tensor == nullptr) {
        throw std::invalid_argument("a tensor that has been disposed was used");
    }
    return borrow(tensor);
}

std::vector<at::Tensor> borrow_all(tfic_torch_tensor* const* tensors, int32_t count) {
    std::vector<at::Tensor> all;
    if (tensors != nullptr) {
        all.reserve(static_cast<size_t>(count));
        for (int32_t i = 0; i < count; i++) {
            all.push_back(borrow(tensors[i]));
        }
    }
    return all;
}

c10::Device device_of(int64_t packed) {
    return {static_cast<c10::DeviceType>(packed >> 32), static_cast<c10::DeviceIndex>(static_cast<int32_t>(packed))};
}

c10::TypePtr without_optional(const c10::TypePtr& type) {
    if (type->kind() == c10::TypeKind::OptionalType) {
        return type->expectRef<c10::OptionalType>().getElementType();
    }
    return type;
}

c10::IValue tensor_list(const tfic_torch_value& value, const c10::TypePtr& type) {
    const auto count = static_cast<size_t>(value.length);
    const bool optional = type->kind() == c10::TypeKind::ListType &&
                          type->expectRef<c10::ListType>().getElementType()->kind() == c10::TypeKind::OptionalType;
    if (optional) {
        c10::List<OptionalTensor> list;
        list.reserve(count);
        for (size_t i = 0; i < count; i++) {
            tfic_torch_tensor* tensor = value.as.tensors[i];
            list.push_back(tensor == nullptr ? OptionalTensor() : OptionalTensor(borrow(tensor)));
        }
        return list;
    }
    c10::List<at::Tensor> list;
    list.reserve(count);
    for (size_t i = 0; i < count; i++) {
        list.push_back(required(value.as.tensors[i]));
    }
    return list;
}

c10::IValue to_ivalue(const tfic_torch_value& value, const c10::Argument& argument) {
    const c10::TypePtr type = without_optional(argument.type());
    switch (value.kind) {
        case TFIC_TORCH_DEFAULT:
            if (!argument.default_value()) {
                throw std::invalid_argument("argument '" + argument.name() + "' has no default");
            }
            return *argument.default_value();
        case TFIC_TORCH_NONE:
            // A tensor that need not be there may be typed Tensor? or, in older schemas, be an undefined Tensor.
            return type->kind() == c10::TypeKind::TensorType && argument.type()->kind() != c10::TypeKind::OptionalType
                       ? c10::IValue(at::Tensor())
                       : c10::IValue();
        case TFIC_TORCH_TENSOR:
            if (value.as.tensor == nullptr && argument.type()->kind() == c10::TypeKind::OptionalType) {
                return {};
            }
            return required(value.as.tensor);
        case TFIC_TORCH_INT:
            if (type->kind() == c10::TypeKind::FloatType) {
                return static_cast<double>(value.as.integer);
            }
            return value.as.integer;
        case TFIC_TORCH_DOUBLE:
            return value.as.number;
        case TFIC_TORCH_BOOL:
            return value.as.integer != 0;
        case TFIC_TORCH_INT_LIST:
            return std::vector<int64_t>(value.as.integers, value.as.integers + value.length);
        case TFIC_TORCH_DOUBLE_LIST:
            return std::vector<double>(value.as.numbers, value.as.numbers + value.length);
        case TFIC_TORCH_TENSOR_LIST:
            return tensor_list(value, type);
        case TFIC_TORCH_STRING:
            return std::string(value.as.text, static_cast<size_t>(value.length));
        case TFIC_TORCH_DEVICE:
            return device_of(value.as.integer);
        case TFIC_TORCH_GENERATOR:
            return at::globalContext().defaultGenerator(device_of(value.as.integer));
        default:
            throw std::invalid_argument("argument '" + argument.name() + "' has an unknown kind");
    }
}

void add_result(tfic_torch_tensor* tensor) {
    tfic_torch_value result{};
    result.kind = tensor == nullptr ? TFIC_TORCH_NONE : TFIC_TORCH_TENSOR;
    result.as.tensor = tensor;
    results_of_call.push_back(result);
}

void add_result(const c10::IValue& value) {
    tfic_torch_value result{};
    if (value.isTensor()) {
        add_result(give(value.toTensor()));
        return;
    }
    if (value.isTensorList()) {
        for (const at::Tensor& tensor : value.toTensorVector()) {
            add_result(give(tensor));
        }
        return;
    }
    if (value.isInt()) {
        result.kind = TFIC_TORCH_INT;
        result.as.integer = value.toInt();
    } else if (value.isDouble()) {
        result.kind = TFIC_TORCH_DOUBLE;
        result.as.number = value.toDouble();
    } else if (value.isBool()) {
        result.kind = TFIC_TORCH_BOOL;
        result.as.integer = value.toBool() ? 1 : 0;
    } else if (value.isNone()) {
        result.kind = TFIC_TORCH_NONE;
    } else {
        throw std::runtime_error("the operator returned a " + value.tagKind() + ", which has no place here");
    }
    results_of_call.push_back(result);
}

}  // namespace

int32_t tfic_torch_abi(void) { return TFIC_TORCH_ABI; }

const char* tfic_torch_version(void) { return TORCH_VERSION; }

const char* tfic_torch_error(void) { return last_error.c_str(); }

int64_t tfic_torch_live_tensors(void) { return live_tensors.load(std::memory_order_relaxed); }

int32_t tfic_torch_find(const char* name, const char* overload, tfic_torch_operator** op) {
    return guarded(
        [&] { *op = new tfic_torch_operator{c10::Dispatcher::singleton().findSchemaOrThrow(name, overload)}; });
}

int32_t tfic_torch_call(const tfic_torch_operator* op, const tfic_torch_value* arguments, int32_t argument_count,
                        const tfic_torch_value** results, int32_t* count) {
    results_of_call.clear();
    const int32_t status = guarded([&] {
        const c10::FunctionSchema& schema = op->handle.schema();
        const auto& expected = schema.arguments();
        if (static_cast<size_t>(argument_count) > expected.size()) {
            throw std::invalid_argument("too many arguments for " + schema.name());
        }
        c10::Stack stack;
        stack.reserve(expected.size());
        const tfic_torch_value missing{};
        for (size_t i = 0; i < expected.size(); i++) {
            stack.push_back(to_ivalue(i < static_cast<size_t>(argument_count) ? arguments[i] : missing, expected[i]));
        }
        op->handle.callBoxed(&stack);
        for (const c10::IValue& value : stack) {
            add_result(value);
        }
    });
    if (status != 0) {
        for (const tfic_torch_value& result : results_of_call) {
            if (result.kind == TFIC_TORCH_TENSOR) {
                tfic_torch_free(result.as.tensor);
            }
        }
        results_of_call.clear();
    }
    *results = results_of_call.data();
    *count = static_cast<int32_t>(results_of_call.size());
    return status;
}

void tfic_torch_free(tfic_torch_tensor* tensor) {
    if (tensor != nullptr) {
        live_tensors.fetch_sub(1, std::memory_order_relaxed);
        c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(
            reinterpret_cast<c10::TensorImpl*>(tensor));
    }
}

int32_t tfic_torch_share(tfic_torch_tensor* tensor, tfic_torch_tensor** result) {
    return guarded([&] { *result = give(required(tensor)); });
}

int32_t tfic_torch_describe(tfic_torch_tensor* tensor, tfic_torch_info* info) {
    return guarded([&] {
        const at::Tensor t = required(tensor);
        info->elements = t.numel();
        info->storage_offset = t.storage_offset();
        info->dimensions = static_cast<int32_t>(t.dim());
        info->scalar_type = static_cast<int32_t>(t.scalar_type());
        info->device_type = static_cast<int32_t>(t.device().type());
        info->device_index = t.device().index();
        info->element_size = static_cast<int32_t>(t.element_size());
        info->requires_grad = t.requires_grad();
        info->is_leaf = t.is_leaf();
        info->is_contiguous = t.is_contiguous();
        info->reserved = 0;
    });
}

int32_t tfic_torch_shape(tfic_torch_tensor* tensor, int64_t* sizes, int64_t* strides) {
    return guarded([&] {
        const at::Tensor t = required(tensor);
        for (int64_t i = 0; i < t.dim(); i++) {
            if (sizes != nullptr) {
                sizes[i] = t.sizes()[static_cast<size_t>(i)];
            }
            if (strides != nullptr) {
                strides[i] = t.strides()[static_cast<size_t>(i)];
            }
        }
    });
}

int32_t tfic_torch_data(tfic_torch_tensor* tensor, void** data) {
    return guarded([&] {
        const at::Tensor t = required(tensor);
        if (t._is_zerotensor()) {
            throw std::runtime_error("the tensor is zero without having memory: clone it first");
        }
        *data = t.data_ptr();
    });
}

int32_t tfic_torch_set_requires_grad(tfic_torch_tensor* tensor, int32_t requires_grad) {
    return guarded([&] { required(tensor).set_requires_grad(requires_grad != 0); });
}

int32_t tfic_torch_retain_grad(tfic_torch_tensor* tensor) {
    return guarded([&] { required(tensor).retain_grad(); });
}

int32_t tfic_torch_grad(tfic_torch_tensor* tensor, tfic_torch_tensor** grad) {
    return guarded([&] {
        const at::Tensor t = required(tensor);
        // Asking a tensor that is neither a leaf nor retained makes libtorch print a warning; the answer is "none".
        if (!t.is_leaf() && !t.retains_grad()) {
            *grad = nullptr;
            return;
        }
        // A derivative that is zero everywhere may come as a tensor without memory; whoever asks wants elements.
        if (t.grad().defined() && t.grad()._is_zerotensor()) {
            t.mutable_grad() = t.grad().clone();
        }
        *grad = give(t.grad());
    });
}

int32_t tfic_torch_set_grad(tfic_torch_tensor* tensor, tfic_torch_tensor* grad) {
    return guarded([&] { required(tensor).mutable_grad() = borrow(grad); });
}

int32_t tfic_torch_backward(tfic_torch_tensor* const* outputs, int32_t output_count,
                            tfic_torch_tensor* const* grad_tensors, int32_t retain_graph, int32_t create_graph,
                            tfic_torch_tensor* const* inputs, int32_t input_count) {
    return guarded([&] {
        torch::autograd::backward(borrow_all(outputs, output_count), borrow_all(grad_tensors, output_count),
                                  retain_graph != 0, create_graph != 0, borrow_all(inputs, input_count));
    });
}

int32_t tfic_torch_gradients(tfic_torch_tensor* const* outputs, int32_t output_count, tfic_torch_tensor* const* inputs,
                             int32_t input_count, tfic_torch_tensor* const* grad_outputs, int32_t retain_graph,
                             int32_t create_graph, int32_t allow_unused, tfic_torch_tensor** gradients) {
    return guarded([&] {
        std::vector<at::Tensor> found = torch::autograd::grad(
            borrow_all(outputs, output_count), borrow_all(inputs, input_count), borrow_all(grad_outputs, output_count),
            retain_graph != 0, create_graph != 0, allow_unused != 0);
        for (size_t i = 0; i < found.size(); i++) {
            const bool bare = found[i].defined() && found[i]._is_zerotensor();
            gradients[i] = give(bare ? found[i].clone() : std::move(found[i]));
        }
    });
}

int32_t tfic_torch_grad_enabled(void) { return c10::GradMode::is_enabled() ? 1 : 0; }

void tfic_torch_set_grad_enabled(int32_t enabled) { c10::GradMode::set_enabled(enabled != 0); }

int32_t tfic_torch_manual_seed(int64_t seed) {
    return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

int32_t tfic_torch_initial_seed(int64_t* seed) {
    return guarded([&] {
        *seed = static_cast<int64_t>(at::globalContext().defaultGenerator(c10::DeviceType::CPU).current_seed());
    });
}

int32_t tfic_torch_rng_state(tfic_torch_tensor** state) {
    return guarded([&] {
        at::Generator generator = at::globalContext().defaultGenerator(c10::DeviceType::CPU);
        const std::lock_guard<std::mutex> lock(generator.mutex());
        *state = give(at::Tensor(generator.unsafeGetGeneratorImpl()->get_state()));
    });
}

int32_t tfic_torch_set_rng_state(tfic_torch_tensor* state) {
    return guarded([&] {
        at::Generator generator = at::globalContext().defaultGenerator(c10::DeviceType::CPU);
        const std::lock_guard<std::mutex> lock(generator.mutex());
        generator.unsafeGetGeneratorImpl()->set_state(*required(state).unsafeGetTensorImpl());
    });
}

int32_t tfic_torch_threads(void) { return at::get_num_threads(); }

int32_t tfic_torch_set_threads(int32_t count) {
    return guarded([&] { at::set_num_threads(count); });
}

int32_t tfic_torch_interop_threads(void) { return at::get_num_interop_threads(); }

int32_t tfic_torch_set_interop_threads(int32_t count) {
    return guarded([&] { at::set_num_interop_threads(count); });
}

int32_t tfic_torch_cuda_devices(void) {
    int32_t count = 0;
    guarded([&] {
        if (at::globalContext().hasCUDA()) {
            count = static_cast<int32_t>(at::detail::getCUDAHooks().getNumGPUs());
        }
    });
    return count;
}

int32_t tfic_torch_cuda_synchronize(int32_t index) {
    return guarded([&] { at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(index)); });
}
