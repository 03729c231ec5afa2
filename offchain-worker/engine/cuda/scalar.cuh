// The arithmetic of single numbers: primitives/numerics/src/scalar in CUDA C, instruction by instruction.
//
// Every float operation of every kernel goes through the functions of this file, so that each rounds where the definition
// rounds: the `_rn` intrinsics are never fused with one another.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;

#define DEVICE static __device__ __forceinline__
#define KERNEL extern "C" __global__ void __launch_bounds__(1024)

// Threads of a block where nothing else decides.
#define THREADS 256

// Lanes of a row's reduction: one warp.
#define LANES 32

DEVICE float bits(u32 word) { return __uint_as_float(word); }

DEVICE float add(float a, float b) { return __fadd_rn(a, b); }
DEVICE float sub(float a, float b) { return __fsub_rn(a, b); }
DEVICE float mul(float a, float b) { return __fmul_rn(a, b); }
DEVICE float div(float a, float b) { return __fdiv_rn(a, b); }
DEVICE float root(float x) { return __fsqrt_rn(x); }

// a * b + c, rounded once.
DEVICE float fused(float a, float b, float c) {
#ifdef SABHA_WITHOUT_FMA
    // How scripts/check-cuda shows that no fused operation comes from anywhere else: compiled so, none may be left.
    return __fadd_rn(__fmul_rn(a, b), c);
#else
    return __fmaf_rn(a, b, c);
#endif
}

// Of two zeros the right one, and the right one if either is NaN: not what fmaxf does.
DEVICE float greater(float a, float b) { return a > b ? a : b; }

// e^x.
DEVICE float exponential(float x) {
    const u32 polynomial[] = EXP_POLYNOMIAL;
    const float t = fused(x, bits(LOG2_E), bits(ROUND));
    const float n = sub(t, bits(ROUND));
    float r = fused(n, -bits(LN_2_HIGH), x);
    r = fused(n, -bits(LN_2_LOW), r);
    float p = bits(polynomial[0]);
#pragma unroll
    for (u32 i = 1; i < sizeof(polynomial) / sizeof(u32); i++) p = fused(p, r, bits(polynomial[i]));
    float y = bits(__float_as_uint(p) + (__float_as_uint(t) << 23));
    y = x <= bits(EXP_GREATEST) ? y : add(x, bits(0x7f800000u));
    return x < bits(EXP_LEAST) ? 0.0f : y;
}

// The natural logarithm.
DEVICE float logarithm(float x) {
    const u32 polynomial[] = LN_POLYNOMIAL;
    const bool subnormal = x < bits(0x00800000u);
    const float scaled = subnormal ? mul(x, 8388608.0f) : x;
    const i32 bias = subnormal ? -23 : 0;
    const u32 word = __float_as_uint(scaled);
    const i32 k = (i32)(word - LN_SPLIT) >> 23;
    const float f = sub(bits(word - ((u32)k << 23)), 1.0f);
    const float e = __int2float_rn(k + bias);
    const float square = mul(f, f);
    float p = bits(polynomial[0]);
#pragma unroll
    for (u32 i = 1; i < sizeof(polynomial) / sizeof(u32); i++) p = fused(p, f, bits(polynomial[i]));
    const float tail = fused(square, p, mul(e, bits(LN_2_LOW)));
    float y = fused(e, bits(LN_2_HIGH), add(f, tail));
    y = x < bits(0x7f800000u) ? y : x;
    y = x == 0.0f ? bits(0xff800000u) : y;
    return x < 0.0f ? bits(0x7fc00000u) : y;
}

// 1 / (1 + e^-x).
DEVICE float logistic(float x) {
    const float e = exponential(bits(__float_as_uint(x) | 0x80000000u));
    const float above = x >= 0.0f ? 1.0f : e;
    return div(above, add(1.0f, e));
}

// exp((x - max) * scale): the terms of softmax and cross-entropy.
DEVICE float shifted(float x, float max, float scale) { return exponential(mul(sub(x, max), scale)); }

// Notes in `found` the least place that does not hold a finite number. `first` is the place of the output's element 0:
// places of earlier instructions are less, so that one word serves a whole program. Without `found` nothing is checked.
DEVICE void check(float value, u64 i, u64* found, u64 first) {
    if ((__float_as_uint(value) & 0x7f800000u) == 0x7f800000u && found) atomicMin(found, first + i);
}

// Writes an element of an output of numbers.
DEVICE void put(float* out, u64 i, float value, u64* found, u64 first) {
    out[i] = value;
    check(value, i, found, first);
}
