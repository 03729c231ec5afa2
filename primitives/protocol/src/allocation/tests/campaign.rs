use super::super::campaign::*;
use num_bigint::BigUint;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What anybody can do, with numbers that are made to fit.
#[derive(Clone, Debug)]
enum Act {
    Pledge {
        who: u8,
        amount: u64,
        judged: bool,
    },
    Withdraw {
        who: u8,
        amount: u64,
    },
    WithdrawAll {
        who: u8,
    },
    Grant {
        amount: u64,
    },
    Close {
        matched: u64,
    },
    Recount {
        judged: bool,
    },
    Decide {
        matched: u64,
    },
    Fail,
    /// The run is over, and gives so many of 256 parts back.
    End {
        parts: u16,
    },
    Refund {
        who: u8,
    },
    Wait {
        blocks: u8,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let amount = || prop_oneof![Just(0u64), 1u64..50, 1u64..1_000_000];
    let who = || 0u8..5;
    let act = prop_oneof![
        6 => (who(), amount(), any::<bool>())
            .prop_map(|(who, amount, judged)| Act::Pledge { who, amount, judged }),
        2 => (who(), amount()).prop_map(|(who, amount)| Act::Withdraw { who, amount }),
        1 => who().prop_map(|who| Act::WithdrawAll { who }),
        1 => amount().prop_map(|amount| Act::Grant { amount }),
        3 => amount().prop_map(|matched| Act::Close { matched }),
        6 => any::<bool>().prop_map(|judged| Act::Recount { judged }),
        4 => amount().prop_map(|matched| Act::Decide { matched }),
        1 => Just(Act::Fail),
        2 => (0u16..=256).prop_map(|parts| Act::End { parts }),
        5 => who().prop_map(|who| Act::Refund { who }),
        2 => (0u8..20).prop_map(|blocks| Act::Wait { blocks }),
    ];
    prop::collection::vec(act, 0..80)
}

/// Accounts as they are kept elsewhere: in numbers of any size, without the machine's sums.
#[derive(Default)]
struct Books {
    paid_in: BTreeMap<u8, BigUint>,
    paid_back: BTreeMap<u8, BigUint>,
    /// What the pot gave, and got.
    given: BigUint,
    got: BigUint,
    /// What the run got, and gave back.
    run: BigUint,
    back: BigUint,
}

impl Books {
    fn escrow(&self) -> BigUint {
        let came: BigUint = self.paid_in.values().sum::<BigUint>() + &self.given + &self.back;
        came - self.paid_back.values().sum::<BigUint>() - &self.got - &self.run
    }
}

struct World {
    campaign: Campaign,
    pledges: BTreeMap<u8, Pledge>,
    books: Books,
    now: u32,
    /// Counted accounts that were not looked at.
    left: Vec<u8>,
    was_running: bool,
    /// Backers that were paid after the end.
    refunded: Vec<u8>,
}

impl World {
    fn pay_back(&mut self, who: u8, amount: u128) {
        *self.books.paid_back.entry(who).or_default() += amount;
    }

    fn act(&mut self, act: &Act) {
        let before = self.campaign;
        let counting = matches!(before.stage, Stage::Counting { .. });
        let campaign = &mut self.campaign;
        let done = match act.clone() {
            Act::Pledge { who, amount, judged } => {
                let mut pledge = self.pledges.get(&who).copied().unwrap_or_default();
                let done = campaign.pledge(&mut pledge, amount.into(), judged, self.now);
                if done.is_ok() {
                    self.pledges.insert(who, pledge);
                    *self.books.paid_in.entry(who).or_default() += amount;
                    if campaign.stage == Stage::Running {
                        self.books.run += amount;
                    }
                }
                done
            }
            Act::Withdraw { who, amount } => self.withdraw(who, amount.into()),
            Act::WithdrawAll { who } => {
                let all = self.pledges.get(&who).map_or(0, |pledge| pledge.amount);
                self.withdraw(who, all)
            }
            Act::Grant { amount } => {
                let done = campaign.grant(amount.into(), self.now);
                self.books.given += done.map_or(0, |()| amount);
                done
            }
            Act::Close { matched } => {
                let done = campaign.close(matched.into(), self.now);
                if done.is_ok() {
                    let counted = self.pledges.iter().filter(|(_, pledge)| pledge.counted > 0);
                    self.left = counted.map(|(who, _)| *who).collect();
                }
                done
            }
            Act::Recount { judged } => match self.left.last().copied().filter(|_| counting) {
                Some(who) => {
                    let mut pledge = self.pledges[&who];
                    let done = campaign.recount(&mut pledge, judged);
                    if done.is_ok() {
                        self.pledges.insert(who, pledge);
                        self.left.pop();
                    }
                    done
                }
                None => campaign.recount(&mut Pledge { amount: 1, counted: 1 }, judged),
            },
            Act::Decide { matched } => {
                let decided = campaign.decide(matched.into(), self.now);
                match decided {
                    Ok(Decision::Start { budget }) => {
                        self.books.given += matched;
                        self.books.run += budget;
                        self.was_running = true;
                    }
                    Ok(Decision::Missed { restore }) => self.books.got += restore,
                    Ok(Decision::GoOn) | Err(_) => {}
                }
                decided.map(drop)
            }
            Act::Fail => {
                let done = campaign.fail();
                self.books.got += done.unwrap_or(0);
                done.map(drop)
            }
            Act::End { parts } => {
                let back = campaign.moved * u128::from(parts) / 256;
                let done = campaign.end(back);
                if let Ok(restore) = done {
                    self.books.back += back;
                    self.books.got += restore;
                }
                done.map(drop)
            }
            Act::Refund { who } => match self.pledges.get(&who).copied() {
                Some(pledge) => {
                    let refund = campaign.refund(pledge);
                    if let Ok(Refund { backer, dust }) = refund {
                        self.books.got += dust;
                        self.pledges.remove(&who);
                        self.pay_back(who, backer);
                        self.refunded.push(who);
                    }
                    refund.map(drop)
                }
                // The caller has nothing to give: it has no pledge.
                None => Err(CampaignError::TooMuch),
            },
            Act::Wait { blocks } => {
                self.now += u32::from(blocks);
                Ok(())
            }
        };
        if done.is_err() {
            assert_eq!(self.campaign, before, "a refusal changes nothing: {act:?}");
        }
    }

