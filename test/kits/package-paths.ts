/** The package's entry points as its users import them, and the source of each: `paths` of a TypeScript configuration. */
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')

export const packagePaths: Readonly<Record<string, readonly [string]>> = Object.fromEntries(
  Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [
          [
            subpath.replace('.', manifest.name),
            [join(root, target.default.replace('./dist/', '').replace(/\.js$/, '.ts'))] as const,
          ],
        ],
  ),
)
