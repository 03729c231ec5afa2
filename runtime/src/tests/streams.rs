//! A run whose stream is not the data that it names, on the whole chain.

use super::{
    chain::Chain,
    runs::{budget, spec},
};
use crate::{Balances, Runtime, RuntimeEvent, Training};
use pallet_sabha_datasets::{Accepted, AcceptedRoots, ShardClaims};
use pallet_sabha_disputes::{Call, Error, Event};
use pallet_sabha_training::{RunStatus, Runs};
use sabha_protocol::{
    Digest,
    dispute::stream::{StreamEvidence, show},
    spec::DataSpec,
};
use sp_keyring::Sr25519Keyring::{Alice, Dave, Eve};
use std::convert::Infallible;

fn reader(bytes: &[u8]) -> impl FnMut(u64, &mut [u8]) -> Result<(), Infallible> {
    move |place, buffer| {
        buffer.copy_from_slice(&bytes[place as usize..][..buffer.len()]);
        Ok(())
    }
}

#[test]
fn a_false_stream_is_refuted_for_nothing_and_its_budget_returned() {
    let mut chain = Chain::development();
    let source: Vec<u8> = (0..3_000u32).map(|at| (at % 250) as u8).collect();
    let mut stream = source.clone();
    stream[2_000] ^= 1;
    // Of one shard: its digest is the root.
    let root = Digest::of(&source);
    chain.with(|| {
        let accepted = Accepted { dataset: 0, claimant: Eve.to_account_id(), units: 1, bytes: 3_000 };
        AcceptedRoots::<Runtime>::insert(root, accepted);
        ShardClaims::<Runtime>::insert(root, 0);
    });
    let data = DataSpec {
        stream: Digest::of(&stream),
        tokens: 3_000,
        token_bytes: 1,
        heldout_tokens: 500,
        sources: vec![root].try_into().unwrap(),
    };
    let spec = sabha_protocol::RunSpec { data, ..spec(60) };
    let budget = budget(&spec);
    chain.with(|| Training::create_run(&Alice.to_account_id(), spec, budget)).expect("it can be created");
    let free = |chain: &mut Chain, who: sp_keyring::Sr25519Keyring| {
        chain.with(|| Balances::free_balance(who.to_account_id()))
    };
    let before = free(&mut chain, Dave);

    let at = |place| {
        let ends = (0, 3_000);
        let Ok(evidence) = show::wrong_byte(0, &[root], 3_000, place, reader(&source), ends, reader(&stream));
        evidence
    };
    let refute =
        |evidence: StreamEvidence| Call::<Runtime>::refute_stream { run: 0, evidence: Box::new(evidence) };
    let refused = |error: Error<Runtime>| -> sp_runtime::ApplyExtrinsicResult { Ok(Err(error.into())) };
    assert_eq!(chain.try_submit(Eve, refute(at(1_999))), refused(Error::NoContradiction));
    assert_eq!(chain.try_submit(Eve, refute(StreamEvidence::Sum)), refused(Error::NoContradiction));
    chain.submit(Dave, refute(at(2_000)));
    let who = Dave.to_account_id();
    let refuted = RuntimeEvent::Disputes(Event::StreamRefuted { run: 0, who, source: Some(0) });
    assert!(chain.events().contains(&refuted));
    assert_eq!(free(&mut chain, Dave), before, "it is free");
    let record = |chain: &mut Chain| chain.with(|| Runs::<Runtime>::get(0).expect("it is there"));
    assert_eq!(record(&mut chain).status, RunStatus::Stopping);
    chain.run(10);
    let over = record(&mut chain);
    assert_eq!((over.status, over.refunded), (RunStatus::Stopped, budget));
    chain.check();
}
