//! The program that the README prints.

use std::fs;

use super::{Site, example, output, text};

#[test]
fn the_readme_s_program_runs_as_printed() {
    let (_, program) = include_str!("../../README.md").split_once("```rust,no_run\n").unwrap();
    let (_, example_itself) = include_str!("../../examples/readme.rs").split_once("\n\n").unwrap();
    assert_eq!(program.split_once("```").unwrap().0, example_itself);

    let site = Site::new();
    fs::rename(site.path("configs"), site.path("switch-configs")).unwrap();
    let shown = text(&output(example("readme").current_dir(site.path(""))).stdout);
    assert!(shown.starts_with("Succeeded: contoso.com/nyc/Switches/"), "{shown}");
    assert_eq!(fs::read_to_string(site.path("restored/tor1/running-config")).unwrap(), "hostname tor1\n");
    // A folder of that name wherever it is, as in a .gitignore.
    assert!(site.path("restored/switch-configs/tor1").exists());
    assert!(!site.path("restored/switch-configs/tor2.cfg").exists());
}
