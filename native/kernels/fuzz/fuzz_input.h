// Takes numbers off a fuzzer's bytes; zeros when they are used up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

class FuzzInput {
  public:
    FuzzInput(const uint8_t* data, size_t size) : data_(data), size_(size) {}

    template <typename T>
    T take() {
        T value{};
        const size_t count = size_ < sizeof(T) ? size_ : sizeof(T);
        if (count > 0) std::memcpy(&value, data_, count);
        data_ += count;
        size_ -= count;
        return value;
    }

    const uint8_t* rest() const { return data_; }
    size_t rest_size() const { return size_; }

  private:
    const uint8_t* data_;
    size_t size_;
};
