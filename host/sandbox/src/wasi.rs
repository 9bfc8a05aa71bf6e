//! The baseline that a std-built guest imports: all of it there, none of it reaching anything.
//!
//! Interfaces are linked one by one; sockets never are, and HTTP isn't part of it (`wasi_http.rs`). There is no environment, no argument, no file, no
//! input; output is kept for error messages only. For transforms clocks show the batch's `as-of` and random numbers
//! come from a digest of the input. Next: `state.rs` holds it, `run.rs` links it.

use crate::limits::Limits;
use crate::state::State;
use rand_core::TryRng;
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, io, random};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiView};

/// Links the baseline.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<State, Table>(linker, table)?;
    io::poll::add_to_linker::<State, Table>(linker, table)?;
    io::streams::add_to_linker::<State, Table>(linker, table)?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(linker, WasiRandomView::random)?;
    random::insecure::add_to_linker::<State, WasiRandom>(linker, WasiRandomView::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, WasiRandomView::random)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn table(state: &mut State) -> &mut ResourceTable {
    state.ctx().table
}

/// What clocks and random numbers show.
#[derive(Debug, Clone)]
pub(crate) enum World {
    /// The machine's own.
    Real,
    /// The same for the same input.
    Fixed {
        /// Since 1970.
        as_of: Duration,
        /// The digest of the input.
        seed: [u8; 32],
    },
}

/// Makes the empty context.
pub(crate) fn context(world: World, output: &Output, limits: &Limits) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder
        .stdout(output.clone())
        .stderr(output.clone())
        .max_random_size(limits.random);
    if let World::Fixed { as_of, seed } = world {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = seed;
        builder
            .wall_clock(Stopped(as_of))
            .monotonic_clock(Stopped(Duration::ZERO))
            .secure_random(Stream::new(seed, "secure"))
            .insecure_random(Stream::new(seed, "insecure"))
            .insecure_random_seed(u128::from_le_bytes([
                a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p,
            ]));
    }
    builder.build()
}

/// 4 KiB of numbers that depend on nothing but the seed; then they repeat. Each is made when it is asked for: most calls
/// ask for none, and all of them together would take longer than starting the instance.
struct Stream {
    seed: [u8; 32],
    purpose: &'static str,
    /// The next block.
    block: u8,
    bytes: [u8; 32],
    /// How many of `bytes` are used up.
    used: usize,
}

/// After so many the numbers repeat.
const BLOCKS: u8 = 128;

impl Stream {
    fn new(seed: [u8; 32], purpose: &'static str) -> Self {
        let bytes = [0; 32];
        Self {
            seed,
            purpose,
            block: 0,
            used: bytes.len(),
            bytes,
        }
    }

    fn next(&mut self) -> u8 {
        if self.used == self.bytes.len() {
            let mut hasher = Sha256::new();
            hasher.update(self.seed);
            hasher.update(self.purpose);
            hasher.update([self.block]);
            self.bytes = hasher.finalize().into();
            self.block = (self.block + 1) % BLOCKS;
            self.used = 0;
        }
        let byte = self.bytes.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        byte
    }

    fn some<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next())
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.some()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.some()))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        buffer.fill_with(|| self.next());
        Ok(())
    }
}

struct Stopped(Duration);

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}

/// What a guest printed, up to a limit; the rest is taken and dropped.
#[derive(Clone)]
pub(crate) struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Output {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            kept: Arc::default(),
            limit,
        }
    }

    /// Its last lines on one line, fit for a message.
    pub(crate) fn last_words(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.chars().filter(|c| !c.is_control()).take(300).collect())
            .filter(|line: &String| !line.trim().is_empty())
            .collect();
        let tail = lines.get(lines.len().saturating_sub(3)..)?;
        (!tail.is_empty()).then(|| tail.join(" / "))
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transforms that use them give the same drafts from one version of the host to the next.
    #[test]
    fn the_numbers_of_a_seed_are_the_digests_of_its_blocks_over_and_over() {
        let block = |n: u8| -> [u8; 32] {
            let mut hasher = Sha256::new();
            hasher.update([7; 32]);
            hasher.update("secure");
            hasher.update([n]);
            hasher.finalize().into()
        };
        let all: Vec<u8> = (0..128).flat_map(block).collect();
        let mut given = vec![0; all.len() * 2];
        let Ok(()) = Stream::new([7; 32], "secure").try_fill_bytes(&mut given);
        assert_eq!(given, [all.as_slice(), all.as_slice()].concat());
        let mut stream = Stream::new([7; 32], "secure");
        let Ok(four) = stream.try_next_u32();
        let Ok(eight) = stream.try_next_u64();
        let numbers = [four.to_be_bytes().as_slice(), &eight.to_be_bytes()].concat();
        assert_eq!(numbers, all[..12]);
    }
}
