// Walks the metadata and proves that everything in it can be decoded: a value of each type is made, encoded, decoded
// again and compared. Each function answers how many things it saw, and throws with the list of those that failed.

import assert from 'node:assert/strict';
import { u8aConcat, u8aToHex } from '@polkadot/util';

/** This project's own pallets: what they say is ours to document. */
const OWN = ['Timing', 'Validators', 'Origins', 'Training'];

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

/** SCALE bytes of a variant whose fields hold their types' default values, prefixed with the pallet's index. */
function bytesOf(api, pallet, variant) {
  const fields = variant.fields.map(({ type }) => api.registry.createType(typeOf(api, type)).toU8a());
  return u8aConcat(Uint8Array.of(pallet.index.toNumber(), variant.index.toNumber()), ...fields);
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

export function pallets(api) {
  return [...api.runtimeMetadata.asLatest.pallets];
}

/** Every type of the registry can be built and survives a round trip. */
export function walkTypes(api) {
  const failures = [];
  let count = 0;
  for (const { id } of api.registry.lookup.types) {
    count += 1;
    const name = typeOf(api, id);
    // @polkadot/api has no default value of an event, nor of what holds one, and no Compact<()>: `walkEvents` makes
    // events from their own bytes.
    if (/^Compact<Null>$|^Event$|"event":"Event"/.test(api.registry.lookup.getTypeDef(id).type)) continue;
    collect(failures, `type ${id.toNumber()} ${api.registry.lookup.getTypeDef(id).type}`, () => {
      const value = api.registry.createType(name);
      const bytes = value.toU8a();
      assert.equal(u8aToHex(api.registry.createType(name, bytes).toU8a()), u8aToHex(bytes));
    });
  }
  return report(count, failures);
}

export function walkCalls(api) {
  const failures = [];
  let count = 0;
  for (const pallet of pallets(api)) {
    for (const variant of variants(api, pallet.calls)) {
      count += 1;
      collect(failures, `call ${pallet.name}.${variant.name}`, () => {
        const bytes = bytesOf(api, pallet, variant);
        const call = api.registry.createType('Call', bytes);
        assert.equal(call.method, camel(variant.name.toString()));
        assert.equal(u8aToHex(call.toU8a()), u8aToHex(bytes));
        assert.ok(call.toHuman());
        assert.ok(api.tx[call.section][call.method], 'not under api.tx');
      });
    }
  }
  return report(count, failures);
}

export function walkEvents(api) {
  const failures = [];
  let count = 0;
  for (const pallet of pallets(api)) {
    for (const variant of variants(api, pallet.events)) {
      count += 1;
      collect(failures, `event ${pallet.name}.${variant.name}`, () => {
        const bytes = bytesOf(api, pallet, variant);
        const event = api.registry.createType('Event', bytes);
        assert.equal(event.method, variant.name.toString());
        assert.equal(event.data.length, variant.fields.length);
        assert.equal(u8aToHex(event.toU8a()), u8aToHex(bytes));
        assert.ok(event.toHuman());
      });
    }
  }
  return report(count, failures);
}

export function walkErrors(api) {
  const failures = [];
  let count = 0;
  for (const pallet of pallets(api)) {
    for (const variant of variants(api, pallet.errors)) {
      count += 1;
      collect(failures, `error ${pallet.name}.${variant.name}`, () => {
        const found = api.registry.findMetaError(
          api.registry.createType('DispatchErrorModule', {
            index: pallet.index.toNumber(),
            error: Uint8Array.of(variant.index.toNumber(), 0, 0, 0),
          }),
        );
        assert.equal(found.name, variant.name.toString());
        // One of polkadot-sdk's own, TxPause.NotFound, has none.
        if (OWN.includes(pallet.name.toString())) assert.ok(found.docs.join('').length > 0, 'has no words');
      });
    }
  }
  return report(count, failures);
}

export function walkConstants(api) {
  const failures = [];
  let count = 0;
  for (const pallet of pallets(api)) {
    for (const constant of pallet.constants) {
      count += 1;
      collect(failures, `constant ${pallet.name}.${constant.name}`, () => {
        const value = api.registry.createType(typeOf(api, constant.type), constant.value.toU8a(true));
        assert.equal(u8aToHex(value.toU8a()), u8aToHex(constant.value.toU8a(true)));
      });
    }
  }
  return report(count, failures);
}

/** Default values of every storage item, then what the chain holds there now. */
export async function walkStorage(api) {
  const failures = [];
  let items = 0;
  let values = 0;
  for (const pallet of pallets(api)) {
    if (pallet.storage.isNone) continue;
    const { items: entries } = pallet.storage.unwrap();
    for (const entry of entries) {
      items += 1;
      const what = `storage ${pallet.name}.${entry.name}`;
      const id = entry.type.isPlain ? entry.type.asPlain : entry.type.asMap.value;
      if (entry.modifier.isDefault) {
        collect(failures, `${what} (default)`, () => {
          const bytes = entry.fallback.toU8a(true);
          assert.equal(u8aToHex(api.registry.createType(typeOf(api, id), bytes).toU8a()), u8aToHex(bytes));
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
        if (entry.type.isPlain) {
          assert.ok((await query()).toHuman() !== undefined);
          values += 1;
        } else {
          const page = await query.entriesPaged({ args: [], pageSize: 100 });
          for (const [key, value] of page) {
            assert.ok(key.toHuman() !== undefined && value.toHuman() !== undefined);
            values += 1;
          }
        }
      } catch (error) {
        failures.push(`${what} (on chain): ${error.message}`);
      }
    }
  }
  report(items, failures);
  return { items, values };
}
