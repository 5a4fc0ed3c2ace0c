//! Runs other programs. An error names the command that failed.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// A program with its arguments and environment. Its standard input is always empty.
#[derive(Debug)]
pub(crate) struct Cmd(Command);

impl Cmd {
    /// Creates a command for a program by name or path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self(command)
    }

    /// Creates a command for the cargo that runs this program, so that `cargo +toolchain xtask`
    /// uses the same toolchain throughout.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.0.args(args);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Sets environment variables.
    pub(crate) fn envs(mut self, vars: impl IntoIterator<Item = (&'static str, OsString)>) -> Self {
        self.0.envs(vars);
        self
    }

    /// Removes an environment variable.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Sets the working directory.
    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.0.current_dir(dir);
        self
    }

    /// Runs the command and shows its output.
    pub(crate) fn run(mut self) -> Result<()> {
        let status = self
            .0
            .status()
            .with_context(|| format!("cannot start `{}`", self.line()))?;
        if !status.success() {
            bail!("`{}` failed ({status})", self.line());
        }
        Ok(())
    }

    /// Replaces this process with the command, so that a signal reaches it. Windows cannot replace
    /// a process, so there the command runs as a child.
    pub(crate) fn become_it(self) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            let mut this = self;
            let error = this.0.exec();
            Err(error).with_context(|| format!("cannot start `{}`", this.line()))
        }
        #[cfg(not(unix))]
        self.run()
    }

    /// Runs the command without showing its output. If it fails, the error contains the output.
    pub(crate) fn run_quietly(self) -> Result<()> {
        self.read().map(drop)
    }

    /// Runs the command and returns its trimmed standard output.
    pub(crate) fn read(mut self) -> Result<String> {
        let output = self
            .0
            .output()
            .with_context(|| format!("cannot start `{}`", self.line()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            let said = format!("{}\n{}", text.trim(), errors.trim());
            bail!(
                "`{}` failed ({}):\n{}",
                self.line(),
                output.status,
                said.trim()
            );
        }
        Ok(text.trim().to_owned())
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        let words: Vec<_> = words.map(OsStr::to_string_lossy).collect();
        words.join(" ")
    }
}

/// Returns the first program of that name in `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(&file))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_repeats_what_it_said() {
        let error = Cmd::cargo().arg("no-such-command").read().unwrap_err();
        let message = error.to_string();
        assert!(message.contains("cargo no-such-command"), "{message}");
        assert!(message.contains("no such command"), "{message}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Cmd::new("no-such-program").run().unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }
}
