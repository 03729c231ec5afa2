"""Tables of the documentation that come from the sources. Used by scripts/check-docs, which writes and compares them."""

import re

UNITS = 10**12
DURATIONS = "pallets/timing/src/durations.rs"
PRESETS = ("development", "local_testnet", "live")
# Where a constant's own comment relies on what stands around it.
TITLES = {
    "UNITS": "Plancks, the smallest unit, in one SBH",
    "MAXIMUM_WEIGHT": "Most work of a block",
    "MAXIMUM_LENGTH": "Most bytes of a block",
    "TREASURY_SHARE": "The treasury's share of a fee",
    "OPERATIONAL_MULTIPLIER": "An operational transaction's priority, in multiples of its fee",
}


def read(path):
    with open(path) as file:
        return file.read()


def evaluate(expression, names):
    """A Rust constant's value: whole numbers and names only."""
    plain = re.sub(r"(?<=\d)_(?=\d)", "", expression)
    plain = re.sub(r"[\w:]*?(\w+)\b", lambda found: found[1], plain).replace("/", "//")
    if not re.fullmatch(r"[\w\s()*+/-]+", plain):
        return None
    try:
        return eval(plain, {"__builtins__": {}}, dict(names))  # noqa: S307 (checked above, our own sources)
    except NameError:
        return None


def sbh(value):
    whole, rest = divmod(value, UNITS)
    return f"{whole:,}" + (f".{rest:012}".rstrip("0") if rest else "") + " SBH"


def document(lines):
    """The first sentence of a doc comment."""
    text = " ".join(line.strip()[3:].strip() for line in lines)
    text = re.sub(r"\[`?([^`\]]+)`?\]", r"`\1`", text)
    return re.split(r"(?<=[.;:])\s", text + " ")[0].rstrip(".;: ")


def shown(name, kind, expression, names):
    """A constant's value, for people."""
    percent = re.search(r"from_percent\((\d+)\)", expression)
    if percent:
        return f"{percent[1]} %"
    pot = re.search(r'PalletId\(\*b"(.+)"\)', expression)
    if pot:
        return f"`{pot[1]}`"
    if expression.startswith('"'):
        return expression.strip('"')
    split = re.findall(r'\(b"(\w+)", (\d+)\)', expression)
    if split:
        return ", ".join(f"{key} {share} %" for key, share in split)
    if "WEIGHT_REF_TIME_PER_SECOND" in expression:
        return expression.split("from_parts(")[1].split(" *")[0] + " s of reference time"
    value = evaluate(expression, names)
    if value is None:
        return f"`{expression}`"
    if kind == "Balance":
        names[name] = value
        if name == "UNITS":
            return f"{value:,}"
        return sbh(value)
    if name.endswith("_MS") and value < 10**9:
        return f"{value // 1000:,} s"
    if name == "MAXIMUM_LENGTH":
        return f"{value // 2**20} MiB"
    return f"{value:,}" + (" ms" if name.endswith("_MS") else " %" if name.endswith("_PERCENT") else "")


def constants():
    """Every constant of runtime/src/constants.rs: what, value, name."""
    rows, names, module, docs = [], {}, None, []
    text = re.sub(r"=\n\s+", "= ", read("runtime/src/constants.rs"))
    for line in text.split("\n"):
        if found := re.match(r"pub mod (\w+)", line):
            module, docs = found[1], []
        elif line.strip().startswith("///"):
            docs.append(line)
        elif found := re.match(r"\s*pub const (\w+): (.+?) = (.+);$", line):
            name, kind, expression = found.groups()
            value = shown(name, kind, expression, names)
            rows.append(f"| {TITLES.get(name) or document(docs)} | {value} | `{module}::{name}` |")
            docs = []
        else:
            docs = []
    return "| what | value | constant |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def presets():
    """{preset: {field: value}}; a referendum's clocks are `referendum.prepare` and so on."""
    text, found = read(DURATIONS), {}
    for preset in PRESETS:
        body = re.search(r"pub const fn " + preset + r"\(\) -> Self \{(.*?)\n    \}", text, re.S)[1]
        names = {}
        for name, expression in re.findall(r"const (\w+): u32 = (.+?);", body):
            names[name] = evaluate(expression, names)
        clocks = re.search(r"referendum: ReferendumClocks \{(.*?)\}", body, re.S)[1]
        rest = body.replace(clocks, "")
        pairs = [("referendum." + name, value) for name, value in re.findall(r"(\w+): ([^,]+)", clocks)]
        pairs += re.findall(r"(\w+): ([\w\s*]+),", rest)
        found[preset] = {name: evaluate(value.strip(), names) for name, value in pairs}
    return found


