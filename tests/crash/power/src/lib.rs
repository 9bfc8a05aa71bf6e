//! Loaded into the program under test (`LD_PRELOAD`), it notes each write below a folder with what stood there before, and each sync, in
//! a file of notes. After the program was killed, whoever reads the notes knows what a power cut could still have undone.
//!
//! It changes nothing the program does. `FOOTBRIDGE_POWER_FOLDER` is the folder, `FOOTBRIDGE_POWER_NOTES` the file; without them it
//! is silent. `sync_file_range` is not noted: it promises nothing. Next: `tests/crash/src/power.rs` reads the notes.
//!
//! A note: `W inode offset length old-length size-before\n` and the old bytes; `T inode size-after old-length size-before\n` and the
//! bytes cut off; `S inode position\n`: what was noted for the inode before that position of the notes is on the disk.

#![cfg(target_os = "linux")]
#![expect(
    unsafe_code,
    reason = "stands between the program and the C library; there is no safe way in"
)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

use libc::{off64_t, size_t, ssize_t};

/// Where notes go.
struct Notes {
    folder: Vec<u8>,
    file: c_int,
}

fn notes() -> Option<&'static Notes> {
    static NOTES: OnceLock<Option<Notes>> = OnceLock::new();
    NOTES
        .get_or_init(|| {
            let folder = variable(c"FOOTBRIDGE_POWER_FOLDER")?.to_bytes().to_vec();
            let path = variable(c"FOOTBRIDGE_POWER_NOTES")?;
            let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
            // SAFETY: `path` is a C string that lives as long as the environment.
            let file = unsafe { libc::open(path.as_ptr(), flags, 0o600) };
            (file >= 0).then_some(Notes { folder, file })
        })
        .as_ref()
}

fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: nothing in the program changes its environment; what is returned lives as long as the process.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

/// A plain file below the folder.
#[derive(Clone, Copy)]
struct Seen {
    inode: u64,
    size: i64,
}

impl Notes {
    fn seen(&self, fd: c_int) -> Option<Seen> {
        if fd == self.file {
            return None;
        }
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `stat` is written whole where the call succeeds, and read only then.
        let stat = unsafe {
            if libc::fstat(fd, stat.as_mut_ptr()) != 0 {
                return None;
            }
            stat.assume_init()
        };
        if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
            return None;
        }
        let link = format!("/proc/self/fd/{fd}\0");
        let mut path = [0_u8; 4096];
        // SAFETY: `link` ends with a nul, `path` takes as many bytes as are said.
        let length = unsafe {
            libc::readlink(
                link.as_ptr().cast::<c_char>(),
                path.as_mut_ptr().cast::<c_char>(),
                path.len(),
            )
        };
        let length = usize::try_from(length).ok()?;
        path.get(..length)?
            .starts_with(&self.folder)
            .then_some(Seen {
                inode: stat.st_ino,
                size: stat.st_size,
            })
    }

    /// The bytes of a file from `offset`, as many as there are.
    fn before(&self, fd: c_int, offset: i64, length: usize, seen: Seen) -> Vec<u8> {
        let there = usize::try_from(seen.size.saturating_sub(offset)).unwrap_or(0);
        let mut bytes = vec![0_u8; there.min(length)];
        // The file may be open for writing alone.
        let link = format!("/proc/self/fd/{fd}\0");
        // SAFETY: `link` ends with a nul; what is opened is closed here; `bytes` takes as many bytes as are said.
        let read = unsafe {
            let again = libc::open(
                link.as_ptr().cast::<c_char>(),
                libc::O_RDONLY | libc::O_CLOEXEC,
            );
            let read = libc::pread(
                again,
                bytes.as_mut_ptr().cast::<c_void>(),
                bytes.len(),
                offset,
            );
            libc::close(again);
            read
        };
        bytes.truncate(usize::try_from(read).unwrap_or(0));
        bytes
    }

    /// One note, in one call: notes of several threads don't mix.
    fn note(&self, head: &str, bytes: &[u8]) {
        let mut all = Vec::with_capacity(head.len() + bytes.len());
        all.extend_from_slice(head.as_bytes());
        all.extend_from_slice(bytes);
        // SAFETY: a system call with a buffer that lives across it. A note that can't be written is missing, and its reader says so.
        unsafe {
            libc::syscall(libc::SYS_write, self.file, all.as_ptr(), all.len());
        }
    }

    fn writes(&self, fd: c_int, offset: Option<i64>, length: usize) {
        let Some(seen) = self.seen(fd) else { return };
        // SAFETY: asks for flags and position of a file descriptor.
        let offset = offset.unwrap_or_else(|| unsafe {
            if libc::fcntl(fd, libc::F_GETFL) & libc::O_APPEND != 0 {
                seen.size
            } else {
                libc::lseek(fd, 0, libc::SEEK_CUR)
            }
        });
        let old = self.before(fd, offset, length, seen);
        let (inode, size) = (seen.inode, seen.size);
        self.note(
            &format!("W {inode} {offset} {length} {} {size}\n", old.len()),
            &old,
        );
    }

    fn cuts(&self, fd: c_int, size: i64) {
        let Some(seen) = self.seen(fd) else { return };
        let beyond = usize::try_from(seen.size.saturating_sub(size)).unwrap_or(0);
        let old = self.before(fd, size, beyond, seen);
        let before = seen.size;
        self.note(
            &format!("T {} {size} {} {before}\n", seen.inode, old.len()),
            &old,
        );
    }

    /// The file to sync, and where the notes end now.
    fn begins_sync(&self, fd: c_int) -> Option<(u64, i64)> {
        let seen = self.seen(fd)?;
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: as in `seen`.
        let end = unsafe {
            if libc::fstat(self.file, stat.as_mut_ptr()) != 0 {
                return None;
            }
            stat.assume_init().st_size
        };
        Some((seen.inode, end))
    }
}

