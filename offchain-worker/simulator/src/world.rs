//! One run: a board, its workers, and what they do in each block.

use crate::{
    Cheat, Scenario,
    tally::{Note, Tally},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use sabha_protocol::{
    Balance, Commitment, Digest, Divergence, Outcome, RoundKey, RunSpec, SlotIndex, SlotSet,
    audit::{Audits, Opening, SeatState, answer, seal},
    board::{Board, Duty, Happening, Member},
    money::Party,
    round::{Checkpoint, Claim, Effect, Phase, Progress, Reveal, SlotState, Verdict},
    segments_root,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a false divergence claims.
const DIVERGENCE: Divergence = Divergence { step: 0, instruction: 0, element: 0 };

/// A slot that somebody was drawn for, as long as it is not settled.
struct Trained {
    worker: Member,
    cheats: bool,
    roots: Vec<Digest>,
    faked: BTreeSet<u32>,
    diverged: bool,
    /// Whether somebody outside will challenge it.
    watched: bool,
    note: Note,
}

pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    spec: RunSpec,
    board: Board,
    rng: ChaCha8Rng,
    cheats: Member,
    colluders: Member,
    slots: BTreeMap<(RoundKey, SlotIndex), Trained>,
    seats: BTreeMap<(RoundKey, u16), (Member, Note)>,
    put_in: Balance,
    slashed: Balance,
    tally: Tally,
}

/// Per million of a number, rounded up, so that a share that is not zero is somebody.
fn share(of: u32, ppm: u32) -> u32 {
    (u64::from(of) * u64::from(ppm)).div_ceil(1_000_000) as u32
}

impl<'a> World<'a> {
    pub(crate) fn new(scenario: &'a Scenario, seed: u64) -> Self {
        let spec = scenario.spec();
        let mut board = Board::new(&spec, 0, scenario.session, seed);
        // The escrow never runs out: what is measured is a slot's fate, not a budget's.
        let budget = board.terms.round_cost * Balance::from(scenario.rounds + 100);
        board.progress = Progress::new(budget);
        for member in 0..scenario.workers {
            board.join(member, scenario.stake);
        }
        let put_in = board.total();
        let cheats = if scenario.cheat == Cheat::None { 0 } else { share(scenario.workers, scenario.cheats) };
        Self {
            scenario,
            spec,
            board,
            rng: ChaCha8Rng::seed_from_u64(seed),
            cheats,
            colluders: if cheats == 0 { 0 } else { share(scenario.workers, scenario.colluders) },
            slots: BTreeMap::new(),
            seats: BTreeMap::new(),
            put_in,
            slashed: 0,
            tally: Tally { balanced: true, ..Tally::default() },
        }
    }

    /// `None` if it was stopped.
    pub(crate) fn play(mut self, stop: &(dyn Fn() -> bool + Sync)) -> Option<Tally> {
        // A run that gets nowhere still ends: a round takes a few hundred blocks.
        let most = u64::from(self.scenario.rounds).saturating_mul(5_000) + 10_000;
        while self.tally.blocks < most {
            if self.tally.blocks.is_multiple_of(1_024) && stop() {
                return None;
            }
            self.tally.blocks += 1;
            self.board.now += 1;
            if self.tally.attempts >= self.scenario.rounds.into() {
                self.board.progress.pause(sabha_protocol::round::Pause::Decided);
                if self.board.rounds.is_empty() {
                    break;
                }
            } else if self.board.progress.pause.is_some() {
                self.tally.pauses += 1;
                self.board.progress.resume();
            }
            let known: BTreeSet<RoundKey> = self.board.rounds.keys().copied().collect();
            self.board.poke();
            self.tally.attempts += self.board.rounds.keys().filter(|key| !known.contains(key)).count() as u64;
            self.act();
            self.read_log();
            self.restake();
            self.tally.balanced &= self.board.total() == self.put_in;
        }
        self.tally.finalised = self.board.progress.finalised.into();
        self.tally.burnt = self.board.burnt;
        self.tally.slashed = self.board.slashed;
        self.tally.balanced &= self.board.rounds.is_empty() && self.board.kept == 0;
        Some(self.tally)
    }

    fn cheats(&self, member: Member) -> bool {
        member < self.cheats
    }

    /// Lazy auditors need something to overlook: as many workers as they are train nothing.
    fn cheats_in_slots(&self, member: Member) -> bool {
        if self.scenario.cheat == Cheat::LazyAuditor {
            return (self.cheats..self.cheats.saturating_mul(2)).contains(&member);
        }
        self.cheats(member) && !self.scenario.cheat.is_in_audits()
    }

    fn cheats_in_audits(&self, member: Member) -> bool {
        self.cheats(member) && self.scenario.cheat.is_in_audits()
    }

    /// True with a probability in parts per million.
    fn chance(&mut self, ppm: u32) -> bool {
        (u128::from(self.rng.next_u64()) * 1_000_000) >> 64 < ppm.into()
    }

    /// Everybody does what it has to, or not.
    fn act(&mut self) {
        for key in self.board.rounds.keys().copied().collect::<Vec<_>>() {
            let round = self.board.rounds[&key];
            match round.phase {
                Phase::Training { .. } => self.commit(key),
                Phase::Availability { panel, .. } => self.report(key, panel),
                // While auditors reveal: late enough that whoever vouches for a faked slot has sealed, before the round can be final.
                Phase::Window { .. } if matches!(round.audits, Audits::Revealing { .. }) => {
                    self.challenge(key)
                }
                Phase::Aggregating { aggregator: Some(worker), .. } => {
                    let digest =
                        Digest::of(&[key.round.to_le_bytes(), u32::from(key.attempt).to_le_bytes()].concat());
                    let _ = self.board.post_root(key, worker, Checkpoint { root: digest, blob: digest });
                }
                _ => {}
            }
            match round.audits {
                Audits::Sealing { .. } => self.seal(key),
                Audits::Publishing { .. } => self.publish(key),
                Audits::Revealing { .. } => self.reveal(key),
                _ => {}
            }
        }
    }

    fn commit(&mut self, key: RoundKey) {
        for index in 0..self.scenario.slots {
            let Some(slot) = self.board.slots.get(&(key, index)) else { continue };
            let SlotState::Assigned { worker, .. } = slot.state else { continue };
            let (cheats, generation) = (self.cheats_in_slots(worker), slot.generation);
            if cheats && self.scenario.cheat == Cheat::MissDeadlines {
                continue;
            }
            let faked = if cheats { self.choose_segments() } else { BTreeSet::new() };
            let diverged = cheats && self.scenario.cheat == Cheat::FalseDivergence;
            let roots = self.roots(key, index, &faked);
            let last = roots.last().copied().unwrap_or_default();
            let outcome = if diverged {
                Outcome::Diverged(DIVERGENCE)
            } else {
                Outcome::Trained(Commitment {
                    segments_root: segments_root(&roots),
                    update_digest: last,
                    mean_loss: 1.0.into(),
                })
            };
            if self.board.commit(key, index, worker, generation, outcome).is_ok() {
                let executed = if diverged { 0 } else { self.spec.segments() - faked.len() as u32 };
                let watched = cheats && self.chance(self.scenario.watched);
                let note = Note { executed, ..Note::default() };
                self.slots
                    .insert((key, index), Trained { worker, cheats, roots, faked, diverged, watched, note });
            }
        }
    }

    /// Somebody outside convicts the faked slots that it happened to look at.
    fn challenge(&mut self, key: RoundKey) {
        for index in 0..self.scenario.slots {
            let Some(trained) = self.slots.get_mut(&(key, index)) else { continue };
            if !std::mem::take(&mut trained.watched) {
                continue;
            }
            let claim = match (trained.diverged, trained.faked.first()) {
                (true, _) => Claim::Divergence,
                (false, Some(first)) => {
                    // Any faked segment convicts; an audited one also those who vouched for it.
                    let audited = self.board.rounds[&key].audited_segments(&self.board.terms, index);
                    Claim::Segment(audited.into_iter().find(|s| trained.faked.contains(s)).unwrap_or(*first))
                }
                (false, None) => continue,
            };
            let _ = self.board.convict(key, index, claim, None);
        }
    }

    /// The segments that a cheat fakes: any as well as any other, for it cannot know which are audited.
    fn choose_segments(&mut self) -> BTreeSet<u32> {
        let (segments, count) = (self.spec.segments(), self.scenario.faked_segments());
        let mut all: Vec<u32> = (0..segments).collect();
        for place in 0..count.min(segments) {
            let left = u64::from(segments - place);
            let other = place + ((u128::from(self.rng.next_u64()) * u128::from(left)) >> 64) as u32;
            all.swap(place as usize, other as usize);
        }
        all.into_iter().take(count as usize).collect()
    }

    /// State roots, the start state first. After a faked segment another state goes on, honestly.
    fn roots(&self, key: RoundKey, index: SlotIndex, faked: &BTreeSet<u32>) -> Vec<Digest> {
        let mut lineage = 0u32;
        (0..=self.spec.segments())
            .map(|leaf| {
                if leaf > 0 && faked.contains(&(leaf - 1)) {
                    lineage += 1;
                }
                let place = [key.round, key.attempt.into(), index.into(), leaf, lineage];
                Digest::of(&place.map(u32::to_le_bytes).concat())
            })
            .collect()
    }

    fn report(&mut self, key: RoundKey, panel: u8) {
        let mut got = SlotSet::default();
        for index in 0..self.scenario.slots {
            let withheld = self.scenario.cheat == Cheat::WithholdUpdate
                && self.slots.get(&(key, index)).is_some_and(|trained| trained.cheats);
            if !withheld {
                got.insert(index);
            }
        }
        for place in 0..self.spec.audit.attesters {
            if let Some(attester) = self.board.attesters.get(&(key, panel, place)).copied() {
                let _ = self.board.report(key, panel, place, attester.worker, got);
            }
        }
    }

    /// What an auditor answers. Whoever executes nothing is told by the worker what to say.
    fn answer(&self, key: RoundKey, index: SlotIndex, auditor: Member) -> Option<Digest> {
        let trained = self.slots.get(&(key, index))?;
        let told = self.cheats_in_audits(auditor) && self.scenario.cheat == Cheat::LazyAuditor
            || trained.cheats && auditor < self.colluders;
        if self.cheats_in_audits(auditor) && self.scenario.cheat == Cheat::SlanderingAuditor {
            return Some(Digest([66; 32]));
        }
        if trained.diverged {
            return Some(if told { answer::of_divergence(&DIVERGENCE) } else { Digest([1; 32]) });
        }
        let segments = self.board.rounds.get(&key)?.audited_segments(&self.board.terms, index);
        let ends: Vec<Digest> = segments
            .iter()
            .map(|segment| {
                let claimed = trained.roots.get(*segment as usize + 1).copied().unwrap_or_default();
                // What really follows from the state that the segment starts from.
                let wrong = trained.faked.contains(segment) && !told;
                if wrong { Digest::of(&claimed.0) } else { claimed }
            })
            .collect();
        Some(answer::of_roots(&ends))
    }

    fn seal(&mut self, key: RoundKey) {
        let mut first: Option<Digest> = None;
        for (place, seat) in self.board.seats_of(key) {
            let Some(answer) = self.answer(key, seat.slot, seat.auditor) else { continue };
            let Some(trained) = self.slots.get_mut(&(key, seat.slot)) else { continue };
            trained.note.audited = true;
            let (vouches, cheats) =
                (trained.cheats && seat.auditor < self.colluders, self.cheats_in_audits(seat.auditor));
            let works = !vouches && (!cheats || self.scenario.cheat == Cheat::SilentAuditor);
            let mut sealed = seal(&answer, &salt(place), &seat.auditor);
            if cheats && self.scenario.cheat == Cheat::CopySeal {
                sealed = first.unwrap_or(sealed);
            }
            if self.board.seal(key, place, seat.auditor, sealed).is_ok() {
                first = first.or(Some(sealed));
                let executed = if works { self.scenario.audited.into() } else { 0 };
                self.seats.insert((key, place), (seat.auditor, Note { executed, ..Note::default() }));
            }
        }
    }

    fn publish(&mut self, key: RoundKey) {
        let round = self.board.rounds[&key];
        for index in round.unanswered.iter().collect::<Vec<_>>() {
            let Some(trained) = self.slots.get(&(key, index)) else { continue };
            if trained.cheats && self.scenario.cheat == Cheat::WithholdLeaves {
                continue;
            }
            let segments = round.audited_segments(&self.board.terms, index);
            let leaves: Vec<Opening> =
                segments.iter().filter_map(|segment| Opening::of(&trained.roots, segment + 1)).collect();
            let _ = self.board.publish(key, index, &leaves);
        }
    }

    fn reveal(&mut self, key: RoundKey) {
        for (place, seat) in self.board.seats_of(key) {
            if !matches!(seat.state, SeatState::Sealed(_)) {
                continue;
            }
            if self.cheats_in_audits(seat.auditor) && self.scenario.cheat == Cheat::SilentAuditor {
                continue;
            }
            let Some(answer) = self.answer(key, seat.slot, seat.auditor) else { continue };
            let reveal = Reveal { answer, salt: salt(place), unserved: false };
            // Who copied a seal cannot reveal it.
            if self.board.reveal(key, place, seat.auditor, &reveal).is_err() {
                continue;
            }
            let disputed = matches!(
                self.board.seats.get(&(key, place)).map(|seat| seat.state),
                Some(SeatState::Differed { .. })
            );
            if disputed && self.board.slots[&(key, seat.slot)].checks.fault.is_none() {
                let verdict = self.judge(key, seat.slot);
                let _ = self.board.resolve(key, place, verdict);
            }
        }
    }

    /// The dispute's verdict.
    fn judge(&self, key: RoundKey, index: SlotIndex) -> Verdict {
        let Some(trained) = self.slots.get(&(key, index)) else { return Verdict::AuditorWrong };
        if trained.diverged {
            return Verdict::WorkerWrong(Claim::Divergence);
        }
        let segments = self.board.rounds[&key].audited_segments(&self.board.terms, index);
        let wrong = segments.into_iter().find(|segment| trained.faked.contains(segment));
        wrong.map_or(Verdict::AuditorWrong, |segment| Verdict::WorkerWrong(Claim::Segment(segment)))
    }

    /// Notes what moved, and counts the slots and seats that are settled.
    fn read_log(&mut self) {
        for Happening { key, duty, effect } in std::mem::take(&mut self.board.log) {
            let Effect::Move(moved) = effect else { continue };
            if let (Party::Stake(_) | Party::Kept, Party::Escrow) = (moved.from, moved.to) {
                self.tally.refilled += moved.amount;
            }
            match duty {
                Duty::Slot(index) => {
                    if let Some(trained) = self.slots.get_mut(&(key, index)) {
                        trained.note.book(&moved, trained.worker);
                    }
                    // A challenger that is an auditor is rewarded for its seat.
                    if let Party::Challenger(auditor) = moved.to
                        && let Some((_, note)) = self
                            .seats
                            .iter_mut()
                            .filter(|(at, (who, _))| at.0 == key && *who == auditor)
                            .map(|(_, s)| s)
                            .next()
                    {
                        note.earned += moved.amount;
                    }
                }
                Duty::Seat(place) => {
                    let seat = self.seats.get_mut(&(key, place));
                    if let Some((auditor, note)) = seat {
                        note.book(&moved, *auditor);
                    }
                }
                Duty::Attester(_) => self.tally.to_attesters += moved.amount,
                Duty::Aggregator => self.tally.to_aggregators += moved.amount,
                Duty::Round => {}
            }
        }
        self.count_settled();
    }

    fn count_settled(&mut self) {
        // What a segment costs: its part of the price, as the bound assumes.
        let segment = self.scenario.price / Balance::from(self.scenario.segments);
        let gone: Vec<_> =
            self.slots.keys().filter(|at| !self.board.slots.contains_key(at)).copied().collect();
        for trained in gone.iter().filter_map(|at| self.slots.remove(at)) {
            self.tally.trained_segments += u64::from(trained.note.executed);
            let tally = &mut self.tally;
            let lot = if trained.cheats { &mut tally.cheating_slots } else { &mut tally.honest_slots };
            lot.count(&trained.note, segment);
        }
        let gone: Vec<_> =
            self.seats.keys().filter(|at| !self.board.seats.contains_key(at)).copied().collect();
        for at in gone {
            let Some((auditor, note)) = self.seats.remove(&at) else { continue };
            self.tally.audited_segments += u64::from(note.executed);
            let cheats = self.cheats_in_audits(auditor);
            let lot = if cheats { &mut self.tally.cheating_seats } else { &mut self.tally.honest_seats };
            lot.count(&note, segment);
        }
    }

    /// Fills stakes up again, so that everybody's share stays.
    fn restake(&mut self) {
        if self.board.slashed == self.slashed {
            return;
        }
        self.slashed = self.board.slashed;
        for worker in self.board.workers.values_mut() {
            let missing = self.scenario.stake.saturating_sub(worker.stake);
            worker.stake += missing;
            self.put_in += missing;
        }
    }
}

fn salt(place: u16) -> [u8; 32] {
    let mut salt = [7; 32];
    for (to, from) in salt.iter_mut().zip(place.to_le_bytes()) {
        *to = from;
    }
    salt
}
