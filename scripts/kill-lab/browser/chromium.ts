/** A real Chromium with a profile on disk, and pages of our own code in it, served over HTTP. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium, type BrowserContext, type CDPSession, type Page } from 'playwright-core'
import { build } from 'vite'

const EXECUTABLE = '/usr/bin/chromium'

/** @throws {Error} where there is no Chromium; it says what to install. */
export function chromiumPath(): string {
  if (!existsSync(EXECUTABLE)) throw new Error(`${EXECUTABLE} is missing: run \`apt-get install -y chromium\``)
  return EXECUTABLE
}

/** What a module is in a browser, in one file. */
export async function bundle(entry: URL): Promise<string> {
  const bundles = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(entry), formats: ['es'] },
      // What is loaded later, or never, is in the same file.
      rolldownOptions: { output: { codeSplitting: false } },
    },
  })
  if (!Array.isArray(bundles)) throw new TypeError('vite gives one bundle for each format of a library')
  const [part] = bundles[0]!.output
  return part.code
}

export interface Site extends AsyncDisposable {
  readonly url: string
}

/** Serves a page that runs the module. All of its own origin: a free port of 127.0.0.1, which counts as secure. */
export async function serve(entry: URL): Promise<Site> {
  const code = await bundle(entry)
  const server = createServer((request, response) => {
    if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(code)
    else response.setHeader('content-type', 'text/html').end('<!doctype html><script type="module" src="/page.js"></script>') // prettier-ignore
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

export interface Chromium extends AsyncDisposable {
  readonly context: BrowserContext
  /** Speaks the DevTools protocol with the browser itself. */
  readonly devtools: CDPSession
  /** Opens the page; whatever goes wrong in it goes wrong here. */
  open(url: string): Promise<Page>
  /** SIGKILL to every process that runs pages, or to the browser as a whole. */
  kill(what: 'renderers' | 'browser'): Promise<void>
}

/** Starts Chromium on a profile, which is made where there is none. */
export async function startChromium(profileDir: string): Promise<Chromium> {
  const context = await chromium.launchPersistentContext(profileDir, {
    executablePath: chromiumPath(),
    // As root there is no sandbox to be had, and containers have a small /dev/shm.
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'],
  })
  const browser = context.browser()!
  const devtools = await browser.newBrowserCDPSession()
  // The page that it starts with would be killed with the others, and in the way from then on.
  for (const page of context.pages()) await page.close()
  return {
    context,
    devtools,
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
    async kill(what) {
      const type = what === 'browser' ? 'browser' : 'renderer'
      const running = async (): Promise<number[]> =>
        (await devtools.send('SystemInfo.getProcessInfo')).processInfo.flatMap((each) =>
          each.type === type ? each.id : [],
        )
      const killed = await running()
      const gone = new Promise<void>((resolve) => browser.once('disconnected', () => resolve()))
      for (const pid of killed) signal(pid)
      if (what === 'browser') return gone
      // A page that is opened too early would be given to a process that is dead, and not yet missed.
      while ((await running()).some((pid) => killed.includes(pid))) await delay(5)
    },
    async [Symbol.asyncDispose]() {
      await context.close()
    },
  }
}

/** It may have ended by itself meanwhile. */
function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
