// The one place from which the rest of ui/ takes the generated words.
export * from "./gen/words";
