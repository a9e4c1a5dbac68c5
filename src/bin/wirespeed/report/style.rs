//! What the terminal can show.

use std::{env, ffi::OsString, io::IsTerminal};

use terminal_size::{Height, Width, terminal_size_of};

/// How to draw on one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether a line may be drawn over the last one: the output is a terminal that can.
    pub(crate) live: bool,
    /// Whether escape sequences may set colours.
    pub(crate) colour: bool,
    /// Whether the output takes characters outside ASCII.
    pub(crate) unicode: bool,
    /// Columns of a line.
    pub(crate) width: usize,
}

const DEFAULT_WIDTH: usize = 80;

impl Style {
    /// For the standard output.
    pub(crate) fn of_stdout() -> Self {
        let columns = terminal_size_of(std::io::stdout());
        Self::detect(std::io::stdout().is_terminal(), columns, |name| env::var_os(name))
    }

    /// For the standard error.
    pub(crate) fn of_stderr() -> Self {
        let columns = terminal_size_of(std::io::stderr());
        Self::detect(std::io::stderr().is_terminal(), columns, |name| env::var_os(name))
    }

    fn detect(
        terminal: bool,
        size: Option<(Width, Height)>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        let set = |name| variable(name).is_some_and(|value| !value.is_empty());

        let live = terminal && text("TERM").is_none_or(|term| term != "dumb");
        // The first of these that is set decides (POSIX, base definitions 8.2).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find(|name| set(name))
            .and_then(text)
            .unwrap_or_default()
            .to_ascii_lowercase();
        Self {
            live,
            colour: live && !set("NO_COLOR"),
            unicode: cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8"),
            width: size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0)),
        }
    }

    /// The text in bold, if colours are allowed.
    pub(crate) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// The text in the colour of the bars.
    pub(crate) fn cyan(&self, text: &str) -> String {
        self.paint("36", text)
    }

    /// The text in the colour of what went well.
    pub(crate) fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// The text in the colour of what failed.
    pub(crate) fn red(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
impl Style {
    /// ASCII on something that is not a terminal.
    pub(crate) const PLAIN: Self =
        Self { live: false, colour: false, unicode: false, width: DEFAULT_WIDTH };

    /// Everything but colour.
    pub(crate) const UNICODE: Self = Self { unicode: true, ..Self::PLAIN };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(terminal: bool, variables: &[(&str, &str)]) -> Style {
        Style::detect(terminal, None, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn a_pipe_gets_no_escape_sequence() {
        let style = detect(false, &[("LANG", "en_GB.UTF-8")]);
        assert!(!style.live && !style.colour && style.unicode);
        assert_eq!(style.bold("text"), "text");
    }

    #[test]
    fn no_color_and_dumb_terminals_are_respected() {
        let terminal = detect(true, &[("TERM", "xterm")]);
        assert!(terminal.live && terminal.colour);
        assert_eq!(terminal.bold("text"), "\x1b[1mtext\x1b[0m");
        let no_color = detect(true, &[("NO_COLOR", "1")]);
        assert!(no_color.live && !no_color.colour);
        assert!(detect(true, &[("NO_COLOR", "")]).colour);
        assert!(!detect(true, &[("TERM", "dumb")]).live);
    }

    #[cfg(not(windows))]
    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        assert!(!detect(true, &[]).unicode);
        assert!(detect(true, &[("LC_CTYPE", "C.utf8")]).unicode);
        assert!(!detect(true, &[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).unicode);
        assert!(detect(true, &[("LC_ALL", ""), ("LANG", "de_DE.UTF-8")]).unicode);
    }

    #[test]
    fn the_width_is_the_terminal_s() {
        let size = Some((Width(132), Height(40)));
        assert_eq!(Style::detect(true, size, |_| None).width, 132);
        assert_eq!(Style::detect(true, None, |_| None).width, DEFAULT_WIDTH);
    }
}
