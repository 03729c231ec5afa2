"""Workers: their keys, their daemons, and what these wrote down."""

import glob
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

from .processes import WORKER, Failed, environment, free_port

OWNERS = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "Alice//stash", "Bob//stash", "Charlie//stash")


def run(*arguments, url=None, stdin=None, env=None, check=True):
    """The worker's program with these arguments; what it prints."""
    told = {"SABHA_URL": url} if url else {}
    done = subprocess.run([WORKER, *arguments], input=stdin, text=True, capture_output=True, env=environment(**told, **(env or {})))
    if check and done.returncode != 0:
        raise Failed(f"sabha-worker {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout if check else done


def ask(*arguments, **options):
    return json.loads(run("--json", *arguments, **options))


def read_events(path):
    """The lines of an event log, or of what `run watch` tells. The last one may be half written at this moment."""
    with open(path, errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                yield event


def names_of(task):
    """A task of an event log, in the words of the daemon's own log."""
    return f"{task['kind']} {task['run']}/{task['round']['round']}.{task['round']['attempt']}/{task['place']}#{task['generation']}"


class Worker:
    """A worker with an owner's key, a hot key and a payout account that is new, so that its balance is its pay."""

    def __init__(self, group, index, url, stake):
        self.group, self.index, self.url, self.stake = group, index, url, stake
        self.name = f"worker-{index}"
        folder = group.folder
        path = lambda what: os.path.join(folder, f"{self.name}.{what}.json")
        self.owner_key, self.hot_key, self.payout_key = path("owner"), path("hot"), path("payout")
        self.state, self.blobs = os.path.join(folder, f"state-{index}"), os.path.join(folder, f"blobs-{index}")
        self.metrics_port = free_port()
        self.listen = None
        self.flags, self.env = [], {}
        # What a start is wrapped in: a file system of its own, another clock.
        self.wrap = []
        self.process = None
        # Blobs and state may be in a file system that only the process sees.
        self.inside = False
        # Of other daemons with the same key.
        self.more_states = []
        run("key", "import", self.owner_key, "--from", "-", stdin=f"//{OWNERS[index]}")
        run("key", "generate", self.hot_key)
        run("key", "generate", self.payout_key)
        self.owner = ask("key", "show", self.owner_key)["account"]
        self.account = ask("key", "show", self.hot_key)["account"]

    def listens(self):
        """Blobs are served over the network, at an address that is the same after each start."""
        self.listen = f"127.0.0.1:{free_port()}"
        self.flags += ["--listen", self.listen]

    def endpoint(self):
        return run("blob", "address", "--state", self.state, "--listen", self.listen).strip()

    def register(self):
        payout = ask("key", "show", self.payout_key)["account"]
        endpoint = ["--endpoint", self.endpoint()] if self.listen else []
        run("register", *endpoint, "--key", self.owner_key, "--hot-key", self.account, "--payout", payout, "--stake", str(self.stake),
            "--fund", "5", url=self.url)

    def start(self, *more, ready=True, env=None):
        flags = [*self.flags, *(["--ready"] if ready else []), *more]
        self.process = self.group.start(self.name, [
            *self.wrap, WORKER, "start", "--url", self.url, "--key", self.hot_key, "--state", self.state, "--blobs", self.blobs,
            "--follow", "best", "--metrics-listen", f"127.0.0.1:{self.metrics_port}", *flags,
        ], environment(**self.env, **(env or {})))

    def restart(self, *more):
        self.process.stop()
        self.start(*more)

    def alive(self):
        return self.process is not None and self.process.alive()

    def log(self):
        return self.process.text() if self.process else ""

    def where(self, path):
        return f"/proc/{self.process.pid}/root{path}" if self.inside else path

    def journals(self):
        return [path for state in (self.where(self.state), *self.more_states) for path in glob.glob(os.path.join(state, "*", "events.jsonl"))]

    def events(self):
        return [event for path in self.journals() for event in read_events(path)]

    def settled(self):
        return sum(event["event"] == "settled" for event in self.events())

    def held(self):
        """The roots of the checkpoints that it has and has checked, by round and attempt."""
        return {(event["round"]["round"], event["round"]["attempt"]): event["checkpoint"]["root"]
                for event in self.events() if event["event"] == "holds"}

    def status(self, *more):
        return ask("status", "--key", self.owner_key, *more, url=self.url)

    def ask_http(self, path):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/{path}", timeout=5).read().decode()
        except urllib.error.HTTPError as error:
            # Not healthy: what is said about that is what was asked for.
            return error.read().decode()
        except (OSError, urllib.error.URLError):
            return ""

    def metrics(self):
        """Name with labels -> number, since the daemon's start."""
        lines = (line.rsplit(" ", 1) for line in self.ask_http("metrics").splitlines() if line and not line.startswith("#"))
        return {name: float(number) for name, number in lines}

    def health(self):
        try:
            return json.loads(self.ask_http("health"))
        except ValueError:
            return {}

    def fetched(self):
        """From whom blobs came, and how many bytes: of all that its log tells."""
        return [(source, int(size)) for size, source in re.findall(r"fetched a blob .*?bytes=(\d+) from=(.*)", self.log())]

    def blob_paths(self):
        return glob.glob(os.path.join(self.where(self.blobs), "[0-9a-f][0-9a-f]", "*"))
