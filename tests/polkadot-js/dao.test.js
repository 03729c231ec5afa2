// Every call of `allocation` and `models`, by a client that knows nothing but the metadata, on a development chain of its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { UNITS, connect, developmentAccounts, eventOf, submit, untilBlock } from './lib/client.js';
import { pallets } from './lib/decode.js';
import { startDevNode } from './lib/node.js';
import { decide } from './lib/referendum.js';
import { leastBudget, runSpec } from './lib/spec.js';

const PRICE = 2n * UNITS;
const accounts = developmentAccounts();
const { alice, bob, charlie, dave, eve, keyring } = accounts;
const voters = ['Charlie', 'Dave', 'Eve'].map((name) => keyring.addFromUri(`//${name}//stash`));
/** Calls that were seen to succeed. */
const driven = new Set();
/** Calls that were seen to be refused for the reason that their documentation gives. */
const declined = new Set();
/** What this chain has nothing for, without workers: the same client sees it succeed in scripts/test-dao. */
const ELSEWHERE = ['allocation.stopIdle', 'models.distribute', 'models.register'];

let node;
let api;

before(async () => {
  node = await startDevNode();
  api = await connect(node);
}, { timeout: 120_000 });

after(async () => {
  await api?.disconnect();
  await node?.stop();
});

const freeOf = async (who) => (await api.query.system.account(who.address)).data.free.toBigInt();
const proposalOf = async (run) => (await api.query.allocation.proposals(run)).unwrap();

/** Sends a call, and notes that it was driven. */
async function drive(tx, signer) {
  const result = await submit(api, tx, signer);
  driven.add(`${tx.method.section}.${tx.method.method}`);
  return result;
}

async function refused(tx, signer, error) {
  await assert.rejects(submit(api, tx, signer), { message: error });
  declined.add(`${tx.method.section}.${tx.method.method}`);
}

async function propose(goal, duration = 200) {
  const tx = api.tx.allocation.propose('A model', 'Apache2', null, runSpec(2, PRICE), goal, duration);
  const { run } = eventOf(await drive(tx, alice), 'allocation', 'Proposed').data;
  return run.toNumber();
}

test('each call shows its documentation, and each of its fields is explained', () => {
  for (const name of ['Allocation', 'Models']) {
    const pallet = pallets(api).find((found) => found.name.toString() === name);
    for (const call of api.registry.lookup.getSiType(pallet.calls.unwrap().type).def.asVariant.variants) {
      const docs = call.docs.map(String).join('\n');
      assert.ok(/^[A-Z][^\n]+/.test(docs.trim()) && docs.includes('The origin must be'), `${name}.${call.name}: ${docs}`);
      for (const field of call.fields) assert.ok(docs.includes(`\`${field.name.unwrap()}\``), `${name}.${call.name} says nothing of ${field.name}`);
    }
  }
});

test('what nobody may: a run without a proposal', () => {
  assert.equal(api.tx.training.createRun, undefined);
});

test('a proposal is backed, withdrawn from, given up, refunded and removed', async () => {
  const goal = leastBudget(2, PRICE);
  const run = await propose(goal);
  await refused(api.tx.allocation.pledge(run, UNITS - 1n), bob, 'allocation.BelowLeastPledge');
  await drive(api.tx.allocation.pledge(run, 5n * UNITS), bob);
  await drive(api.tx.allocation.withdraw(run, 2n * UNITS), bob);
  assert.equal((await proposalOf(run)).campaign.backed.toBigInt(), 3n * UNITS);
  await refused(api.tx.allocation.settle(run, 10), charlie, 'allocation.NotDue');
  await refused(api.tx.allocation.cancel(run), bob, 'allocation.NotTheProposer');
  await drive(api.tx.allocation.cancel(run), alice);
  const before = await freeOf(bob);
  await drive(api.tx.allocation.refund(run, bob.address), charlie);
  assert.equal(await freeOf(bob), before + 3n * UNITS);
  await drive(api.tx.allocation.remove(run), charlie);
  assert.ok((await api.query.allocation.proposals(run)).isNone);
});

test('a proposal becomes a run, and the DAO funds, shares, pauses, resumes, caps, imports, deprecates and stops', { timeout: 600_000 }, async () => {
  const goal = leastBudget(2, PRICE);
  const [running, open] = [await propose(goal), await propose(goal)];
  await drive(api.tx.allocation.pledge(running, goal), dave);
  const settled = await drive(api.tx.allocation.settle(running, 10), eve);
  eventOf(settled, 'allocation', 'Started');
  assert.equal((await api.query.training.runs(running)).unwrap().status.type, 'Open');
  await refused(api.tx.allocation.stopIdle(running), eve, 'allocation.NotIdle');
  const shape = runSpec(2, PRICE).model;
  const checkpoint = { root: `0x${'11'.repeat(32)}`, blob: `0x${'22'.repeat(32)}` };
  const { allocation, models } = api.tx;
  const calls = [
    allocation.fund(open, UNITS / 1000n),
    allocation.setShare(running, 300_000_000),
    allocation.pause(running),
    allocation.resume(running),
    allocation.setMatching({ mostOfPot: 100_000, most: 1_000n * UNITS }),
    models.import('From elsewhere', 'Mit', shape, checkpoint),
    models.import('Another one', 'Mit', shape, checkpoint),
    models.measure(0, 'loss', 0x3fc00000, null),
    models.deprecate(0, 1),
    allocation.stop(running),
  ];
  for (const call of calls) await refused(call, alice, call.method.method === 'measure' ? 'models.NoSuchModel' : 'BadOrigin');
  // The matching pot has what a few minutes have minted.
  await submit(api, api.tx.balances.transferKeepAlive(api.consts.allocation.matchingPot, 10n * UNITS), alice);
  await decide(api, 'ComputeAllocator', api.tx.utility.batchAll(calls).method, voters);
  for (const call of calls) driven.add(`${call.method.section}.${call.method.method}`);
  assert.equal((await proposalOf(open)).campaign.granted.toBigInt(), UNITS / 1000n);
  assert.equal((await api.query.allocation.matching()).mostOfPot.toNumber(), 100_000);
  assert.ok((await api.query.models.models(0)).unwrap().status.isDeprecated);
  assert.equal((await api.query.models.metrics(0)).length, 1);
  // The stopped run's budget comes back when training's hook has ended it.
  await untilBlock(api, 'the end of the run', 20, async () => (await proposalOf(running)).campaign.stage.isOver);
  const before = await freeOf(dave);
  await drive(api.tx.allocation.refund(running, dave.address), eve);
  assert.equal(await freeOf(dave), before + goal);
});

test('a model is paid for; nothing is registered or distributed where there is nothing', async () => {
  const before = await freeOf(bob);
  const paid = await drive(api.tx.models.pay(1, 1_000n * UNITS), bob);
  const split = eventOf(paid, 'models', 'Split').data;
  // Nobody has a part in what was imported.
  assert.equal(split.treasury.toBigInt(), 1_000n * UNITS);
  assert.ok(await freeOf(bob) < before - 1_000n * UNITS);
  await refused(api.tx.models.distribute(1), bob, 'models.NothingAccrued');
  await refused(api.tx.models.register(0), bob, 'models.NothingToRegister');
});

test('every call of both pallets was driven', () => {
  const all = ['allocation', 'models'].flatMap((section) => Object.keys(api.tx[section]).map((method) => `${section}.${method}`));
  assert.deepEqual(all.filter((name) => !driven.has(name)).sort(), ELSEWHERE);
  assert.deepEqual(ELSEWHERE.filter((name) => !declined.has(name)), []);
});
