// Takes the README's pictures of the page from a running demo: node scripts/page-pictures.js [DIR] [OUT]
// Orders a service between the first and the last SAE and a volume of key for the first two when there are none, and cuts
// and mends a fibre, so that there is something to see.
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"

const root = fileURLToPath(new URL("..", import.meta.url))
const dir = process.argv[2] ?? ".keyloom/demo"
const out = process.argv[3] ?? path.join(root, "docs/images")
const demo = JSON.parse(readFileSync(path.join(dir, "demo.json"), "utf8"))
const base = demo.controller.url.replace(/\/$/, "")

async function call(method, at, body, headers = {}) {
  const response = await fetch(`${base}/api/v1${at}`, {
    method,
    headers: {
      Authorization: `Bearer ${demo.controller.token}`,
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${await response.text()}`)
  return response.json()
}

function keyloom(...words) {
  execFileSync(process.execPath, [path.join(root, "bin/keyloom.js"), ...words], {
    stdio: "inherit",
  })
}

const saes = demo.saes.map((sae) => sae.saeId)
const { items: orders } = await call("GET", "/bulk-orders")
if (orders.length === 0) {
  const deadline = new Date(Date.now() + 3_600_000).toISOString()
  await call("POST", "/bulk-orders", { from: saes[0], to: saes[1], keys: 500_000, deadline })
}
const { items } = await call("GET", "/services")
if (!items.some(({ origin }) => origin === "order")) {
  const order = { a: saes[0], b: saes.at(-1), minRateBps: 2048 }
  await call("POST", "/services", order, { Prefer: "wait=20" })
}
const nameOf = new Map(demo.nodes.map((node) => [node.qkdnId, node.name]))
const fibre = demo.links.at(-1)
const ends = [fibre.a, fibre.b].map((end) => nameOf.get(end) ?? end)
keyloom("demo", "cut", ...ends, "--dir", dir)
await pause(5000)
keyloom("demo", "mend", ...ends, "--dir", dir)
await pause(8000)

mkdirSync(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
})
for (const theme of ["light", "dark"]) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 840 },
    colorScheme: theme,
    deviceScaleFactor: 1.5,
  })
  const page = await context.newPage()
  const { code } = await call("POST", "/session/codes")
  await page.goto(`${base}/#login=${code}`)
  await page.waitForSelector("[data-event-seq]")
  await page.locator("tr[data-service-id] button.row").first().click()
  await page.mouse.move(2, 2)
  await pause(2500)
  await page.screenshot({
    path: path.join(out, theme === "dark" ? "page.png" : `page-${theme}.png`),
  })
  await context.close()
}
await browser.close()
