//! Forged moves: of recorded games about every claim, in each position, any field of the move is changed, replaced by what stood in
//! another move of the same or another game, or its bytes are.
//!
//! Two laws hold for whatever comes of it. What an accepted move shows is what the defender is bound to, by its own numbers, and a
//! verdict is what they come to ([`truth`]). And where a liar's forged move is accepted, for it may choose what to ask for and what a new
//! root is made of, the game that follows ends with its loss, whatever else it forges, as long as the other side plays on honestly.

pub mod games;
mod layout;
mod mutate;
pub mod truth;

use sabha_protocol::dispute::{Facts, Game, Side, player::Seen};
use sabha_testing::lie::Dice;

use games::{Made, Position, Reader, Table, tables};
use mutate::Forger;

/// What came of the cases.
#[derive(Debug, Default)]
struct Count {
    /// Moves that differ from the one that was made.
    forged: u64,
    /// Changes of bytes of which a move came, and of which none did.
    decoded: [u64; 2],
    /// Forged moves that were accepted.
    accepted: u64,
    /// Games that were played on, and forged moves that were accepted in them.
    played: [u64; 2],
    /// Verdicts after forged moves.
    verdicts: u64,
}

/// Plays on after a forged move of the liar.
struct After<'a> {
    table: &'a Table,
    facts: &'a Facts<'a>,
    /// What the liar plays from here on.
    book: &'static Reader,
    what: &'a dyn Fn() -> String,
}

impl After<'_> {
    /// Plays to the end. The honest side has something to say in every position, and loses nowhere.
    fn play(&self, mut game: Game, mut seen: Seen, forger: &mut Forger<'_>, count: &mut Count) {
        let Self { table, facts, book, what } = self;
        let [_, honest] = table.liars();
        for _ in 0..80 {
            let before = game;
            let (made, verdict) = if game.turn() == table.honest {
                let Some(made) = Table::says(facts, &game, &seen, honest) else {
                    panic!("the honest side has nothing to say in {game:?}: {}", what());
                };
                let verdict = Table::attempt(facts, &mut game, &made).unwrap_or_else(|error| {
                    panic!("the honest side's move is refused: {error}, in {before:?}: {}", what());
                });
                (made, verdict)
            } else {
                let own = Table::says(facts, &game, &seen, book);
                match self.cheat(&mut game, own, forger, count) {
                    Some(made) => made,
                    // Out of time: that is its loss.
                    None => return,
                }
            };
            if let Some(loser) = verdict {
                count.verdicts += 1;
                assert_ne!(loser, table.honest, "{made:?} in {before:?}: {}", what());
                return;
            }
            if let Made::Answer(answer) = &made {
                seen.look(facts, &before, answer);
            }
        }
        panic!("the game does not end: {game:?}, {}", what());
    }

    /// The liar's move: sometimes a forged one, if that is accepted; else what its book says.
    fn cheat(
        &self,
        game: &mut Game,
        own: Option<Made>,
        forger: &mut Forger<'_>,
        count: &mut Count,
    ) -> Option<(Made, Option<Side>)> {
        if forger.below(3) == 0 {
            let mut forged = match own.clone() {
                Some(own) if forger.below(4) > 0 => own,
                _ => forger.invent(game.turn()),
            };
            let honest = truth::judgement(self.table, game, &mut |bound| forger.below(bound));
            match honest.filter(|_| forger.below(2) == 0) {
                Some(honest) => forged = honest,
                None => forger.change(&mut forged),
            }
            let before = *game;
            match Table::attempt(self.facts, game, &forged) {
                Ok(verdict) => {
                    count.played[1] += 1;
                    return Some((forged, verdict));
                }
                Err(_) => assert_eq!(*game, before, "a refused move changes nothing"),
            }
        }
        let own = own?;
        let verdict = Table::attempt(self.facts, game, &own).ok()?;
        Some((own, verdict))
    }
}

/// One case: a forged move in a position of a game.
fn case(number: u64, tables: &[Table], count: &mut Count) {
    let mut dice = Dice::new(number);
    let table = &tables[dice.below(tables.len() as u64) as usize];
    let at = dice.below(table.positions.len() as u64) as usize;
    let position = &table.positions[at];
    // Mostly one of the same game.
    let donor = |dice: &mut Dice| {
        let other = match dice.below(4) {
            0 => &tables[dice.below(tables.len() as u64) as usize],
            _ => table,
        };
        let any = &other.positions[dice.below(other.positions.len() as u64) as usize];
        let here = dice.below(3) == 0;
        let Position { made, other, .. } = if here { position } else { any };
        other.as_ref().filter(|_| dice.below(3) == 0).unwrap_or(made).clone()
    };
    let mut forger = Forger { dice, donor: &donor };
    let turn = position.game.turn();
    let mut forged = position.made.clone();
    match forger.below(10) {
        0 | 1 => {
            let changed = forger.change_bytes(&forged);
            count.decoded[usize::from(changed.is_none())] += 1;
            let Some(changed) = changed else { return };
            forged = changed;
        }
        2 => forged = forger.invent(turn),
        3 => {
            if let Some(other) = &position.other {
                forged = other.clone();
            }
            if forger.below(2) == 0 {
                forger.change(&mut forged);
            }
        }
        4 | 5 => {
            let honest = truth::judgement(table, &position.game, &mut |bound| forger.below(bound));
            let plain = honest.is_some() && forger.below(2) == 0;
            forged = honest.unwrap_or(forged);
            if !plain {
                forger.change(&mut forged);
            }
        }
        _ => forger.change(&mut forged),
    }
    if forged == position.made {
        return;
    }
    count.forged += 1;
    let what = || format!("case {number}: {forged:?} in position {at} of {}", table.name);
    let mut tried = position.game;
    table.with(|facts| {
        let verdict = match Table::attempt(facts, &mut tried, &forged) {
            Err(_) => {
                assert_eq!(tried, position.game, "a refused move changes the game: {}", what());
                return;
            }
            Ok(verdict) => verdict,
        };
        count.accepted += 1;
        if let Err(why) = truth::check(table, position, &forged, verdict) {
            panic!("a forged move is accepted, {why}: {}", what());
        }
        if turn == table.honest {
            return;
        }
        if let Some(loser) = verdict {
            count.verdicts += 1;
            assert_ne!(loser, table.honest, "{}", what());
            return;
        }
        count.played[0] += 1;
        let mut seen = position.seen.clone();
        if let Made::Answer(answer) = &forged {
            seen.look(facts, &position.game, answer);
        }
        let book = table.liars()[forger.below(2) as usize];
        After { table, facts, book, what: &what }.play(tried, seen, &mut forger, count);
    });
}

#[test]
fn nobody_honest_loses_by_a_forged_move() {
    let cases = std::env::var("SABHA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000);
    let start = std::time::Instant::now();
    let tables = tables();
    for table in &tables {
        println!("{}: {} positions", table.name, table.positions.len());
    }
    println!("recorded in {:?}", start.elapsed());
    let mut count = Count::default();
    for number in 0..cases {
        case(number, &tables, &mut count);
    }
    println!("{} games, {cases} cases in {:?}: {count:?}", tables.len(), start.elapsed());
    // Mostly moves came of it, and all that can happen did.
    assert!(count.forged * 2 > cases && count.decoded[0] > count.decoded[1] * 2, "{count:?}");
    assert!(count.accepted * 100 > cases && count.accepted * 2 < cases, "{count:?}");
    assert!(count.played[0] * 200 > cases && count.played[1] > 0 && count.verdicts > 0, "{count:?}");
}
