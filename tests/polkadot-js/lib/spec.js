// A small run specification, as the chain carries it: floats as the bits of an f32, names as the metadata has them.

/** The bits of a number as an f32. */
export function bits(number) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, number);
  return view.getUint32(0);
}

/** What a round of `runSpec` pays at most beside the slot's price: the auditor, the attester and the aggregator. */
const CHECKS = { auditor: 10n ** 12n, attester: 10n ** 11n, aggregator: 10n ** 11n };

/** A run of `rounds` rounds of one audited slot, at `price` each. Its clocks are the shortest that a development chain accepts. */
export function runSpec(rounds, price) {
  return {
    numericsVersion: 1,
    seed: 1,
    initialCheckpoint: null,
    pricePerSlot: price,
    stakePerSlot: 10n * price,
    model: {
      vocabulary: 256, width: 64, layers: 2, heads: 2, feedForward: 128, context: 64,
      ropeBase: bits(10_000), normEpsilon: bits(1e-5), tiedEmbedding: true,
    },
    optimiser: {
      peakRate: bits(1e-3), floorRate: bits(1e-4), warmupSteps: 10, innerWarmupSteps: 0,
      beta1: bits(0.9), beta2: bits(0.95), epsilon: bits(1e-8), weightDecay: bits(0.1), clipNorm: bits(1),
    },
    outer: { rate: bits(1), momentum: bits(0) },
    data: { stream: `0x${'22'.repeat(32)}`, tokens: 1_000_000, tokenBytes: 1, heldoutTokens: 10_000, sources: [] },
    rounds: {
      count: rounds, slots: 1, quorum: 1, tries: 3, innerSteps: 20, segmentSteps: 5, batch: 4,
      aggregatorPrice: CHECKS.aggregator,
    },
    audit: {
      auditors: 1, segments: 2, auditorPrice: CHECKS.auditor, auditorStake: 20n * 10n ** 12n,
      attesters: 1, attesterPrice: CHECKS.attester,
    },
    clocks: {
      training: 20, availability: 10, aggregation: 10, seals: 20, leaves: 10, reveals: 10, dispute: 120, window: 60,
    },
  };
}

/** The least budget of `runSpec(rounds, price)`: two more rounds than it has, which one void can waste. */
export function leastBudget(rounds, price) {
  return (BigInt(rounds) + 2n) * (price + CHECKS.auditor + CHECKS.attester + CHECKS.aggregator);
}
