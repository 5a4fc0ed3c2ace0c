//! The smallest example, used like a newcomer would use it.

use todo_e2e::Device;

#[test]
fn the_counter_counts_and_a_reload_keeps_the_count() {
    let device = Device::with_counter();
    let browser = device.launch();
    browser.visit("");
    browser.expect_text("output", "0");
    for _ in 0..3 {
        browser.click("button:last-of-type");
    }
    browser.click("button:first-of-type");
    browser.expect_text("output", "2");
    browser.expect_text("p", "Saved.");
    browser.visit("");
    browser.expect_text("output", "2");
}
