// Runs the threads of a block, one at a time, in phases between barriers.

#pragma once

#include "cuda.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

// The bounds of the section that shared memory lies in, from the linker.
extern "C" char __start_cuda_shared[] __attribute__((weak));
extern "C" char __stop_cuda_shared[] __attribute__((weak));

namespace cuda {

Index thread, block, block_extent, grid_extent;

[[noreturn]] static void fail(const char* what, int line) {
    std::fprintf(stderr, "CUDA on the CPU: %s (line %d, block %u, thread %u %u)\n", what, line, block.x, thread.x, thread.y);
    std::exit(2);
}

// In which order threads, and blocks, run.
enum class Order : uint32_t { Forward = 0, Reversed = 1, Permuted = 2 };

static std::vector<uint32_t> ordered(uint32_t count, Order order, uint64_t& random) {
    std::vector<uint32_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    if (order == Order::Reversed) {
        for (uint32_t i = 0; i < count; i++) all[i] = count - 1 - i;
    }
    for (uint32_t i = count; order == Order::Permuted && i > 1; i--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        std::swap(all[i - 1], all[(random >> 33) % i]);
    }
    return all;
}

// A stack on which one thread after another runs, until one has to wait.
class Fiber {
  public:
    Fiber() : stack_(mmap(nullptr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (stack_ == MAP_FAILED) fail("no memory for a stack", __LINE__);
    }

    // Runs `body` from its start; comes back when it waits, or has nothing to do.
    void start(void (*body)()) {
        getcontext(&context_);
        context_.uc_stack.ss_sp = stack_;
        context_.uc_stack.ss_size = SIZE;
        context_.uc_link = nullptr;
        makecontext(&context_, body, 0);
        resume();
    }

    // Runs on from where it waits.
    void resume() {
        void* own = nullptr;
        leaving(&own, stack_, SIZE);
        swapcontext(&home_, &context_);
        arrived(own, nullptr, nullptr);
    }

    // Waits: back to where it was started or resumed.
    void wait() {
        void* own = nullptr;
        leaving(&own, home_stack_, home_size_);
        swapcontext(&context_, &home_);
        arrived(own, &home_stack_, &home_size_);
    }

    // To be called first on a new stack.
    static void begun() { arrived(nullptr, &home_stack_, &home_size_); }

  private:
    // The address sanitiser has to know which stack is in use.
#ifdef __SANITIZE_ADDRESS__
    static void leaving(void** own, const void* to, size_t size) { __sanitizer_start_switch_fiber(own, to, size); }
    static void arrived(void* own, const void** from, size_t* size) { __sanitizer_finish_switch_fiber(own, from, size); }
#else
    static void leaving(void**, const void*, size_t) {}
    static void arrived(void*, const void**, size_t*) {}
#endif

    // Small: at every switch, the address sanitiser clears what it knows of the whole stack.
    static constexpr size_t SIZE = 1 << 15;
    void* stack_;
    ucontext_t context_{};
    static inline ucontext_t home_{};
    static inline const void* home_stack_ = nullptr;
    static inline size_t home_size_ = 0;
};

// The block that runs.
struct Block {
    std::function<void()> kernel;
    std::vector<Fiber*> idle;
    // Threads that have not begun, the next one last.
    std::vector<uint32_t> waiting_to_begin;
    // Which fiber a thread waits on, and at which line.
    std::vector<Fiber*> waits_on;
    std::vector<int> waits_at;
    Fiber* running = nullptr;
    uint32_t running_thread = 0;
};

static Block current;

static void enter(uint32_t index) {
    current.running_thread = index;
    thread = {index % block_extent.x, index / block_extent.x % block_extent.y, index / block_extent.x / block_extent.y};
}

void barrier(int line) {
    Fiber* fiber = current.running;
    current.waits_on[current.running_thread] = fiber;
    current.waits_at[current.running_thread] = line;
    fiber->wait();
}

// What a fiber does: threads that have not begun, until it is idle.
static void threads() {
    Fiber::begun();
    for (;;) {
        while (!current.waiting_to_begin.empty()) {
            enter(current.waiting_to_begin.back());
            current.waiting_to_begin.pop_back();
            current.kernel();
        }
        current.idle.push_back(current.running);
        current.running->wait();
    }
}

__attribute__((no_sanitize("address", "undefined"))) static void forget_shared_memory() {
    for (volatile char* at = __start_cuda_shared; at < __stop_cuda_shared; at++) *at = static_cast<char>(0xff);
}

// Runs all threads of one block.
static void run_block(Order order, uint64_t& random) {
    const uint32_t count = block_extent.x * block_extent.y * block_extent.z;
    forget_shared_memory();
    const auto first = ordered(count, order, random);
    current.waiting_to_begin.assign(first.rbegin(), first.rend());
    current.waits_on.assign(count, nullptr);
    current.waits_at.assign(count, 0);
    while (!current.waiting_to_begin.empty()) {
        if (current.idle.empty()) {
            current.running = new Fiber;
            current.running->start(threads);
        } else {
            current.running = current.idle.back();
            current.idle.pop_back();
            current.running->resume();
        }
    }
    for (;;) {
        // All must wait at one barrier, or all have ended.
        for (uint32_t i = 1; i < count; i++) {
            if (current.waits_at[i] != current.waits_at[0]) fail("threads are not at the same barrier", current.waits_at[i]);
        }
        if (current.waits_on[0] == nullptr) return;
        for (uint32_t i : ordered(count, order, random)) {
            current.running = current.waits_on[i];
            current.waits_on[i] = nullptr;
            current.waits_at[i] = 0;
            enter(i);
            current.running->resume();
        }
    }
}

// Runs a kernel.
static void launch(std::function<void()> kernel, Index grid, Index threads_of_block, Order order) {
    uint64_t random = 1;
    grid_extent = grid;
    block_extent = threads_of_block;
    current.kernel = std::move(kernel);
    for (uint32_t i : ordered(grid.x * grid.y * grid.z, order, random)) {
        block = {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y};
        run_block(order, random);
    }
}

}  // namespace cuda
