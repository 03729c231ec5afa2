// Signing, submitting and waiting, on top of @polkadot/api.

import { connect as tcpConnect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

/** One SBH in its smallest unit. */
export const UNITS = 10n ** 12n;

/** Well-known development accounts. */
export function developmentAccounts() {
  const keyring = new Keyring({ type: 'sr25519' });
  const account = (name) => keyring.addFromUri(`//${name}`);
  return {
    keyring,
    alice: account('Alice'),
    bob: account('Bob'),
    charlie: account('Charlie'),
    dave: account('Dave'),
    eve: account('Eve'),
    ferdie: account('Ferdie'),
  };
}

function listens(url) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = tcpConnect({ host: hostname, port: Number(port) });
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** Connects; gives up when the node ends first or nothing answers in time. */
export async function connect(node, seconds = 60) {
  let over = false;
  const died = node.ended.then((how) => {
    throw new Error(`the node ended (${how}); log: ${node.log}`);
  });
  died.catch(() => {});
  const tooLate = sleep(seconds * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`no answer from ${node.url} in ${seconds} s; log: ${node.log}`);
  });
  tooLate.catch(() => {});
  const connected = (async () => {
    // The provider reports every refused connection as an error of its own: wait for the port first.
    while (!over && !(await listens(node.url))) await sleep(100);
    const api = new ApiPromise({ provider: new WsProvider(node.url), noInitWarn: true });
    await api.isReady;
    return api;
  })();
  try {
    return await Promise.race([connected, tooLate, died]);
  } finally {
    over = true;
  }
}

/** A dispatch error in words: `pallet.Name`. */
export function errorName(api, error) {
  if (error.isModule) {
    const { section, name } = api.registry.findMetaError(error.asModule);
    return `${section}.${name}`;
  }
  return error.toString();
}

/**
 * Signs and submits, waits until it is in a block. Resolves with the block's hash and this extrinsic's events; throws an
 * Error whose message is the dispatch error's name when the call failed.
 */
export function submit(api, tx, signer, options = {}) {
  return new Promise((resolve, reject) => {
    let unsubscribe = () => {};
    const done = (settle, value) => {
      unsubscribe();
      settle(value);
    };
    tx.signAndSend(signer, { nonce: -1, ...options }, (result) => {
      const { status, dispatchError, events } = result;
      if (status.isInvalid || status.isDropped || status.isUsurped) {
        done(reject, new Error(`${status.type}: ${tx.method.section}.${tx.method.method}`));
      } else if (status.isInBlock) {
        if (dispatchError) done(reject, new Error(errorName(api, dispatchError)));
        else done(resolve, { block: status.asInBlock, index: result.txIndex, events: events.map(({ event }) => event) });
      }
    }).then((stop) => { unsubscribe = stop; }, reject);
  });
}

/** The one event of this kind among an extrinsic's events. */
export function eventOf(result, section, method) {
  const found = result.events.filter((event) => event.section === section && event.method === method);
  if (found.length !== 1) {
    const all = result.events.map((event) => `${event.section}.${event.method}`).join(', ');
    throw new Error(`expected one ${section}.${method}, got ${found.length} among: ${all}`);
  }
  return found[0];
}

/** Looks at `probe` at every new block until it answers something truthy. */
export async function untilBlock(api, what, blocks, probe) {
  const from = (await api.rpc.chain.getHeader()).number.toNumber();
  return new Promise((resolve, reject) => {
    let stop = () => {};
    let over = false;
    const finish = (settle, value) => {
      over = true;
      stop();
      settle(value);
    };
    api.rpc.chain.subscribeNewHeads(async (header) => {
      if (over) return;
      try {
        const found = await probe(header);
        if (over) return;
        if (found) finish(resolve, found);
        else if (header.number.toNumber() > from + blocks) finish(reject, new Error(`${what}: not within ${blocks} blocks`));
      } catch (error) {
        if (!over) finish(reject, error);
      }
    }).then((unsubscribe) => {
      stop = unsubscribe;
      if (over) unsubscribe();
    }, reject);
  });
}
