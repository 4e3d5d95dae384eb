/**
 * Goal: what is said to run in a browser does.
 * Method: every export of package.json that is not for Node alone is bundled for the browser from its source; an import
 * of one of Node's own modules, by us or by a dependency, fails the bundle and is named.
 */
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const NODE_ONLY = ['./store/sqlite', './store/sqlite-encrypted', './store/postgres', './mint-server', './inspector']

/** Says in a browser that it is not to be had there. */
const REFUSED = './crypto/secp256k1'

const refuseNode: Plugin = {
  name: 'refuse-node',
  enforce: 'pre',
  resolveId(source, importer) {
    if (isBuiltin(source)) throw new Error(`${importer} imports ${source}`)
  },
}

/** The code of a browser bundle. */
async function bundle(entry: string): Promise<string> {
  const bundles = await build({
    configFile: false,
    logLevel: 'silent',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    plugins: [refuseNode],
    build: { write: false, minify: false, lib: { entry, formats: ['es'] } },
  })
  if (!Array.isArray(bundles)) throw new TypeError('vite gives one bundle for each format of a library')
  return bundles.flatMap(({ output }) => output.map((part) => (part.type === 'chunk' ? part.code : ''))).join('\n')
}

const exported: Readonly<Record<string, string | { readonly default: string }>> = manifest.exports
const entries = Object.entries(exported).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [[subpath, target.default.replace('./dist/', '').replace(/\.js$/, '.ts')] as const],
)

test.each(entries.filter(([subpath]) => ![...NODE_ONLY, REFUSED].includes(subpath)))(
  '%s runs in a browser',
  async (_, entry) => {
    const code = await bundle(entry)
    expect(code).toMatch(/^export \{/m)
    expect(code).not.toMatch(/['"]node:/)
  },
)

test.each(entries.filter(([subpath]) => NODE_ONLY.includes(subpath)))('%s is for Node alone', async (_, entry) => {
  await expect(bundle(entry)).rejects.toThrow(/ imports /)
})

/** A name in the package that wraps the WASM. */
const TINY = 'WASM_PUBLIC_KEY_INPUT_PTR'

test.each(entries.filter(([subpath]) => ['.', REFUSED, './crypto/wasm'].includes(subpath)))(
  '%s brings along the optional library that it is made of, and no other',
  async (subpath, entry) => {
    const code = await bundle(entry)
    expect(code.includes(TINY)).toBe(subpath === './crypto/wasm')
    expect(code).not.toContain('node-gyp-build')
  },
)
