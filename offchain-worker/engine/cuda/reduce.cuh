// Reductions of rows: a warp for each block of 2,048 terms of a row, that is, for each element of the output.

// Warps of a block.
#define WARPS 8

// Terms of an element.
#define MAX_READ 2048

// The terms of one element.
struct Span {
    u64 row;
    // The column of the first term, and where it is.
    u64 first;
    u64 start;
    u32 terms;
};

// In causal attention row `row` has terms for columns `0 ..= row % columns`.
DEVICE Span span_of(u64 element, u64 columns, u64 blocks, u32 causal) {
    Span span;
    span.row = element / blocks;
    span.first = element % blocks * MAX_READ;
    span.start = span.row * columns + span.first;
    const u64 end = causal ? span.row % columns + 1 : columns;
    const u64 left = end > span.first ? end - span.first : 0;
    span.terms = left < MAX_READ ? (u32)left : MAX_READ;
    return span;
}

// Combines a warp's lanes by halving strides; lane 0 has the result. All threads of the block must come here.
template <class Combine>
DEVICE float fold(float (&lanes)[LANES], u32 lane, float value, Combine combine) {
    lanes[lane] = value;
    __syncthreads();
    for (u32 stride = LANES / 2; stride > 0; stride /= 2) {
        if (lane < stride) lanes[lane] = combine(lanes[lane], lanes[lane + stride]);
        __syncthreads();
    }
    return lanes[lane];
}

// Lane l takes terms l, l + 32, ... in order by `step(acc, span, term)`, from +0.
template <class Step>
DEVICE void sum_terms(
    float (&lanes)[WARPS][LANES], float* out, u64 size, u64 columns, u64 blocks, u32 causal, u64* found, u64 first,
    Step step) {
    const u32 lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
    const u64 element = (u64)blockIdx.x * WARPS + warp;
    float acc = 0.0f;
    if (element < size) {
        const Span span = span_of(element, columns, blocks, causal);
        for (u32 term = lane; term < span.terms; term += LANES) acc = step(acc, span, term);
    }
    const float sum = fold(lanes[warp], lane, acc, [](float a, float b) { return add(a, b); });
    if (lane == 0 && element < size) put(out, element, sum, found, first);
}

KERNEL reduce_sum(
    float* out, const float* x, u64 columns, u64 blocks, u32 causal, u64 size, u64* found, u64 first) {
    __shared__ float lanes[WARPS][LANES];
    sum_terms(lanes, out, size, columns, blocks, causal, found, first,
        [=](float acc, const Span& span, u32 term) { return add(acc, x[span.start + term]); });
}

KERNEL reduce_sum_squares(
    float* out, const float* x, u64 columns, u64 blocks, u32 causal, u64 size, u64* found, u64 first) {
    __shared__ float lanes[WARPS][LANES];
    sum_terms(lanes, out, size, columns, blocks, causal, found, first, [=](float acc, const Span& span, u32 term) {
        const float value = x[span.start + term];
        return fused(value, value, acc);
    });
}

KERNEL reduce_dot(
    float* out, const float* x, const float* y, u64 columns, u64 blocks, u32 causal, u64 size, u64* found,
    u64 first) {
    __shared__ float lanes[WARPS][LANES];
    sum_terms(lanes, out, size, columns, blocks, causal, found, first, [=](float acc, const Span& span, u32 term) {
        return fused(x[span.start + term], y[span.start + term], acc);
    });
}

KERNEL reduce_gain_dot(
    float* out, const float* dy, const float* x, const float* gain, u64 columns, u64 blocks, u32 causal, u64 size,
    u64* found, u64 first) {
    __shared__ float lanes[WARPS][LANES];
    sum_terms(lanes, out, size, columns, blocks, causal, found, first, [=](float acc, const Span& span, u32 term) {
        const u64 i = span.start + term;
        return fused(mul(dy[i], gain[span.first + term]), x[i], acc);
    });
}

KERNEL reduce_sum_exp(
    float* out, const float* x, const float* max, float scale, u64 columns, u64 blocks, u32 causal, u64 size,
    u64* found, u64 first) {
    __shared__ float lanes[WARPS][LANES];
    sum_terms(lanes, out, size, columns, blocks, causal, found, first, [=](float acc, const Span& span, u32 term) {
        return add(acc, shifted(x[span.start + term], max[span.row], scale));
    });
}

// Every lane starts from the first term. A block without terms gives the row's first number, which cannot exceed its maximum.
KERNEL reduce_max(
    float* out, const float* x, u64 columns, u64 blocks, u32 causal, u64 size, u64* found, u64 first) {
    __shared__ float lanes[WARPS][LANES];
    const u32 lane = threadIdx.x % LANES, warp = threadIdx.x / LANES;
    const u64 element = (u64)blockIdx.x * WARPS + warp;
    float acc = 0.0f;
    if (element < size) {
        const Span span = span_of(element, columns, blocks, causal);
        acc = x[span.terms > 0 ? span.start : span.row * columns];
        for (u32 term = lane; term < span.terms; term += LANES) acc = greater(acc, x[span.start + term]);
    }
    const float most = fold(lanes[warp], lane, acc, [](float a, float b) { return greater(a, b); });
    if (lane == 0 && element < size) put(out, element, most, found, first);
}

// Sums of the columns of x, `[height, width]`, in the order of reduce_sum of its transpose: a block has 32 columns (threadIdx.x)
// with 32 lanes each (threadIdx.y), so that neighbours read neighbours.
KERNEL column_sum(float* out, const float* x, u64 width, u64 height, u64 blocks, u32 tiles, u64* found, u64 first) {
    // One more: threads of a warp then write to different banks.
    __shared__ float lanes[LANES][LANES + 1];
    const u64 column = (u64)(blockIdx.x % tiles) * LANES + threadIdx.x;
    const u64 block = blockIdx.x / tiles;
    const u64 start = block * MAX_READ;
    const u64 end = height - start < MAX_READ ? height : start + MAX_READ;
    float acc = 0.0f;
    if (column < width) {
        for (u64 row = start + threadIdx.y; row < end; row += LANES) acc = add(acc, x[row * width + column]);
    }
    lanes[threadIdx.y][threadIdx.x] = acc;
    __syncthreads();
    for (u32 stride = LANES / 2; stride > 0; stride /= 2) {
        if (threadIdx.y < stride) {
            lanes[threadIdx.y][threadIdx.x] =
                add(lanes[threadIdx.y][threadIdx.x], lanes[threadIdx.y + stride][threadIdx.x]);
        }
        __syncthreads();
    }
    if (threadIdx.y == 0 && column < width) put(out, column * blocks + block, lanes[0][threadIdx.x], found, first);
}
