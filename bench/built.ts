// Runs a bench as what is installed runs: compiled. The loader that runs TypeScript as it stands gives every arrow
// function a call to keep its name, in the innermost loops as well.

import { spawn } from "node:child_process"
import { once } from "node:events"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const ROOT = fileURLToPath(new URL("..", import.meta.url))

/**
 * Bundles a bench, our own code with it, into .cache/bench and runs it with the arguments of this process and V8's
 * options for the long-running roles.
 *
 * @param url `import.meta.url` of the bench
 */
export async function runBuilt(url: string): Promise<void> {
  const source = fileURLToPath(url)
  const outfile = path.join(ROOT, ".cache", "bench", `${path.basename(source, ".ts")}.mjs`)
  await build({
    ...{ entryPoints: [source], outfile, bundle: true, sourcemap: true, logLevel: "warning" },
    ...{ format: "esm", platform: "node", target: "node20", packages: "external" },
  })
  const args = [...v8Options(), "--enable-source-maps", outfile, ...process.argv.slice(2)]
  const run = spawn(process.execPath, args, { stdio: "inherit" })
  const [code] = (await once(run, "exit")) as [number | null]
  process.exitCode = code ?? 1
}

/** KEYLOOM_BENCH_V8, separated by blanks, stands in their place. */
function v8Options(): string[] {
  return (process.env["KEYLOOM_BENCH_V8"] ?? "--always-sparkplug").split(" ").filter(Boolean)
}

/** This code runs from a bundle. */
export const isBuilt = (url: string): boolean => url.endsWith(".mjs")
