//! The invariants can fail.

use frame_support::assert_ok;
use sabha_protocol::allocation::Stage;

use crate::{Asked, Backers, Counted, Matching, Proposals, Specs, Turns, mock::*};

fn broken(change: impl FnOnce(u32, u32)) -> String {
    let mut said = String::new();
    ext().execute_with(|| {
        let running = started();
        let open = propose(least(5));
        judge(11);
        assert_ok!(Allocation::pledge(signed(11), open, 5 * LEAST));
        check();
        change(running, open);
        said = format!("{:?}", Allocation::do_try_state().expect_err("it is broken"));
    });
    said
}

#[test]
fn what_must_hold_is_checked() {
    let change = |run, change: fn(&mut crate::ProposalOf<Test>)| {
        Proposals::<Test>::mutate_extant(run, change);
    };
    let cases: [(&str, &dyn Fn(u32, u32)); 14] = [
        ("more was paid", &|_, open| change(open, |proposal| proposal.campaign.refunded += 6 * LEAST)),
        ("does not cover", &|_, open| change(open, |proposal| proposal.campaign.granted += 1)),
        ("pledges are miscounted", &|_, open| change(open, |proposal| proposal.campaign.backed += 1)),
        ("support is not", &|_, open| change(open, |proposal| proposal.campaign.support.roots += 1)),
        ("what is on hold", &|_, open| change(open, |proposal| proposal.deposit += 1)),
        ("specification is another", &|_, open| change(open, |proposal| proposal.spec_hash.0[0] ^= 1)),
        ("has no run", &|_, open| {
            Specs::<Test>::remove(open);
            change(open, |proposal| proposal.campaign.stage = Stage::Running);
        }),
        ("specification has no proposal", &|_, _| Specs::<Test>::insert(99, spec(5))),
        ("backer has no proposal", &|_, open| Backers::<Test>::insert(99, 11, backer(open, 11))),
        ("place has no proposal", &|_, _| Counted::<Test>::insert(99, 0, 11)),
        ("somebody else's", &|_, open| Counted::<Test>::insert(open, 0, 12)),
        ("miscounted", &|_, _| Asked::<Test>::mutate(|asked| *asked += 1)),
        ("exactly the runs", &|running, _| Turns::<Test>::mutate(|turns| turns.remove(running))),
        ("more than the pot", &|_, _| Matching::<Test>::mutate(|terms| terms.most_of_pot = 1_000_001)),
    ];
    for (expected, change) in cases {
        let said = broken(change);
        assert!(said.contains(expected), "{said} instead of {expected}");
    }
}
