//! Where the window was, and what of that is still sensible on the screens there are now. Logical pixels.

use serde::{Deserialize, Serialize};

/// The smallest window that is of use.
pub const SMALLEST: (f64, f64) = (360.0, 480.0);
/// The window's first size.
const FIRST: (f64, f64) = (960.0, 680.0);
/// So much of the title must be on a screen to be caught with a pointer.
const HANDLE: f64 = 64.0;

/// A rectangle: a window or a screen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// What is remembered of the window between two starts, and which language the person chose.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The window when it was neither maximised nor on the whole screen.
    pub area: Option<Area>,
    /// Whether it was maximised.
    pub maximized: bool,
    /// The language the person chose (BCP 47).
    pub language: Option<String>,
}

/// Where to put the window: its size, and its position if the old one can still be reached.
pub fn placed(kept: Option<Area>, screens: &[Area]) -> ((f64, f64), Option<(f64, f64)>) {
    let sane = |v: f64, least: f64| if v.is_finite() { v.max(least) } else { least };
    let Some(area) = kept else { return (FIRST, None) };
    let (mut width, mut height) = (sane(area.width, SMALLEST.0), sane(area.height, SMALLEST.1));
    let on = screens.iter().find(|screen| {
        area.x + HANDLE <= screen.x + screen.width
            && area.x + width >= screen.x + HANDLE
            && area.y >= screen.y
            && area.y + HANDLE <= screen.y + screen.height
    });
    if let Some(largest) = on.or(screens.first()) {
        width = width.min(largest.width.max(SMALLEST.0));
        height = height.min(largest.height.max(SMALLEST.1));
    }
    ((width, height), on.map(|_| (area.x, area.y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Area = Area { x: 0.0, y: 0.0, width: 1280.0, height: 800.0 };

    #[test]
    fn a_window_comes_back_where_it_was() {
        let area = Area { x: 10.0, y: 20.0, width: 700.0, height: 500.0 };
        assert_eq!(placed(Some(area), &[SCREEN]), ((700.0, 500.0), Some((10.0, 20.0))));
        assert_eq!(placed(None, &[SCREEN]), (FIRST, None));
    }

    #[test]
    fn a_window_of_a_screen_that_is_gone_is_put_on_one_that_is_there() {
        let area = Area { x: 3000.0, y: 20.0, width: 2500.0, height: 1500.0 };
        assert_eq!(placed(Some(area), &[SCREEN]), ((1280.0, 800.0), None));
        let nonsense = Area { x: f64::NAN, y: 0.0, width: f64::INFINITY, height: -1.0 };
        assert_eq!(placed(Some(nonsense), &[SCREEN]), (SMALLEST, None));
    }
}
