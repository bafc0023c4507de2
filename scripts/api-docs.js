// Writes docs/api/{openapi,asyncapi}.json from the code. Run with: node --import tsx scripts/api-docs.js
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { asyncApiDocument } from "../src/north/asyncapi.ts"
import { openApiDocument } from "../src/north/openapi.ts"

const folder = fileURLToPath(new URL("../docs/api/", import.meta.url))
mkdirSync(folder, { recursive: true })
for (const [name, document] of [
  ["openapi.json", openApiDocument()],
  ["asyncapi.json", asyncApiDocument()],
]) {
  writeFileSync(`${folder}${name}`, `${JSON.stringify(document, null, 2)}\n`)
}
execFileSync("npx", ["biome", "format", "--write", folder], { stdio: "inherit" })
