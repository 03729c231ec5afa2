//! The money of a run, from the first pledge to the last refund.
//!
//! ```text
//! Funding ──close──► Counting ──decide──► Running ──end──► Over
//!    ▲  └──────────────┬─┘ │ └─ the goal is missed for good ──▲
//!    │    fail ────────┼───┼──────────────────────────────────┘
//!    └─────────────────┴───┘ it is missed, and there is time left
//! ```
//!
//! All or nothing: until the goal is met, a pledge can be withdrawn, and if it never is, each backer gets its own back to the unit. When
//! it is met, all of it becomes the budget of a run, which pays for rounds that are settled and for nothing else. What is left when the
//! run is over goes back to those who gave it, by what they gave; what rounding leaves goes to the pot with the last backer.
//!
//! Refunds are pulled, backer by backer: nothing here is as long as a list of members. The proposer appears nowhere: no transition
//! pays it anything.

use super::{fraction::mul_div, quadratic::Support};
use crate::{ActiveBlock, Balance};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// How far a campaign is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
    /// Takes pledges.
    Funding {
        /// The last active block for them.
        until: ActiveBlock,
    },
    /// Counted accounts are looked at once more, one by one.
    Counting {
        /// The last active block for pledges.
        until: ActiveBlock,
        /// Accounts that were not looked at yet.
        left: u32,
    },
    /// The run has all of it.
    Running,
    /// Whatever was not spent goes back.
    Over {
        /// What there is to go back to backers and pot, in units of 10^-12 SBH.
        back: Balance,
        /// What that is a part of: all that was given, in units of 10^-12 SBH.
        given: Balance,
    },
}

/// A backer's pledge.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pledge {
    /// All of it, in units of 10^-12 SBH.
    pub amount: Balance,
    /// Of it, what was pledged while somebody vouched for the account, in units of 10^-12 SBH.
    pub counted: Balance,
}

/// A campaign for a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Campaign {
    /// What backers and pot together must give, in units of 10^-12 SBH.
    pub goal: Balance,
    /// How far it is.
    pub stage: Stage,
    /// Everything that was ever pledged, in units of 10^-12 SBH.
    pub pledged: Balance,
    /// What of it was withdrawn or refunded, in units of 10^-12 SBH.
    pub refunded: Balance,
    /// What the pledges that stand add up to, in units of 10^-12 SBH.
    pub backed: Balance,
    /// Accounts with a pledge.
    pub backers: u32,
    /// What the DAO gave of the pot, in units of 10^-12 SBH.
    pub granted: Balance,
    /// What quadratic funding gave of it, in units of 10^-12 SBH.
    pub matched: Balance,
    /// What went back to the pot, in units of 10^-12 SBH.
    pub restored: Balance,
    /// What the run was given, in units of 10^-12 SBH.
    pub moved: Balance,
    /// What it has given back, in units of 10^-12 SBH.
    pub returned: Balance,
    /// Who wants it, as far as it counts.
    pub support: Support,
}

/// Why something cannot be done. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CampaignError {
    /// It is at another stage.
    #[error("the campaign is at another stage")]
    WrongStage,
    /// The time for pledges is over.
    #[error("the time for pledges is over")]
    TooLate,
    /// The goal is not in reach, and there is time left.
    #[error("the goal is not in reach, and pledges are still taken")]
    NotDue,
    /// Nothing is changed by nothing.
    #[error("the amount is zero")]
    Zero,
    /// The pledge is smaller than that.
    #[error("the pledge is smaller than that")]
    TooMuch,
    /// Accounts are still to be looked at, or none is.
    #[error("counted accounts are still to be looked at, or all were")]
    Count,
    /// The sums do not fit: a defect.
    #[error("the sums do not fit")]
    Overflow,
}

/// What a count came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The goal is met: all of this becomes the run's budget.
    Start {
        /// In units of 10^-12 SBH.
        budget: Balance,
    },
    /// The goal is missed, and there is time left: it takes pledges again.
    GoOn,
    /// The goal is missed for good: this goes back to the pot, and backers get theirs.
    Missed {
        /// In units of 10^-12 SBH.
        restore: Balance,
    },
}

/// What goes back for a pledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// To the backer, in units of 10^-12 SBH.
    pub backer: Balance,
    /// To the pot, in units of 10^-12 SBH: what rounding left, with the last backer.
    pub dust: Balance,
}

/// `value` with something done to it that must fit.
fn fit(value: Option<Balance>) -> Result<Balance, CampaignError> {
    value.ok_or(CampaignError::Overflow)
}

impl Campaign {
    /// A campaign that takes pledges.
    pub fn new(goal: Balance, until: ActiveBlock) -> Self {
        Self {
            goal,
            stage: Stage::Funding { until },
            pledged: 0,
            refunded: 0,
            backed: 0,
            backers: 0,
            granted: 0,
            matched: 0,
            restored: 0,
            moved: 0,
            returned: 0,
            support: Support::default(),
        }
    }

