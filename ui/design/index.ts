// The look of the window, in the order it has to load. The Hangul-capable face is split by unicode-range: its files are
// read only when a glyph is needed that the system has not.
import "@fontsource-variable/noto-sans-kr/wght.css";
import "./tokens.css";
import "./base.css";

// Some engines go on showing the boxes of missing glyphs after the face that has them was read. A size that differs by
// less than anybody can see makes them lay the text out again.
let turn = 0;
document.fonts?.addEventListener("loadingdone", () => {
  setTimeout(() => {
    turn += 1;
    document.documentElement.style.fontSize = `${100.3 + 0.3 * (turn % 2)}%`;
  }, 150);
});