    fn withdraw(&mut self, who: u8, amount: u128) -> Result<(), CampaignError> {
        let mut pledge = self.pledges.get(&who).copied().unwrap_or_default();
        self.campaign.withdraw(&mut pledge, amount)?;
        self.pledges.insert(who, pledge);
        self.pledges.retain(|_, pledge| pledge.amount > 0);
        self.pay_back(who, amount);
        Ok(())
    }

    fn check(&self) {
        let Self { campaign, pledges, books, .. } = self;
        // Escrow is what was pledged and given, less what was paid and refunded: in every state.
        assert_eq!(campaign.escrow().map(BigUint::from), Some(books.escrow()));
        assert_eq!(campaign.backed, pledges.values().map(|pledge| pledge.amount).sum::<u128>());
        assert_eq!(campaign.backers as usize, pledges.len());
        let sum = |of: &BTreeMap<u8, BigUint>| of.values().sum::<BigUint>();
        assert_eq!(BigUint::from(campaign.pledged), sum(&books.paid_in));
        assert_eq!(BigUint::from(campaign.refunded), sum(&books.paid_back));
        let support = pledges.values().try_fold(super::super::Support::default(), |support, pledge| {
            assert!(pledge.counted <= pledge.amount);
            support.change(0, pledge.counted)
        });
        assert_eq!(support, Some(campaign.support));
        for (who, back) in &books.paid_back {
            // Nobody gets more than it gave: no order of calls pays twice.
            assert!(*back <= books.paid_in[who], "{who} got {back}");
            if !self.was_running && !pledges.contains_key(who) {
                assert_eq!(*back, books.paid_in[who], "without a run, all of it, to the unit");
            }
        }
        match campaign.stage {
            Stage::Funding { .. } | Stage::Counting { .. } => {
                assert_eq!(campaign.escrow(), Some(campaign.backed + campaign.granted));
            }
            Stage::Running => assert_eq!(campaign.escrow(), Some(0), "the run has all of it"),
            Stage::Over { .. } if campaign.backers == 0 => {
                assert_eq!(campaign.escrow(), Some(0), "nothing is kept when all were refunded");
            }
            Stage::Over { .. } => {
                let owed: u128 = pledges.values().map(|pledge| campaign.refund_of(pledge)).sum();
                assert!(campaign.escrow() >= Some(owed), "everybody can be refunded");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_anybody_does_the_books_balance(goal in 1u64..2_000_000, acts in acts()) {
        let mut world = World {
            campaign: Campaign::new(goal.into(), 40),
            pledges: BTreeMap::new(),
            books: Books::default(),
            now: 0,
            left: Vec::new(),
            was_running: false,
            refunded: Vec::new(),
        };
        world.check();
        for act in &acts {
            world.act(act);
            world.check();
        }
        // Whoever comes late is paid, too, and the rest goes to the pot.
        let _ = world.campaign.end(world.campaign.moved / 3).map(|restore| {
            world.books.back += world.campaign.returned;
            world.books.got += restore;
        });
        if !matches!(world.campaign.stage, Stage::Over { .. }) {
            world.act(&Act::Fail);
        }
        for who in world.pledges.keys().copied().collect::<Vec<_>>() {
            world.act(&Act::Refund { who });
            world.check();
        }
        prop_assert!(world.campaign.is_settled());
        prop_assert_eq!(world.campaign.escrow(), Some(0));
    }

    /// A refund is the backer's part of what came back, rounded down: computed apart.
    #[test]
    fn refunds_are_pro_rata_to_the_unit(
        pledges in prop::collection::vec(1u128..1 << 80, 1..12), matched in 0u128..1 << 80, parts in 0u128..=1000,
    ) {
        let sum: u128 = pledges.iter().sum();
        let mut campaign = Campaign::new(sum, 9);
        let mut records = Vec::new();
        for amount in &pledges {
            let mut pledge = Pledge::default();
            campaign.pledge(&mut pledge, *amount, false, 0).expect("it is open");
            records.push(pledge);
        }
        campaign.close(0, 0).expect("the goal is met");
        let budget = sum + matched;
        prop_assert_eq!(campaign.decide(matched, 0), Ok(Decision::Start { budget }));
        let back = budget / 1000 * parts;
        let to_pot = campaign.end(back).expect("it runs");
        let exact = |part: u128| BigUint::from(back) * part / budget;
        prop_assert_eq!(BigUint::from(to_pot), exact(matched));
        let (mut paid, mut dust) = (to_pot, 0);
        for (pledge, amount) in records.into_iter().zip(pledges) {
            let refund = campaign.refund(pledge).expect("it is over");
            prop_assert_eq!(BigUint::from(refund.backer), exact(amount));
            paid += refund.backer + refund.dust;
            dust += refund.dust;
        }
        prop_assert_eq!(paid, back, "to the unit");
        // One unit at most for each that was rounded.
        prop_assert!(dust <= 13);
    }
}

fn pledged(campaign: &mut Campaign, amount: u128, judged: bool) -> Pledge {
    let mut pledge = Pledge::default();
    campaign.pledge(&mut pledge, amount, judged, 0).expect("it is open");
    pledge
}

#[test]
fn a_goal_that_is_missed_waits_until_the_time_is_over() {
    let mut campaign = Campaign::new(100, 5);
    let mut pledge = pledged(&mut campaign, 60, true);
    assert_eq!(campaign.close(39, 5), Err(CampaignError::NotDue));
    assert_eq!(campaign.close(40, 5), Ok(()), "in reach with what the pot would add");
    let mut other = Pledge::default();
    assert_eq!(campaign.pledge(&mut other, 1, false, 5), Err(CampaignError::WrongStage));
    assert_eq!(campaign.withdraw(&mut pledge, 1), Err(CampaignError::WrongStage));
    assert_eq!(campaign.decide(40, 5), Err(CampaignError::Count));
    assert_eq!(campaign.recount(&mut pledge, false), Ok(()));
    assert_eq!((pledge, campaign.support.accounts), (Pledge { amount: 60, counted: 0 }, 0));
    assert_eq!(campaign.recount(&mut pledge, false), Err(CampaignError::Count));
    assert_eq!(campaign.decide(0, 5), Ok(Decision::GoOn));
    assert_eq!(campaign.stage, Stage::Funding { until: 5 });
    assert_eq!(campaign.close(0, 6), Ok(()));
    assert_eq!(campaign.decide(0, 6), Ok(Decision::Missed { restore: 0 }));
    assert_eq!(campaign.refund(pledge), Ok(Refund { backer: 60, dust: 0 }));
    assert!(campaign.is_settled());
}

#[test]
fn a_grant_goes_back_where_it_came_from() {
    let mut campaign = Campaign::new(100, 5);
    let pledge = pledged(&mut campaign, 10, false);
    assert_eq!(campaign.grant(50, 5), Ok(()));
    assert_eq!(campaign.grant(50, 6), Err(CampaignError::TooLate));
    assert_eq!(campaign.grant(0, 5), Err(CampaignError::Zero));
    assert_eq!(campaign.fail(), Ok(50));
    assert_eq!(campaign.fail(), Err(CampaignError::WrongStage));
    assert_eq!(campaign.refund(pledge), Ok(Refund { backer: 10, dust: 0 }));
}

#[test]
fn a_top_up_is_refunded_like_a_pledge_and_counts_for_nothing() {
    let mut campaign = Campaign::new(90, 5);
    let first = pledged(&mut campaign, 90, true);
    let support = campaign.support;
    campaign.close(0, 0).expect("it is met");
    campaign.recount(&mut first.clone(), true).expect("one is left");
    assert_eq!(campaign.decide(0, 0), Ok(Decision::Start { budget: 90 }));
    let second = pledged(&mut campaign, 10, true);
    assert_eq!((campaign.support, campaign.moved, campaign.escrow()), (support, 100, Some(0)));
    assert_eq!(campaign.end(50), Ok(0));
    assert_eq!(campaign.refund(second), Ok(Refund { backer: 5, dust: 0 }));
    assert_eq!(campaign.refund(first), Ok(Refund { backer: 45, dust: 0 }));
}

#[test]
fn what_a_run_without_backers_gives_back_is_the_pots() {
    let mut campaign = Campaign::new(90, 5);
    campaign.grant(90, 0).expect("it is open");
    campaign.close(0, 0).expect("it is met");
    assert_eq!(campaign.decide(0, 0), Ok(Decision::Start { budget: 90 }));
    assert_eq!(campaign.end(40), Ok(40));
    assert!(campaign.is_settled());
    assert_eq!(campaign.escrow(), Some(0));
}
