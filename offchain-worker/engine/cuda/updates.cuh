// The coding of updates and their aggregation.

// Elements that share an exponent.
#define BLOCK 256

#define LEAST_EXPONENT (-40)
#define GREATEST_EXPONENT 6

// The largest code.
#define LARGEST 127.0f

// Shifts by more leave nothing.
#define MOST_SHIFT 63

// 2^exponent, for exponents of normal numbers.
DEVICE float power_of_two(i64 exponent) {
    const i64 biased = exponent + 127;
    return bits((u32)(biased < 1 ? 1 : biased > 254 ? 254 : biased) << 23);
}

DEVICE i32 bounded(u32 word) {
    const i32 exponent = (i32)word;
    return exponent < LEAST_EXPONENT ? LEAST_EXPONENT : exponent > GREATEST_EXPONENT ? GREATEST_EXPONENT : exponent;
}

// The code of element `i` in a word of four.
DEVICE i32 code_in(u32 word, u64 i) { return (i32)(signed char)(word >> (i % 4 * 8) & 0xff); }

// A block of threads for each block of elements: the least exponent with `max |delta| <= 127 * 2^exponent`.
KERNEL exponents(u32* out, const float* start, const float* end, u64 size) {
    __shared__ float most[BLOCK];
    const u64 i = (u64)blockIdx.x * BLOCK + threadIdx.x;
    float delta = i < size ? bits(__float_as_uint(sub(start[i], end[i])) & 0x7fffffffu) : 0.0f;
    // NaN counts for nothing.
    most[threadIdx.x] = greater(delta, 0.0f);
    __syncthreads();
    for (u32 stride = BLOCK / 2; stride > 0; stride /= 2) {
        if (threadIdx.x < stride) most[threadIdx.x] = greater(most[threadIdx.x], most[threadIdx.x + stride]);
        __syncthreads();
    }
    if (threadIdx.x > 0) return;
    i32 exponent = LEAST_EXPONENT;
    while (exponent < GREATEST_EXPONENT && !(most[0] <= mul(LARGEST, power_of_two(exponent)))) exponent++;
    out[blockIdx.x] = (u32)exponent;
}

// A thread for each word of four codes.
KERNEL codes(u32* out, const float* start, const float* end, const u32* exponents, u64 size, u64 words) {
    EACH(words);
    const float scale = power_of_two(-(i64)(i32)exponents[i * 4 / BLOCK]);
    u32 word = 0;
    for (u32 byte = 0; byte < 4; byte++) {
        const u64 place = i * 4 + byte;
        if (place >= size) break;
        const float scaled = mul(sub(start[place], end[place]), scale);
        const float above = scaled > -LARGEST ? scaled : -LARGEST;
        const float within = above < LARGEST ? above : LARGEST;
        const i32 code = __float2int_rz(sub(add(within, bits(ROUND)), bits(ROUND)));
        word |= ((u32)code & 0xff) << (byte * 8);
    }
    out[i] = word;
}

KERNEL decode(float* out, const u32* codes, const u32* exponents, u64 size, u64* found, u64 first) {
    EACH(size);
    const float code = __int2float_rn(code_in(codes[i / 4], i));
    put(out, i, mul(code, power_of_two(bounded(exponents[i / BLOCK]))), found, first);
}

// Shifts that bring norms to at most twice their lower median. One block; `squares` are the norms' squares.
KERNEL norm_cap(u32* out, const float* squares, u64 workers) {
    __shared__ float median;
    // The number whose rank is in the middle: of equal ones, the order is that of the workers.
    for (u64 i = threadIdx.x; i < workers; i += blockDim.x) {
        const i32 own = (i32)__float_as_uint(squares[i]);
        const i32 own_key = own ^ (i32)((u32)(own >> 31) >> 1);
        u64 rank = 0;
        for (u64 j = 0; j < workers; j++) {
            const i32 other = (i32)__float_as_uint(squares[j]);
            const i32 key = other ^ (i32)((u32)(other >> 31) >> 1);
            rank += key < own_key || (key == own_key && j < i);
        }
        if (rank == (workers - 1) / 2) median = squares[i];
    }
    __syncthreads();
    const float limit = mul(median, 4.0f);
    for (u64 i = threadIdx.x; i < workers; i += blockDim.x) {
        float scaled = squares[i];
        u32 shift = 0;
        while (scaled > limit && shift < MOST_SHIFT) {
            scaled = mul(scaled, 0.25f);
            shift++;
        }
        out[i] = shift;
    }
}

DEVICE u64 long_at(const u32* words, u64 i) { return words[i * 2] | (u64)words[i * 2 + 1] << 32; }

// A thread for each 64-bit integer: worker `worker`'s part added to `before`, if there is any.
KERNEL add_update(
    u32* out, const u32* codes, const u32* exponents, const u32* shifts, const u32* before, u64 worker, u64 size) {
    EACH(size);
    const i32 code = code_in(codes[i / 4], i);
    const u64 magnitude = (u64)(code < 0 ? -code : code) << (bounded(exponents[i / BLOCK]) - LEAST_EXPONENT);
    const u32 shift = shifts[worker];
    const u64 shifted = magnitude >> (shift < MOST_SHIFT ? shift : MOST_SHIFT);
    const u64 sum = (before ? long_at(before, i) : 0) + (code < 0 ? 0 - shifted : shifted);
    out[i * 2] = (u32)sum;
    out[i * 2 + 1] = (u32)(sum >> 32);
}

// The mean: times 2^-40, divided by the workers.
KERNEL from_grid(float* out, const u32* sum, float workers, u64 size, u64* found, u64 first) {
    EACH(size);
    const float grid = __ll2float_rn((i64)long_at(sum, i));
    put(out, i, div(mul(grid, bits(0x2b800000u)), workers), found, first);
}
