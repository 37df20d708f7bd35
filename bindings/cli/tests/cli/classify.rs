//! What `smbclient`, `net use` and `mount.cifs` print for each of the documented alerts, put through the program.
//!
//! Most of smbclient's were recorded from 4.17 against an smbd on loopback; those of `net use` and `mount.cifs`, and
//! smbclient's IO_TIMEOUT, are written after how these tools are known to print.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::site::program;

const TEXTS: [(&str, &[&str]); 5] = [
    (
        "OUT_OF_CAPACITY",
        &[
            "cli_push returned NT_STATUS_DISK_FULL\nputting file big.bin as \\big.bin (195308.7 kb/s) (average 195312.5 kb/s)",
            "System error 112 has occurred.\r\n\r\nThere is not enough space on the disk.\r\n\r\n",
            "mount error(28): No space left on device\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
        ],
    ),
    (
        "CONNECTIVITY",
        &[
            "do_connect: Connection to 127.0.0.1 failed (Error NT_STATUS_CONNECTION_REFUSED)",
            "do_connect: Connection to fileserver01.contoso.com failed (Error NT_STATUS_IO_TIMEOUT)",
            "do_connect: Connection to nosuchhost.invalid failed (Error NT_STATUS_UNSUCCESSFUL)",
            "System error 53 has occurred.\r\n\r\nThe network path was not found.\r\n\r\n",
            "System error 121 has occurred.\r\n\r\nThe semaphore timeout period has expired.\r\n\r\n",
            "mount error(115): Operation now in progress\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
            "mount error(112): Host is down\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
        ],
    ),
    (
        "PATH",
        &[
            "tree connect failed: NT_STATUS_BAD_NETWORK_NAME",
            "cd \\contoso.com\\nyc\\: NT_STATUS_OBJECT_PATH_NOT_FOUND",
            "NT_STATUS_OBJECT_PATH_NOT_FOUND opening remote file \\contoso.com\\nyc\\a.bin",
            "System error 67 has occurred.\r\n\r\nThe network name cannot be found.\r\n\r\n",
            "mount error(2): No such file or directory\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
        ],
    ),
    (
        "AUTHENTICATION",
        &[
            "session setup failed: NT_STATUS_LOGON_FAILURE",
            "tree connect failed: NT_STATUS_ACCESS_DENIED",
            "System error 1326 has occurred.\r\n\r\nThe user name or password is incorrect.\r\n\r\n",
            "System error 1909 has occurred.\r\n\r\nThe referenced account is currently locked out and may not be logged on to.\r\n\r\n",
            "mount error(13): Permission denied\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
        ],
    ),
    (
        "GENERAL",
        &[
            "session setup failed: NT_STATUS_UNSUCCESSFUL",
            "System error 1219 has occurred.\r\n\r\nMultiple connections to a server or shared resource by the same user, using more than one user name, are not allowed.\r\n\r\n",
            "mount error(16): Device or resource busy\nRefer to the mount.cifs(8) manual page (e.g. man mount.cifs) and kernel log messages (dmesg)",
        ],
    ),
];

#[test]
fn each_of_the_five_is_known_by_what_each_tool_prints() {
    let mut wrong = Vec::new();
    for (kind, text) in TEXTS.iter().flat_map(|(kind, texts)| texts.iter().map(move |text| (*kind, *text))) {
        let mut command = program(&["classify", "--json", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let class = &document["result"];
        if class["documented_kind"] != kind || class["evidence"].as_array().unwrap().is_empty() {
            wrong.push(format!("{text:?} is {}, not {kind}", class["documented_kind"]));
        }
        assert!(output.status.success());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_may_be_negative_and_words_need_no_quotes() {
    for (words, kind) in [
        (&["-2147024784"][..], "OUT_OF_CAPACITY"),
        (&["0xC000006D"], "AUTHENTICATION"),
        (&["mount", "error(13):", "Permission", "denied"], "AUTHENTICATION"),
    ] {
        let said = crate::site::said(&mut program(&[&["classify"], words].concat()));
        assert!(said.contains(&format!("documented: {kind}\n")) && said.contains("next:       "), "{said}");
    }
    let known = crate::site::result(&mut program(&["classify", "--profile", "microsoft-2301", "0xC000006D"]));
    assert_eq!(known["profile"], "microsoft-2301");
}
