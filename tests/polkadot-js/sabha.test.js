// What a client that knows nothing of Sabha but its metadata sees and does, on a development chain of its own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { connect, developmentAccounts, eventOf, submit, UNITS, untilBlock } from './lib/client.js';
import { walkCalls, walkConstants, walkErrors, walkEvents, walkStorage, walkTypes, pallets } from './lib/decode.js';
import { nodeBinary, startDevNode } from './lib/node.js';
import { leastBudget, runSpec } from './lib/spec.js';

const run = promisify(execFile);
const accounts = developmentAccounts();

let node;
let api;
/** The referendum is started among the first and awaited among the last: it takes two minutes, in which the others run. */
let referendum;

before(async () => {
  node = await startDevNode();
  api = await connect(node);
}, { timeout: 120_000 });

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

const freeOf = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt();

test('blocks are made within ten seconds of the start', async () => {
  await untilBlock(api, 'block 1', 5, (header) => header.number.toNumber() >= 1);
  // The timestamp is that of its slot's start or later.
  const first = await api.at(await api.rpc.chain.getBlockHash(1));
  const made = (await first.query.timestamp.now()).toNumber();
  assert.ok(made - node.startedAt < 10_000, `the first block came after ${made - node.startedAt} ms`);
});

test('the chain introduces itself', async () => {
  assert.equal(api.runtimeVersion.specName.toString(), 'sabha');
  assert.deepEqual(api.registry.chainTokens, ['SBH']);
  assert.deepEqual(api.registry.chainDecimals, [12]);
  assert.equal(api.registry.chainSS58, 42);
  assert.ok(api.registry.signedExtensions.includes('CheckMetadataHash'));
});

test('what Polkadot.js Apps looks for is there', () => {
  for (const [what, there] of Object.entries({
    'query.referenda': api.query.referenda?.referendumInfoFor,
    'query.convictionVoting': api.query.convictionVoting?.votingFor,
    'const referenda.tracks': api.consts.referenda?.tracks,
    'tx.preimage.notePreimage': api.tx.preimage?.notePreimage,
    'query.treasury.proposals': api.query.treasury?.proposals,
    'query.bounties': api.query.bounties?.bounties,
    'query.childBounties': api.query.childBounties?.childBounties,
    'query.scheduler': api.query.scheduler?.agenda,
    'query.whitelist': api.query.whitelist?.whitelistedCall,
    'query.session.validators': api.query.session?.validators,
    'query.identity': api.query.identity?.identityOf,
    'tx.multisig': api.tx.multisig?.asMulti,
    'tx.proxy': api.tx.proxy?.addProxy,
    'tx.utility.batchAll': api.tx.utility?.batchAll,
  })) {
    assert.ok(there, `${what} is missing`);
  }
  assert.equal(api.tx.sudo, undefined, 'there is no sudo');
  const names = api.consts.referenda.tracks.map(([, track]) => track.name.toString().replace(/\0+$/, ''));
  for (const name of ['root', 'whitelisted_caller', 'treasury_spender', 'compute_allocator', 'dataset_arbiter',
    'validator_manager', 'parameter_admin', 'emergency_canceller']) {
    assert.ok(names.includes(name), `${name} is missing among ${names}`);
  }
});

test('a referendum on the ComputeAllocator track begins', async () => {
  const { alice } = accounts;
  const price = 2n * UNITS;
  const goal = leastBudget(2, price);
  const proposed = await submit(api, api.tx.allocation.propose('A model', 'Apache2', null, runSpec(2, price), goal, 100), alice);
  const { run: id } = eventOf(proposed, 'allocation', 'Proposed').data;
  await submit(api, api.tx.allocation.pledge(id, goal), alice);
  await submit(api, api.tx.allocation.settle(id, 0), alice);
  const fresh = (await api.query.training.runs(id)).unwrap();
  assert.equal(fresh.status.type, 'Open');
  assert.ok(fresh.progress.pause.isNone);

  const call = api.tx.training.pauseRun(id).method;
  const noted = await submit(api, api.tx.preimage.notePreimage(call.toHex()), alice);
  const { hash_: hash } = eventOf(noted, 'preimage', 'Noted').data;
  assert.equal(hash.toHex(), call.hash.toHex());
  const submitted = await submit(
    api,
    api.tx.referenda.submit({ Origins: 'ComputeAllocator' }, { Lookup: { hash, len: call.encodedLength } }, { After: 1 }),
    alice,
  );
  const { index, track } = eventOf(submitted, 'referenda', 'Submitted').data;
  const found = api.consts.referenda.tracks.find(([number]) => number.eq(track));
  assert.equal(found[1].name.toString().replace(/\0+$/, ''), 'compute_allocator');
  await submit(api, api.tx.referenda.placeDecisionDeposit(index), alice);
  for (const voter of [alice, accounts.bob]) {
    const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: 900_000n * UNITS } };
    await submit(api, api.tx.convictionVoting.vote(index, vote), voter);
  }
  referendum = { id, index, from: (await api.rpc.chain.getHeader()).number.toNumber() };
});

