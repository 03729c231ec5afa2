// CUDA C for a C++ compiler: what kernels.cu uses of the language and its intrinsics, on the CPU. For tests only.
//
// A block's threads are fibers. One runs until it comes to a barrier or its end; then another. When all are there, the next phase
// begins, in another order. So a read that a barrier should separate from a write sees the wrong number in one order or another.
// Compile with -ffp-contract=off: the `_rn` intrinsics must stay apart.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace cuda {

struct Index {
    unsigned x, y, z;
};

// The running thread's place.
extern Index thread, block, block_extent, grid_extent;

// Waits until all threads of the block are at the barrier of this line.
void barrier(int line);

}  // namespace cuda

#define threadIdx (::cuda::thread)
#define blockIdx (::cuda::block)
#define blockDim (::cuda::block_extent)
#define gridDim (::cuda::grid_extent)
#define __syncthreads() ::cuda::barrier(__LINE__)

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// A section of its own: before each block it is filled with NaN, because a GPU's shared memory holds what was there before.
#define __shared__ static __attribute__((section("cuda_shared")))

static inline float __uint_as_float(unsigned word) {
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

static inline unsigned __float_as_uint(float value) {
    unsigned word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }
static inline float __fmaf_rn(float a, float b, float c) { return std::fmaf(a, b, c); }
static inline float __int2float_rn(int x) { return static_cast<float>(x); }
static inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
static inline int __float2int_rz(float x) { return static_cast<int>(x); }

// One thread runs at a time.
static inline unsigned long long atomicMin(unsigned long long* at, unsigned long long value) {
    const unsigned long long before = *at;
    if (value < before) *at = value;
    return before;
}
