//! Rounds that are brought to where games begin, and games that are played to their end.

use frame_support::{
    assert_ok,
    dispatch::Pays,
    storage::{TransactionOutcome, with_transaction},
};
use pallet_sabha_training::{Attesters, Rounds, Seats, Slots};
use sabha_protocol::{
    Digest, Outcome, RoundKey, RunId, RunSpec, SlotIndex, SlotSet,
    audit::{Audits, Opening, SeatState, answer as answers, seal},
    dispute::{
        Claim, Game, Move, Side,
        player::{Book, PlayError, Seen, answer, challenge as doubt},
    },
    money,
    round::{Checkpoint, Phase, SlotState, Terms},
};
use sp_runtime::DispatchError;

use super::world::{Missing, Run, aggregate, honest, spec};
use crate::{Event, GameId, Games, LastShown, NextGame, Stage, Target, facts::Known, mock::*};

pub const ROUND: RoundKey = RoundKey { round: 0, attempt: 0 };

/// Three honest slots.
pub fn all_honest() -> Vec<Run> {
    (0..3).map(honest).collect()
}

/// Three slots, of which slot 0 is this.
pub fn with_slot_0(run: Run) -> Vec<Run> {
    let mut runs = all_honest();
    runs[0] = run;
    runs
}

/// A round whose slots are all assigned.
pub fn opened() -> RunId {
    opened_with(&spec())
}

/// The same, of a run as it is specified.
pub fn opened_with(spec: &RunSpec) -> RunId {
    crowd();
    let id = create(spec);
    until(400, || {
        let assigned = |slot| {
            matches!(
                Slots::<Test>::get((id, ROUND, slot)).map(|slot| slot.state),
                Some(SlotState::Assigned { .. })
            )
        };
        Rounds::<Test>::contains_key(id, ROUND) && (0..3).all(assigned)
    });
    id
}

pub fn commit(id: RunId, slot: SlotIndex, outcome: Outcome) {
    let record = slot_of(id, ROUND, slot);
    let owner = record.worker().copied().expect("a worker");
    assert_ok!(Training::commit(signed(hot(owner)), id, ROUND, slot, record.generation, outcome));
}

/// A round in which these slots are committed, and all updates there.
pub fn committed(runs: &[Run]) -> RunId {
    let id = opened();
    for (slot, run) in (0..).zip(runs) {
        commit(id, slot, run.outcome);
    }
    block();
    id
}

/// All attesters got all updates.
pub fn attest(id: RunId) {
    let round = round_of(id, ROUND);
    let Phase::Availability { panel, .. } = round.phase else { panic!("{round:?}") };
    let mut got = SlotSet::default();
    round.committed.iter().filter(|slot| !round.diverged.contains(*slot)).for_each(|slot| got.insert(slot));
    for (place, attester) in Attesters::<Test>::iter_prefix((id, ROUND, panel)).collect::<Vec<_>>() {
        assert_ok!(Training::report(signed(hot(attester.worker)), id, ROUND, place, got));
    }
    block();
}

/// The aggregator posts this root.
pub fn post(id: RunId, root: Digest) -> AccountId {
    let turn = || match round_of(id, ROUND).phase {
        Phase::Aggregating { aggregator, .. } => aggregator,
        _ => None,
    };
    until(50, || turn().is_some());
    let worker = turn().expect("somebody's turn");
    let checkpoint = Checkpoint { root, blob: Digest([1; 32]) };
    assert_ok!(Training::post_root(signed(hot(worker)), id, ROUND, checkpoint));
    block();
    worker
}

/// A round in its window, with these slots and the root that follows from them.
pub fn window_of(runs: &[Run]) -> RunId {
    let id = committed(runs);
    attest(id);
    post(id, aggregate(runs, None).last_root());
    id
}

/// The last block of the window.
pub fn deadline(id: RunId) -> u32 {
    let Phase::Window { until } = round_of(id, ROUND).phase else { panic!("no window") };
    until
}

