//! Where the master key comes from.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ensimbi_vault::{KeyError, MasterKey, SystemEntropy, Vault};

fn key() -> [u8; 32] {
    std::array::from_fn(|i| 0xF0_u8.wrapping_add(i as u8))
}

fn mark(key: MasterKey) -> [u8; 16] {
    Vault::new(key).fingerprint()
}

fn write(path: &Path, content: &[u8]) {
    fs::write(path, content).unwrap();
    chmod(path, 0o600);
}

fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_accepted_form_gives_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let forms = [
        key().to_vec(),
        hex::encode(key()).into_bytes(),
        format!("  {}\r\n", hex::encode_upper(key())).into_bytes(),
        STANDARD.encode(key()).into_bytes(),
        format!("{}\n", URL_SAFE_NO_PAD.encode(key())).into_bytes(),
    ];
    for form in forms {
        write(&path, &form);
        assert_eq!(mark(MasterKey::read_own_file(&path).unwrap()), mark(MasterKey::from_bytes(key())));
    }
    let text = MasterKey::from_text("ENSIMBI_MASTER_KEY", &hex::encode(key())).unwrap();
    assert_eq!(mark(text), mark(MasterKey::from_bytes(key())));
}

#[test]
fn what_is_no_key_is_refused_with_the_place_and_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let bad: [&[u8]; 8] =
        [b"", b" \n", b"correct horse battery staple 123", b"00", &[b'z'; 64], &[b'!'; 44], &[0; 32], &[b'0'; 64]];
    for content in bad {
        write(&path, content);
        let told = MasterKey::read_own_file(&path).unwrap_err().to_string();
        assert!(told.contains("master.key") && told.contains("expected 64 hex digits"), "{told}");
        assert!(!told.contains("horse"), "{told}");
    }
    write(&path, &vec![b'a'; 100_000]);
    assert!(matches!(MasterKey::read_own_file(&path), Err(KeyError::Form { .. })));
    let told = MasterKey::from_text("ENSIMBI_MASTER_KEY", "hunter2").unwrap_err().to_string();
    assert!(told.contains("ENSIMBI_MASTER_KEY") && !told.contains("hunter2"), "{told}");
    assert!(matches!(MasterKey::read_file(&folder.path().join("none")), Err(KeyError::Missing(_))));
}

#[test]
fn a_made_file_is_private_reads_back_and_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    // A crash before the link leaves the other name behind; it is no key and does not stand in the way.
    fs::write(folder.path().join("master.key.new"), "half").unwrap();
    let made = mark(MasterKey::create_file(&path, &SystemEntropy).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(mark(MasterKey::read_own_file(&path).unwrap()), made);
    assert!(matches!(MasterKey::create_file(&path, &SystemEntropy), Err(KeyError::Exists(_))));
    assert_eq!(mark(MasterKey::read_own_file(&path).unwrap()), made);
}

#[test]
fn a_file_open_to_others_is_refused_if_ours_and_warned_about_if_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    MasterKey::create_file(&path, &SystemEntropy).unwrap();
    assert!(MasterKey::read_file(&path).unwrap().warning.is_none());
    for mode in [0o640, 0o604, 0o644] {
        chmod(&path, mode);
        let told = MasterKey::read_own_file(&path).unwrap_err().to_string();
        assert!(told.contains("expected mode 600") && told.contains(&format!("{mode:o}")), "{told}");
        assert!(MasterKey::read_file(&path).unwrap().warning.unwrap().contains("expected mode 600"));
    }
}
