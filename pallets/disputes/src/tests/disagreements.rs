//! Games that drawn auditors' answers open by themselves.

use frame_support::{assert_noop, assert_ok};
use pallet_sabha_training::Seats;
use sabha_protocol::{
    Digest, RunId, SlotIndex,
    audit::SeatState,
    dispute::{Claim, Part, Side},
    money,
    round::{Claim as Vouched, Fault, VoidReason},
};

use super::{
    stage::*,
    world::{honest, lie_at_end, spec, train},
};
use crate::{Error, Event, GameId, Games, Risk, Stage, mock::*};

/// The seats of a slot.
fn seats_of(id: RunId, slot: SlotIndex) -> Vec<u16> {
    let mut places: Vec<_> = Seats::<Test>::iter_prefix((id, ROUND))
        .filter(|(_, seat)| seat.slot == slot)
        .map(|(place, _)| place)
        .collect();
    places.sort();
    places
}

/// Games, by the seat that is at risk.
fn game_at(place: u16) -> Option<GameId> {
    Games::<Test>::iter().find(|(_, dispute)| dispute.risk == Risk::Seat(place)).map(|(game, _)| game)
}

/// Slot 0 is noise from its first state on, and every auditor says so.
fn noise() -> (RunId, super::world::Run, Vec<u16>) {
    let liar = train(0, Some(lie_at_end(Part::Begin)));
    let runs = with_slot_0(liar.clone());
    let id = window_of(&runs);
    audited(id, &runs, truth);
    let places = seats_of(id, 0);
    assert!(!places.is_empty(), "slot 0 is audited");
    (id, liar, places)
}

/// One auditor of the round lies, all slots are honest.
fn wolf() -> (RunId, u16, SlotIndex) {
    let runs = all_honest();
    let id = window_of(&runs);
    let other = |place, slot, segments: &[u32]| match place {
        0 => Digest([66; 32]),
        _ => truth(place, slot, segments),
    };
    audited(id, &runs, other);
    let slot = Seats::<Test>::get((id, ROUND, 0)).unwrap().slot;
    (id, 0, slot)
}

#[test]
fn a_differing_answer_is_a_game_whose_claim_the_auditor_names() {
    run(|| {
        let (id, mut liar, places) = noise();
        let cheat = *slot_of(id, ROUND, 0).worker().unwrap();
        let auditor = Seats::<Test>::get((id, ROUND, places[0])).unwrap().auditor;
        let game = game_at(places[0]).unwrap();
        assert!(events().iter().any(|event| matches!(event, Event::Disagreed { game: g, .. } if *g == game)));
        let dispute = game_of(game);
        assert_eq!((dispute.challenger, dispute.defender, dispute.target), (auditor, cheat, slot_0(id)));
        assert_noop!(Disputes::name_claim(signed(BOB), game, Claim::Begin), Error::<Test>::NotYours);
        let name = |claim| Disputes::name_claim(signed(hot(auditor)), game, claim);
        assert_noop!(name(Claim::Aggregate), Error::<Test>::NoSuchClaim);
        let answer = sabha_protocol::dispute::Answer::Trace { top: Default::default() };
        let early = Disputes::answer(signed(cheat), game, Digest::default(), Box::new(answer));
        assert_noop!(early, Error::<Test>::NotNamed);
        pass(10);
        assert_ok!(name(Claim::Begin));
        let clocks = playing(game).clocks;
        assert!(clocks.challenger <= 50 && clocks.defender == 60, "its clock ran since it revealed");
        assert_eq!(bonded(auditor), 0, "its stake is at risk, no bond");
        let before = free(payout(auditor));
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, Some(Fault::Convicted(Vouched::Other)));
        let reward = money::split(spec().stake_per_slot).challenger;
        assert_eq!(free(payout(auditor)), before + reward);
        // Others that differed are overtaken, and nothing is left of anybody's.
        for place in &places[1..] {
            assert_ok!(Disputes::close(signed(BOB), game_at(*place).unwrap()));
        }
        assert_eq!(Games::<Test>::iter().count(), 0);
        settled(id);
        let price = spec().audit.auditor_price;
        assert!(free(payout(auditor)) > before + reward + price, "with a share of what was kept");
    });
}

