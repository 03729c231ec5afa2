"""Makes empty stand-ins for the CUDA libraries that PyTorch's Linux wheel is linked against, so that its CPU part loads.

The wheel's libraries name some fourteen libraries of CUDA, larger than PyTorch itself, that nothing on a CPU ever calls, and
the loader wants each of them with each of its symbols. A stand-in has the symbols and nothing behind them: every function answers
"no device". `torch.cuda.is_available()` is then False, as it is with the real libraries on a machine without a GPU.

Needs `objdump` and `nm` (binutils) and a C compiler. Used by scripts/torch/setup.
"""

import os
import re
import subprocess
import sys
import tempfile

# Symbols without a version, by the prefix of their library. Whatever else has no version belongs to C++'s or C's runtime.
UNVERSIONED = {"nccl": "libnccl.so", "cuFile": "libcufile.so", "cusparseLt": "libcusparseLt.so"}
NO_DEVICE = 100  # cudaErrorNoDevice
# Those that return text.
TEXTS = re.compile(r"Get(Error|LastError|Status)(String|Name)$")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def present(soname, folder):
    return os.path.exists(os.path.join(folder, soname)) or soname in output("/sbin/ldconfig", "-p").split()


def wanted(folder):
    """{library's name: {symbol: version or None}} of all that the libraries in `folder` need and nobody has."""
    missing, versions, symbols = {}, {}, set()
    for name in sorted(os.listdir(folder)):
        if not re.search(r"\.so(\.\d+)*$", name):
            continue
        path = os.path.join(folder, name)
        head = output("objdump", "-p", path)
        for soname in re.findall(r"^  NEEDED +(\S+)", head, re.M):
            if not present(soname, folder):
                missing.setdefault(soname, {})
        origin = None
        for line in head.split("Version References:")[-1].split("\n"):
            if found := re.match(r"  required from (\S+):", line):
                origin = found[1]
            elif origin and (found := re.match(r"    0x\S+ 0x\S+ \d+ (\S+)", line)):
                # `libcudart.so.13` is a version of one library only; GLIBC's are of libraries that are there.
                versions[found[1]] = origin
        symbols.update(re.findall(r"^\s+U (\S+)", output("nm", "-D", "--undefined-only", path), re.M))
    for symbol in sorted(symbols):
        name, _, version = symbol.partition("@")
        version = version.lstrip("@") or None
        if version:
            owner = versions.get(version)
        else:
            stem = next((stem for prefix, stem in UNVERSIONED.items() if name.startswith(prefix)), None)
            owner = next((soname for soname in missing if stem and soname.startswith(stem)), None)
        if owner in missing:
            missing[owner][name] = version
    return missing


def build(soname, symbols, folder, work):
    source, script, versions = [], [], {}
    for name, version in symbols.items():
        text = TEXTS.search(name)
        head, answer = ("const char *", '"no CUDA here"') if text else ("long ", NO_DEVICE)
        source.append(f"{head}{name}(void) {{ return {answer}; }}")
        versions.setdefault(version, []).append(name)
    for version, names in versions.items():
        if version:
            script.append(f"{version} {{ global: {'; '.join(names)}; }};")
    c, map_file = os.path.join(work, "stand_in.c"), os.path.join(work, "stand_in.map")
    with open(c, "w") as file:
        file.write("\n".join(source) + "\n")
    with open(map_file, "w") as file:
        file.write("\n".join(script) + "\n")
    command = ["cc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{soname}", "-o", os.path.join(folder, soname), c]
    subprocess.run(command + ([f"-Wl,--version-script={map_file}"] if script else []), check=True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: stand_ins.py FOLDER-OF-TORCH'S-LIBRARIES")
    folder = sys.argv[1]
    # What an earlier run made belongs to the PyTorch that was there then.
    record = os.path.join(folder, "stand-ins.txt")
    if os.path.exists(record):
        for soname in open(record).read().split():
            if os.path.exists(os.path.join(folder, soname)):
                os.remove(os.path.join(folder, soname))
    libraries = wanted(folder)
    with open(record, "w") as file:
        file.write("".join(f"{soname}\n" for soname in libraries))
    with tempfile.TemporaryDirectory() as work:
        for soname, symbols in libraries.items():
            build(soname, symbols, folder, work)
    print(f"{len(libraries)} stand-ins, {sum(map(len, libraries.values()))} symbols")


if __name__ == "__main__":
    main()
