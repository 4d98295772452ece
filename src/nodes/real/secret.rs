//! Secrets: passphrases and passwords, asked for once per run, shown nowhere (S24).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::facts::Plain;

/// A passphrase or password. It has no readable Debug form and is overwritten when it is dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Asks the operator for a secret.
pub trait Prompter: Send + Sync {
    /// Asks `question` without echo; `None` where the operator declines or nobody can be asked. Called on a thread of
    /// its own, never twice at the same time, and it may take as long as a person does.
    fn secret(&self, question: &Plain) -> Option<Secret>;
}

/// Nobody can be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPrompt;

impl Prompter for NoPrompt {
    fn secret(&self, _question: &Plain) -> Option<Secret> {
        None
    }
}

/// What was answered in this run: no question is put twice, whatever the answer, unless the answer proved wrong.
pub(crate) struct Answers {
    prompter: Arc<dyn Prompter>,
    asking: Mutex<()>,
    given: Mutex<HashMap<String, Answer>>,
}

/// What a question came to.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The secret.
    Given(Arc<Secret>),
    /// The operator declined, or nobody could be asked.
    Declined,
}

impl Answer {
    /// The secret, where there is one.
    pub(crate) fn secret(self) -> Option<Arc<Secret>> {
        match self {
            Self::Given(secret) => Some(secret),
            Self::Declined => None,
        }
    }
}

impl Answers {
    /// No answers yet.
    pub(crate) fn new(prompter: Arc<dyn Prompter>) -> Self {
        Self { prompter, asking: Mutex::default(), given: Mutex::default() }
    }

    /// The answer for `what`, where there is one already.
    pub(crate) fn given(&self, what: &str) -> Option<Answer> {
        lock(&self.given).get(what).cloned()
    }

    /// The answer for `what`; asks `question` where there is none, one question at a time.
    pub(crate) fn ask(&self, what: &str, question: &Plain) -> Answer {
        let _one_at_a_time = lock(&self.asking);
        if let Some(answer) = self.given(what) {
            return answer;
        }
        let answer = match self.prompter.secret(question) {
            Some(secret) => Answer::Given(Arc::new(secret)),
            None => Answer::Declined,
        };
        lock(&self.given).insert(what.to_owned(), answer.clone());
        answer
    }

    /// Notes an answer that came another way.
    pub(crate) fn note(&self, what: &str, answer: Arc<Secret>) {
        lock(&self.given).insert(what.to_owned(), Answer::Given(answer));
    }

    /// Forgets `wrong`, so that the question may be put again; an answer given meanwhile stays.
    pub(crate) fn forget(&self, what: &str, wrong: &Arc<Secret>) {
        let mut given = lock(&self.given);
        if matches!(given.get(what), Some(Answer::Given(answer)) if Arc::ptr_eq(answer, wrong)) {
            given.remove(what);
        }
    }
}

/// Locks; a thread that panicked while it held the lock left plain data that is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl Prompter for Counting {
        fn secret(&self, _question: &Plain) -> Option<Secret> {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            Some(Secret::new(format!("answer {n}")))
        }
    }

    #[test]
    fn nothing_is_asked_twice_unless_it_was_wrong() {
        let answers = Answers::new(Arc::new(Counting(AtomicUsize::new(0))));
        let first = answers.ask("key", &Plain::new("?")).secret().unwrap();
        assert!(Arc::ptr_eq(&first, &answers.ask("key", &Plain::new("?")).secret().unwrap()));
        answers.forget("key", &first);
        let second = answers.ask("key", &Plain::new("?")).secret().unwrap();
        assert_eq!(second.expose(), "answer 1");
        answers.forget("key", &first);
        assert!(Arc::ptr_eq(&second, &answers.ask("key", &Plain::new("?")).secret().unwrap()));
    }

    #[test]
    fn a_refusal_is_an_answer_and_debug_says_nothing() {
        assert!(Answers::new(Arc::new(NoPrompt)).ask("key", &Plain::new("?")).secret().is_none());
        assert_eq!(format!("{:?}", Secret::new("canary".to_owned())), "Secret");
    }
}
