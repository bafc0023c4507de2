// The page of a running demo in a real browser: logs in by the printed address, shows the network, and shows a fibre
// being cut. Its screenshot opens the README (rewritten when KEYLOOM_SCREENSHOT is set).

import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { type BrowserContext, chromium, type Page } from "playwright-core"
import {
  decKeys,
  type Demo,
  encKeys,
  eventually,
  fibre,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  root,
  startDemo,
} from "../support/demo.js"

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

describe("the page of a running network", function () {
  this.timeout(180_000)
  let demo: Demo
  let browser: BrowserContext
  let page: Page
  const dir = freshDir()
  const profile = mkdtempSync(path.join(tmpdir(), "keyloom-page-"))
  const elsewhere: string[] = []

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: "/usr/bin/chromium",
      args: FLAGS,
      viewport: { width: 1440, height: 900 },
      colorScheme: "dark",
    })
    page = await browser.newPage()
    page.on("request", (request) => {
      if (!request.url().startsWith(demo.file.controller.url)) elsewhere.push(request.url())
    })
    const address =
      /page (\S+)/.exec(demo.output())?.[1] ?? assert.fail("no page address was printed")
    await page.goto(address)
  })
  after(async () => {
    await browser.close()
    await demo.stop()
    removeDir(dir)
    removeDir(profile)
  })

  it("lets in who has the printed address, once", async () => {
    await page.waitForSelector("[data-connection=live]")
    assert(!page.url().includes("login="), "the code has left the address bar")
    const address = /page (\S+)/.exec(demo.output())?.[1] ?? assert.fail()
    const other = await browser.browser()?.newContext()
    if (other !== undefined) {
      const stranger = await other.newPage()
      await stranger.goto(address)
      await stranger.waitForTimeout(500)
      assert.equal(await stranger.locator("[data-connection=live]").count(), 0)
      await other.close()
    }
  })

  it("shows every node connected, every link generating and a service along its path", async () => {
    const enc = await encKeys(demo, "sae-Windhof", "sae-Betzdorf")
    assert.equal(enc.status, 200, enc.body)
    const ids = (JSON.parse(enc.body) as KeyContainer).keys.map((k) => k.key_ID)
    await decKeys(demo, "sae-Betzdorf", "sae-Windhof", ids)
    await page.waitForSelector("[data-service-state=active]", { state: "attached" })
    await page.locator("[data-link-status=ACTIVE]").nth(1).waitFor({ state: "attached" })
    assert.equal(await page.locator("[data-node-reach=connected]").count(), 3)
    const via = await page
      .locator("[data-service-state=active]")
      .first()
      .getAttribute("data-service-path")
    assert.equal(via?.split(",").sort().join(), "Betzdorf,Kirchberg,Windhof")
  })

  it("shows a fibre being cut and mended, though nobody told it", async () => {
    await page.waitForTimeout(3000) // some history for the small plots of the picture
    const picture = process.env["KEYLOOM_SCREENSHOT"]
    if (picture !== undefined) {
      mkdirSync(path.dirname(picture), { recursive: true })
      await page.screenshot({ path: picture })
    }
    await eventually(
      async () => {
        const { items } = (await rest(demo, "GET", "/links")).body as {
          items: { capacityBps?: number }[]
        }
        return items.every(({ capacityBps }) => capacityBps !== undefined) ? true : undefined
      },
      "every link is measured",
      60_000,
    )
    const before_ = await page.locator("canvas").first().screenshot()
    await fibre(demo, "cut", "Windhof", "Kirchberg")
    await page.waitForSelector(
      "[data-link-name=windhof-kirchberg]:not([data-link-status=ACTIVE])",
      { state: "attached" },
    )
    await page.waitForSelector("[data-service-state=degraded]", { state: "attached" })
    await page.waitForTimeout(300)
    const cut = await page.locator("canvas").first().screenshot()
    assert(!before_.equals(cut), "the map is drawn anew")
    await fibre(demo, "mend", "Windhof", "Kirchberg")
    await page.waitForSelector("[data-link-name=windhof-kirchberg][data-link-status=ACTIVE]", {
      state: "attached",
    })
    await page.waitForSelector("[data-service-state=active]", { state: "attached" })
  })

  it("shows a bulk order, what is there of it, and its end", async () => {
    const deadline = new Date(Date.now() + 3_600_000).toISOString()
    const order = { from: "sae-Windhof", to: "sae-Kirchberg", keys: 200, deadline }
    // A link that has just been mended has the rate that was measured last.
    const answer = await rest(demo, "POST", "/bulk-orders", order)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    const row = page.locator("tr[data-order-id]")
    await row.waitFor({ state: "attached" })
    assert.match(await row.innerText(), /sae-Windhof → sae-Kirchberg/)
    await page.waitForSelector("tr[data-order-state=completed]", { state: "attached" })
    assert.equal(await row.getAttribute("data-order-delivered-bits"), String(200 * 256))
    assert.match(await row.innerText(), /51\.2 kbit of 51\.2 kbit/)
  })

  it("asks nothing of any other host", () => {
    assert.deepEqual(elsewhere, [])
  })
})
