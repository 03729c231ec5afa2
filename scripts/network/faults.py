"""Everything that is to go wrong, and what must come of it.

A fault is a generator: it does something, gives the turn back with `yield` while it waits, and returns what there is to tell when the
fault was survived. It raises `Fell` when it was not. All of them share one run, so that nothing is survived by there being nothing else
to do.
"""

import glob
import os
import random
import re
import shutil
import signal
import time
from decimal import Decimal

from .processes import ROOT, WORKER, Failed, environment, free_port, heading, say
from .proxy import Proxy
from .tools import other_clock, second_runtime
from .training import Training, pack_spanish
from .verdict import Verdict, at, holds_blob
from .workers import names_of, read_events
from .workers import run as program

VALIDATORS, WORKERS, STAKE, SLOTS = 4, 8, 300, 3
DURATIONS = {"slotMs": 2000, "epochSlots": 10, "availability": 6, "auditSeals": 10, "window": 36, "chessClock": 20, "unbonding": 60,
             # A referendum of the root track within a minute or two.
             "referendum": {"prepare": 1, "decide": 5, "confirm": 1, "enact": 1}}
# The run of scripts/test-training with slots that take long enough to be killed in, and rounds enough for everything to go wrong in.
CHANGES = {"inner_steps": 200, "segment_steps": 40, "training": 60, "seals": 30, "availability": 14, "aggregation": 20,
           "leaves": 20, "reveals": 20}
DISK_MIB = 512
CUT_S = 60
FULL_S = 20
# How often daemons are asked for their metrics.
ASK_EVERY_S = 5
# What need not happen here: disputes are those of scripts/test-disputes, and tests/chain of the worker has one node after another fail, runs that
# are too large for a machine, and a disk that is full in the middle of work. Whether the chain takes something back is up to it.
ELSEWHERE = {"sabha_disputes_total", "sabha_disputes_open", "sabha_dispute_moves_total", "sabha_chain_reconnects_total", "sabha_duties_declined_total",
             "sabha_duties_missed_total", "sabha_work_failures_total", "sabha_duties_withdrawn_total"}
MOMENTS = ("before", "within", "after")
# What a log has of a duty, in this order, and of a checkpoint.
EVENTS = ("taken", "done", "signing", "settled", "holds")
# What it has of an audit, whose answer is sealed with a secret, and of what is told of it later.
SEALS = ("taken/audit", "done/audit", "signing/audit", "settled/audit", "signing/reveal", "settled/reveal")
# SBH for a round in which everybody does everything: three slots, an aggregator, three attesters, two auditors.
SLOT, AGGREGATION, ATTESTATION, AUDIT = Decimal("2.5"), Decimal("0.25"), Decimal("0.05"), Decimal("1.2")
PRICE = SLOTS * SLOT + AGGREGATION + 3 * ATTESTATION + 2 * AUDIT
# How long anything may take that has to happen after a fault.
PATIENCE_S = 300


class Fell(Exception):
    """A fault was not survived, or could not be tested."""


def pause(seconds):
    until_time = time.monotonic() + seconds
    while time.monotonic() < until_time:
        yield


def until(what, check, seconds=PATIENCE_S):
    """Gives the turn back until the check gives something true, which is returned."""
    until_time = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > until_time:
            raise Fell(f"{what}: not within {seconds} s")
        yield
    return found


