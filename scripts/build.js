// Builds everything: TypeScript to dist/, the page to dist/dashboard.
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import path from "node:path"

const root = fileURLToPath(new URL("..", import.meta.url))
process.chdir(root)

if (!existsSync("node_modules/typescript")) {
  process.stderr.write("keyloom: development packages are missing; run `npm ci` first\n")
  process.exit(1)
}
// A deleted dist with a kept build record would emit nothing.
if (!existsSync("dist/src/main.js")) {
  mkdirSync(".cache", { recursive: true })
  const { rmSync } = await import("node:fs")
  rmSync(".cache/tsconfig.build.tsbuildinfo", { force: true })
}
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  stdio: "inherit",
})

// Device profiles are data: they are read where the built driver is.
cpSync("plugins/etsi015/profiles", "dist/plugins/etsi015/profiles", { recursive: true })
cpSync("plugins/etsi015/profile.schema.json", "dist/plugins/etsi015/profile.schema.json")

const page = "src/dashboard/page.ts"
if (existsSync(page) || existsSync("src/dashboard/page.tsx")) {
  const { build } = await import("esbuild")
  mkdirSync("dist/dashboard", { recursive: true })
  await build({
    entryPoints: [existsSync(page) ? page : "src/dashboard/page.tsx"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    tsconfig: "src/dashboard/tsconfig.json",
    outfile: "dist/dashboard/page.js",
    logLevel: "warning",
  })
  for (const file of ["index.html", "page.css", "icon.svg"]) {
    const from = path.join("src/dashboard", file)
    if (existsSync(from)) cpSync(from, path.join("dist/dashboard", file))
  }
}
void readFileSync
