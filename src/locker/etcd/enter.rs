//! Taking a place in the queues of several keys, or in the one of a lock that others may hold too: one
//! transaction, so that all our keys have one create revision. So every queue has those who stand in
//! several of them in the same order, and none of them waits for another that waits for it.

use std::sync::Arc;

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};

use super::dial::EtcdMembers;
use super::fault::Fault;
use super::recipe::{
    PlaceAnswer, Recipe, create_revision, get_key, gets, header_revision, transact,
};

/// Puts our keys in all of the queues. May be repeated: they are put once.
pub(super) async fn enter(
    store: &Arc<EtcdMembers>,
    recipes: &[Recipe],
    lease: i64,
) -> Result<PlaceAnswer, Fault> {
    let owns: Vec<_> = recipes.iter().map(|recipe| recipe.own(lease)).collect();
    let absent = |own: &String| Compare::create_revision(&**own, CompareOp::Equal, 0);
    let absent: Vec<_> = owns.iter().map(absent).collect();
    let puts = recipes.iter().zip(&owns).map(|(recipe, own)| {
        let options = PutOptions::new().with_lease(lease);
        TxnOp::put(&**own, recipe.holder().to_json(), Some(options))
    });
    let firsts = recipes.iter().map(Recipe::get_first);
    let txn = Txn::new()
        .when(absent)
        .and_then(puts.chain(firsts).collect::<Vec<_>>())
        .or_else(owns.iter().map(|own| get_key(&**own)).collect::<Vec<_>>());
    let answer = transact(store, txn).await?;
    let found = gets(&answer);
    if answer.succeeded() {
        let mut firsts = found.iter().map(|kvs| kvs.first()).zip(&owns);
        return Ok(PlaceAnswer {
            revision: Some(header_revision(&answer)),
            is_first: firsts.all(|(first, own)| first.is_some_and(|kv| kv.key() == own.as_bytes())),
            first: None,
            next: None,
        });
    }
    // An earlier request has put them, whose answer was lost.
    let mut revisions = found.iter().map(|kvs| create_revision(kvs));
    let one = revisions.next().flatten();
    Ok(PlaceAnswer {
        revision: one.filter(|_| revisions.all(|other| other == one)),
        is_first: false,
        first: None,
        next: None,
    })
}
