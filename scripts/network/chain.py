"""Validators: their chain, how they are asked, killed and started again."""

import json
import os
import subprocess
import urllib.error
import urllib.request

from .processes import NODE, Failed, environment, free_port, say, wait_for

NAMES = ("alice", "bob", "charlie", "dave")


def specification(preset, validators, durations, path):
    """The preset's specification with the first so many of its validators, and with these durations in the place of its own."""
    exported = subprocess.run([NODE, "export-chain-spec", "--chain", preset], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    if exported.returncode != 0:
        raise Failed(f"export-chain-spec failed: {exported.stderr.decode()}")
    spec = json.loads(exported.stdout)
    genesis = spec["genesis"]["runtimeGenesis"]
    config = genesis.get("patch") or genesis["config"]
    if validators < len(config["session"]["keys"]):
        config["session"]["keys"] = config["session"]["keys"][:validators]
        config["validators"]["validators"] = config["validators"]["validators"][:validators]
    known = config["timing"]["durations"]
    if unknown := set(durations) - set(known):
        raise Failed(f"the preset has no durations {sorted(unknown)}; it has {sorted(known)}")
    known.update(durations)
    with open(path, "w") as file:
        json.dump(spec, file)


class Node:
    """A validator."""

    def __init__(self, chain, index):
        self.chain, self.name = chain, NAMES[index]
        self.key = f"{index + 1:064d}"
        self.p2p, self.port = free_port(), free_port()
        self.base = os.path.join(chain.group.folder, f"db-{self.name}")
        self.process = None

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def start(self, wait=True):
        lone = ["--force-authoring"] if self.chain.count == 1 else []
        boot = ["--bootnodes", self.chain.boot] if self.chain.boot else []
        self.process = self.chain.group.start(self.name, [
            NODE, "--chain", self.chain.spec, f"--{self.name}", "--validator", "--base-path", self.base,
            "--listen-addr", f"/ip4/127.0.0.1/tcp/{self.p2p}", "--rpc-port", str(self.port), "--no-prometheus", "--no-telemetry",
            # A proxy has another port than the node, which would refuse it else.
            "--rpc-cors", "all", "--node-key", self.key, *boot, *lone])
        if wait:
            self.wait_until_it_answers()

    def wait_until_it_answers(self):
        wait_for(300, f"{self.name} to answer", lambda: self.ask("system_health"), self.chain.group)

    def ask(self, method, *parameters):
        """The result, or None while the node does not answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}", body, {"Content-Type": "application/json"})
        try:
            answer = json.load(urllib.request.urlopen(request, timeout=5))
        except (OSError, ValueError, urllib.error.URLError):
            return None
        if "error" in answer:
            raise Failed(f"{self.name} refuses {method}: {answer['error']}")
        return answer["result"]

    def number(self, *at):
        header = self.ask("chain_getHeader", *at)
        return int(header["number"], 16) if header else -1

    def best(self):
        return self.number()

    def finalised(self):
        head = self.ask("chain_getFinalizedHead")
        return self.number(head) if head else -1

    def version(self):
        version = self.ask("state_getRuntimeVersion")
        return version["specVersion"] if version else None


class Chain:
    """Some validators of one chain."""

    def __init__(self, group, count, durations, preset="local"):
        self.group, self.count, self.boot = group, count, None
        self.spec = os.path.join(group.folder, "chain.json")
        specification(preset, count, durations, self.spec)
        self.nodes = [Node(self, index) for index in range(count)]
        self.nodes[0].start()
        peer = self.nodes[0].ask("system_localPeerId")
        self.boot = f"/ip4/127.0.0.1/tcp/{self.nodes[0].p2p}/p2p/{peer}"
        for node in self.nodes[1:]:
            node.start(wait=False)
        for node in self.nodes[1:]:
            node.wait_until_it_answers()
        for node in self.nodes:
            wait_for(300, f"{node.name} to finalise", lambda node=node: node.finalised() >= 1, group)
        say(f"finalised block {self.nodes[0].finalised()} on {count} validators")

    def urls(self, first):
        """The addresses of two nodes, if there are two, for one worker: of the node `first`, and of the next."""
        chosen = [self.nodes[(first + more) % self.count].url for more in range(min(2, self.count))]
        return ",".join(dict.fromkeys(chosen))