    /// What the pot that holds the money has of it: everything that came in, less everything that went out. None if more went out than came in:
    /// a defect.
    pub fn escrow(&self) -> Option<Balance> {
        let parts = [self.granted, self.matched, self.returned];
        let came = parts.into_iter().try_fold(self.pledged, Balance::checked_add)?;
        let gone = [self.refunded, self.restored, self.moved];
        gone.into_iter().try_fold(came, Balance::checked_sub)
    }

    /// What was given by backers and pot and was not withdrawn, in units of 10^-12 SBH.
    pub fn given(&self) -> Balance {
        self.backed.saturating_add(self.granted).saturating_add(self.matched)
    }

    /// What its run's priority is by, in units of 10^-12 SBH: what backers gave, but no more than the goal, for most of what is beyond it comes
    /// back; and what the pot gave.
    pub fn weight(&self) -> Balance {
        self.backed.min(self.goal).saturating_add(self.granted).saturating_add(self.matched)
    }

    /// Whether backers may withdraw, as long as nobody closes it.
    pub fn is_funding(&self) -> bool {
        matches!(self.stage, Stage::Funding { .. })
    }

    /// Whether nothing of it is left but its record.
    pub fn is_settled(&self) -> bool {
        matches!(self.stage, Stage::Over { .. }) && self.backers == 0
    }

    /// Adds to a backer's pledge. `judged` says whether somebody vouches for the account now. While the run is going on, the amount is the
    /// run's at once (a top-up, which nothing is matched for): the caller moves it on.
    ///
    /// # Errors
    /// At another stage, too late, or of nothing.
    pub fn pledge(
        &mut self,
        pledge: &mut Pledge,
        amount: Balance,
        judged: bool,
        now: ActiveBlock,
    ) -> Result<(), CampaignError> {
        if amount == 0 {
            return Err(CampaignError::Zero);
        }
        let running = match self.stage {
            Stage::Funding { until } if now > until => return Err(CampaignError::TooLate),
            Stage::Funding { .. } => false,
            Stage::Running => true,
            Stage::Counting { .. } | Stage::Over { .. } => return Err(CampaignError::WrongStage),
        };
        let mut next = *self;
        let counts = judged && !running;
        let counted = if counts { fit(pledge.counted.checked_add(amount))? } else { pledge.counted };
        next.support = next.support.change(pledge.counted, counted).ok_or(CampaignError::Overflow)?;
        next.pledged = fit(next.pledged.checked_add(amount))?;
        next.backed = fit(next.backed.checked_add(amount))?;
        if pledge.amount == 0 {
            next.backers = next.backers.checked_add(1).ok_or(CampaignError::Overflow)?;
        }
        if running {
            next.moved = fit(next.moved.checked_add(amount))?;
        }
        let whole = fit(pledge.amount.checked_add(amount))?;
        (*self, *pledge) = (next, Pledge { amount: whole, counted });
        Ok(())
    }

    /// Takes back part of a pledge, or all of it. What does not count goes first.
    ///
    /// # Errors
    /// Once the campaign was closed, of nothing, or of more than was pledged.
    pub fn withdraw(&mut self, pledge: &mut Pledge, amount: Balance) -> Result<(), CampaignError> {
        if amount == 0 {
            return Err(CampaignError::Zero);
        }
        if !self.is_funding() {
            return Err(CampaignError::WrongStage);
        }
        let whole = pledge.amount.checked_sub(amount).ok_or(CampaignError::TooMuch)?;
        let counted = pledge.counted.min(whole);
        let mut next = *self;
        next.support = next.support.change(pledge.counted, counted).ok_or(CampaignError::Overflow)?;
        next.backed = fit(next.backed.checked_sub(amount))?;
        next.refunded = fit(next.refunded.checked_add(amount))?;
        if whole == 0 {
            next.backers = next.backers.checked_sub(1).ok_or(CampaignError::Overflow)?;
        }
        (*self, *pledge) = (next, Pledge { amount: whole, counted });
        Ok(())
    }

    /// Takes what the DAO gives of the pot.
    ///
    /// # Errors
    /// At another stage, too late, or of nothing.
    pub fn grant(&mut self, amount: Balance, now: ActiveBlock) -> Result<(), CampaignError> {
        if amount == 0 {
            return Err(CampaignError::Zero);
        }
        match self.stage {
            Stage::Funding { until } if now > until => return Err(CampaignError::TooLate),
            Stage::Funding { .. } => {}
            _ => return Err(CampaignError::WrongStage),
        }
        self.granted = fit(self.granted.checked_add(amount))?;
        Ok(())
    }

    /// Stops taking pledges, to count: if the time for them is over, or the goal is in reach, with what the pot would add as things are.
    ///
    /// # Errors
    /// At another stage, or if neither is so.
    pub fn close(&mut self, matched: Balance, now: ActiveBlock) -> Result<(), CampaignError> {
        let Stage::Funding { until } = self.stage else { return Err(CampaignError::WrongStage) };
        if now <= until && self.given().saturating_add(matched) < self.goal {
            return Err(CampaignError::NotDue);
        }
        self.stage = Stage::Counting { until, left: self.support.accounts };
        Ok(())
    }

