// When a button that says yes may be pressed: half a second after it appeared, after the window was looked at again, or
// after what it answers changed; by a press that began after that; never by a key held down.

export const INERT_MS = 500;

export class Arming {
  private ripe = $state(false);
  private pressedAsleep = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wanted: () => boolean) {}

  get awake(): boolean {
    return !this.wanted() || this.ripe;
  }

  /** For an effect: starts the wait, and starts it again whenever the window is looked at again. */
  watch(): () => void {
    if (!this.wanted()) return () => undefined;
    const again = () => this.doze();
    again();
    window.addEventListener("focus", again);
    document.addEventListener("visibilitychange", again);
    return () => {
      clearTimeout(this.timer);
      window.removeEventListener("focus", again);
      document.removeEventListener("visibilitychange", again);
    };
  }

  press(): void {
    this.pressedAsleep = !this.awake;
  }

  /** A held key repeats; only a fresh press counts. */
  key(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== " ") return;
    this.pressedAsleep = !this.awake;
    if (this.wanted() && (event.repeat || !this.awake)) event.preventDefault();
  }

  /** Whether the press that ends now counts. */
  takes(): boolean {
    const counts = this.awake && !this.pressedAsleep;
    this.pressedAsleep = false;
    return counts;
  }

  private doze(): void {
    this.ripe = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.ripe = true), INERT_MS);
  }
}
