//! Runs the lines that the book prints, so that what an operator types works as printed.
//!
//! In a page, `<!-- run -->` stands before a block of bash that is run; `<!-- run 3 -->` before one that may also end with
//! this code. A comment that begins with a line `<!-- run` holds lines that are run, and that readers do not see.
//! `<!-- site -->` stands before the configuration of a site, which the program must accept. All lines of a page run in
//! one shell, in a new folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::needs;
use crate::run::{Failure, program, target};

const BOOK: &str = "docs";

/// Runs the lines of all pages with this program.
pub(crate) fn run(azs_backup: &Path) -> Result<(), Failure> {
    let missing = needs::lacking(needs::FOR_RECOVERY);
    if !missing.is_empty() {
        return Err(Failure(format!("the pages' lines need {}", missing.join(", "))));
    }
    let azs_backup = std::path::absolute(azs_backup).map_err(|e| failed(azs_backup, &e))?;
    let beside = azs_backup.parent().unwrap_or(Path::new("/"));
    // What the caller has set is not what a reader of a page has.
    let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    let variables: Vec<&str> =
        variables.iter().map(String::as_str).filter(|name| name.starts_with("AZS_")).collect();
    let book = fs::read_dir(BOOK).map_err(|e| failed(Path::new(BOOK), &e))?;
    let mut pages: Vec<PathBuf> = book.flatten().map(|file| file.path()).collect();
    pages.sort();
    let mut ran = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(page).map_err(|e| failed(page, &e))?;
        let Some(script) = script(&text) else { continue };
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        let folder = target().join("tmp/pages").join(&*name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|e| failed(&folder, &e))?;
        let file = folder.with_extension("sh");
        fs::write(&file, format!("PATH={beside:?}:$PATH\n{script}")).map_err(|e| failed(&file, &e))?;
        let shell = program("bash").args(["-eu", &file.to_string_lossy()]).folder(&folder.to_string_lossy());
        shell.without(&variables).run()?;
        ran += 1;
    }
    println!("xtask: the lines of {ran} pages run as printed");
    if ran == 0 { Err(Failure("no page has lines to run".into())) } else { Ok(()) }
}

fn failed(file: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("{}: {error}", file.display()))
}

/// Returns what to run of a page; `None` if there is nothing.
fn script(page: &str) -> Option<String> {
    let mut script = String::new();
    for part in page.split("<!-- ").skip(1) {
        let Some((comment, behind)) = part.split_once("-->") else {
            return Some("false # a comment does not end".into());
        };
        let block = |language: &str| {
            let block =
                behind.trim_start().strip_prefix("```")?.strip_prefix(language)?.strip_prefix('\n')?;
            Some(block.split_once("\n```")?.0)
        };
        let block = |language| block(language).unwrap_or("false # no block follows the comment");
        if let Some(hidden) = comment.strip_prefix("run\n") {
            script += hidden;
        } else if comment.trim() == "run" {
            script += &format!("{}\n", block("bash"));
        } else if let Some(code) = comment.strip_prefix("run ") {
            let lines = block("bash");
            script +=
                &format!("code=0\n{{ {lines}\n}} || code=$?\n[ $code = 0 ] || [ $code = {} ]\n", code.trim());
        } else if comment.trim() == "site" {
            let site = FOLDERS.iter().fold(block("toml").to_owned(), |site, folder| site.replace(folder, ""));
            script += &format!("cat > site.toml <<'SITE'\n{site}\nSITE\nazs-backup config check site.toml\n");
        }
    }
    (!script.is_empty()).then_some(script)
}

/// Where the certificates of the pages' sites are; here they are in the folder of the page.
const FOLDERS: [&str; 2] = ["/etc/azs-backup/", r"C:\ProgramData\azs-backup\"];

#[cfg(test)]
mod tests {
    use super::script;

    #[test]
    fn only_marked_blocks_are_run() {
        let page = "a\n<!-- run\nexport A=1\n-->\n```bash\nno\n```\n<!-- run -->\n```bash\necho $A\n```\n<!-- run 3 -->\n```bash\n(exit 3)\n```\n";
        let script = script(page).unwrap();
        assert!(script.starts_with("export A=1\necho $A\ncode=0\n{ (exit 3)\n}"), "{script}");
        assert!(!script.contains("no"));
        let site =
            super::script("<!-- site -->\n```toml\ncertificates = [\"/etc/azs-backup/backup.cer\"]\n```\n")
                .unwrap();
        assert!(site.contains("certificates = [\"backup.cer\"]\nSITE\nazs-backup config check"), "{site}");
        assert!(super::script("```bash\nno\n```").is_none());
    }
}
