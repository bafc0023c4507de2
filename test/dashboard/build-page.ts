// Builds the page into a folder of its own for a test, with the options of scripts/build.js.

import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const source = fileURLToPath(new URL("../../src/dashboard/", import.meta.url))

/** The folder, and how to remove it. */
export async function buildPage(): Promise<{ folder: string; remove: () => void }> {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-page-"))
  await build({
    entryPoints: [path.join(source, "page.tsx")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    tsconfig: path.join(source, "tsconfig.json"),
    outfile: path.join(folder, "page.js"),
    logLevel: "warning",
  })
  for (const file of ["index.html", "page.css", "icon.svg"]) {
    cpSync(path.join(source, file), path.join(folder, file))
  }
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
