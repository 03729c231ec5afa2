// Signs transfers with CheckMetadataHash: mode 0, mode 1 with the hash that this client computes from the metadata, and mode 1 with
// a wrong one, which must be refused. See scripts/check-metadata-hash.

import assert from 'node:assert/strict';

import { ApiPromise, WsProvider } from '@polkadot/api';
import { merkleizeMetadata } from '@polkadot-api/merkleize-metadata';
import { u8aToHex } from '@polkadot/util';

import { developmentAccounts, submit, UNITS } from './lib/client.js';

const api = await ApiPromise.create({ provider: new WsProvider(process.argv[2]), noInitWarn: true });
const { alice, bob } = developmentAccounts();

const metadata = (await api.call.metadata.metadataAtVersion(15)).unwrap();
const { specName, specVersion } = api.runtimeVersion;
const hash = u8aToHex(merkleizeMetadata(metadata, {
  base58Prefix: api.registry.chainSS58,
  decimals: api.registry.chainDecimals[0],
  tokenSymbol: api.registry.chainTokens[0],
  specName: specName.toString(),
  specVersion: specVersion.toNumber(),
}).digest());

const freeOf = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt();
const transfer = (options) => submit(api, api.tx.balances.transferKeepAlive(bob.address, UNITS), alice, options);

let submitted = 0;
for (const options of [{ mode: 0 }, { mode: 1, metadataHash: hash, withSignedTransaction: true }]) {
  const before = await freeOf(bob);
  await transfer(options);
  assert.equal(await freeOf(bob), before + UNITS);
  submitted += 1;
}
const wrong = `0x${'11'.repeat(32)}`;
await assert.rejects(transfer({ mode: 1, metadataHash: wrong, withSignedTransaction: true }), /1010|bad signature|BadProof/i);
// A later one is accepted again: the refusal was for the hash.
await transfer({ mode: 1, metadataHash: hash, withSignedTransaction: true });
await api.disconnect();
console.log(`RESULT metadata_hash=${hash} accepted=${submitted + 1} refused=1`);
