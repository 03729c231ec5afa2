// Walks the metadata and proves that everything in it can be decoded: values of each type, with each variant of each enum,
// are decoded, encoded again and compared. Each function answers how many things it saw and how many values it tried, and
// throws with the list of those that failed.

import assert from 'node:assert/strict';
import { u8aConcat, u8aToHex } from '@polkadot/util';
import { Samples } from './samples.js';

/** Whether a pallet is this project's own, by the crate that its errors are from: what it says is ours to document. */
function isOwn(api, pallet) {
  if (pallet.errors.isNone) return false;
  return api.registry.lookup.getSiType(pallet.errors.unwrap().type).path[0].toString().startsWith('pallet_sabha_');
}

function collect(failures, what, body) {
  try {
    body();
  } catch (error) {
    failures.push(`${what}: ${error.message}`);
  }
}

function report(count, failures) {
  assert.equal(failures.length, 0, `${failures.length} of ${count} failed:\n${failures.join('\n')}`);
  return count;
}

/** The variants of the enum that a pallet's calls, events or errors are. */
function variants(api, optionalType) {
  if (optionalType.isNone) return [];
  return [...api.registry.lookup.getSiType(optionalType.unwrap().type).def.asVariant.variants];
}

function typeOf(api, id) {
  return api.registry.createLookupType(id);
}

/** Decodes bytes, and encodes what they are again: to the same bytes. */
function roundTrip(api, type, bytes) {
  const value = api.registry.createType(type, bytes);
  assert.equal(u8aToHex(value.toU8a()), u8aToHex(bytes));
  assert.ok(value.toHuman() !== undefined);
  return value;
}

