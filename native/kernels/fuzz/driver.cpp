// Stands in for libFuzzer where the compiler has none: random bytes and random changes of them, from a seed, without
// any feedback. Understands the options of libFuzzer's that the build uses, and takes files to replay.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<uint8_t> current;

// What the sanitizers call before they end the process.
void keep() {
    std::ofstream("crash-input", std::ios::binary)
        .write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
    std::fprintf(stderr, "the input is in ./crash-input\n");
}

void change(std::vector<uint8_t>& bytes, std::mt19937_64& random) {
    for (size_t i = 1 + random() % 8; i > 0; i--) {
        const size_t at = bytes.empty() ? 0 : random() % bytes.size();
        switch (random() % 4) {
            case 0:
                bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random()));
                break;
            case 1:
                bytes.resize(at);
                break;
            default:
                if (!bytes.empty()) bytes[at] = static_cast<uint8_t>(random());
        }
    }
}

}  // namespace

extern "C" void __sanitizer_set_death_callback(void (*)());

int main(int count, char** arguments) {
    long long runs = -1, seconds = -1;
    unsigned long long seed = 1;
    std::vector<const char*> files;
    for (int i = 1; i < count; i++) {
        if (std::sscanf(arguments[i], "-runs=%lld", &runs) == 1) continue;
        if (std::sscanf(arguments[i], "-max_total_time=%lld", &seconds) == 1) continue;
        if (std::sscanf(arguments[i], "-seed=%llu", &seed) == 1) continue;
        if (arguments[i][0] != '-') files.push_back(arguments[i]);
    }
    __sanitizer_set_death_callback(keep);

    for (const char* file : files) {
        std::ifstream stream(file, std::ios::binary);
        current.assign(std::istreambuf_iterator<char>(stream), {});
        LLVMFuzzerTestOneInput(current.data(), current.size());
    }
    if (!files.empty()) return 0;

    std::mt19937_64 random(seed);
    const auto start = std::chrono::steady_clock::now();
    long long done = 0;
    for (; runs < 0 || done < runs; done++) {
        if (seconds >= 0 && std::chrono::steady_clock::now() - start > std::chrono::seconds(seconds)) break;
        if (current.empty() || random() % 16 == 0) {
            current.resize(random() % 512);
            for (auto& b : current) b = static_cast<uint8_t>(random());
        } else {
            change(current, random);
        }
        LLVMFuzzerTestOneInput(current.data(), current.size());
    }
    std::printf("Done %lld runs\n", done);
    return 0;
}
