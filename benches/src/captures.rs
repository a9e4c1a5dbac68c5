//! Recorded feeds, where there are any.
//!
//! They are not part of this project. `WIRESPEED_CAPTURES` names the directory that
//! has them; without it, `../shared/captures` beside the project is looked at. A
//! capture is a file `NAME.tsv` with one text message a line:
//! `<microseconds since the first message> TAB <payload>`.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    sync::Once,
};

/// One recorded feed.
pub struct Capture {
    pub name: String,
    pub messages: Vec<String>,
}

/// All captures, by name; without any, says once on standard error what is left out.
///
/// # Panics
///
/// If a capture cannot be read, or is none.
pub fn all() -> Vec<Capture> {
    let directory = directory();
    let captures = read_all(&directory).unwrap_or_default();
    if captures.is_empty() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            eprintln!(
                "no captures in {}: what is measured on them is left out; \
                 WIRESPEED_CAPTURES=DIRECTORY tells where they are",
                directory.display(),
            );
        });
    }
    captures
}

fn directory() -> PathBuf {
    env::var_os("WIRESPEED_CAPTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures"),
        PathBuf::from,
    )
}

fn read_all(directory: &Path) -> io::Result<Vec<Capture>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "tsv"));
    paths.sort();
    Ok(paths.iter().map(|path| read(path)).collect())
}

fn read(path: &Path) -> Capture {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let payload = |line: &str| {
        let (_, payload) = line.split_once('\t').expect("a time, a tab and a payload a line");
        payload.to_owned()
    };
    Capture {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        messages: text.lines().map(payload).collect(),
    }
}
