// That every mistake in the books is found: the equations of the datasets' ledger, on books that are right and on some that are not.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { equations, wrong } from './ledger.js';

/** A donation of 100, an allotment of 10 of 30 that were minted, two claims of a fee of 5 each, of which one was accepted for 40, and one rejected. */
const right = () => ({
  start: { issuance: 1_000n },
  end: {
    issuance: 1_000n + 50n - 1n - 4n, deposit: 1n, allotted: 81n, datasetsPot: 1n + 81n + 20n, pools: 12n, poolsPot: 13n, openBonds: 2n,
    holds: { asha: { ClaimBond: 2n }, curator: { CuratorStake: 92n }, other: { CuratorStake: 100n } },
  },
  minted: 50n,
  mintedForDatasets: 30n,
  budgets: [{ donor: 'asha', amount: 100n }, { donor: null, amount: 10n }],
  fees: 10n,
  slashes: [{ who: 'mallory', burnt: 1n, kept: 1n }, { who: 'curator', burnt: 4n, kept: 4n }],
  credited: 44n,
  shared: 8n,
  claimed: 40n,
  bonds: { 0: 2n, 1: 2n },
  rejected: [{ claim: 1, claimant: 'mallory' }],
  lostAppeals: [],
  stakes: { curator: 100n, other: 100n },
});

test('right books balance', () => {
  assert.deepEqual(wrong(equations(right())), []);
});

for (const [what, spoil, found] of [
  ['a slash that says it burns, and does not', ({ end }) => { end.issuance += 4n; }, ['the issuance']],
  ['a slash that takes nothing', ({ end }) => { end.holds.curator.CuratorStake = 100n; }, ['the stake of curator']],
  ['a slash that nobody was told of', ({ end }) => { end.holds.other.CuratorStake = 90n; }, ['the stake of other']],
  ['a bond that is lost in part', ({ slashes, end }) => { slashes[0].burnt = 0n; end.issuance += 1n; }, ['the stake of mallory']],
  ['a bond that was released and slashed', ({ bonds }) => { bonds[1] = 3n; }, ['the stake of mallory']],
  ['a bond that stays on hold', ({ end }) => { end.holds.mallory = { ClaimBond: 2n }; }, ['bonds on hold']],
  ['tokens out of nothing', ({ end }) => { end.issuance += 1n; }, ['the issuance']],
  ['tokens in the pot that nobody minted', ({ end }) => { end.datasetsPot += 1n; }, ['the pot of datasets']],
  ['an allotment of what a claimant paid', ({ budgets }) => { budgets[1].amount = 11n; }, ['budgets and purses', 'the pot of datasets']],
  ['a fee that was never paid', ({ end }) => { end.allotted -= 5n; end.datasetsPot -= 5n; }, ['budgets and purses']],
  ['a pool that pays twice', (books) => { books.claimed += 1n; }, ['reward pools']],
  ['a pool without its money', ({ end }) => { end.poolsPot -= 1n; }, ['the pot of reward pools']],
]) {
  test(`found: ${what}`, () => {
    const books = right();
    spoil(books);
    assert.deepEqual(wrong(equations(books)).map((equation) => equation.what), found);
  });
}
