//! Many tasks of one client.

use super::{client_with, directory};
use crate::many::{store, take_turns, with_descriptors};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tasks_have_their_turns_with_forty_descriptors() {
    const TEST: &str = "file::many::two_hundred_tasks_have_their_turns_with_forty_descriptors";
    let Some(locks) = store() else {
        let directory = directory();
        let path = directory.path().display().to_string();
        return with_descriptors(40, TEST, &path);
    };
    take_turns(|options| client_with(locks.as_ref(), options), 200).await;
}