class Stage:
    """The run in which it happens, and who has which part in it: that, too, comes from the seed."""

    def __init__(self, group, seed, rounds, chosen):
        self.group, self.folder, self.chosen = group, group.folder, chosen
        self.random = random.Random(seed)
        self.blob = second_runtime(self.folder) if "upgrade" in chosen else None
        data = pack_spanish(self.folder)
        spec = os.path.join(self.folder, "spec.toml")
        text = open(os.path.join(ROOT, "scripts/specs/training.toml")).read()
        for field, value in {"count": rounds, **CHANGES}.items():
            text, found = re.subn(rf"(?m)^{field} = \d+", f"{field} = {value}", text)
            assert found == 1, field
        with open(spec, "w") as file:
            file.write(text)
        # Its account does nothing else: what upgrades the runtime has others.
        self.training = Training(group, data, spec, DURATIONS, VALIDATORS, "Ferdie//stash")
        self.chain = self.training.chain
        heading(f"{WORKERS} workers, each with a stake of {STAKE} SBH")
        self.team = [self.training.worker(STAKE) for _ in range(WORKERS)]
        for worker in self.team:
            worker.listens()
            # A slot takes some ten seconds.
            worker.flags += ["--save-every-s", "1"]
        self.training.register()
        parts = list(self.team)
        self.random.shuffle(parts)
        self.crashing, self.skewed, self.cut, self.full, self.twin, *self.others = parts
        # Its clock does not mind, and all others have enough to bear.
        self.sealing = self.skewed
        self.second = None
        self.proxy = Proxy(self.chain.nodes[self.random.randrange(VALIDATORS)].port)
        self.no_disk = None
        # Slots whose updates nobody could have: round, attempt, slot.
        self.uncounted = []
        if "rpc" in chosen:
            self.cut.url = self.proxy.url
        if "clock" in chosen:
            self.ahead = self.random.choice((-3_600, 3_600))
            self.skewed.env |= other_clock(self.folder, self.ahead)
        if "disk" in chosen:
            self.give_disk(self.full)
        for worker in self.team:
            worker.start()
        self.training.wait_until_ready(self.team)

    def give_disk(self, worker):
        """A file system of its own, which the process alone sees and which goes with it."""
        disk = os.path.join(self.folder, "disk")
        os.makedirs(disk)
        probe = os.spawnlp(os.P_WAIT, "unshare", "unshare", "-m", "mount", "-t", "tmpfs", "none", disk)
        if probe != 0:
            self.no_disk = "not tested: a full disk needs a file system of its own, which only root may mount (in a container with SYS_ADMIN)"
            say(f"!! {self.no_disk.upper()}")
            return
        script = 'mount -t tmpfs -o size="$1" none "$0" && mkdir "$0/state" && cp "$2" "$0/state/" && shift 2 && exec "$@"'
        worker.wrap = ["unshare", "-m", "sh", "-c", script, disk, f"{DISK_MIB}m", os.path.join(worker.state, "node.key")]
        worker.state, worker.blobs, worker.inside = os.path.join(disk, "state"), os.path.join(disk, "blobs"), True
        self.disk = disk

    def keep_disk(self):
        """What the process alone sees goes with it."""
        worker = self.full
        if worker.inside and worker.alive():
            kept = os.path.join(self.folder, "kept-disk")
            # Nothing comes or goes meanwhile.
            worker.process.popen.send_signal(signal.SIGSTOP)
            try:
                shutil.copytree(worker.where(self.disk), kept, ignore=shutil.ignore_patterns("filler", "partial"))
            finally:
                worker.process.popen.send_signal(signal.SIGCONT)
            worker.state, worker.blobs, worker.inside = os.path.join(kept, "state"), os.path.join(kept, "blobs"), False

    def somebody_begins(self, workers):
        """Who begins to train next, and what: run, round, attempt, slot, generation."""
        seen = {worker: len(worker.log()) for worker in workers}

        def begun():
            for worker, length in seen.items():
                if found := re.search(r"begun task=train (\d+)/(\d+)\.(\d+)/(\d+)#(\d+)", worker.log()[length:]):
                    return worker, tuple(map(int, found.groups()))
            return None

        return (yield from until("somebody to train", begun))

    def fate(self, worker, task):
        """What became of a slot: committed, lost, or void with its round."""
        _, number, attempt, slot, generation = task
        for event in self.training.events():
            if at_or_none(event) != (number, attempt):
                continue
            if event["event"] in ("committed", "lost") and (event["slot"], event["generation"]) == (slot, generation):
                return event["event"] if event["worker"] == worker.owner else None
            if event["event"] in ("voided", "settled"):
                return "void"
        return None

    def goes_on(self, worker, what):
        """The worker lives, and something that it takes on from now on gets into the chain."""
        before = {names_of(event["task"]) for event in worker.events() if event["event"] in ("taken", "signing")}
        new = lambda: any(event["event"] == "settled" and names_of(event["task"]) not in before for event in worker.events())
        yield from until(f"{worker.name} to do a duty after {what}", new)
        if not worker.alive():
            raise Fell(f"{worker.name} has ended")

    def next_checkpoint(self):
        """The run goes on."""
        before = sum(event["event"] == "built" for event in self.training.events())
        yield from until("the next checkpoint", lambda: sum(event["event"] == "built" for event in self.training.events()) > before)


