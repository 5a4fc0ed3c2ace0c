//! The `index.html` of a page, in which trunk replaces each `<link data-trunk …>`.

use anyhow::{Context, Result};

/// The beginning of the links that trunk replaces.
const LINK: &str = "<link data-trunk ";

/// An `index.html`: text and links that alternate.
#[derive(Debug)]
pub(super) struct Page {
    /// Each link with the text before it.
    links: Vec<(String, Link)>,
    /// The text after the last link.
    end: String,
}

/// A `<link data-trunk …>`.
#[derive(Debug)]
pub(super) struct Link {
    attributes: Vec<(String, String)>,
}

impl Page {
    /// Finds the links.
    ///
    /// # Errors
    ///
    /// If a link does not end, or an attribute has no value in double quotes.
    pub(super) fn parse(html: &str) -> Result<Self> {
        let mut links = Vec::new();
        let mut rest = html;
        while let Some((before, from)) = rest.split_once(LINK) {
            let (tag, after) = from
                .split_once('>')
                .context("a `<link data-trunk` has no end")?;
            links.push((before.to_owned(), Link::parse(tag)?));
            rest = after;
        }
        Ok(Self {
            links,
            end: rest.to_owned(),
        })
    }

    /// Returns the link of the program itself.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(super) fn app(&self) -> Result<&Link> {
        self.links
            .iter()
            .map(|(_, link)| link)
            .find(|link| link.attribute("rel") == Some("rust"))
            .context("the page has no `<link data-trunk rel=\"rust\">`")
    }

    /// Returns the page, with each link replaced by the text that `replace` returns.
    pub(super) fn render(
        &self,
        mut replace: impl FnMut(&Link) -> Result<String>,
    ) -> Result<String> {
        let mut html = String::new();
        for (before, link) in &self.links {
            html.push_str(before);
            html.push_str(&replace(link)?);
        }
        html.push_str(&self.end);
        Ok(html)
    }
}

impl Link {
    fn parse(tag: &str) -> Result<Self> {
        let mut attributes = Vec::new();
        let mut rest = tag.trim_end_matches('/').trim();
        while !rest.is_empty() {
            let (name, from) = rest
                .split_once("=\"")
                .with_context(|| format!("`{rest}` is no attribute with a value in quotes"))?;
            let (value, after) = from
                .split_once('"')
                .with_context(|| format!("the value of `{name}` has no end"))?;
            attributes.push((name.trim().to_owned(), value.to_owned()));
            rest = after.trim();
        }
        Ok(Self { attributes })
    }

    /// Returns the value of an attribute, if it exists.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(of, _)| of == name)?;
        Some(value)
    }

    /// Returns the value of an attribute that the link must have.
    pub(super) fn required(&self, name: &str) -> Result<&str> {
        self.attribute(name)
            .with_context(|| format!("a `<link data-trunk>` has no `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = r#"<head>
      <link data-trunk rel="css" href="style.css">
      <link rel="icon" href="x.png">
      <link data-trunk rel="rust" data-wasm-opt="z"
        data-wasm-opt-params="--one --two" />
    </head>"#;

    #[test]
    fn links_of_trunk_are_replaced_and_others_stay() {
        let page = Page::parse(HTML).unwrap();
        let html = page
            .render(|link| Ok(link.required("rel")?.to_uppercase()))
            .unwrap();
        let expected =
            "<head>\n      CSS\n      <link rel=\"icon\" href=\"x.png\">\n      RUST\n    </head>";
        assert_eq!(html, expected);
    }

    #[test]
    fn the_app_says_how_to_optimise_it() {
        let page = Page::parse(HTML).unwrap();
        let app = page.app().unwrap();
        assert_eq!(app.attribute("data-wasm-opt"), Some("z"));
        assert_eq!(app.attribute("data-wasm-opt-params"), Some("--one --two"));
        assert_eq!(app.attribute("data-cargo-profile-release"), None);
    }

    #[test]
    fn a_page_without_an_app_or_with_an_unquoted_value_is_an_error() {
        assert!(Page::parse("<head></head>").unwrap().app().is_err());
        assert!(Page::parse("<link data-trunk rel=rust>").is_err());
    }
}
