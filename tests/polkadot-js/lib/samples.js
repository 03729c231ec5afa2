// SCALE bytes of a type, made from the metadata alone: together the samples of a type take every variant of every enum in
// it. The client's own default values are not asked: an enum's would always be its first variant.

import { compactToU8a, u8aConcat } from '@polkadot/util';

/** How deep enums within enums are varied; further in, their first variant stands for all. */
const DEPTH = 2;

const FIXED = { U8: 1, I8: 1, U16: 2, I16: 2, U32: 4, I32: 4, Char: 4, U64: 8, I64: 8, U128: 16, I128: 16, U256: 32, I256: 32 };

/** Votes are aye or nay with one of seven convictions; the metadata says: a byte. */
function votes() {
  const convictions = Array.from({ length: 7 }, (_, conviction) => conviction);
  return [0x00, 0x80].flatMap((aye) => convictions.map((conviction) => Uint8Array.of(aye | conviction)));
}

/** An era is a period, a power of two from 4 to 2^16, and a phase below it; the metadata says: 256 variants and a byte. */
function eras() {
  const mortal = Array.from({ length: 15 }, (_, at) => at + 1).flatMap((bits) => {
    const period = 2 << bits;
    const steps = Math.min(period, 1 << 12);
    return [0, steps - 1].map((phase) => bits | (phase << 4));
  });
  return [Uint8Array.of(0), ...mortal.map((encoded) => Uint8Array.of(encoded & 0xff, encoded >> 8))];
}

/** The client takes any few bytes for an account's index. This chain looks accounts up by their ids alone. */
function addresses(samples, def, depth) {
  const known = [...def.asVariant.variants].filter(({ name }) => !['Index', 'Raw'].includes(name.toString()));
  return known.flatMap((variant) => samples.ofVariant(variant, depth));
}

/** Samples of types of which the metadata says more than is true, or that the client reads by rules of its own. */
const SPECIAL = {
  'pallet_conviction_voting::vote::Vote': votes,
  'sp_runtime::generic::era::Era': eras,
  'sp_runtime::multiaddress::MultiAddress': addresses,
};

/** Makes samples of the types of one metadata. */
export class Samples {
  constructor(lookup) {
    this.lookup = lookup;
    this.firsts = new Map();
  }

  definition(id) {
    return this.lookup.getSiType(id).def;
  }

  /** Whether the samples of an enum take all of its variants, by the metadata. */
  isWhole(id) {
    return !(this.path(id) in SPECIAL);
  }

  /** The type's name in Rust, such as `sp_runtime::multiaddress::MultiAddress`. */
  path(id) {
    return this.lookup.getSiType(id).path.map(String).join('::');
  }

  /** Encodings of a type that together take every variant of every enum, `depth` enums deep. */
  of(id, depth = DEPTH) {
    const def = this.definition(id);
    const special = SPECIAL[this.path(id)];
    if (special) return special(this, def, depth);
    if (def.isPrimitive) return primitives(def.asPrimitive.type);
    if (def.isVariant) {
      if (depth === 0) return [this.first(id)];
      return [...def.asVariant.variants].flatMap((variant) => this.ofVariant(variant, depth - 1));
    }
    if (def.isComposite) return this.ofEach(def.asComposite.fields.map(({ type }) => type), depth);
    if (def.isTuple) return this.ofEach([...def.asTuple], depth);
    if (def.isSequence) return [compact(0), ...this.of(def.asSequence.type, depth).map((one) => u8aConcat(compact(1), one))];
    if (def.isArray) {
      const { len, type } = def.asArray;
      const count = len.toNumber();
      return count === 0 ? [new Uint8Array()] : this.of(type, depth).map((one) => repeated(one, count));
    }
    if (def.isCompact) return this.ofCompact(def.asCompact.type);
    if (def.isBitSequence) return [compact(0)];
    throw new Error(`type ${id}: ${def.type} is not known`);
  }

  /** Encodings of one variant: each field is varied while the others stand still. */
  ofVariant(variant, depth = DEPTH) {
    const index = Uint8Array.of(variant.index.toNumber());
    return this.ofEach(variant.fields.map(({ type }) => type), depth).map((fields) => u8aConcat(index, fields));
  }

  ofEach(types, depth) {
    const firsts = types.map((type) => this.first(type));
    const found = [u8aConcat(...firsts)];
    types.forEach((type, place) => {
      for (const sample of this.of(type, depth).slice(1)) {
        found.push(u8aConcat(...firsts.slice(0, place), sample, ...firsts.slice(place + 1)));
      }
    });
    return found;
  }

  /** The first of a type's samples: of an enum the first variant that does not hold the enum itself. */
  first(id) {
    const key = id.toString();
    if (this.firsts.has(key)) {
      const known = this.firsts.get(key);
      if (known === null) throw new Endless(`type ${key} holds itself`);
      return known;
    }
    this.firsts.set(key, null);
    try {
      const found = this.makeFirst(this.definition(id));
      this.firsts.set(key, found);
      return found;
    } catch (error) {
      this.firsts.delete(key);
      throw error;
    }
  }

  makeFirst(def) {
    const all = (types) => u8aConcat(...types.map((type) => this.first(type)));
    if (def.isPrimitive) return primitives(def.asPrimitive.type)[0];
    if (def.isComposite) return all(def.asComposite.fields.map(({ type }) => type));
    if (def.isTuple) return all([...def.asTuple]);
    if (def.isSequence || def.isBitSequence) return compact(0);
    if (def.isArray) {
      const count = def.asArray.len.toNumber();
      return count === 0 ? new Uint8Array() : repeated(this.first(def.asArray.type), count);
    }
    if (def.isCompact) return this.ofCompact(def.asCompact.type)[0];
    for (const variant of def.asVariant.variants) {
      try {
        return u8aConcat(Uint8Array.of(variant.index.toNumber()), all(variant.fields.map(({ type }) => type)));
      } catch (error) {
        if (!(error instanceof Endless)) throw error;
      }
    }
    // An enum without variants has no values.
    return new Uint8Array();
  }

  /** One number for each length that a compact integer of this width can have. */
  ofCompact(id) {
    let def = this.definition(id);
    while (def.isComposite && def.asComposite.fields.length === 1) def = this.definition(def.asComposite.fields[0].type);
    if (!def.isPrimitive) return [new Uint8Array()]; // Compact<()>
    const bits = BigInt(FIXED[def.asPrimitive.type]) * 8n;
    return [0n, 1n << 6n, 1n << 14n, 1n << 30n, (1n << bits) - 1n].filter((number) => number < 1n << bits).map(compact);
  }
}

class Endless extends Error {}

const compact = (number) => compactToU8a(number);

function repeated(bytes, count) {
  return u8aConcat(...Array.from({ length: count }, () => bytes));
}

/** Nothing set and everything set, and of a text an empty one and a short one. */
function primitives(type) {
  if (type === 'Bool') return [Uint8Array.of(0), Uint8Array.of(1)];
  if (type === 'Str') return [compact(0), u8aConcat(compact(2), new TextEncoder().encode('ñ'))];
  const width = FIXED[type];
  if (width === undefined) throw new Error(`the primitive ${type} is not known`);
  // A character must be one: the zero alone.
  const widest = type === 'Char' ? [] : [new Uint8Array(width).fill(0xff)];
  return [new Uint8Array(width), ...widest];
}
