//! Making blocks, changing sessions, and what becomes of equivocators.

use super::chain::{Chain, pre_digest, sign};
use crate::{
    AccountId, Babe, Balances, Executive, Grandpa, Header, Historical, Runtime, RuntimeCall, RuntimeEvent,
    Session, SessionKeys, System, UNITS, UncheckedExtrinsic, Validators,
};
use codec::{Decode, Encode};
use frame_support::traits::KeyOwnerProofSystem;
use pallet_sabha_timing::ActiveBlocks;
use sp_consensus_babe::{AuthorityId as BabeId, EquivocationProof, Slot, digests::CompatibleDigestItem};
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_core::{Pair, proof_of_possession::ProofOfPossessionGenerator};
use sp_keyring::{
    Ed25519Keyring, Sr25519Keyring,
    Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve},
};
use sp_runtime::{
    Digest, DigestItem,
    traits::Header as _,
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

fn transfer(value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive { dest: Charlie.to_account_id().into(), value }.into()
}

#[test]
fn what_one_node_makes_another_executes() {
    let (mut maker, mut follower) = (Chain::development(), Chain::development());
    for round in 0..3 {
        let transactions = maker.with(|| vec![sign(Alice, transfer(UNITS)), sign(Bob, transfer(2 * UNITS))]);
        let (block, results) = maker.produce(transactions);
        assert_eq!(results, [Ok(Ok(())), Ok(Ok(()))]);
        follower.import(block);
        let total = |chain: &mut Chain| chain.with(|| Balances::free_balance(Charlie.to_account_id()));
        assert_eq!(total(&mut maker), 1_000_000 * UNITS + 3 * (round + 1) * UNITS);
        assert_eq!(total(&mut follower), total(&mut maker));
    }
    // The 20 slots of an epoch, and so a change of session, with digests that the follower must reproduce.
    for _ in 0..25 {
        let (block, _) = maker.produce(Vec::new());
        follower.import(block);
    }
    assert_eq!(follower.with(Session::current_index), 1);
    assert_eq!(follower.with(System::block_number), 28);
    maker.check();
    follower.check();
}

#[test]
fn sessions_change_with_epochs() {
    let mut chain = Chain::local();
    chain.run(20);
    assert_eq!(chain.with(Session::current_index), 0);
    chain.run(1);
    assert_eq!(chain.with(Session::current_index), 1);
    assert_eq!(chain.with(Babe::epoch_index), 1);
    chain.run(60);
    chain.with(|| {
        assert_eq!(Session::current_index(), 4);
        assert_eq!(Babe::epoch_index(), 4);
        assert_eq!(Session::validators().len(), 4);
        // Every session has a new set of GRANDPA voters, but the first one after genesis, which repeats its set. Keys
        // stay provable.
        assert_eq!(Grandpa::current_set_id(), 3);
        assert!(Historical::historical_root(3).is_some());
        // A block that changes the session is full: it is not an active one.
        assert_eq!(ActiveBlocks::<Runtime>::get(), System::block_number() - 4);
    });
    chain.check();
}

#[test]
fn historical_roots_are_pruned() {
    let mut chain = Chain::development();
    // Unbonding takes 150 blocks, that is 8 sessions.
    chain.run(20 * 12);
    chain.with(|| {
        let now = Session::current_index();
        assert_eq!(now, 11);
        assert!(Historical::historical_root(now).is_some());
        assert!(Historical::historical_root(now - 8).is_some());
        assert!(Historical::historical_root(now - 9).is_none());
    });
    chain.check();
}

#[test]
fn a_disabled_validator_cannot_author() {
    let disable_first = || {
        let mut chain = Chain::local();
        // While it is not disabled, it can.
        chain.produce_by(0, Vec::new());
        chain.with(|| {
            pallet_session::Pallet::<Runtime>::disable_index_with_severity(0, Default::default());
            assert_eq!(Session::disabled_validators(), [0]);
        });
        chain
    };

    // The block is complete but for its author: only that can be what is wrong with it.
    let mut chain = disable_first();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        chain.produce_by(0, Vec::new());
    }));
    let panic = refused.expect_err("a disabled validator makes no block");
    let text = panic.downcast_ref::<String>().map(String::as_str).unwrap_or_default();
    assert!(text.contains("Validator with index 0 is disabled"), "it failed otherwise: {text:?}");

    // Another one makes the same block.
    let mut chain = disable_first();
    chain.produce_by(1, Vec::new());
    assert_eq!(chain.with(System::block_number), 2);
    chain.check();
}

// ---------------------------------------------------------------------------------------------------------------------
// Session keys.

fn keys_of(babe: Sr25519Keyring, grandpa: Ed25519Keyring) -> SessionKeys {
    SessionKeys { babe: babe.public().into(), grandpa: grandpa.public().into() }
}

