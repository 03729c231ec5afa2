// What scripts/test-datasets cannot do with the worker's own commands: a referendum that decides about a claim, and the chain's books.
//
//   node datasets.js URL arbitrate CLAIM FRACTION QUALITY BLAME
//   node datasets.js URL ledger
//
// `arbitrate` proposes on the DatasetArbiter track, votes, and waits until the claim is decided. `ledger` reads every block from the first,
// and prints as JSON what came in, went out and is left, of the datasets' pot, of the reward pools, of what is on hold, and of the whole issuance,
// and which of the equations between these (lib/ledger.js) do not hold.

import { UNITS, connect, developmentAccounts, eventOf, submit, untilBlock } from './lib/client.js';
import { equations, wrong } from './lib/ledger.js';

const [url, task, ...words] = process.argv.slice(2);
const api = await connect({ url, ended: new Promise(() => {}), log: "the node's own" });
const big = (value) => BigInt(value.toString());
const sum = (values) => values.reduce((all, value) => all + value, 0n);

async function arbitrate(claim, fraction, quality, blame) {
  const { keyring } = developmentAccounts();
  const [proposer, ...others] = ['Charlie', 'Dave', 'Eve'].map((name) => keyring.addFromUri(`//${name}//stash`));
  const call = api.tx.datasets.arbitrate(claim, { fraction, quality }, blame === 'true').method;
  const submitted = await submit(
    api, api.tx.referenda.submit({ Origins: 'DatasetArbiter' }, { Inline: call.toHex() }, { After: 1 }), proposer,
  );
  const { index } = eventOf(submitted, 'referenda', 'Submitted').data;
  await submit(api, api.tx.referenda.placeDecisionDeposit(index), proposer);
  // At once: the clocks are short, and the first votes may already decide.
  const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: 900_000n * UNITS } };
  const voted = await Promise.allSettled(
    [proposer, ...others].map((voter) => submit(api, api.tx.convictionVoting.vote(index, vote), voter)),
  );
  if (voted.every(({ status }) => status === 'rejected')) throw voted[0].reason;
  const decided = await untilBlock(api, 'the decision', 300, async (header) => {
    const events = await (await api.at(header.hash)).query.system.events();
    const found = events.find(({ event }) => event.section === 'datasets' && event.method === 'ClaimArbitrated'
      && event.data.claim.toNumber() === Number(claim));
    return found && header.number.toNumber();
  });
  return { referendum: index.toNumber(), decided };
}

/** Every event of these pallets since the first block, as [name, fields]. */
async function history(last) {
  const found = [];
  for (let number = 1; number <= last; number += 1) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number));
    for (const { event } of await at.query.system.events()) {
      if (['datasets', 'rewardPool', 'dap', 'balances'].includes(event.section)) found.push([`${event.section}.${event.method}`, event.data]);
    }
  }
  return found;
}

/** The account of a pallet's pot: `modl`, the pallet's id, and zeros. */
function pot(at, pallet) {
  const account = new Uint8Array(32);
  account.set([109, 111, 100, 108, ...at.consts[pallet].palletId.toU8a()]);
  return api.createType('AccountId', account).toString();
}

/** What the datasets' pallet holds in each account, by reason. */
async function onHold(at) {
  const holds = {};
  for (const [key, reasons] of await at.query.balances.holds.entries()) {
    for (const { id, amount } of reasons) {
      if (!id.isDatasets) continue;
      const held = holds[key.args[0].toString()] ??= {};
      held[id.asDatasets.type] = (held[id.asDatasets.type] ?? 0n) + big(amount);
    }
  }
  return holds;
}

