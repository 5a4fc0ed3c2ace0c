//! The behaviour that TodoMVC specifies. No test here closes the page.

use todo_e2e::{Device, Key};

#[test]
fn an_empty_page_shows_the_input_with_the_focus_and_neither_list_nor_footer() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();

    page.expect_text("h1", "todos");
    page.expect_focus("new-todo");
    page.expect_visible(".main", false);
    page.expect_visible(".footer", false);
    page.expect_visible("[data-testid=saved-mark][role=status]", true);

    page.add("milk");
    page.expect_visible(".main", true);
    page.expect_visible(".footer", true);

    page.delete("milk");
    page.expect_visible(".main", false);
    page.expect_visible(".footer", false);
}

#[test]
fn a_new_todo_is_trimmed_and_goes_to_the_end_and_an_empty_one_is_ignored() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();

    page.add("milk");
    page.add("   oat cakes  ");
    page.add("   ");
    page.add("");
    page.expect_titles(&["milk", "oat cakes"]);
    page.expect_text(".new-todo", "");
    page.expect_count("2 items left");
}

#[test]
fn each_line_of_a_paste_is_a_todo_and_one_line_is_text_to_go_on_with() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();

    page.paste("milk\r\n  bread \n\n\t\nsalt\n");
    page.expect_titles(&["milk", "bread", "salt"]);
    page.expect_count("3 items left");

    page.paste("one line\n");
    page.expect_titles(&["milk", "bread", "salt"]);
}

#[test]
fn a_toggle_strikes_a_todo_out_and_counts_what_is_left_and_what_was_completed_ever() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.expect_text("[data-testid=completed-ever]", "0");

    page.add("milk");
    page.expect_count("1 item left");
    page.add("bread");
    page.expect_count("2 items left");

    page.toggle("bread");
    page.expect_completed(&["bread"]);
    page.expect_count("1 item left");
    page.toggle("milk");
    page.expect_completed(&["milk", "bread"]);
    page.expect_count("0 items left");
    page.toggle("bread");
    page.expect_completed(&["milk"]);
    page.expect_text("[data-testid=completed-ever]", "2");

    page.delete("milk");
    page.expect_titles(&["bread"]);
    page.expect_count("1 item left");
    page.expect_text("[data-testid=completed-ever]", "2");
}

#[test]
fn editing_saves_on_enter_and_on_leaving_but_not_on_escape() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");

    page.edit("milk");
    page.type_over("  oat milk  ");
    page.press(Key::Enter);
    page.expect_titles(&["oat milk", "bread"]);
    page.expect_visible(".edit", false);

    page.edit("bread");
    page.type_over("rye bread");
    page.click("h1");
    page.expect_titles(&["oat milk", "rye bread"]);
    page.expect_visible(".edit", false);

    page.edit("rye bread");
    page.type_over("cake");
    page.press(Key::Escape);
    page.expect_visible(".edit", false);
    page.expect_titles(&["oat milk", "rye bread"]);
}

#[test]
fn an_editor_goes_on_with_the_title_and_its_row_is_marked() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");

    page.edit("milk");
    page.expect_visible("li.editing .edit", true);
    page.type_text(" and honey");
    page.press(Key::Enter);
    page.expect_titles(&["milk and honey"]);
    page.expect_visible("li.editing", false);
}

#[test]
fn a_todo_without_a_title_is_deleted() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");

    page.edit("milk");
    page.type_over("   ");
    page.press(Key::Enter);
    page.expect_titles(&["bread"]);

    page.edit("bread");
    page.type_over("");
    page.click("h1");
    page.expect_titles(&[]);
}

#[test]
fn a_deleted_todo_is_gone_and_the_others_keep_their_order() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");
    page.add("salt");

    page.delete("bread");
    page.expect_titles(&["milk", "salt"]);
    page.expect_count("2 items left");
    page.add("pepper");
    page.expect_titles(&["milk", "salt", "pepper"]);
}

