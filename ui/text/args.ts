// Types of a message's arguments, read from the message itself, so that a missing or misspelt one is a type error.
// Convention: a branch of a plural or select holds more than one bare word (`one {# file}`, never `one {file}`).

type Space = " " | "\n";
type Trim<S extends string> = S extends `${Space}${infer R}` ? Trim<R> : S extends `${infer R}${Space}` ? Trim<R> : S;

/** What stands between "{" and the next "," or "}", if it is a name. */
type Head<S extends string> = S extends `${infer A}}${string}`
  ? A extends `${infer B},${string}`
    ? Name<Trim<B>>
    : Name<Trim<A>>
  : never;
type Name<S extends string> = S extends "" | `${string}${Space | "#" | "{" | "." | "’"}${string}` ? never : S;

/** The names of all arguments of a message. */
export type ArgNames<S extends string> = S extends `${string}{${infer Rest}` ? Head<Rest> | ArgNames<Rest> : never;

/** Nothing for a plain message, else an object with each argument. */
export type ArgsOf<S extends string> = [ArgNames<S>] extends [never]
  ? []
  : [args: { [K in ArgNames<S>]: string | number }];
