# Builds the native part for 64-bit Arm on another machine and runs its tests under qemu's user mode. On Debian:
# g++-aarch64-linux-gnu, qemu-user, and libgtest-dev, whose sources serve every architecture.
#
#   cmake -S . -B artifacts/native-aarch64 -DCMAKE_TOOLCHAIN_FILE=native/aarch64.cmake
#   cmake --build artifacts/native-aarch64 && ctest --test-dir artifacts/native-aarch64
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Debian's cross compiler keeps its libraries here. Nothing of the machine that builds may be found instead.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# "max" has every instruction that qemu knows: sve, i8mm, bf16.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-cpu;max;-L;/usr/aarch64-linux-gnu)
