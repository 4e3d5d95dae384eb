/** Leads imports of this package to its sources: `node --import ./test/kits/resolve-sources.ts program.ts` needs no build. */
import { registerHooks } from 'node:module'
import manifest from '../../package.json' with { type: 'json' }

const exported: Readonly<Record<string, string | { readonly default: string }>> = manifest.exports
const sources = new Map(
  Object.entries(exported).flatMap(([subpath, target]) => {
    if (typeof target === 'string') return []
    const source = target.default.replace('./dist/', '../../').replace(/\.js$/, '.ts')
    return [[subpath.replace('.', manifest.name), new URL(source, import.meta.url).href]]
  }),
)

registerHooks({
  resolve: (specifier, context, next) => next(sources.get(specifier) ?? specifier, context),
})
