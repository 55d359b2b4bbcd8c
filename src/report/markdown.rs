//! Text of files and engines within Markdown: nothing in it can begin markup, HTML or a table cell.

use super::console::clean;

/// Plain text: every character that Markdown or HTML could read as markup is escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in clean(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out
}

/// Text as code in a line: a fence longer than any run of backticks in it; also right in a table.
pub fn code(text: &str) -> String {
    let text = clean(text).replace(['\n', '\t'], " ").replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text as a block of code in this language.
pub fn block(language: &str, text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            escaped("<script>a|b*[c](d)\u{1b}[31m"),
            "&lt;script&gt;a\\|b\\*\\[c\\](d)\\\\u{1b}\\[31m"
        );
        assert_eq!(code("a`b|c\nd"), "``a`b\\|c d``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("json", "```\nx\n"), "````json\n```\nx\n````");
    }
}
