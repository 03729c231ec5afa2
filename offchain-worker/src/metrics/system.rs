//! What the operating system says of this process and its disks.

use std::{fs, path::Path};

/// Bytes that an unprivileged process may still write where `folder` is, or will be.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    // It may not have been made yet.
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let found = rustix::fs::statvfs(there).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes of the files in a folder and the folders in it, links not followed. What vanishes meanwhile does not count.
pub fn used_bytes(folder: &Path) -> u64 {
    let (mut sum, mut folders) = (0u64, vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => sum = sum.saturating_add(found.len()),
                Err(_) => {}
            }
        }
    }
    sum
}

/// Resident memory of this process, in bytes.
pub fn memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1_024)
}

/// Open files and sockets of this process.
pub fn open_files() -> Option<u64> {
    let count = fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(count).ok()
}

/// How many files this process may have open; `None` for any number.
pub fn open_files_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_answers() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("not/there/yet")).unwrap() > 0);
        assert!(memory_bytes().unwrap() > 1 << 20);
        let before = open_files().unwrap();
        let _open: Vec<_> =
            (0..20).map(|n| fs::File::create(folder.path().join(n.to_string())).unwrap()).collect();
        assert!(
            open_files().unwrap() > before.saturating_sub(10),
            "others of the test's threads close theirs"
        );
        assert!(open_files_limit().is_none_or(|limit| limit >= 20));
    }

    #[test]
    fn a_folder_is_measured_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ab")).unwrap();
        fs::write(folder.path().join("ab/abc"), [0; 700]).unwrap();
        fs::write(folder.path().join("x"), [0; 30]).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("ab/up")).unwrap();
        let link = fs::symlink_metadata(folder.path().join("ab/up")).unwrap().len();
        assert_eq!(used_bytes(folder.path()), 730 + link);
        assert_eq!(used_bytes(&folder.path().join("none")), 0);
    }
}
