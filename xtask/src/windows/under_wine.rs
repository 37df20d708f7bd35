//! Which tests run under wine, and why others do not: none is left out without a word.

use std::fs;

/// The test programs that run under wine.
pub(super) const PROGRAMS: &[&str] =
    &["certificates", "envelope", "errors", "files", "jobs", "kill", "retention", "sets", "values"];

/// What of them does not, by the beginnings of names, and why. Tests that only Unix can have are not even built.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    (
        "openssl_command::",
        "openssl is a program of Unix, and the test program dies when it waits for one that wine started",
    ),
    ("pem_keys::", OPENSSL),
    ("pfx_parts::", OPENSSL),
    ("post_quantum::any_openssl_command_opens_through_the_rsa_recipient", OPENSSL),
    ("post_quantum::the_openssl_command_opens_what_we_seal", OPENSSL),
    ("round_trip::a_certificate_for_signing_opens_but_does_not_seal", OPENSSL),
    ("round_trip::two_certificates_of_one_issuer_and_serial_number_are_both_tried", OPENSSL),
    ("work::a_million_iterations_in_all_open_in_every_common_scheme", OPENSSL),
    ("work::an_absent_password_is_wrong_and_no_more_work_than_a_present_one", OPENSSL),
    ("audit_rules_need_a_privilege", "wine gives the privilege and reads no audit rules all the same"),
    ("example::", "it builds the example by cargo; `cargo xtask windows run --example` does that"),
    ("incremental::bad_state::it_is_for_its_owner_only", "modes; azs-backup-windows tests access lists"),
    ("incremental::the_readme_s_lines_give_back_an_incremental_set", "the lines are for bash"),
    (
        "incremental::moves::a_source_below_an_old_one_is_whole_in_however_many_index_pieces",
        "its 40,000 files take wine half an hour",
    ),
    (
        "mas_backup::each_break_leads_to_its_finding_and_none_passes",
        "wine takes long to look at its 73 trees; the other tests of mas_backup:: read some of them",
    ),
    (
        "sources::paths_longer_than_the_system_s_limit_survive",
        "wine knows no path of more than 260 characters",
    ),
    ("sources::holes_are_restored_as_holes", "wine has no list of a file's holes"),
    ("sources::windows::a_file_that_another_program_has_locked_is_named", "in wine a lock hinders no reader"),
    (
        "sources::unix::",
        "names of any bytes, modes, extended attributes, pipes; sources::windows:: is in their place",
    ),
    ("target::a_link_in_the_set_is_not_followed_by_what_comes_after_it", "wine makes no links"),
    ("target::replace_takes_a_folder_s_other_attributes", "extended attributes"),
];

/// wine can start one, but the test program dies when it waits for it.
const OPENSSL: &str = "the command openssl is a program of Unix";

/// The other test programs, which do not run there at all, and why.
pub(super) const PROGRAMS_LEFT_OUT: &[(&str, &str)] = &[
    ("crash", LINUX),
    ("file_server", LINUX),
    ("smb", LINUX),
    ("smb_network", LINUX),
    ("object_stores", STORES),
    ("folders", UNIX),
    ("readme", UNIX),
    ("restore_rights", UNIX),
    ("alert_allocations", THE_SAME),
    ("architecture", THE_SAME),
    ("legacy_provider", THE_SAME),
    ("progress", THE_SAME),
];

const LINUX: &str = "it needs Linux: strace, a Samba server, network namespaces";
const STORES: &str = "it needs moto and Azurite, which are not in a Windows";
const UNIX: &str =
    "its folders have modes, links and owners of Unix; what it shows beside these, sets:: shows, too";
const THE_SAME: &str = "it shows nothing that a system does in its own way";

/// It runs with a number of worlds of its own.
pub(super) const ORACLE: &str = "oracle";

/// It runs on Linux, with the Windows program.
const EXCHANGE: &str = "windows_exchange";

/// A test program that neither runs here nor is left out with a reason.
pub(super) fn untold() -> Option<String> {
    let is_told = |name: &str| {
        PROGRAMS.contains(&name)
            || [ORACLE, EXCHANGE].contains(&name)
            || PROGRAMS_LEFT_OUT.iter().any(|(other, _)| *other == name)
    };
    let items = ["tests", "windows/tests"].map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let programs = items.into_iter().flatten().filter_map(|item| {
        let name = item.file_name().into_string().ok()?;
        let is_folder = item.path().join("main.rs").exists();
        name.strip_suffix(".rs").map(ToOwned::to_owned).or_else(|| is_folder.then_some(name))
    });
    programs.into_iter().find(|name| !is_told(name))
}
