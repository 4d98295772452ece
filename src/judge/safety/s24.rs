//! S24: Secrets are in no argv, log, recording or report. Remote text reaches the screen only sanitised.
//!
//! Kept by types. Remote text enters the facts as [`Plain`](crate::facts::Plain), which cannot hold a character that a
//! terminal would obey, and there is no other text in a fact, a reason or a reach. A password is a
//! [`PasswordFrom`](crate::inventory::PasswordFrom) in the inventory, which has no place for the password itself; a
//! node with a password is asked over our own SQL connection, so that no script and no argv ever carries it.

#[cfg(test)]
mod tests {
    use crate::facts::{Facts, Known, Plain, keys};

    #[test]
    fn hostile_text_in_a_fact_is_visible_and_harmless() {
        let mut facts = Facts::new();
        let hostile = "db\x1b]52;c;cm0gLXJm\x07\u{202e}1\u{9b}2J";
        facts.set(
            keys::HOST_NAME,
            Known::Known(Plain::new(hostile)),
            &Plain::new("\x1b[2Jsource"),
            jiff::Timestamp::UNIX_EPOCH,
        );
        let json = serde_json::to_string(&facts).unwrap();
        assert!(!json.chars().any(char::is_control) && !json.contains('\u{202e}'), "{json}");
        assert!(json.contains("u{1b}"), "{json}");
    }
}
