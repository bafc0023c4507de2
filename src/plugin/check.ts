// What a conformance suite is made of: named checks that any test runner, or none, can run. Runs them, judges
// nothing itself.

import { isDeepStrictEqual } from "node:util"

export interface Check {
  /** A sentence about the plugin. */
  readonly name: string
  /** Rejects when the plugin does not hold to it. Leaves nothing open. */
  run(): Promise<void>
}

export interface CheckResult {
  readonly name: string
  readonly outcome: "passed" | "failed"
  /** Why it failed. */
  readonly reason?: string
}

/** Every check, one after the other; a failed one does not stop the rest. */
export async function runChecks(checks: readonly Check[]): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const check of checks) {
    try {
      await check.run()
      results.push({ name: check.name, outcome: "passed" })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      results.push({ name: check.name, outcome: "failed", reason })
    }
  }
  return results
}

/** @throws Error with `what` unless `condition`. */
export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what)
}

/** @throws Error showing both unless they are equal in depth. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
}

/** @throws Error with `what` when `work` takes longer. */
export async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: not within ${ms} ms`))
    }, ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits until `holds`, looking again and again. @throws Error with `what` after `ms`. */
export async function until(holds: () => boolean, ms: number, what: string): Promise<void> {
  const end = Date.now() + ms
  while (!holds()) {
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await pause(10)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** What `work` is rejected with. @throws Error with `what` when it is not. */
export async function rejection(
  work: Promise<unknown>,
  ms: number,
  what: string,
): Promise<unknown> {
  const outcome = await within(
    ms,
    work.then(
      () => ({ rejected: false, with: undefined }),
      (error: unknown) => ({ rejected: true, with: error }),
    ),
    what,
  )
  expect(outcome.rejected, `${what}: it succeeded`)
  return outcome.with
}

/** Everything `source` gives, until it ends; `ended` resolves then. */
export function collect<T>(source: AsyncIterable<T>): { items: T[]; ended: Promise<void> } {
  const items: T[] = []
  const read = async (): Promise<void> => {
    for await (const item of source) items.push(item)
  }
  return { items, ended: read() }
}