/** SCALE bytes of a pallet's call or event, prefixed with the pallet's index, for all variants of its fields. */
function bytesOf(samples, pallet, variant) {
  const index = Uint8Array.of(pallet.index.toNumber());
  return samples.ofVariant(variant).map((bytes) => u8aConcat(index, bytes));
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

export function pallets(api) {
  return [...api.runtimeMetadata.asLatest.pallets];
}

/** Every type of the registry survives a round trip, in all of its variants. */
export function walkTypes(api) {
  const failures = [];
  const samples = new Samples(api.registry.lookup);
  let things = 0;
  let values = 0;
  for (const { id } of api.registry.lookup.types) {
    things += 1;
    const { type } = api.registry.lookup.getTypeDef(id);
    // @polkadot/api has no Compact<()>, which holds nothing.
    if (type === 'Compact<Null>') continue;
    const what = `type ${id.toNumber()} ${type}`;
    const made = samples.of(id);
    for (const bytes of made) {
      values += 1;
      collect(failures, `${what} ${u8aToHex(bytes)}`, () => roundTrip(api, typeOf(api, id), bytes));
    }
    const def = samples.definition(id);
    if (def.isVariant && samples.isWhole(id)) {
      const seen = new Set(made.map((bytes) => bytes[0]));
      collect(failures, what, () => assert.equal(seen.size, def.asVariant.variants.length, 'variants were left out'));
    }
  }
  return { things: report(things, failures), values };
}

export function walkCalls(api) {
  const failures = [];
  const samples = new Samples(api.registry.lookup);
  let things = 0;
  let values = 0;
  for (const pallet of pallets(api)) {
    for (const variant of variants(api, pallet.calls)) {
      things += 1;
      for (const bytes of bytesOf(samples, pallet, variant)) {
        values += 1;
        collect(failures, `call ${pallet.name}.${variant.name} ${u8aToHex(bytes)}`, () => {
          const call = roundTrip(api, 'Call', bytes);
          assert.equal(call.method, camel(variant.name.toString()));
          assert.ok(api.tx[call.section][call.method], 'not under api.tx');
        });
      }
    }
  }
  return { things: report(things, failures), values };
}

export function walkEvents(api) {
  const failures = [];
  const samples = new Samples(api.registry.lookup);
  let things = 0;
  let values = 0;
  for (const pallet of pallets(api)) {
    for (const variant of variants(api, pallet.events)) {
      things += 1;
      for (const bytes of bytesOf(samples, pallet, variant)) {
        values += 1;
        collect(failures, `event ${pallet.name}.${variant.name} ${u8aToHex(bytes)}`, () => {
          const event = roundTrip(api, 'Event', bytes);
          assert.equal(event.method, variant.name.toString());
          assert.equal(event.data.length, variant.fields.length);
        });
      }
    }
  }
  return { things: report(things, failures), values };
}

export function walkErrors(api) {
  const failures = [];
  let count = 0;
  const own = new Set();
  for (const pallet of pallets(api)) {
    if (isOwn(api, pallet)) own.add(pallet.name.toString());
    for (const variant of variants(api, pallet.errors)) {
      count += 1;
      collect(failures, `error ${pallet.name}.${variant.name}`, () => {
        assert.equal(variant.fields.length, 0, 'fields of errors are not looked at');
        const found = api.registry.findMetaError(
          api.registry.createType('DispatchErrorModule', {
            index: pallet.index.toNumber(),
            error: Uint8Array.of(variant.index.toNumber(), 0, 0, 0),
          }),
        );
        assert.equal(found.name, variant.name.toString());
        // One of polkadot-sdk's own, TxPause.NotFound, has none.
        if (own.has(pallet.name.toString())) assert.ok(found.docs.join('').length > 0, 'has no words');
      });
    }
  }
  return { things: report(count, failures), own };
}

export function walkConstants(api) {
  const failures = [];
  let count = 0;
  for (const pallet of pallets(api)) {
    for (const constant of pallet.constants) {
      count += 1;
      collect(failures, `constant ${pallet.name}.${constant.name}`, () => {
        roundTrip(api, typeOf(api, constant.type), constant.value.toU8a(true));
      });
    }
  }
  return report(count, failures);
}

/** Keys and values of every storage item in all their variants, its default value, then what the chain holds there now: `storedOf` counts that by item. */
export async function walkStorage(api) {
  const failures = [];
  const samples = new Samples(api.registry.lookup);
  let things = 0;
  let values = 0;
  const storedOf = new Map();
  for (const pallet of pallets(api)) {
    if (pallet.storage.isNone) continue;
    const { items: entries } = pallet.storage.unwrap();
    for (const entry of entries) {
      things += 1;
      const item = `${pallet.name}.${entry.name}`;
      const what = `storage ${item}`;
      const id = entry.type.isPlain ? entry.type.asPlain : entry.type.asMap.value;
      for (const type of entry.type.isPlain ? [id] : [entry.type.asMap.key, id]) {
        for (const bytes of samples.of(type)) {
          values += 1;
          collect(failures, `${what} ${u8aToHex(bytes)}`, () => roundTrip(api, typeOf(api, type), bytes));
        }
      }
      if (entry.modifier.isDefault) {
        collect(failures, `${what} (default)`, () => {
          roundTrip(api, typeOf(api, id), entry.fallback.toU8a(true));
        });
      }
      const section = Object.values(api.query).find(
        (candidate) => Object.values(candidate).some((query) => query.creator?.meta === entry),
      );
      const query = section && Object.values(section).find((candidate) => candidate.creator?.meta === entry);
      if (!query) {
        failures.push(`${what}: not under api.query`);
        continue;
      }
      try {
        const seen = () => storedOf.set(item, (storedOf.get(item) ?? 0) + 1);
        if (entry.type.isPlain) {
          assert.ok((await query()).toHuman() !== undefined);
          seen();
        } else {
          const page = await query.entriesPaged({ args: [], pageSize: 100 });
          for (const [key, value] of page) {
            assert.ok(key.toHuman() !== undefined && value.toHuman() !== undefined);
            seen();
          }
        }
      } catch (error) {
        failures.push(`${what} (on chain): ${error.message}`);
      }
    }
  }
  const stored = [...storedOf.values()].reduce((sum, count) => sum + count, 0);
  return { things: report(things, failures), values, stored, storedOf };
}
