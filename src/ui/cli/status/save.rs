//! `status --save DIR`: a survey kept as files, which `status --bundle DIR` reads again.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Failure;
use crate::ask::bundle;
use crate::facts::{Role, Survey};

/// Refuses a place that holds something already: nothing is overwritten, and nothing is mixed with an older survey.
pub(super) fn vacant(dir: &Path) -> Result<()> {
    let refuse = |why: &str| Err(Failure::Usage(format!("--save {}: {why}", dir.display())).into());
    if partial(dir).is_none() {
        return refuse("it has no name of its own; name a new folder");
    }
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => refuse("it exists and is not empty; name a new folder"),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => refuse(&format!("it cannot be looked at: {error}")),
    }
}

/// Where the files are written before all of them are there.
fn partial(dir: &Path) -> Option<PathBuf> {
    let mut name = dir.file_name()?.to_owned();
    name.push(".partial");
    Some(dir.with_file_name(name))
}

/// Writes the survey to `dir`, for its owner alone. It gets its name when all of it is on disk: what is half done is
/// never called done.
pub(super) fn save(survey: &Survey, dir: &Path) -> Result<()> {
    vacant(dir)?;
    let Some(partial) = partial(dir) else { return Ok(()) };
    make(&partial).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "--save {}: {} was left by a save that did not end; look at it and remove it",
            dir.display(),
            partial.display()
        ))
        .into(),
        _ => anyhow::Error::new(error).context(format!("making {}", partial.display())),
    })?;
    file(&partial.join("README.txt"), readme(survey).as_bytes())?;
    for node in survey.nodes.iter().filter(|node| matches!(node.role, Role::Data | Role::Arbitrator)) {
        let folder = partial.join(node.name.as_str());
        make(&folder).with_context(|| format!("making {}", folder.display()))?;
        for (name, bytes) in bundle::written(node) {
            file(&folder.join(name), &bytes)?;
        }
        synced(&folder)?;
    }
    synced(&partial)?;
    fs::rename(&partial, dir)
        .with_context(|| format!("giving {} its name {}", partial.display(), dir.display()))?;
    synced(dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

fn file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Names are on disk once their folder is.
fn synced(dir: &Path) -> Result<()> {
    fs::File::open(dir).and_then(|dir| dir.sync_all()).with_context(|| format!("syncing {}", dir.display()))
}

fn readme(survey: &Survey) -> String {
    let mut text = format!(
        "Cluster {} as Breakglass {} surveyed it at {:.0} ({}).\n\n\
         Each folder is a node. The files hold what was read, in the form of the commands that show it; what is not \
         here was not read. Passwords were taken out; names, addresses and lines of the error log were not.\n\n\
         breakglass status --bundle DIR\n    judges it again.\n",
        survey.cluster,
        env!("CARGO_PKG_VERSION"),
        survey.taken,
        survey.mode.as_str(),
    );
    let others = survey.nodes.iter().filter(|node| matches!(node.role, Role::Router | Role::Proxy));
    let others: Vec<&str> = others.map(|node| node.name.as_str()).collect();
    if !others.is_empty() {
        text.extend(["\nNot kept, for they hold no data: ", &others.join(", "), ".\n"]);
    }
    text
}
