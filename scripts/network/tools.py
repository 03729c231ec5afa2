"""What faults need besides node and worker: another runtime, another clock."""

import os
import shutil
import subprocess

from .processes import CACHE, ROOT, Failed, say

TARGET = os.path.join(CACHE, "target-upgrade")
# As substrate-wasm-builder links the blob of a chain.
WASM_FLAGS = "-C link-arg=--export-table -C link-arg=--import-memory -C link-arg=--export=__heap_base --cfg substrate_runtime"
# In front of a compressed blob, as nodes know it.
ZSTD_PREFIX = bytes([82, 188, 83, 118, 70, 219, 142, 5])
SECOND_VERSION = "2"

# Every function by which a program of this machine reads the time of day. What counts seconds since a start stays as it is.
CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long ahead(void) { const char *text = getenv("CLOCK_AHEAD_S"); return text ? atol(text) : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int code = real(now, zone);
    if (code == 0) now->tv_sec += ahead();
    return code;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


def need(program, why, remedy):
    if not shutil.which(program):
        raise Failed(f"{program} is not there, which {why} needs: {remedy}")


def other_clock(folder, seconds):
    """The environment of a program whose clock is so many seconds ahead."""
    need("cc", "another clock", "install a C compiler")
    source, library = os.path.join(folder, "clock.c"), os.path.join(folder, "clock.so")
    with open(source, "w") as file:
        file.write(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    environment = {"LD_PRELOAD": library, "CLOCK_AHEAD_S": str(seconds)}
    # That it works is part of what is tested.
    told = subprocess.run(["date", "+%s"], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True).stdout
    real = subprocess.run(["date", "+%s"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if abs(int(told) - int(real) - seconds) > 5:
        raise Failed(f"the clock is {int(told) - int(real)} s ahead, and not {seconds}")
    return environment


def second_runtime(folder):
    """A blob of this runtime with the next spec_version, compressed: `SABHA_UPGRADE_WASM` names a file that is there already, packed or not."""
    need("node", "the upgrade of the runtime", "install Node.js")
    if not os.path.isdir(os.path.join(ROOT, "tests/polkadot-js/node_modules")):
        raise Failed("tests/polkadot-js/node_modules is not there: run `npm ci` in tests/polkadot-js, or ./scripts/setup")
    wasm = os.environ.get("SABHA_UPGRADE_WASM")
    if not wasm:
        say(f"builds a runtime with spec_version {SECOND_VERSION}; the first time that takes ten minutes")
        subprocess.run(
            ["cargo", "rustc", "--locked", "--quiet", "--package", "sabha-runtime", "--lib", "--target", "wasm32v1-none", "--release",
             "--no-default-features", "--crate-type", "cdylib"],
            cwd=ROOT, check=True,
            env={**os.environ, "RUSTFLAGS": WASM_FLAGS, "CARGO_TARGET_DIR": TARGET, "SABHA_SPEC_VERSION": SECOND_VERSION})
        wasm = os.path.join(TARGET, "wasm32v1-none/release/sabha_runtime.wasm")
    with open(wasm, "rb") as file:
        if file.read(len(ZSTD_PREFIX)) == ZSTD_PREFIX:
            return wasm
    need("zstd", "the upgrade of the runtime", "install zstd")
    packed = subprocess.run(["zstd", "-q", "-12", "-c", wasm], stdout=subprocess.PIPE, check=True).stdout
    path = os.path.join(folder, "runtime-2.wasm")
    with open(path, "wb") as file:
        file.write(ZSTD_PREFIX + packed)
    return path
