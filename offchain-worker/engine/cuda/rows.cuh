// Operations on the elements of rows: a block for some columns of one row.

KERNEL rms_norm(
    float* out, const float* x, const float* r, const float* gain, u64 columns, u32 tiles, u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    put(out, i, mul(mul(x[i], r[row]), gain[column]), found, first);
}

KERNEL rms_norm_grad(
    float* out, const float* dy, const float* x, const float* gain, const float* r, const float* c, u64 columns,
    u32 tiles, u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    put(out, i, mul(r[row], fused(-x[i], c[row], mul(dy[i], gain[column]))), found, first);
}

KERNEL rms_norm_gain_term(
    float* out, const float* dy, const float* x, const float* r, u64 columns, u32 tiles, u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    put(out, i, mul(dy[i], mul(x[i], r[row])), found, first);
}

// Row `row` of causal attention sees columns up to `row % columns`; the others are +0.
KERNEL softmax(
    float* out, const float* scores, const float* max, const float* sum, float scale, u64 columns, u32 tiles,
    u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    const bool seen = column <= row % columns;
    put(out, i, seen ? mul(shifted(scores[i], max[row], scale), div(1.0f, sum[row])) : 0.0f, found, first);
}

KERNEL softmax_grad(
    float* out, const float* p, const float* dp, const float* dot, float scale, u64 columns, u32 tiles, u64* found,
    u64 first) {
    EACH_OF_ROW(columns, tiles);
    const bool seen = column <= row % columns;
    put(out, i, seen ? mul(mul(p[i], sub(dp[i], dot[row])), scale) : 0.0f, found, first);
}

KERNEL cross_entropy_grad(
    float* out, const float* logits, const float* max, const float* sum, const u32* targets, float weight,
    u64 columns, u32 tiles, u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    const float hot = targets[row] == column ? 1.0f : 0.0f;
    const float p = mul(shifted(logits[i], max[row], 1.0f), div(1.0f, sum[row]));
    put(out, i, mul(sub(p, hot), weight), found, first);
}

// `columns` is heads * 2 * half; the row's position is `row % context`.
KERNEL rope(
    float* out, const float* x, const float* cosines, const float* sines, u64 half, u64 context, u32 inverse,
    u64 columns, u32 tiles, u64* found, u64 first) {
    EACH_OF_ROW(columns, tiles);
    const u64 component = column % (half * 2);
    const u32 second = component >= half;
    const u64 angle = row % context * half + (second ? component - half : component);
    const float paired = x[second ? i - half : i + half];
    const float other = second == inverse ? -paired : paired;
    put(out, i, fused(x[i], cosines[angle], mul(other, sines[angle])), found, first);
}

// A token beyond the table cannot come out of a batch: should one come all the same, its row is NaN, which ends the step.
KERNEL embed(
    float* out, const float* table, const u32* tokens, u64 vocabulary, u64 columns, u32 tiles, u64* found,
    u64 first) {
    EACH_OF_ROW(columns, tiles);
    const u64 token = tokens[row];
    put(out, i, token < vocabulary ? table[token * columns + column] : bits(0x7fc00000u), found, first);
}

// What the positions `from .. to` add to rows of the table's gradient, in place. Each block looks at one position, for some
// columns, and leaves unless it is the first with its token; then it adds that and all later ones, positions ascending. So each
// element has one thread, and no order depends on the schedule.
//
// The gradient of position t, column d is dx[t * position_stride + d * column_stride].
KERNEL embed_grad(
    float* out, const float* dx, const u32* tokens, u64 from, u64 to, u64 vocabulary, u64 position_stride,
    u64 column_stride, u64 columns, u32 tiles, u64* found, u64 first) {
    __shared__ u32 earlier;
    const u64 own = from + blockIdx.x / tiles;
    const u64 column = (u64)(blockIdx.x % tiles) * blockDim.x + threadIdx.x;
    const u32 token = tokens[own];
    if (threadIdx.x == 0) earlier = 0;
    __syncthreads();
    for (u64 t = from + threadIdx.x; t < own; t += blockDim.x) {
        if (tokens[t] == token) earlier = 1;
    }
    __syncthreads();
    if (earlier || column >= columns || token >= vocabulary) return;
    const u64 i = token * columns + column;
    float sum = out[i];
    for (u64 t = own; t < to; t++) {
        if (tokens[t] == token) sum = add(sum, dx[t * position_stride + column * column_stride]);
    }
    put(out, i, sum, found, first);
}

KERNEL target_logit(
    float* out, const float* logits, const u32* targets, u64 vocabulary, u64 size, u64* found, u64 first) {
    EACH(size);
    const u64 target = targets[i];
    put(out, i, target < vocabulary ? logits[i * vocabulary + target] : bits(0x7fc00000u), found, first);
}