def at_or_none(event):
    return at(event) if "attempt" in event else None


def kill(stage, seeded):
    """A worker is killed while it trains, after some of it was saved: it goes on from there."""
    while True:
        worker, task = yield from stage.somebody_begins(stage.others)
        saved = os.path.join(worker.state, "*", "slots", "-".join(map(str, task)), "state.safetensors")
        trained = f"trained task=train {task[0]}/{task[1]}.{task[2]}/{task[3]}#{task[4]}"
        yield from until("its state to be saved", lambda: glob.glob(saved) or trained in worker.log())
        yield from pause(seeded.uniform(0, 1))
        worker.process.kill()
        if trained not in worker.log():
            break
        worker.start()
    length = len(worker.log())
    yield from pause(seeded.uniform(1, 5))
    worker.start()
    fate = yield from until("the slot's end", lambda: stage.fate(worker, task))
    if fate == "lost":
        raise Fell(f"{worker.name} came back, and lost slot {task[3]} of round {task[1]}.{task[2]}")
    went_on = re.search(r"going on from the parked state .*?step=(\d+)", worker.log()[length:])
    if fate == "committed" and not (went_on and int(went_on[1]) > 0):
        raise Fell(f"{worker.name} began slot {task[3]} of round {task[1]}.{task[2]} anew, of which a part was saved")
    yield from stage.goes_on(worker, "the kill")
    step = f", from step {went_on[1]} on" if went_on else ""
    return f"{worker.name} was killed in slot {task[3]} of round {task[1]}.{task[2]}: {fate}{step}"


def dies(worker, places):
    """At the first of these writes that comes. Returns which one that was, and what the last event is that its log has."""
    worker.start("--crash-at", ",".join(places))
    worker.process.must_live = False
    yield from until(f"death {' or '.join(places)}", lambda: not worker.alive(), 3 * PATIENCE_S)
    if worker.process.popen.returncode != -6:
        raise Fell(f"{worker.name} ended with {worker.process.popen.returncode}, and was to die {places}")
    place = re.findall(r"dies, as it was told to crash=(\S+)", worker.log())[-1]
    last = next(reversed([(event["event"], event.get("task", {}).get("kind")) for event in worker.events()]))
    moment, (write, _, kind) = place.split(":")[0], place.split(":")[1].partition("/")
    if moment == "after" and (last[0] != write or kind and last[1] != kind):
        raise Fell(f"{worker.name} died {place}, and the last that its log has is {last}")
    yield from pause(1)
    return place if moment == "after" else f"{place}, {last[0]} being the last"


def writes(stage, seeded):
    """A worker is killed before, within and after each write that its event log has of a duty, and so between any two of them."""
    worker = stage.crashing
    places = [f"{moment}:{event}" for event in EVENTS for moment in MOMENTS]
    seeded.shuffle(places)
    told = []
    worker.process.stop()
    for place in places:
        told.append((yield from dies(worker, [place])))
    worker.start()
    yield from stage.goes_on(worker, "all its deaths")
    return f"{worker.name} died {len(told)} times: {'; '.join(told)}"


