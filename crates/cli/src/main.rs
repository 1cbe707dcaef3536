//! hither on the command line: a client of the agent, or the agent itself (`hither agent`).
//!
//! Results go to standard output, prompts and progress to standard error. With `--json` standard output carries one
//! JSON object a line and nothing else. What the names, fields and exit codes are is a contract; adding is free.

mod args;
mod certified;
mod commands;
mod desk;
mod exit;
mod halt;
mod paint;
mod progress;
mod prompt;
mod qr;
mod screen;
mod table;
mod typed;
mod words;

use args::{Cli, Command};
use clap::{Parser, error::ErrorKind};
use desk::Desk;
use halt::Halt;
use hither_model::{ErrorCode, Failure};
use screen::Screen;
use std::{env, process};

fn main() {
    process::exit(run().into());
}

fn run() -> u8 {
    // Before the command line is taken apart: the text of that stays out of this process's memory.
    if commands::card_helper::is_asked() {
        return commands::card_helper::serve();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return usage(&refusal),
    };
    let screen = Screen::new(cli.globals.json);
    let outcome = match cli.command {
        Command::Agent(agent) => agent.run(&cli.globals),
        Command::CardHelper(helper) => helper.run(),
        Command::Completions(completions) => completions.run(&screen),
        Command::Man(man) => man.run(&screen),
        command => ask(command, &cli.globals, &screen),
    };
    match outcome {
        Ok(()) => 0,
        Err(halt) => halt.end(&screen),
    }
}

/// Everything that is a client of the agent.
fn ask(command: Command, globals: &args::Globals, screen: &Screen) -> Result<(), Halt> {
    hither_agent::logs::to_stderr(globals.verbose);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(ErrorCode::Internal, format!("no runtime: {e}")))?;
    let outcome = runtime.block_on(async {
        let desk = Desk::new(screen, globals)?;
        // Invites take themselves back first; everything else just ends.
        if command.ends_by_itself() {
            return command.carry_out(&desk).await;
        }
        tokio::select! {
            biased;
            () = desk.interrupted() => Err(Halt::Interrupted),
            outcome = command.carry_out(&desk) => outcome,
        }
    });
    // A read of standard input that still waits must not hold the end up.
    runtime.shutdown_background();
    outcome
}

/// Help and version are results; anything else clap says is a wrong call.
fn usage(refusal: &clap::Error) -> u8 {
    let asked = matches!(refusal.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && env::args_os().any(|arg| arg == "--json") {
        let text = refusal.to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let why = lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned();
        let failure = Failure::new(ErrorCode::Misuse, why).hint("see `hither --help`");
        return Halt::Failed(failure).end(&Screen::new(true));
    }
    if refusal.print().is_err() {
        return exit::OTHER;
    }
    if asked { exit::DONE } else { exit::USAGE }
}
