// What scripts/test-datasets cannot do with the worker's own commands: a referendum that decides about a claim, and the chain's books.
//
//   node datasets.js URL arbitrate CLAIM FRACTION QUALITY BLAME
//   node datasets.js URL ledger
//
// `arbitrate` proposes on the DatasetArbiter track, votes, and waits until the claim is decided. `ledger` reads every block from the first,
// and prints as JSON what came in, went out and is left, of the datasets' pot, of the reward pools, and of the whole issuance.

import { UNITS, connect, developmentAccounts, eventOf, submit, untilBlock } from './lib/client.js';

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

/** Every event of a pallet since the first block, as [name, fields]. */
async function history(last) {
  const found = [];
  for (let number = 1; number <= last; number += 1) {
    const at = await api.at(await api.rpc.chain.getBlockHash(number));
    for (const { event } of await at.query.system.events()) {
      if (['datasets', 'rewardPool'].includes(event.section)) found.push([`${event.section}.${event.method}`, event.data, number]);
    }
  }
  return found;
}

async function ledger() {
  const head = await api.rpc.chain.getFinalizedHead();
  const last = (await api.rpc.chain.getHeader(head)).number.toNumber();
  const at = await api.at(head);
  const events = await history(last);
  const of = (name) => events.filter(([found]) => found === name).map(([, data]) => data);
  const deposit = big(at.consts.balances.existentialDeposit);
  const accounts = await at.query.system.account.entries();
  const free = async (pallet) => {
    // `modl`, the pallet's id, and zeros: a pot's account.
    const id = at.consts[pallet].palletId.toU8a();
    const account = new Uint8Array(32);
    account.set([109, 111, 100, 108, ...id]);
    return big((await at.query.system.account(account)).data.free);
  };

  // The datasets' pot: what donors and claimants paid and what slashes left, is what pools were given and what is left.
  const panels = new Map();
  for (const [, dataset] of (await at.query.datasets.datasets.entries())) panels.set(dataset.unwrap().title.toUtf8(), dataset.unwrap().panel.toNumber());
  const seatPay = big(at.consts.datasets.seatPay);
  const seats = new Set(panels.values());
  if (seats.size !== 1) throw new Error('every dataset of this test has panels of one size');
  const donated = sum(of('datasets.BudgetRaised').map(({ amount }) => big(amount)));
  const fees = seatPay * BigInt([...seats][0]) * BigInt(of('datasets.ClaimRevealed').length);
  const slashed = of('datasets.Slashed').map(({ who, burnt, kept }) => ({ who: who.toString(), burnt: big(burnt), kept: big(kept) }));
  const kept = sum(slashed.map((slash) => slash.kept));
  const credited = sum(of('rewardPool.Credited').map(({ amount }) => big(amount)));
  const allotted = big(await at.query.datasets.allotted());
  const datasetsPot = await free('datasets');
  const unallotted = datasetsPot - deposit - allotted;

  // Reward pools: what came is what was claimed and what is left.
  const shared = sum(of('rewardPool.Deposited').map(({ amount }) => big(amount)));
  const claimed = sum(of('rewardPool.Claimed').map(({ amount }) => big(amount)));
  const pools = sum((await at.query.rewardPool.pools.entries()).map(([, pool]) => big(pool.unwrap().balance ?? pool.unwrap().ledger.balance)));
  const poolsPot = await free('rewardPool');

  // Everything there is, is somebody's.
  const issuance = big(await at.query.balances.totalIssuance());
  const held = sum(accounts.map(([, { data }]) => big(data.free) + big(data.reserved)));

  const balanced = donated + fees + kept === credited + allotted && unallotted >= 0n
    && credited + shared === claimed + pools && poolsPot === pools + deposit
    && held === issuance;
  const text = (value) => value.toString();
  return {
    block: last,
    claims: of('datasets.ClaimRevealed').length,
    accepted: of('datasets.ClaimAccepted').map(({ claim, units, quality, paid }) => ({
      claim: claim.toNumber(), units: text(units), quality: quality.toNumber(), paid: text(paid) })),
    rejected: of('datasets.ClaimRejected').map(({ claim }) => claim.toNumber()),
    appeals: of('datasets.AppealEnded').map(({ claim, upheld }) => ({ claim: claim.toNumber(), upheld: upheld.isTrue })),
    absent: of('datasets.CuratorAbsent').map(({ curator }) => curator.toString()),
    slashes: slashed.map(({ who, burnt, kept: rest }) => ({ who, burnt: text(burnt), kept: text(rest) })),
    datasets: { donated: text(donated), fees: text(fees), kept: text(kept), credited: text(credited), allotted: text(allotted), unallotted: text(unallotted) },
    pools: { credited: text(credited), shared: text(shared), claimed: text(claimed), left: text(pools) },
    issuance: { total: text(issuance), held: text(held) },
    paid: text(sum(of('datasets.ClaimAccepted').map(({ paid }) => big(paid)))),
    slashed: text(sum(slashed.map((slash) => slash.burnt + slash.kept))),
    burnt: text(sum(slashed.map((slash) => slash.burnt))),
    balanced,
  };
}

const tasks = { arbitrate, ledger };
console.log(JSON.stringify(await tasks[task](...words)));
process.exit(0);