/// The auditors find what `answer_of` says, and reveal it; leaves are those of `runs`.
pub fn audited(id: RunId, runs: &[Run], answer_of: impl Fn(u16, SlotIndex, &[u32]) -> Digest) {
    until(100, || matches!(round_of(id, ROUND).audits, Audits::Sealing { .. }));
    let terms = Terms::new(id, &spec());
    let segments = |slot| round_of(id, ROUND).audited_segments(&terms, slot);
    let mut seats: Vec<_> = Seats::<Test>::iter_prefix((id, ROUND)).collect();
    seats.sort_by_key(|(place, _)| *place);
    let salt = [7; 32];
    for (place, seat) in &seats {
        let found = answer_of(*place, seat.slot, &segments(seat.slot));
        let sealed = seal(&found, &salt, &seat.auditor);
        assert_ok!(Training::seal(signed(hot(seat.auditor)), id, ROUND, *place, sealed));
    }
    block();
    for slot in round_of(id, ROUND).unanswered.iter().collect::<Vec<_>>() {
        let leaves = runs[usize::from(slot)].leaves();
        let open = |segment: &u32| Opening::of(&leaves, segment + 1).expect("there is such a leaf");
        let leaves: Vec<_> = segments(slot).iter().map(open).collect();
        assert_ok!(Training::publish(signed(BOB), id, ROUND, slot, leaves.try_into().expect("few")));
    }
    block();
    for (place, seat) in &seats {
        let found = answer_of(*place, seat.slot, &segments(seat.slot));
        let sealed = Seats::<Test>::get((id, ROUND, *place)).expect("it is there").state;
        assert!(matches!(sealed, SeatState::Sealed(_)));
        let who = signed(hot(seat.auditor));
        assert_ok!(Training::reveal(who, id, ROUND, *place, found, salt, false));
    }
    block();
}

/// What an honest auditor finds.
pub fn truth(_: u16, slot: SlotIndex, segments: &[u32]) -> Digest {
    let leaves = honest(slot).leaves();
    answers::of_roots(&segments.iter().map(|segment| leaves[*segment as usize + 1]).collect::<Vec<_>>())
}

/// What a lazy auditor says: that what is committed is right.
pub fn agreed(runs: &[Run]) -> impl Fn(u16, SlotIndex, &[u32]) -> Digest {
    move |_, slot, segments| {
        let leaves = runs[usize::from(slot)].leaves();
        answers::of_roots(&segments.iter().map(|segment| leaves[*segment as usize + 1]).collect::<Vec<_>>())
    }
}

pub fn slot_0(id: RunId) -> Target {
    Target::Slot { slot: 0, generation: slot_of(id, ROUND, 0).generation }
}

/// Challenges a claim; that is free.
pub fn challenge(who: AccountId, id: RunId, target: Target, claim: Claim) -> GameId {
    let game = NextGame::<Test>::get();
    let done = Disputes::challenge(signed(who), id, ROUND, target, claim).expect("it is accepted");
    assert_eq!(done.pays_fee, Pays::No);
    assert!(Games::<Test>::contains_key(game));
    game
}

/// The game's own state.
pub fn playing(id: GameId) -> Game {
    let Stage::Playing(game) = game_of(id).stage else { panic!("it is not named") };
    game
}

/// The game of a round's book.
pub fn known(id: GameId) -> Known<Test> {
    let dispute = game_of(id);
    Known::of(dispute.run, dispute.round, dispute.target).expect("it is there")
}

/// How far two players came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// To a verdict: who has lost.
    Decided(Side),
    /// To where this side has nothing to say.
    Silent(Side),
}

/// The defender makes its next move; returns whether it could.
pub fn defend(id: GameId, book: &mut impl Book, seen: &mut Seen) -> bool {
    let (game, dispute, known) = (playing(id), game_of(id), known(id));
    let Some(made) = known.with(|facts| answer(facts, &game, book).ok()) else { return false };
    let who = signed(hot(dispute.defender));
    let Ok(done) = Disputes::answer(who, id, game.position, Box::new(made.clone())) else { return false };
    assert_eq!(done.pays_fee, Pays::No);
    known.with(|facts| seen.look(facts, &game, &made));
    true
}

/// The challenger makes its next move; returns whether it had one.
pub fn press(id: GameId, book: &mut impl Book<Error = Missing>, seen: &Seen) -> bool {
    let (game, dispute, known) = (playing(id), game_of(id), known(id));
    let made = match known.with(|facts| doubt(facts, &game, book, seen)) {
        Ok(made) => made,
        Err(PlayError::NothingWrong) => return false,
        Err(error) => panic!("{error:?} in {game:?}"),
    };
    let who = signed(dispute.challenger);
    let done = match made {
        Move::Judge(judgement) => Disputes::judge(who, id, game.position, Box::new(judgement)),
        made => Disputes::press(who, id, game.position, Box::new(made)),
    };
    assert_eq!(done.expect("it is accepted").pays_fee, Pays::No);
    true
}

/// Plays a game, a move a block, and checks the invariants after each.
pub fn play(id: GameId, defender: &mut impl Book, challenger: &mut impl Book<Error = Missing>) -> Came {
    play_with(id, defender, challenger, check)
}

/// Plays a game, a move a block.
pub fn play_with(
    id: GameId,
    defender: &mut impl Book,
    challenger: &mut impl Book<Error = Missing>,
    look: impl Fn(),
) -> Came {
    let mut seen = Seen::default();
    for _ in 0..60 {
        if !Games::<Test>::contains_key(id) {
            return Came::Decided(loser_of(id));
        }
        let side = playing(id).turn();
        let moved = match side {
            Side::Defender => defend(id, defender, &mut seen),
            Side::Challenger => press(id, challenger, &seen),
        };
        if !moved {
            return Came::Silent(side);
        }
        look();
        block();
    }
    panic!("the game does not end: {:?}", game_of(id))
}

