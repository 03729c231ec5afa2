// A small run specification, as the chain carries it: floats as the bits of an f32, names as the metadata has them.

/** The bits of a number as an f32. */
export function bits(number) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, number);
  return view.getUint32(0);
}

/** A run of `rounds` rounds at `price` each. */
export function runSpec(rounds, price) {
  return {
    numericsVersion: 0,
    seed: 1,
    initialCheckpoint: null,
    pricePerSlot: price,
    model: {
      vocabulary: 256, width: 64, layers: 2, heads: 2, feedForward: 128, context: 64,
      ropeBase: bits(10_000), normEpsilon: bits(1e-5), tiedEmbedding: true,
    },
    optimiser: {
      peakRate: bits(1e-3), floorRate: bits(1e-4), warmupSteps: 10, innerWarmupSteps: 0,
      beta1: bits(0.9), beta2: bits(0.95), epsilon: bits(1e-8), weightDecay: bits(0.1), clipNorm: bits(1),
    },
    data: { stream: `0x${'22'.repeat(32)}`, tokens: 1_000_000, tokenBytes: 1, heldoutTokens: 10_000, sources: [] },
    rounds: { count: rounds, slots: 1, innerSteps: 10, segmentSteps: 5, batch: 4 },
    audit: { auditors: 0, segments: 0 },
    clocks: { training: 20, window: 60 },
  };
}
