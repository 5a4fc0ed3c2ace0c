//! The page without a mouse.

use todo_e2e::{Device, Key, Page};

/// Presses the tab key until the focus is in an element of a class.
fn tab_to(page: &Page<'_>, class: &str) {
    const CONTROLS: usize = 12;
    for _ in 0..CONTROLS {
        page.press(Key::Tab);
        if page.has_focus(class) {
            return;
        }
    }
    panic!("no .{class} within {CONTROLS} tabs");
}

#[test]
fn a_todo_lives_from_the_first_key_to_its_end_by_keyboard_alone() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();

    page.expect_focus("new-todo");
    page.type_text("milk");
    page.press(Key::Enter);
    page.type_text("bread");
    page.press(Key::Enter);
    page.expect_titles(&["milk", "bread"]);

    tab_to(&page, "toggle");
    page.press(Key::Space);
    page.expect_completed(&["milk"]);

    tab_to(&page, "destroy");
    page.press(Key::Enter);
    page.expect_titles(&["bread"]);
    page.expect_focus("destroy");
    page.press(Key::Space);
    page.expect_titles(&[]);
}

#[test]
fn enter_or_f2_on_a_checkbox_edits_and_the_focus_comes_back() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.type_text("milk");
    page.press(Key::Enter);
    page.expect_titles(&["milk"]);

    tab_to(&page, "toggle");
    page.press(Key::Enter);
    page.expect_focus("edit");
    page.type_over("oat milk");
    page.press(Key::Enter);
    page.expect_titles(&["oat milk"]);
    page.expect_focus("toggle");

    page.press(Key::F2);
    page.expect_focus("edit");
    page.type_over("cake");
    page.press(Key::Escape);
    page.expect_focus("toggle");
    page.expect_titles(&["oat milk"]);
    page.expect_completed(&[]);
}

#[test]
fn filters_toggle_all_and_clear_completed_are_reached_by_tab() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.type_text("milk");
    page.press(Key::Enter);
    page.expect_titles(&["milk"]);

    tab_to(&page, "toggle-all");
    page.press(Key::Space);
    page.expect_completed(&["milk"]);

    tab_to(&page, "selected");
    page.press(Key::Tab);
    page.press(Key::Enter);
    page.expect_titles(&[]);
    assert_eq!(page.hash(), "#/active");

    tab_to(&page, "clear-completed");
    page.press(Key::Enter);
    page.expect_rows(0);
}