def seals(stage, seeded):
    """A worker that audits is killed before, within and after each write about what it seals, and reveals it all the same."""
    worker = stage.sealing
    places = {f"{moment}:{event}" for event in SEALS for moment in MOMENTS}
    told = []
    worker.process.stop()
    while places:
        told.append((yield from dies(worker, sorted(places))))
        places.remove(told[-1].split(",")[0])
    worker.start()
    yield from stage.goes_on(worker, "all its deaths")
    audits = [event["task"] for event in worker.events() if event["event"] == "settled" and event["task"]["kind"] in ("audit", "reveal")]
    return f"{worker.name} died {len(told)} times: {'; '.join(told)}; {len(audits)} seals and reveals of it are in the chain"


def done_by_the_other(path):
    """How many duties, of which the chain has a result, a daemon knew and did not sign, by its event log."""
    settled, signed = set(), set()
    for event in read_events(path):
        if event["event"] in ("settled", "signing") and event["task"]["kind"] in ("train", "attest", "aggregate"):
            (settled if event["event"] == "settled" else signed).add(names_of(event["task"]))
    return len(settled - signed)


def node(stage, seeded):
    """A validator is killed, and started again on what it had written."""
    victim = stage.chain.nodes[seeded.randrange(1, VALIDATORS)]
    others = [other for other in stage.chain.nodes if other is not victim]
    before = victim.finalised()
    victim.process.kill()
    yield from pause(20)
    # Three of four are enough. What was voted on before is final by now.
    without = others[0].finalised()
    yield from until("finality without it", lambda: others[0].finalised() > without + 5)
    victim.process = None
    victim.start()
    yield from until(f"{victim.name} to catch up", lambda: victim.finalised() >= others[0].finalised() - 3 > before)
    yield from stage.next_checkpoint()
    return f"{victim.name} was killed at block {before}, and is back at {victim.finalised()}"


def disk(stage, seeded):
    """A worker's disk is full for a while."""
    if stage.no_disk:
        raise Fell(stage.no_disk)
    worker = stage.full
    length = len(worker.log())
    yield from until(f"{worker.name} to begin something", lambda: "begun task=" in worker.log()[length:])
    filler = worker.where(os.path.join(stage.disk, "filler"))
    size = 0
    with open(filler, "wb", buffering=0) as file:
        for block in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    size += file.write(bytes(block))
            except OSError:
                pass
    length = len(worker.log())
    yield from until(f"{worker.name} to say that its disk is full",
                     lambda: re.search(r"No space left|no room|disk is full", worker.log()[length:]))
    yield from pause(FULL_S)
    if not worker.alive():
        raise Fell(f"{worker.name} has ended")
    told = len(re.findall(r"No space left|no room|disk is full", worker.log()[length:]))
    os.remove(filler)
    yield from stage.goes_on(worker, "the full disk")
    return f"{worker.name} had no room ({size >> 20} MiB were taken), said so {told} times, and went on"


def served_badly(stage, manner, evidence):
    """A worker that trains serves its update with nothing, or with wrong bytes."""
    while True:
        worker, task = yield from stage.somebody_begins(stage.others)
        lengths = {other: len(other.log()) for other in stage.team if other is not worker}
        worker.process.stop()
        # Then somebody may have its update already.
        late = f"trained task=train {task[0]}/{task[1]}.{task[2]}/{task[3]}#{task[4]}" in worker.log()
        worker.start("--serve-blobs", manner)
        if (yield from until("the slot's end", lambda: stage.fate(worker, task))) == "committed" and not late:
            break
        worker.restart()
    _, number, attempt, slot, _ = task

    def over():
        return [event for event in stage.training.events() if at_or_none(event) == (number, attempt) and
                (event["event"] in ("built", "voided") or event["event"] == "phase" and event["phase"] in ("window", "final"))]

    yield from until("the round's end", over)
    felt = sum(len(re.findall(evidence, other.log()[length:])) for other, length in lengths.items())
    accepted = max((event["accepted"] or 0 for event in stage.training.events() if at_or_none(event) == (number, attempt) and event["event"] == "phase"),
                   default=0)
    went_on = any(event["event"] == "built" for event in over())
    worker.process.stop()
    told = f"slot {slot} of round {number}.{attempt} by {worker.name}; {accepted} updates counted, {'the round went on' if went_on else 'it was void'}"
    stage.uncounted.append((number, attempt, slot))
    return worker, accepted if went_on else 0, felt, told


