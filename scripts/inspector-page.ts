/**
 * Bundles the inspector's page: `npm run build` puts it into `dist/inspector-page/`. It is one module, one style sheet, and one
 * page that names them: nothing inline, and nothing of elsewhere.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { bountyKind } from '../src/bounty/kind.ts'
import { CHART_STYLE, describeChart, drawChart } from '../src/chart/index.ts'
import { drawingName } from '../src/inspector/charts.ts'
import { mintKinds } from '../src/mint-server/operations/index.ts'
import { walletKinds } from '../src/wallet/kinds/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = join(root, 'src/inspector/page')
const COPIED = ['index.html', 'icon.svg']
/** In this order: what comes later stands above what came before. */
const STYLES = ['base.css', 'list.css', 'detail.css', 'chart.css', 'film.css', 'narrow.css']

/** The page's module, in one piece. */
async function bundle(): Promise<string> {
  const bundles = await build({
    configFile: false,
    logLevel: 'silent',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: join(sources, 'main.tsx'), formats: ['es'] },
      rolldownOptions: { output: { codeSplitting: false, minify: true } },
    },
  })
  if (!Array.isArray(bundles)) throw new TypeError('vite gives one bundle for each format of a library')
  const [part] = bundles[0]?.output ?? []
  if (!part) throw new TypeError('vite gave no bundle')
  return part.code
}

/** Writes the page into a folder. */
export async function buildPage(folder: string): Promise<{ readonly gzipBytes: number }> {
  const code = await bundle()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'page.js'), code)
  // The page may not have styles inline, so those of charts are in its own sheet, before what it sets anew.
  const sheets = STYLES.map((name) => readFileSync(join(sources, 'styles', name), 'utf8'))
  writeFileSync(join(folder, 'page.css'), [CHART_STYLE, ...sheets].join('\n'))
  for (const name of COPIED) copyFileSync(join(sources, name), join(folder, name))
  return { gzipBytes: gzipSync(code).length }
}

/** The page of the sources as they are, built where that was not done yet. For tests and demos. */
export async function builtPage(): Promise<URL> {
  const hash = createHash('sha256')
  for (const path of globSync(
    [
      'src/inspector/page/*.*',
      'src/inspector/page/styles/*',
      'src/chart/style.ts',
      'src/inspector/feed.ts',
      'scripts/inspector-page.ts',
    ],
    {
      cwd: root,
    },
  ).toSorted())
    hash.update(path).update(readFileSync(join(root, path)))
  const folder = join(root, 'node_modules/.cache/inspector-page', hash.digest('hex').slice(0, 16))
  if (!existsSync(folder)) {
    const draft = `${folder}.${process.pid}.${performance.now()}`
    await buildPage(draft)
    try {
      renameSync(draft, folder)
    } catch {
      // Another one was quicker.
      rmSync(draft, { recursive: true, force: true })
    }
  }
  return pathToFileURL(`${folder}/`)
}

/** Draws the charts of the package's own kinds: they are shown without the library that lays them out. */
async function drawCharts(folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true })
  const charts = [...walletKinds, ...mintKinds, bountyKind()].map(({ machine }) => describeChart(machine))
  for (const chart of charts) writeFileSync(join(folder, drawingName(chart)), await drawChart(chart, { style: false }))
  return charts.length
}

if (import.meta.main) {
  const { gzipBytes } = await buildPage(join(root, 'dist/inspector-page'))
  const charts = await drawCharts(join(root, 'dist/inspector-page/charts'))
  console.log(`the inspector's page: ${(gzipBytes / 1000).toFixed(1)} kB gzip, ${charts} charts`)
}