async function ledger() {
  const head = await api.rpc.chain.getFinalizedHead();
  const last = (await api.rpc.chain.getHeader(head)).number.toNumber();
  const at = await api.at(head);
  const events = await history(last);
  const of = (name) => events.filter(([found]) => found === name).map(([, data]) => data);
  const total = (name, field) => sum(of(name).map((data) => big(data[field])));
  const free = async (account) => big((await at.query.system.account(account)).data.free);
  if (of('datasets.CuratorStakeAdded').length + of('datasets.CuratorWithdrawn').length > 0) {
    throw new Error('no curator of this test changes its stake by itself');
  }
  const seats = new Set((await at.query.datasets.datasets.entries()).map(([, dataset]) => dataset.unwrap().panel.toNumber()));
  if (seats.size !== 1) throw new Error('every dataset of this test has panels of one size');
  // Each claim that was told has paid for its panel; one that was given up for want of a budget has that back.
  const withdrawn = new Set(of('datasets.ClaimWithdrawn').map(({ claim }) => claim.toNumber()));
  const panels = of('datasets.ClaimRevealed').filter(({ claim }) => !withdrawn.has(claim.toNumber())).length;
  const open = (await at.query.datasets.claims.entries()).map(([, claim]) => claim.unwrap());
  const datasetsPot = pot(at, 'datasets');
  const books = {
    start: { issuance: big(await (await api.at(api.genesisHash)).query.balances.totalIssuance()) },
    end: {
      issuance: big(await at.query.balances.totalIssuance()),
      deposit: big(at.consts.balances.existentialDeposit),
      allotted: big(await at.query.datasets.allotted()),
      datasetsPot: await free(datasetsPot),
      pools: sum((await at.query.rewardPool.pools.entries()).map(([, pool]) => big(pool.unwrap().balance))),
      poolsPot: await free(pot(at, 'rewardPool')),
      openBonds: sum(open.map(({ bond, appeal }) => big(bond) + (appeal.isSome ? big(appeal.unwrap().bond) : 0n))),
      holds: await onHold(at),
    },
    minted: total('dap.IssuanceMinted', 'totalMinted'),
    mintedForDatasets: sum(of('balances.Minted').filter(({ who }) => who.toString() === datasetsPot).map(({ amount }) => big(amount))),
    budgets: of('datasets.BudgetRaised').map(({ donor, amount }) => ({ donor: donor.isSome ? donor.unwrap().toString() : null, amount: big(amount) })),
    fees: big(at.consts.datasets.seatPay) * BigInt([...seats][0]) * BigInt(panels),
    slashes: of('datasets.Slashed').map(({ who, burnt, kept }) => ({ who: who.toString(), burnt: big(burnt), kept: big(kept) })),
    credited: total('rewardPool.Credited', 'amount'),
    shared: total('rewardPool.Deposited', 'amount'),
    claimed: total('rewardPool.Claimed', 'amount'),
    bonds: Object.fromEntries(of('datasets.ClaimRevealed').map(({ claim, bond }) => [claim.toNumber(), big(bond)])),
    rejected: of('datasets.ClaimRejected').map(({ claim, claimant }) => ({ claim: claim.toNumber(), claimant: claimant.toString() })),
    lostAppeals: of('datasets.AppealEnded').filter(({ upheld }) => upheld.isFalse)
      .map(({ appellant }) => ({ appellant: appellant.toString(), bond: big(at.consts.datasets.appealBond) })),
    stakes: Object.fromEntries(of('datasets.CuratorRegistered').map(({ curator, stake }) => [curator.toString(), big(stake)])),
  };
  const wrongs = wrong(equations(books));

  const text = (value) => value.toString();
  const { end, slashes } = books;
  const burnt = sum(slashes.map((slash) => slash.burnt));
  const kept = sum(slashes.map((slash) => slash.kept));
  return {
    block: last,
    claims: of('datasets.ClaimRevealed').length,
    accepted: of('datasets.ClaimAccepted').map(({ claim, units, quality, paid }) => ({
      claim: claim.toNumber(), units: text(units), quality: quality.toNumber(), paid: text(paid) })),
    rejected: books.rejected.map(({ claim }) => claim),
    appeals: of('datasets.AppealEnded').map(({ claim, upheld }) => ({ claim: claim.toNumber(), upheld: upheld.isTrue })),
    absent: of('datasets.CuratorAbsent').map(({ curator }) => curator.toString()),
    slashes: slashes.map((slash) => ({ who: slash.who, burnt: text(slash.burnt), kept: text(slash.kept) })),
    datasets: {
      donated: text(sum(books.budgets.map(({ amount }) => amount))), fees: text(books.fees), kept: text(kept), credited: text(books.credited),
      allotted: text(end.allotted), minted: text(books.mintedForDatasets), unallotted: text(end.datasetsPot - end.deposit - end.allotted) },
    pools: { credited: text(books.credited), shared: text(books.shared), claimed: text(books.claimed), left: text(end.pools) },
    holds: {
      stakes: text(sum(Object.values(books.stakes))), slashed: text(burnt + kept),
      held: text(sum(Object.values(end.holds).map((held) => held.CuratorStake ?? 0n))) },
    issuance: { start: text(books.start.issuance), minted: text(books.minted), burnt: text(burnt), end: text(end.issuance) },
    paid: text(total('datasets.ClaimAccepted', 'paid')),
    slashed: text(burnt + kept),
    burnt: text(burnt),
    wrong: wrongs.map(({ what, left, right }) => `${what}: ${left}, not ${right}`),
    balanced: wrongs.length === 0,
  };
}

const tasks = { arbitrate, ledger };
console.log(JSON.stringify(await tasks[task](...words)));
process.exit(0);