/// What a node signs to show that it holds the private keys.
fn proof_of_possession(owner: &AccountId, babe: Sr25519Keyring, grandpa: Ed25519Keyring) -> Vec<u8> {
    let owner = owner.encode();
    (babe.pair().generate_proof_of_possession(&owner), grandpa.pair().generate_proof_of_possession(&owner))
        .encode()
}

#[test]
fn set_keys_with_proof_takes_a_deposit() {
    let mut chain = Chain::development();
    let eve = Eve.to_account_id();
    let proof = proof_of_possession(&eve, Eve, Ed25519Keyring::Eve);
    chain.submit(Eve, pallet_session::Call::set_keys { keys: keys_of(Eve, Ed25519Keyring::Eve), proof });
    chain.with(|| {
        assert!(Validators::has_keys(&eve));
        assert_eq!(Balances::reserved_balance(&eve), crate::configs::session::KeyDeposit::get());
    });
    chain.submit(Eve, pallet_session::Call::purge_keys {});
    assert_eq!(chain.with(|| Balances::reserved_balance(&eve)), 0);
    chain.check();
}

#[test]
fn set_keys_with_somebody_elses_keys_fails() {
    let mut chain = Chain::development();
    // Eve replays the proof that Dave made for himself.
    let proof = proof_of_possession(&Dave.to_account_id(), Dave, Ed25519Keyring::Dave);
    let call = pallet_session::Call::set_keys { keys: keys_of(Dave, Ed25519Keyring::Dave), proof };
    let result = chain.try_submit(Eve, call);
    assert_eq!(result, Ok(Err(pallet_session::Error::<Runtime>::InvalidProof.into())));
    chain.check();
}

#[test]
fn an_admitted_validator_is_seated_two_sessions_later() {
    let mut chain = Chain::development();
    let eve = Eve.to_account_id();
    let proof = proof_of_possession(&eve, Eve, Ed25519Keyring::Eve);
    chain.submit(Eve, pallet_session::Call::set_keys { keys: keys_of(Eve, Ed25519Keyring::Eve), proof });
    chain.with(|| {
        let origin = pallet_sabha_origins::Origin::ValidatorManager;
        Validators::admit(origin.into(), eve.clone()).expect("the track may");
    });
    chain.run(20);
    assert!(!chain.with(Session::validators).contains(&eve));
    chain.run(20);
    assert!(chain.with(Session::validators).contains(&eve));
    assert_eq!(chain.with(Babe::authorities).len(), 2);
    assert_eq!(chain.with(Grandpa::grandpa_authorities).len(), 2);
    chain.check();
}

// ---------------------------------------------------------------------------------------------------------------------
// Equivocation.

/// Two different headers that `who` signed for one slot, as validator number `index`.
fn two_headers(who: Sr25519Keyring, index: u32, slot: u64) -> EquivocationProof<Header> {
    let sealed = |parent: u64| {
        let digest = Digest { logs: vec![pre_digest(index, slot)] };
        let mut header = Header::new(
            2,
            Default::default(),
            Default::default(),
            sp_core::H256::from_low_u64_be(parent),
            digest,
        );
        let signature = who.pair().sign(header.hash().as_ref());
        header.digest_mut().push(DigestItem::babe_seal(signature.into()));
        header
    };
    EquivocationProof {
        offender: who.public().into(),
        slot: Slot::from(slot),
        first_header: sealed(1),
        second_header: sealed(2),
    }
}

/// The bare extrinsic with which a node reports what it saw.
fn babe_report(chain: &mut Chain, who: Sr25519Keyring, index: u32, slot: u64) -> UncheckedExtrinsic {
    let equivocation_proof = Box::new(two_headers(who, index, slot));
    let key_owner_proof = chain.with(|| {
        Historical::prove((sp_consensus_babe::KEY_TYPE, BabeId::from(who.public())))
            .expect("a validator's key")
    });
    UncheckedExtrinsic::new_bare(
        pallet_babe::Call::report_equivocation_unsigned { equivocation_proof, key_owner_proof }.into(),
    )
}

#[test]
fn two_blocks_in_a_slot_cost_the_seat() {
    let mut chain = Chain::local();
    chain.run(5);
    let bob = Bob.to_account_id();
    let slot = chain.slot();
    let report = babe_report(&mut chain, Bob, 1, slot);
    let (_, results) = chain.produce(vec![report.clone()]);
    assert_eq!(results, [Ok(Ok(()))]);

    assert!(chain.events().iter().any(|event| matches!(
        event,
        RuntimeEvent::Validators(pallet_sabha_validators::Event::Dropped { who, session: 0, .. }) if *who == bob
    )));
    chain.with(|| {
        assert_eq!(Session::disabled_validators(), [1], "Bob may make no more blocks");
        assert_eq!(Validators::fit_validators().len(), 3);
        assert_eq!(pallet_offences::Reports::<Runtime>::iter().count(), 1);
    });
    // The same evidence again is not even taken into a block.
    let (_, results) = chain.produce(vec![report]);
    assert_eq!(results, [Err(TransactionValidityError::Invalid(InvalidTransaction::Stale))]);

    // Planned a session ahead: seated once more, though disabled, and then gone.
    chain.run(20);
    assert!(chain.with(Session::validators).contains(&bob));
    assert_eq!(chain.with(Session::disabled_validators), [1]);
    chain.run(20);
    assert_eq!(chain.with(Session::current_index), 2);
    assert!(!chain.with(Session::validators).contains(&bob));
    assert!(!chain.with(Babe::authorities).iter().any(|(key, _)| *key == BabeId::from(Bob.public())));
    chain.check();
}

