// How an example speaks: plain lines, and a last one with its figures.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** `--rotations N`; and `--policy`, `--hybrid` where they are given. */
export function readArguments(): { readonly rotations: number; readonly hybrid: boolean } {
  const { values } = parseArgs({
    options: { rotations: { type: "string", default: "5" }, "no-hybrid": { type: "boolean" } },
  })
  const rotations = Number(values.rotations)
  if (!Number.isInteger(rotations) || rotations < 1 || rotations > 10_000) {
    process.stderr.write("--rotations takes a whole number from 1 to 10000\n")
    process.exit(2)
  }
  return { rotations, hybrid: values["no-hybrid"] !== true }
}

/** Runs the example in a private folder, cleans up whatever happens, and ends with its status. */
export async function runExample(
  whyNot: string | undefined,
  act: (dir: string, later: (undo: () => Promise<void>) => void) => Promise<void>,
): Promise<never> {
  if (whyNot !== undefined) {
    say(`This example cannot run here: ${whyNot}.`)
    process.exit(3)
  }
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-example-"))
  const undo: (() => Promise<void>)[] = []
  const clean = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step().catch(() => undefined)
    rmSync(dir, { recursive: true, force: true })
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      void clean().then(() => process.exit(130))
    })
  try {
    await act(dir, (step) => undo.push(step))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    await clean()
    process.exit(1)
  }
  await clean()
  process.exit(0)
}
