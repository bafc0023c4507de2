// The logger the node is handed. The shape is pino's; a test hands in its own. Facts never hold key material: the
// compiler refuses a `Secret` among them, however deep.

import type { Secret } from "../keys/secret.js"

export type LogFacts = Readonly<Record<string, unknown>>

/** `T` where there is no `Secret` in it; else nothing can be given. */
type Shown<T> = T extends Secret
  ? never
  : T extends Error | ((...args: never[]) => unknown)
    ? T
    : T extends object
      ? { readonly [K in keyof T]: Shown<T[K]> }
      : T

export interface Log {
  debug<T extends LogFacts>(facts: T & Shown<T>, message: string): void
  info<T extends LogFacts>(facts: T & Shown<T>, message: string): void
  warn<T extends LogFacts>(facts: T & Shown<T>, message: string): void
  error<T extends LogFacts>(facts: T & Shown<T>, message: string): void
}

/** Says nothing. */
export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
