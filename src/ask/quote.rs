//! Quoting for the shell: the only place where text becomes a shell word.

/// One word of a POSIX shell that means exactly `argument`.
///
/// Everything stands between single quotes, inside which no shell reads anything; a single quote itself becomes
/// `'\''`. A NUL, which no argument of any program can hold, becomes U+FFFD, so that the word names nothing real
/// instead of something shorter.
pub fn quote(argument: &str) -> String {
    let mut word = String::with_capacity(argument.len() + 2);
    word.push('\'');
    for c in argument.chars() {
        match c {
            '\'' => word.push_str(r"'\''"),
            '\0' => word.push('\u{fffd}'),
            c => word.push(c),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::quote;

    /// Shells that must agree; one that is not installed is left out, `sh` never is.
    const SHELLS: &[&[&str]] = &[&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];

    fn echoed(shell: &[&str], values: &[String]) -> Option<Vec<String>> {
        let words: Vec<String> = values.iter().map(|value| quote(value)).collect();
        let output = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-c")
            .arg(format!(r"printf '%s\000' {}", words.join(" ")))
            .output();
        match output {
            Ok(output) => {
                let text = String::from_utf8(output.stdout).unwrap();
                Some(text.split_terminator('\0').map(str::to_owned).collect())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && shell[0] != "sh" => None,
            Err(error) => panic!("{shell:?}: {error}"),
        }
    }

    #[test]
    fn the_traps() {
        let traps: Vec<String> = [
            "",
            " ",
            "'",
            "''",
            "\\",
            "\\'",
            "$HOME",
            "$(id)",
            "`id`",
            "\n",
            "a\nb\n",
            "-n",
            "-oProxyCommand=x",
            "*",
            "~",
            "!x",
            "\u{1b}[31m",
            "ü数",
            "%s",
            "a;b&c|d",
            "'; exit 1; '",
        ]
        .map(str::to_owned)
        .to_vec();
        for shell in SHELLS {
            if let Some(back) = echoed(shell, &traps) {
                assert_eq!(back, traps, "{shell:?}");
            }
        }
    }

    #[test]
    fn a_nul_never_shortens_a_word() {
        assert_eq!(quote("a\0b"), "'a\u{fffd}b'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_shell_gives_it_back(values in proptest::collection::vec("(?s).{0,24}", 1..60)) {
            let values: Vec<String> = values.into_iter().map(|value| value.replace('\0', "")).collect();
            for shell in SHELLS {
                if let Some(back) = echoed(shell, &values) {
                    prop_assert_eq!(&back, &values, "{:?}", shell);
                }
            }
        }
    }
}
