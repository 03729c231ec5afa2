// What scripts/test-dao does as an outside client: identities, referenda, claims. Prints JSON.
//
//   node dao.js URL judge URI…                  names a registrar by referendum, and has the accounts judged
//   node dao.js URL endow AMOUNT ACCOUNT…       gives each account so many SBH of Alice's; `matching` is the matching pot
//   node dao.js URL decide ORIGIN SECTION.METHOD ARGUMENTS   a referendum: arguments as a JSON list
//   node dao.js URL call URI SECTION.METHOD ARGUMENTS        a transaction; its events
//   node dao.js URL claim POOL ACCOUNT…         what a pool, as JSON, pays each of the accounts
//   node dao.js URL free ACCOUNT…               free balances, in the smallest unit

import { UNITS, connect, developmentAccounts, submit } from './lib/client.js';
import { decide } from './lib/referendum.js';

const [url, command, ...rest] = process.argv.slice(2);
const { alice, bob, keyring } = developmentAccounts();
const voters = ['Charlie', 'Dave', 'Eve'].map((name) => keyring.addFromUri(`//${name}//stash`));
const never = new Promise(() => {});
const api = await connect({ url, ended: never, log: 'the node\'s own' });

const free = async (account) => (await api.query.system.account(account)).data.free.toBigInt();
const call = (name, parameters) => {
  const [section, method] = name.split('.');
  return api.tx[section][method](...JSON.parse(parameters));
};
/** Alice's transactions, a block's worth at a time, all or nothing. */
const batch = async (calls, size = 20) => {
  for (let at = 0; at < calls.length; at += size) await submit(api, api.tx.utility.batchAll(calls.slice(at, at + size)), alice);
};

/** An account by its secret's URI, by its address, or the matching pot. */
const address = (name) => {
  if (name === 'matching') return api.consts.allocation.matchingPot.toString();
  return name.startsWith('//') ? keyring.addFromUri(name).address : name;
};

const commands = {
  async judge(...uris) {
    const accounts = uris.map((uri) => keyring.addFromUri(uri));
    const registrar = (await api.query.identity.registrars()).length;
    await decide(api, 'ParameterAdmin', api.tx.identity.addRegistrar(bob.address).method, voters);
    const none = { None: null };
    const info = {
      display: { Raw: 'A backer' }, legal: none, web: none, riot: none, email: none, pgpFingerprint: null, image: none, twitter: none, additional: [],
    };
    await Promise.all(accounts.map(async (account) => {
      await submit(api, api.tx.identity.setIdentity(info), account);
      await submit(api, api.tx.identity.requestJudgement(registrar, UNITS), account);
    }));
    const hash = async (account) => {
      const identity = (await api.query.identity.identityOf(account.address)).unwrap();
      return (identity.info ?? identity[0].info).hash;
    };
    const judgements = await Promise.all(accounts.map(async (account) =>
      api.tx.identity.provideJudgement(registrar, account.address, 'Reasonable', await hash(account))));
    await submit(api, api.tx.utility.batchAll(judgements), bob);
    return { registrar, judged: accounts.length };
  },

  async endow(amount, ...uris) {
    const accounts = uris.map(address);
    await batch(accounts.map((account) => api.tx.balances.transferKeepAlive(account, BigInt(amount) * UNITS)));
    return { endowed: accounts };
  },

  async decide(origin, name, parameters) {
    return decide(api, origin, call(name, parameters).method, voters);
  },

  async call(uri, name, parameters) {
    const result = await submit(api, call(name, parameters), keyring.addFromUri(uri));
    return result.events.map(({ section, method, data }) => ({ section, method, data: data.toJSON() }));
  },

  async claim(pool, ...accounts) {
    const paid = {};
    for (const account of accounts) {
      const result = await submit(api, api.tx.rewardPool.claimFor(JSON.parse(pool), account), bob).catch((error) => error);
      const claimed = result.events?.find(({ section, method }) => section === 'rewardPool' && method === 'Claimed');
      paid[account] = claimed ? claimed.data.amount.toString() : String(result.message ?? 0);
    }
    return paid;
  },

  async free(...accounts) {
    return Object.fromEntries(await Promise.all(accounts.map(async (account) => [account, String(await free(address(account)))])));
  },
};

if (!commands[command]) throw new Error(`there is no command ${command}: there are ${Object.keys(commands).join(', ')}`);
console.log(JSON.stringify(await commands[command](...rest)));
process.exit(0);
