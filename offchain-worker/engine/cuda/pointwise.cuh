// Operations on one number of each input: a thread for each element. An output may lie over the first input.

// `i`: this thread's element.
#define EACH(size)                                                  \
    const u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x;       \
    if (i >= (size)) return

// `i`: this thread's element, `row` and `column`: where it is. A block has some columns of one row, so what stands once for a
// row is read once, and dividing is for blocks. `tiles` blocks make a row.
#define EACH_OF_ROW(columns, tiles)                                                \
    const u64 row = blockIdx.x / (tiles);                                          \
    const u64 column = (u64)(blockIdx.x % (tiles)) * blockDim.x + threadIdx.x;     \
    if (column >= (columns)) return;                                               \
    const u64 i = row * (columns) + column

KERNEL sum_of_two(float* out, const float* a, const float* b, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, add(a[i], b[i]), found, first);
}

KERNEL divide(float* out, const float* x, float by, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, div(x[i], by), found, first);
}

KERNEL inverse_rms(float* out, const float* sum, float columns, float epsilon, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, div(1.0f, root(add(div(sum[i], columns), epsilon))), found, first);
}

KERNEL norm_coefficient(float* out, const float* dot, const float* r, float columns, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, mul(mul(div(dot[i], columns), r[i]), r[i]), found, first);
}

KERNEL swiglu(float* out, const float* gate, const float* up, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, mul(mul(gate[i], logistic(gate[i])), up[i]), found, first);
}

KERNEL swiglu_grad_gate(
    float* out, const float* dh, const float* gate, const float* up, u64 size, u64* found, u64 first) {
    EACH(size);
    const float s = logistic(gate[i]);
    const float slope = mul(fused(gate[i], sub(1.0f, s), 1.0f), s);
    put(out, i, mul(mul(dh[i], up[i]), slope), found, first);
}

KERNEL swiglu_grad_up(float* out, const float* dh, const float* gate, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, mul(dh[i], mul(gate[i], logistic(gate[i]))), found, first);
}

KERNEL token_loss(
    float* out, const float* sum, const float* target, const float* max, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, sub(logarithm(sum[i]), sub(target[i], max[i])), found, first);
}

KERNEL clip_factor(float* out, const float* sum, float limit, u64 size, u64* found, u64 first) {
    EACH(size);
    const float norm = root(sum[0]);
    put(out, i, norm > limit ? div(limit, norm) : 1.0f, found, first);
}

KERNEL moment1(
    float* out, const float* m, const float* g, const float* clip, float beta, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, fused(beta, m[i], mul(sub(1.0f, beta), mul(g[i], clip[0]))), found, first);
}

KERNEL moment2(
    float* out, const float* v, const float* g, const float* clip, float beta, u64 size, u64* found, u64 first) {
    EACH(size);
    const float clipped = mul(g[i], clip[0]);
    put(out, i, fused(beta, v[i], mul(sub(1.0f, beta), mul(clipped, clipped))), found, first);
}

KERNEL weights(
    float* out, const float* p, const float* m, const float* v, float rate, float keep, float correction1,
    float correction2, float epsilon, u64 size, u64* found, u64 first) {
    EACH(size);
    const float step = div(mul(m[i], correction1), add(root(mul(v[i], correction2)), epsilon));
    put(out, i, fused(-rate, step, mul(p[i], keep)), found, first);
}

KERNEL nesterov_momentum(
    float* out, const float* v, const float* g, float momentum, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, fused(momentum, v[i], g[i]), found, first);
}

KERNEL nesterov(
    float* out, const float* p, const float* v, const float* g, float momentum, float rate, u64 size, u64* found,
    u64 first) {
    EACH(size);
    put(out, i, fused(-rate, fused(momentum, v[i], g[i]), p[i]), found, first);
}

KERNEL copy(float* out, const float* x, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, x[i], found, first);
}

KERNEL fill(float* out, u32 word, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, bits(word), found, first);
}

KERNEL insert(float* out, const float* x, const float* word, u64 at, u64 size, u64* found, u64 first) {
    EACH(size);
    put(out, i, i == at ? word[0] : x[i], found, first);
}

// For outputs that the host computed.
KERNEL first_not_finite(const float* x, u64 size, u64* found, u64 first) {
    EACH(size);
    check(x[i], i, found, first);
}
