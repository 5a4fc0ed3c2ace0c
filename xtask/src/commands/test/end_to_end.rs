//! The end-to-end tests, in one browser or in several.

use std::{ffi::OsString, path::PathBuf};

use anyhow::Result;

use super::{Args, Browsers};
use crate::{
    cmd::Cmd,
    dist::{self, Optimize},
    programs,
    step::Steps,
    tools::{Browser, Cache, Firefox, WebKit, faketime},
    workspace::{E2E, Workspace},
};

/// A reason why a test does not run in some browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A command of the Chrome DevTools protocol for the network, for scripts that run before those
    /// of the page, or for the screen.
    DevTools,
    /// A page that comes from this machine under a name that the browser does not trust.
    OtherName,
    /// A profile that outlives the browser. Sessions of WebKitGTK's driver keep nothing.
    Profile,
    /// Links that the tab key reaches. By default, WebKit skips links.
    TabToLinks,
    /// An input for a megabyte of text. WebKit truncates it.
    LongInput,
    /// A double click in a second tab, or keys typed into two windows at the same time. WebKitGTK's
    /// driver loses some of them.
    SecondWindow,
}

/// The tests that need more than WebDriver, by name.
const NEEDS: [(&str, Need); 22] = [
    (
        "two_tabs_of_a_page_without_a_relay_show_each_others_edits",
        Need::SecondWindow,
    ),
    (
        "two_devices_that_are_edited_at_the_same_time_end_with_the_same_list",
        Need::SecondWindow,
    ),
    (
        "filters_toggle_all_and_clear_completed_are_reached_by_tab",
        Need::TabToLinks,
    ),
    (
        "a_paste_that_is_too_large_stays_in_the_input_and_the_page_says_why",
        Need::LongInput,
    ),
    (
        "what_two_devices_did_without_the_network_is_on_both_when_it_is_back",
        Need::DevTools,
    ),
    (
        "edits_of_a_laptop_whose_clock_is_a_day_ahead_arrive_and_later_ones_of_others_win",
        Need::DevTools,
    ),
    (
        "with_storage_blocked_the_page_works_and_says_that_it_keeps_nothing",
        Need::DevTools,
    ),
    (
        "ten_thousand_todos_are_there_after_a_reload_and_one_of_them_is_toggled",
        Need::DevTools,
    ),
    (
        "a_page_whose_database_is_deleted_stores_everything_again_and_sends_what_was_not_sent",
        Need::DevTools,
    ),
    (
        "two_tabs_whose_database_is_deleted_keep_the_edits_of_both",
        Need::DevTools,
    ),
    (
        "two_tabs_of_a_page_on_plain_http_and_another_device_lose_nothing",
        Need::OtherName,
    ),
    (
        "a_restored_browser_reads_what_it_wrote_after_the_backup_and_sends_what_it_wrote_since",
        Need::Profile,
    ),
    (
        "two_machines_from_one_disk_image_both_go_on_and_what_neither_has_sent_arrives_once",
        Need::Profile,
    ),
    ("what_many_killed_browsers_wrote_arrives", Need::Profile),
    (
        "a_list_without_a_relay_forgets_the_todos_that_were_cleared",
        Need::DevTools,
    ),
    (
        "cleared_todos_whose_removal_the_relay_keeps_take_little_room_on_a_device",
        Need::DevTools,
    ),
    ("screenshots", Need::DevTools),
    ("screenshots_of_two_who_edit_one_list", Need::DevTools),
    (
        "screenshots_of_a_page_that_the_relay_refuses_something",
        Need::DevTools,
    ),
    (
        "a_browser_killed_100_ms_after_an_edit_has_kept_it",
        Need::Profile,
    ),
    (
        "a_browser_that_is_closed_and_opened_again_shows_the_same",
        Need::Profile,
    ),
    (
        "what_was_typed_before_a_browser_was_killed_is_delivered_when_it_is_opened_again",
        Need::Profile,
    ),
];

