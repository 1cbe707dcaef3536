// Short messages that come and go: told to screen readers, and kept while the pointer or the focus is on them.

export type ToastTone = "plain" | "good" | "bad";
export interface ToastDeed { label: string; run: () => void }
export interface Toast { number: number; tone: ToastTone; text: string; deed?: ToastDeed }

const SECONDS: Record<ToastTone, number> = { plain: 5, good: 5, bad: 12 };
const AT_ONCE = 4;

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  private next = 1;
  private held = false;

  say(text: string, tone: ToastTone = "plain", deed?: ToastDeed): void {
    const toast: Toast = { number: this.next++, tone, text, ...(deed ? { deed } : {}) };
    const others = this.list.filter((other) => other.text !== text);
    this.list = [...others, toast].slice(-AT_ONCE);
    setTimeout(() => this.lapse(toast.number), SECONDS[tone] * 1000);
  }

  hold(on: boolean): void {
    this.held = on;
  }

  drop(number: number): void {
    this.list = this.list.filter((toast) => toast.number !== number);
  }

  private lapse(number: number): void {
    if (this.held) setTimeout(() => this.lapse(number), 2000);
    else this.drop(number);
  }
}

export const toasts = new Toasts();
