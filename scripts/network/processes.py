"""Processes of a test: started, watched and ended, with their logs in one folder. All of them end with the script, whatever happens."""

import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("SABHA_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sabha")
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(CACHE, "target")
NODE = os.environ.get("SABHA_NODE") or os.path.join(TARGET, "debug/sabha-node")
WORKER = os.environ.get("SABHA_WORKER") or os.path.join(TARGET, "debug/sabha-worker")
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """The test cannot go on."""


def say(text):
    print(text, flush=True)


def heading(text):
    say(f"\n== {text}")


def plain(text):
    """Without a terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# Empty, and removed in the end.
CONFIGURATION = tempfile.TemporaryDirectory(prefix="sabha-configuration.")


def environment(**more):
    """Nothing of the user's configuration, and nothing of theirs is touched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SABHA_", "AWS_"))}
    return {**kept, "XDG_CONFIG_HOME": CONFIGURATION.name, "NO_COLOR": "1", **more}


def need_binaries():
    for path in (NODE, WORKER):
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not there: run ./scripts/build first")


def free_port():
    """A port of which nobody is at the other end. Below Linux's range for outgoing connections, which could take it."""
    for _ in range(200):
        # Not of the seeded numbers: these differ from run to run.
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise Failed("no free port found")


def wait_for(seconds, what, check, group=None):
    """Until the check gives something true, which is returned. Fails at once when a process of the group that must live has ended."""
    until = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if group:
            group.need_alive()
        if time.monotonic() > until:
            raise Failed(f"gave up waiting for {what} after {seconds} s")
        time.sleep(0.3)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A process in a session of its own, so that Ctrl-C reaches the script alone, which then ends things in order."""

    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        # What ends by itself must be started again, or end the test.
        self.must_live = True
        # Whether it had to be, though it was told to end.
        self.killed = False
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env or environment(),
                                          start_new_session=True, preexec_fn=die_with_parent)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def text(self):
        with open(self.log, errors="replace") as file:
            return plain(file.read())

    def kill(self):
        """As a pulled plug."""
        self.must_live = False
        self.popen.kill()
        self.popen.wait()

    def stop(self, seconds=30):
        self.must_live = False
        if self.alive():
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                say(f"{self.name} did not end after SIGTERM: killing it")
                self.killed = True
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode


class Group:
    """All processes of a test."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        os.makedirs(folder, exist_ok=True)

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        self.stop(self.processes)

    @staticmethod
    def stop(processes):
        """All at once, for each of them may take a while."""
        for process in processes:
            process.must_live = False
            if process.alive():
                process.popen.terminate()
        for process in processes:
            process.stop()

    def start(self, name, command, env=None):
        process = Process(name, command, self.folder, env)
        self.processes.append(process)
        return process

    def need_alive(self):
        for process in self.processes:
            if process.must_live and not process.alive():
                last = "\n".join(process.text().splitlines()[-25:])
                raise Failed(f"{process.name} ended unexpectedly with {process.popen.returncode}; last lines of {process.log}:\n{last}")