/// Builds the pages and programs, and runs the tests in each browser as a step.
pub(super) fn run_in(steps: &mut Steps, workspace: &Workspace, cache: &Cache, args: &Args) {
    let mut built = None;
    steps.run("pages and programs for the end-to-end tests", || {
        built = Some(build(workspace, cache)?);
        Ok(())
    });
    let Some(built) = built else { return };
    let tests = |browser: &str, env: Vec<(&'static str, OsString)>, lacks: &[Need]| {
        let cmd = Cmd::cargo()
            .args(["test", "--no-fail-fast", "--package", E2E])
            .envs(built.clone())
            .env("TODO_BROWSER", browser)
            .envs(env)
            .dir(&workspace.root);
        args.apply(without(cmd, browser, lacks)).run()
    };
    steps.run("end-to-end tests in Chromium", || {
        let browser = Browser::find(cache)?;
        eprintln!("    {}", browser.version()?);
        tests("chromium", browser.env(), &[])
    });
    if args.browsers == Browsers::Chromium {
        return;
    }
    steps.run("end-to-end tests in Firefox", || {
        let firefox = Firefox::find(cache)?;
        eprintln!("    {}", firefox.version()?);
        let env = vec![
            ("FIREFOX", firefox.program.into()),
            ("GECKODRIVER", firefox.driver.into()),
        ];
        tests("firefox", env, &[Need::DevTools, Need::OtherName])
    });
    steps.run("end-to-end tests in WebKit", || {
        let webkit = WebKit::find(cache)?;
        eprintln!("    {}", webkit.version()?);
        let screen = webkit.screen()?;
        tests(
            "webkit",
            webkit.env(&screen),
            &[
                Need::DevTools,
                Need::OtherName,
                Need::Profile,
                Need::TabToLinks,
                Need::LongInput,
                Need::SecondWindow,
            ],
        )
    });
}

/// Builds the pages and programs that the tests use, and returns the variables that name them.
fn build(workspace: &Workspace, cache: &Cache) -> Result<Vec<(&'static str, OsString)>> {
    let page =
        |name| -> Result<PathBuf> { dist::build(workspace, cache, name, Optimize::IfPossible) };
    let mut env = Vec::new();
    for (variable, name) in [
        ("TODO_DIST", "todo"),
        ("TODO_PLAIN_DIST", "todo-plain"),
        ("COUNTER_DIST", "counter"),
        ("SIGN_IN_DIST", "sign-in"),
    ] {
        env.push((variable, page(name)?.into()));
    }
    match faketime::find(cache) {
        Ok(library) => env.push(("LIBFAKETIME", library.into())),
        // In CI, the tests fail; elsewhere, they are skipped.
        Err(error) => eprintln!("    not tested: a relay whose clock is wrong ({error:#})"),
    }
    let (server, relay) = programs::servers(workspace)?;
    env.push(("TODO_SERVER", server.into()));
    env.push(("TODO_RELAY", relay.into()));
    Ok(env)
}

/// Skips the tests that the browser cannot run, and prints their names.
fn without(mut cmd: Cmd, browser: &str, lacks: &[Need]) -> Cmd {
    let skipped = NEEDS.iter().filter(|(_, need)| lacks.contains(need));
    for (n, (name, need)) in skipped.enumerate() {
        if n == 0 {
            cmd = cmd.args(["--", "--exact"]);
        }
        eprintln!("    not run in {browser}: {name} (needs {need:?})");
        cmd = cmd.args(["--skip", name]);
    }
    cmd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_that_is_skipped_exists() {
        let workspace = Workspace::load().unwrap();
        let folder = workspace.package(E2E).unwrap().dir.join("tests");
        let files = std::fs::read_dir(folder).unwrap().flatten();
        let sources: String = files
            .map(|file| std::fs::read_to_string(file.path()).unwrap())
            .collect();
        for (name, _) in NEEDS {
            assert!(sources.contains(&format!("fn {name}()")), "{name}");
        }
    }
}