#[test]
fn a_report_of_an_earlier_session_still_counts() {
    let mut chain = Chain::local();
    chain.run(5);
    let slot = chain.slot();
    let report = babe_report(&mut chain, Charlie, 2, slot);
    chain.run(40);
    assert_eq!(chain.with(Session::current_index), 2);
    let (_, results) = chain.produce(vec![report]);
    assert_eq!(results, [Ok(Ok(()))]);
    assert!(!chain.with(Validators::fit_validators).contains(&Charlie.to_account_id()));
    chain.check();
}

#[test]
fn only_the_node_itself_may_submit_a_bare_report() {
    let mut chain = Chain::local();
    chain.run(5);
    let slot = chain.slot();
    let report = babe_report(&mut chain, Bob, 1, slot);
    chain.with(|| {
        let validate = |source| {
            Executive::validate_transaction(
                source,
                report.clone(),
                System::block_hash(System::block_number()),
            )
        };
        assert!(validate(TransactionSource::Local).is_ok());
        assert!(validate(TransactionSource::External).is_err());
    });
}

#[test]
fn a_forged_report_fails() {
    let mut chain = Chain::local();
    chain.run(5);
    let slot = chain.slot();
    let key_owner_proof = chain.with(|| {
        Historical::prove((sp_consensus_babe::KEY_TYPE, BabeId::from(Bob.public())))
            .expect("a validator's key")
    });
    // Dave signs both headers and says that it was Bob.
    let mut proof = two_headers(Dave, 1, slot);
    proof.offender = Bob.public().into();
    let report = UncheckedExtrinsic::new_bare(
        pallet_babe::Call::report_equivocation_unsigned {
            equivocation_proof: Box::new(proof),
            key_owner_proof,
        }
        .into(),
    );
    let (_, results) = chain.produce(vec![report]);
    assert_eq!(results, [Ok(Err(pallet_babe::Error::<Runtime>::InvalidEquivocationProof.into()))]);
    assert_eq!(chain.with(Validators::fit_validators).len(), 4);
    chain.check();
}

#[test]
fn two_votes_in_a_round_cost_the_seat() {
    let mut chain = Chain::local();
    chain.run(25);
    let set_id = chain.with(Grandpa::current_set_id);
    let vote = |hash: u64| {
        let target = (sp_core::H256::from_low_u64_be(hash), 7_u32);
        // A prevote is the first kind of message.
        let payload = sp_consensus_grandpa::localized_payload(3, set_id, &(0_u8, target));
        (target, Ed25519Keyring::Charlie.sign(&payload))
    };
    // The proof, as it is encoded: the set, the kind of vote, the round, the voter, both votes.
    let encoded =
        (set_id, 0_u8, 3_u64, GrandpaId::from(Ed25519Keyring::Charlie.public()), vote(1), vote(2)).encode();
    let proof = sp_consensus_grandpa::EquivocationProof::decode(&mut &encoded[..]).expect("well formed");
    let key_owner_proof = chain.with(|| {
        let key = GrandpaId::from(Ed25519Keyring::Charlie.public());
        Historical::prove((sp_consensus_grandpa::KEY_TYPE, key)).expect("a validator's key")
    });
    let report = UncheckedExtrinsic::new_bare(
        pallet_grandpa::Call::report_equivocation_unsigned {
            equivocation_proof: Box::new(proof),
            key_owner_proof,
        }
        .into(),
    );
    let (_, results) = chain.produce(vec![report]);
    assert_eq!(results, [Ok(Ok(()))]);
    assert!(!chain.with(Validators::fit_validators).contains(&Charlie.to_account_id()));
    assert_eq!(chain.with(Session::disabled_validators), [2]);
    chain.check();
}

#[test]
fn the_only_validator_keeps_its_seat() {
    let mut chain = Chain::development();
    chain.run(5);
    let slot = chain.slot();
    let report = babe_report(&mut chain, Alice, 0, slot);
    let (_, results) = chain.produce(vec![report]);
    assert_eq!(results, [Ok(Ok(()))]);
    assert_eq!(chain.with(Validators::fit_validators), [Alice.to_account_id()]);
    chain.run(45);
    assert_eq!(chain.with(Session::current_index), 2, "the chain goes on");
    chain.check();
}