/// Who has lost a game, by the events.
pub fn loser_of(id: GameId) -> Side {
    let decided = events().into_iter().find_map(|event| match event {
        Event::Decided { game, loser, .. } if game == id => Some(loser),
        _ => None,
    });
    decided.expect("it was decided")
}

/// Nothing of the round is left.
pub fn settled(id: RunId) {
    until(400, || !Rounds::<Test>::contains_key(id, ROUND));
}

/// Does something to a chain that is afterwards what it was before.
pub fn apart(act: impl FnOnce()) {
    let done: Result<(), DispatchError> = with_transaction(|| {
        act();
        TransactionOutcome::Rollback(Ok(()))
    });
    assert_ok!(done);
}

/// Nothing of any game is left, nor of any bond.
pub fn no_games() {
    assert_eq!(Games::<Test>::iter().count(), 0);
    assert_eq!(LastShown::<Test>::iter().count(), 0);
    (1..=ACCOUNTS).for_each(|who| assert_eq!(bonded(who), 0, "{who}"));
}

/// Where money was before a game between BOB and somebody.
#[derive(Clone, Copy, Debug)]
pub struct Books {
    run: RunId,
    defender: AccountId,
    stake: u128,
    payout: u128,
    challenger: u128,
    burnt: u128,
    kept: u128,
    regained: u128,
}

impl Books {
    /// As they are, before BOB challenges.
    pub fn of(run: RunId, defender: AccountId) -> Self {
        let record = pallet_sabha_training::Runs::<Test>::get(run).expect("it exists");
        Self {
            run,
            defender,
            stake: staked(defender),
            payout: free(payout(defender)),
            challenger: free(BOB) + bonded(BOB),
            burnt: burnt(),
            kept: record.kept,
            regained: record.regained,
        }
    }

    /// The books now, with the differences that there ought to be.
    fn now_are(self, expected: Self) {
        let now = Self::of(self.run, self.defender);
        let all = |books: Self| {
            let Self { stake, payout, challenger, burnt, kept, regained, .. } = books;
            [stake, payout, challenger, burnt, kept, regained]
        };
        assert_eq!(all(now), all(expected), "stake, payout, challenger, burnt, kept, regained");
        assert_eq!(bonded(BOB), 0);
    }

    /// The defender lost its stake: half is burnt, a part of a slot's is kept for its auditors, a part is BOB's, the rest the run's.
    pub fn convicted(self) {
        let amount = spec().stake_per_slot;
        let mut split = money::split(amount);
        assert_eq!(split.burnt + split.auditors + split.challenger + split.escrow, amount);
        assert!(split.burnt >= amount / 2);
        let about = events().into_iter().rev().find_map(|event| match event {
            Event::Challenged { target, .. } => Some(target),
            _ => None,
        });
        if about == Some(Target::Aggregation) {
            split.escrow += core::mem::take(&mut split.auditors);
        }
        self.now_are(Self {
            stake: self.stake - amount,
            challenger: self.challenger + split.challenger,
            burnt: self.burnt + split.burnt,
            kept: self.kept + split.auditors,
            regained: self.regained + split.escrow,
            ..self
        });
    }

    /// BOB lost its bond: half is burnt, half the defender's.
    pub fn acquitted(self) {
        self.now_are(Self {
            payout: self.payout + BOND / 2,
            challenger: self.challenger - BOND,
            burnt: self.burnt + BOND / 2,
            ..self
        });
    }
}

/// Who answers for slot 0.
pub fn holder(id: RunId) -> AccountId {
    *slot_of(id, ROUND, 0).worker().expect("it is assigned")
}

/// BOB challenges, and somebody loses: by a verdict, or because it has nothing to say until its time is up. Returns who.
pub fn judged(
    id: RunId,
    target: Target,
    claim: Claim,
    defender: &mut impl Book,
    challenger: &mut impl Book<Error = Missing>,
) -> Side {
    let game = challenge(BOB, id, target, claim);
    match play_with(game, defender, challenger, || ()) {
        Came::Decided(loser) => loser,
        Came::Silent(_) => {
            until(61, || Disputes::time_out(signed(ALICE), game).is_ok());
            loser_of(game)
        }
    }
}

/// As [`judged`], of slot 0: its worker is convicted, and its stake goes where it has to.
pub fn convicts(id: RunId, claim: Claim, defender: &mut impl Book, challenger: &mut Run) {
    let books = Books::of(id, holder(id));
    assert_eq!(judged(id, slot_0(id), claim, defender, challenger), Side::Defender);
    books.convicted();
    assert!(slot_of(id, ROUND, 0).checks.fault.is_some());
    no_games();
    check();
}
