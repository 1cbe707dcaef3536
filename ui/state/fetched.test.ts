// Something fetched: what is late does not replace what is newer, and a failure leaves what was read.
import { expect, test } from "vitest";
import { Fetched } from "./fetched.svelte";

const FAILURE = { code: "Unreachable", message: "no" };

test("a failure keeps what was read before, and the next answer takes the failure away", async () => {
  const answers: (() => number)[] = [() => 1, () => { throw FAILURE; }, () => 2];
  const fetched = new Fetched(async () => answers.shift()!());
  await fetched.load();
  expect(fetched.value).toBe(1);
  expect(await fetched.load()).toBe(false);
  expect([fetched.value, fetched.failure?.code, fetched.busy]).toEqual([1, "Unreachable", false]);
  await fetched.load();
  expect([fetched.value, fetched.failure]).toEqual([2, null]);
});

test("an answer that comes late does not replace a newer one", async () => {
  const waiting: ((value: string) => void)[] = [];
  const fetched = new Fetched(() => new Promise<string>((done) => waiting.push(done)));
  const first = fetched.load();
  const second = fetched.load();
  waiting[1]!("new");
  await second;
  waiting[0]!("old");
  await first;
  expect([fetched.value, fetched.busy]).toEqual(["new", false]);
});

test("what a change already told is kept although an older answer is on its way", async () => {
  const waiting: ((value: string) => void)[] = [];
  const fetched = new Fetched(() => new Promise<string>((done) => waiting.push(done)));
  const asked = fetched.load();
  fetched.set("told");
  waiting[0]!("old");
  await asked;
  expect([fetched.value, fetched.busy]).toEqual(["told", false]);
});
