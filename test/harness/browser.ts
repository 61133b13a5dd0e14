import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { outputOf } from '../../deploy/command.ts'

const CHECKOUT = resolve(import.meta.dirname, '../..')
const PACKAGES = join(CHECKOUT, 'test/browser')
/** Where pictures of pages go: `COXSWAIN_SCREENSHOTS`, else nowhere. */
const SCREENSHOTS = process.env['COXSWAIN_SCREENSHOTS']

/** What the tests use of Playwright, whose types are not there where nobody runs them. */
export interface Locator {
  click(): Promise<void>
  fill(text: string): Promise<void>
  press(key: string): Promise<void>
  focus(): Promise<void>
  selectOption(value: string): Promise<unknown>
  check(): Promise<void>
  count(): Promise<number>
  first(): Locator
  nth(index: number): Locator
  filter(options: { hasText: string | RegExp }): Locator
  locator(selector: string): Locator
  innerText(): Promise<string>
  inputValue(): Promise<string>
  allInnerTexts(): Promise<string[]>
  getAttribute(name: string): Promise<string | null>
  evaluate<T>(action: (element: HTMLElementLike) => T): Promise<T>
  waitFor(options?: { state?: 'visible' | 'hidden' | 'attached' | 'detached'; timeout?: number }): Promise<void>
}

/** What is asked of an element in the page. */
export interface HTMLElementLike {
  scrollTop: number
  readonly scrollHeight: number
  readonly clientHeight: number
}

export interface Page {
  goto(url: string): Promise<unknown>
  reload(): Promise<unknown>
  url(): string
  locator(selector: string): Locator
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator
  getByText(text: string | RegExp, options?: { exact?: boolean }): Locator
  getByLabel(text: string | RegExp, options?: { exact?: boolean }): Locator
  evaluate<T>(script: string): Promise<T>
  addScriptTag(script: { content: string }): Promise<unknown>
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>
  setViewportSize(size: { width: number; height: number }): Promise<void>
  emulateMedia(options: { colorScheme?: 'dark' | 'light' }): Promise<void>
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> }
  on(event: 'pageerror', listener: (error: Error) => void): unknown
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): unknown
  context(): BrowserContext
  close(): Promise<void>
}

export interface BrowserContext {
  newPage(): Promise<Page>
  close(): Promise<void>
}

export interface Browser {
  /** A browser of its own, as far as pages can tell. */
  newContext(options?: { bypassCSP?: boolean; viewport?: { width: number; height: number } }): Promise<BrowserContext>
  close(): Promise<void>
}

/** A real Chromium without a screen. @throws CommandFailed where its packages cannot be had */
export async function launchBrowser(): Promise<Browser> {
  await outputOf(join(PACKAGES, 'prepare.sh'), [], { env: process.env })
  const require = createRequire(join(PACKAGES, 'package.json'))
  const { chromium } = require('playwright-core') as { chromium: { launch(options: object): Promise<Browser> } }
  const { default: packed } = (await import(pathToFileURL(require.resolve('@sparticuz/chromium')).href)) as {
    default: { executablePath(): Promise<string> }
  }
  // The package's own flags are for clouds' functions: one process for everything, and no web security.
  return chromium.launch({ executablePath: await packed.executablePath(), args: ['--no-sandbox', '--disable-gpu'], headless: true })
}

/** What axe-core finds wrong for people who do not see, or do not use a mouse; the page's context must bypass its CSP. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>('Boolean(globalThis.axe)'))) {
    await page.addScriptTag({ content: readFileSync(join(PACKAGES, 'node_modules/axe-core/axe.min.js'), 'utf8') })
  }
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ': ' + failureSummary)))`,
  )
}

/** Goes there, and a second time where a network came or went meanwhile (other tests make some): Chromium then drops what it is loading. */
export async function goTo(page: Page, url: string): Promise<void> {
  const go = async () => {
    await page.goto(url)
    await page.locator('#app > *').first().waitFor({ timeout: 10_000 })
  }
  await go().catch(go)
}

export async function picture(page: Page, name: string): Promise<void> {
  if (!SCREENSHOTS) return
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
}
