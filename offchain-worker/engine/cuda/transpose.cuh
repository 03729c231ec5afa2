// Rows and columns exchanged, for every matrix of a batch, through squares of 32 x 32 in shared memory. The output's matrices
// stand one after another. A block is 32 threads wide (threadIdx.x) and 8 high.

#define SQUARE 32

KERNEL transpose(
    float* out, const float* x, u64 heads, u64 rows, u64 columns, u64 sample_stride, u64 head_stride, u64 row_stride,
    u32 tiles_rows, u32 tiles_columns, u64* found, u64 first) {
    __shared__ float square[SQUARE][SQUARE + 1];
    const u32 squares = blockIdx.x / tiles_columns;
    const u64 matrix = squares / tiles_rows;
    const u64 row0 = (u64)(squares % tiles_rows) * SQUARE;
    const u64 column0 = (u64)(blockIdx.x % tiles_columns) * SQUARE;
    const float* from = x + matrix / heads * sample_stride + matrix % heads * head_stride;
    for (u32 y = threadIdx.y; y < SQUARE; y += blockDim.y) {
        const u64 row = row0 + y, column = column0 + threadIdx.x;
        if (row < rows && column < columns) square[y][threadIdx.x] = from[row * row_stride + column];
    }
    __syncthreads();
    for (u32 y = threadIdx.y; y < SQUARE; y += blockDim.y) {
        const u64 row = row0 + threadIdx.x, column = column0 + y;
        if (row < rows && column < columns) {
            put(out, (matrix * columns + column) * rows + row, square[threadIdx.x][y], found, first);
        }
    }
}
