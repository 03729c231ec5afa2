//! The invariants can fail.

use sabha_protocol::models::{Licence, ModelId, Table};

use crate::{Accrued, Metrics, ModelOf, ModelOfRun, Models, mock::*};

fn broken(change: impl FnOnce()) -> String {
    let mut said = String::new();
    ext().execute_with(|| {
        let parent = trained(None);
        trained(Some(parent));
        check();
        change();
        said = format!("{:?}", ModelRegistry::do_try_state().expect_err("it is broken"));
    });
    said
}

fn with(id: ModelId, change: fn(&mut ModelOf<Test>)) {
    Models::<Test>::mutate_extant(id, change);
}

#[test]
fn what_must_hold_is_checked() {
    let cases: [(&str, &dyn Fn()); 11] = [
        ("from the future", &|| crate::NextModelId::<Test>::put(1)),
        ("gives more away", &|| {
            with(0, |model| model.table = Table { data: 9_000, compute: 9_000, backers: 0, parents: 0 });
        }),
        ("older than its parent", &|| with(0, |model| model.parent = Some(1))),
        ("another shape", &|| with(1, |model| model.shape.layers = 3)),
        ("licence is not", &|| with(0, |model| model.licence = Licence::CcBySa4)),
        ("successor", &|| with(0, |model| model.status = crate::Status::Deprecated { successor: Some(7) })),
        ("another model", &|| ModelOfRun::<Test>::insert(0, 1)),
        ("leads to no model", &|| ModelOfRun::<Test>::insert(9, 1)),
        ("measured is no model", &|| Metrics::<Test>::insert(9, crate::MetricsOf::<Test>::default())),
        ("accrued to no model", &|| Accrued::<Test>::insert(9, 1)),
        ("does not have", &|| Accrued::<Test>::insert(0, 1)),
    ];
    for (expected, change) in cases {
        let said = broken(change);
        assert!(said.contains(expected), "{said} instead of {expected}");
    }
}
