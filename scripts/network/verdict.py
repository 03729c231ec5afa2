"""What a run must have come to: checkpoints, acts, money. A verdict collects what is wrong, and never stops at the first."""

import glob
import itertools
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from .processes import ROOT, WORKER, environment, say
from .workers import ask, names_of, read_events, run

# Where blobs are said to come from that come out of another worker's folder.
FOLDER = "/"


class Verdict:
    """About a run that is over."""

    def __init__(self, training):
        self.training, self.problems = training, []
        # Round -> the slots whose updates its checkpoint is made of, as far as that was found.
        self.counted = {}
        self.events, self.shown = training.events(), training.shown
        self.rounds = self.shown["rounds"]
        self.built = {at(event): event for event in self.events if event["event"] == "built"}
        void = {at(event) for event in self.events if event["event"] == "voided"}
        self.void = len(void)
        self.final = {key[0]: self.built[key] for key in sorted(self.built) if key not in void}
        # The last generation of a slot is the one that counts.
        self.commits = {(*at(event), event["slot"]): event for event in self.events if event["event"] == "committed"}

    def must(self, condition, what):
        if not condition:
            self.problems.append(what)
        return bool(condition)

    def completed(self):
        shown, rounds = self.shown, self.rounds
        self.must(shown["status"] == "completed" and shown["finalised"] == rounds,
                  f"the run is {shown['status']}, {shown['finalised']} rounds final")
        self.must(sorted(self.final) == list(range(rounds)), f"checkpoints stand of the rounds {sorted(self.final)}")
        self.must(self.final.get(rounds - 1, {}).get("root") == shown["root"], "the run's checkpoint is not the last round's")

    def all_hold(self, workers):
        """Each worker's log has each checkpoint that it has and has checked against its root."""
        held = [worker.held() for worker in workers]
        for number, event in sorted(self.final.items()):
            roots = [mine.get(at(event)) for mine in held]
            have = sum(root == event["root"] for root in roots)
            self.must(have == len(workers), f"round {number}: the workers hold {roots}, {event['root']} was posted")
            say(f"round {number}: {have} of {len(workers)} workers hold {event['root'][:16]}…")

    def as_alone(self, alone):
        """One machine's rounds have every slot, so every update has to count: on an honest network that is part of what is tested."""
        slots = slots_of(self.training.spec)
        accepted = {at(event): event["accepted"] for event in self.events if event["event"] == "phase" and event["accepted"] is not None}
        for number, event in sorted(self.final.items()):
            self.must(accepted.get(at(event)) == slots, f"round {number}: {accepted.get(at(event))} of {slots} updates counted")
        same = [number for number, event in sorted(self.final.items()) if alone[number]["checkpoint"]["root"] == event["root"]]
        self.must(same == list(range(self.rounds)), f"one machine alone comes to the same checkpoints in the rounds {same} only")
        say(f"one machine alone comes to the same checkpoint in {len(same)} of {self.rounds} rounds")

    def replayed(self, blobs):
        """One machine alone executes every committed slot again, and makes each round's checkpoint of the updates that were accepted:
        where some of them were lost, nothing less shows that the rest is right."""
        training = self.training
        before_it = len(self.problems)
        place = [training.spec, "--data", training.data, "--blobs", blobs]
        accepted = {at(event): event["accepted"] for event in self.events if event["event"] == "phase" and event["accepted"] is not None}

        bases = {at(event): event["base"] for event in self.events if event["event"] == "opened"}
        for number, event in sorted(self.final.items()):
            before = self.final.get(number - 1, {}).get("checkpoint")
            self.must(bases.get(at(event)) == before, f"round {number} starts from {bases.get(at(event))}, and not from {before}")

        def base(key):
            return ["--checkpoint", bases[key]] if bases.get(key) else []

        def same_slot(key):
            number, _, slot = key
            found = run("replay", *place, "--round", str(number), "--slot", str(slot), *base(key[:2]), "--expect", self.commits[key]["update"],
                        env={"RAYON_NUM_THREADS": "1"}, check=False)
            return found.returncode == 0, found.stderr

        keys = sorted(self.commits)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for key, (same, why) in zip(keys, pool.map(same_slot, keys)):
                self.must(same, f"slot {key[2]} of round {key[0]}.{key[1]} is not what one machine alone comes to: {why.strip()}")
        for number, event in sorted(self.final.items()):
            updates = {slot: found["update"] for (*key, slot), found in self.commits.items() if tuple(key) == at(event)}
            count = accepted.get(at(event)) or 0
            tries = list(itertools.combinations(sorted(updates), count))

            def makes(slots):
                chosen = [word for slot in slots for word in ("--update", updates[slot])]
                made = run("replay", *place, "--round", str(number), *base(at(event)), "--aggregation", *chosen, "--expect", event["root"], check=False)
                return made.returncode == 0

            found = next((slots for slots in tries if makes(slots)), None)
            self.counted[number] = found or ()
            self.must(found is not None, f"round {number}: no {count} of the updates of slots {sorted(updates)} make {event['root']}")
            say(f"round {number}: {event['root'][:16]}… is made of the slots {found} of {sorted(updates)}")
        whole = len(self.problems) == before_it
        say(f"one machine alone comes to the same in all of {len(keys)} slots" if whole else "one machine alone comes to something else")

    def audited(self, auditors):
        """Every round by as many as its specification says, each another worker than the one whose slot it audits."""
        answered, seated = {}, {}
        for event in self.events:
            if event["event"] == "audits":
                answered[at(event)] = max(event["answered"], answered.get(at(event), 0))
            elif event["event"] == "auditor":
                seated.setdefault(at(event), {})[event["seat"]] = event
        for number, event in sorted(self.final.items()):
            found, seats = answered.get(at(event), 0), seated.get(at(event), {})
            self.must(found == auditors, f"round {number}: {found} auditors revealed, not {auditors}")
            self.must(len(seats) == auditors, f"round {number}: {len(seats)} auditors were drawn, not {auditors}")
            for seat in seats.values():
                trained = self.commits.get((*at(event), seat["slot"]))
                self.must(trained is not None, f"round {number}: slot {seat['slot']} is audited, and nobody committed it")
                self.must(trained is None or trained["worker"] != seat["auditor"],
                          f"round {number}: {seat['auditor']} audits its own slot {seat['slot']}")
        self.nobody_disagrees()

    def nobody_disagrees(self):
        self.must(not any(event["event"] in ("disagreement", "fault") for event in self.events), "honest workers disagree")

    def one_act_a_task(self, workers):
        """Of everything that a worker answers for one thing was signed, however often it was sent, in every log. Of two daemons with one
        key each has a log and salts of its own; what they trained and aggregated must be the same."""
        tasks = 0
        for worker in workers:
            of_all = {}
            for path in worker.journals():
                acts = {}
                for event in read_events(path):
                    if event["event"] == "signing":
                        name = names_of(event["task"])
                        acts.setdefault(name, set()).add(event["act"])
                        if event["task"]["kind"] in ("train", "aggregate"):
                            of_all.setdefault(name, set()).add(event["act"])
                tasks += len(acts)
                for task, found in acts.items():
                    self.must(len(found) == 1, f"{worker.name} signed {len(found)} different things for {task}")
            for task, found in of_all.items():
                self.must(len(found) == 1, f"two daemons of {worker.name} signed {len(found)} different things for {task}")
        say(f"one act for each of {tasks} tasks")

    def clean(self, group):
        """No process panicked, and each that was told to end did so by itself."""
        for process in group.processes:
            self.must("panicked at" not in process.text(), f"{process.name} panicked: see {process.log}")
            self.must(not process.killed, f"{process.name} did not end after SIGTERM")

    def metrics(self, moved, elsewhere):
        """What every documented metric counts has happened to some daemon, but for what can happen elsewhere only."""
        with open(os.path.join(ROOT, "docs/workers.md")) as file:
            documented = set(re.findall(r"(?m)^\| `(sabha_\w+)` \|", file.read()))
        names = {re.sub(r"_(count|sum|bucket)$", "", name.split("{")[0]) for name in moved} & documented
        still = documented - names - elsewhere
        self.must(documented and not still, f"nothing moved {', '.join(sorted(still)) or 'any metric'}")
        say(f"of {len(documented)} documented metrics {len(names)} were moved by daemons")

    def ended(self, workers):
        """Whatever a worker has taken on is in the chain, or was let go, in every log: nothing was forgotten."""
        kept, late, tasks, untold = 0, 0, 0, 0
        for worker in workers:
            for path in worker.journals():
                last = {}
                for event in read_events(path):
                    if event["event"] in ("taken", "settled", "lost", "unknown"):
                        last[names_of(event["task"])] = event
                tasks += len(last)
                kept += sum(event["event"] == "settled" for event in last.values())
                late += sum(event.get("late", False) for event in last.values())
                untold += sum(event["event"] == "unknown" for event in last.values())
                forgotten = [task for task, event in last.items() if event["event"] == "taken"]
                self.must(not forgotten, f"{worker.name} has taken on {', '.join(forgotten)}, and its log says no more of it")
        say(f"of {tasks} duties that were taken on {kept} are in the chain, {late} came too late, of {untold} it is not known, "
            f"and {tasks - kept - late - untold} were taken back")

    def money(self, workers, stake):
        """To the last unit."""
        shown = self.shown
        money = {name: Decimal(shown[name]) for name in ("funded", "regained", "paid", "refunded", "escrow", "kept")}
        got = sum(Decimal(worker.last["payout_balance"]) + Decimal(worker.last["owed"]) for worker in workers)
        stakes = sum(Decimal(worker.last["stake"]) for worker in workers)
        say(f"funded {money['funded']} + regained {money['regained']} = paid {money['paid']} + refunded {money['refunded']} + escrow {money['escrow']}")
        balanced = (
            shown["balanced"]
            and money["funded"] == Decimal(self.training.begun["funded"])
            and money["funded"] + money["regained"] == money["paid"] + money["refunded"] + money["escrow"]
            and money["escrow"] == 0 and money["kept"] == 0
            and got == money["paid"]
            and all(Decimal(worker.last["reserved"]) == 0 for worker in workers)
            # What is missing of the stakes was burnt, or came back to the escrow.
            and Decimal(stake) * len(workers) - stakes >= money["regained"]
        )
        reserved = {worker.name: worker.last["reserved"] for worker in workers if Decimal(worker.last["reserved"])}
        return self.must(balanced, f"the books do not balance: {shown}, workers got {got}, stakes are {stakes}, reserved {reserved}")

    def paid_once(self, workers, slot, aggregation, attestation, audit):
        """No more than `slot` for each update that counted, and than the others' pay for each duty that the chain has of them. Of an attempt
        at a round in which no update counted, whatever was committed may have been paid."""
        accepted = {at(event): event["accepted"] for event in self.events if event["event"] == "phase" and event["accepted"]}
        committed = {}
        for number, attempt, _ in self.commits:
            committed[number, attempt] = committed.get((number, attempt), 0) + 1
        attempts = {at(event) for event in self.events if event["event"] == "opened"}
        # Both of two daemons with one key have what either did.
        done = {(worker.owner, names_of(event["task"])): event["task"]["kind"]
                for worker in workers for path in worker.journals() for event in read_events(path) if event["event"] == "settled"}
        did = lambda kind: sum(found == kind for found in done.values())
        updates = sum(accepted.get(key, committed.get(key, 0)) for key in attempts)
        most = slot * updates + aggregation * did("aggregate") + attestation * did("attest") + audit * did("reveal")
        paid = Decimal(self.shown["paid"])
        self.must(paid <= most, f"{paid} SBH were paid for {updates} updates, {did('aggregate')} checkpoints, {did('attest')} reports and "
                                f"{did('reveal')} audits, and {most} at most were earned")
        if not self.void:
            self.must(paid == most, f"{paid} SBH were paid, and {most} were earned")
        say(f"{paid} SBH were paid, of {most} that may have been earned")

    def paid_exactly(self, workers, slot, rest):
        """As much as was earned, to the unit: `slot` for each update that counted, and `rest` for each round, of which nobody missed anything."""
        missed = sum(worker.last["missed"] for worker in workers)
        if not self.must(not self.void and not missed, f"{self.void} attempts at rounds were void, and {missed} duties missed"):
            return
        accepted = {at(event): event["accepted"] for event in self.events if event["event"] == "phase" and event["accepted"]}
        earned = sum(slot * accepted.get(at(event), 0) + rest for event in self.final.values())
        paid = Decimal(self.shown["paid"])
        self.must(paid == earned, f"{paid} SBH were paid, and {earned} earned")
        say(f"{paid} SBH were paid, as many as were earned")

    def did_not_count(self, key):
        """The update of this slot is in no checkpoint that stands."""
        number, attempt, slot = key
        event = self.final.get(number)
        if event and at(event) == (number, attempt):
            self.must(slot not in self.counted.get(number, ()), f"the update of slot {slot} in round {number}.{attempt} was served to nobody, and counted")

    def bytes(self, workers):
        """What was sent: each committed update's blob against its parameters in f32. Returns the ratio."""
        size = lambda digest: next((os.path.getsize(path) for worker in workers
                                    for path in [os.path.join(worker.blobs, digest[:2], digest)] if os.path.exists(path)), None)
        checkpoint = self.shown["checkpoint"]
        whole = size(checkpoint)
        updates = [size(event["update"]) for event in self.commits.values()]
        if not self.must(whole and all(updates), "a blob is nowhere"):
            return 1.0
        path = next(path for worker in workers for path in glob.glob(os.path.join(worker.blobs, checkpoint[:2], checkpoint)))
        # A checkpoint is parameters and momenta, four bytes each, behind a short header.
        with open(path, "rb") as file:
            fp32 = (whole - 8 - int.from_bytes(file.read(8), "little")) // 2
        ratio = max(updates) / fp32
        self.must(ratio <= 0.27, f"an update has {ratio:.4f} of its parameters' bytes in f32")
        say(f"{len(updates)} updates of {max(updates):,} bytes, {ratio:.4f} of {fp32:,} in f32")
        return ratio

    def crossed(self, workers, source):
        """Every worker's blobs came from where they were to come from, and were counted."""
        whole = 0
        for worker in workers:
            fetched = worker.fetched()
            came = sum(size for _, size in fetched)
            received = worker.last_metrics.get('sabha_blob_bytes_total{direction="received"}', 0)
            whole += came
            self.must(came > 0, f"{worker.name} fetched nothing")
            wrong = [where for where, _ in fetched if not re.match(source, where)]
            self.must(not wrong, f"{worker.name} fetched from {wrong[:3]}, which is not {source}")
            # Folders are no network. What came in a download that was stopped is counted when it comes, and told when it is whole.
            self.must(source == FOLDER or received >= came, f"{worker.name} counted {received:.0f} bytes received, and told of {came}")
            done, missed = worker.last["done"], worker.last["missed"]
            say(f"{worker.name}: downloaded {came:,} bytes in {len(fetched)} blobs; {done} duties done, {missed} missed; "
                f"paid {worker.last['payout_balance']} SBH")
        counted = {}
        for direction in ("sent", "uploaded"):
            name = f'sabha_blob_bytes_total{{direction="{direction}"}}'
            counted[direction] = sum(worker.last_metrics.get(name, 0) for worker in workers)
        say(f"{whole:,} bytes downloaded in all, {counted['sent']:,.0f} sent to workers, {counted['uploaded']:,.0f} to an object store")
        return counted

    def caught_up(self, worker):
        """It came late with nothing, and has the last checkpoint: its blob is what its name says."""
        last = self.final.get(self.rounds - 1)
        if not self.must(last is not None, "there is no last checkpoint"):
            return
        self.must(worker.held().get(at(last)) == last["root"], f"{worker.name}, which came late, does not hold the last checkpoint")
        self.must(holds_blob(worker, last["checkpoint"]), f"{worker.name}, which came late, has not the last checkpoint's bytes")
        say(f"{worker.name} came late with an empty store: holds {len(worker.held())} checkpoints, the last one too")

    def loss(self, blobs):
        found = ask("model", "evaluate", "--checkpoint", self.shown["checkpoint"], "--blobs", blobs, "--spec", self.training.spec,
                           "--data", self.training.data)
        untrained, trained = found["untrained"], found["trained"]
        say(f"untrained {untrained:.3f}, trained {trained:.3f} nats per byte")
        drop = 100 * (1 - trained / untrained)
        self.must(drop > 0, f"the held-out loss did not fall: from {untrained} to {trained}")
        return drop


def at(event):
    return event["round"], event["attempt"]


def slots_of(spec):
    return int(re.search(r"^slots = (\d+)", open(spec).read(), re.M)[1])


def holds_blob(worker, digest):
    """Whether the worker's folder has the blob, and its bytes are those that its name says."""
    path = os.path.join(worker.blobs, digest[:2], digest)
    if not os.path.exists(path):
        return False
    scratch = os.path.join(worker.group.folder, "scratch")
    added = subprocess.run([WORKER, "--json", "blob", "add", path, "--blobs", scratch], capture_output=True, text=True, env=environment())
    return added.returncode == 0 and json.loads(added.stdout)[0]["digest"] == digest
