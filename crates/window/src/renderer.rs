//! WebKitGTK hands its pictures to the screen through DMA-BUF. With some drivers nothing arrives and the window stays
//! blank, without any error. Where that is known to happen the shell asks WebKit for the older way, by setting
//! `WEBKIT_DISABLE_DMABUF_RENDERER=1` before GTK starts. A person who has set the variable, to whatever, is obeyed.

/// What this machine is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// The variable is set already, or the window is driven by a test.
    pub decided: bool,
    /// Nvidia's own driver is loaded.
    pub nvidia: bool,
    /// There is a node to render with (`/dev/dri/renderD*`).
    pub renders: bool,
    /// It runs in a virtual machine.
    pub guest: bool,
}

impl Machine {
    /// Why WebKit must not use DMA-BUF here, if so.
    pub const fn blank(self) -> Option<&'static str> {
        match self {
            Self { decided: true, .. } => None,
            Self { nvidia: true, .. } => Some("Nvidia's driver is loaded"),
            // Without a node to render with WebKit draws in memory by itself, which works everywhere.
            Self { renders: true, guest: true, .. } => Some("this is a virtual machine with a graphics device"),
            Self { .. } => None,
        }
    }
}

#[test]
fn the_older_way_is_taken_where_windows_are_known_to_stay_blank() {
    let fine = Machine { renders: true, ..Machine::default() };
    for fine in [fine, Machine { renders: false, ..fine }, Machine { renders: false, guest: true, ..fine }] {
        assert_eq!(fine.blank(), None);
    }
    for bad in [Machine { nvidia: true, ..fine }, Machine { guest: true, ..fine }] {
        assert!(bad.blank().is_some(), "{bad:?}");
        assert_eq!(Machine { decided: true, ..bad }.blank(), None, "the person decides");
    }
}
