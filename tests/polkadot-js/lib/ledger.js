// What must be equal in the books of datasets and reward pools. Each side of an equation comes from another source: from events, which say
// what should have happened, or from balances and holds, which say what did.

const sum = (values) => values.reduce((all, value) => all + value, 0n);

/**
 * The equations between these books, of BigInts: events are lists in the order of the chain; `holds` has what is on hold in each account, by
 * reason. Each equation is `{ what, left, right }`.
 */
export function equations(books) {
  const { start, end, minted, mintedForDatasets, budgets, fees, slashes, credited, shared, claimed, bonds, rejected, lostAppeals, stakes } = books;
  const donated = sum(budgets.map(({ amount }) => amount));
  const allotments = sum(budgets.filter(({ donor }) => donor === null).map(({ amount }) => amount));
  const lost = (list) => sum(list.map(({ burnt, kept }) => burnt + kept));
  const all = [
    // What donors and claimants paid, what was allotted of what is minted, and what slashes left, is what pools were given and what is left.
    { what: 'budgets and purses', left: donated + fees + sum(slashes.map(({ kept }) => kept)), right: credited + end.allotted },
    { what: 'the pot of datasets', left: end.datasetsPot - end.deposit - end.allotted, right: mintedForDatasets - allotments },
    { what: 'reward pools', left: credited + shared, right: claimed + end.pools },
    { what: 'the pot of reward pools', left: end.poolsPot, right: end.pools + end.deposit },
    // Dap alone mints, and slashes alone burn.
    { what: 'the issuance', left: end.issuance, right: start.issuance + minted - sum(slashes.map(({ burnt }) => burnt)) },
    { what: 'bonds on hold', left: sum(Object.values(end.holds).map((held) => (held.ClaimBond ?? 0n) + (held.AppealBond ?? 0n))), right: end.openBonds },
  ];
  // Of each account: what is on hold is the stake that it registered with, less what was taken from that. The rest of what was taken were bonds.
  const people = new Set([...Object.keys(end.holds), ...Object.keys(stakes), ...slashes.map(({ who }) => who)]);
  for (const who of people) {
    const bondsLost = sum(rejected.filter(({ claimant }) => claimant === who).map(({ claim }) => bonds[claim]))
      + sum(lostAppeals.filter(({ appellant }) => appellant === who).map(({ bond }) => bond));
    const taken = lost(slashes.filter((slash) => slash.who === who)) - bondsLost;
    all.push({ what: `the stake of ${who}`, left: end.holds[who]?.CuratorStake ?? 0n, right: (stakes[who] ?? 0n) - taken });
  }
  return all;
}

/** Those that are none. */
export const wrong = (all) => all.filter(({ left, right }) => left !== right);
