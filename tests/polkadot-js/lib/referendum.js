// A call that governance makes: a referendum on a track of its own, until its call was dispatched.

import { UNITS, eventOf, submit, untilBlock } from './client.js';

/**
 * Decides `call` (a method, such as `api.tx.allocation.stop(1).method`) as `origin`, such as `ComputeAllocator`. `voters` are accounts with
 * much; the first one submits. Answers the referendum's number and the block of its enactment; throws if the call failed there.
 */
export async function decide(api, origin, call, voters) {
  const [proposer] = voters;
  let proposal = { Inline: call.toHex() };
  if (call.encodedLength > 128) {
    const noted = await submit(api, api.tx.preimage.notePreimage(call.toHex()), proposer);
    proposal = { Lookup: { hash: eventOf(noted, 'preimage', 'Noted').data.hash_, len: call.encodedLength } };
  }
  const submitted = await submit(api, api.tx.referenda.submit({ Origins: origin }, proposal, { After: 1 }), proposer);
  const { index } = eventOf(submitted, 'referenda', 'Submitted').data;
  await submit(api, api.tx.referenda.placeDecisionDeposit(index), proposer);
  for (const voter of voters) {
    const vote = { Standard: { vote: { aye: true, conviction: 'Locked1x' }, balance: 900_000n * UNITS } };
    await submit(api, api.tx.convictionVoting.vote(index, vote), voter);
  }
  // It is dispatched by the scheduler, in some block: nobody's transaction tells of it.
  let next = (await api.rpc.chain.getHeader()).number.toNumber();
  const enacted = await untilBlock(api, `the enactment of referendum ${index}`, 400, async (header) => {
    for (; next <= header.number.toNumber(); next += 1) {
      const events = await (await api.at(await api.rpc.chain.getBlockHash(next))).query.system.events();
      for (const { event } of events) {
        if (event.section === 'referenda' && ['Rejected', 'TimedOut', 'Cancelled', 'Killed'].includes(event.method) && event.data.index.eq(index)) {
          throw new Error(`referendum ${index}: ${event.method}`);
        }
        if (event.section !== 'scheduler' || event.method !== 'Dispatched') continue;
        const task = event.data.id.isSome && event.data.id.unwrap().toHex();
        if (task !== enactment(api, index)) continue;
        if (event.data.result.isErr) throw new Error(`referendum ${index} was enacted, and failed: ${event.data.result.asErr}`);
        return next;
      }
    }
    return undefined;
  });
  return { index: index.toNumber(), enacted };
}

/** What the scheduler calls the enactment: BLAKE2-256 of ("assembly", "enactment", index), as referenda encodes it. */
function enactment(api, index) {
  const name = api.registry.createType('([u8; 8], Text, u32)', ['0x617373656d626c79', 'enactment', index]);
  return api.registry.hash(name.toU8a()).toHex();
}
