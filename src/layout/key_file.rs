//! The names that files with private keys have.

/// Whether a file of this name is a private key, whatever it contains.
pub(crate) fn is_key_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let extension = lower.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.contains(&extension) || FILES.contains(&&*lower)
}

const EXTENSIONS: [&str; 7] = ["pfx", "p12", "key", "pvk", "ppk", "jks", "keystore"];
const FILES: [&str; 4] = ["id_rsa", "id_ecdsa", "id_ed25519", "id_dsa"];
