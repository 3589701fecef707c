//! Follows what happens to keys.

use std::ops::ControlFlow;
use std::sync::Arc;

use etcd_client::{Event, EventType, WatchFilterType, WatchOptions};

use super::connect::Store;
use super::dial::Client;
use super::fault::Fault;

/// Ends when `key` was deleted, at `from` or a later revision.
///
/// # Errors
/// As [`follow`].
pub(super) async fn deleted(store: &Arc<Store>, key: &[u8], from: i64) -> Result<(), Fault> {
    let options = WatchOptions::new()
        .with_start_revision(from)
        .with_filters([WatchFilterType::NoPut]);
    let gone = |event: &Event| match event.event_type() {
        EventType::Delete => ControlFlow::Break(()),
        EventType::Put => ControlFlow::Continue(()),
    };
    follow(store, key, options, gone).await
}

/// Hands every event of the watch to `each` until that breaks it off.
///
/// # Errors
/// When the watch cannot go on: the connection broke or another endpoint is used by now, etcd has
/// no leader, or has forgotten the revision. The caller has to read the keys, and may watch again.
pub(super) async fn follow<T>(
    store: &Arc<Store>,
    key: &[u8],
    options: WatchOptions,
    mut each: impl FnMut(&Event) -> ControlFlow<T>,
) -> Result<T, Fault> {
    let mut moved = store.moved();
    let key = key.to_vec();
    let open = move |client: Client| {
        let (key, options) = (key.clone(), options.clone());
        async move {
            let watch = client.watch_client();
            // Others can write as much as etcd takes.
            let mut watch = watch.max_decoding_message_size(usize::MAX);
            let mut stream = watch.watch(key, Some(options)).await?;
            // The first answer says that the watch is there; it is what bounds the opening.
            let created = stream.message().await?;
            Ok((stream, created))
        }
    };
    let (mut stream, mut message) = store.call(store.command_timeout, open).await?;
    moved.mark_unchanged();
    loop {
        let Some(answer) = message else {
            return Err(Fault::Broken("the watch was closed".to_owned()));
        };
        if answer.canceled() {
            let reason = answer.cancel_reason();
            return Err(Fault::Broken(format!("the watch was ended: {reason}")));
        }
        for event in answer.events() {
            if let ControlFlow::Break(found) = each(event) {
                return Ok(found);
            }
        }
        message = tokio::select! {
            message = stream.message() => message?,
            _ = moved.changed() => {
                return Err(Fault::Broken("another connection is used".to_owned()));
            }
        };
    }
}