fn synced(fd: c_int, sync: impl FnOnce() -> c_int) -> c_int {
    let begun = notes().and_then(|notes| Some((notes, notes.begins_sync(fd)?)));
    let outcome = sync();
    if let (Some((notes, (inode, position))), 0) = (begun, outcome) {
        notes.note(&format!("S {inode} {position}\n"), &[]);
    }
    outcome
}

/// What the C library gives for a system call's answer.
fn length_of(answer: libc::c_long) -> ssize_t {
    ssize_t::try_from(answer).unwrap_or(-1)
}

fn code_of(answer: libc::c_long) -> c_int {
    c_int::try_from(answer).unwrap_or(-1)
}

/// Notes, then writes as the C library does.
///
/// # Safety
/// That of `write(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, length: size_t) -> ssize_t {
    if let Some(notes) = notes() {
        notes.writes(fd, None, length);
    }
    // SAFETY: the arguments are the caller's, as they came.
    length_of(unsafe { libc::syscall(libc::SYS_write, fd, bytes, length) })
}

/// Notes, then writes as the C library does.
///
/// # Safety
/// That of `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    length: size_t,
    offset: off64_t,
) -> ssize_t {
    if let Some(notes) = notes() {
        notes.writes(fd, Some(offset), length);
    }
    // SAFETY: the arguments are the caller's, as they came.
    length_of(unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, length, offset) })
}

/// Notes, then writes as the C library does.
///
/// # Safety
/// That of `pwrite(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    fd: c_int,
    bytes: *const c_void,
    length: size_t,
    offset: off64_t,
) -> ssize_t {
    // SAFETY: the arguments are the caller's, as they came.
    unsafe { pwrite64(fd, bytes, length, offset) }
}

/// Notes, then cuts as the C library does.
///
/// # Safety
/// That of `ftruncate(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate64(fd: c_int, size: off64_t) -> c_int {
    if let Some(notes) = notes() {
        notes.cuts(fd, size);
    }
    // SAFETY: the arguments are the caller's, as they came.
    code_of(unsafe { libc::syscall(libc::SYS_ftruncate, fd, size) })
}

/// Notes, then cuts as the C library does.
///
/// # Safety
/// That of `ftruncate(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftruncate(fd: c_int, size: off64_t) -> c_int {
    // SAFETY: the arguments are the caller's, as they came.
    unsafe { ftruncate64(fd, size) }
}

/// Syncs as the C library does, then notes.
///
/// # Safety
/// That of `fsync(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsync(fd: c_int) -> c_int {
    // SAFETY: the argument is the caller's, as it came.
    synced(fd, || {
        code_of(unsafe { libc::syscall(libc::SYS_fsync, fd) })
    })
}

/// Syncs as the C library does, then notes.
///
/// # Safety
/// That of `fdatasync(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdatasync(fd: c_int) -> c_int {
    // SAFETY: the argument is the caller's, as it came.
    synced(fd, || {
        code_of(unsafe { libc::syscall(libc::SYS_fdatasync, fd) })
    })
}
