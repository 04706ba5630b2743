//! Test that kills processes which hold a lock. Another process must get the lock each time, and no
//! two processes may hold it at the same time.
//!
//! `MEMMAP_KILLS` is the number of kills (default 200). With `--nocapture` the figures are printed.

#![cfg(unix)]

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{Write, stdout};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use memmap::core::lock::{LockMode, LockRange, LockRequest, LockableFile, PendingLock, wait_for};

// Offsets of numbers of eight bytes in the shared file.
const OWNER: u64 = 0;
const TAKEN: u64 = 8;
const VIOLATIONS: u64 = 16;

fn get(file: &fs::File, offset: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, offset).unwrap();
    u64::from_le_bytes(bytes)
}

fn set(file: &fs::File, offset: u64, value: u64) {
    file.write_all_at(&value.to_le_bytes(), offset).unwrap();
}

fn open(path: &Path) -> fs::File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

/// The program of a child process: takes the lock, checks for some time that no other process holds
/// it, and releases it. Has no effect in the parent.
#[test]
fn holder() {
    let Ok(directory) = env::var("MEMMAP_KILL_DIRECTORY") else {
        return;
    };
    let directory = Path::new(&directory);
    let state = open(&directory.join("state"));
    let file = LockableFile::of_path(directory.join("lock").to_str().unwrap().into(), false);
    let me = u64::from(std::process::id());
    loop {
        let (sender, granted) = channel();
        let pending = PendingLock::new(move |result| {
            let _ = sender.send(result);
        });
        let request = LockRequest {
            mode: LockMode::Exclusive,
            range: LockRange::WHOLE,
            thread: 0,
            stack: None,
        };
        wait_for(&file, request, &pending, true);
        let lock = granted.recv().unwrap().unwrap();
        set(&state, OWNER, me);
        set(&state, TAKEN, get(&state, TAKEN) + 1);
        for _ in 0..20 {
            thread::sleep(Duration::from_micros(50));
            if get(&state, OWNER) != me {
                set(&state, VIOLATIONS, get(&state, VIOLATIONS) + 1);
            }
        }
        set(&state, OWNER, 0);
        lock.release().unwrap();
    }
}

fn start(directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "holder", "--quiet"])
        .env("MEMMAP_KILL_DIRECTORY", directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_lock_whose_holder_is_killed_goes_to_another_process() {
    const PROCESSES: usize = 3;
    let kills = env::var("MEMMAP_KILLS").map_or(200, |count| count.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("state"), [0; 24]).unwrap();
    fs::write(directory.path().join("lock"), []).unwrap();
    let state = open(&directory.path().join("state"));
    let mut children: Vec<Child> = (0..PROCESSES).map(|_| start(directory.path())).collect();
    let mut of_holders = 0;
    let mut worst = Duration::ZERO;
    for kill in 0..kills {
        // The victim is the holder of the lock, or any child if none holds it at this moment.
        thread::sleep(Duration::from_micros(100 * (kill % 7)));
        let owner = get(&state, OWNER);
        let index = children
            .iter()
            .position(|child| u64::from(child.id()) == owner);
        of_holders += u64::from(index.is_some());
        let mut victim = children.swap_remove(index.unwrap_or(0));
        let taken = get(&state, TAKEN);
        victim.kill().unwrap();
        let killed = Instant::now();
        // Two other children wait for the lock, or are starting.
        while get(&state, TAKEN) == taken {
            assert!(
                killed.elapsed() < Duration::from_secs(30),
                "no process got the lock"
            );
            thread::sleep(Duration::from_micros(50));
        }
        worst = worst.max(killed.elapsed());
        victim.wait().unwrap();
        children.push(start(directory.path()));
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let violations = get(&state, VIOLATIONS);
    writeln!(
        stdout(),
        "{{\"kills\":{kills},\"ofHolders\":{of_holders},\"taken\":{},\"worst\":{},\"violations\":{violations}}}",
        get(&state, TAKEN),
        worst.as_secs_f64() * 1000.0
    )
    .unwrap();
    assert_eq!(
        violations, 0,
        "two processes held the lock at the same time"
    );
}