def withheld(stage, seeded):
    """A worker trains, commits, and serves nobody."""
    worker, accepted, felt, told = yield from served_badly(stage, "nothing", "these updates never came")
    if not felt:
        raise Fell(f"no attester asked {worker.name} in vain: {told}")
    if accepted >= SLOTS:
        raise Fell(f"an update that nobody could have was counted: {told}")
    worker.start()
    yield from stage.next_checkpoint()
    yield from stage.goes_on(worker, "what it withheld")
    return told


def wrong(stage, seeded):
    """A worker trains, commits, and serves wrong bytes. Who was served so asks it no more: it comes back under another node id."""
    worker, _, felt, told = yield from served_badly(stage, "wrong", "dropped a provider")
    if not felt:
        raise Fell(f"nobody dropped {worker.name}: {told}")
    os.remove(os.path.join(worker.state, "node.key"))
    program("update", "--key", worker.owner_key, "--endpoint", worker.endpoint(), url=worker.url)
    worker.start()
    yield from stage.next_checkpoint()
    yield from stage.goes_on(worker, "the wrong bytes")
    return f"{told}; dropped {felt} times"


def truncated(stage, seeded):
    """Half of every file of a worker's store is gone - blobs, trees, pins, notes - and of the slots that it keeps; then it is killed."""
    worker = seeded.choice(stage.others)
    parts = [os.path.join(worker.blobs, "[0-9a-f][0-9a-f]", "*"), *(os.path.join(worker.blobs, part, "*") for part in ("nodes", "pins", "notes", "partial")),
             os.path.join(worker.state, "*", "slots", "**")]
    found = lambda: [path for part in parts for path in glob.glob(part, recursive=True) if os.path.isfile(path)]
    # Something of each kind that must be there; what auditors need is there in some rounds only.
    yield from until("something to be in the store", lambda: len(worker.blob_paths()) >= 2 and any("/pins/" in path for path in found()))
    worker.process.kill()
    length = len(worker.log())
    paths = found()
    pins = sum("/pins/" in path for path in paths)
    for path in paths:
        # Of a pin not at the end of a line, of 65 bytes: it would be another pin.
        os.truncate(path, os.path.getsize(path) // 2 - 3 * ("/pins/" in path))
    worker.start()
    yield from stage.goes_on(worker, "what was truncated")
    if "pins were damaged" not in worker.log()[length:]:
        raise Fell(f"{worker.name} did not say that {pins} pins were damaged")
    return f"{worker.name}: {len(paths)} files were cut in half, {pins} pins of them"


def rpc(stage, seeded):
    """A worker's only way to a node is cut for a minute."""
    worker = stage.cut
    silently = seeded.random() < 0.5
    length = len(worker.log())
    stage.proxy.cut(silently)
    yield from pause(CUT_S)
    said = "the node does not serve" in worker.log()[length:]
    alive = worker.alive()
    stage.proxy.mend()
    if not alive:
        raise Fell(f"{worker.name} has ended")
    height = lambda: worker.metrics().get('sabha_chain_height{block="best"}', 0)
    yield from until(f"{worker.name} to see new blocks", lambda: height() >= stage.chain.nodes[0].best() - 3)
    yield from stage.goes_on(worker, "the cut")
    if not said:
        raise Fell(f"{worker.name} did not say that the node does not serve")
    return f"{worker.name} was cut off {'without a word' if silently else 'by broken connections'} for {CUT_S} s"


def clock(stage, seeded):
    """A worker's clock is an hour from everybody else's, all the time."""
    worker = stage.skewed
    yield from until(f"{worker.name} to see its clock", lambda: "clock" in str(worker.health().get("problems")))
    yield from until(f"{worker.name} to do a duty", lambda: worker.settled() > 0, 3 * PATIENCE_S)
    return f"{worker.name} is {stage.ahead:+} s from the others' clocks, says so, and has {worker.settled()} results in the chain"


def twins(stage, seeded):
    """Two daemons are started with one key: of one key file, which is refused, and of a copy, which only the chain can tell."""
    worker = stage.twin
    copy = os.path.join(stage.folder, "twin.hot.json")
    shutil.copy(worker.hot_key, copy)
    state, blobs = os.path.join(stage.folder, "state-twin"), os.path.join(stage.folder, "blobs-twin")

    def second(name, key, *more):
        process = stage.group.start(name, [
            WORKER, "start", "--url", stage.chain.urls(worker.index + 1), "--key", key, "--state", state, "--blobs", blobs, "--follow", "best",
            "--dataset", stage.training.data, "--listen", f"127.0.0.1:{free_port()}", *more], environment(RAYON_NUM_THREADS="1"))
        process.must_live = False
        return process

    refused = second("twin-refused", worker.hot_key)
    yield from until("the second daemon to be refused", lambda: not refused.alive(), 60)
    if refused.popen.returncode != 8:
        raise Fell(f"a second daemon with the same key file ended with {refused.popen.returncode}, not with 8")
    stage.second = second("twin", copy)
    worker.more_states.append(state)
    yield from stage.goes_on(worker, "the other one came")
    # They stay to the end: what one of them has sealed, only that one can reveal.
    yield from stage.next_checkpoint()
    yield from stage.next_checkpoint()
    if not (worker.alive() and stage.second.alive()):
        raise Fell(f"one of two daemons with one key has ended: {stage.second.text().splitlines()[-1:]}")
    return f"{worker.name} and its twin worked side by side"


def upgrade(stage, seeded):
    """The chain's runtime is replaced, by referendum."""
    yield from stage.next_checkpoint()
    script = os.path.join(ROOT, "tests/polkadot-js/upgrade.js")
    process = stage.group.start("upgrade", ["node", script, stage.chain.nodes[0].url, stage.blob])
    process.must_live = False
    yield from until("the referendum and the upgrade", lambda: not process.alive(), 2 * PATIENCE_S)
    if process.popen.returncode != 0:
        raise Fell(f"the upgrade failed: {process.text().splitlines()[-3:]}")
    for one in stage.chain.nodes:
        yield from until(f"{one.name} to have the new runtime", lambda: one.version() == 2)
    for worker in stage.team:
        yield from until(f"{worker.name} to have seen it", lambda: worker.metrics().get("sabha_runtime_version") == 2)
    yield from stage.next_checkpoint()
    return process.text().splitlines()[-1]


# Name -> fault, and whether it goes on beside all others, with the chain's, or with the workers', one after another.
ALL = {
    "writes": (writes, "beside"), "seals": (seals, "beside"), "clock": (clock, "beside"),
    "node": (node, "chain"), "rpc": (rpc, "chain"), "upgrade": (upgrade, "chain"),
    "kill": (kill, "workers"), "disk": (disk, "workers"), "withheld": (withheld, "workers"), "wrong": (wrong, "workers"),
    "truncated": (truncated, "workers"), "twins": (twins, "workers"),
}


class Play:
    """All faults of a run: which go on, which come, and what came of them."""

    def __init__(self, stage, seed, chosen):
        self.stage, self.seed, self.outcome, self.going = stage, seed, {}, {}
        self.queues = {}
        for name in chosen:
            lane = ALL[name][1]
            self.queues.setdefault(name if lane == "beside" else lane, []).append(name)
        for queue in self.queues.values():
            stage.random.shuffle(queue)
        say("in this order: " + "; ".join(", ".join(queue) for queue in self.queues.values()))

    def turn(self):
        """Each fault that goes on has a turn; where none does, the next begins."""
        for lane, queue in self.queues.items():
            if lane not in self.going:
                if not queue:
                    continue
                name = queue.pop(0)
                self.going[lane] = (name, ALL[name][0](self.stage, random.Random(f"{self.seed} {name}")))
                say(f"-- {name}: {ALL[name][0].__doc__.strip().splitlines()[0]}")
            name, fault = self.going[lane]
            try:
                next(fault)
                continue
            except StopIteration as done:
                self.outcome[name] = (True, done.value)
            except (Fell, Failed, OSError) as why:
                self.outcome[name] = (False, f"{type(why).__name__}: {why}")
            del self.going[lane]
            survived, told = self.outcome[name]
            say(f"-- {name}: {'survived' if survived else 'NOT SURVIVED'}: {told}")

    def close(self):
        for name in [*(name for name, _ in self.going.values()), *(name for queue in self.queues.values() for name in queue)]:
            self.outcome[name] = (False, "the run was over before")


def run(group, seed, rounds, chosen):
    """Returns the problems and the last line."""
    stage = Stage(group, seed, rounds, chosen)
    training = stage.training
    training.propose(3600)
    play = Play(stage, seed, chosen)
    moved, asked = set(), 0
    while training.watch.alive():
        training.tell()
        play.turn()
        group.need_alive()
        # Each death begins them anew.
        if time.monotonic() - asked > ASK_EVERY_S:
            moved.update(name for worker in stage.team if worker.alive() for name, value in worker.metrics().items() if value)
            asked = time.monotonic()
        time.sleep(0.5)
    play.close()
    time.sleep(10)  # For the last checkpoint to be everywhere.
    stage.keep_disk()
    if stage.second:
        stage.second.stop()
    training.end()

    heading("What became of the run")
    verdict = Verdict(training)
    verdict.completed()
    merged = os.path.join(stage.folder, "all-blobs")
    for worker in stage.team:
        for path in worker.blob_paths():
            target = os.path.join(merged, os.path.relpath(path, worker.blobs))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            # Whoever cut files in half had them whole elsewhere.
            if not os.path.exists(target) or os.path.getsize(target) < os.path.getsize(path):
                shutil.copy(path, target)
    verdict.replayed(merged)
    verdict.one_act_a_task(stage.team)
    verdict.nobody_disagrees()
    verdict.ended(stage.team)
    verdict.clean(group)
    # Whoever dies at a write, and comes back at once, misses nothing by it; nor does whose clock or node is at fault.
    for worker in {stage.crashing, stage.sealing}:
        verdict.must(worker.last["missed"] == 0, f"{worker.name} missed {worker.last['missed']} duties, though it came back each time")
    last = verdict.final.get(verdict.rounds - 1)
    for worker in stage.team:
        verdict.must(last and worker.held().get(at(last)) == last["root"], f"{worker.name} does not hold the last checkpoint")
        verdict.must(last and holds_blob(worker, last["checkpoint"]), f"{worker.name} has not the last checkpoint's bytes")
        say(f"{worker.name}: {worker.last['done']} duties done, {worker.last['missed']} missed; paid {worker.last['payout_balance']} SBH")
    balanced = verdict.money(stage.team, STAKE)
    verdict.paid_once(stage.team, SLOT, AGGREGATION, ATTESTATION, AUDIT)
    for key in stage.uncounted:
        verdict.did_not_count(key)
    if set(chosen) == set(ALL):
        verdict.metrics(moved, ELSEWHERE)
    if stage.second:
        # Which of them is told depends on who came second to a duty that both did.
        said = [name for name, text in ((stage.twin.name, stage.twin.log()), ("its twin", stage.second.text())) if "two daemons use one hot key" in text]
        foreign = sum(done_by_the_other(path) for path in stage.twin.journals())
        if foreign or said:
            verdict.must(said, f"{foreign} duties were done by the other of two daemons with one key, and neither said that there are two")
        else:
            # Both signed whatever the chain asked for: the same, or it would not have been one act a task.
            say("no duty of two daemons with one key was done by one of them only")
        say(f"that two daemons use one key was said by {' and '.join(said) or 'neither'}")
    heading("Faults")
    for name in chosen:
        survived, told = play.outcome[name]
        say(f"{name:<10} {'survived' if survived else 'NOT SURVIVED'}: {told}")
        verdict.must(survived, f"{name}: {told}")
    survived = sum(good for good, _ in play.outcome.values())
    return verdict.problems, f"RESULT faults={len(chosen)} survived={survived} seed={seed} balanced={int(balanced)}"
