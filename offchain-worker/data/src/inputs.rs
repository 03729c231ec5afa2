//! The files to pack, in an order that depends on nothing but their names.

use crate::DataError;
use sabha_files::FileError;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// Which files of folders are packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// What they are, for messages.
    pub(crate) name: &'static str,
    /// How their names end, in lower case; none: however they do.
    pub(crate) endings: &'static [&'static str],
}

impl Kind {
    /// Every file.
    pub(crate) const ANY: Self = Self { name: "files", endings: &[] };

    pub(crate) fn takes(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        self.endings.is_empty() || self.endings.iter().any(|ending| name.ends_with(ending))
    }
}

/// A file to pack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: u64,
}

/// What takes the files, one after another.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Input<'_>) -> Result<(), DataError>;

/// Refuses an output within an input, and inputs without files; returns the bytes of all files.
pub(crate) fn check(inputs: &[PathBuf], out: &Path, kind: Kind) -> Result<u64, DataError> {
    // The output may not exist yet: its nearest folder that does decides where it lies.
    let out_at = out.ancestors().find_map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        folder.canonicalize().ok()
    });
    let mut total = 0u64;
    for input in inputs {
        let at = input.canonicalize().map_err(FileError::of("read", input))?;
        if at.is_dir() && out_at.as_ref().is_some_and(|out| out.starts_with(&at)) {
            return Err(DataError::OutputInInput { output: out.to_path_buf(), input: input.clone() });
        }
        let mut found = false;
        visit(input, kind, &mut |input| {
            found = true;
            total = total.saturating_add(input.bytes);
            Ok(())
        })?;
        if !found {
            return Err(DataError::NothingToPack { path: input.clone(), what: kind.name });
        }
    }
    if inputs.is_empty() {
        return Err(DataError::NothingToPack { path: "the list of inputs".into(), what: kind.name });
    }
    Ok(total)
}

/// Visits a file, or all files of a folder: what is remembered meanwhile are the names of the folders that are open, not all of them.
pub(crate) fn visit(input: &Path, kind: Kind, visit: Visit<'_>) -> Result<(), DataError> {
    if input.is_dir() { walk(input, kind, visit) } else { one(input, visit) }
}

fn walk(folder: &Path, kind: Kind, visit: Visit<'_>) -> Result<(), DataError> {
    for (name, is_folder) in names(folder)? {
        let path = folder.join(name);
        if is_folder {
            walk(&path, kind, visit)?;
        } else if kind.takes(&path) {
            // A link to a folder could lead in a circle: `one` refuses it.
            one(&path, visit)?;
        }
    }
    Ok(())
}

/// The names in a folder that do not begin with a dot, sorted by their bytes, and whether each is a folder.
pub(crate) fn names(folder: &Path) -> Result<Vec<(OsString, bool)>, DataError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::of("read", folder))? {
        let entry = entry.map_err(FileError::of("read", folder))?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            let kind = entry.file_type().map_err(FileError::of("read", &entry.path()))?;
            names.push((name, kind.is_dir()));
        }
    }
    names.sort();
    Ok(names)
}

fn one(path: &Path, visit: Visit<'_>) -> Result<(), DataError> {
    let metadata = fs::metadata(path).map_err(FileError::of("read", path))?;
    if !metadata.is_file() {
        return Err(DataError::NotAFile(path.to_path_buf()));
    }
    if metadata.len() == 0 {
        return Err(DataError::EmptyFile(path.to_path_buf()));
    }
    visit(Input { path, bytes: metadata.len() })
}
