// The matrix product: C[m, n] = fma(A[m, k], B[n, k], C[m, n]), k strictly ascending, one accumulator for each element of C.
//
// A block has a square of C, a thread 4 x 4 or 8 x 8 elements of it. Terms come through shared memory, 16 at a time: those of the
// next round are fetched while this round's are used. Terms that an element does not have are never added, not even as zeros:
// -0 would become +0.

// Terms in shared memory.
#define DEPTH 16

// Threads of a block in each direction.
#define GRID 16

// Which part of a product is computed.
#define REACH_FULL 0
#define REACH_COLUMNS 1
#define REACH_UP_TO 2
#define REACH_FROM 3

// Rows that share what they reach in causal attention.
#define CAUSAL_BLOCK 64

// Where the elements of an operand lie.
struct Strides {
    u64 row;
    u64 term;
};

// One operand's rows in a block: numbers in registers on their way from global to shared memory.
template <u32 SIDE>
struct Fetch {
    float value[SIDE];

    // Where this thread's number `s` belongs. Neighbours read what lies side by side.
    static __device__ __forceinline__ void place(u32 s, bool terms_adjacent, u32& row, u32& term) {
        const u32 index = threadIdx.x + s * (GRID * GRID);
        row = terms_adjacent ? index / DEPTH : index % (GRID * SIDE);
        term = terms_adjacent ? index % DEPTH : index / (GRID * SIDE);
    }

    // Rows from `row0` below `rows`, terms from `k` below `to`.
    __device__ __forceinline__ void load(const float* x, Strides at, u64 row0, u64 rows, u64 k, u64 to) {
#pragma unroll
        for (u32 s = 0; s < SIDE; s++) {
            u32 row, term;
            place(s, at.term == 1, row, term);
            const bool there = row0 + row < rows && k + term < to;
            value[s] = there ? x[(row0 + row) * at.row + (k + term) * at.term] : 0.0f;
        }
    }

    __device__ __forceinline__ void store(float (&shared)[DEPTH][GRID * SIDE + 4], Strides at) const {
#pragma unroll
        for (u32 s = 0; s < SIDE; s++) {
            u32 row, term;
            place(s, at.term == 1, row, term);
            shared[term][row] = value[s];
        }
    }
};

// Which row (or column) of the square is number `i` of thread `thread`: four side by side, for wide reads, then the next four
// further on.
DEVICE u32 spread(u32 thread, u32 i) { return i / 4 * (GRID * 4) + thread * 4 + i % 4; }

template <u32 SIDE>
DEVICE void term_of(
    float (&acc)[SIDE][SIDE], const float (&left)[DEPTH][GRID * SIDE + 4],
    const float (&right)[DEPTH][GRID * SIDE + 4], u32 term, u32 y, u32 x) {
    float a[SIDE], b[SIDE];
#pragma unroll
    for (u32 i = 0; i < SIDE; i++) a[i] = left[term][spread(y, i)];
#pragma unroll
    for (u32 j = 0; j < SIDE; j++) b[j] = right[term][spread(x, j)];
#pragma unroll
    for (u32 i = 0; i < SIDE; i++) {
#pragma unroll
        for (u32 j = 0; j < SIDE; j++) acc[i][j] = fused(a[i], b[j], acc[i][j]);
    }
}

template <u32 SIDE>
DEVICE void product_of(
    float (&left)[DEPTH][GRID * SIDE + 4], float (&right)[DEPTH][GRID * SIDE + 4], float* c, const float* a,
    const float* b, const float* start, u64 base, u64 c_row, Strides a_at, Strides b_at, u64 m, u64 n, u64 row0,
    u64 column0, u64 from, u64 to, u64* found, u64 first) {
    const u32 x = threadIdx.x % GRID, y = threadIdx.x / GRID;
    float acc[SIDE][SIDE];
#pragma unroll
    for (u32 i = 0; i < SIDE; i++) {
#pragma unroll
        for (u32 j = 0; j < SIDE; j++) {
            const u64 row = row0 + spread(y, i), column = column0 + spread(x, j);
            acc[i][j] = start && row < m && column < n ? start[base + row * c_row + column] : 0.0f;
        }
    }
    Fetch<SIDE> next_left, next_right;
    next_left.load(a, a_at, row0, m, from, to);
    next_right.load(b, b_at, column0, n, from, to);
    for (u64 k = from; k < to; k += DEPTH) {
        next_left.store(left, a_at);
        next_right.store(right, b_at);
        __syncthreads();
        next_left.load(a, a_at, row0, m, k + DEPTH, to);
        next_right.load(b, b_at, column0, n, k + DEPTH, to);
        if (to - k >= DEPTH) {
#pragma unroll
            for (u32 term = 0; term < DEPTH; term++) term_of<SIDE>(acc, left, right, term, y, x);
        } else {
            for (u32 term = 0; term < to - k; term++) term_of<SIDE>(acc, left, right, term, y, x);
        }
        __syncthreads();
    }
#pragma unroll
    for (u32 i = 0; i < SIDE; i++) {
#pragma unroll
        for (u32 j = 0; j < SIDE; j++) {
            const u64 row = row0 + spread(y, i), column = column0 + spread(x, j);
            if (row < m && column < n) put(c, base + row * c_row + column, acc[i][j], found, first);
        }
    }
}

// A kernel for squares of `16 * SIDE` rows, with registers for at least BLOCKS blocks on a multiprocessor. Blocks: for each
// matrix, for each row of squares, each square. With a reach other than full, squares are blocks of causal attention, so that all
// of a square's rows reach equally far.
#define PRODUCT(NAME, SIDE, BLOCKS)                                                                                  \
    extern "C" __global__ void __launch_bounds__(GRID * GRID, BLOCKS)                                                \
        NAME(float* c, const float* a, const float* b, const float* start, u64 heads, u64 m, u64 n, u64 from, u64 to, \
             u32 reach, u64 a_sample, u64 a_head, u64 a_row, u64 a_term, u64 b_sample, u64 b_head, u64 b_row,        \
             u64 b_term, u64 c_sample, u64 c_head, u64 c_row, u32 tiles_m, u32 tiles_n, u64* found, u64 first) {     \
        __shared__ __align__(16) float left[DEPTH][GRID * SIDE + 4];                                                 \
        __shared__ __align__(16) float right[DEPTH][GRID * SIDE + 4];                                                \
        const u32 squares = blockIdx.x / tiles_n;                                                                    \
        const u64 matrix = squares / tiles_m;                                                                        \
        const u64 sample = matrix / heads, head = matrix % heads;                                                    \
        const u64 row0 = (u64)(squares % tiles_m) * (GRID * SIDE);                                                   \
        const u64 column0 = (u64)(blockIdx.x % tiles_n) * (GRID * SIDE);                                             \
        if (reach == REACH_UP_TO && to > row0 + CAUSAL_BLOCK) to = row0 + CAUSAL_BLOCK;                              \
        if (reach == REACH_FROM && from < row0) from = row0;                                                         \
        if (reach == REACH_COLUMNS && column0 >= row0 + CAUSAL_BLOCK) to = from;                                     \
        product_of<SIDE>(                                                                                            \
            left, right, c, a + sample * a_sample + head * a_head, b + sample * b_sample + head * b_head, start,     \
            sample * c_sample + head * c_head, c_row, Strides{a_row, a_term}, Strides{b_row, b_term}, m, n, row0,    \
            column0, from, to, found, first);                                                                        \
    }

PRODUCT(product_64, 4, 4)
PRODUCT(product_128, 8, 2)
