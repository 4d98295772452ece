//! One script, one nonce, one trailer.
//!
//! A script reaches a node over the standard input of `sh -s`, never in an argument vector. What comes back counts
//! only with its trailer, a last line that holds the nonce of this one script and the body's exit status: an SSH
//! channel that a server closes early looks like success to libssh2 (libssh2 #2515), a trailer cannot be had by
//! accident.

use std::fmt::{self, Write as _};

use super::quote::quote;

/// A random name for one run of one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// A nonce of 128 random bits, which the caller gets from the operating system.
    pub fn new(random: [u8; 16]) -> Self {
        Self(random.iter().fold(String::with_capacity(32), |mut hex, byte| {
            // `write!` to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The most bytes a trailer can have.
pub const TRAILER_MAX: usize = "\n__bg_ 255\n".len() + 32;

/// The text for the standard input of `sh -s`.
///
/// `body` sees `arguments` as `$1`, `$2`, …, nothing on its standard input, and may call `exit`. Everything stands
/// inside one function that only the very last word of the text calls, and no other command begins like that word: a
/// transmission that was cut short anywhere executes nothing.
pub fn compose(body: &str, arguments: &[String], nonce: &Nonce) -> String {
    let words: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
    let words = words.join(" ");
    format!(
        "__bg_{nonce}() {{\n\
         set -- {words}\n\
         (\n{body}\n) </dev/null\n\
         printf '\\n__bg_{nonce} %d\\n' \"$?\"\n\
         }}\n\
         __bg_{nonce}\n"
    )
}

/// A composed script that runs under `sudo -n` where the far end already reads it with `sh -s`.
///
/// `sudo` gets the script as a here-document, because a shell may have read more of its standard input than it has
/// executed. The promise of [`compose`] for a cut transmission holds.
pub fn under_sudo(composed: &str, nonce: &Nonce) -> String {
    format!(
        "__bg_sudo_{nonce}() {{\n\
         sudo -n sh -s <<'__bg_end_{nonce}'\n\
         {composed}\
         __bg_end_{nonce}\n\
         }}\n\
         __bg_sudo_{nonce}\n"
    )
}

/// Splits the trailer off an output: what the body wrote, and its exit status.
///
/// `None` where the output does not end in the trailer of this nonce: then nothing is known about how the script
/// ended.
pub fn trailer<'a>(output: &'a [u8], nonce: &Nonce) -> Option<(&'a [u8], i32)> {
    let line = output.strip_suffix(b"\n")?;
    let start = line.iter().rposition(|byte| *byte == b'\n')?;
    let (body, line) = line.split_at_checked(start)?;
    let status = line.strip_prefix(b"\n__bg_")?.strip_prefix(nonce.0.as_bytes())?.strip_prefix(b" ")?;
    let digits = std::str::from_utf8(status).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let status: u8 = digits.parse().ok()?;
    // One number has one spelling.
    (status.to_string() == digits).then_some((body, i32::from(status)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    use proptest::prelude::*;

    use super::*;

    fn nonce() -> Nonce {
        Nonce::new([0xa7; 16])
    }

    fn run(shell: &[&str], text: &str) -> Option<Output> {
        let child = Command::new(shell[0])
            .args(&shell[1..])
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && shell[0] != "sh" => return None,
            child => child.unwrap(),
        };
        // A shell that ends early closes its end; that is what some of these tests are about.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        Some(child.wait_with_output().unwrap())
    }

    const SHELLS: &[&[&str]] = &[&["sh"], &["dash"], &["bash"], &["busybox", "sh"]];

    #[test]
    fn arguments_arrive_and_the_status_is_the_bodys() {
        let arguments = ["it's".to_owned(), "$HOME\n".to_owned(), String::new()];
        let text = compose("printf '[%s]' \"$@\"; cat; exit 7 # done", &arguments, &nonce());
        for shell in SHELLS {
            let Some(output) = run(shell, &text) else { continue };
            let (body, status) = trailer(&output.stdout, &nonce()).expect("a trailer");
            assert_eq!(String::from_utf8_lossy(body), "[it's][$HOME\n][]", "{shell:?}");
            assert_eq!(status, 7);
        }
    }

    #[test]
    fn a_script_cut_short_anywhere_executes_nothing() {
        let text = compose("echo RAN; echo RAN >&2", &["a b".to_owned()], &nonce());
        let whole = text.trim_end();
        for cut in (0..whole.len()).step_by(3).chain([whole.len() - 1]) {
            let output = run(&["sh"], &whole[..cut]).unwrap();
            assert!(!output.stdout.windows(3).any(|w| w == b"RAN"), "cut at {cut}");
            assert!(trailer(&output.stdout, &nonce()).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn a_killed_shell_leaves_no_trailer() {
        let output = run(&["sh"], &compose("kill -KILL $$; sleep 1", &[], &nonce())).unwrap();
        assert_eq!(trailer(&output.stdout, &nonce()), None);
    }

    #[test]
    fn the_sudo_form_carries_the_script_unchanged() {
        let inner = compose("printf %s \"$1\" '`$x`'; exit 3", &["q'uote \\ $y".to_owned()], &nonce());
        // A stand-in for sudo that drops its `-n`.
        let text = format!("sudo() {{ shift; \"$@\"; }}\n{}", under_sudo(&inner, &nonce()));
        for shell in SHELLS {
            let Some(output) = run(shell, &text) else { continue };
            assert_eq!(
                trailer(&output.stdout, &nonce()),
                Some((b"q'uote \\ $y`$x`".as_slice(), 3)),
                "{shell:?} {output:?}"
            );
        }
    }

    #[test]
    fn only_the_very_end_is_a_trailer() {
        let n = nonce();
        for bad in [
            String::new(),
            format!("__bg_{n} 0\n"),
            format!("\n__bg_{n} 0"),
            format!("\n__bg_{n} 0\nmore"),
            format!("\n__bg_{n} 0\n\n"),
            format!("\n__bg_{n} 00\n"),
            format!("\n__bg_{n} 256\n"),
            format!("\n__bg_{n} -1\n"),
            format!("\n__bg_{n} +1\n"),
            format!("\n__bg_{n} \n"),
            format!("\nx__bg_{n} 0\n"),
            format!("\n__bg_{} 0\n", Nonce::new([1; 16])),
        ] {
            assert_eq!(trailer(bad.as_bytes(), &n), None, "{bad:?}");
        }
        assert_eq!(trailer(format!("\n__bg_{n} 255\n").as_bytes(), &n), Some((b"".as_slice(), 255)));
    }

    proptest! {
        #[test]
        fn the_body_comes_back_byte_for_byte(body in proptest::collection::vec(any::<u8>(), 0..300), status in 0u8..) {
            let mut output = body.clone();
            output.extend_from_slice(format!("\n__bg_{} {status}\n", nonce()).as_bytes());
            prop_assert!(output.len() - body.len() <= TRAILER_MAX);
            prop_assert_eq!(trailer(&output, &nonce()), Some((body.as_slice(), i32::from(status))));
            prop_assert_eq!(trailer(&output[..output.len() - 1], &nonce()), None);
        }

        #[test]
        fn what_the_shell_does_not_say_is_no_trailer(output in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(trailer(&output, &nonce()), None);
        }
    }
}