test('a transfer moves what it says, for a small fee', async () => {
  const { charlie, dave } = accounts;
  const [before, beforeDave] = [await freeOf(charlie), await freeOf(dave)];
  const sent = await submit(api, api.tx.balances.transferKeepAlive(dave.address, 5n * UNITS), charlie);
  const fee = eventOf(sent, 'transactionPayment', 'TransactionFeePaid').data.actualFee.toBigInt();
  assert.ok(fee > 0n && fee < UNITS / 10n, `a fee of ${fee}`);
  assert.equal(await freeOf(dave), beforeDave + 5n * UNITS);
  assert.equal(await freeOf(charlie), before - 5n * UNITS - fee);
});

test('a worker is registered with its stake on hold', async () => {
  const { dave, keyring } = accounts;
  const hot = keyring.addFromUri('//Dave//hot');
  const stake = 150n * UNITS;
  const result = await submit(
    api, api.tx.training.register(hot.address, dave.address, 'Cpu', 1, '/ip4/127.0.0.1', stake), dave,
  );
  const event = eventOf(result, 'training', 'WorkerRegistered').data;
  assert.equal(event.owner.toString(), dave.address);
  assert.equal(event.stake.toBigInt(), stake);
  const worker = (await api.query.training.workers(dave.address)).unwrap();
  assert.equal(worker.hotKey.toString(), hot.address);
  assert.equal(worker.status.type, 'Idle');
  assert.equal(worker.endpoint.toUtf8(), '/ip4/127.0.0.1');
  const held = (await api.query.balances.holds(dave.address)).filter(({ id }) => id.isTraining);
  assert.equal(held.length, 1);
  assert.equal(held[0].amount.toBigInt(), stake);
});

test('refusals name the error and say what it means', async () => {
  const { eve } = accounts;
  const refused = async (tx, name, section = 'training') => {
    await assert.rejects(submit(api, tx, eve), { message: `${section}.${name}` });
    const docs = api.errors[section][name].meta.docs.join(' ');
    assert.ok(docs.length > 10, `${name} has no documentation`);
  };
  const spec = runSpec(2, 2n * UNITS);
  const budget = leastBudget(2, 2n * UNITS);
  await refused(api.tx.training.register(eve.address, eve.address, 'Cpu', 1, '', UNITS), 'StakeTooLow');
  const propose = (some, goal) => api.tx.allocation.propose('A model', 'Apache2', null, some, goal, 100);
  await refused(propose(spec, budget - 1n), 'GoalTooLow', 'allocation');
  await refused(propose({ ...spec, model: { ...spec.model, layers: 0 } }, budget), 'SpecOutOfRange');
  await refused(propose({ ...spec, model: { ...spec.model, heads: 3 } }, budget), 'SpecHeads');
  await assert.rejects(submit(api, api.tx.training.pauseRun(0), eve), { message: 'BadOrigin' });
});

test('session keys are rotated on the running node and set on chain', async () => {
  const { alice } = accounts;
  const { stdout } = await run(nodeBinary(), ['session-keys', 'rotate', '--owner', alice.address, '--url', node.url, '--json']);
  const { keys, proof } = JSON.parse(stdout);
  const wrong = submit(api, api.tx.session.setKeys(keys, proof), accounts.ferdie);
  await assert.rejects(wrong, { message: 'session.InvalidProof' });
  await submit(api, api.tx.session.setKeys(keys, proof), alice);
  assert.equal((await api.query.session.nextKeys(alice.address)).unwrap().toHex(), keys);
});

test('the referendum passes and pauses the run', { timeout: 240_000 }, async () => {
  assert.ok(referendum, 'the referendum was not begun');
  const { id, index, from } = referendum;
  const paused = await untilBlock(api, 'the enactment', 50, async (header) => {
    const { progress } = (await api.query.training.runs(id)).unwrap();
    return progress.pause.isSome && progress.pause.unwrap().isDecided && header.number.toNumber();
  });
  const info = (await api.query.referenda.referendumInfoFor(index)).unwrap();
  assert.equal(info.type, 'Approved');
  console.log(`from the votes to the enactment: ${paused - from} blocks of 3 s`);
});

/** After all the others: what they put on chain has to decode, too. */
test('everything in the metadata decodes', async () => {
  assert.ok(pallets(api).length >= 30);
  const seen = (what, { things, values }, most, more) => {
    assert.ok(things > most && values > more, `${things} ${what}, ${values} values: are they looked at at all?`);
  };
  seen('types', walkTypes(api), 400, 10_000);
  seen('calls', walkCalls(api), 150, 1_000);
  seen('events', walkEvents(api), 100, 500);
  const errors = walkErrors(api);
  assert.ok(errors.things > 150);
  for (const pallet of ['Timing', 'Validators', 'Training', 'Disputes', 'Allocation', 'Models']) {
    assert.ok(errors.own.has(pallet), `${pallet} is ours, and was not looked at as ours`);
  }
  assert.ok(walkConstants(api) > 50);
  const storage = await walkStorage(api);
  seen('storage items', storage, 100, 500);
  assert.ok(storage.stored > 50, `${storage.stored} values on chain`);
  for (const item of ['Training.Runs', 'Training.Specs', 'Allocation.Proposals', 'Allocation.Turns', 'Training.Workers', 'Referenda.ReferendumInfoFor']) {
    assert.ok(storage.storedOf.get(item) > 0, `nothing is in ${item}: how it decodes was not seen`);
  }
});
