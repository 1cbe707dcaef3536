//! WebKitGTK puts the page together with OpenGL and hands the picture to the screen through DMA-BUF. That is fast with a
//! graphics card. Without one the OpenGL is the processor's, which draws ten times slower than WebKit's own plain painting;
//! and with some drivers nothing arrives and the window stays blank, without any error. In both cases the shell asks for
//! plain painting, by setting `WEBKIT_DISABLE_DMABUF_RENDERER=1` before GTK starts. A person who has set the variable, to
//! whatever, is obeyed.

/// What this machine is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// The variable is set already.
    pub decided: bool,
    /// Nvidia's own driver is loaded.
    pub nvidia: bool,
    /// There is a node to render with (`/dev/dri/renderD*`).
    pub renders: bool,
    /// It runs in a virtual machine.
    pub guest: bool,
}

impl Machine {
    /// Why WebKit is to paint plainly here, if so.
    pub const fn paints_plainly(self) -> Option<&'static str> {
        match self {
            Self { decided: true, .. } => None,
            Self { nvidia: true, .. } => Some("Nvidia's driver is loaded"),
            Self { renders: false, .. } => Some("there is no graphics card to render with"),
            Self { guest: true, .. } => Some("this is a virtual machine with a graphics device"),
            Self { .. } => None,
        }
    }
}

#[test]
fn plain_painting_is_taken_where_windows_stay_blank_or_there_is_no_graphics_card() {
    let card = Machine { renders: true, ..Machine::default() };
    assert_eq!(card.paints_plainly(), None);
    for plain in [
        Machine { nvidia: true, ..card },
        Machine { guest: true, ..card },
        Machine { renders: false, ..card },
        Machine { renders: false, guest: true, ..card },
    ] {
        assert!(plain.paints_plainly().is_some(), "{plain:?}");
        assert_eq!(Machine { decided: true, ..plain }.paints_plainly(), None, "the person decides");
    }
}
