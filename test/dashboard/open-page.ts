// Opens the page in headless Chromium for a test, on a fake controller behind the real HTTP server.

import { existsSync } from "node:fs"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import type { Scene } from "../../src/dashboard/scene.js"
import type { FakeController } from "../north/fake-controller.js"
import { house, type House } from "../north/harness.js"
import { buildPage } from "./build-page.js"

const CHROMIUM = "/usr/bin/chromium"

export const hasChromium = existsSync(CHROMIUM)

export interface OpenPage {
  readonly here: House
  readonly page: Page
  readonly context: BrowserContext
  /** Everything asked for, by URL. */
  readonly asked: readonly string[]
  /** Faults the page or its console reported. */
  readonly faults: readonly string[]
  /** What the map last drew. */
  readonly drawn: () => Promise<Scene>
}

export interface OpenOptions {
  readonly controller: FakeController
  readonly dark?: boolean
  readonly width?: number
  readonly height?: number
  /** Come without a login code. */
  readonly stranger?: boolean
  readonly scale?: number
}

let browser: Browser | undefined
let built: Awaited<ReturnType<typeof buildPage>> | undefined
const contexts: BrowserContext[] = []

/** Call in `before`. */
export async function startBrowser(): Promise<void> {
  built = await buildPage()
  browser = await chromium.launch({
    executablePath: CHROMIUM,
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
}

/** Call in `after`. */
export async function stopBrowser(): Promise<void> {
  await browser?.close()
  built?.remove()
}

/** Call in `afterEach`, before the house closes. */
export async function closePages(): Promise<void> {
  await Promise.all(contexts.splice(0).map((context) => context.close()))
}

export async function openPage(options: OpenOptions): Promise<OpenPage> {
  if (browser === undefined || built === undefined) throw new Error("startBrowser first")
  const here = await house({ controller: options.controller, pageFolder: built.folder })
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    colorScheme: options.dark === true ? "dark" : "light",
    deviceScaleFactor: options.scale ?? 1,
  })
  contexts.push(context)
  const page = await context.newPage()
  const asked: string[] = []
  const faults: string[] = []
  page.on("request", (request) => asked.push(request.url()))
  page.on("websocket", (socket) => asked.push(socket.url()))
  page.on("pageerror", (error) => faults.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text())
  })
  await page.addInitScript(`addEventListener("keyloom-drawn", (event) => {
    globalThis.lastDrawn = event.detail
  })`)
  const code = options.stranger === true ? "" : `#login=${here.access.issueLoginCode()}`
  await page.goto(`${here.http.url}/${code}`)
  if (options.stranger !== true) await page.waitForSelector("[data-link-status]")
  return {
    here,
    page,
    context,
    asked,
    faults,
    drawn: () => page.evaluate<Scene>("globalThis.lastDrawn"),
  }
}

/** Resolves once the expression holds in the page. Asked from outside, since the page's policy forbids eval. */
export async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate<boolean>(expression))) await page.waitForTimeout(40)
}
