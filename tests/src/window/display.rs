//! A virtual display. It runs outside the lab's hosts: displays tell each other apart by process ids in lock files, and
//! a host has process ids of its own. Programs on hosts reach it by its socket in the file system.

use anyhow::{Context, ensure};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use x11rb::{
    connection::Connection,
    protocol::xproto::{ConnectionExt, ImageFormat},
};

/// A display that nobody sees; ends when dropped.
#[derive(Debug)]
pub struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one of this size in pixels.
    ///
    /// # Panics
    /// When it does not start.
    pub fn of(width: u32, height: u32) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_THE_PIPE_CLOSES, "display", &format!("{width}x{height}x24")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap_or_else(|e| panic!("Xvfb did not start: {e}"));
        let mut number = String::new();
        if let Some(out) = server.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut number);
        }
        let display = Self { server, name: format!(":{}", number.trim()) };
        assert!(display.name.len() > 1, "Xvfb named no display");
        display
    }

    /// What can be seen on it, so many pixels from its upper left corner, as a PNG.
    ///
    /// # Errors
    /// The display does not tell, or is smaller than that.
    pub fn picture(&self, width: u16, height: u16) -> anyhow::Result<Vec<u8>> {
        let (display, screen) = x11rb::connect(Some(&self.name))?;
        let root = display.setup().roots.get(screen).context("a screen")?.root;
        let seen = display.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, width, height, !0)?.reply()?;
        ensure!(seen.data.len() == usize::from(width) * usize::from(height) * 4, "pixels that are not 32 bits");
        // Blue comes first.
        let pixels: Vec<u8> = seen.data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        let mut out = Vec::new();
        PngEncoder::new(&mut out).write_image(&pixels, width.into(), height.into(), ExtendedColorType::Rgb8)?;
        Ok(out)
    }

    /// What `DISPLAY` has to say.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// Ends the display also when the test's process is killed.
const UNTIL_THE_PIPE_CLOSES: &str = "Xvfb -displayfd 1 -screen 0 \"$1\" -nolisten tcp & server=$!; exec 1>&-; cat >/dev/null; kill $server; wait $server";