#[test]
fn filters_show_a_part_have_an_address_and_follow_it() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");
    page.toggle("milk");
    page.expect_text("a.selected", "All");

    page.filter("Active");
    page.expect_titles(&["bread"]);
    page.expect_text("a.selected", "Active");
    assert_eq!(page.hash(), "#/active");

    page.filter("Completed");
    page.expect_titles(&["milk"]);
    page.expect_text("a.selected", "Completed");
    assert_eq!(page.hash(), "#/completed");
    page.expect_count("1 item left");

    page.toggle("milk");
    page.expect_titles(&[]);

    page.set_hash("#/active");
    page.expect_titles(&["milk", "bread"]);
    page.set_hash("#/");
    page.expect_titles(&["milk", "bread"]);
    page.expect_text("a.selected", "All");
}

#[test]
fn an_address_with_a_filter_is_opened_with_it() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.set_hash("#/active");
    page.reload();

    page.add("milk");
    page.add("bread");
    page.expect_text("a.selected", "Active");
    page.toggle("milk");
    page.expect_titles(&["bread"]);
}

#[test]
fn completed_todos_are_cleared_by_a_button_that_shows_only_then() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");
    page.add("salt");
    page.expect_visible(".clear-completed", false);

    page.toggle("milk");
    page.toggle("salt");
    page.expect_text(".clear-completed", "Clear completed");
    page.click(".clear-completed");
    page.expect_titles(&["bread"]);
    page.expect_visible(".clear-completed", false);
    page.expect_count("1 item left");
}

#[test]
fn toggle_all_sets_every_todo_and_reflects_them() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");
    page.toggle("milk");
    page.expect_checked(".toggle-all", false);

    page.click(".toggle-all");
    page.expect_completed(&["milk", "bread"]);
    page.expect_checked(".toggle-all", true);

    page.toggle("bread");
    page.expect_checked(".toggle-all", false);
    page.toggle("bread");
    page.expect_checked(".toggle-all", true);

    page.click("label[for=toggle-all]");
    page.expect_completed(&[]);
    page.expect_checked(".toggle-all", false);
    page.expect_text("[data-testid=completed-ever]", "3");
}

#[test]
fn while_a_title_is_edited_its_row_shows_the_editor_alone() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.add("bread");

    page.edit("milk");
    for hidden in [".toggle", "label", ".destroy"] {
        page.expect_visible(&format!("li.editing {hidden}"), false);
        page.expect_visible(&format!("li:not(.editing) {hidden}"), true);
    }
    page.press(Key::Escape);
    page.expect_visible("li.editing", false);
    page.expect_titles(&["milk", "bread"]);
}

/// A number of letters that exceeds the limit of a value.
const LETTERS: usize = 300_000;

#[test]
fn a_text_that_is_too_long_stays_in_the_input_and_the_page_says_why() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.fill(".new-todo", &"x".repeat(LETTERS));
    page.press(Key::Enter);
    page.expect_problem("limit");
    assert_eq!(page.value(".new-todo").len(), LETTERS);
    page.expect_titles(&[]);

    page.fill(".new-todo", "short enough");
    page.press(Key::Enter);
    page.expect_titles(&["short enough"]);
    page.expect_no_problem();
    assert_eq!(page.value(".new-todo"), "");
}

#[test]
fn a_paste_that_is_too_large_stays_in_the_input_and_the_page_says_why() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    let lines: Vec<_> = (0..20_000)
        .map(|n| format!("{n}: a line as long as those that users keep in a list"))
        .collect();
    page.paste(&lines.join("\n"));
    page.expect_problem("limit");
    assert_eq!(page.value(".new-todo"), lines.join(" "));
    page.expect_titles(&[]);
}

#[test]
fn a_title_that_is_too_long_stays_in_its_editor_and_the_page_says_why() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.edit("milk");
    page.fill(".edit", &"x".repeat(LETTERS));
    page.press(Key::Enter);
    page.expect_problem("limit");
    assert_eq!(page.value(".edit").len(), LETTERS);

    page.fill(".edit", "oat milk");
    page.press(Key::Enter);
    page.expect_titles(&["oat milk"]);
    page.expect_no_problem();
    page.expect_focus("toggle");
}
