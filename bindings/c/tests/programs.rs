//! Compiles the C programs of this folder against the library, strictly and with sanitizers, and runs them.
#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Build, run, scratch, share, vectors};

#[test]
fn the_vectors_hold_in_c() {
    let walk = |name| {
        let program = Build::new(name).sanitized().link("cjson").compile();
        run(Command::new(program).arg(vectors()).arg(scratch(name)))
    };
    let counts = walk("vectors") + &walk("options") + &walk("signatures");
    print!("{counts}");
    common::check_counts(&counts);
}

#[test]
fn one_backup_from_beginning_to_end() {
    let program = Build::new("round_trip").sanitized().link("cjson").compile();
    run(Command::new(program).arg(vectors()).arg(share("round_trip")));
}

#[test]
fn answers_are_read_without_a_json_library() {
    let program = Build::new("json").sanitized().link("cjson").compile();
    run(Command::new(program).arg(vectors()).arg(share("json")));
}

#[test]
fn sets_are_copied_and_surveyed() {
    let program = Build::new("copies").sanitized().link("cjson").compile();
    run(Command::new(program).arg(vectors()).arg(share("copies")));
}

#[test]
fn bad_input_is_an_error() {
    let program = Build::new("bad_input").sanitized().link("cjson").link("pthread").compile();
    run(Command::new(program).arg(vectors()).arg(share("bad_input")));
}

#[test]
fn a_handle_in_use_says_so_and_outlives_its_release() {
    let program = Build::new("in_use").sanitized().link("cjson").link("pthread").compile();
    run(Command::new(program).arg(vectors()).arg(share("in_use")));
}

#[test]
fn every_function_bears_nothing_at_all() {
    let source = scratch("nothing").join("nothing.c");
    std::fs::write(&source, common::calls_with_nothing()).unwrap();
    run(&mut Command::new(Build::of(&source).sanitized().compile()));
}

/// Runs a program of this folder under valgrind. Each is a test of its own, so that they run side by side.
fn valgrind_finds_nothing(name: &str) {
    let program = Build::new(name).variant("valgrind").link("cjson").link("pthread").compile();
    let mut valgrind = Command::new("valgrind");
    valgrind.env("AZS_TEST_VALGRIND", "1");
    valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--num-callers=40"]);
    valgrind.args(["--errors-for-leak-kinds=definite,indirect", "--fair-sched=yes"]);
    let suppressions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valgrind.supp");
    valgrind.arg(format!("--suppressions={}", suppressions.display()));
    run(valgrind.arg(program).arg(vectors()).arg(share(&format!("{name}_valgrind"))));
}

#[test]
fn valgrind_finds_nothing_in_the_vectors() {
    valgrind_finds_nothing("vectors");
}

#[test]
fn valgrind_finds_nothing_in_copies() {
    valgrind_finds_nothing("copies");
}

#[test]
fn valgrind_finds_nothing_in_signatures() {
    valgrind_finds_nothing("signatures");
}

#[test]
fn valgrind_finds_nothing_in_a_backup() {
    valgrind_finds_nothing("round_trip");
}

#[test]
fn valgrind_finds_nothing_in_answers() {
    valgrind_finds_nothing("json");
}

#[test]
fn valgrind_finds_nothing_in_bad_input() {
    valgrind_finds_nothing("bad_input");
}

#[test]
fn valgrind_finds_nothing_in_handles_in_use() {
    valgrind_finds_nothing("in_use");
}

#[test]
fn the_header_is_cxx_too() {
    let source = scratch("cxx").join("consumer.cpp");
    std::fs::write(
        &source,
        "#include <azs_backup.h>\n#include <cstring>\n\
         int main() {\n    azs_error *error = nullptr;\n    char *json = nullptr;\n\
         azs_status status = azs_name_parse(\"MASBackup\", &json, &error);\n\
         bool right = status == AZS_STATUS_RESERVED_PATH && std::strcmp(azs_error_code(error), \"RESERVED_PATH\") == 0;\n\
         azs_error_free(error);\n    return right ? 0 : 1;\n}\n",
    )
    .unwrap();
    run(&mut Command::new(Build::of(&source).cxx().sanitized().compile()));
}

#[test]
fn every_name_of_the_table_is_in_the_header() {
    let header = include_str!("../include/azs_backup.h");
    let words: std::collections::HashSet<&str> =
        header.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let table = include_str!("../../README.md");
    let mut names = 0;
    for row in table.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 4) {
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        for name in last.split('`').skip(1).step_by(2).filter(|name| name.starts_with("azs_")) {
            assert!(words.contains(name), "{name} of bindings/README.md is not in the header");
            names += 1;
        }
    }
    assert!(names > 120, "only {names} names were found in the table");
}

#[test]
fn the_programs_of_the_readmes_run_as_printed() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (readme, says) in [("../../README.md", "\"status\":\"Succeeded\""), ("README.md", "CONNECTIVITY")] {
        let text = std::fs::read_to_string(here.join(readme)).unwrap();
        let (_, code) =
            text.split_once("<!-- c -->\n```c\n").unwrap_or_else(|| panic!("{readme} has no program"));
        let folder = scratch("readme");
        let source = folder.join("readme.c");
        std::fs::write(&source, code.split_once("```").unwrap().0).unwrap();
        std::fs::create_dir_all(folder.join("share/contoso.com/nyc")).unwrap();
        std::fs::copy(vectors().join("envelope/rsa2048.cer"), folder.join("backup.cer")).unwrap();
        let program = Build::of(&source).sanitized().compile();
        let printed = run(Command::new(program).current_dir(&folder));
        assert!(printed.contains(says), "{printed}");
    }
}
