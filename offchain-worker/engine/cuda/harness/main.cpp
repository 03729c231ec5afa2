// Runs kernels on the CPU for tests: buffers and launches come on standard input, results go to standard output, until the
// input ends. All numbers are little-endian words of 32 or 64 bits; src/cuda/harness.rs is the other side.

#include "fibers.h"

#include "../kernels.cu"

#include <map>
#include <string>
#include <tuple>

namespace {

template <class T>
bool take(T& value) {
    return std::fread(&value, sizeof value, 1, stdin) == 1;
}

template <class T>
T need() {
    T value;
    if (!take(value)) cuda::fail("the input ends in the middle of a request", __LINE__);
    return value;
}

// A buffer of exactly its words, so that the address sanitiser sees any access beyond them.
struct Buffer {
    uint32_t count;
    uint32_t* words;
};

Buffer need_buffer() {
    const auto count = need<uint32_t>();
    auto* words = new uint32_t[count];
    if (std::fread(words, sizeof *words, count, stdin) != count) cuda::fail("a buffer is too short", __LINE__);
    return {count, words};
}

// What an argument is. Pointers are the addresses of buffers.
enum class Kind : uint32_t { Buffer = 0, Null = 1, U64 = 2, U32 = 3, F32 = 4, Found = 5 };

struct Argument {
    Kind kind;
    uint64_t bits;
};

// A kernel's parameter from an argument, which must be of its type.
template <class T>
T as(const Argument& argument) {
    bool fits;
    if constexpr (std::is_pointer_v<T>) {
        using Target = std::remove_pointer_t<T>;
        fits = argument.kind == Kind::Null || argument.kind == (sizeof(Target) == 8 ? Kind::Found : Kind::Buffer);
    } else if constexpr (std::is_same_v<T, float>) {
        fits = argument.kind == Kind::F32;
    } else {
        fits = argument.kind == (sizeof(T) == 8 ? Kind::U64 : Kind::U32);
    }
    if (!fits) cuda::fail("an argument is not of its parameter's type", __LINE__);
    T value;
    std::memcpy(&value, &argument.bits, sizeof value);
    return value;
}

using Call = std::function<void()>;

template <class... Parameters, size_t... I>
Call prepared(void (*kernel)(Parameters...), const std::vector<Argument>& arguments, std::index_sequence<I...>) {
    const std::tuple<Parameters...> values{as<Parameters>(arguments[I])...};
    return [=] { std::apply(kernel, values); };
}

template <class... Parameters>
std::function<Call(const std::vector<Argument>&)> known(void (*kernel)(Parameters...)) {
    return [=](const std::vector<Argument>& arguments) {
        if (arguments.size() != sizeof...(Parameters)) cuda::fail("a launch has too many or too few arguments", __LINE__);
        return prepared(kernel, arguments, std::index_sequence_for<Parameters...>{});
    };
}

#define KNOWN(name) {#name, known(name)}

const std::map<std::string, std::function<Call(const std::vector<Argument>&)>> KERNELS = {
    KNOWN(sum_of_two), KNOWN(divide), KNOWN(inverse_rms), KNOWN(norm_coefficient), KNOWN(swiglu), KNOWN(swiglu_grad_gate),
    KNOWN(swiglu_grad_up), KNOWN(token_loss), KNOWN(clip_factor), KNOWN(moment1), KNOWN(moment2), KNOWN(weights),
    KNOWN(nesterov_momentum), KNOWN(nesterov), KNOWN(copy), KNOWN(fill), KNOWN(insert), KNOWN(first_not_finite), KNOWN(rms_norm),
    KNOWN(rms_norm_grad), KNOWN(rms_norm_gain_term), KNOWN(softmax), KNOWN(softmax_grad), KNOWN(cross_entropy_grad), KNOWN(rope),
    KNOWN(embed), KNOWN(embed_grad), KNOWN(target_logit), KNOWN(reduce_sum), KNOWN(reduce_sum_squares), KNOWN(reduce_dot),
    KNOWN(reduce_gain_dot), KNOWN(reduce_sum_exp), KNOWN(reduce_max), KNOWN(column_sum), KNOWN(transpose), KNOWN(product_64),
    KNOWN(product_128), KNOWN(exponents), KNOWN(codes), KNOWN(decode), KNOWN(norm_cap), KNOWN(add_update), KNOWN(from_grid),
};

void run_launch(std::vector<Buffer>& buffers, uint64_t* found, cuda::Order order) {
    std::string name(need<uint32_t>(), ' ');
    for (char& letter : name) letter = static_cast<char>(need<uint8_t>());
    const auto grid = need<uint32_t>(), x = need<uint32_t>(), y = need<uint32_t>();
    std::vector<Argument> arguments(need<uint32_t>());
    for (Argument& argument : arguments) {
        argument = {need<Kind>(), need<uint64_t>()};
        if (argument.kind == Kind::Buffer) {
            argument.bits = reinterpret_cast<uint64_t>(buffers.at(argument.bits).words);
        } else if (argument.kind == Kind::Found) {
            argument.bits = reinterpret_cast<uint64_t>(found);
        }
    }
    const auto kernel = KERNELS.find(name);
    if (kernel == KERNELS.end()) {
        std::fprintf(stderr, "CUDA on the CPU: there is no kernel %s\n", name.c_str());
        std::exit(2);
    }
    if (x == 0 || y == 0 || x * y > 1024) cuda::fail("a block is empty or too large", __LINE__);
    cuda::launch(kernel->second(arguments), {grid, 1, 1}, {x, y, 1}, order);
}

}  // namespace

// A request: the order, buffers, launches. The answer: the first buffer's words, and the place of the first number that is not
// finite.
int main() {
    cuda::Order order;
    while (take(order)) {
        std::vector<Buffer> buffers(need<uint32_t>());
        for (Buffer& buffer : buffers) buffer = need_buffer();
        auto* found = new uint64_t[1]{UINT64_MAX};
        for (auto launches = need<uint32_t>(); launches > 0; launches--) {
            run_launch(buffers, found, order);
        }
        std::fwrite(buffers.at(0).words, sizeof(uint32_t), buffers.at(0).count, stdout);
        std::fwrite(found, sizeof *found, 1, stdout);
        std::fflush(stdout);
        for (Buffer& buffer : buffers) delete[] buffer.words;
        delete[] found;
    }
    return 0;
}
