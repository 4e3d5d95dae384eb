/**
 * Preloaded (`--import`) by processes and threads that run a changed program: a source that the folder named by the
 * environment has, under its path in the repository, takes the place of the repository's. The checkout is never touched.
 */
import { existsSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { OVERLAY } from './places.ts'

const folder = process.env[OVERLAY]
const root = new URL('../../', import.meta.url).href

if (folder !== undefined)
  registerHooks({
    load(url, context, load) {
      const path = url.startsWith(root) && url.endsWith('.ts') ? `${folder}/${url.slice(root.length)}` : undefined
      if (path === undefined || !existsSync(path)) return load(url, context)
      return { format: 'module-typescript', source: readFileSync(path, 'utf8'), shortCircuit: true }
    },
  })
