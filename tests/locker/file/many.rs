//! Many tasks of one client.

use super::{client, directory};
use crate::many::{store, take_turns, with_descriptors};
use genlock::testing::contract::soon;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tasks_have_their_turns_with_forty_descriptors() {
    const TEST: &str = "file::many::two_hundred_tasks_have_their_turns_with_forty_descriptors";
    let Some(locks) = store() else {
        let directory = directory();
        let path = directory.path().display().to_string();
        return with_descriptors(40, TEST, &path);
    };
    let client = client(locks.as_ref());
    soon("the turns", take_turns(&client, 200)).await;
}
