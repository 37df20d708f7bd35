//! Sentences of operating systems and tools, and the code that each stands for. The last resort: codes come first.
//!
//! English as in FormatMessage, glibc's strerror, smbclient, mount.cifs and the `smb` crate; German, French, Spanish,
//! Italian and Portuguese for the most common ones. Lower case; ASCII letters match in either case.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::finding::Finding;
use super::{errno, ntstatus, win32};

/// Calls back for each sentence in the text, with its row and whether it has only one meaning.
pub(super) fn each(text: &[u8], mut found: impl FnMut(&'static Finding, bool)) {
    for hit in MATCHER.find_iter(text) {
        let (_, stands_for, clear) = SENTENCES[hit.pattern().as_usize()];
        if let Some(row) = stands_for.row() {
            found(row, clear);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum StandsFor {
    Nt(u32),
    Win(u32),
    Posix(u32),
}

impl StandsFor {
    fn row(self) -> Option<&'static Finding> {
        match self {
            Self::Nt(code) => ntstatus::find(code),
            Self::Win(code) => win32::find(code),
            Self::Posix(code) => errno::find(code),
        }
    }
}

static MATCHER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(SENTENCES.iter().map(|(sentence, ..)| sentence))
        .expect("a few kilobytes of constant sentences")
});

use StandsFor::{Nt, Posix, Win};

/// Sentence, what it stands for, and whether it outweighs an ambiguous code beside it.
const SENTENCES: &[(&str, StandsFor, bool)] = &[
    // Capacity.
    ("there is not enough space on the disk", Win(112), false),
    ("not enough disk space", Win(112), false),
    ("insufficient disk space", Win(112), false),
    ("does not have enough free space", Win(112), false),
    ("the disk is full", Win(39), false),
    ("disk full", Win(112), false),
    ("out of capacity", Win(112), false),
    ("no space left on device", Posix(28), false),
    ("no space left on the share", Posix(28), false),
    ("disk quota exceeded", Posix(122), false),
    ("quota exceeded", Posix(122), false),
    ("the requested file operation failed because the storage quota was exceeded", Win(1295), false),
    ("not enough quota is available to process this command", Win(1816), false),
    ("es steht nicht genug speicherplatz auf dem datenträger zur verfügung", Win(112), false),
    ("nicht genügend speicherplatz", Win(112), false),
    ("auf dem gerät ist kein speicherplatz mehr verfügbar", Posix(28), false),
    ("der festplattenplatz ist erschöpft", Posix(122), false),
    ("espace insuffisant sur le disque", Win(112), false),
    ("aucun espace disponible sur le périphérique", Posix(28), false),
    ("espacio en disco insuficiente", Win(112), false),
    ("no queda espacio en el dispositivo", Posix(28), false),
    ("spazio su disco insufficiente", Win(112), false),
    ("spazio esaurito sul device", Posix(28), false),
    ("espaço insuficiente no disco", Win(112), false),
    ("não há espaço disponível no dispositivo", Posix(28), false),
    // Connectivity.
    ("the network path was not found", Win(53), false),
    ("the remote computer is not available", Win(51), false),
    ("the network is busy", Win(54), false),
    ("an unexpected network error occurred", Win(59), false),
    ("the specified network name is no longer available", Win(64), false),
    ("the semaphore timeout period has expired", Win(121), false),
    ("the network is not present or not started", Win(1222), false),
    ("the requested resource is in use", Win(170), false),
    ("the remote computer refused the network connection", Win(1225), false),
    ("the network location cannot be reached", Win(1231), false),
    ("the remote host or network may be down", Win(1232), false),
    ("no more connections can be made to this remote computer", Win(71), false),
    ("no connection could be made because the target machine actively refused it", Win(10061), false),
    ("an existing connection was forcibly closed by the remote host", Win(10054), false),
    ("no such host is known", Win(11001), false),
    ("the workstation service has not been started", Win(2138), false),
    ("the server service is not started", Win(2114), false),
    ("no route to host", Posix(113), false),
    ("network is unreachable", Posix(101), false),
    ("network is down", Posix(100), false),
    ("connection refused", Posix(111), false),
    ("connection timed out", Posix(110), false),
    ("operation timed out", Posix(110), false),
    ("timed out", Posix(110), false),
    ("connection reset by peer", Posix(104), false),
    ("software caused connection abort", Posix(103), false),
    ("connection aborted", Posix(103), false),
    ("broken pipe", Posix(32), false),
    ("host is down", Posix(112), false),
    ("operation now in progress", Posix(115), false),
    ("transport endpoint is not connected", Posix(107), false),
    ("stale file handle", Posix(116), false),
    ("stale nfs file handle", Posix(116), false),
    ("could not resolve address for", Win(11001), true),
    ("unable to find suitable address", Posix(113), true),
    ("name or service not known", Win(11001), false),
    ("temporary failure in name resolution", Win(11002), false),
    ("nodename nor servname provided", Win(11001), false),
    ("failed to lookup address information", Win(11001), false),
    // smbclient, if no session came about: whatever code is beside it, the connection failed.
    ("do_connect: connection to", Win(59), true),
    ("resolve_name: lookup", Win(11001), true),
    // The `smb` crate's own words.
    ("transport error", Win(59), false),
    ("not connected", Posix(107), false),
    ("connection stopped", Win(64), false),
    ("der netzwerkpfad wurde nicht gefunden", Win(53), false),
    ("der angegebene netzwerkname ist nicht mehr verfügbar", Win(64), false),
    ("verbindungsaufbau abgelehnt", Posix(111), false),
    ("keine route zum zielrechner", Posix(113), false),
    ("das netzwerk ist nicht erreichbar", Posix(101), false),
    ("die wartezeit für die verbindung ist abgelaufen", Posix(110), false),
    ("der rechner ist nicht aktiv", Posix(112), false),
    ("le chemin réseau n'a pas été trouvé", Win(53), false),
    ("le nom réseau spécifié n'est plus disponible", Win(64), false),
    ("connexion refusée", Posix(111), false),
    ("connexion terminée par expiration du délai d'attente", Posix(110), false),
    ("aucun chemin d'accès pour atteindre l'hôte cible", Posix(113), false),
    ("no se ha encontrado la ruta de acceso de la red", Win(53), false),
    ("no se encontró la ruta de acceso de la red", Win(53), false),
    ("conexión rehusada", Posix(111), false),
    ("no existe ninguna ruta hasta el", Posix(113), false),
    ("impossibile trovare il percorso di rete", Win(53), false),
    ("o caminho da rede não foi encontrado", Win(53), false),
    // Path.
    ("the network name cannot be found", Win(67), false),
    ("the system cannot find the file specified", Win(2), false),
    ("the system cannot find the path specified", Win(3), false),
    ("the system cannot find the drive specified", Win(15), false),
    ("the filename, directory name, or volume label syntax is incorrect", Win(123), false),
    ("the specified path is invalid", Win(161), false),
    ("the filename or extension is too long", Win(206), false),
    ("the directory name is invalid", Win(267), false),
    ("the specified network resource or device is no longer available", Win(55), false),
    ("no network provider accepted the given network path", Win(1203), false),
    ("the specified device name is invalid", Win(1200), false),
    ("this shared resource does not exist", Win(2310), false),
    ("no such file or directory", Posix(2), false),
    ("no such device or address", Posix(6), false),
    ("not a directory", Posix(20), false),
    ("is a directory", Posix(21), false),
    ("file name too long", Posix(36), false),
    ("too many levels of symbolic links", Posix(40), false),
    ("mounting cifs url not implemented", Posix(22), true),
    ("der netzwerkname wurde nicht gefunden", Win(67), false),
    ("das system kann die angegebene datei nicht finden", Win(2), false),
    ("das system kann den angegebenen pfad nicht finden", Win(3), false),
    ("datei oder verzeichnis nicht gefunden", Posix(2), false),
    ("nom de réseau introuvable", Win(67), false),
    ("le chemin d'accès spécifié est introuvable", Win(3), false),
    ("le fichier spécifié est introuvable", Win(2), false),
    ("aucun fichier ou dossier de ce type", Posix(2), false),
    ("no se encuentra el nombre de red", Win(67), false),
    ("el sistema no puede encontrar la ruta especificada", Win(3), false),
    ("el sistema no puede encontrar el archivo especificado", Win(2), false),
    ("no existe el archivo o el directorio", Posix(2), false),
    ("impossibile trovare il nome della rete", Win(67), false),
    ("file o directory non esistente", Posix(2), false),
    ("não é possível localizar o nome da rede", Win(67), false),
    ("arquivo ou diretório inexistente", Posix(2), false),
    // Authentication.
    ("access is denied", Win(5), false),
    ("access denied", Win(5), false),
    ("the specified network password is not correct", Win(86), false),
    ("the user name or password is incorrect", Win(1326), false),
    ("the username or password is incorrect", Win(1326), false),
    ("unknown user name or bad password", Win(1326), false),
    ("logon failure", Win(1326), false),
    ("logon denied", Win(1326), false),
    ("the referenced account is currently locked out", Win(1909), false),
    ("account is currently disabled", Win(1331), false),
    ("account has expired", Win(1793), false),
    ("password has expired", Win(1330), false),
    ("password must be changed before", Win(1907), false),
    ("a specified logon session does not exist", Win(1312), false),
    ("a required privilege is not held by the client", Win(1314), false),
    ("the trust relationship between this workstation and the primary domain failed", Win(1789), false),
    ("there are currently no logon servers available", Win(1311), false),
    ("logon type has not been granted", Win(1385), false),
    ("the specified domain either does not exist or could not be contacted", Win(1355), false),
    (
        "you can't access this shared folder because your organization's security policies block",
        Win(1272),
        false,
    ),
    ("multiple connections to a server or shared resource by the same user", Win(1219), false),
    ("the specified username is invalid", Win(2202), false),
    ("got empty identity", Win(1326), false),
    ("permission denied", Posix(13), false),
    ("operation not permitted", Posix(1), false),
    ("required key not available", Posix(126), false),
    ("key has expired", Posix(127), false),
    ("key was rejected by service", Posix(129), false),
    ("gss_init_sec_context failed", Win(1312), false),
    ("cannot find kdc for realm", Win(1908), false),
    ("clock skew too great", Win(1398), false),
    ("zugriff verweigert", Win(5), false),
    ("der zugriff wird verweigert", Win(5), false),
    ("das angegebene netzwerkkennwort ist falsch", Win(86), false),
    ("der benutzername oder das kennwort ist falsch", Win(1326), false),
    ("unbekannter benutzername oder falsches kennwort", Win(1326), false),
    ("anmeldung fehlgeschlagen", Win(1326), false),
    ("das konto ist gesperrt", Win(1909), false),
    ("keine berechtigung", Posix(13), false),
    ("accès refusé", Win(5), false),
    ("le mot de passe réseau spécifié est incorrect", Win(86), false),
    ("le nom d'utilisateur ou le mot de passe est incorrect", Win(1326), false),
    ("échec d'ouverture de session", Win(1326), false),
    ("permission non accordée", Posix(13), false),
    ("acceso denegado", Win(5), false),
    ("la contraseña de red especificada no es válida", Win(86), false),
    ("el nombre de usuario o la contraseña no son correctos", Win(1326), false),
    ("permiso denegado", Posix(13), false),
    ("accesso negato", Win(5), false),
    ("nome utente o password non corretta", Win(1326), false),
    ("il nome utente o la password non è corretta", Win(1326), false),
    ("permesso negato", Posix(13), false),
    ("acesso negado", Win(5), false),
    ("nome de usuário ou senha incorretos", Win(1326), false),
    ("permissão negada", Posix(13), false),
    // General, but telling.
    ("the media is write protected", Win(19), false),
    ("read-only file system", Posix(30), false),
    ("the process cannot access the file because it is being used by another process", Win(32), false),
    ("another process has locked a portion of the file", Win(33), false),
    ("the request is not supported", Win(50), false),
    ("the parameter is incorrect", Win(87), false),
    ("the file exists", Win(80), false),
    ("cannot create a file when that file already exists", Win(183), false),
    ("the directory is not empty", Win(145), false),
    ("a device attached to the system is not functioning", Win(31), false),
    ("insufficient system resources exist to complete the requested service", Win(1450), false),
    ("not enough server storage is available to process this command", Win(1130), false),
    ("the file or directory is corrupted and unreadable", Win(1392), false),
    ("the local device name is already in use", Win(85), false),
    ("the network connection could not be found", Win(2250), false),
    ("operation not supported", Posix(95), false),
    ("invalid argument", Posix(22), false),
    ("device or resource busy", Posix(16), false),
    ("resource temporarily unavailable", Posix(11), false),
    ("input/output error", Posix(5), false),
    ("no such device", Posix(19), false),
    ("file too large", Posix(27), false),
    ("file exists", Posix(17), false),
    ("directory not empty", Posix(39), false),
    ("cifs filesystem not supported by the system", Posix(19), true),
    ("protocol negotiation failed", Nt(0xC000_00BB), false),
    ("server doesn't support", Nt(0xC000_00BB), false),
    ("der prozess kann nicht auf die datei zugreifen", Win(32), false),
    ("das medium ist schreibgeschützt", Win(19), false),
    ("das dateisystem ist nur lesbar", Posix(30), false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_stands_for_a_row_and_is_lower_case() {
        for (sentence, stands_for, _) in SENTENCES {
            assert!(stands_for.row().is_some(), "{sentence}: {stands_for:?}");
            assert_eq!(*sentence, sentence.to_lowercase());
        }
    }
}
