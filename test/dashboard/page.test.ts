// The page in a browser: signing in, map and tables live, keyboard, breaks, nothing from elsewhere.

import assert from "node:assert/strict"
import type { Page } from "playwright-core"
import { FakeController, testUuid } from "../north/fake-controller.js"
import { closeAll, house, OPERATOR } from "../north/harness.js"
import { luxembourg } from "../north/topologies.js"
import { closePages, hasChromium, openPage, startBrowser, stopBrowser, until } from "./open-page.js"

async function servedLuxembourg(): Promise<FakeController> {
  const controller = new FakeController(luxembourg)
  await controller.order({
    serviceId: testUuid(9, 1),
    aSaeId: "sae-windhof",
    bSaeId: "sae-betzdorf",
    terms: { minRateBps: 256, maxRateBps: 4000, priority: 0, avoidNodes: [] },
  })
  controller.settle()
  return controller
}

/** Colours of the canvas along a short piece around a point, as `r,g,b`. */
async function colours(page: Page, x: number, y: number): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const canvas = document.querySelector("canvas")
    const ratio = canvas.width / canvas.clientWidth
    const data = canvas.getContext("2d").getImageData(
      Math.round(${x} * ratio) - 12, Math.round(${y} * ratio) - 12, 24, 24).data
    const all = new Set()
    for (let i = 0; i < data.length; i += 4) all.add(data[i] + "," + data[i + 1] + "," + data[i + 2])
    return [...all]
  })()`)
}

const BLUE = "0,114,178"
const GREY = "95,99,104"

describe("the page", function () {
  this.timeout(180_000)
  before(async function () {
    if (!hasChromium) {
      process.stderr.write("page tests skipped: chromium is not installed\n")
      this.skip()
    }
    await startBrowser()
  })
  after(stopBrowser)
  afterEach(async () => {
    await closePages()
    await closeAll()
  })

  it("signs in by the address alone, which it then forgets, and shows the network", async () => {
    const { page, faults, asked, here, context } = await openPage({
      controller: await servedLuxembourg(),
    })
    assert.equal(new URL(page.url()).hash, "")
    assert.equal(await page.locator("[data-link-status=ACTIVE]").count(), 2)
    assert.equal(await page.locator("[data-node-reach=connected]").count(), 3)
    const service = page.locator("[data-service-state=active]")
    assert.equal(await service.getAttribute("data-service-path"), "Windhof,Kirchberg,Betzdorf")
    await page.waitForSelector("[data-connection=live]")
    await page.locator("[data-event-seq]").first().waitFor()
    assert.equal(await page.evaluate("document.cookie"), "")
    const [cookie] = await context.cookies()
    assert.ok(cookie?.httpOnly === true && cookie.sameSite === "Strict")
    assert.deepEqual(faults, [])
    const hosts = new Set(asked.map((url) => new URL(url).host))
    assert.deepEqual([...hosts], [new URL(here.http.url).host], "nothing leaves the host")
    assert.ok(asked.some((url) => url.startsWith("ws:")))
    assert.ok(asked.every((url) => !url.includes("login=")))
  })

  it("shows a cut fibre on the map, in the table and among the events, and its mending", async () => {
    const { page, drawn, here } = await openPage({ controller: await servedLuxembourg() })
    const { controller } = here
    const id = controller.link("windhof-kirchberg").qkdlId
    const row = page.locator(`[data-link-id="${id}"]`)
    const probe = async (): Promise<string[]> => {
      const link = (await drawn()).links.find((each) => each.id === id)
      assert.ok(link !== undefined)
      const { from, to } = link
      return colours(page, from.x + (to.x - from.x) * 0.25, from.y + (to.y - from.y) * 0.25)
    }
    const before = await probe()
    assert.ok(before.includes(BLUE) && !before.includes(GREY))

    controller.setLink("windhof-kirchberg", false)
    controller.settle()
    await page.locator(`[data-link-id="${id}"][data-link-status=PASSIVE]`).waitFor()
    await page.locator("[data-service-state=degraded]").waitFor()
    await page.getByText("Link Windhof – Kirchberg stopped generating: no light received").waitFor()
    await until(page, "globalThis.lastDrawn.links.filter((l) => l.down).length === 1")
    const cut = await probe()
    assert.ok(cut.includes(GREY) && !cut.includes(BLUE))

    controller.setLink("windhof-kirchberg", true)
    controller.settle()
    await page.locator("[data-service-state=active]").waitFor()
    await until(page, "globalThis.lastDrawn.links.every((l) => !l.down)")
    assert.equal(await row.getAttribute("data-link-status"), "ACTIVE")
    assert.ok((await probe()).includes(BLUE))
  })

  it("is walked by keyboard: rows by arrows, details by Enter", async () => {
    const { page } = await openPage({ controller: await servedLuxembourg() })
    const first = page.locator("tr[data-link-id] button.row").first()
    await first.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.waitForSelector("[data-details=link]")
    assert.equal(await page.locator(".details h2").textContent(), "Windhof – Kirchberg")
    await until(page, "globalThis.lastDrawn.links.some((l) => l.selected)")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("betz")
    await page.locator("tr[data-node-id]").nth(1).waitFor({ state: "detached" })
    assert.equal(await page.locator("tr[data-node-id]").getAttribute("data-node-name"), "Betzdorf")
  })

  it("lets the map be clicked, and shows the path of the service chosen", async () => {
    const { page, drawn } = await openPage({ controller: await servedLuxembourg() })
    const { nodes } = await drawn()
    const node = nodes.find((each) => each.name === "Kirchberg")
    assert.ok(node !== undefined)
    await page.locator("canvas").click({ position: { x: node.x, y: node.y } })
    await page.waitForSelector("[data-details=node]")
    await page.locator("tr[data-service-id] button.row").click()
    await page.waitForSelector("[data-details=service]")
    await until(page, "globalThis.lastDrawn.links.every((l) => l.onPath)")
    assert.equal(await page.locator(".hops .stop").count(), 3)
    const facts = (await page.locator("[data-details=service] .facts").textContent()) ?? ""
    assert.match(facts, /Guaranteed\s*256 bit\/s/)
    assert.match(facts, /May take now\s*3\.20 kbit\/s/)
  })

  it("says when the connection breaks, and misses nothing after", async () => {
    const { page, here } = await openPage({ controller: await servedLuxembourg() })
    const { controller, access } = here
    await page.waitForSelector("[data-connection=live]")
    const { port } = here.http
    await here.http.close()
    await page.waitForSelector("[data-connection=lost]")
    controller.setLink("windhof-kirchberg", false)
    controller.setReach("Betzdorf", "unreachable")
    await house({ controller, port, access })
    await page.waitForSelector("[data-connection=live]")
    await page.locator("[data-link-status=PASSIVE]").waitFor()
    await page.locator("[data-node-reach=unreachable]").waitFor()
    const seqs = await page.evaluate<number[]>(
      `[...document.querySelectorAll("[data-event-seq]")].map((row) => Number(row.dataset.eventSeq))`,
    )
    assert.equal(new Set(seqs).size, seqs.length, "no event twice")
    assert.ok(seqs.includes(controller.lastSeq()) && seqs.includes(controller.lastSeq() - 1))
  })

  it("stops the event list when paused and says how much it holds back", async () => {
    const { page, here } = await openPage({ controller: await servedLuxembourg() })
    await page.locator("[data-event-seq]").first().waitFor()
    const shown = await page.locator("[data-event-seq]").count()
    await page.locator("[data-pause]").click()
    here.controller.setReach("Betzdorf", "unreachable")
    await page.getByText("1 new event").waitFor()
    assert.equal(await page.locator("[data-event-seq]").count(), shown)
    await page.locator("[data-pause]").click()
    await page.locator("[data-event-seq]").nth(shown).waitFor()
  })

  it("asks strangers to sign in, takes a token, and lets go on signing out", async () => {
    const { page } = await openPage({ controller: await servedLuxembourg(), stranger: true })
    const field = page.getByLabel("Token or address")
    await field.fill("wrong")
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.getByText("no such token").waitFor()
    assert.equal(await page.locator("[data-link-status]").count(), 0)
    await field.fill(OPERATOR)
    await page.getByRole("button", { name: "Sign in" }).click()
    await page.waitForSelector("[data-link-status]")
    await page.getByRole("button", { name: "Sign out" }).click()
    await field.waitFor()
    await page.reload()
    await field.waitFor()
  })

  it("shows what it was sent as text, whatever it is", async () => {
    const { page, here, faults } = await openPage({ controller: await servedLuxembourg() })
    here.controller.say("note", "<img src=x onerror=alert(1)><script>alert(2)</script>")
    await page.getByText("<script>alert(2)</script>").waitFor()
    assert.equal(await page.locator(".events img, .events script").count(), 0)
    assert.deepEqual(faults, [])
  })
})