#[test]
fn an_auditor_that_names_nothing_in_time_was_wrong() {
    run(|| {
        let (id, place, slot) = wolf();
        let seat = Seats::<Test>::get((id, ROUND, place)).unwrap();
        let (game, stake) = (game_at(place).unwrap(), staked(seat.auditor));
        let Stage::Naming { until } = game_of(game).stage else { panic!("it is named") };
        pass(until - now());
        assert_noop!(Disputes::time_out(signed(BOB), game), Error::<Test>::TimeLeft);
        block();
        let late = Disputes::name_claim(signed(seat.auditor), game, Claim::Segment(0));
        assert_noop!(late, Error::<Test>::OutOfTime);
        assert_ok!(Disputes::time_out(signed(BOB), game));
        assert_eq!(Seats::<Test>::get((id, ROUND, place)).unwrap().state, SeatState::Wrong);
        assert_eq!(staked(seat.auditor), stake - spec().audit.auditor_stake);
        assert_eq!(slot_of(id, ROUND, slot).checks.open, 0);
        settled(id);
        assert_eq!(pallet_sabha_training::Runs::<Test>::get(id).unwrap().progress.finalised, 1);
    });
}

#[test]
fn an_auditor_that_is_wrong_loses_its_seats_stake_and_the_slot_is_paid() {
    run(|| {
        let (id, place, slot) = wolf();
        let seat = Seats::<Test>::get((id, ROUND, place)).unwrap();
        let (game, stake) = (game_at(place).unwrap(), staked(seat.auditor));
        let worker = *slot_of(id, ROUND, slot).worker().unwrap();
        assert_ok!(Disputes::name_claim(signed(seat.auditor), game, Claim::Segment(1)));
        let came = play(game, &mut honest(slot), &mut honest(slot));
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(BOB), game).is_ok());
        assert_eq!(staked(seat.auditor), stake - spec().audit.auditor_stake);
        let before = free(payout(worker));
        settled(id);
        assert!(free(payout(worker)) >= before + spec().price_per_slot);
    });
}

/// A challenge and a disagreement about one slot: each has its own end.
#[test]
fn a_lost_challenge_does_not_end_an_auditors_disagreement() {
    run(|| {
        let (id, mut liar, places) = noise();
        let sham = challenge(BOB, id, slot_0(id), Claim::Segment(0));
        let open = slot_of(id, ROUND, 0).checks.open;
        // The liar's segments are right, from its own first state.
        let mut same = liar.clone();
        assert_eq!(play(sham, &mut liar, &mut same), Came::Silent(Side::Challenger));
        let game = game_at(places[0]).unwrap();
        let auditor = game_of(game).challenger;
        assert_ok!(Disputes::name_claim(signed(auditor), game, Claim::Begin));
        let mut seen = Default::default();
        assert!(defend(game, &mut liar, &mut seen));
        until(61, || Disputes::time_out(signed(ALICE), sham).is_ok());
        let checks = slot_of(id, ROUND, 0).checks;
        assert_eq!((checks.open, checks.challenges), (open, 0));
        assert!(!round_of(id, ROUND).can_finish(u32::MAX));
    });
}

/// What nobody decides lapses, also for auditors.
#[test]
fn a_lapsed_disagreement_leaves_a_game_that_anybody_closes() {
    run(|| {
        let (id, place, slot) = wolf();
        let game = game_at(place).unwrap();
        let lapses = slot_of(id, ROUND, slot).checks.lapses;
        pass(lapses + 1 - now());
        assert!(Disputes::is_overtaken(game));
        let voided = pallet_sabha_training::Event::RoundVoided {
            run: id,
            round: ROUND,
            reason: VoidReason::Undecided,
        };
        System::assert_has_event(voided.into());
        assert_ok!(Disputes::close(signed(BOB), game));
        assert_eq!(Games::<Test>::iter().count(), 0);
    });
}
