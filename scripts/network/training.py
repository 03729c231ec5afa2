"""A chain, its workers and a run: how every test of training begins, goes on and ends."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from . import workers as program
from .chain import Chain
from .processes import ROOT, WORKER, Failed, environment, free_port, heading, say, wait_for
from .workers import Worker, ask, run

# What is told of a run as it goes on.
TOLD = ("committed", "built", "voided", "disagreement", "fault", "lost", "status", "auditor", "audits", "paid")


def pack_spanish(folder):
    """The Reina-Valera of 1909, public domain, packed."""
    heading("Data: the Reina-Valera of 1909, public domain")
    text, data = os.path.join(folder, "spanish.txt"), os.path.join(folder, "spanish")
    subprocess.run([os.path.join(ROOT, "scripts/corpus"), text], check=True)
    say(run("data", "pack", text, "--out", data, "--title", "Reina-Valera 1909", "--language", "es", "--licence", "CC-PDDC").strip())
    return data


class Training:
    """The whole of it. `sponsor` names the account that pays for the run."""

    def __init__(self, group, data, spec, durations, validators, sponsor="Alice"):
        self.group, self.folder, self.data, self.spec = group, group.folder, data, spec
        heading(f"A chain of {validators} validators" if validators > 1 else "A chain of one validator")
        self.chain = Chain(group, validators, durations, "local" if validators > 1 else "dev")
        self.url = self.chain.nodes[0].url
        self.sponsor = os.path.join(self.folder, "sponsor.json")
        run("key", "import", self.sponsor, "--from", "-", stdin=f"//{sponsor}")
        self.workers, self.run, self.watch, self.told = [], None, None, 0

    def worker(self, stake, url=None):
        """One more worker, not registered yet."""
        index = len(self.workers)
        worker = Worker(self.group, index, url or self.chain.urls(index), stake)
        worker.flags += ["--dataset", self.data]
        # Many on few cores: each takes one.
        worker.env["RAYON_NUM_THREADS"] = "1"
        self.workers.append(worker)
        return worker

    def by_store(self, server, workers):
        """Blobs go by an object store alone: of the S3 protocol, by a real server."""
        objects = os.path.join(self.folder, "objects")
        os.makedirs(os.path.join(objects, "bucket"), exist_ok=True)
        keys = {"AWS_ACCESS_KEY_ID": "test-training", "AWS_SECRET_ACCESS_KEY": os.urandom(16).hex()}
        port = free_port()
        self.group.start("s3", [server, objects, str(port)], environment(**keys))
        for worker in workers:
            worker.flags += ["--store", "s3://bucket/blobs"]
            worker.env |= {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "anywhere"}

    def register(self):
        """All at once: each waits for a block."""
        with ThreadPoolExecutor(len(self.workers)) as pool:
            list(pool.map(Worker.register, self.workers))

    def wait_until_ready(self, workers):
        for worker in workers:
            wait_for(300, f"{worker.name} to be ready", lambda: worker.status()["status"] == "ready", self.group)
        say("all are ready")
        # Draws are from sets that are frozen when a session begins: the run waits for one that has all of them.
        node = self.chain.nodes[0]
        from_block = node.best()
        wait_for(300, "the next session", lambda: node.best() >= from_block + 10, self.group)

    def propose(self, timeout):
        heading("A run")
        say(run("run", "check", self.spec, "--data", self.data).strip())
        proposed = ask("run", "propose", self.spec, "--data", self.data, "--key", self.sponsor, "--pay", url=self.url)
        self.run = proposed["run"]
        say(f"run {self.run} is proposed, its budget of {proposed['goal']} SBH in escrow")
        self.begun = ask("run", "show", str(self.run), url=self.url)
        heading("Rounds")
        self.watch = self.group.start("watch", [WORKER, "--json", "--url", self.url, "run", "watch", str(self.run), "--until-final",
                                                "--timeout", str(timeout)])
        # It ends when the run does.
        self.watch.must_live = False

    def events(self):
        return list(program.read_events(self.watch.log))

    def tell(self):
        """What has happened since it was told last, in few words. Returns the events."""
        events = self.events()
        for event in events[self.told:]:
            if event["event"] in TOLD:
                short = lambda value: value[:12] + "…" if isinstance(value, str) and len(value) > 20 else value
                rest = " ".join(f"{key}={short(value)}" for key, value in event.items() if key not in ("event", "block", "run"))
                say(f"  block {event['block']:>4}  {event['event']:<12} {rest}")
        new, self.told = events[self.told:], len(events)
        return new

    def end(self):
        """After the run: what the chain says of it, and every worker of itself; then all daemons stop."""
        self.tell()
        if self.watch.popen.wait() != 0:
            raise Failed(f"the run did not end as it should: {self.watch.text().splitlines()[-1:]}")
        self.shown = ask("run", "show", str(self.run), "--finalised", url=self.url)
        for worker in self.workers:
            worker.last = worker.status("--finalised")
            worker.last_metrics = worker.metrics() if worker.alive() else {}
        self.group.stop([worker.process for worker in self.workers if worker.process])

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "w") as file:
            json.dump(value, file)