def time(blocks, slot_ms):
    """A number of blocks as a time: 1 h, 7 d."""
    seconds = blocks * slot_ms // 1000
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds % size == 0 or (size == 60 and seconds > 600):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def durations():
    """The durations of each preset, with the field's name and what it means."""
    values, text = presets(), read(DURATIONS)
    rows = []
    for field in values["live"]:
        name = field.split(".")[-1]
        docs = re.search(r"((?:    /// .*\n)+)    pub " + name + ":", text)[1].rstrip().split("\n")
        cells = []
        for preset in PRESETS:
            value, slot = values[preset][field], values[preset]["slot_ms"]
            if field == "slot_ms":
                cells.append(f"{value // 1000} s")
            elif field == "epoch_slots":
                cells.append(f"{value} slots")
            else:
                cells.append(f"{value:,}" + (f" ({time(value, slot)})" if preset == "live" else ""))
        rows.append(f"| {document(docs)} | {' | '.join(cells)} | `{field}` |")
    head = "| what | " + " | ".join(f"`{preset}`" for preset in PRESETS) + " | field |\n" + "|---" * 5 + "|\n"
    return head + "\n".join(rows) + "\n"


def shapes():
    """(name, at most deciding at once, deposit, {clock: (numerator, denominator)}, approval, support)"""
    text = read("runtime/src/governance/tracks.rs")
    for body in re.findall(r"    Shape \{(.*?)\n    \},", text, re.S):
        fields = dict(re.findall(r"(\w+): (.+?),\n", body + "\n"))
        clocks = {clock: tuple(map(int, re.search(r"Times\((\d+), (\d+)\)", fields[clock]).groups()))
                  for clock in ("prepare", "decide", "confirm", "enact")}
        yield (fields["name"].strip('"'), int(fields["max_deciding"]), evaluate(fields["decision_deposit"], {"UNITS": UNITS}),
               clocks, fields["min_approval"], fields["min_support"])


def curve(text):
    """What a curve asks for at the beginning and the end."""
    kind, arguments = re.match(r"(\w+)\((.*)\)", text).groups()
    numbers = [int(number) for number in arguments.split(",")]
    if kind == "linear":
        return f"{numbers[1]} % → {numbers[0]} %"
    delay, level, floor, ceil = numbers
    return f"{ceil} % → {level} % at {delay} % of the time → {floor} %"


def tracks(preset):
    times = presets()[preset]
    rows = []
    for number, (name, deciding, deposit, clocks, approval, support) in enumerate(shapes()):
        cells = []
        for clock, (over, under) in clocks.items():
            blocks = max(1, times["referendum." + clock] * over // under)
            cells.append(time(blocks, times["slot_ms"]) if preset == "live" else str(blocks))
        row = [str(number), f"`{name}`", *cells]
        if preset == "live":
            row += [f"{deposit // UNITS:,} SBH", str(deciding), curve(approval), curve(support)]
        rows.append("| " + " | ".join(row) + " |")
    head = ["track", "name", "prepare", "decide", "confirm", "enact"]
    if preset == "live":
        head += ["decision deposit", "at once", "approval falls", "support falls"]
    return "| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|\n" + "\n".join(rows) + "\n"


def pallets():
    """The pallets' names and indices."""
    found = re.findall(r"pallet_index\((\d+)\)\]\s+pub type (\w+) = ([\w:]+);", read("runtime/src/lib.rs"))
    rows = [f"| {index} | {name} | `{crate}` |" for index, name, crate in found]
    return "| index | pallet | crate |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def limits():
    """The bounds of run specifications."""
    text = read("primitives/protocol/src/spec/check.rs")
    rows = []
    for docs, name, expression in re.findall(r"    /// (.+)\n    pub const (\w+): u\d+ = (.+);", text):
        shift = re.fullmatch(r"1 << (\d+)", expression)
        value = 1 << int(shift[1]) if shift else evaluate(expression, {})
        rows.append(f"| {docs.rstrip('.')} | {value:,} | `limits::{name}` |")
    return "| what | value | constant |\n|---|---|---|\n" + "\n".join(rows) + "\n"


TABLES = {
    "constants": constants,
    "durations": durations,
    "limits": limits,
    "pallets": pallets,
    "tracks": lambda: tracks("live"),
    "tracks-development": lambda: tracks("development"),
    "tracks-local": lambda: tracks("local_testnet"),
}
