// All kernels of the engine, one translation unit: sabha-numerics in a subset of CUDA C.
//
// The subset: float arithmetic through scalar.cuh only; shared memory and __syncthreads() as the only way for threads to talk,
// atomicMin on the place of the first number that is not finite as the only atomic; no warp intrinsics, no libraries, no
// headers. So a C++ compiler can build the same source for the CPU (harness/), which tests do.
//
// What has been shown, and what has not: see src/cuda/mod.rs. The same files, in this order, are what src/cuda/source.rs hands
// to the run-time compiler.

#include "coefficients.h"
#include "scalar.cuh"
#include "pointwise.cuh"
#include "rows.cuh"
#include "reduce.cuh"
#include "transpose.cuh"
#include "product.cuh"
#include "updates.cuh"