    /// Looks at one counted account once more: if nobody vouches for it now, its pledge does not count any more.
    ///
    /// # Errors
    /// If none is left, or it does not count.
    pub fn recount(&mut self, pledge: &mut Pledge, judged: bool) -> Result<(), CampaignError> {
        let Stage::Counting { until, left } = self.stage else { return Err(CampaignError::WrongStage) };
        let left = left.checked_sub(1).ok_or(CampaignError::Count)?;
        if pledge.counted == 0 {
            return Err(CampaignError::Count);
        }
        if !judged {
            self.support = self.support.change(pledge.counted, 0).ok_or(CampaignError::Overflow)?;
            pledge.counted = 0;
        }
        self.stage = Stage::Counting { until, left };
        Ok(())
    }

    /// Decides, when every counted account was looked at. `matched` is what the pot adds; it moves only if the goal is met.
    ///
    /// # Errors
    /// At another stage, or if accounts are still to be looked at.
    pub fn decide(&mut self, matched: Balance, now: ActiveBlock) -> Result<Decision, CampaignError> {
        let Stage::Counting { until, left } = self.stage else { return Err(CampaignError::WrongStage) };
        if left > 0 {
            return Err(CampaignError::Count);
        }
        let budget = fit(self.given().checked_add(matched))?;
        if budget >= self.goal {
            self.matched = matched;
            self.moved = budget;
            self.stage = Stage::Running;
            return Ok(Decision::Start { budget });
        }
        if now <= until {
            self.stage = Stage::Funding { until };
            return Ok(Decision::GoOn);
        }
        self.fail().map(|restore| Decision::Missed { restore })
    }

    /// Takes pledges again although the goal is met with `matched`, because there is no place for a run. Returns whether it is so; else nothing is
    /// changed.
    ///
    /// # Errors
    /// At another stage, or if accounts are still to be looked at.
    pub fn reopen(&mut self, matched: Balance) -> Result<bool, CampaignError> {
        let Stage::Counting { until, left } = self.stage else { return Err(CampaignError::WrongStage) };
        if left > 0 {
            return Err(CampaignError::Count);
        }
        let met = self.given().saturating_add(matched) >= self.goal;
        if met {
            self.stage = Stage::Funding { until };
        }
        Ok(met)
    }

    /// Gives up before there is a run. Returns what goes back to the pot; backers get theirs to the unit.
    ///
    /// # Errors
    /// If there is a run, or was.
    pub fn fail(&mut self) -> Result<Balance, CampaignError> {
        if !matches!(self.stage, Stage::Funding { .. } | Stage::Counting { .. }) {
            return Err(CampaignError::WrongStage);
        }
        let restore = self.granted;
        self.restored = fit(self.restored.checked_add(restore))?;
        self.stage = Stage::Over { back: self.backed, given: self.backed };
        Ok(restore)
    }

    /// The run is over, and gives `returned` back. Returns what of it goes to the pot: its part, and all if there is no backer.
    ///
    /// # Errors
    /// If there is no run.
    pub fn end(&mut self, returned: Balance) -> Result<Balance, CampaignError> {
        if self.stage != Stage::Running {
            return Err(CampaignError::WrongStage);
        }
        let given = self.given();
        let common = fit(self.granted.checked_add(self.matched))?;
        let part = fit(mul_div(returned, common, given).or((given == 0).then_some(0)))?;
        let restore = if self.backers == 0 { returned } else { part };
        let mut next = *self;
        next.returned = fit(next.returned.checked_add(returned))?;
        next.restored = fit(next.restored.checked_add(restore))?;
        next.stage = Stage::Over { back: returned, given };
        *self = next;
        Ok(restore)
    }

    /// What a backer would get back now.
    pub fn refund_of(&self, pledge: &Pledge) -> Balance {
        match self.stage {
            Stage::Over { back, given } => mul_div(back, pledge.amount, given).unwrap_or(0),
            _ => 0,
        }
    }

    /// Pays a pledge back, by value: it is gone afterwards.
    ///
    /// # Errors
    /// If the campaign is not over.
    pub fn refund(&mut self, pledge: Pledge) -> Result<Refund, CampaignError> {
        if !matches!(self.stage, Stage::Over { .. }) {
            return Err(CampaignError::WrongStage);
        }
        let backer = self.refund_of(&pledge);
        let mut next = *self;
        next.backed = fit(next.backed.checked_sub(pledge.amount))?;
        next.refunded = fit(next.refunded.checked_add(backer))?;
        next.backers = next.backers.checked_sub(1).ok_or(CampaignError::Overflow)?;
        next.support = next.support.change(pledge.counted, 0).ok_or(CampaignError::Overflow)?;
        let dust = if next.backers == 0 { fit(next.escrow())? } else { 0 };
        next.restored = fit(next.restored.checked_add(dust))?;
        *self = next;
        Ok(Refund { backer, dust })
    }
}
