// The page for everyone: axe in both themes, narrow and zoomed screens, calm announcements.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Page } from "playwright-core"
import { FakeController, testUuid } from "../north/fake-controller.js"
import { closeAll } from "../north/harness.js"
import { luxembourg, ring } from "../north/topologies.js"
import { closePages, hasChromium, openPage, startBrowser, stopBrowser, until } from "./open-page.js"

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
)

/** What axe finds wrong, in one line each. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate<string[]>(`axe.run(document, { runOnly: [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice",
  ] }).then((result) => result.violations.flatMap((v) =>
    v.nodes.map((n) => v.id + ": " + n.html.slice(0, 120) + " " + n.failureSummary)))`)
}

async function troubled(): Promise<FakeController> {
  const controller = new FakeController(luxembourg)
  const pairs = [
    ["sae-windhof", "sae-betzdorf", 256],
    ["sae-kirchberg", "sae-windhof", 9000],
  ] as const
  for (const [i, [a, b, minRateBps]] of pairs.entries()) {
    await controller.order({
      serviceId: testUuid(9, i + 1),
      aSaeId: a,
      bSaeId: b,
      terms: { minRateBps, priority: 0, avoidNodes: [] },
    })
  }
  controller.settle()
  controller.tick()
  controller.setLink("kirchberg-betzdorf", false)
  controller.settle()
  controller.setReach("Betzdorf", "unreachable")
  return controller
}

describe("the page for everyone", function () {
  this.timeout(180_000)
  before(async function () {
    if (!hasChromium) {
      process.stderr.write("accessibility tests skipped: chromium is not installed\n")
      this.skip()
    }
    await startBrowser()
  })
  after(stopBrowser)
  afterEach(async () => {
    await closePages()
    await closeAll()
  })

  for (const dark of [false, true]) {
    it(`has no violation in the ${dark ? "dark" : "light"} theme, whatever is selected`, async () => {
      const { page } = await openPage({ controller: await troubled(), dark })
      await page.locator("[data-event-seq]").first().waitFor()
      assert.deepEqual(await violations(page), [])
      for (const kind of ["service", "link", "node"]) {
        await page.locator(`tr[data-${kind}-id] button.row`).first().click()
        await page.waitForSelector(`[data-details=${kind}]`)
        assert.deepEqual(await violations(page), [], kind)
      }
    })
  }

  it("has no violation where strangers sign in", async () => {
    const { page } = await openPage({ controller: await troubled(), stranger: true })
    await page.getByLabel("Token or address").waitFor()
    assert.deepEqual(await violations(page), [])
    // The check itself can fail.
    await page.evaluate(`document.querySelector("main").append(document.createElement("input"))`)
    assert.ok((await violations(page)).some((line) => line.startsWith("label:")))
  })

  it("switches the theme against the system's, also on the map, and remembers", async () => {
    const { page } = await openPage({ controller: await troubled() })
    const corner = `(() => {
      const canvas = document.querySelector("canvas")
      return canvas.getContext("2d").getImageData(60, 60, 1, 1).data[0]
    })()`
    assert.ok((await page.evaluate<number>(corner)) > 200)
    await page.locator("[data-theme-switch]").click()
    await until(page, `${corner} < 60`)
    await page.reload()
    await page.waitForSelector("[data-link-status]")
    await until(page, `${corner} < 60`)
  })

  for (const [name, width, height] of [
    ["360 px wide", 360, 740],
    ["200 % zoom of a 1440 px screen", 720, 450],
    ["1024 px wide", 1024, 768],
  ] as const) {
    it(`works ${name}: nothing is cut off sideways, everything can be reached`, async () => {
      const { page } = await openPage({ controller: await troubled(), width, height })
      const wide = await page.evaluate<number>("document.documentElement.scrollWidth")
      assert.ok(wide <= width, `${wide} px wide`)
      await page.locator("tr[data-link-id] button.row").first().click()
      await page.waitForSelector("[data-details=link]")
      const details = await page.locator(".details").boundingBox()
      assert.ok(details !== null && details.x >= 0 && details.x + details.width <= width)
      const canvas = await page.locator("canvas").boundingBox()
      assert.ok(canvas !== null && canvas.height > 150)
      const small = await page.evaluate<string[]>(
        `[...document.querySelectorAll("button, input")]
          .map((each) => each.getBoundingClientRect())
          .filter((box) => box.width > 0 && (box.height < 24 || box.width < 24))
          .map((box) => box.width + "x" + box.height)`,
      )
      assert.deepEqual(small, [], "targets are 24 px at least (WCAG 2.5.8)")
      assert.deepEqual(await violations(page), [])
    })
  }

  it("announces what happened, several events in one breath", async () => {
    const { page, here } = await openPage({ controller: new FakeController(ring(6)) })
    await page.waitForSelector("[data-connection=live]")
    for (const name of ["l1", "l2", "l3", "l4", "l5"]) here.controller.setLink(name, false)
    const live = page.locator("[aria-live=polite]")
    await until(page, `document.querySelector("[aria-live=polite]").textContent !== ""`)
    const told = await live.textContent()
    assert.match(told ?? "", /Site 5 – Site 6 stopped generating.* And 2 more\.$/)
  })
})
