//! The files of the repository: tracked ones, and new ones that git does not ignore.

use std::path::PathBuf;
use std::process::Command;

use ensimbi_tests::repo_root;

use crate::source::{self, Line};

/// A file, by its path from the top.
pub struct File {
    /// `ledger/src/lib.rs`
    pub path: String,
    place: PathBuf,
}

impl File {
    /// The content; bytes that are no text are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.place).unwrap()).into_owned()
    }

    /// The lines of a Rust file, with comments, texts and test code told apart.
    pub fn lines(&self) -> Vec<Line> {
        source::lines(&self.text(), self.is_test())
    }

    /// Whether the whole file is test code: under `tests/` or `benches/`, or named as a test module.
    pub fn is_test(&self) -> bool {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        let name = parts.pop().unwrap();
        let test_file = name == "tests.rs" || name == "test.rs" || name.ends_with("_tests.rs");
        test_file || parts.iter().any(|part| *part == "tests" || *part == "benches")
    }

    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is in this folder, or is this file.
    pub fn under(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Every file of the repository.
pub fn all() -> Vec<File> {
    let root = repo_root();
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("the tidy tests need git");
    assert!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).unwrap();
    let files = names.split_terminator('\0').map(|path| File { path: path.to_owned(), place: root.join(path) });
    // A file deleted but not yet committed is still in the list.
    let files: Vec<File> = files.filter(|file| file.place.is_file()).collect();
    assert!(
        files.iter().any(|file| file.path == "Cargo.toml"),
        "git lists no Cargo.toml: is this the whole repository?"
    );
    files
}

/// Every Rust file.
pub fn rust() -> Vec<File> {
    all().into_iter().filter(File::is_rust).collect()
}
