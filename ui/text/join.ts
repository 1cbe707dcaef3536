// Puts the parts of a language together and says by type that a translation has exactly the same keys.

/** A translation of `M`: every key, and no other. */
export type Translation<M> = { readonly [K in keyof M]: string };
