// Puts another runtime in the place of a chain's own, as its governance does: a referendum on the root track authorises the blob's hash,
// then anybody applies it. For scripts/test-training, on a development chain whose clocks are short.
//
//   node upgrade.js URL BLOB
//
// Prints the referendum's number and what the blocks of the upgrade are, as JSON.

import { readFileSync } from 'node:fs';

import { blake2AsHex } from '@polkadot/util-crypto';

import { UNITS, connect, developmentAccounts, eventOf, submit, untilBlock } from './lib/client.js';

const [url, blob] = process.argv.slice(2);
const code = readFileSync(blob);
const { keyring } = developmentAccounts();
const [proposer, ...others] = ['Charlie', 'Dave', 'Eve'].map((name) => keyring.addFromUri(`//${name}//stash`));

const never = new Promise(() => {});
const api = await connect({ url, ended: never, log: 'the node\'s own' });
const before = api.runtimeVersion.specVersion.toNumber();
const number = async () => (await api.rpc.chain.getHeader()).number.toNumber();

const call = api.tx.system.authorizeUpgrade(blake2AsHex(code)).method;
const submitted = await submit(
  api, api.tx.referenda.submit({ system: 'Root' }, { Inline: call.toHex() }, { After: 1 }), proposer,
);
const { index } = eventOf(submitted, 'referenda', 'Submitted').data;
await submit(api, api.tx.referenda.placeDecisionDeposit(index), proposer);
for (const voter of [proposer, ...others]) {
  const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: 900_000n * UNITS } };
  await submit(api, api.tx.convictionVoting.vote(index, vote), voter);
}
const voted = await number();
const authorised = await untilBlock(api, 'the authorisation', 200, async (header) =>
  (await api.query.system.authorizedUpgrade()).isSome && header.number.toNumber());
await submit(api, api.tx.system.applyAuthorizedUpgrade(`0x${code.toString('hex')}`), proposer);
const upgraded = await untilBlock(api, 'the new runtime', 20, async (header) =>
  (await api.rpc.state.getRuntimeVersion()).specVersion.toNumber() > before && header.number.toNumber());
const after = (await api.rpc.state.getRuntimeVersion()).specVersion.toNumber();
console.log(JSON.stringify({ referendum: index.toNumber(), voted, authorised, upgraded, before, after }));
process.exit(0);
