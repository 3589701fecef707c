//! A store of locks that is written outside of genlock, and a day with it: `cargo run --example store`.
//! `docs/writing-a-store.md` tells how it is written; `tests/locker/board.rs` holds it to the contract.
#![expect(clippy::print_stdout, reason = "it shows what happens")]

mod board;

use board::{Board, BoardClient};
use genlock::{Locker, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> genlock::Result<()> {
    let board = Board::default();
    let one = BoardClient::new(&board, Options::default());
    let other = BoardClient::new(&board, Options::default());
    let held = one.lock("/locks/backup").await?;
    println!("held with the token {}", held.token());
    let second = other.try_lock("/locks/backup").await?;
    println!("at the same time by another: {}", second.is_some());
    one.unlock(held).await?;
    let next = other.lock("/locks/backup").await?;
    println!("then held with the token {}", next.token());
    drop(next);
    println!("left on the board: {:?}", board.owner_keys());
    Ok(())
}
